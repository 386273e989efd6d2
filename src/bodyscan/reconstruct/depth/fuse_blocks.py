"""Voxels near a surface: blocks of 8 x 8 x 8, found through a small dense table instead of by sorting.

Voxel (i, j, k) stands for the cube from voxel_m (i, j, k) to voxel_m (i + 1, j + 1, k + 1) of the world: the
grid does not depend on what is put into it. A person's blocks fill a table of some 10,000 entries.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bodyscan.errors import InputError
from bodyscan.types import I32

SIDE = 8
CELLS = SIDE**3
MOST_BLOCKS = 200_000_000
"""Entries of the table: 800 MB."""

OUTSIDE = -600_000_000
"""Three of them still fit 32 bits, and one outweighs any entry."""

I64 = NDArray[np.int64]


class Blocks:
    """Blocks that can be added to. `slots` numbers them in the order in which they came."""

    def __init__(self) -> None:
        self.coordinates: I32 = np.zeros((0, 3), np.int32)
        """(B, 3) int32, block coordinates: voxel coordinates shifted right by 3."""
        self._low = np.zeros(3, np.int64)
        self._table: I32 = np.full((0, 0, 0), -1, np.int32)

    def __len__(self) -> int:
        return len(self.coordinates)

    def slots(self, blocks: I32) -> I32:
        """(N, 3) block coordinates -> (N,) numbers, new blocks being added."""
        if not len(blocks):
            return np.zeros(0, np.int32)
        self._reach(blocks.min(axis=0), blocks.max(axis=0))
        flat = self._flat(blocks)
        table = self._table.reshape(-1)
        slots = table[flat]
        if (slots < 0).any():
            fresh = np.unique(flat[slots < 0])
            table[fresh] = np.arange(len(self), len(self) + len(fresh), dtype=np.int32)
            where = np.stack(np.unravel_index(fresh, self._table.shape), axis=1) + self._low
            self.coordinates = np.concatenate([self.coordinates, where.astype(np.int32)])
            slots = table[flat]
        return slots

    def find(self, blocks: I32) -> I32:
        """(N, 3) block coordinates -> (N,) numbers, -1 for blocks that are not there."""
        inside = ((blocks >= self._low) & (blocks < self._low + self._table.shape)).all(axis=1)
        found = np.full(len(blocks), -1, np.int32)
        found[inside] = self._table.reshape(-1)[self._flat(blocks[inside])]
        return found

    def neighbours(self) -> I32:
        """(B, 27) numbers of the blocks around each, -1 where there is none; x, y, z in -1..1, z fastest."""
        steps = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), -1).reshape(-1, 3)
        around = self.coordinates[:, None] + steps[None].astype(np.int32)
        return self.find(around.reshape(-1, 3)).reshape(-1, 27)

    def along(self, voxels: I32, axis: int) -> list[tuple[I32, I32]]:
        """For voxels (N, 3) and the next ones along an axis: share of the table's entry (or a far negative
        number outside) and of the place in the block. Three of them, one an axis, make `places`."""
        size, both = self._table.shape, []
        for step in (0, 1):
            moved = voxels[:, axis] + step
            block = (moved >> 3) - int(self._low[axis])
            outside = (block < 0) | (block >= size[axis])
            entry = np.where(outside, OUTSIDE, block * int(np.prod(size[axis + 1 :])))
            both.append((entry.astype(np.int32), (moved & 7) << (6 - 3 * axis)))
        return both

    def places(self, x: tuple[I32, I32], y: tuple[I32, I32], z: tuple[I32, I32]) -> I32:
        """(N,) place of voxels in the list of all voxels of all blocks, -1 where there is none."""
        entry = x[0] + y[0] + z[0]
        slot = np.where(entry < 0, -1, self._table.reshape(-1)[np.maximum(entry, 0)])
        return np.where(slot < 0, -1, (slot << 9) | x[1] | y[1] | z[1])

    def _flat(self, blocks: I32) -> I64:
        size = self._table.shape
        x, y, z = (blocks[:, axis] - self._low[axis] for axis in range(3))
        return (x * size[1] + y) * size[2] + z

    def _reach(self, low: I32, high: I32) -> None:
        """Let the table hold the blocks from `low` to `high`."""
        size = np.array(self._table.shape)
        if size.all():
            if (low >= self._low).all() and (high < self._low + size).all():
                return
            low, high = np.minimum(low - 4, self._low), np.maximum(high + 4, self._low + size - 1)
        wanted = (high - low + 1).astype(np.int64)
        if float(np.prod(wanted.astype(float))) > MOST_BLOCKS:
            raise InputError(
                f"The points to be fused span {' x '.join(str(int(n)) for n in wanted)} blocks of 8 voxels; "
                "a person does not: check the poses and the unit (metres), or take larger voxels."
            )
        table = np.full(wanted, -1, np.int32)
        if size.all():
            at = (self._low - low).astype(int)
            table[at[0] : at[0] + size[0], at[1] : at[1] + size[1], at[2] : at[2] + size[2]] = self._table
        self._low, self._table = np.asarray(low, np.int64), table


def local_index(voxels: I32) -> I32:
    """(N, 3) voxel coordinates -> (N,) place within the block, z fastest."""
    inner = voxels & (SIDE - 1)
    return (inner[:, 0] << 6) | (inner[:, 1] << 3) | inner[:, 2]


def sum_by(
    ids: NDArray[np.integer], rows: NDArray[np.float32]
) -> tuple[NDArray[np.integer], NDArray[np.float32]]:
    """Sum rows (N, C) of equal ids (N,): the ids (K,), ascending, and their sums (K, C)."""
    order = np.argsort(ids, kind="stable")
    ordered = ids[order]
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return ordered[first], np.add.reduceat(rows[order], first, axis=0)
