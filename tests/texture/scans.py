"""Dense, coloured scans of a known body for tests of textures."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import sparse

from bodyscan.body.asset import load_body_model
from bodyscan.geometry.normals import vertex_normals
from bodyscan.types import Mesh, ScanMesh, Texture
from rig.people import fitted_person

MODEL = load_body_model("adult")
SURFACE = fitted_person(1).surface.vertices
OUTER_FACES = MODEL.faces[~MODEL.inner[MODEL.faces].any(axis=1)]


def scan_of(mesh: Mesh, texture: Texture | None = None) -> ScanMesh:
    """A scan that can be trusted everywhere."""
    return ScanMesh(mesh, np.ones(len(mesh.vertices), np.float32), texture)


@lru_cache(maxsize=1)
def dense_body() -> tuple[np.ndarray, np.ndarray, sparse.csr_matrix]:
    """Vertices (N, 3), faces and the matrix that cut them: the trunk alone, each triangle in 64 (2 mm)."""
    faces, count = MODEL.faces[MODEL.region("torso")[MODEL.faces].all(axis=1)], MODEL.num_vertices
    matrix = sparse.identity(count, format="csr")
    for _ in range(3):
        edges = np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
        pairs, inverse = np.unique(edges, axis=0, return_inverse=True)
        rows = np.repeat(np.arange(len(pairs)), 2)
        middle = sparse.csr_matrix((np.full(2 * len(pairs), 0.5), (rows, pairs.ravel())), (len(pairs), count))
        matrix = sparse.vstack([matrix, middle @ matrix], format="csr")
        ab, bc, ca = (inverse.reshape(-1, 3) + count).T
        a, b, c = faces.T
        faces = np.stack([a, ab, ca, ab, b, bc, ca, bc, c, ab, bc, ca], axis=1).reshape(-1, 3)
        count += len(pairs)
    return matrix @ SURFACE, faces.astype(np.int32), matrix


def dense_normals() -> np.ndarray:
    """(N, 3) the body's own smooth normals at the vertices of `dense_body`."""
    matrix = dense_body()[2]
    normals = matrix @ vertex_normals(SURFACE, MODEL.faces)
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)
