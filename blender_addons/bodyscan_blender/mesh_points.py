# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh's own vertices and triangles as arrays of bodyscan's world."""

from __future__ import annotations

from typing import Any

import numpy as np

from bodyscan.types import F64, I32

from .axes import world_from_blender


def get_positions(mesh: Any) -> F64:
    """(V, 3) metres, bodyscan's world: the mesh as it is stored, without modifiers and the object's place."""
    corners = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", corners)
    return world_from_blender(corners.reshape(-1, 3).astype(np.float64))


def get_triangles(mesh: Any) -> I32:
    """(F, 3) vertices of the mesh's triangles; (0, 3) for a cloud."""
    mesh.calc_loop_triangles()
    faces = np.empty(3 * len(mesh.loop_triangles), np.int32)
    mesh.loop_triangles.foreach_get("vertices", faces)
    return faces.reshape(-1, 3)
