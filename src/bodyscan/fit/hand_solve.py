"""Gauss-Newton for one hand, and how well a hand explains the scan.

Pairs count along the body's own normals, which stay smooth where a scan's are noise. A surface that only
slides along normals never learns how long a finger is, because few normals point along it: what lies beyond
the end of a finger pulls there too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from bodyscan.fit.hand_chain import HandChain, HandPose, HandState
from bodyscan.fit.hand_prior import HandPrior
from bodyscan.fit.hand_scan import STRETCH_M, HandScan
from bodyscan.geometry.normals import vertex_areas, vertex_normals
from bodyscan.types import F64

MIN_COSINE = 0.3
EFFECTIVE_POINTS = 2500.0
"""So many independent measurements are the pairs of one direction worth. Fewer (250) leave long fingers
short: only their tips tell the length, against the prior on shape."""
FOREARM_TRUST = 0.3
SPACING_M = 0.004
"""Vertices of a hand lie no farther apart: what is farther beside its partner lies beyond an end."""
HIDDEN_M, HIDDEN_SHARE = 0.002, 0.3
"""Skin so deep inside the scan's surface counts by this share when it has no partner."""
MAX_TURN_RAD = 0.35


@dataclass(frozen=True, eq=False)
class Draw:
    """Which points of the scan and which vertices of the hand look for partners."""

    points: np.ndarray
    """(P,) rows of a `HandScan`."""
    vertices: np.ndarray
    """(Q,) places in a `HandChain`."""


def descend(
    chain: HandChain, scan: HandScan, prior: HandPrior, pose: HandPose, sigmas_m: F64, draw: Draw
) -> HandPose:
    """Gauss-Newton with robust pairs both ways; a step for each kernel scale of `sigmas_m`."""
    trust = np.where(chain.in_hand, 1.0, FOREARM_TRUST)
    for sigma in sigmas_m:
        state = chain.state(pose)
        normals = vertex_normals(state.vertices, chain.faces)
        areas = vertex_areas(state.vertices, chain.faces)[draw.vertices]
        vertex, point, there, _ = _partners(state, normals, scan, draw)
        elsewhere = scan.elsewhere[draw.points]
        ours = scan.trust[draw.points] / (1 + (there / elsewhere) ** 2)
        hessian, gradient = np.zeros_like(prior.hessian), np.zeros_like(prior.mean)
        for ids, hits, weight, beyond_m in (
            (vertex, draw.points, ours, SPACING_M),
            (draw.vertices, point, areas / areas.mean() * scan.trust[point] * ~scan.border[point], np.inf),
        ):
            gap = state.vertices[ids] - scan.points[hits]
            direction, residual, beside = _pull(gap, normals[ids], beyond_m)
            cosine = np.sum(normals[ids] * scan.normals[hits], axis=1)
            weight = weight * trust[ids] * np.clip((cosine - MIN_COSINE) / (1 - MIN_COSINE), 0, 1)
            weight /= (1 + (residual / sigma) ** 2) ** 2 * (1 + (beside / (sigma + scan.spacing_m)) ** 2) ** 2
            keep = weight > 1e-3
            rows = chain.rows(state, ids[keep], direction[keep])
            scale = EFFECTIVE_POINTS / (max(len(ids), 1) * sigma**2) * weight[keep]
            hessian += rows.T @ (rows * scale[:, None])
            gradient += rows.T @ (scale * residual[keep])
        prior.add_to(hessian, gradient, pose)
        pose = pose.moved(_step(hessian, gradient))
    return pose


def descend_joints(
    chain: HandChain, prior: HandPrior, pose: HandPose, joints: F64, sigma_m: F64, steps: int
) -> HandPose:
    """Gauss-Newton on the places of the 16 joints: (16, 3) metres and (16,) how far each may be off."""
    weight = np.repeat(1 / sigma_m**2, 3)
    for _ in range(steps):
        state = chain.state(pose)
        gap = (state.joints - joints).reshape(-1)
        rows = chain.joint_rows(state)
        robust = weight / (1 + np.repeat(np.sum(gap.reshape(-1, 3) ** 2, axis=1), 3) * weight / 9)
        hessian, gradient = rows.T @ (rows * robust[:, None]), rows.T @ (robust * gap)
        prior.add_to(hessian, gradient, pose)
        pose = pose.moved(_step(hessian, gradient))
    return pose


def misfit(chain: HandChain, scan: HandScan, pose: HandPose, sigma_m: float, draw: Draw) -> float:
    """0..1 mean robust distance both ways, place and normal together, in units of `sigma_m`."""
    state = chain.state(pose)
    normals = vertex_normals(state.vertices, chain.faces)
    areas = vertex_areas(state.vertices, chain.faces)[draw.vertices] * chain.in_hand[draw.vertices]
    vertex, _, there, back = _partners(state, normals, scan, draw)
    trust = scan.trust[draw.points] * chain.in_hand[vertex] + 1e-9
    there = np.minimum(there, scan.elsewhere[draw.points])
    there, back = (gap**2 / (gap**2 + sigma_m**2) for gap in (there, back))
    # Skin inside of what the scan shows is hidden (the inner side of a fist, a palm on a thigh); skin
    # outside of it should have been seen.
    own = state.vertices[draw.vertices]
    nearest = np.asarray(scan.around.query(own)[1])
    height = np.sum((own - scan.around.data[nearest]) * scan.around_normals[nearest], axis=1)
    back = back * np.where(height < -HIDDEN_M, HIDDEN_SHARE, 1.0)
    return 0.5 * float(np.average(there, weights=trust) + np.average(back, weights=areas))


def support(chain: HandChain, scan: HandScan, pose: HandPose, sigma_m: float, draw: Draw) -> F64:
    """(6,) 0..1 for the palm, then thumb to little finger: how much of its skin the scan shows."""
    state = chain.state(pose)
    back = _partners(state, vertex_normals(state.vertices, chain.faces), scan, draw)[3]
    part = np.where(chain.in_hand, chain.finger_of + 1, 6)[draw.vertices]
    shown = np.bincount(part, 1 / (1 + (back / sigma_m) ** 2), 7) / np.maximum(
        np.bincount(part, minlength=7), 1
    )
    return shown[:6]


def _partners(
    state: HandState, normals: F64, scan: HandScan, draw: Draw
) -> tuple[np.ndarray, np.ndarray, F64, F64]:
    """Vertex of each drawn point, point of each drawn vertex, and their distances in place and normal."""
    there, vertex = KDTree(np.hstack([state.vertices, STRETCH_M * normals])).query(
        np.hstack([scan.points, STRETCH_M * scan.normals])[draw.points]
    )
    own = np.hstack([state.vertices, STRETCH_M * normals])[draw.vertices]
    back, point = scan.tree.query(own)
    return np.asarray(vertex), np.asarray(point), np.asarray(there), np.asarray(back)


def _pull(gap: F64, normals: F64, beyond_m: float) -> tuple[F64, F64, F64]:
    """(N, 3) gaps and normals -> directions (N, 3), distances (N,) along them, and what is left beside (N,).

    The direction is the normal's, turned towards a partner that lies more than `beyond_m` beside it.
    """
    height = np.sum(gap * normals, axis=1)
    along = height[:, None] * normals
    beside = gap - along
    length = np.linalg.norm(beside, axis=1)
    share = np.maximum(1 - beyond_m / np.maximum(length, 1e-9), 0)
    vector = along + beside * share[:, None]
    distance = np.linalg.norm(vector, axis=1)
    tiny = distance < 1e-6
    direction = np.where(tiny[:, None], normals, vector / np.maximum(distance, 1e-6)[:, None])
    return direction, np.where(tiny, 0.0, distance), length * (1 - share)


def _step(hessian: F64, gradient: F64) -> F64:
    damped = hessian + 1e-3 * np.diag(np.diag(hessian))
    delta = -np.linalg.solve(damped, gradient)
    return delta / max(1.0, float(np.abs(delta[3:51]).max()) / MAX_TURN_RAD)
