"""The points of a surface that are closest to given ones, exactly, with nothing but NumPy and SciPy.

`Raycaster.closest` finds the same in float32 by Open3D, which is faster for a hundred thousand points; this
is for who must not need it: a consent is checked inside of Blender, and faster than Open3D can be loaded.
"""

from __future__ import annotations

from itertools import chain

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import KDTree

from bodyscan.errors import InputError
from bodyscan.geometry.barycentric import closest_barycentric
from bodyscan.types import F64, I32

FIRST = 4
"""Triangles of each size that a point is measured to first: they say how far the others matter."""
BLOCK = 256
"""Points that are looked for at once."""
PAIRS = 1 << 20
"""Pairs of a point and a triangle that are measured at once."""
SMALLEST = 1e-9
"""Share of the largest triangle's radius below which sizes are not told apart."""


class ClosestPoints:
    """Closest points on the triangles of one mesh.

    A triangle lies in the ball around its centre that holds its corners. Those whose ball a point's best
    distance so far does not reach cannot hold the closest point, all others are measured. Triangles are kept
    by size, each double the one before: one that is large does not widen the search among small ones.
    """

    def __init__(self, vertices: ArrayLike, faces: ArrayLike) -> None:
        """`vertices` (V, 3), `faces` (F, 3). Raises `InputError` for a mesh without triangles."""
        triangles = np.asarray(faces, np.int64).reshape(-1, 3)
        if not len(triangles):
            raise InputError("ClosestPoints: the mesh has no triangle; there is no surface to be close to.")
        self._corners: F64 = np.asarray(vertices, np.float64)[triangles]
        centres = self._corners.mean(axis=1)
        radii = np.linalg.norm(self._corners - centres[:, None], axis=2).max(axis=1)
        size = np.log2(np.maximum(radii, SMALLEST * max(float(radii.max()), 1e-300)))
        sizes = np.floor(size).astype(np.int64)
        self._sizes: list[tuple[np.ndarray, float, KDTree]] = []
        """Ids of the triangles of one size, the largest radius among them, and the tree of their centres."""
        for one in np.unique(sizes):
            ids = np.flatnonzero(sizes == one)
            self._sizes.append((ids, float(radii[ids].max()), KDTree(centres[ids])))

    def closest(self, points: ArrayLike) -> tuple[F64, I32, F64]:
        """Return distances (N,), face ids (N,) int32 and closest points (N, 3) of `points` (N, 3).

        Of several triangles at the same distance, as on an edge, the one with the least id is taken.
        """
        points = np.asarray(points, np.float64).reshape(-1, 3)
        distance = np.empty(len(points))
        face_ids = np.empty(len(points), np.int32)
        nearest = np.empty((len(points), 3))
        for start in range(0, len(points), BLOCK):
            part = slice(start, start + BLOCK)
            distance[part], face_ids[part], nearest[part] = self._block(points[part])
        return distance, face_ids, nearest

    def _block(self, points: F64) -> tuple[F64, I32, F64]:
        best = np.full(len(points), np.inf)
        for ids, _, tree in self._sizes:
            count = min(FIRST, len(ids))
            _, near = tree.query(points, k=count)
            near = ids[np.asarray(near).reshape(len(points), count)]
            gaps = [np.linalg.norm(self._on(points, near[:, k]) - points, axis=1) for k in range(count)]
            best = np.minimum(best, np.min(gaps, axis=0))
        owners, faces = [], []
        # What rounding may have added to a distance must not leave its own triangle out.
        reach = best * (1 + 1e-9) + 1e-12
        for ids, radius, tree in self._sizes:
            found = tree.query_ball_point(points, reach + radius)
            counts = np.fromiter(map(len, found), np.int64, len(points))
            owners.append(np.repeat(np.arange(len(points)), counts))
            faces.append(ids[np.fromiter(chain.from_iterable(found), np.int64, int(counts.sum()))])
        return self._least(points, np.concatenate(owners), np.concatenate(faces))

    def _least(self, points: F64, owner: np.ndarray, face: np.ndarray) -> tuple[F64, I32, F64]:
        """The closest of the triangles `face` (P,) for each point; `owner` (P,): which point each is for."""
        place = np.empty((len(owner), 3))
        for start in range(0, len(owner), PAIRS):
            part = slice(start, start + PAIRS)
            place[part] = self._on(points[owner[part]], face[part])
        gap = np.linalg.norm(place - points[owner], axis=1)
        order = np.lexsort((face, gap, owner))
        chosen = order[np.flatnonzero(np.diff(owner[order], prepend=-1))]
        return gap[chosen], face[chosen].astype(np.int32), place[chosen]

    def _on(self, points: F64, face: np.ndarray) -> F64:
        corners = self._corners[face]
        return np.einsum("nk,nkc->nc", closest_barycentric(points, corners), corners)
