"""Other ways to fit a body, on the same scans: `benchmarks/fit.py --peers`.

Each peer answers with vertices on our topology, so that all are measured by the same code. What a peer is
given beyond the scan stands beside its name. Those that can only be used with true correspondences get them:
a scan has none, so that such a row says what the method would reach after the hard part is done.
"""

from __future__ import annotations

import csv
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import numpy as np
from fit_cases import Case
from fit_metrics import Result, Row, distances, joint_errors
from fit_summary import mean_of

from bodyscan import __version__
from bodyscan.types import F64

RESULTS = Path(__file__).parent / "results" / "fit_peers.csv"
COLUMNS = ("surface_mm", "surface_seen_mm", "vertex_mm", "joints_mm", "body_joints_mm", "cpu_s")
RECORDED = ("version", "set", "faces_asked", "peer", "given", "cases", *COLUMNS)
OURS = "bodyscan"


@dataclass(frozen=True, eq=False)
class PeerFit:
    """What a peer found."""

    vertices: F64
    """(V, 3) metres on our topology."""
    joints: F64 | None
    """(J, 3) metres in our order, NaN for joints that it does not have; None: it knows no joints."""
    in_truth: bool
    """Whether both lie in the truth's frame; else in the cleaned scan's."""


@dataclass(frozen=True)
class Peer:
    name: str
    given: str
    """What it gets beyond the scan."""
    fit: Callable[[Case, Result], PeerFit]


def missing(package: str) -> NoReturn:
    """Ends the run where a peer's package is not there."""
    sys.exit(
        f"The peers need {package}: install the dependency group `peers` of pyproject.toml, or run "
        "`make benchmark-fit`, which does it."
    )


def all_peers() -> tuple[Peer, ...]:
    """Imports and loads every peer: whoever asks for peers is told at once what is missing."""
    import peer_anny
    import peer_icp
    import peer_nricp
    import peer_smplfitter

    peer_smplfitter.prepare()
    peer_anny.prepare()
    return (
        Peer("nricp_amberg", "our mean body, the scan's landmarks", peer_nricp.fit),
        Peer("gradient ICP", "our body and first guess", peer_icp.fit),
        Peer("smplfitter", "our body, true correspondences, joints", peer_smplfitter.fit),
        Peer("anny inverter", "its body, true correspondences", peer_anny.fit),
    )


def run_peers(peers: tuple[Peer, ...], case: Case, result: Result, ours: Row) -> list[Row]:
    """A row for each peer and one for us, all of one case."""
    about = {name: ours[name] for name in ("number", "condition", "pose")}
    rows = [{**about, "peer": OURS, "given": "the scan", "cpu_s": ours["fit_cpu_s"], **ours}]
    for peer in peers:
        start = time.process_time()
        row: Row = {**about, "peer": peer.name, "given": peer.given}
        try:
            found = peer.fit(case, result)
        except (ArithmeticError, ValueError, RuntimeError, IndexError, np.linalg.LinAlgError) as error:
            print(f"  {peer.name}: {error}", file=sys.stderr)
            rows.append(row | {"failed": 1})
            continue
        row["cpu_s"] = time.process_time() - start
        rows.append(row | measured(case, result, found))
    return rows


def measured(case: Case, result: Result, found: PeerFit) -> Row:
    """The same distances as ours."""
    vertices = found.vertices if found.in_truth else result.in_truth(found.vertices)
    row = distances(case, vertices)
    if found.joints is not None:
        joints = found.joints if found.in_truth else result.in_truth(found.joints)
        known = np.isfinite(joints).all(axis=1)
        errors = joint_errors(case, np.where(known[:, None], joints, case.truth.joints))
        share = len(known) / max(int(known.sum()), 1)
        row["joints_mm"] = float(str(errors["joints_mm"])) * share
        if known.all():
            row["body_joints_mm"] = errors["body_joints_mm"]
    return row


def peers_table(rows: list[Row]) -> str:
    """Means over the cases, a line a peer."""
    names = list(dict.fromkeys(str(row["peer"]) for row in rows))
    lines = ["", f"{'peer':<14}{'given':<38}{'cases':>6}" + "".join(f"{name:>17}" for name in COLUMNS)]
    for name in names:
        mine = [row for row in rows if row["peer"] == name]
        cells = "".join(_cell(mean_of(mine, column)) for column in COLUMNS)
        lines.append(f"{name:<14}{mine[0]['given']!s:<38}{len(mine):>6}{cells}")
    lines.append("by case, surface_mm:")
    for number in dict.fromkeys(row["number"] for row in rows):
        mine = [row for row in rows if row["number"] == number]
        told = ", ".join(f"{row['peer']} {mean_of([row], 'surface_mm'):.2f}" for row in mine)
        lines.append(f"  {number} {mine[0]['condition']}, {mine[0]['pose']}: {told}")
    return "\n".join(lines)


def _cell(value: float) -> str:
    return f"{value:17.2f}" if np.isfinite(value) else f"{'-':>17}"


def record_peers(rows: list[Row], faces: int, label: str) -> None:
    """A row a peer, in place of those of an equal run."""
    fresh = []
    for name in dict.fromkeys(str(row["peer"]) for row in rows):
        mine = [row for row in rows if row["peer"] == name]
        means = {column: mean_of(mine, column) for column in COLUMNS}
        told = {column: f"{value:.3f}" if np.isfinite(value) else "" for column, value in means.items()}
        common = {"version": __version__, "set": label, "faces_asked": str(faces), "peer": name}
        fresh.append({**common, "given": mine[0]["given"], "cases": len(mine), **told})
    kept = []
    if RESULTS.exists():
        with RESULTS.open(newline="") as file:
            kept = [row for row in csv.DictReader(file) if _key(row) != _key(fresh[0])]
    with RESULTS.open("w", newline="") as file:
        writer: csv.DictWriter[str] = csv.DictWriter(
            file, list(RECORDED), extrasaction="ignore", lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(kept + fresh)


def _key(row: dict) -> tuple:
    return row["version"], row["set"], row["faces_asked"]
