"""A sequence's poses while the surface is not known either: a step of them, and what they leave open.

A body of a wrong shape draws each frame onto itself, and a surface made of those frames has the wrong shape
again: an arm that was fused too thick is moved towards every camera until its near side lies on the thick
arm. Taking turns, the surface and the poses put right about a twentieth of such an error each time, for a
frame sees little more than one side. So each vertex gets a way of its own along its normal, an unknown like
the poses, and all are solved at once. As in bundle adjustment, what belongs to one vertex alone is eliminated
first (the Schur complement: Triggs et al. 2000, "Bundle adjustment - a modern synthesis"), and a dense system
of the poses is left.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular

from bodyscan.fit.sequence_terms import FrameEquations
from bodyscan.types import F32, F64

DAMPING = 1e-3
HELD = 100.0
"""How much stiffer the mean pose is held than the stiffest pose, where it is taken for known."""


def surface_step(
    equations: Sequence[FrameEquations],
    values: F64,
    precision: F64,
    links: F64,
    surface_m: float,
    vertices: int,
) -> list[F64]:
    """The step (P,) of each of T instants.

    `values` (T, P) where they are; `precision` (P,) of each unknown about its mean over the instants, `links`
    (T - 1, P) of each between neighbours; `surface_m` metres, the standard deviation of the ways of the
    `vertices`, which are solved for and not kept.
    """
    count, poses = values.shape
    reduced, weights, _ = _reduced(equations, precision, links, surface_m, vertices, DAMPING)
    pulls = np.zeros(vertices)
    for each in equations:
        pulls[each.vertices] += each.pulls
    mean, gradient = values.mean(axis=0), np.zeros((count, poses))
    for k, each in enumerate(equations):
        of_all = each.weights * (pulls / weights)[each.vertices]
        gradient[k] = each.gradient - each.rows.T @ of_all + precision * (values[k] - mean)
    for k, link in enumerate(links):
        pull = link * (values[k + 1] - values[k])
        gradient[k] -= pull
        gradient[k + 1] += pull
    step = -cho_solve(cho_factor(reduced, overwrite_a=True), gradient.reshape(-1))
    return list(step.reshape(count, poses))


def surface_spread_m(
    equations: Sequence[FrameEquations], precision: F64, links: F64, surface_m: float, vertices: int
) -> F64:
    """(vertices,) metres: standard deviation of each vertex along its normal that comes of the poses.

    The poses of all instants, which err together, move the surface that is made of their frames. What the
    points themselves scatter is not in it. Arguments as of `surface_step`, the equations' weights over the
    true variance of what they measure. The mean pose is taken for known: which one the surface is in is no
    error of it.
    """
    reduced, weights, shared = _reduced(equations, precision, links, surface_m, vertices, 0.0)
    count, poses = len(equations), len(precision)
    held = HELD * float(np.diag(reduced).max()) / count
    for k in range(poses):  # the mean over the instants of each unknown
        reduced[k::poses, k::poses] += held
    factor = cho_factor(reduced, lower=True, overwrite_a=True)[0]
    moved = shared.reshape(vertices, -1) / np.sqrt(weights).astype(np.float32)[:, None]
    spread = solve_triangular(factor, moved.T, lower=True, check_finite=False)
    return np.sqrt(np.einsum("pv,pv->v", spread, spread))


def _reduced(
    equations: Sequence[FrameEquations],
    precision: F64,
    links: F64,
    surface_m: float,
    vertices: int,
    damping: float,
) -> tuple[F64, F64, F32]:
    """The system of all poses with the vertices' ways eliminated: (T P, T P).

    And (V,) what each vertex weighs, and (V, T, P) what ties it to the poses, over the root of that.
    """
    count, poses = len(equations), len(precision)
    hessian = np.zeros((count, poses, count, poses))
    weights = np.full(vertices, 1 / surface_m**2)
    for each in equations:
        weights[each.vertices] += each.weights
    root = np.sqrt(weights)
    shared = np.zeros((vertices, count, poses), np.float32)
    for k, each in enumerate(equations):
        hessian[k, :, k] = each.hessian + np.diag(damping * np.diag(each.hessian) + precision)
        shared[each.vertices, k] = each.rows * (each.weights / root[each.vertices])[:, None]
    for k, link in enumerate(links):
        for one, other, sign in ((k, k, 1), (k + 1, k + 1, 1), (k, k + 1, -1), (k + 1, k, -1)):
            hessian[one, :, other] += sign * np.diag(link)
    flat = shared.reshape(vertices, -1)
    return hessian.reshape(count * poses, -1) - flat.T @ flat, weights, shared
