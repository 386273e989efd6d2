"""How close the fit comes to people whose truth is known, and what it costs.

    python benchmarks/fit.py                        8 people of our own shape space with bumps outside of it
    python benchmarks/fit.py --people PEOPLE.npz    held-out people of the full space, see `make_people.py`
    python benchmarks/fit.py --scans DIR            and bodies with tape measurements (.obj with .yaml, cm)
    python benchmarks/fit.py --record               and append the rows to benchmarks/results/fit.csv

Each person is scanned in one pose and one condition, so that all poses and conditions come up;
`--every-condition` scans each person in all conditions. The scan goes through clean-up with nothing given
(unit, axes and landmarks are inferred), then through the fit. Distances are taken in the truth's frame.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from fit_people import CONDITIONS, POSES, Case, people_from_file, people_of_own_space, scan_person
from fit_pictures import save_pictures

from bodyscan import __version__
from bodyscan.body.measurements import measure_surface
from bodyscan.capture.read import read_scan
from bodyscan.errors import BodyscanError
from bodyscan.fit import fit_body
from bodyscan.geometry.raycast import Raycaster
from bodyscan.pipeline import model_of
from bodyscan.reconstruct import reconstruct_scan
from bodyscan.types import BodyFit, Capture, Mesh, ScanMesh

RESULTS = Path(__file__).parent / "results" / "fit.csv"
GIRTHS = {"height": "stature", "bust": "bust_girth", "waist": "waist_girth", "hips": "hip_girth"}
FAILED_MM = 50.0
COLUMNS = (
    "date", "version", "cores", "set", "case", "pose", "condition", "faces",
    "surface_mm", "surface_p95_mm", "vertex_mm", "joints_mm", "skin_mm",
    "height_mm", "bust_mm", "waist_mm", "hips_mm", "failed", "acceptable", "first_guess",
    "reconstruct_s", "fit_s", "reconstruct_cpu_s", "fit_cpu_s", "peak_mb",
)  # fmt: skip
Row = dict[str, object]


class Stopwatch:
    """Wall and processor seconds of named stages, and the peak of memory since it was made."""

    def __init__(self) -> None:
        self.seconds: dict[str, object] = {}
        self._resets = _reset_peak()

    def run(self, stage: str, work):
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            return work()
        finally:
            self.seconds[f"{stage}_s"] = f"{time.perf_counter() - wall:.1f}"
            self.seconds[f"{stage}_cpu_s"] = f"{time.process_time() - cpu:.1f}"

    def peak_mb(self) -> str:
        """Of this case where the system can reset its counter (Linux), else of the whole run so far."""
        if self._resets:
            for line in Path("/proc/self/status").read_text().splitlines():
                if line.startswith("VmHWM"):
                    return f"{int(line.split()[1]) / 1024:.0f}"
        return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}"


def _reset_peak() -> bool:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def run_stages(capture: Capture, watch: Stopwatch) -> tuple[ScanMesh, BodyFit]:
    scan = watch.run("reconstruct", lambda: reconstruct_scan(capture))
    return scan, watch.run("fit", lambda: fit_body(scan))


def measure_case(case: Case, pictures: Path | None) -> Row:
    """The row of one simulated person."""
    name = f"{case.person.name} {case.person.age}"
    row: Row = {"case": name, "pose": case.pose, "condition": case.condition, "faces": len(case.scan.faces)}
    watch = Stopwatch()
    try:
        scan, fit = run_stages(Capture(case.scan, source="simulated"), watch)
    except BodyscanError as error:
        print(f"  {name}, {case.pose}, {case.condition}: {error}", file=sys.stderr)
        return row | watch.seconds | {"failed": 1, "acceptable": 0, "peak_mb": watch.peak_mb()}
    to_truth = case.world_from_file @ np.linalg.inv(scan.world_from_input)

    def moved(points: np.ndarray) -> np.ndarray:
        return points @ to_truth[:3, :3].T + to_truth[:3, 3]

    model = case.person.model
    seen = ~model.inner
    outside = model.faces[seen[model.faces].all(axis=1)]
    surface, body = moved(fit.surface.vertices), moved(fit.body.vertices)
    gap = 1e3 * Raycaster(Mesh(surface, outside)).closest(case.outer[seen])[0]
    under = 1e3 * Raycaster(Mesh(body, outside)).closest(case.skin[seen])[0]
    joints = 1e3 * float(np.linalg.norm(moved(fit.skeleton.positions) - case.joints, axis=1).mean())
    row |= {
        "surface_mm": f"{gap.mean():.2f}",
        "surface_p95_mm": f"{np.percentile(gap, 95):.2f}",
        "vertex_mm": f"{1e3 * np.linalg.norm(surface - case.outer, axis=1)[seen].mean():.2f}",
        "skin_mm": f"{under.mean():.2f}",
        "joints_mm": f"{joints:.2f}",
        "failed": int(joints > FAILED_MM),
    }
    truth = named(measure_surface(model, case.params, case.outer))
    row |= girth_errors(fit, truth) | about(fit, watch)
    if pictures is not None and case.person.age == "adult":  # no pictures of children without clothes
        file_name = f"{name} {case.pose} {case.condition}.png".replace(" ", "_")
        truth_in_scan = np.linalg.inv(to_truth)
        outer = case.outer @ truth_in_scan[:3, :3].T + truth_in_scan[:3, 3]
        save_pictures(pictures / file_name, scan, fit, outer, outside)
    return row


def measure_tape(path: Path, pictures: Path | None) -> Row:
    """The row of a body whose tape measurements stand beside it."""
    watch = Stopwatch()
    capture = read_scan(path)
    row: Row = {"case": path.stem, "faces": len(capture.mesh.faces)}
    try:
        scan, fit = run_stages(capture, watch)
    except BodyscanError as error:
        print(f"  {path.name}: {error}", file=sys.stderr)
        return row | watch.seconds | {"failed": 1, "acceptable": 0, "peak_mb": watch.peak_mb()}
    seen = fit.distance_mm[scan.confidence >= 0.5]
    tape = read_tape(path.with_suffix(".yaml"))
    truth = {GIRTHS[key]: tape[key] for key in GIRTHS}
    row |= {"surface_mm": f"{np.abs(seen).mean():.2f}"} | girth_errors(fit, truth) | about(fit, watch)
    if pictures is not None:
        save_pictures(pictures / f"{path.stem}.png", scan, fit, None, fit.surface.faces)
    return row


def read_tape(path: Path) -> dict[str, float]:
    """Name -> centimetres out of a flat `name: number` list."""
    found = {}
    for line in path.read_text().splitlines():
        name, _, value = line.partition("#")[0].strip().partition(":")
        if value.strip():
            found[name] = float(value)
    return found


def named(measurements) -> dict[str, float]:
    return {m.name: m.value_cm for m in measurements}


def girth_errors(fit: BodyFit, truth_cm: dict[str, float]) -> Row:
    got = named(measure_surface(model_of(fit), fit.params, fit.surface.vertices))
    return {f"{short}_mm": f"{10 * (got[name] - truth_cm[name]):.1f}" for short, name in GIRTHS.items()}


def about(fit: BodyFit, watch: Stopwatch) -> Row:
    guess = fit.notes[0].removeprefix("first guess: ") if fit.notes else ""
    told: Row = {"acceptable": int(fit.quality.acceptable), "first_guess": guess, "peak_mb": watch.peak_mb()}
    return told | watch.seconds


def simulated_rows(given: argparse.Namespace) -> list[Row]:
    if given.people:
        people, label = people_from_file(given.people, given.count), "held-out"
    else:
        people, label = people_of_own_space(given.count), "own space + bumps"
    print(f"{len(people)} people, {label}", file=sys.stderr)
    rows = []
    for number, person in enumerate(people):
        pose = list(POSES)[number % len(POSES)]
        # Seven poses and four conditions share no factor: all pairs come up in 28 people.
        conditions = CONDITIONS if given.every_condition else [list(CONDITIONS)[number % len(CONDITIONS)]]
        for condition in conditions:
            case = scan_person(person, pose, condition, given.seed + number, given.faces)
            rows.append({"set": label} | measure_case(case, given.pictures))
            report(rows[-1], given)
    return rows


def tape_rows(given: argparse.Namespace) -> list[Row]:
    paths = [path for path in sorted(given.scans.glob("*.obj")) if path.with_suffix(".yaml").exists()]
    if not paths:
        sys.exit(f"There is no .obj with a .yaml beside it in {given.scans}.")
    rows = []
    for path in paths:
        rows.append({"set": "tape"} | measure_tape(path, given.pictures))
        report(rows[-1], given)
    return rows


SHOWN = (
    ("case", 20), ("pose", 14), ("condition", 9), ("surface_mm", 10), ("surface_p95_mm", 14),
    ("vertex_mm", 9), ("joints_mm", 9), ("skin_mm", 8), ("height_mm", 9), ("bust_mm", 8), ("waist_mm", 8),
    ("hips_mm", 8), ("failed", 6), ("acceptable", 10), ("reconstruct_cpu_s", 17), ("fit_cpu_s", 9),
    ("fit_s", 7), ("peak_mb", 7),
)  # fmt: skip


def header() -> None:
    print("  ".join(f"{name:>{width}}" for name, width in SHOWN), flush=True)


def show(rows: list[Row]) -> None:
    for row in rows:
        print("  ".join(f"{row.get(name, '')!s:>{width}}" for name, width in SHOWN), flush=True)


def report(row: Row, given: argparse.Namespace) -> None:
    show([row])
    if given.record:
        record(row)


def summary(rows: list[Row]) -> list[Row]:
    """The mean of each column over each set, signed errors as mean of their size."""
    found = []
    for label in dict.fromkeys(str(row["set"]) for row in rows):
        mine = [row for row in rows if row["set"] == label]
        mean: Row = {"case": f"mean of {len(mine)}", "condition": label.split()[0]}
        for name, _ in SHOWN[3:]:
            values = [abs(float(str(row[name]))) for row in mine if row.get(name, "") != ""]
            if values:
                mean[name] = f"{np.mean(values):.2f}"
        found.append(mean)
    return found


def record(row: Row) -> None:
    """Append a row at once: a long run that is stopped keeps what it has."""
    today = datetime.now(UTC).date().isoformat()
    common: Row = {"date": today, "version": __version__, "cores": os.cpu_count()}
    RESULTS.parent.mkdir(exist_ok=True)
    new = not RESULTS.exists()
    with RESULTS.open("a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        if new:
            writer.writeheader()
        writer.writerow(common | row)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=Path, help="people of make_people.py (.npz)")
    parser.add_argument("--count", type=int, default=8, help="simulated people; 0 for none")
    parser.add_argument("--every-condition", action="store_true", help="each person in all conditions")
    parser.add_argument("--faces", type=int, default=60_000, help="faces of a simulated scan")
    parser.add_argument("--seed", type=int, default=500, help="of the poses, cloth and faults")
    parser.add_argument("--scans", type=Path, help="folder of bodies with tape measurements")
    parser.add_argument("--pictures", type=Path, help="folder for a picture of each adult's fit")
    parser.add_argument("--record", action="store_true", help=f"append to {RESULTS.name}")
    given = parser.parse_args()
    if given.pictures:
        given.pictures.mkdir(parents=True, exist_ok=True)
    header()
    rows = simulated_rows(given) if given.count else []
    if given.scans:
        rows += tape_rows(given)
    show(summary(rows))


if __name__ == "__main__":
    main()
