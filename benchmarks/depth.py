"""How close a scan made of depth frames comes to the true person, and what it costs.

    python benchmarks/depth.py                              20 people, 120 frames of 640 by 576
    python benchmarks/depth.py --people 1 --frames 36 --size 320x288
    python benchmarks/depth.py --peers 2                    and what Open3D makes of two people's frames
    python benchmarks/depth.py --matrix                     and other sensors and rigs, two people each
    python benchmarks/depth.py --only sway,open3d-tsdf      cases or methods
    python benchmarks/depth.py --pictures                   and pictures of the worst adult of each case
    python benchmarks/depth.py --record                     and keep the run in benchmarks/results/

Each person turns before a simulated Azure Kinect, standing like a statue and swaying. Simulation, each
reconstruction and the measurement run in processes of their own. What was measured is kept in `--out`: the
same command goes on where it was interrupted, and measures again what the code's changes touch.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import shutil
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Any

CORES = os.cpu_count() or 1
OUT = Path("build/benchmarks/depth")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def main() -> None:
    """Simulate, reconstruct, measure, print."""
    given = _arguments()
    os.environ.setdefault(
        "OMP_WAIT_POLICY", "passive"
    )  # before Open3D is loaded, see `simulate.scanner.fuse`
    for name in THREADS:
        os.environ[name] = str(max(CORES // given.jobs, 1))
    from depth_cases import Size, all_tasks, code_digest
    from depth_peer_open3d import PEERS
    from depth_record import header, record, summary

    width, height = (int(part) for part in given.size.split("x"))
    size = Size(
        given.people, given.frames, width, height, given.background, given.seed, given.peers, given.matrix,
        matrix_frames=given.matrix_frames, only=given.only,
    )  # fmt: skip
    tasks = all_tasks(size, [(name, peer.poses) for name, peer in PEERS.items()])
    if not tasks:
        sys.exit("--only leaves nothing; name cases or methods.")
    shots: dict[str, list[Any]] = {}
    for task in tasks:
        shots.setdefault(task.shot.digest, []).append(task)
    print(f"{len(tasks)} rows of {len(shots)} captures", file=sys.stderr)
    print(header(), flush=True)
    run = hashlib.sha256(f"{replace(size, only=())} {code_digest()}".encode()).hexdigest()[:12]
    worst, found = Worst(given.out / "worst" / run), {}
    with ThreadPoolExecutor(given.jobs) as pool:
        waiting = {pool.submit(run_shot, mine, given, worst): mine for mine in shots.values()}
        for done in as_completed(waiting):
            for task, row in zip(waiting[done], done.result(), strict=True):
                found[task.digest] = row
    rows = [found[task.digest] for task in tasks]
    print(summary(rows), flush=True)
    if given.pictures:
        worst.save(given.out / "pictures")
    if given.record:
        record(rows, size)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--size", default="640x576", help="pixels of the Azure Kinect's pictures")
    parser.add_argument("--background", default="floor", help="none, floor or room")
    parser.add_argument("--seed", type=int, default=300, help="of motion and noise")
    parser.add_argument("--peers", type=int, default=0, help="so many people's frames go to Open3D too")
    parser.add_argument("--matrix", action="store_true", help="sensors by rigs, two people each")
    parser.add_argument("--matrix-frames", type=int, default=48, help="a multiple of 4")
    parser.add_argument("--only", type=lambda text: tuple(text.split(",")), default=(),
                        help="cases or methods")  # fmt: skip
    parser.add_argument("--jobs", type=int, default=1, help="captures at a time; cores are shared out")
    parser.add_argument("--cache", action="store_true",
                        help="keep the frames: about 0.8 MB each at 640x576")  # fmt: skip
    parser.add_argument("--no-girths", action="store_true", help="leave out the body fit and its tapes")
    parser.add_argument("--pictures", action="store_true", help="of the worst adult of each case")
    parser.add_argument("--out", type=Path, default=OUT, help="folder for rows, frames and pictures")
    parser.add_argument("--record", action="store_true", help="keep the run in benchmarks/results/")
    given = parser.parse_args()
    if given.jobs < 1 or given.people < 0:
        parser.error("--jobs is at least 1, --people at least 0")
    return given


class Worst:
    """Keeps the worst adult's result of each case and method, for a picture; an interrupted run goes on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def take(self, task: Any, row: dict[str, Any], seen: Path) -> None:
        """Keep `seen` where it is the worst so far."""
        if row["age"] == "child" or "mean_mm" not in row or not seen.exists():
            return
        name = f"{task.case}_{task.method}".replace("/", "_")
        with self._lock:
            self._folder.mkdir(parents=True, exist_ok=True)
            known = self._folder / f"{name}.json"
            if known.exists() and json.loads(known.read_text())["mean_mm"] >= row["mean_mm"]:
                return
            shutil.copyfile(seen, self._folder / f"{name}.npz")
            known.write_text(json.dumps({"mean_mm": row["mean_mm"], "number": row["number"]}) + "\n")

    def save(self, folder: Path) -> None:
        """Draw them."""
        from depth_pictures import save_pictures

        for known in sorted(self._folder.glob("*.json")):
            number = json.loads(known.read_text())["number"]
            picture = folder / f"{known.stem}_{number:02d}.png"
            apart(save_pictures, known.with_suffix(".npz"), picture)
            print(picture, file=sys.stderr)


def run_shot(tasks: list[Any], given: argparse.Namespace, worst: Worst) -> list[dict[str, Any]]:
    """The rows of all tasks on one capture, those that were measured before from their files."""
    from depth_record import line

    places = [given.out / "rows" / f"{task.name}_{task.digest}.json" for task in tasks]
    missing = [k for k, place in enumerate(places) if not place.exists()]
    if missing:
        fresh = _measured([tasks[k] for k in missing], given, worst)
        for k, row in zip(missing, fresh, strict=True):
            places[k].parent.mkdir(parents=True, exist_ok=True)
            places[k].write_text(json.dumps(row, indent=1) + "\n")
    rows = [json.loads(place.read_text()) for place in places]
    for row in rows:
        print(line(row), flush=True)
    return rows


def _measured(tasks: list[Any], given: argparse.Namespace, worst: Worst) -> list[dict[str, Any]]:
    from depth_record import passed
    from depth_steps import make_frames, measure, reconstruct

    shot = tasks[0].shot
    frames = given.out / "frames" / f"{shot.name}_{shot.number:02d}_{shot.digest}"
    results = given.out / "results" / shot.digest
    apart(make_frames, shot, frames, given.cache)
    rows = []
    for task in tasks:
        girths = not given.no_girths and not task.must_refuse
        try:
            row = apart(reconstruct, task, frames, results / f"{task.name}.npz", girths)
        except ChildProcessError as error:
            row = {"failed": 1, "refused": 0, "said": str(error)}
        rows.append({**_who(task), **row})
    rows = apart(measure, shot, tasks, rows, results)
    for task, row in zip(tasks, rows, strict=True):
        if task.must_refuse:
            row["passed"] = int(passed(row))
        worst.take(task, row, results / f"{task.name}_seen.npz")
    shutil.rmtree(results, ignore_errors=True)
    if not given.cache:
        shutil.rmtree(frames, ignore_errors=True)
    return rows


def _who(task: Any) -> dict[str, Any]:
    person, rig = task.shot.person, task.shot.rig
    return {
        "case": task.case, "method": task.method, "number": task.shot.number, "age": person.age,
        "sex": person.sex, "build": person.build, "skin_tone": person.skin_tone, "hair": person.hair,
        "clothing": person.clothing, "rig": rig.rig, "sensor": rig.sensor,
        "must_refuse": int(task.must_refuse),
    }  # fmt: skip


def apart(work: Callable[..., Any], *arguments: Any) -> Any:
    """`work(*arguments)` in a fresh process. Raises `ChildProcessError` where that dies or raises."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(there, work, arguments))
    process.start()
    there.close()
    try:
        failed, value = here.recv()
    except EOFError:
        process.join()
        raise ChildProcessError(f"{work.__name__} died with exit code {process.exitcode}.") from None
    process.join()
    if failed:
        raise ChildProcessError(value)
    return value


def _answer(pipe: Any, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        answer = (False, work(*arguments))
    except BaseException as error:
        import traceback

        traceback.print_exc()
        answer = (True, f"{work.__name__}: {type(error).__name__}: {error}")
    pipe.send(answer)


if __name__ == "__main__":
    main()
