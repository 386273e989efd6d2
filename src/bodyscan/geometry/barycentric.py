"""Shares of a triangle's corners at points that lie on it, and at the point of it that is closest to one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
FLAT = 1e-14
"""Squared sine of the angle at a corner below which a triangle has no area that doubles can tell."""


def barycentric_shares(points: F64, triangles: F64) -> F64:
    """(N, 3) points on triangles (N, 3, 3) -> (N, 3) weights, at least 0, summing to 1.

    A point beside its triangle's plane is dropped onto it; beyond an edge its weights are cut off at 0. In
    a triangle without area the first corner has it all.
    """
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    normal = np.cross(b - a, c - a)
    area = np.maximum(np.einsum("nc,nc->n", normal, normal), 1e-30)
    v = np.einsum("nc,nc->n", np.cross(points - a, c - a), normal) / area
    w = np.einsum("nc,nc->n", np.cross(b - a, points - a), normal) / area
    shares = np.clip(np.stack([1 - v - w, v, w], axis=1), 0, 1)
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float64)


def closest_barycentric(points: F64, corners: F64) -> F64:
    """(N, 3) points, (N, 3, 3) triangles -> (N, 3) barycentric weights of the closest points.

    Ericson, "Real-Time Collision Detection", 2005, section 5.1.5, all cases at once. A triangle without area
    is its edges.
    """
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    ab, ac, ap = b - a, c - a, points - a
    dot = lambda x, y: np.einsum("nc,nc->n", x, y)  # noqa: E731
    d00, d01, d11 = dot(ab, ab), dot(ab, ac), dot(ac, ac)
    d20, d21 = dot(ap, ab), dot(ap, ac)
    area = d00 * d11 - d01 * d01
    flat = area <= FLAT * d00 * d11
    area = np.where(flat, 1.0, area)
    v = (d11 * d20 - d01 * d21) / area
    w = (d00 * d21 - d01 * d20) / area
    weights = np.stack([1 - v - w, v, w], axis=1)
    outside = (weights < 0).any(axis=1) | flat
    if outside.any():
        p, t = points[outside], corners[outside]
        best = np.full(len(p), np.inf)
        chosen = np.zeros((len(p), 3))
        for i, j in ((0, 1), (1, 2), (2, 0)):
            edge = t[:, j] - t[:, i]
            along = dot(p - t[:, i], edge) / np.maximum(dot(edge, edge), 1e-30)
            along = np.clip(along, 0, 1)
            gap = np.linalg.norm(t[:, i] + along[:, None] * edge - p, axis=1)
            better = gap < best
            best[better] = gap[better]
            candidate = np.zeros((len(p), 3))
            candidate[:, i], candidate[:, j] = 1 - along, along
            chosen[better] = candidate[better]
        weights[outside] = chosen
    return weights
