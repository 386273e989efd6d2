"""Areas and normals of faces and vertices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]


def area_vectors(vertices: Floats, faces: Ints) -> NDArray[np.float64]:
    """(F, 3) unit normal of each face times its area, square units of the mesh."""
    vertices = np.asarray(vertices, np.float64)
    a = vertices[faces[:, 0]]
    return 0.5 * np.cross(vertices[faces[:, 1]] - a, vertices[faces[:, 2]] - a)


def areas_and_normals(vertices: Floats, faces: Ints) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return areas (F,) and unit normals (F, 3); the normal of a face without area is zero."""
    vectors = area_vectors(vertices, faces)
    areas = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return areas, np.divide(vectors, areas[:, None], out=np.zeros_like(vectors), where=areas[:, None] > 0)


def vertex_normals(vertices: Floats, faces: Ints) -> NDArray[np.float64]:
    """(V, 3) float64 unit normals, the mean of the faces around a vertex weighted by their area.

    Vertices that no face uses get a zero vector.
    """
    vectors = area_vectors(vertices, faces)
    count = len(vertices)
    corner = faces.reshape(-1)
    sums = np.stack(
        [np.bincount(corner, np.repeat(vectors[:, axis], 3), minlength=count) for axis in range(3)], axis=1
    )
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.divide(sums, length, out=np.zeros_like(sums), where=length > 0)


def vertex_areas(vertices: Floats, faces: Ints) -> NDArray[np.float64]:
    """(V,) a third of the area of the faces around each vertex."""
    areas = np.linalg.norm(area_vectors(vertices, faces), axis=1)
    return np.bincount(faces.reshape(-1), np.repeat(areas / 3, 3), minlength=len(vertices)).astype(np.float64)
