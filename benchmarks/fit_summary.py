"""The printed table of `benchmarks/fit.py`: a line a case, then every target group against its targets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Row = dict[str, object]
SHOWN = (
    ("number", 2, "#"), ("age", 5, "age"), ("condition", 9, "condition"), ("pose", 13, "pose"),
    ("surface_mm", 7, "surface"), ("surface_p95_mm", 6, "p95"), ("surface_seen_mm", 6, "seen"),
    ("face_mm", 6, "face"), ("hands_mm", 6, "hands"), ("vertex_mm", 6, "vertex"),
    ("joints_mm", 6, "joints"), ("body_joints_mm", 6, "body j"), ("skin_mm", 6, "skin"),
    ("girth_mm", 6, "girths"), ("bust_mm", 6, "bust"), ("waist_mm", 6, "waist"), ("hips_mm", 6, "hips"),
    ("skin_girth_mm", 8, "skin gir"), ("stature_mm", 7, "stature"), ("expected_mm", 8, "expected"),
    ("failed", 4, "fail"), ("acceptable", 3, "acc"), ("reconstruct_s", 6, "rec s"), ("fit_s", 6, "fit s"),
    ("total_s", 6, "all s"), ("peak_mb", 6, "MB"),
)  # fmt: skip
"""Column, width, heading."""
FEW_FACES, MANY_FACES = 200_000, 1_000_000


def number(row: Row, name: str) -> float:
    """The value of a column, NaN where there is none."""
    value = row.get(name, "")
    return float("nan") if value in ("", None) else float(str(value))


def header() -> str:
    return "  ".join(f"{heading:>{width}}" for _, width, heading in SHOWN)


def line(row: Row) -> str:
    return "  ".join(f"{_text(row.get(name, '')):>{width}}" for name, width, _ in SHOWN)


def _text(value: object) -> str:
    if not isinstance(value, float | np.floating):
        return str(value)
    return f"{value:.2f}" if abs(value) < 100 else f"{value:.0f}"


@dataclass(frozen=True)
class Target:
    """One number that a group owes."""

    label: str
    column: str
    limit: float
    """At most; the unit is in the column's name."""


@dataclass(frozen=True)
class Group:
    """Cases that are held to the same targets."""

    name: str
    holds: Callable[[Row], bool]
    targets: tuple[Target, ...]


def _plain(row: Row) -> bool:
    bare = row.get("clothing") == "briefs" and row.get("hair") == "bald"
    return row["condition"] in ("clean", "noise") or (bool(bare) and row["condition"] in ("hands", "stands"))


def _hard(row: Row) -> bool:
    hard = row["condition"] in ("holes", "contact", "hair", "hands", "kinect")
    return hard or (row["condition"] == "stands" and not _plain(row))


def groups(faces: int) -> tuple[Group, ...]:
    """The groups; the time that is allowed depends on the scan's faces."""
    many = faces >= MANY_FACES
    seconds = 10.0 if many else 5.0
    under = (
        Target("joints", "joints_mm", 20.0),
        Target("girths of the body", "skin_girth_mm", 20.0),
        Target("seconds of the fit", "fit_s", 10.0),
    )
    return (
        Group(
            "plain",
            _plain,
            (
                Target("surface", "surface_mm", 0.5),
                Target("surface p95", "surface_p95_mm", 2.0),
                Target("joints", "joints_mm", 5.0),
                Target("girths", "girth_mm", 4.0),
                Target("seconds of the fit", "fit_s", seconds),
            ),
        ),
        Group(
            "hard",
            _hard,
            (
                Target("surface with data", "surface_seen_mm", 1.5),
                Target("joints", "joints_mm", 10.0),
                Target("girths", "girth_mm", 8.0),
                Target("seconds of the fit", "fit_s", 10.0 if many else 6.0),
            ),
        ),
        Group(
            "tight", lambda row: row["condition"] == "tight", (Target("skin", "skin_mm", 8.0), *under)
        ),
        Group(
            "loose", lambda row: row["condition"] == "loose", (Target("skin", "skin_mm", 15.0), *under)
        ),
    )  # fmt: skip


def mean_of(rows: list[Row], column: str) -> float:
    """Mean of the sizes of a column over the cases that have it, NaN where none has."""
    values = np.abs([number(row, column) for row in rows])
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else float("nan")


def summary(rows: list[Row], faces: int) -> str:
    """Groups against targets, failures, whether the fit knows its error, and the worst cases."""
    lines = [f"{len(rows)} cases of {faces:,} faces"]
    for group in groups(faces):
        mine = [row for row in rows if group.holds(row)]
        if not mine:
            continue
        lines.append(f"\n{group.name}: {len(mine)} cases ({', '.join(_conditions(mine))})")
        for target in group.targets:
            mean = mean_of(mine, target.column)
            over = sum(number(row, target.column) > target.limit for row in mine)
            verdict = "pass" if mean <= target.limit else "FAIL"
            text = f"  {target.label:<20} {mean:8.2f}   at most {target.limit:<5g} {verdict}"
            lines.append(f"{text}   {over} of {len(mine)} over it")
    failed = [row for row in rows if number(row, "failed") > 0]
    lines.append(f"\nfailures             {len(failed):5d}      at most 0     {'FAIL' if failed else 'pass'}")
    lines += [_conditions_table(rows), _foresight(rows), _worst(rows)]
    return "\n".join(lines)


def _conditions(rows: list[Row]) -> list[str]:
    return list(dict.fromkeys(str(row["condition"]) for row in rows))


def _conditions_table(rows: list[Row]) -> str:
    columns = (
        "surface_mm", "surface_p95_mm", "surface_seen_mm", "vertex_mm", "joints_mm", "body_joints_mm",
        "skin_mm", "girth_mm", "skin_girth_mm", "fit_s", "total_s",
    )  # fmt: skip
    lines = ["", f"{'mean of':<12}" + "".join(f"{name.removesuffix('_mm'):>14}" for name in columns)]
    for name in [*sorted(_conditions(rows)), "all"]:
        mine = [row for row in rows if name in ("all", row["condition"])]
        lines.append(f"{name:<12}" + "".join(f"{mean_of(mine, column):14.2f}" for column in columns))
    return "\n".join(lines)


def _foresight(rows: list[Row]) -> str:
    from scipy.stats import pearsonr, spearmanr

    pairs = np.array([[number(row, "expected_mm"), number(row, "surface_mm")] for row in rows])
    pairs = pairs[np.isfinite(pairs).all(axis=1)]
    if len(pairs) < 3 or np.ptp(pairs, axis=0).min() == 0:
        return "\nexpected against true surface error: the fit does not say what it expects, or too few cases"
    linear, ranks = pearsonr(*pairs.T)[0], spearmanr(*pairs.T)[0]
    return f"\nexpected against true surface error: Pearson {linear:.2f}, Spearman {ranks:.2f}"


def worst(rows: list[Row], count: int) -> list[Row]:
    """The failed cases, then those with the largest surface error."""

    def badness(row: Row) -> float:
        value = number(row, "surface_mm")
        return float("inf") if number(row, "failed") > 0 or not np.isfinite(value) else value

    return sorted(rows, key=badness, reverse=True)[:count]


def _worst(rows: list[Row]) -> str:
    return "\n".join(["\nworst five:", header(), *(line(row) for row in worst(rows, 5))])
