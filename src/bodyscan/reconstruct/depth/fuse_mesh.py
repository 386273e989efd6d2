"""The zero set of a field as triangles: marching cubes by Open3D, then what it leaves behind.

Marching cubes (Lorensen, Cline 1987) leaves slivers where the surface passes a voxel's sample closely;
vertices that lie within a fraction of a voxel are made one. Open3D extracts in parallel, in any order:
vertices and triangles are sorted by place.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bodyscan.geometry.components import face_components, link_components
from bodyscan.geometry.load_open3d import load_open3d
from bodyscan.reconstruct.depth.fuse_blocks import CELLS, SIDE
from bodyscan.reconstruct.depth.fuse_field import Field
from bodyscan.types import F64, I32

SHORT = 0.25
"""Voxels: vertices joined by a shorter edge become one."""

I64 = NDArray[np.int64]


def zero_set(field: Field, loose_m2: float) -> tuple[F64, I32]:
    """Vertices (V, 3), metres, and faces (F, 3), counter-clockwise from outside, where the distance is 0.

    Pieces of less than `loose_m2` are dropped. The order depends on the places alone.
    """
    vertices, faces = _marched(field)
    vertices, faces = _sorted(vertices, faces)
    vertices, faces = _without_slivers(vertices, faces, SHORT * field.voxel_m)
    faces = faces[_large_pieces(vertices, faces, loose_m2)]
    return _used(vertices, faces)


def _marched(field: Field) -> tuple[F64, I64]:
    """Open3D's extraction; its sample (i, j, k) lies at voxel_m (i, j, k), ours at the voxel's centre."""
    rows = field.row.reshape(-1, CELLS)[: len(field.blocks)]
    full = np.flatnonzero(field.known[rows].any(axis=1))
    if not len(full):
        return np.zeros((0, 3)), np.zeros((0, 3), np.int64)
    o3d = load_open3d()
    core = o3d.core
    corner = field.blocks.coordinates[full]
    middle = corner.min(axis=0)  # Open3D holds float32 positions: near the origin they are finer
    grid = o3d.t.geometry.VoxelBlockGrid(
        ("tsdf", "weight"), (core.float32, core.float32), ((1,), (1,)), field.voxel_m, SIDE, len(full),
        core.Device("CPU:0"),
    )  # fmt: skip
    slots, _ = grid.hashmap().activate(core.Tensor(np.ascontiguousarray(corner - middle)))
    slots = slots.numpy()
    for name, values in (("tsdf", field.distance), ("weight", field.known.astype(np.float32))):
        block = values[rows[full]].reshape(-1, SIDE, SIDE, SIDE).transpose(0, 3, 2, 1)  # x fastest there
        grid.attribute(name).numpy()[slots] = block[..., None]
    mesh = grid.extract_triangle_mesh(weight_threshold=0.5)
    if "positions" not in mesh.vertex or "indices" not in mesh.triangle:
        return np.zeros((0, 3)), np.zeros((0, 3), np.int64)
    vertices = mesh.vertex.positions.numpy().astype(np.float64)
    shift = (middle.astype(np.float64) * SIDE + 0.5) * field.voxel_m
    return vertices + shift, mesh.triangle.indices.numpy().astype(np.int64)


def _sorted(vertices: F64, faces: I64) -> tuple[F64, I64]:
    order = np.lexsort(vertices.T)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    faces = rank[faces]
    start = faces.argmin(axis=1)[:, None]
    faces = np.take_along_axis(faces, (start + np.arange(3)) % 3, axis=1)
    return vertices[order], faces[np.lexsort(faces.T[::-1])]


def _without_slivers(vertices: F64, faces: I64, short_m: float) -> tuple[F64, I64]:
    """Vertices joined by short edges made one; triangles that lose a corner, or twins back to back, go."""
    a, b = faces.reshape(-1), faces[:, [1, 2, 0]].reshape(-1)
    close = ((vertices[a] - vertices[b]) ** 2).sum(axis=1) < short_m**2
    group = link_components(a[close], b[close], len(vertices))
    size = np.bincount(group)
    vertices = np.stack([np.bincount(group, vertices[:, axis]) / size for axis in range(3)], axis=1)
    faces = group[faces]
    apart = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    faces = faces[apart]
    _, first, times = np.unique(np.sort(faces, axis=1), axis=0, return_index=True, return_counts=True)
    return vertices, faces[np.sort(first[times == 1])]


def _large_pieces(vertices: F64, faces: I64, loose_m2: float) -> NDArray[np.bool_]:
    """(F,) whether a face belongs to a piece of at least `loose_m2`."""
    if not len(faces):
        return np.zeros(0, bool)
    piece = face_components(faces, len(vertices))
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2
    return np.bincount(piece, area)[piece] >= loose_m2


def _used(vertices: F64, faces: I64) -> tuple[F64, I32]:
    """Only the vertices that faces name, in the same order."""
    used = np.zeros(len(vertices), bool)
    used[faces] = True
    number = np.cumsum(used) - 1
    return vertices[used], number[faces].astype(np.int32)
