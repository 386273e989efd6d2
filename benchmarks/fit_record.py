"""Keeps what `benchmarks/fit.py` measured: a row a run, and the rows of its cases."""

from __future__ import annotations

import csv
import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from fit_summary import Row, groups, mean_of, number

from bodyscan import __version__

RESULTS = Path(__file__).parent / "results"
RUNS, CASES = RESULTS / "fit.csv", RESULTS / "fit_cases.csv"
SAME = ("version", "set", "faces_asked")
"""Rows of cases that agree in these are of one run."""
CASE_COLUMNS = (
    "version", "set", "faces_asked", "number", "case", "age", "condition", "pose", "hands", "hair",
    "clothing", "faces", "surface_mm", "surface_p95_mm", "surface_seen_mm", "face_mm", "hands_mm",
    "vertex_mm", "joints_mm", "body_joints_mm", "worst_joint", "skin_mm", "skin_all_mm",
    "girth_mm", "bust_mm", "waist_mm", "hips_mm", "stature_mm", "unsteady",
    "skin_girth_mm", "skin_bust_mm", "skin_waist_mm", "skin_hips_mm", "skin_stature_mm", "skin_unsteady",
    "expected_mm", "failed", "acceptable", "first_guess",
    "reconstruct_s", "fit_s", "total_s", "total_cpu_s", "reconstruct_cpu_s", "fit_cpu_s", "peak_mb",
)  # fmt: skip


def record(rows: list[Row], faces: int, label: str, revision: str | None = None) -> None:
    """Append the run to `fit.csv` and put its cases into `fit_cases.csv` for those of an equal run.

    `revision` of the code, by default what git says; `+` stands for changes that are not committed.
    """
    RESULTS.mkdir(exist_ok=True)
    common: Row = {"version": __version__, "set": label, "faces_asked": faces}
    _append(RUNS, run_row(rows, {"revision": git_revision() if revision is None else revision, **common}))
    fresh = [{**common, **row} for row in rows]
    kept = [row for row in _read(CASES) if any(str(row.get(name)) != str(common[name]) for name in SAME)]
    with CASES.open("w", newline="") as file:
        writer = csv.DictWriter(file, CASE_COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _text(row.get(name, "")) for name in CASE_COLUMNS} for row in kept + fresh)


def git_revision() -> str:
    """Short hash of the commit, empty outside of a repository."""

    def git(*words: str) -> str:
        asked = ["git", "-C", str(RESULTS.parent), *words]
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--short", "../src") else "")
    except (OSError, subprocess.CalledProcessError):
        return ""


def run_row(rows: list[Row], common: Row) -> Row:
    """Means of every target of every group, and how well the fit foresees its error."""
    row: Row = {"date": datetime.now(UTC).date().isoformat(), **common, "cores": os.cpu_count()}
    row |= {"cases": len(rows), "failed": sum(number(each, "failed") > 0 for each in rows)}
    for group in groups(int(str(common["faces_asked"]))):
        mine = [each for each in rows if group.holds(each)]
        for target in group.targets:
            row[f"{group.name}_{target.column}"] = mean_of(mine, target.column)
    pairs = np.array([[number(each, "expected_mm"), number(each, "surface_mm")] for each in rows])
    pairs = pairs[np.isfinite(pairs).all(axis=1)]
    known = len(pairs) > 2
    row["expected_pearson"] = float(np.corrcoef(pairs.T)[0, 1]) if known else float("nan")
    row["mean_total_cpu_s"] = mean_of(rows, "total_cpu_s")
    row["peak_mb"] = max((number(each, "peak_mb") for each in rows), default=float("nan"))
    return row


def _append(path: Path, row: Row) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow({name: _text(value) for name, value in row.items()})


def _read(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _text(value: object) -> str:
    if not isinstance(value, float | np.floating):
        return str(value)
    return "" if not np.isfinite(value) else f"{value:.3f}" if abs(value) < 1000 else f"{value:.0f}"
