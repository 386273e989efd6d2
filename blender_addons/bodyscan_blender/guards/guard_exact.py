# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A body that was imported gets the bits of its file back.

Blender's glTF importer moves a skinned mesh through its joints into their rest pose. Where these are not on a
grid on which float32 sums are exact, which they are not in a file that Blender wrote, vertices come out up to
3e-8 m aside, and a binding to the exact triangles no longer holds. The nearest vertex of the file is the one
that was meant.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.spatial import KDTree

from bodyscan.consent import geometry_digest

from ..axes import blender_from_world
from .guard_geometry import rest_body

MOVED_M = 1e-5
"""How far the importer may have moved a vertex; in another pose it moves them further."""


def give_exact_positions(item: Any, positions: np.ndarray, faces: np.ndarray) -> bool:
    """Give a mesh object the positions of its file where that makes its triangles the file's to the bit.

    `positions` (V, 3) float32 metres, +Y up, and `faces` (F, 3) of the file. Face shapes move along. Returns
    whether the triangles are the file's; where they are not, nothing was changed.
    """
    body = rest_body(item)
    if body is None:
        return False
    wanted = geometry_digest(positions, faces)
    if geometry_digest(body.positions, body.faces) == wanted:
        return True
    distance, nearest = KDTree(positions).query(body.positions)
    found = positions[nearest]
    if distance.max(initial=0.0) > MOVED_M or geometry_digest(found, body.faces) != wanted:
        return False
    _move(item.data, blender_from_world(found))
    return True


def _move(mesh: Any, points: np.ndarray) -> None:
    """Put the vertices of a mesh at `points` (V, 3), and its face shapes with them."""
    keys = mesh.shape_keys
    if keys is not None:
        basis = _read(keys.reference_key.points, "co")
        aside = points - basis
        for key in keys.key_blocks:
            if key != keys.reference_key:
                key.points.foreach_set("co", (_read(key.points, "co") + aside).ravel())
        keys.reference_key.points.foreach_set("co", np.ascontiguousarray(points).ravel())
    mesh.attributes["position"].data.foreach_set("vector", np.ascontiguousarray(points).ravel())
    mesh.update()


def _read(points: Any, name: str) -> np.ndarray:
    values = np.empty(len(points) * 3, np.float32)
    points.foreach_get(name, values)
    return values.reshape(-1, 3)
