"""How far each vertex of a cleaned scan can be trusted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from bodyscan.geometry.edges import border_vertices, edge_table

F64 = NDArray[np.float64]

_AT_BORDER = 0.3
_NEAR_FLOOR_M = 0.02


def mesh_confidence(
    vertices: F64, faces: NDArray[np.integer], border_fade: float, floor_height: F64 | None, piece_area: F64
) -> tuple[NDArray[np.float32], bool]:
    """Return confidence (V,) 0..1 and whether the mesh is too torn for its borders to mean anything.

    0.3 at the border of a hole, rising to 1 over `border_fade` metres; half where the triangles around a
    vertex are slivers; half within 20 mm of a floor that was cut away (`floor_height` (V,) metres, or
    None); less for small loose pieces (`piece_area` (V,) m2: 0.5 for a crumb, 1 from 100 cm2).
    """
    trust = np.ones(len(vertices))
    border = border_vertices(edge_table(faces), len(vertices))
    torn = bool(border.mean() > 0.3)
    if border.any() and not torn:
        distance, _ = KDTree(vertices[border]).query(vertices, distance_upper_bound=border_fade, workers=-1)
        trust *= _AT_BORDER + (1 - _AT_BORDER) * np.minimum(distance / border_fade, 1.0)
    trust[_quality(vertices, faces) < 0.1] *= 0.5
    if floor_height is not None:
        trust[floor_height < _NEAR_FLOOR_M] *= 0.5
    if not torn:
        trust *= 0.5 + 0.5 * np.minimum(np.sqrt(piece_area) / 0.1, 1.0)
    return trust.astype(np.float32), torn


def _quality(vertices: F64, faces: NDArray[np.integer]) -> F64:
    """(V,) mean shape of the triangles at a vertex: 1 equilateral, 0 a line (4 sqrt(3) A / sum of l^2)."""
    p = vertices[faces]
    e0, e1, e2 = p[:, 1] - p[:, 0], p[:, 2] - p[:, 1], p[:, 0] - p[:, 2]
    squares = sum(np.einsum("ij,ij->i", e, e) for e in (e0, e1, e2))
    area2 = np.linalg.norm(np.cross(e0, e1), axis=1)
    shape = 2 * np.sqrt(3) * area2 / np.maximum(squares, 1e-300)
    corner = faces.reshape(-1)
    count = np.maximum(np.bincount(corner, minlength=len(vertices)), 1)
    return np.bincount(corner, np.repeat(shape, 3), minlength=len(vertices)) / count
