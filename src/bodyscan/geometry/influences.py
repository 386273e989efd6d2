"""Skin weights in the one form in which a file holds them."""

from __future__ import annotations

import numpy as np

from bodyscan.types import F32, U16


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
