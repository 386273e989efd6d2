"""How far each vertex of a cleaned scan can be trusted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from bodyscan.geometry.edges import border_vertices, edge_table
from bodyscan.geometry.near import may_be_near
from bodyscan.reconstruct.facets import CHUNK
from bodyscan.threads import usable_threads

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
        near = np.flatnonzero(may_be_near(vertices, vertices[border], border_fade))
        tree = KDTree(vertices[border])
        distance, _ = tree.query(vertices[near], distance_upper_bound=border_fade, workers=usable_threads())
        trust[near] *= _AT_BORDER + (1 - _AT_BORDER) * np.minimum(distance / border_fade, 1.0)
    trust[_quality(vertices, faces) < 0.1] *= 0.5
    if floor_height is not None:
        trust[floor_height < _NEAR_FLOOR_M] *= 0.5
    if not torn:
        trust *= 0.5 + 0.5 * np.minimum(np.sqrt(piece_area) / 0.1, 1.0)
    return trust.astype(np.float32), torn


def _quality(vertices: F64, faces: NDArray[np.integer]) -> F64:
    """(V,) mean shape of the triangles at a vertex: 1 equilateral, 0 a line (4 sqrt(3) A / sum of l^2)."""
    shape = np.empty(len(faces))
    for start in range(0, len(faces), CHUNK):
        a, b, c = (vertices[faces[start : start + CHUNK, corner]] for corner in range(3))
        e0, e1, e2 = b - a, c - b, a - c
        squares = sum(np.einsum("ij,ij->i", e, e) for e in (e0, e1, e2))
        normal = np.cross(e0, e1)
        double_area = np.sqrt(np.einsum("ij,ij->i", normal, normal))
        shape[start : start + CHUNK] = 2 * np.sqrt(3) * double_area / np.maximum(squares, 1e-300)
    total, count = np.zeros(len(vertices)), np.zeros(len(vertices), np.int64)
    for corner in range(3):
        total += np.bincount(faces[:, corner], shape, len(vertices))
        count += np.bincount(faces[:, corner], minlength=len(vertices))
    return total / np.maximum(count, 1)
