"""Fewer triangles for the same surface."""

from __future__ import annotations

import numpy as np

from bodyscan.errors import InputError
from bodyscan.geometry.cells import cell_ids
from bodyscan.geometry.weld import degenerate_faces, duplicate_faces, used_vertices
from bodyscan.types import Mesh

QUADRIC_LIMIT = 600_000
"""Faces above which vertices are clustered first: the collapse takes 17 s for a million faces."""


def simplify(mesh: Mesh, target_faces: int) -> Mesh:
    """Return `mesh` with about `target_faces` triangles (at most 5 % more), colours kept, uvs dropped.

    Quadric edge collapse (Garland and Heckbert 1997) by Open3D; above `QUADRIC_LIMIT` faces the vertices
    are clustered on a grid first (Rossignac and Borrel 1993). A mesh that is small enough comes back as
    it is. Raises `InputError` for a target below 4 or a point cloud.
    """
    if target_faces < 4:
        raise InputError(f"target_faces is {target_faces}; a closed surface needs at least 4.")
    if mesh.is_cloud:
        raise InputError("A point cloud has no faces to simplify; thin its points instead.")
    if len(mesh.faces) <= target_faces:
        return mesh
    if len(mesh.faces) > QUADRIC_LIMIT:
        mesh = cluster_vertices(mesh, max(target_faces * 2, QUADRIC_LIMIT // 2))
        if len(mesh.faces) <= target_faces:
            return mesh
    return _quadric(mesh, target_faces)


def cluster_vertices(mesh: Mesh, target_faces: int) -> Mesh:
    """Return `mesh` with the vertices of each grid cell joined at their mean, about `target_faces` faces."""
    vertices, faces = mesh.vertices, mesh.faces
    corners = vertices[faces]
    area = float(
        np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1).sum()
    )
    cell = float(np.sqrt(area / max(target_faces, 1)))  # 2 triangles a cell of a plane: a first guess
    first, group, new_faces = np.zeros(0), np.zeros(0), faces
    for _ in range(4):
        first, group = cell_ids(vertices, cell)
        new_faces = group[faces]
        keep = (new_faces[:, 0] != new_faces[:, 1]) & (new_faces[:, 1] != new_faces[:, 2])
        keep &= new_faces[:, 0] != new_faces[:, 2]
        new_faces = new_faces[keep]
        if 0.8 * target_faces <= len(new_faces) <= 1.25 * target_faces:
            break
        cell *= float(np.sqrt(max(len(new_faces), 1) / target_faces))
    new_faces = new_faces[~duplicate_faces(new_faces)]
    counts = np.bincount(group, minlength=len(first))
    mean = np.stack([np.bincount(group, vertices[:, k], len(first)) / counts for k in range(3)], axis=1)
    colors = None
    if mesh.colors is not None:
        sums = [np.bincount(group, mesh.colors[:, k], len(first)) / counts for k in range(3)]
        colors = np.rint(np.stack(sums, axis=1)).astype(np.uint8)
    return _tidy(mean, new_faces, colors)


def _quadric(mesh: Mesh, target_faces: int) -> Mesh:
    import open3d as o3d

    legacy = o3d.geometry.TriangleMesh(
        o3d.utility.Vector3dVector(np.array(mesh.vertices)), o3d.utility.Vector3iVector(np.array(mesh.faces))
    )
    if mesh.colors is not None:
        legacy.vertex_colors = o3d.utility.Vector3dVector(mesh.colors / 255.0)
    with o3d.utility.VerbosityContextManager(o3d.utility.VerbosityLevel.Error):
        small = legacy.simplify_quadric_decimation(target_faces)
    colors = None
    if mesh.colors is not None:
        colors = np.rint(np.asarray(small.vertex_colors) * 255).clip(0, 255).astype(np.uint8)
    return _tidy(np.asarray(small.vertices), np.asarray(small.triangles), colors)


def _tidy(vertices: np.ndarray, faces: np.ndarray, colors: np.ndarray | None) -> Mesh:
    faces = faces[~degenerate_faces(vertices, faces)]
    used, faces = used_vertices(faces, len(vertices))
    return Mesh(vertices=vertices[used], faces=faces, colors=None if colors is None else colors[used])
