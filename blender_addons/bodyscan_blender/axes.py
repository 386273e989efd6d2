# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""bodyscan's world (metres, +Y up, facing +Z) and Blender's (metres, +Z up, facing -Y).

Coordinates are swapped and negated, never multiplied: every bit survives both ways, and a consent that is
bound to a body's exact triangles still matches after a round trip. Blender's own glTF import and export turn
vertices in the same way.
"""

from __future__ import annotations

import numpy as np

BLENDER_FROM_WORLD = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""(3, 3): takes a point of bodyscan's world into Blender's."""


def blender_from_world(points: np.ndarray) -> np.ndarray:
    """(..., 3) of bodyscan's world -> (..., 3) of Blender's, same dtype."""
    return np.stack([points[..., 0], -points[..., 2], points[..., 1]], axis=-1)


def world_from_blender(points: np.ndarray) -> np.ndarray:
    """(..., 3) of Blender's world -> (..., 3) of bodyscan's, same dtype."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)
