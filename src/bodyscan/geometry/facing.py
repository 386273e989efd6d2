"""The nearest places of a surface that face a point's own way: skin of the arm is not that of the chest."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from bodyscan.threads import usable_threads
from bodyscan.types import F32, F64

NEIGHBOURS = 4
STRETCH_M = 0.03
"""Normals that differ by 1 count as so many metres."""
BLUR_M = 0.003
"""Added to distances before their inverse squares are the shares of the neighbours."""


def facing_neighbours(
    places: F64, facing: F64, points: F64 | F32, normals: F64 | F32
) -> tuple[np.ndarray, F64, F64]:
    """The places nearest to each point, in place and direction together.

    `places` (K, 3) metres with unit normals `facing` (K, 3); `points` (N, 3) with unit `normals` (N, 3).

    Returns (N, 4) ids, (N, 4) shares that sum to 1, (N,) the distance of the first.
    """
    tree = KDTree(np.hstack([places, STRETCH_M * facing]))
    query = np.hstack([points, STRETCH_M * np.asarray(normals)])
    distance, ids = tree.query(query, k=NEIGHBOURS, workers=usable_threads())
    share = 1 / (distance + BLUR_M) ** 2
    return np.asarray(ids), share / share.sum(axis=1, keepdims=True), distance[:, 0]
