# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Closest points on a surface by Blender's own search tree.

bodyscan tells a packed body from an altered one by the distance between surfaces, which it measures with
Open3D. That is too large to come in an extension, and Blender brings a tree that finds the same points: it
takes Open3D's place while the add-on is enabled.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from mathutils.bvhtree import BVHTree

from bodyscan.errors import MissingExtraError
from bodyscan.geometry import raycast

_known: list[type] = []
"""What stood in this tree's place before."""


class BlenderRaycaster:
    """`closest` of `bodyscan.geometry.raycast.Raycaster`; nothing else of it is needed for consents."""

    def __init__(self, mesh: Any) -> None:
        """`mesh`: a `bodyscan.types.Mesh` with triangles."""
        self._tree = BVHTree.FromPolygons(mesh.vertices.tolist(), mesh.faces.tolist(), all_triangles=True)

    def closest(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return distance (N,) metres, face ids (N,) int32 and nearest points (N, 3) of `points` (N, 3)."""
        found = [self._tree.find_nearest(point) for point in np.asarray(points, np.float64).tolist()]
        distance = np.array([item[3] for item in found], np.float64)
        face_ids = np.array([item[2] for item in found], np.int32)
        nearest = np.array([tuple(item[0]) for item in found], np.float64).reshape(-1, 3)
        return distance, face_ids, nearest

    def __getattr__(self, name: str) -> Any:
        raise MissingExtraError(
            f"Raycaster.{name} needs Open3D, which is not in Blender: run this step by the bodyscan command."
        )


def register() -> None:
    _known.append(raycast.Raycaster)
    raycast.Raycaster = BlenderRaycaster


def unregister() -> None:
    raycast.Raycaster = _known.pop()
