"""A cluster on paper: 100,000 scans on 500 workers, with failures, through the real coordinator.

    python benchmarks/scale.py [--scans 100000] [--workers 500] [--seconds 45] [--seed 7]

Coordinator, retries and job table are the real ones; what is simulated is the time that a scan takes
(log-normal about the measured mean), the workers that die, and the scans that cannot be made. The clock is
the simulation's: 100,000 scans take the coordinator minutes, and how many seconds it spends on one scan says
how large a cluster one coordinator can keep busy.

It counts what the batch promises: scans lost (0), scans made twice (0), tries beyond the first, workers' time
that was lost with them, and how busy they were.
"""

from __future__ import annotations

import argparse
import csv
import heapq
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from bodyscan.batch.board import Board
from bodyscan.batch.coordinator import Coordinator
from bodyscan.batch.hands import Hands
from bodyscan.batch.job import Job, JobState
from bodyscan.batch.manifest import Row
from bodyscan.batch.options import BatchOptions
from bodyscan.batch.prepare import Prepared
from bodyscan.batch.table import JobTable, Stored
from bodyscan.consent import Purpose, Use
from bodyscan.consent.demo import make_demo_consent

RESULTS = Path(__file__).parent / "results" / "scale.csv"
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class World:
    """What goes wrong, and how long things take."""

    mean_s: float
    """Seconds of one scan on one core."""
    spread: float = 0.35
    """Standard deviation of the logarithm of a scan's time."""
    poisoned: float = 0.01
    """Share of scans whose input no try can read."""
    poor: float = 0.02
    """Share of scans whose fit is refused."""
    hiccup: float = 0.005
    """Chance that the store refuses an attempt."""
    worker_life_s: float = 6 * 3600.0
    """Mean time until a worker is taken away (a spot machine), seconds."""
    back_s: float = 300.0
    """Until another one stands in its place."""


class PaperPool:
    """Workers that only take time, on a clock of their own."""

    def __init__(self, world: World, workers: int, seed: int) -> None:
        self.world, self.now = world, 0.0
        self._random = np.random.default_rng(seed)
        self._due: list[tuple[float, int, Future[Any], Mapping[str, Any]]] = []
        self._back: list[float] = []
        self._workers, self._number = workers, 0
        self.busy_s = self.lost_s = 0.0
        self.begun: Counter[str] = Counter()
        self.deaths = 0

    @property
    def capacity(self) -> int:
        while self._back and self._back[0] <= self.now:
            heapq.heappop(self._back)
        return self._workers - len(self._back)

    def submit(self, task: Mapping[str, Any]) -> Future[Any]:
        world, job_id = self.world, task["id"]
        self.begun[job_id] += 1
        seconds = world.mean_s * float(np.exp(self._random.normal(-(world.spread**2) / 2, world.spread)))
        life = float(self._random.exponential(world.worker_life_s))
        fate = np.random.default_rng([11, int(job_id[1:])]).random()
        answer: dict[str, Any] = {"files": [], "place": f".staging/{task['attempt']}", "error": None}
        if life < seconds:
            self.deaths += 1
            self.lost_s += life
            seconds = life
            heapq.heappush(self._back, self.now + life + world.back_s)
            answer["error"] = {"kind": "killed", "message": "its worker was taken away"}
        elif fate < world.poisoned:
            seconds *= 0.05
            answer["error"] = {"kind": "input", "message": "no whole person"}
        elif fate < world.poisoned + world.poor:
            seconds *= 0.5
            answer["error"] = {"kind": "quality", "message": "a poor fit"}
        elif self._random.random() < world.hiccup:
            answer["error"] = {"kind": "system", "message": "the store did not answer"}
        answer |= {"seconds": seconds, "peak_bytes": 1_100_000_000}
        answer |= {"quality": {"surface_mean_mm": 0.5}, "measurements_cm": {}, "warnings": []}
        self.busy_s += seconds
        self._number += 1
        future: Future[Any] = Future()
        heapq.heappush(self._due, (self.now + seconds, self._number, future, answer))
        return future

    def events(self) -> list[Mapping[str, Any]]:
        return []

    def wait(self, futures: Set[Future[Any]], seconds: float) -> Set[Future[Any]]:
        """Let time pass, up to `seconds`, and return who is done by then."""
        done = {future for future in futures if future.done()}
        self.now += seconds
        while self._due and self._due[0][0] <= self.now:
            _, _, future, answer = heapq.heappop(self._due)
            future.set_result(answer)
            done.add(future)
        return done

    def stop(self, attempt: str) -> None:
        raise NotImplementedError("no consent is withdrawn on paper")

    def close(self) -> None:
        pass


def simulate(scans: int, workers: int, world: World, seed: int, folder: Path) -> dict[str, Any]:
    """Run one batch on paper; return its figures."""
    pool = PaperPool(world, workers, seed)
    published: Counter[str] = Counter()
    record = make_demo_consent("P").record

    def prepare(row: Row) -> Prepared:
        return Prepared(row, {}, "{}", Use(Purpose.MAKE_TWIN), row.id, {}, {})

    def publish(plan: Any, before: Sequence[Any]) -> tuple[Any, int]:
        published[plan.id] += 1
        return record, sum(published.values())

    rows = [Row(id=f"s{i}", capture=f"s{i}.ply", consent="c.json", line=i + 2) for i in range(scans)]
    stored = [Stored(Job(row.id, i, row.capture)) for i, row in enumerate(rows)]
    began, used = time.perf_counter(), time.process_time()
    with JobTable.open(folder / "jobs.sqlite") as table, ThreadPoolExecutor(4) as publishers:
        table.set_listed(stored)
        board = Board(table, stored)
        hands = Hands(prepare, lambda row, formats: record, publish, lambda: 1, lambda job_id, log: None)
        coordinator = Coordinator(
            board,
            pool,
            publishers,
            hands,
            BatchOptions(attempts=5),
            str(folder),
            None,
            clock=lambda: BEGAN + timedelta(seconds=pool.now),
            seconds=lambda: pool.now,
        )
        summary = coordinator.run(rows)
        done = [job.id for job in table.jobs() if job.state is JobState.DONE]
        size = (folder / "jobs.sqlite").stat().st_size
    wall, core = time.perf_counter() - began, time.process_time() - used
    makeable = [row.id for row in rows if not _hopeless(row.id, world)]
    counts = summary.counts
    return {
        "scans": scans,
        "workers": workers,
        "mean_s": world.mean_s,
        "done": counts[JobState.DONE],
        "failed": counts[JobState.FAILED],
        "makeable_not_made": len(set(makeable) - set(done)),
        "unfinished": scans - counts[JobState.DONE] - counts[JobState.FAILED],
        "published_twice": sum(count > 1 for count in published.values()),
        "not_published": len(set(done) - set(published)),
        "workers_lost": pool.deaths,
        "tries_beyond_first": sum(pool.begun.values()) - scans,
        "hours": round(pool.now / 3600, 3),
        "worker_hours": round(pool.busy_s / 3600, 1),
        "lost_worker_hours": round(pool.lost_s / 3600, 2),
        "busy": round(pool.busy_s / (pool.now * workers), 4),
        "coordinator_ms_a_scan": round(1e3 * wall / scans, 2),
        "coordinator_core_ms_a_scan": round(1e3 * core / scans, 2),
        "job_table_mb": round(size / 1e6, 1),
    }


def _hopeless(job_id: str, world: World) -> bool:
    return np.random.default_rng([11, int(job_id[1:])]).random() < world.poisoned + world.poor


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--scans", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=45.0, help="of one scan on one core")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = simulate(given.scans, given.workers, World(given.seconds), given.seed, Path(folder))
    for name, value in figures.items():
        print(f"{name:28} {value}")
    with given.results.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(figures), lineterminator="\n")
        writer.writeheader()
        writer.writerow(figures)
    if figures["makeable_not_made"] or figures["published_twice"] or figures["unfinished"]:
        raise SystemExit("scans were lost or made twice")


if __name__ == "__main__":
    main()
