"""Joining vertices that lie at the same place, and dropping faces that are no faces."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from bodyscan.geometry.components import link_components

Ints = NDArray[np.integer]
Floats = NDArray[np.floating]


def _grid_key(cells: NDArray[np.int64]) -> NDArray[np.int64]:
    """One integer a cell, different for different cells as long as the grid has under 2^62 of them."""
    low = cells.min(axis=0)
    span = cells.max(axis=0) - low + 1
    local = cells - low
    if float(span[0]) * float(span[1]) * float(span[2]) < 2.0**62:
        return (local[:, 0] * span[1] + local[:, 1]) * span[2] + local[:, 2]
    _, inverse = np.unique(local, axis=0, return_inverse=True)
    return inverse.reshape(-1).astype(np.int64)


def cell_ids(points: Floats, size: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first point of each occupied cell of a cubic grid, and the cell number of each point.

    `points` (N, 3), `size` the cell's edge.
    """
    if len(points) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    cells = np.floor(np.asarray(points, np.float64) / size).astype(np.int64)
    _, first, inverse = np.unique(_grid_key(cells), return_index=True, return_inverse=True)
    return first, inverse.reshape(-1)


def weld(points: Floats, tolerance: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find vertices that share a place within `tolerance`.

    Returns `keep`, ascending indices of the vertices that stay (the first at each place, position
    unchanged), and `new_index` (N,), the place in `keep` of every old vertex. A grid joins nearly all
    copies; a tree then finds those that a cell's boundary parts (a second, shifted grid missed some where
    copies straddled both).
    """
    points = np.asarray(points, np.float64)
    if len(points) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    first, group = cell_ids(points, 0.5 * tolerance)
    pairs = KDTree(points[first]).query_pairs(tolerance, output_type="ndarray")
    if len(pairs):
        group = link_components(pairs[:, 0], pairs[:, 1], len(first))[group]
    representative = np.full(int(group.max()) + 1, len(points), np.int64)
    np.minimum.at(representative, group, np.arange(len(points)))
    order = np.argsort(representative, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return representative[order], rank[group]


def degenerate_faces(vertices: Floats, faces: Ints, least_area: float = 0.0) -> NDArray[np.bool_]:
    """True for faces that name a vertex twice or have at most `least_area` (square units of the mesh)."""
    repeated = (faces[:, 0] == faces[:, 1]) | (faces[:, 1] == faces[:, 2]) | (faces[:, 0] == faces[:, 2])
    a = vertices[faces[:, 0]]
    cross = np.cross(vertices[faces[:, 1]] - a, vertices[faces[:, 2]] - a)
    return repeated | (0.5 * np.sqrt(np.einsum("ij,ij->i", cross, cross)) <= least_area)


def duplicate_faces(faces: Ints) -> NDArray[np.bool_]:
    """True for faces with the same three vertices as an earlier one, whichever way round."""
    if len(faces) == 0:
        return np.zeros(0, bool)
    ordered = np.sort(np.asarray(faces, np.int64), axis=1)
    base = int(ordered.max()) + 1
    if base < 2_000_000:
        key = (ordered[:, 0] * base + ordered[:, 1]) * base + ordered[:, 2]
        _, first = np.unique(key, return_index=True)
    else:  # three indices of 2 million and more do not fit one 64-bit key
        pair = ordered[:, 0] * base + ordered[:, 1]
        _, pair_id = np.unique(pair, return_inverse=True)
        _, first = np.unique(pair_id.reshape(-1) * base + ordered[:, 2], return_index=True)
    out = np.ones(len(faces), bool)
    out[first] = False
    return out


def used_vertices(faces: Ints, num_vertices: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the vertices that faces use, ascending, and the faces renumbered to them."""
    used = np.zeros(num_vertices, bool)
    used[faces.reshape(-1)] = True
    new_index = np.cumsum(used, dtype=np.int32) - 1
    return np.flatnonzero(used), new_index[faces].reshape(-1, 3)
