"""The depth benchmark's table on the screen, its targets, and the rows that are kept."""

from __future__ import annotations

import csv
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from depth_cases import TARGETS, Size
from fit_record import git_revision

from bodyscan import __version__

Row = dict[str, Any]
RESULTS = Path(__file__).parent / "results"
RUNS, CASES = RESULTS / "depth.csv", RESULTS / "depth_cases.csv"
SAME = ("version", "size", "case", "method", "number")
"""Rows that agree in these are one measurement, made again."""
MEANS = (
    "mean_mm", "p95_mm", "bias_mm", "missing", "still_mean_mm", "doubled_limbs", "doubled_rays", "open_rays",
    "thickness_mm", "thickness_bias_mm", "poses_mm", "girth_mm", "limb_girth_mm", "stature_mm", "expected_mm",
    "total_s", "total_cpu_s", "frames_s", "poses_s", "first_fit_s", "motion_s", "fusion_s", "fit_s",
)  # fmt: skip
CASE_COLUMNS = (
    "version", "size", "case", "method", "number", "age", "sex", "build", "skin_tone", "hair", "clothing",
    "rig", "sensor", "failed", "refused", "must_refuse", "passed",
    "mean_mm", "p95_mm", "bias_mm", "missing", "still_mean_mm", "still_p95_mm", "still_bias_mm",
    "still_missing", "doubled_limbs", "doubled", "doubled_rays", "open_rays", "thickness_mm",
    "thickness_bias_mm", "thickest_mm", "poses_mm", "worst_pose_mm", "closed", "all_around", "turn_deg",
    "loop_rms_mm", "followed", "agree_rigid_mm", "agree_body_mm", "range_error_mm", "sway_found_mm",
    "expected_mm", "fit_failed", "acceptable", "girth_mm", "bust_mm", "waist_mm", "hips_mm", "unsteady",
    "limb_girth_mm", "stature_mm", "used", "faces", "total_s", "total_cpu_s", "frames_s", "poses_s",
    "first_fit_s", "motion_s", "fusion_s", "fit_s", "peak_mb", "said",
)  # fmt: skip
TABLE = ("mean_mm", "p95_mm", "bias_mm", "missing", "still_mean_mm", "thickness_mm", "doubled_limbs",
         "poses_mm", "girth_mm", "total_s", "peak_mb")  # fmt: skip


def header() -> str:
    """The table's first line."""
    return f"{'case':26} {'method':19} {'who':30}" + "".join(f"{_short(name):>9}" for name in TABLE)


def line(row: Row) -> str:
    """One case as a line."""
    age = "child" if row["age"] == "child" else row["sex"]
    who = f"{row['number']:02d} {age} {row['build']} {row['clothing']}"
    told = f"{row['case']:26} {row['method']:19} {who:30}"
    if row.get("must_refuse"):
        return f"{told}   {'pass' if row['passed'] else 'FAIL'}: {row.get('said') or 'a scan came out'}"
    if row.get("failed") and "mean_mm" not in row:
        return f"{told}   {'refused' if row.get('refused') else 'FAILED'}: {row.get('said', '')}"
    return told + "".join(f"{_text(row.get(name, ''), 2):>9}" for name in TABLE)


def summary(rows: list[Row]) -> str:
    """Means by case and method, then each target met or missed."""
    lines = [f"{'case':26} {'method':19} {'cases':>6}{'failed':>7}"
             + "".join(f"{_short(name):>9}" for name in TABLE)]  # fmt: skip
    groups = _groups(rows)
    for (case, method), mine in groups.items():
        if mine[0].get("must_refuse"):
            continue
        failed = sum(int(row.get("failed", 0)) for row in mine)
        means = "".join(f"{_text(_mean(mine, name), 2):>9}" for name in TABLE)
        lines.append(f"{case:26} {method:19} {len(mine):>6}{failed:>7}{means}")
    lines.append("")
    for case, targets in TARGETS.items():
        mine = groups.get((case, "bodyscan"), [])
        for target in targets if mine else ():
            value = _mean(mine, target.column)
            failed = sum(int(row.get("failed", 0)) for row in mine)
            over = sum(not row.get(target.column, np.inf) <= target.limit for row in mine)
            met = value <= target.limit and not failed
            lines.append(
                f"{case}: {target.column} {value:.2f}, at most {target.limit:g}: "
                f"{'met' if met else 'MISSED'}; over it in {over} of {len(mine)}"
                + (f", {failed} failed" if failed else "")
            )
    for row in rows:
        if row.get("must_refuse"):
            lines.append(f"{row['case']} of {row['number']:02d}: {'met' if row['passed'] else 'MISSED'}")
    return "\n".join(lines)


def passed(row: Row) -> bool:
    """Whether a capture that must not become a scan was refused; of `scramble`, or not called closed."""
    if row["case"] == "scramble" and not row.get("failed"):
        return not row.get("closed")
    return bool(row.get("refused"))


def record(rows: list[Row], size: Size) -> None:
    """Append a row for each case and method to `depth.csv`, and put the cases into `depth_cases.csv`."""
    RESULTS.mkdir(exist_ok=True)
    told = f"{size.frames}x{size.width}x{size.height}"
    common: Row = {"version": __version__, "size": told}
    runs = []
    for (case, method), mine in _groups(rows).items():
        run: Row = {
            "date": datetime.now(UTC).date().isoformat(), "revision": git_revision(), **common,
            "cores": os.cpu_count(), "case": case, "method": method, "cases": len(mine),
            "failed": sum(int(row.get("failed", 0)) for row in mine),
        }  # fmt: skip
        run |= {name: _mean(mine, name) for name in MEANS}
        run["worst_mean_mm"] = max((row["mean_mm"] for row in mine if "mean_mm" in row), default=np.nan)
        run["peak_mb"] = max((row["peak_mb"] for row in mine if "peak_mb" in row), default=np.nan)
        runs.append(run)
    write_rows(RUNS, [*_read(RUNS), *runs], list(runs[0]))
    fresh = [{**common, **row} for row in rows]
    known = {tuple(str(row.get(name)) for name in SAME) for row in fresh}
    kept = [row for row in _read(CASES) if tuple(row.get(name) for name in SAME) not in known]
    write_rows(CASES, [*kept, *fresh], list(CASE_COLUMNS))


def write_rows(path: Path, rows: list[Row], columns: list[str]) -> None:
    """Write a table; values that a row lacks stay empty."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _text(row.get(name, ""), 3) for name in columns} for row in rows)


def _groups(rows: list[Row]) -> dict[tuple[str, str], list[Row]]:
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["case"], row["method"]), []).append(row)
    return groups


def _mean(rows: list[Row], name: str) -> float:
    values = [float(row[name]) for row in rows if name in row and row[name] is not None]
    values = [value for value in values if np.isfinite(value)]
    return float(np.mean(values)) if values else float("nan")


def _read(path: Path) -> list[Row]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _short(name: str) -> str:
    return name.replace("_limbs", "").replace("thickness", "thick").replace("still_mean", "still")


def _text(value: object, digits: int) -> str:
    if not isinstance(value, float | np.floating):
        return " ".join(str(value).split())
    return "" if not np.isfinite(value) else f"{value:.{digits}f}" if abs(value) < 1000 else f"{value:.0f}"
