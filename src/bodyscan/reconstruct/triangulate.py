"""Where rays from several pictures meet, when some of them point at the wrong thing.

For each point every pair of rays proposes the place where they come closest; the proposal that most rays
agree with wins (MSAC: Torr and Zisserman 2000) and is refined by iteratively reweighted least squares
with the Geman-McClure weight. All points are solved together.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from bodyscan.errors import InputError
from bodyscan.types import F64, Bool

REFINEMENTS = 8


@dataclass(frozen=True, eq=False)
class Triangulation:
    """Places where rays meet; NaN and no views where fewer than two rays agree."""

    positions: F64
    """(P, 3) float64, the unit of the rays."""
    residual: F64
    """(P,) float64, root mean square distance to the rays that agree; inf where there is no position."""
    inliers: Bool
    """(V, P) bool, which rays agree within the tolerance."""


def triangulate(
    origins: ArrayLike, directions: ArrayLike, weights: ArrayLike, tolerance: float
) -> Triangulation:
    """Meet rays: `origins` and unit `directions` (V, P, 3), `weights` (V, P) 0 where a view has no ray.

    `tolerance` is the distance between ray and point within which a ray agrees.
    Raises `InputError` for shapes that do not match or a tolerance of 0 or less.
    """
    origins, directions = np.asarray(origins, np.float64), np.asarray(directions, np.float64)
    weights = np.asarray(weights, np.float64)
    if origins.shape != directions.shape or origins.shape != (*weights.shape, 3):
        raise InputError(
            f"triangulate: origins {origins.shape}, directions {directions.shape} and weights "
            f"{weights.shape} must be (V, P, 3), (V, P, 3) and (V, P)."
        )
    if tolerance <= 0:
        raise InputError(f"triangulate: the tolerance must be above 0; it is {tolerance}.")
    num_views, num_points = weights.shape
    if num_views < 2 or num_points == 0:
        empty = np.full((num_points, 3), np.nan)
        return Triangulation(empty, np.full(num_points, np.inf), np.zeros((num_views, num_points), bool))
    # I - d d^T measures the distance to a ray; A x = b is solved for the point nearest to all of them.
    across = np.eye(3) - directions[..., :, None] * directions[..., None, :]
    targets = np.einsum("vpij,vpj->vpi", across, origins)
    best = _vote(origins, directions, across, targets, weights, tolerance)
    for _ in range(REFINEMENTS):
        squared = _squared_distance(best[None], origins, directions) / tolerance**2
        robust = weights / (1 + squared) ** 2 * (squared < 4)
        best = _solve(
            np.einsum("vp,vpij->pij", robust, across), np.einsum("vp,vpi->pi", robust, targets), best
        )
    squared = _squared_distance(best[None], origins, directions)
    inliers = (squared < tolerance**2) & (weights > 0)
    agreed = inliers.sum(axis=0) >= 2
    total = np.maximum((weights * inliers).sum(axis=0), 1e-12)
    residual = np.sqrt((weights * inliers * np.where(inliers, squared, 0)).sum(axis=0) / total)
    return Triangulation(
        np.where(agreed[:, None], best, np.nan), np.where(agreed, residual, np.inf), inliers & agreed
    )


def _vote(origins: F64, directions: F64, across: F64, targets: F64, weights: F64, tolerance: float) -> F64:
    best = np.zeros((weights.shape[1], 3))
    best_score = np.full(weights.shape[1], -1.0)
    for first, second in combinations(range(len(weights)), 2):
        both = np.minimum(weights[first], weights[second]) > 0
        # Nearly parallel rays place the point anywhere along themselves.
        steep = np.abs(np.einsum("pi,pi->p", directions[first], directions[second])) < 0.98
        if not (both & steep).any():
            continue
        proposal = _solve(across[first] + across[second], targets[first] + targets[second], best)
        squared = _squared_distance(proposal[None], origins, directions)
        score = (weights * np.maximum(1 - squared / tolerance**2, 0)).sum(axis=0)
        better = both & steep & (score > best_score)
        best[better], best_score[better] = proposal[better], score[better]
    return best


def _squared_distance(points: F64, origins: F64, directions: F64) -> F64:
    offset = points - origins
    along = np.einsum("vpi,vpi->vp", offset, directions)
    return np.maximum(np.einsum("vpi,vpi->vp", offset, offset) - along**2, 0)


def _solve(matrices: F64, vectors: F64, fallback: F64) -> F64:
    trace = np.trace(matrices, axis1=1, axis2=2)
    solvable = np.linalg.det(matrices) > 1e-9 * np.maximum(trace, 1e-300) ** 3
    out = fallback.copy()
    if solvable.any():
        out[solvable] = np.linalg.solve(matrices[solvable], vectors[solvable][..., None])[..., 0]
    return out
