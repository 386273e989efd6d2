# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrays out of a skinned mesh object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bodyscan.errors import InputError

INFLUENCES = 4


def points(collection: Any, name: str) -> np.ndarray:
    """(N, 3) float64 of a collection's vectors, as they are stored."""
    out = np.empty(3 * len(collection), np.float32)
    collection.foreach_get(name, out)
    return out.reshape(-1, 3).astype(np.float64)


def rest_points(item: Any) -> np.ndarray:
    """(V, 3) float64 of a mesh object at rest: its basis where it has face shapes."""
    keys = item.data.shape_keys
    return points(item.data.vertices if keys is None else keys.reference_key.points, "co")


def influences(item: Any, place: Mapping[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return (V, K) indices of bones and (V, K) weights that sum to 1, of at least four places.

    `place`: bone name -> index; other groups do not count. Raises `InputError` where a vertex hangs on none.
    """
    bone_of = {group.index: place[group.name] for group in item.vertex_groups if group.name in place}
    rows = [
        [(bone_of[entry.group], entry.weight) for entry in vertex.groups if entry.group in bone_of]
        for vertex in item.data.vertices
    ]
    width = max(INFLUENCES, max((len(row) for row in rows), default=0))
    joints, weights = np.zeros((len(rows), width), np.int64), np.zeros((len(rows), width))
    for vertex, row in enumerate(rows):
        for slot, (joint, weight) in enumerate(row):
            joints[vertex, slot], weights[vertex, slot] = joint, weight
    total = weights.sum(axis=1, keepdims=True)
    if len(rows) and total.min() <= 0:
        raise InputError(
            f"{item.name} has {int((total <= 0).sum())} vertices that hang on no bone: its vertex groups "
            "were changed. Import the twin again."
        )
    return joints, weights / total
