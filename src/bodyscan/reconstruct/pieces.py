"""Which pieces of a scan belong to the person: near enough for their size, and not a pole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from bodyscan.geometry.cells import cell_ids
from bodyscan.geometry.components import link_components
from bodyscan.geometry.near import may_be_near
from bodyscan.threads import usable_threads

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Pieces:
    """Pieces of a surface as points."""

    points: F64
    """(N, 3) metres: dense enough that a piece has no gap wider than the link distance."""
    piece: I64
    """(N,) which piece each point belongs to."""
    areas: F64
    """(P,) square metres."""

    @property
    def count(self) -> int:
        return len(self.areas)


def reach(area: F64 | float, max_gap: float) -> F64:
    """Metres of empty space over which a piece of `area` m2 still counts as part of the person.

    A hand cut off by occlusion (0.04 m2) bridges 63 mm, a lock of hair (4 cm2) 9 mm, a crumb next to
    nothing.
    """
    return np.minimum(max_gap, 0.003 + 0.3 * np.sqrt(area))


def person_pieces(pieces: Pieces, link_distance: float, max_gap: float) -> Bools:
    """(P,) True for the pieces of the largest body in the scan.

    Pieces within about `link_distance` form groups. The group of the largest area is the person, and so
    are groups within `reach` of it; then small pieces inside the group that hang too far off for their
    size are left out again. A group that is nothing but small pieces (triangle soup) is kept whole.
    """
    group = _groups(pieces, link_distance)
    group_area = np.bincount(group, pieces.areas).astype(np.float64)
    mine = np.zeros(len(group_area), bool)
    mine[int(np.argmax(group_area))] = True
    _attach(pieces.points, group[pieces.piece], group_area, mine, max_gap)
    member = mine[group]
    total = float(pieces.areas[member].sum())
    large = member & (pieces.areas >= 0.02 * total)
    if pieces.areas[large].sum() < 0.4 * total:
        return member
    inside = member[pieces.piece]
    _attach(pieces.points[inside], pieces.piece[inside], pieces.areas, large, max_gap)
    return large


def _attach(points: F64, owner: I64, areas: F64, kept: Bools, max_gap: float) -> None:
    """Add to `kept`, in place, owners whose points come within reach of what is kept; at most 4 rounds."""
    limits = reach(areas, max_gap)
    fresh = kept.copy()
    for _ in range(4):
        waiting = np.flatnonzero(~kept[owner])
        sources = points[fresh[owner]]
        sources = sources[may_be_near(sources, points[waiting], max_gap)]
        if len(sources) == 0:
            return
        found, _ = KDTree(sources).query(
            points[waiting], distance_upper_bound=max_gap, workers=usable_threads()
        )
        near = np.full(len(areas), np.inf)
        np.minimum.at(near, owner[waiting], found)
        fresh = ~kept & (near <= limits)
        if not fresh.any():
            return
        kept |= fresh


def _groups(pieces: Pieces, link_distance: float) -> I64:
    """(P,) group number of pieces whose points lie in the same or touching cells of a grid."""
    first, cell = cell_ids(pieces.points, link_distance)
    grid = np.floor(pieces.points[first] / link_distance).astype(np.int64)
    pairs = KDTree(grid).query_pairs(1.8, output_type="ndarray")  # the 26 neighbours: up to sqrt(3)
    # Nodes are cells, then pieces: a piece is linked to every cell that it touches.
    cells = len(first)
    a = np.concatenate([pairs[:, 0], cell])
    b = np.concatenate([pairs[:, 1], pieces.piece + cells])
    labels = link_components(a, b, cells + pieces.count)[cells:]
    _, compact = np.unique(labels, return_inverse=True)
    return compact.reshape(-1)


def poles(pieces: Pieces) -> Bools:
    """(P,) True for pieces longer than 0.7 m, straight, and thinner than 60 mm: stands, rods, cables."""
    count = np.maximum(np.bincount(pieces.piece, minlength=pieces.count), 1)
    low = np.full((pieces.count, 3), np.inf)
    high = np.full((pieces.count, 3), -np.inf)
    for axis in range(3):  # numpy is fast at this for one axis alone
        np.minimum.at(low[:, axis], pieces.piece, pieces.points[:, axis])
        np.maximum.at(high[:, axis], pieces.piece, pieces.points[:, axis])
    long = (np.linalg.norm(high - low, axis=1) > 0.7) & (count >= 8)
    out = np.zeros(pieces.count, bool)
    if long.sum() > 200:
        return out
    for index in np.flatnonzero(long):
        points = pieces.points[pieces.piece == index]
        variance = np.linalg.eigvalsh(np.cov(points.T))
        # On a cylinder's surface the variance across is r^2 / 2, along it L^2 / 12.
        radius = np.sqrt(2 * max(float(variance[1]), 0.0))
        length = np.sqrt(12 * max(float(variance[2]), 0.0))
        out[index] = radius < 0.03 and length > 0.6
    return out
