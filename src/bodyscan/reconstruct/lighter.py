"""A light copy of a heavy scan, for stages that look at it from afar.

Vertices of one cell of a grid become its first vertex (Rossignac and Borrel 1993), which keeps its colour
and texture coordinates; nothing is averaged.
"""

from __future__ import annotations

import numpy as np

from bodyscan.types import I32, Mesh

FINEST = 4096
"""Cells along the longest side that are tried first."""


def lighter(mesh: Mesh, max_elements: int) -> Mesh:
    """The mesh itself, or a copy with about `max_elements` faces (points, for a cloud) or fewer."""
    heavy = len(mesh.vertices) if mesh.is_cloud else len(mesh.faces)
    if heavy <= max_elements:
        return mesh
    cells = FINEST
    while True:
        kept, faces = _clustered(mesh, cells)
        count = len(kept) if mesh.is_cloud else len(faces)
        if count <= max_elements or cells <= 8:
            break
        cells = max(min(int(cells * 0.95 * np.sqrt(max_elements / count)), cells - 1), 8)
    return Mesh(
        mesh.vertices[kept],
        faces,
        None if mesh.uvs is None else mesh.uvs[kept],
        None if mesh.colors is None else mesh.colors[kept],
        None if mesh.normals is None else mesh.normals[kept],
    )


def _clustered(mesh: Mesh, cells: int) -> tuple[np.ndarray, I32]:
    low = mesh.vertices.min(axis=0)
    size = max(float(np.ptp(mesh.vertices, axis=0).max()), 1e-300) / cells
    index = np.floor((mesh.vertices - low) / size).astype(np.int64)
    _, kept, group = np.unique(
        index @ np.array([1, 1 << 20, 1 << 40]), return_index=True, return_inverse=True
    )
    faces = group[mesh.faces].astype(np.int32)
    if not len(faces):
        return kept, faces.reshape(-1, 3)
    a, b, c = faces.T
    faces = faces[(a != b) & (b != c) & (c != a)]
    return kept, faces
