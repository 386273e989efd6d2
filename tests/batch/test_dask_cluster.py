from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from batch.nights import FAKE, TESTS, Night, state_of
from bodyscan.batch.dask_cluster import DaskPool
from bodyscan.batch.job import JobState
from bodyscan.errors import InputError, MissingExtraError, StageError

pytestmark = pytest.mark.slow


class Cluster:
    """A scheduler and workers of Dask on loopback, as processes of their own."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "scheduler.json"
        self.workers: list[subprocess.Popen[bytes]] = []
        self.log = (folder / "dask.log").open("wb")
        self.scheduler = self._start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", self.file
        )
        limit = time.monotonic() + 60
        while not (self.file.exists() and self.file.read_text().strip()) and time.monotonic() < limit:
            time.sleep(0.1)
        self.address = json.loads(self.file.read_text())["address"]

    def add_worker(self) -> None:
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1")
        self.workers.append(self._start("worker", self.address, *options, "--memory-limit", "0"))

    def _start(self, *words: object) -> subprocess.Popen[bytes]:
        env = {**os.environ, "PYTHONPATH": str(TESTS)}
        command = [sys.executable, "-m", "dask", *map(str, words)]
        return subprocess.Popen(command, stdout=self.log, stderr=self.log, env=env)

    def close(self) -> None:
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait()
        self.log.close()


@pytest.fixture
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    found = Cluster(tmp_path_factory.mktemp("cluster"))
    for _ in range(2):
        found.add_worker()
    yield found
    found.close()


@pytest.fixture
def night(tmp_path) -> Night:
    return Night(tmp_path)


def pool_of(cluster: Cluster, workers: int = 2) -> DaskPool:
    pool = DaskPool(cluster.address, module=FAKE)
    limit = time.monotonic() + 60
    while pool.capacity < workers and time.monotonic() < limit:
        time.sleep(0.1)
    return pool


def test_a_cluster_makes_every_scan_and_tells_its_stages(night, cluster):
    for name in ("anna", "ben", "cleo", "dora"):
        night.add(name, seconds=0.3)
    done = night.run(pool=pool_of(cluster))
    assert set(state_of(done).values()) == {"done"}
    assert len(night.uses()) == 4
    stages = {job.stage for jobs, _ in night.told for job in jobs}
    assert {"read", "fit"} & stages
    workers = {job.worker for jobs, _ in night.told for job in jobs if job.worker}
    assert len(workers) == 2


def test_a_worker_that_is_killed_in_the_middle_costs_a_try_and_nothing_else(night, cluster):
    for name in ("anna", "ben", "cleo", "dora", "emil", "fred"):
        night.add(name, seconds=0.5)
    killed = []

    def kill(jobs, summary):
        if not killed and summary.counts[JobState.DONE] >= 1 and summary.counts[JobState.RUNNING] >= 1:
            os.kill(cluster.workers[0].pid, signal.SIGKILL)
            killed.append(True)

    done = night.run(kill, pool=pool_of(cluster))
    assert killed
    assert set(state_of(done).values()) == {"done"}
    assert len(night.uses()) == 6
    assert sorted(name for name in night.files() if name.endswith(".glb")) == [
        f"{name}/{name}.glb" for name in sorted(night.people)
    ]
    assert not (night.out / ".staging").exists()


def test_a_scheduler_that_goes_away_is_one_error_and_the_next_run_goes_on(night, cluster):
    for name in ("anna", "ben", "cleo"):
        night.add(name, seconds=0.5)

    def kill(jobs, summary):
        if summary.counts[JobState.DONE] >= 1:
            cluster.scheduler.kill()

    with pytest.raises(StageError, match="went away"):
        night.run(kill, pool=pool_of(cluster))
    done = night.run()
    assert set(state_of(done).values()) == {"done"}
    assert len(night.uses()) == 3


def test_no_scheduler_is_an_error_that_says_how_to_start_one(monkeypatch):
    monkeypatch.setattr("bodyscan.batch.dask_cluster.CONNECT_LIMIT_S", 1)
    with pytest.raises(InputError, match="dask scheduler"):
        DaskPool("tcp://127.0.0.1:9")


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtraError, match=r"bodyscan\[cluster\]"):
        DaskPool("tcp://127.0.0.1:9")
