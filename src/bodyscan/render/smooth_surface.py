"""A finer mesh whose outlines are round: Phong tessellation (Boubekeur and Alexa, 2008).

A twin's triangles are about a centimetre wide, and hair and skull show as polygons in a close-up, though
their shading is smooth. Each triangle becomes four; new vertices are lifted towards the tangent planes of the
two that they lie between, and the old ones stay. For pictures alone: what is measured, bound or written is
the mesh as it is.

Tried: normals of the finer mesh for the shading too. They show each edge of the coarse mesh as a wrinkle, so
the coarse mesh's normals are interpolated, as without this step.
"""

from __future__ import annotations

import numpy as np

from bodyscan.render.surface import vertex_normals
from bodyscan.types import F64, Mesh

LIFT = 0.75
"""How far a new vertex goes to the tangent planes, 0 (flat) to 1; three quarters is the authors' choice."""


def smooth_surface(mesh: Mesh, rounds: int = 1) -> tuple[Mesh, F64]:
    """Return `mesh` with 4^`rounds` times its triangles, and the unit normals (V, 3) to shade it with.

    The given vertices come first, as they were. Uvs and colours are interpolated. Vertices that were split at
    seams stay together, for they have one normal. Across a crease of 90 degrees or more nothing is lifted, in
    between less. A cloud comes back as it is.
    """
    normals = vertex_normals(mesh)
    for _ in range(rounds if len(mesh.faces) else 0):
        mesh, normals = _finer(mesh, normals)
    return mesh, normals


def _finer(mesh: Mesh, normals: F64) -> tuple[Mesh, F64]:
    faces = mesh.faces.astype(np.int64)
    edges = np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    count = len(mesh.vertices)
    keys, index = np.unique(edges[:, 0] * count + edges[:, 1], return_inverse=True)
    first, second = keys // count, keys % count
    ab, bc, ca = (index.reshape(-1, 3) + count).T
    a, b, c = faces.T
    corners = ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))

    def spread(values: np.ndarray) -> np.ndarray:
        half = (values[first].astype(np.float64) + values[second]) / 2
        return np.concatenate([values, half.astype(values.dtype)])

    between = spread(normals)
    between /= np.maximum(np.linalg.norm(between, axis=1, keepdims=True), 1e-12)
    finer = Mesh(
        np.concatenate([mesh.vertices, _lifted(mesh.vertices, normals, first, second)]),
        np.concatenate([np.stack(corner, axis=1) for corner in corners]).astype(np.int32),
        None if mesh.uvs is None else spread(mesh.uvs),
        None if mesh.colors is None else spread(mesh.colors),
    )
    return finer, between


def _lifted(points: F64, normals: F64, first: np.ndarray, second: np.ndarray) -> F64:
    """(E, 3) middles of the edges `first`-`second`, drawn to the tangent planes of both ends."""
    middle = (points[first] + points[second]) / 2
    one, two = normals[first], normals[second]
    off = np.einsum("ek,ek->e", middle - points[first], one)[:, None] * one
    off += np.einsum("ek,ek->e", middle - points[second], two)[:, None] * two
    alike = np.clip(np.einsum("ek,ek->e", one, two), 0, 1)[:, None]
    return middle - 0.5 * LIFT * alike * off
