"""A sequence's poses while the surface is not known either: a step of them, and what they leave open.

A body of a wrong shape draws each frame onto itself, and a surface made of those frames has the wrong shape
again: an arm that was fused too thick is moved towards every camera until its near side lies on the thick
arm. Taking turns, the surface and the poses put right about a twentieth of such an error each time, for a
frame sees little more than one side. So each vertex gets a way of its own along its normal, an unknown like
the poses, and all are solved at once. As in bundle adjustment, what belongs to one vertex alone is eliminated
first (the Schur complement: Triggs et al. 2000, "Bundle adjustment - a modern synthesis"), and a dense system
of the poses is left. The sensor's error over the distance, where it is asked for, is one more unknown of all:
to frames that do not agree because somebody swayed, alignment alone fits a curve that bends with the arms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from bodyscan.fit.sequence_terms import FrameEquations
from bodyscan.types import F32, F64

DAMPING = 1e-3
HELD = 100.0
"""How much stiffer the mean pose is held than the stiffest pose, where it is taken for known."""


@dataclass(frozen=True, eq=False)
class CurveHold:
    """What holds the coefficients of a range error that is solved for with the poses."""

    values_m: F64
    """(C,) where they are."""
    pull: F64
    """(C, C) 1/m2, towards zero."""


def surface_step(
    equations: Sequence[FrameEquations],
    values: F64,
    precision: F64,
    links: F64,
    surface_m: float,
    vertices: int,
    hold: CurveHold | None = None,
) -> tuple[list[F64], F64]:
    """The step (P,) of each of T instants, and (C,) of the range error's coefficients.

    `values` (T, P) where they are; `precision` (P,) of each unknown about its mean over the instants, `links`
    (T - 1, P) of each between neighbours; `surface_m` metres, the standard deviation of the ways of the
    `vertices`, which are solved for and not kept. `hold`: of the range error, where the equations have one.
    """
    count, poses = values.shape
    system = _reduced(equations, precision, links, surface_m, vertices, DAMPING, hold)
    pulls = np.zeros(vertices)
    for each in equations:
        pulls[each.vertices] += each.pulls
    toward = pulls / system.weights
    mean, gradient = values.mean(axis=0), np.zeros((count, poses))
    for k, each in enumerate(equations):
        of_all = each.weights * toward[each.vertices]
        gradient[k] = each.gradient - each.rows.T @ of_all + precision * (values[k] - mean)
    for k, link in enumerate(links):
        pull = link * (values[k + 1] - values[k])
        gradient[k] -= pull
        gradient[k + 1] += pull
    bent = np.zeros(0)
    if hold is not None:
        bent = hold.pull @ hold.values_m - system.bends.T @ toward
        bent += sum(each.bends.gradient for each in equations if each.bends is not None)
    right = np.concatenate([gradient.reshape(-1), bent])
    step = -cho_solve(cho_factor(system.matrix, overwrite_a=True), right)
    return list(step[: count * poses].reshape(count, poses)), step[count * poses :]


def surface_spread_m(
    equations: Sequence[FrameEquations], precision: F64, links: F64, surface_m: float, vertices: int
) -> F64:
    """(vertices,) metres: standard deviation of each vertex along its normal that comes of the poses.

    The poses of all instants, which err together, move the surface that is made of their frames. What the
    points themselves scatter is not in it. Arguments as of `surface_step`, the equations' weights over the
    true variance of what they measure. The mean pose is taken for known: which one the surface is in is no
    error of it.
    """
    system = _reduced(equations, precision, links, surface_m, vertices, 0.0, None)
    count, poses, matrix = len(equations), len(precision), system.matrix
    held = HELD * float(np.diag(matrix).max()) / count
    for k in range(poses):  # the mean over the instants of each unknown
        matrix[k::poses, k::poses] += held
    factor = cho_factor(matrix, lower=True, overwrite_a=True)[0]
    moved = system.ties / np.sqrt(system.weights).astype(np.float32)[:, None]
    spread = solve_triangular(factor, moved.T, lower=True, check_finite=False)
    return np.sqrt(np.einsum("pv,pv->v", spread, spread))


@dataclass(frozen=True, eq=False)
class _System:
    """All poses, and the range error's coefficients after them, with the vertices' ways eliminated."""

    matrix: F64
    """(T P + C, T P + C)."""
    weights: F64
    """(V,) of each vertex."""
    ties: F32
    """(V, T P + C) what ties each vertex to the unknowns, over the root of its weight."""
    bends: F64
    """(V, C) what ties it to the coefficients."""


def _reduced(
    equations: Sequence[FrameEquations],
    precision: F64,
    links: F64,
    surface_m: float,
    vertices: int,
    damping: float,
    hold: CurveHold | None,
) -> _System:
    count, poses = len(equations), len(precision)
    size, bends = count * poses, 0 if hold is None else len(hold.values_m)
    matrix = np.zeros((size + bends, size + bends))
    weights, bent = np.full(vertices, 1 / surface_m**2), np.zeros((vertices, bends))
    for each in equations:
        weights[each.vertices] += each.weights
        if hold is not None and each.bends is not None:
            bent[each.vertices] += each.bends.of_vertex
            matrix[size:, size:] += each.bends.hessian
    root = np.sqrt(weights)
    ties = np.zeros((vertices, size + bends), np.float32)
    ties[:, size:] = bent / root[:, None]
    for k, each in enumerate(equations):
        here = slice(k * poses, k * poses + poses)
        matrix[here, here] += each.hessian + np.diag(damping * np.diag(each.hessian) + precision)
        ties[each.vertices, here] = each.rows * (each.weights / root[each.vertices])[:, None]
        if hold is not None and each.bends is not None:
            matrix[here, size:] = each.rows.T @ each.bends.of_vertex
            matrix[size:, here] = matrix[here, size:].T
    for k, link in enumerate(links):
        here, after = (slice(i * poses, i * poses + poses) for i in (k, k + 1))
        for one, other, sign in ((here, here, 1), (after, after, 1), (here, after, -1), (after, here, -1)):
            matrix[one, other] += sign * np.diag(link)
    if hold is not None:
        matrix[size:, size:] += hold.pull
    matrix -= ties.T @ ties
    return _System(matrix, weights, ties, bent)
