"""What a scan looks like in slices across an axis: the person without a detector.

A standing person has two separate legs low down, one narrow head at the top, and feet that reach forward
of the ankles. The slices are counted on points spread evenly over the surface.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from bodyscan.types import F64, Mesh

NUM_SAMPLES = 30_000
CELL = 0.015
"""Size of a cell of a slice, as a share of the height."""
PERSON_SCORE = 0.55
"""Score of a stance from which a scan is taken for a person where no picture shows one."""
PIECE = 0.12
"""A piece of a slice counts from this share of the slice's cells."""


@dataclass(frozen=True)
class Stance:
    """How much a scan, cut across one axis, looks like a standing person."""

    score: float
    """0..1; from `PERSON_SCORE` on it is taken for a person."""
    leg_pieces: int
    """Separate pieces at the height of the shins."""
    head_share: float
    """Width of the top tenth of the height as a share of the greatest width of a slice."""
    slenderness: float
    """Height over the greater of the two horizontal extents."""
    forward: F64
    """(3,) unit direction in which the feet reach beyond the ankles, across the axis."""


def surface_samples(mesh: Mesh, count: int = NUM_SAMPLES, seed: int = 0) -> F64:
    """(N, 3) points spread evenly over the surface by area; a cloud's own points, thinned, for a cloud."""
    random = np.random.default_rng(seed)
    if mesh.is_cloud:
        chosen = random.permutation(len(mesh.vertices))[:count]
        return mesh.vertices[np.sort(chosen)]
    corners = mesh.vertices[mesh.faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    total = float(area.sum())
    if total <= 0:
        return mesh.vertices
    faces = np.searchsorted(np.cumsum(area) / total, random.random(count)).clip(max=len(area) - 1)
    first, second = random.random(count), random.random(count)
    outside = first + second > 1
    first[outside], second[outside] = 1 - first[outside], 1 - second[outside]
    origin = corners[faces, 0]
    return (
        origin
        + first[:, None] * (corners[faces, 1] - origin)
        + second[:, None] * (corners[faces, 2] - origin)
    )


def slice_pieces(across: F64, cell: float) -> int:
    """Number of separate pieces among points (N, 2) of one slice; small crumbs do not count."""
    return len(_piece_sizes(across, cell))


def _piece_sizes(across: F64, cell: float) -> np.ndarray:
    """Cells of each piece of a slice."""
    if len(across) < 12:
        return np.zeros(0, int)
    cells = np.floor((across - across.min(axis=0)) / cell).astype(int)
    grid = np.zeros(cells.max(axis=0) + 1, bool)
    grid[cells[:, 0], cells[:, 1]] = True
    labels = np.zeros(grid.shape, np.int32)
    ndimage.label(grid, structure=np.ones((3, 3)), output=labels)
    sizes = np.bincount(labels[grid])[1:]
    return sizes[sizes > PIECE * grid.sum()]


def stance(points: F64, up: F64) -> Stance:
    """Judge points (N, 3), any unit, as a person standing along the unit axis `up`."""
    side = np.cross(up, np.eye(3)[np.abs(up).argmin()])
    side /= np.linalg.norm(side)
    across = points @ np.stack([side, np.cross(up, side)], axis=1)
    level = points @ up
    low, high = np.percentile(level, [0.1, 99.9])
    height = max(float(high - low), 1e-12)
    level = (level - low) / height
    spread = np.ptp(np.percentile(across, [0.2, 99.8], axis=0), axis=0)
    slenderness = height / max(float(spread.max()), 1e-12)

    shins = [_pair(across[np.abs(level - at) < 0.02], CELL * height) for at in (0.12, 0.17, 0.22, 0.27)]
    widths = [_width(across[np.abs(level - at) < 0.03]) for at in np.linspace(0.05, 0.95, 16)]
    head_share = _width(across[level > 0.91]) / max(*widths, 1e-12)
    trunk = [slice_pieces(across[np.abs(level - at) < 0.02], CELL * height) for at in (0.58, 0.66, 0.74)]
    legs = float(np.median([alike for _, alike in shins]))
    head = across[level > 0.93]
    score = min(
        legs,
        float(np.clip((0.75 - head_share) / 0.3, 0, 1)),
        float(np.clip((slenderness - 0.75) / 0.15, 0, 1)) * float(slenderness < 7),
        # One trunk, or a trunk between two arms.
        float(np.mean([pieces in (1, 3) for pieces in trunk])),
        1.0 if slice_pieces(head, CELL * height) == 1 else 0.3,
    )
    pieces = int(np.median([count for count, _ in shins]))
    return Stance(
        score, pieces, float(head_share), float(slenderness), _feet_forward(across, level, side, up)
    )


def _pair(across: F64, cell: float) -> tuple[int, float]:
    """Number of pieces of a slice, and 0..1 how much it is a pair of pieces of like size."""
    sizes = _piece_sizes(across, cell)
    if len(sizes) != 2:
        return len(sizes), 0.0
    return 2, float(np.clip(2 * sizes.min() / sizes.max(), 0, 1))


def _width(across: F64) -> float:
    if len(across) < 8:
        return 0.0
    return float(np.ptp(np.percentile(across, [1, 99], axis=0), axis=0).max())


def _feet_forward(across: F64, level: F64, side: F64, up: F64) -> F64:
    """The foot's middle lies forward of the ankle's, in each foot; both feet are summed."""
    feet, ankles = across[level < 0.035], across[(level > 0.06) & (level < 0.10)]
    if len(feet) < 10 or len(ankles) < 10:
        return np.cross(side, up)
    spread = ankles - ankles.mean(axis=0)
    _, axes = np.linalg.eigh(spread.T @ spread)
    # The ankles stand beside each other: the feet reach across the line that joins them.
    between = axes[:, 1]
    offset = feet.mean(axis=0) - ankles.mean(axis=0)
    offset = offset - between * (offset @ between)
    ahead = np.array([-between[1], between[0]]) * (1 if offset @ [-between[1], between[0]] >= 0 else -1)
    return ahead[0] * side + ahead[1] * np.cross(up, side)
