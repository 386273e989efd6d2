"""Oriented points -> sums a voxel: what the surface is later made of, however many points there were.

Five million points lie in less than a million voxels. Each voxel keeps the sums that a plane through its
points needs, relative to its own centre, so that single precision is plenty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bodyscan.reconstruct.depth.fuse_blocks import CELLS, Blocks, local_index, sum_by
from bodyscan.types import F32, I32

CHUNK = 1 << 19
"""Points that are sorted together."""


AGREE = 0.8
"""Length of the mean normal of a patch that has one side."""


@dataclass(frozen=True, eq=False)
class Cells:
    """One small piece of surface a row: the weighted mean of the points in one voxel."""

    place: F32
    """(M, 3) float32 metres, where the piece counts: its mean point, later moved onto the surface."""
    normal: F32
    """(M, 3) float32, the mean of its normals, not of unit length."""
    gap: F32
    """(M,) float32 metres, mean of n . (p - mean p): 0 where all normals are equal."""
    weight: F32
    """(M,) float32, sum of the weights."""
    above: F32
    """(M,) float32 metres, how far the points lie above `place` along the normal: 0 until it is moved."""
    count: F32
    """(M,) float32, number of points."""
    color: F32 | None
    """(M, 3) float32, 0..255 sRGB, or None."""

    def __len__(self) -> int:
        return len(self.weight)

    def taken(self, rows: NDArray[np.integer] | slice) -> Cells:
        """Those of `rows`, in that order."""
        return Cells(
            place=self.place[rows],
            normal=self.normal[rows],
            gap=self.gap[rows],
            weight=self.weight[rows],
            above=self.above[rows],
            count=self.count[rows],
            color=None if self.color is None else self.color[rows],
        )


class CellSums:
    """Sums of oriented points by voxel; points may come in any number of pieces."""

    def __init__(self, voxel_m: float) -> None:
        self.voxel_m = voxel_m
        self.has_color: bool | None = None
        self._blocks = Blocks()
        self._row = np.zeros(0, np.int32)  # of each voxel of each block, 0 where there is none
        self._sums = np.zeros((1, 9), np.float32)
        self._used = 1
        self._voxels = np.zeros((1, 3), np.int32)

    def add(self, points: F32, normals: F32, weights: F32, colors: NDArray[np.uint8] | None) -> None:
        """Add (N, 3) points, metres, (N, 3) unit normals, (N,) weights above 0, (N, 3) colours or None."""
        if self.has_color is None and len(points):
            self.has_color = colors is not None
            self._sums = np.zeros((1, 12 if self.has_color else 9), np.float32)
        for start in range(0, len(points), CHUNK):
            part = slice(start, start + CHUNK)
            scaled = points[part].astype(np.float64) / self.voxel_m
            voxels = np.floor(scaled).astype(np.int32)
            local = ((scaled - voxels - 0.5) * self.voxel_m).astype(np.float32)
            weight, normal = weights[part, None], normals[part]
            moment = (normal * local).sum(axis=1, keepdims=True)
            columns = [weight, weight * normal, weight * moment, weight * local, np.ones_like(weight)]
            if self.has_color:
                columns.append(weight * (0 if colors is None else colors[part]))
            self._add(voxels, np.concatenate(columns, axis=1))

    def _add(self, voxels: I32, rows: F32) -> None:
        slots = self._blocks.slots(voxels >> 3)
        ids = (slots.astype(np.int64) << 9) | local_index(voxels)
        ids, sums = sum_by(ids, rows)
        if len(self._row) < len(self._blocks) * CELLS:
            grown = np.zeros(max(len(self._blocks), len(self._row) // CELLS * 5 // 4) * CELLS, np.int32)
            grown[: len(self._row)] = self._row
            self._row = grown
        known = self._row[ids]
        fresh = np.flatnonzero(known == 0)
        self._grow(len(fresh))
        known[fresh] = np.arange(self._used, self._used + len(fresh), dtype=np.int32)
        self._row[ids[fresh]] = known[fresh]
        inner = (ids[fresh] & (CELLS - 1)).astype(np.int32)
        corner = self._blocks.coordinates[(ids[fresh] >> 9)] << 3
        self._voxels[known[fresh]] = corner + np.stack([inner >> 6, (inner >> 3) & 7, inner & 7], axis=1)
        self._used += len(fresh)
        self._sums[known] += sums

    def _grow(self, more: int) -> None:
        need = self._used + more
        if need > len(self._sums):
            size = max(need, len(self._sums) * 3 // 2)
            self._sums = np.concatenate(
                [self._sums, np.zeros((size - len(self._sums), self._sums.shape[1]), np.float32)]
            )
            self._voxels = np.concatenate([self._voxels, np.zeros((size - len(self._voxels), 3), np.int32)])

    def cells(self) -> Cells:
        """The pieces of surface, in an order that does not depend on the order of the points."""
        voxels, sums = self._voxels[1 : self._used], self._sums[1 : self._used]
        order = np.lexsort(voxels.T)
        voxels, sums = voxels[order], sums[order]
        weight = sums[:, 0]
        mean = sums[:, 5:8] / weight[:, None]
        normal = sums[:, 1:4] / weight[:, None]
        gap = sums[:, 4] / weight - (normal * mean).sum(axis=1)
        place = ((voxels + 0.5) * self.voxel_m + mean).astype(np.float32)
        color = sums[:, 9:12] / weight[:, None] if self.has_color else None
        return Cells(place, normal, gap, weight, np.zeros_like(weight), sums[:, 8], color)


def merged(cells: Cells, voxel_m: float) -> Cells:
    """Cells that lie in one voxel of `voxel_m` made into one."""
    if not len(cells):
        return cells
    scaled = cells.place.astype(np.float64) / voxel_m
    voxels = np.floor(scaled).astype(np.int32)
    local = ((scaled - voxels - 0.5) * voxel_m).astype(np.float32)
    blocks = Blocks()
    ids = (blocks.slots(voxels >> 3).astype(np.int64) << 9) | local_index(voxels)
    w = cells.weight[:, None]
    moment = (cells.normal * local).sum(axis=1, keepdims=True) + cells.gap[:, None]
    columns = [w, w * cells.normal, w * moment, w * local, w * cells.above[:, None], cells.count[:, None]]
    if cells.color is not None:
        columns.append(w * cells.color)
    ids, sums = sum_by(ids, np.concatenate(columns, axis=1))
    inner = (ids & (CELLS - 1)).astype(np.int32)
    corner = blocks.coordinates[ids >> 9] << 3
    where = corner + np.stack([inner >> 6, (inner >> 3) & 7, inner & 7], axis=1)
    weight = sums[:, 0]
    mean, normal = sums[:, 5:8] / weight[:, None], sums[:, 1:4] / weight[:, None]
    return Cells(
        place=((where + 0.5) * voxel_m + mean).astype(np.float32),
        normal=normal,
        gap=sums[:, 4] / weight - (normal * mean).sum(axis=1),
        weight=weight,
        above=sums[:, 8] / weight,
        count=sums[:, 9],
        color=None if cells.color is None else sums[:, 10:13] / weight[:, None],
    )


def thickness(cells: Cells, group_m: float) -> F32:
    """(M,) float32 metres: how far the points around each cell scatter along their mean normal.

    Standard deviation within cubes of `group_m`; 0 where the normals do not agree, as around a finger. Noise,
    frames that do not meet, and hair make it large: no sensor's noise has to be known. Saturates at 0.29
    `group_m`.
    """
    keys = np.floor(cells.place / np.float64(group_m)).astype(np.int64)
    keys -= keys.min(axis=0)
    size = keys.max(axis=0) + 1
    _, group = np.unique((keys[:, 0] * size[1] + keys[:, 1]) * size[2] + keys[:, 2], return_inverse=True)
    weight = cells.weight.astype(np.float64)
    total = np.bincount(group, weight)
    mean, normal = np.empty((2, len(total), 3))
    for axis in range(3):
        mean[:, axis] = np.bincount(group, weight * cells.place[:, axis]) / total
        normal[:, axis] = np.bincount(group, weight * cells.normal[:, axis]) / total
    length = np.linalg.norm(normal, axis=1)
    normal /= np.maximum(length, 1e-12)[:, None]
    off = ((cells.place - mean[group]) * normal[group]).sum(axis=1)
    spread = np.sqrt(np.bincount(group, weight * off * off) / total)
    return np.where(length > AGREE, spread, 0)[group].astype(np.float32)
