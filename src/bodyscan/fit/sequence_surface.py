"""One step of a sequence's poses while the surface is not known either.

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
from scipy.linalg import cho_factor, cho_solve

from bodyscan.fit.sequence_terms import FrameEquations
from bodyscan.types import F64

DAMPING = 1e-3


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
    hessian, gradient = np.zeros((count, poses, count, poses)), np.zeros((count, poses))
    weights, pulls = np.full(vertices, 1 / surface_m**2), np.zeros(vertices)
    for each in equations:
        weights[each.vertices] += each.weights
        pulls[each.vertices] += each.pulls
    mean, root = values.mean(axis=0), np.sqrt(weights)
    shared = np.zeros((vertices, count, poses), np.float32)
    for k, each in enumerate(equations):
        own = each.hessian + np.diag(DAMPING * np.diag(each.hessian))
        hessian[k, :, k] = own + np.diag(precision)
        of_all = each.weights * (pulls / weights)[each.vertices]
        gradient[k] = each.gradient - each.rows.T @ of_all + precision * (values[k] - mean)
        shared[each.vertices, k] = each.rows * (each.weights / root[each.vertices])[:, None]
    for k, link in enumerate(links):
        pull = link * (values[k + 1] - values[k])
        gradient[k] -= pull
        gradient[k + 1] += pull
        for one, other, sign in ((k, k, 1), (k + 1, k + 1, 1), (k, k + 1, -1), (k + 1, k, -1)):
            hessian[one, :, other] += sign * np.diag(link)
    flat = shared.reshape(vertices, -1)
    reduced = hessian.reshape(count * poses, -1) - flat.T @ flat
    step = -cho_solve(cho_factor(reduced, overwrite_a=True), gradient.reshape(-1))
    return list(step.reshape(count, poses))
