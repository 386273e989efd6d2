"""`kill -9` at random moments: of the batch, of a host, of a scan. Nothing is lost, nothing made twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import psutil
import pytest

from batch.nights import FAKE, TESTS, Night, state_of
from bodyscan.batch.batch import read_status
from bodyscan.batch.job import JobState
from bodyscan.errors import InputError

RUN = f"""
import sys
from pathlib import Path
from batch.nights import NOW, Night
from bodyscan.batch.batch import Batch, run_batch
from bodyscan.batch.options import BatchOptions
from bodyscan.batch.pools import LocalPool
folder = Path(sys.argv[1])
batch = Batch(folder / "night.jsonl", str(folder / "out"), folder / "ledger.sqlite",
              BatchOptions(workers=2, retry_wait_s=0.01, attempts=50), evidence=folder / "evidence")
print("go", flush=True)
run_batch(batch, clock=lambda: NOW, on_change=lambda jobs, summary: None, pool=LocalPool(2, {FAKE!r}))
"""


@pytest.fixture
def night(tmp_path):
    night = Night(tmp_path)
    for number in range(8):
        night.add(f"p{number}", seconds=0.25)
    assert night.batch.manifest.exists()
    return night


def start(night: Night) -> subprocess.Popen[str]:
    env = {**os.environ, "PYTHONPATH": str(TESTS)}
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(night.folder)], stdout=subprocess.PIPE, text=True, env=env
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def done_so_far(night: Night) -> set[str]:
    try:
        jobs, _ = read_status(night.out / ".batch")
    except InputError:
        return set()
    return {job.id for job in jobs if job.state is JobState.DONE}


def whole(night: Night) -> None:
    """Every scan has one twin, one use that counts, and nothing else lies about."""
    uses = [use for use in night.uses() if use["kind"] == "twin"]
    voided = {use["voids"] for use in night.uses() if use["kind"] == "void"}
    people = Counter(use["subject"] for use in uses if use["sequence"] not in voided)
    assert len(people) == 8
    assert set(people.values()) == {1}
    assert night.files() == sorted([*(f"p{i}/p{i}.glb" for i in range(8)), "index.html"])
    assert not (night.out / ".staging").exists()


@pytest.mark.slow
def test_the_batch_is_killed_again_and_again_and_goes_on(night):
    moments = random.Random(7)
    stamps: dict[str, int] = {}
    for _ in range(5):
        process = start(night)
        time.sleep(moments.uniform(0.0, 2.0))
        process.kill()
        process.wait()
        for name in done_so_far(night):
            stamp = (night.out / name / f"{name}.glb").stat().st_mtime_ns
            assert stamps.setdefault(name, stamp) == stamp, f"{name} was made twice"
    assert set(state_of(night.run(attempts=50)).values()) == {"done"}
    for name, stamp in stamps.items():
        assert (night.out / name / f"{name}.glb").stat().st_mtime_ns == stamp
    whole(night)


@pytest.mark.slow
def test_hosts_and_scans_are_killed_again_and_again(night):
    moments = random.Random(5)
    process = start(night)
    killed = 0
    while process.poll() is None:
        time.sleep(moments.uniform(0.05, 0.4))
        try:
            family = psutil.Process(process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            break
        if family and killed < 12:
            with_luck = moments.choice(family)
            try:
                os.kill(with_luck.pid, signal.SIGKILL)
                killed += 1
            except ProcessLookupError:
                pass
    assert process.wait() == 0
    assert killed > 4
    whole(night)


POINTS = (
    ("save_many", "before"),
    ("save_many", "after"),
    ("append", "after"),
    ("move", "after"),
    ("mark_written", "after"),
)
"""Steps of the table and of publishing, before or after which the process is killed."""


@pytest.mark.slow
@pytest.mark.parametrize(("point", "when"), POINTS)
def test_killed_at_every_step_of_publishing_it_is_finished_by_the_next_run(night, point, when):
    """One scan's way to its place is cut at a known step, which random moments seldom meet."""
    night.rows = night.rows[:1]
    night.people = {"p0": night.people["p0"]}
    assert night.batch.manifest.exists()
    owner = {"append": "bodyscan.ledger.store.Ledger", "mark_written": "bodyscan.ledger.store.Ledger"}
    owner |= {"move": "bodyscan.batch.store.LocalStore", "save_many": "bodyscan.batch.table.JobTable"}
    module, _, name = owner[point].rpartition(".")
    cut = f"""
import os, signal
from {module} import {name}
real = {name}.{point}
def cut(self, *args, **more):
    publishing = True
    if {point!r} == "save_many":
        args = (list(args[0]),)
        publishing = any(row.job.state in ("publishing", "done") for row in args[0])
    if publishing and {when!r} == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    found = real(self, *args, **more)
    if publishing:
        os.kill(os.getpid(), signal.SIGKILL)
    return found
{name}.{point} = cut
"""
    env = {**os.environ, "PYTHONPATH": str(TESTS)}
    command = [sys.executable, "-c", cut + RUN, str(night.folder)]
    assert subprocess.run(command, env=env, capture_output=True, check=False).returncode == -signal.SIGKILL
    assert set(state_of(night.run()).values()) == {"done"}
    uses = night.uses()
    assert [use["kind"] for use in uses] == ["twin"]
    assert night.files() == ["index.html", "p0/p0.glb"]
    assert not (night.out / ".staging").exists()
