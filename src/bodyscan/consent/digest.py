"""A digest of a surface that harmless re-packing of a file leaves as it is.

Digests of files, buffers and accessors change with every tool that reorders, welds, splits or
compresses. The set of oriented triangles in the rest pose, with float32 corners, does not: it
survived glTF-Transform (copy, dedup, prune, weld), gltf-pipeline, pygltflib, trimesh, Blender, three
and Babylon. Lossy compression (Draco, meshopt) moves the corners and so changes it.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bodyscan.errors import InputError

DIGEST_PREFIX = "tri-sha256-v1:"
_HEADER = b"bodyscan oriented triangle set v1\n"


def geometry_digest(positions: ArrayLike, faces: ArrayLike) -> str:
    """Return `tri-sha256-v1:` and 64 hex digits for the oriented triangle set of a mesh.

    `positions` (V, 3), metres, rest pose, rounded to float32; `faces` (F, 3) indices. The order of
    vertices and triangles, the first corner, split or welded vertices, unused vertices and repeated
    triangles make no difference; moving a corner by one float32 step or flipping a triangle does.
    Triangles with two equal corners are left out. Points are ordered by the bits of x, y, z as
    unsigned integers, minus zero counted as zero; each triangle starts with its least corner and keeps
    its orientation; the digest is over the header, the number of triangles (uint64) and the corners
    (float32), all little-endian. Raises `InputError` for a wrong shape, an index out of range, a
    coordinate that is not finite, or a mesh without a triangle that counts.
    """
    points = _points(positions)
    triangles = _triangles(faces, len(points))
    unique, index = _unique_points(points)
    corners = index[triangles]
    a, b, c = corners.T
    corners = corners[(a != b) & (b != c) & (c != a)]
    if not len(corners):
        raise InputError("the mesh has no triangle with three different corners; there is nothing to bind.")
    first = corners.argmin(axis=1)
    corners = np.take_along_axis(corners, (first[:, None] + np.arange(3)) % 3, axis=1)
    corners = _unique_rows(corners)
    data = hashlib.sha256(_HEADER)
    data.update(len(corners).to_bytes(8, "little"))
    data.update(unique[corners].astype("<f4").tobytes())
    return DIGEST_PREFIX + data.hexdigest()


def _points(positions: ArrayLike) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        points = np.asarray(positions).astype(np.float32) + np.float32(0)  # adding zero turns -0.0 into 0.0
    if points.ndim != 2 or points.shape[1] != 3:
        raise InputError(f"positions must have the shape (V, 3); they have {points.shape}.")
    if not np.isfinite(points).all():
        raise InputError("positions hold values that are NaN, infinite or too large for float32.")
    return points


def _triangles(faces: ArrayLike, count: int) -> NDArray[np.int64]:
    array = np.asarray(faces)
    if array.ndim != 2 or array.shape[1] != 3 or array.dtype.kind not in "iu":
        raise InputError(f"faces must be (F, 3) integers; they are {array.shape} {array.dtype}.")
    if array.size and (array.min() < 0 or array.max() >= count):
        raise InputError(f"faces name a vertex outside 0..{count - 1}.")
    return array.astype(np.int64)


def _unique_points(points: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the different points in bit order, and for each point its place among them."""
    bits = points.view(np.uint32)
    order = np.lexsort((bits[:, 2], bits[:, 1], bits[:, 0]))
    new = np.ones(len(order), dtype=bool)
    new[1:] = (bits[order[1:]] != bits[order[:-1]]).any(axis=1)
    index = np.empty(len(order), dtype=np.int64)
    index[order] = np.cumsum(new) - 1
    return points[order[new]], index


def _unique_rows(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    rows = rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 0]))]
    keep = np.ones(len(rows), dtype=bool)
    keep[1:] = (rows[1:] != rows[:-1]).any(axis=1)
    return rows[keep]
