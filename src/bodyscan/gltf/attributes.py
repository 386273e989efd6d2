"""Vertex attributes in the form that glTF readers take."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodyscan.types import F32, I32, U16


def seamless_normals(vertices: NDArray[Any], faces: I32, vertex_source: I32) -> F32:
    """Return area-weighted unit normals (V, 3) that do not show where vertices were split.

    `vertices` (V, 3) metres, `faces` (F, 3), `vertex_source` (V,) the vertex each was split from: all
    copies of one source get the same normal. A vertex without area around it gets +Y, because glTF
    asks for unit length everywhere.
    """
    corners = np.asarray(vertices, dtype=np.float64)[faces]
    doubled_area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    count = int(vertex_source.max(initial=-1)) + 1
    owners = vertex_source[faces].ravel()
    spread = np.repeat(doubled_area, 3, axis=0)
    summed = np.stack([np.bincount(owners, spread[:, axis], count) for axis in range(3)], axis=1)
    length = np.linalg.norm(summed, axis=1, keepdims=True)
    # Below this a normal is rounding noise: 1e-16 square metres.
    flat = length[:, 0] < 1e-16
    unit = summed / np.where(flat[:, None], 1, length)
    unit[flat] = (0.0, 1.0, 0.0)
    return unit[vertex_source].astype(np.float32)


def clean_influences(joint_indices: U16, joint_weights: F32) -> tuple[U16, F32]:
    """Return the same skinning with each joint at most once a vertex, and weights that sum to 1 in float32.

    Both (V, 4). The largest weight comes first; unused places hold joint 0 and weight 0. glTF forbids a
    joint named twice, and its validator allows the float32 sum an error of 2e-7 a weight.
    """
    indices = np.asarray(joint_indices, dtype=np.int64).copy()
    weights = np.asarray(joint_weights, dtype=np.float64).copy()
    for later in range(1, indices.shape[1]):
        for earlier in range(later):
            same = (indices[:, later] == indices[:, earlier]) & (weights[:, later] > 0)
            weights[same, earlier] += weights[same, later]
            weights[same, later] = 0
    order = np.argsort(-weights, axis=1, kind="stable")
    indices = np.take_along_axis(indices, order, axis=1)
    weights = np.take_along_axis(weights, order, axis=1)
    weights /= weights.sum(axis=1, keepdims=True)
    single = weights.astype(np.float32)
    single[:, 0] = (1.0 - single[:, 1:].astype(np.float64).sum(axis=1)).astype(np.float32)
    indices[single == 0] = 0
    return indices.astype(np.uint16), single
