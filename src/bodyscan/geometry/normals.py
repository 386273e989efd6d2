"""Areas and normals of faces and vertices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]
CHUNK = 1_000_000
"""Faces that are looked at together: what bounds the memory that huge meshes need."""


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
    sums = np.zeros((len(vertices), 3))
    for start in range(0, len(faces), CHUNK):
        part = faces[start : start + CHUNK]
        vectors = area_vectors(vertices, part)
        for corner in range(3):
            for axis in range(3):
                sums[:, axis] += np.bincount(part[:, corner], vectors[:, axis], len(vertices))
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.divide(sums, length, out=np.zeros_like(sums), where=length > 0)


def vertex_areas(vertices: Floats, faces: Ints) -> NDArray[np.float64]:
    """(V,) a third of the area of the faces around each vertex."""
    sums = np.zeros(len(vertices))
    for start in range(0, len(faces), CHUNK):
        part = faces[start : start + CHUNK]
        areas = np.linalg.norm(area_vectors(vertices, part), axis=1) / 3
        for corner in range(3):
            sums += np.bincount(part[:, corner], areas, len(vertices))
    return sums
