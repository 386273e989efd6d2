"""Cutting floors and walls out of a mesh without cutting the person's soles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bodyscan.reconstruct.facets import Facets
from bodyscan.reconstruct.planes import Plane, find_floor, find_wall

F64 = NDArray[np.float64]
Bools = NDArray[np.bool_]

_SOLE_AREA_M2 = 0.06
"""Two soles side by side are not much larger than this."""


def band(plane: Plane) -> float:
    """Metres: how far from the plane its own surface reaches."""
    return float(np.clip(3 * plane.rms, 0.003, 0.012))


def floor_faces(facets: Facets, min_area: float) -> tuple[Bools, Plane | None]:
    """Return the faces (F,) of one floor and its plane; no faces and None where there is no floor.

    The faces face outward. Pieces that lie wholly in and under the plane go whole. Where floor and feet are
    one surface, what faces up in the plane and what lies under it goes; soles, which face down, stay.
    """
    plane = None
    for _ in range(3):  # a platform's bottom is found before its top
        plane = find_floor(facets.surface, min_area, plane)
        if plane is None:
            break
        out = _in_and_under(plane, facets)
        if out.any():
            return out, plane
    return np.zeros(len(facets), bool), None


def _in_and_under(plane: Plane, facets: Facets) -> Bools:
    """(F,) True for the faces that the plane takes with it."""
    width = band(plane)
    areas, piece = facets.areas, facets.piece
    height = plane.height(facets.vertices)[facets.faces]
    middle, up = height.mean(axis=1), facets.normals @ plane.normal
    in_plane = (np.abs(height) < 1.5 * width).all(axis=1)
    below = middle < -width
    total = np.maximum(np.bincount(piece, areas), 1e-300)
    share_below = np.bincount(piece, areas * below) / total
    share_floor = np.bincount(piece, areas * (below | (in_plane & (np.abs(up) > 0.7)))) / total
    # A pole may stand on the floor and be one piece with it; no person has so much area in a plane.
    whole = (share_floor > 0.75) & ((total > _SOLE_AREA_M2) | (share_below > 0.5))
    facing_up = in_plane & (up > 0.7)
    # A floor under separate feet must not cost them the few millimetres by which they sink into it.
    fused = ~whole & (np.bincount(piece, areas * facing_up) > 0.02)
    # The rim: level triangles that reach a little out of the plane, and those that hang over its edge.
    rim = (np.abs(middle) < 1.5 * width) & (height.max(axis=1) < 4 * width) & (up > 0.5)
    rim |= (height.min(axis=1) < -1.5 * width) & (middle < width)
    return whole[piece] | (fused[piece] & (facing_up | rim | below))


def wall_faces(facets: Facets, min_area: float) -> tuple[Bools, Plane | None]:
    """Return the faces (F,) of one wall and its plane; no faces and None where there is no wall."""
    plane = find_wall(facets.surface, min_area)
    if plane is None:
        return np.zeros(len(facets), bool), None
    height = plane.height(facets.vertices)[facets.faces]
    in_plane = (np.abs(height) < 1.5 * band(plane)).all(axis=1) & (
        np.abs(facets.normals @ plane.normal) > 0.7
    )
    areas, piece = facets.areas, facets.piece
    share = np.bincount(piece, areas * in_plane) / np.maximum(np.bincount(piece, areas), 1e-300)
    return in_plane | (share > 0.7)[piece], plane
