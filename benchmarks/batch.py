"""How many scans an hour a batch makes, and what it loses when it is killed.

    python benchmarks/batch.py                        40 people, 1 and 2 workers, on this machine and on Dask
    python benchmarks/batch.py --people 8             fewer
    python benchmarks/batch.py --kills 20             kill -9 at 20 random moments, and count
    python benchmarks/batch.py --threads              one scan with 1 and with all threads of its libraries
    python benchmarks/batch.py --record               append to benchmarks/results/batch.csv

People are simulated with known seeds (`make_scans`), in different builds, units and formats. Each case is the
command `bodyscan batch` itself, in a process of its own. Rented machines are faster now and slower then, by a
sixth within an hour: so the day is cut into parts (`--parts`), and each is made by every number of workers
before the next one begins. `per_hour` counts from the command's start, imports included; `rate` leaves out
the time until the first scan begins. A kill takes the batch, a worker's host or a scan, whichever comes up;
`lost` are scans without a twin at the end, `repeated` finished twins that were made again, `double_uses`
people with more than one use that counts in the ledger, `litter` files that belong to nothing.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
from fit_record import git_revision

from bodyscan import __version__
from bodyscan.batch.batch import read_status
from bodyscan.batch.job import JobState
from bodyscan.consent.demo import make_demo_consent
from bodyscan.consent.key_files import save_private_key
from bodyscan.errors import InputError
from bodyscan.ledger import Ledger
from bodyscan.simulate import RawScanOptions, simulate_raw_scan, write_scan

RESULTS = Path(__file__).parent / "results" / "batch.csv"
COLUMNS = (
    "date", "version", "revision", "cores", "case", "people", "workers", "seconds", "first_s",
    "rate_per_hour", "per_hour", "mean_scan_s", "peak_mb", "kills", "lost", "repeated", "double_uses",
    "litter",
)  # fmt: skip
SUFFIXES = (".ply", ".obj", ".glb", ".stl")
BUILDS = ("thin", "average", "heavy", "athletic")
Row = dict[str, Any]


def make_scans(folder: Path, people: int) -> Path:
    """Write the scans, consents and keys of a studio's day; return the manifest. What is there is kept."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["capture,consent,texture.size"]
    for seed in range(people):
        scan = folder / f"p{seed:02}{SUFFIXES[seed % len(SUFFIXES)]}"
        consent = folder / f"p{seed:02}.consent.json"
        if not (scan.exists() and consent.exists()):
            child = seed % 8 == 7
            options = RawScanOptions(
                seed=100 + seed,
                build="average" if child else BUILDS[seed % len(BUILDS)],
                age="child" if child else "adult",
                clothing="tshirt" if child else "sports",
                target_faces=60_000,
                unit=("m", "mm", "cm", "in")[seed % 4],
                up=("+y", "+z")[seed // 4 % 2],
                facing="+z" if seed // 4 % 2 == 0 else "-y",
            )
            write_scan(simulate_raw_scan(options), scan)
            demo = make_demo_consent(f"p{seed:02}")
            consent.write_text(demo.text)
            (folder / "demo_keys").mkdir(exist_ok=True)
            save_private_key(demo.controller_key, folder / "demo_keys" / f"p{seed:02}.controller.jwk")
        lines.append(f"{scan.name},{consent.name},2048")
    manifest = folder / f"day{people}.csv"
    manifest.write_text("\n".join(lines) + "\n")
    return manifest


def in_parts(manifest: Path, parts: int) -> list[Path]:
    """Cut a day's manifest into parts, one file each."""
    head, *rows = manifest.read_text().splitlines()
    borders = [len(rows) * part // parts for part in range(parts + 1)]
    made = []
    for start, end in pairwise(borders):
        if end > start:
            made.append(manifest.with_name(f"{manifest.stem}.{start}.csv"))
            made[-1].write_text("\n".join([head, *rows[start:end]]) + "\n")
    return made


@dataclass(frozen=True)
class Place:
    """Where one case writes."""

    folder: Path

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger.sqlite"

    def command(self, manifest: Path, *more: str) -> list[str]:
        words = [sys.executable, "-m", "bodyscan", "batch", str(manifest), "-o", str(self.out)]
        return [*words, "--ledger", str(self.ledger), "--quiet", "--json", *more]


@dataclass
class Total:
    """What the parts of one case came to."""

    people: int = 0
    done: int = 0
    seconds: float = 0.0
    first: float = 0.0
    scan_seconds: float = 0.0
    peak_bytes: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    def row(self, case: str, workers: int) -> Row:
        """Its figures."""
        return {
            "case": case,
            "people": self.people,
            "workers": workers,
            "seconds": round(self.seconds, 1),
            "first_s": round(self.first, 1),
            "rate_per_hour": round(3600 * self.done / (self.seconds - self.first), 1),
            "per_hour": round(3600 * self.done / self.seconds, 1),
            "mean_scan_s": round(self.scan_seconds / max(1, self.done), 2),
            "peak_mb": round(self.peak_bytes / 1e6),
            **self.faults,
        }


def run_part(total: Total, manifest: Path, place: Place, workers: int, *more: str) -> None:
    """Run one part of the day, and add what it came to."""
    people = len(manifest.read_text().splitlines()) - 1
    shutil.rmtree(place.folder, ignore_errors=True)
    place.folder.mkdir(parents=True)
    began = time.perf_counter()
    first = 0.0
    with subprocess.Popen(
        place.command(manifest, "--workers", str(workers), *more), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            event = json.loads(line)
            if not first and event["event"] == "job" and event["stage"]:
                first = time.perf_counter() - began
    seconds = time.perf_counter() - began
    jobs, _ = read_status(place.out / ".batch")
    done = [job for job in jobs if job.state is JobState.DONE]
    for job in jobs:
        if job.error is not None:
            print(f"  {job.id}: {job.error.message}", file=sys.stderr)
    total.people += people
    total.done += len(done)
    total.seconds += seconds
    total.first += first
    total.scan_seconds += sum(job.seconds for job in done)
    total.peak_bytes = max(total.peak_bytes, *(job.peak_memory_bytes for job in jobs))
    total.faults.update(audit(place, people, {}))


def kills(manifest: Path, place: Place, people: int, workers: int, count: int, seed: int) -> Row:
    """Kill something at `count` random moments, run to the end, and count what was lost or made twice."""
    shutil.rmtree(place.folder, ignore_errors=True)
    place.folder.mkdir(parents=True)
    moments, stamps, killed = random.Random(seed), {}, 0
    began = time.perf_counter()
    while True:
        process = subprocess.Popen(
            place.command(manifest, "--workers", str(workers), "--attempts", "20"), stdout=subprocess.DEVNULL
        )
        while process.poll() is None:
            try:
                process.wait(moments.uniform(2.0, 25.0))
            except subprocess.TimeoutExpired:
                if killed < count and _kill_one(process, moments):
                    killed += 1
        again = _finished_twice(place, stamps)
        if again:
            print(f"  made again: {', '.join(again)}", file=sys.stderr)
        if killed >= count and process.returncode == 0:
            break
        if process.returncode not in (0, -signal.SIGKILL):
            raise SystemExit(f"the batch ended with {process.returncode}")
        if process.returncode == 0:
            print(f"  all scans were done after {killed} kills", file=sys.stderr)
            break
    return {
        "case": "killed",
        "people": people,
        "workers": workers,
        "seconds": round(time.perf_counter() - began, 1),
        "kills": killed,
        **audit(place, people, stamps),
    }


def _kill_one(process: subprocess.Popen[Any], moments: random.Random) -> bool:
    """Kill the batch (one time in two), or one of the processes below it."""
    try:
        family = psutil.Process(process.pid).children(recursive=True)
        victim = process.pid if moments.random() < 0.5 or not family else moments.choice(family).pid
        os.kill(victim, signal.SIGKILL)
    except (psutil.NoSuchProcess, ProcessLookupError):
        return False
    return True


def _finished_twice(place: Place, stamps: dict[str, int]) -> list[str]:
    """Note the finished twins; return those that are not the file any more that they were."""
    try:
        jobs, _ = read_status(place.out / ".batch")
    except InputError:
        return []  # killed before there was a job table
    found = []
    for job in jobs:
        if job.state is JobState.DONE:
            stamp = (place.out / job.id / f"{job.id}.glb").stat().st_mtime_ns
            if stamps.setdefault(job.id, stamp) != stamp:
                found.append(job.id)
    return found


def audit(place: Place, people: int, stamps: dict[str, int]) -> Row:
    """Count what should be 0."""
    jobs, _ = read_status(place.out / ".batch")
    kept = {output.place for job in jobs for output in job.outputs} | {"index.html"}
    there = {
        path.relative_to(place.out).as_posix()
        for path in place.out.rglob("*")
        if path.is_file() and not path.is_relative_to(place.out / ".batch")
    }
    with Ledger.open(place.ledger, create=False) as ledger:
        entries = [json.loads(entry.body) for entry in ledger.entries()]
    voided = {entry["voids"] for entry in entries if entry["kind"] == "void"}
    uses = Counter(
        entry["subject"] for entry in entries if entry["kind"] == "twin" and entry["sequence"] not in voided
    )
    whole = [job for job in jobs if job.state is JobState.DONE and {o.place for o in job.outputs} <= there]
    return {
        "lost": people - len(whole),
        "repeated": len(_finished_twice(place, dict(stamps))),
        "double_uses": sum(count > 1 for count in uses.values()),
        "litter": len(there - kept),
    }


def threads(manifest: Path, place: Place) -> list[Row]:
    """One scan on an idle machine, its libraries held to one thread and not: `bodyscan twin`, best of two."""
    folder = manifest.parent
    rows = []
    for case, environ in (
        ("one thread", {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}),
        ("free", {}),
    ):
        best = float("inf")
        for _ in range(2):
            shutil.rmtree(place.folder, ignore_errors=True)
            place.folder.mkdir(parents=True)
            command = [sys.executable, "-m", "bodyscan", "twin", str(folder / "p00.ply"), "--quiet"]
            command += ["--consent", str(folder / "p00.consent.json"), "-o", str(place.folder / "t.glb")]
            command += ["--ledger", str(place.ledger)]
            began = time.perf_counter()
            subprocess.run(command, env={**os.environ, **environ}, check=True, stdout=subprocess.DEVNULL)
            best = min(best, time.perf_counter() - began)
        rows.append({"case": f"twin, {case}", "people": 1, "workers": 1, "seconds": round(best, 1)})
    return rows


@contextmanager
def cluster(workers: int, folder: Path) -> Iterator[str]:
    """Start a Dask scheduler and workers of one thread each on loopback; yield the scheduler's address."""
    file = folder / "scheduler.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    dask = [sys.executable, "-m", "dask"]
    words = [
        "scheduler",
        "--host",
        "127.0.0.1",
        "--port",
        "0",
        "--no-dashboard",
        "--scheduler-file",
        str(file),
    ]
    processes = [subprocess.Popen([*dask, *words], **quiet)]
    try:
        while not (file.exists() and file.read_text().strip()):
            time.sleep(0.2)
        address = json.loads(file.read_text())["address"]
        for _ in range(workers):
            words = ["worker", address, "--nthreads", "1", "--no-dashboard", "--memory-limit", "0"]
            processes.append(subprocess.Popen([*dask, *words], **quiet))
        yield address
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def record(row: Row) -> None:
    """Append one case to the results."""
    new = not RESULTS.exists()
    with RESULTS.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--people", type=int, default=40)
    parser.add_argument("--workers", default="1,2")
    parser.add_argument("--parts", type=int, default=4)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--no-throughput", action="store_true")
    parser.add_argument("--no-local", action="store_true")
    parser.add_argument("--no-dask", action="store_true")
    parser.add_argument("--threads", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("build/benchmarks/batch"))
    parser.add_argument("--record", action="store_true")
    given = parser.parse_args()
    manifest = make_scans(given.folder / "scans", given.people)
    place = Place(given.folder / "case")

    def add(row: Row) -> None:
        now = f"{datetime.now(UTC):%Y-%m-%d}"
        told = {
            "date": now,
            "version": __version__,
            "revision": git_revision(),
            "cores": os.cpu_count(),
            **row,
        }
        print("  ".join(f"{name} {value}" for name, value in row.items()), flush=True)
        if given.record:  # each as it comes: a run of two hours that is cut off has still measured
            record(told)

    if given.threads:
        for row in threads(manifest, place):
            add(row)
    if not given.no_throughput:
        numbers = [int(word) for word in given.workers.split(",")]
        for case in ("local",) * (not given.no_local) + ("dask",) * (not given.no_dask):
            totals = {workers: Total() for workers in numbers}
            for number, part in enumerate(in_parts(manifest, given.parts)):
                for workers in numbers if number % 2 == 0 else reversed(numbers):
                    where = cluster(workers, given.folder) if case == "dask" else nullcontext()
                    with where as address:
                        more = ("--scheduler", address) if address else ()
                        run_part(totals[workers], part, place, workers, *more)
                    print(f"  part {number + 1}: {totals[workers].row(case, workers)}", flush=True)
            for workers, total in totals.items():
                add(total.row(case, workers))
    if given.kills:
        add(kills(manifest, place, given.people, 2, given.kills, given.seed))


if __name__ == "__main__":
    main()
