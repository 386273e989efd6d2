"""Which points may lie near others: a coarse answer that spares a tree of neighbours most of its work."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

_MOST_CELLS_A_SIDE = 256


def may_be_near(points: Floats, targets: Floats, reach: float) -> NDArray[np.bool_]:
    """(N,) True for every one of `points` (N, 3) within `reach` of some of `targets` (M, 3).

    True for others as well, up to a few `reach` away, or farther where the targets spread over hundreds of
    `reach`.
    """
    out = np.zeros(len(points), bool)
    if len(targets) == 0 or len(points) == 0:
        return out
    low, high = np.array([(targets[:, axis].min(), targets[:, axis].max()) for axis in range(3)]).T
    # A little more than the reach: rounding may not put a point into the cell after the next.
    size = max(1.001 * reach, float((high - low).max()) / _MOST_CELLS_A_SIDE, 1e-300)
    low = low - 1.5 * size
    shape = np.floor((high - low) / size).astype(np.int64) + 2
    grid = np.zeros(shape, bool)
    grid[tuple(np.floor((targets[:, axis] - low[axis]) / size).astype(np.int64) for axis in range(3))] = True
    for axis in range(3):  # the cells around, one axis after the other
        grid = np.moveaxis(grid, axis, 0)
        grown = grid.copy()
        grown[1:] |= grid[:-1]
        grown[:-1] |= grid[1:]
        grid = np.moveaxis(grown, 0, axis)
    cells = [np.floor((points[:, axis] - low[axis]) / size) for axis in range(3)]
    inside = np.ones(len(points), bool)
    for axis in range(3):
        inside &= (cells[axis] >= 0) & (cells[axis] < shape[axis])
    chosen = np.flatnonzero(inside)
    out[chosen] = grid[tuple(cells[axis][chosen].astype(np.int64) for axis in range(3))]
    return out
