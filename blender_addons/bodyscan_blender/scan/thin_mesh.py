# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A large scan made small enough to be looked at: vertices that share a cell of a grid become one of them.

Every vertex that stays is one of the scan's own, with its colour and its place; nothing is averaged, so that
what is painted on it can be told of the scan itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

GROWTH = 1.03
"""How much more than by the count a grid's cells grow where there are still too many faces."""


@dataclass(frozen=True, eq=False)
class ThinMesh:
    """What is left of a mesh or of a cloud."""

    vertex_ids: np.ndarray
    """(N,) int64, ascending: the vertices of the full mesh that are shown."""
    faces: np.ndarray
    """(F, 3) int32, into `vertex_ids`; (0, 3) for a cloud."""
    is_thinned: bool


def thin_mesh(vertices: np.ndarray, faces: np.ndarray, limit: int) -> ThinMesh:
    """Return (V, 3) vertices and (F, 3) faces with at most `limit` faces, or vertices for a cloud.

    What is small enough comes back whole. A face whose corners share a cell is left out.
    """
    size = len(faces) if len(faces) else len(vertices)
    if size <= limit:
        return ThinMesh(np.arange(len(vertices)), np.asarray(faces, np.int32), False)
    cell = _first_cell(vertices, faces, limit)
    while True:
        ids, cells = _clusters(vertices, cell)
        kept = _kept_faces(cells[faces]) if len(faces) else np.zeros((0, 3), np.int64)
        count = len(kept) if len(faces) else len(ids)
        if count <= limit:
            return ThinMesh(ids, kept.astype(np.int32), True)
        # A surface passes a number of cells that falls with the square of their side.
        cell *= GROWTH * (count / limit) ** 0.5


def spread(shown: np.ndarray, vertices: np.ndarray, vertex_ids: np.ndarray) -> np.ndarray:
    """Return (V,) values for all `vertices` (V, 3): of (N,) those at `vertex_ids`, that of the nearest."""
    if len(vertex_ids) == len(vertices):
        return np.asarray(shown)
    _, nearest = KDTree(vertices[vertex_ids]).query(vertices)
    return np.asarray(shown)[nearest]


def _first_cell(vertices: np.ndarray, faces: np.ndarray, limit: int) -> float:
    """Side of a cell, metres, for about `limit` faces of a surface: two triangles a cell that it passes."""
    extent = float(np.ptp(vertices, axis=0).max()) or 1.0
    if not len(faces):
        return extent / max(limit, 1) ** 0.5
    corners = vertices[faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = float(np.linalg.norm(cross, axis=1).sum()) / 2
    return max((area * 2 / max(limit, 1)) ** 0.5, extent * 1e-6)


def _clusters(vertices: np.ndarray, cell: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the vertex that stands for each cell, ascending, and (V,) the cell's place among them."""
    grid = np.floor((vertices - vertices.min(axis=0)) / cell).astype(np.int64)
    sides = grid.max(axis=0) + 1
    key = (grid[:, 0] * sides[1] + grid[:, 1]) * sides[2] + grid[:, 2]
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(first), np.int64)
    place[order] = np.arange(len(first))
    return first[order], place[inverse.ravel()]


def _kept_faces(faces: np.ndarray) -> np.ndarray:
    """Leave out faces without area, and all but one of those with the same corners."""
    whole = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    faces = faces[whole]
    corners = np.sort(faces, axis=1)
    count = int(faces.max(initial=0)) + 1
    key = (corners[:, 0] * count + corners[:, 1]) * count + corners[:, 2] if count < 2_000_000 else None
    if key is None:
        _, first = np.unique(corners, axis=0, return_index=True)
    else:
        _, first = np.unique(key, return_index=True)
    return faces[np.sort(first)]
