"""Points by the cells of a cubic grid, and the coarse copy of a dense mesh that keeps one vertex a cell."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Ints = NDArray[np.integer]

_MOST_CELLS = 1 << 26
"""Of a grid that is held whole, 256 MB."""
_FACES_A_CELL = 2.6
"""How many faces a clustered surface has on the area of a cell's side, about."""


def cell_ids(points: Floats, size: float) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the first point of each occupied cell of a cubic grid, and the cell number of each point.

    `points` (N, 3), `size` the cell's edge. Cells are numbered by x, then y, then z. Takes time in
    proportion to points and cells, unless the grid is so fine that it would not fit memory: then it sorts.
    """
    if len(points) == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int32)
    columns = []
    for axis in range(3):
        column = np.floor(np.ascontiguousarray(points[:, axis], np.float64) / size)
        columns.append((column - column.min()).astype(np.int64))
    spans = [int(column.max()) + 1 for column in columns]
    num_cells = spans[0] * spans[1] * spans[2]
    if num_cells >= 1 << 62:  # a number of 64 bits does not name each cell
        _, keys = np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)
        key = keys.reshape(-1)
    else:
        key = (columns[0] * spans[1] + columns[1]) * spans[2] + columns[2]
    if num_cells > _MOST_CELLS:
        _, first, group = np.unique(key, return_index=True, return_inverse=True)
        return first, group.reshape(-1).astype(np.int32)
    table = np.full(num_cells, -1, np.int32)
    # Of several writes to one place the last remains: backwards, that is the first point.
    table[key[::-1]] = np.arange(len(points), dtype=np.int32)[::-1]
    occupied = np.flatnonzero(table >= 0)
    first = table[occupied].astype(np.int64)
    table[occupied] = np.arange(len(occupied), dtype=np.int32)
    return first, table[key]


def cluster(
    vertices: Floats, faces: Ints, size: float, exact: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return the vertices that stand for their cell, and the faces (G, 3) between three different ones.

    Vertices of one cell become its first vertex (Rossignac and Borrel 1993); nothing is averaged. Those of
    `exact` (V,) stay by themselves.
    """
    if exact is None or not exact.any():
        kept, group = cell_ids(vertices, size)
    else:
        alone, others = np.flatnonzero(exact), np.flatnonzero(~exact)
        group = np.empty(len(vertices), np.int32)
        group[alone] = np.arange(len(alone))
        kept = alone
        if len(others):
            first, cell = cell_ids(vertices[others], size)
            group[others] = cell + len(alone)
            kept = np.concatenate([alone, others[first]])
    a, b, c = (group[faces[:, corner]] for corner in range(3))
    apart = (a != b) & (b != c) & (c != a)
    return kept, np.stack([a[apart], b[apart], c[apart]], axis=1)


def cell_for(area: float, num_faces: int) -> float:
    """Edge of the cells with which a surface of `area` is clustered to about `num_faces` faces."""
    return float(np.sqrt(_FACES_A_CELL * area / max(num_faces, 1)))
