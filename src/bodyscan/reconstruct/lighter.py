"""A light copy of a heavy scan, for stages that look at it from afar.

Vertices of one cell of a grid become its first vertex (Rossignac and Borrel 1993), which keeps its colour
and texture coordinates; nothing is averaged.
"""

from __future__ import annotations

import numpy as np

from bodyscan.geometry.cells import cell_for, cluster
from bodyscan.geometry.normals import area_vectors
from bodyscan.types import Mesh

FINEST = 4096
"""Cells along the longest side that a grid may have."""
SAMPLE = 20_000
"""Faces from which the area of the whole is estimated."""


def lighter(mesh: Mesh, max_elements: int) -> Mesh:
    """The mesh itself, or a copy with about `max_elements` faces (points, for a cloud) or fewer."""
    heavy = len(mesh.vertices) if mesh.is_cloud else len(mesh.faces)
    if heavy <= max_elements:
        return mesh
    longest = max(*(float(np.ptp(mesh.vertices[:, axis])) for axis in range(3)), 1e-300)
    cells = FINEST if mesh.is_cloud else _first_guess(mesh, longest, max_elements)
    while True:
        kept, faces = cluster(mesh.vertices, mesh.faces, longest / cells)
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


def _first_guess(mesh: Mesh, longest: float, max_elements: int) -> int:
    """Cells along the longest side that make about `max_elements` faces of a smooth surface, or more."""
    some = mesh.faces[:: max(len(mesh.faces) // SAMPLE, 1)]
    area = float(np.linalg.norm(area_vectors(mesh.vertices, some), axis=1).mean()) * len(mesh.faces)
    return int(np.clip(longest / max(cell_for(area, max_elements), 1e-300), 8, FINEST))
