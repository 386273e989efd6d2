"""Shares of a triangle's corners at points that lie on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]


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
