"""Polygon lists as flat arrays: walking records of varying length, fans, texture seams.

Everything here is vectorised: files hold up to tens of millions of polygons, and a Python loop a
polygon would take minutes.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.integer]


def record_starts(next_start: Ints, count: int) -> NDArray[np.int64]:
    """Return where the first `count` records start, given where a record at each place would end.

    `next_start` (N + 1,) holds for each place the place after a record that would begin there; N is
    the sentinel for "past the end" and points to itself. By doubling: once the first 2^k starts are
    known and `jump` skips 2^k records, the next 2^k starts are `jump[starts]` (pointer jumping,
    Wyllie 1979). Places past the end come back as N.
    """
    starts = np.zeros(min(count, 1), dtype=np.int64)
    jump = np.asarray(next_start, dtype=np.int64)
    while len(starts) < count:
        starts = np.concatenate([starts, jump[starts]])
        if len(starts) < count:
            jump = jump[jump]
    return starts[:count]


def ragged_positions(starts: Ints, counts: Ints) -> NDArray[np.int64]:
    """Return the places `starts[i] .. starts[i] + counts[i] - 1` of all records, one after another."""
    starts, counts = np.asarray(starts, np.int64), np.asarray(counts, np.int64)
    total = int(counts.sum())
    first = np.cumsum(counts) - counts
    return np.repeat(starts - first, counts) + np.arange(total)


def fan_corners(counts: Ints) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Split polygons into fans of triangles.

    `counts` (P,) is the number of corners of each polygon, stored one after another. Returns
    `corners` (T, 3), places in that flat list, and `polygon` (T,), which polygon each came from.
    Polygons of fewer than three corners give nothing.
    """
    counts = np.asarray(counts, dtype=np.int64)
    first = np.cumsum(counts) - counts
    triangles = np.maximum(counts - 2, 0)
    polygon = np.repeat(np.arange(len(counts)), triangles)
    step = np.arange(int(triangles.sum())) - np.repeat(np.cumsum(triangles) - triangles, triangles)
    base = first[polygon]
    return np.stack([base, base + step + 1, base + step + 2], axis=1), polygon


def split_wedges(
    faces: Ints, wedge_uvs: NDArray[np.floating]
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    """Turn texture coordinates at face corners into texture coordinates at vertices.

    `faces` (F, 3), `wedge_uvs` (F, 3, 2). Returns `source` (N,), the vertex that each new vertex was
    split from, `faces` (F, 3) int32 into the new vertices, and `uvs` (N, 2) float32.
    """
    uvs = np.ascontiguousarray(wedge_uvs, dtype=np.float32).reshape(-1, 2) + np.float32(0)  # -0.0 -> 0.0
    _, uv_id = np.unique(uvs.view(np.int64).ravel(), return_inverse=True)
    flat = np.asarray(faces, dtype=np.int64).ravel()
    key = flat * (int(uv_id.max(initial=0)) + 1) + uv_id.ravel()
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    return flat[first], inverse.reshape(-1, 3).astype(np.int32), uvs[first]
