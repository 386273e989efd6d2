# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Distances between the scan and the fitted surface, as `bodyscan.fit` measures them: signed, in millimetres,
positive where the scan lies outside of the surface.

Blender's own tree of faces finds the nearest point exactly; the trees of numpy and scipy that were tried
(nearest face centres) are as slow and miss by up to 2 mm.
"""

from __future__ import annotations

import numpy as np
from mathutils.bvhtree import BVHTree
from scipy.spatial import KDTree

from bodyscan.types import F32, F64, I32

MEASURED_POINTS = 150_000
"""Points that are measured; a hundred thousand take a second."""
REACH_M = 0.03
"""A vertex of the surface with no scan within so much shows no distance."""
NEIGHBOURS = 4
"""Scan vertices whose distances a vertex of the surface shows the mean of."""


def signed_distance_mm(vertices: F64, faces: I32, points: F64, most: int = MEASURED_POINTS) -> F32:
    """(N,) distance of points (N, 3) to a surface (V, 3), (F, 3); the sign by the nearest face's normal.

    Of more than `most` points evenly chosen ones are measured; the others take the nearest one's distance.
    """
    if len(points) > most:
        chosen = points[np.linspace(0, len(points) - 1, most).astype(np.int64)]
        _, nearest = KDTree(chosen).query(points)
        return signed_distance_mm(vertices, faces, chosen, most)[nearest]
    tree = BVHTree.FromPolygons(vertices.tolist(), faces.tolist())
    found = np.full(len(points), np.nan, np.float32)
    for k, point in enumerate(points.tolist()):
        place, normal, _, distance = tree.find_nearest(point)
        if place is None or distance is None:
            continue
        side = sum((a - b) * n for a, b, n in zip(point, place, normal, strict=True))
        found[k] = 1e3 * (-distance if side < 0 else distance)
    return found


def onto_surface(surface: F64, points: F64, distance_mm: F32) -> F32:
    """(V,) of a surface (V, 3): distances (N,) of the scan points (N, 3) near each vertex; NaN for none."""
    known = np.isfinite(distance_mm)
    if not known.any():
        return np.full(len(surface), np.nan, np.float32)
    points, values = points[known], distance_mm[known]
    count = min(NEIGHBOURS, len(points))
    gap, near = KDTree(points).query(surface, k=count, distance_upper_bound=2 * REACH_M)
    gap, near = gap.reshape(-1, count), near.reshape(-1, count)
    there = np.isfinite(gap)
    weights = np.where(there, 1 / np.maximum(gap, 1e-4), 0.0)
    total = weights.sum(axis=1)
    mean = (weights * values[np.where(there, near, 0)]).sum(axis=1) / np.maximum(total, 1e-12)
    far = ~there[:, 0] | (gap[:, 0] > np.maximum(REACH_M, 1.2e-3 * np.abs(mean)))
    return np.where(far, np.nan, mean).astype(np.float32)
