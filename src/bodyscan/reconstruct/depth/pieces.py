"""The pieces of a depth picture's foreground: which surface hangs together, and what may be a person."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bodyscan.reconstruct.depth.depth_planes import DepthPlane, connected
from bodyscan.reconstruct.depth.ground import Ground
from bodyscan.types import F32, F64, I32, Bool

LEAST_AREA_M2 = 0.08
"""A person seen from one side fills 0.35 to 0.7 square metres, a bust 0.1 to 0.25, an arm 0.06."""
LEAST_RISE_M = 0.35
TOP_M = (0.55, 2.35)
WIDEST_M = 2.3
LIKELY = 0.35
"""Mean probability of a person's piece."""
JUMP_PIXELS = 9.0
"""Two neighbours are one surface up to this slope: 9 pixels' width deep for one across (84 degrees)."""
LEAST_JUMP_M = 0.03
SPECK = 8
"""Pixels: smaller pieces are noise of the floor and flying pixels."""
FOOT_M = 0.5
"""A foot's middle is this near to the person's along the floor."""
FLAT_SHARE = 0.75
"""Without colour, a piece of which flat planes hold more than this share is a thing."""


def pixel_points(depth_m: F32, K: F64, ids: NDArray[np.int64]) -> F32:
    """(N, 3) camera axes of the pixels `ids` = row * W + column."""
    row, column = np.divmod(ids, depth_m.shape[1])
    z = depth_m.reshape(-1)[ids]
    x = ((column + 0.5 - K[0, 2]) / K[0, 0]).astype(np.float32)
    y = ((row + 0.5 - K[1, 2]) / K[1, 1]).astype(np.float32)
    return np.stack([x * z, y * z, z], axis=1)


def jump_m(depth: F32, K: F64) -> F32:
    """How far apart the depths of two neighbouring pixels of one surface may be, metres."""
    pitch = np.float32(JUMP_PIXELS / min(K[0, 0], K[1, 1]))
    return np.maximum(depth * pitch, np.float32(LEAST_JUMP_M))


def _behind_jumps(depth_m: F32, K: F64, solid: Bool) -> Bool:
    """(H, W) pixels on the far side of a jump: taking them away parts what stands in front."""
    barrier = np.zeros(depth_m.shape, bool)
    limit = jump_m(depth_m, K)
    for first, second in (
        ((slice(None, -1), slice(None)), (slice(1, None), slice(None))),
        ((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
    ):
        step = depth_m[second] - depth_m[first]
        both = solid[first] & solid[second]
        barrier[second] |= both & (step > limit[first])
        barrier[first] |= both & (-step > limit[second])
    return barrier


def _without_specks(labels: I32, count: int) -> tuple[I32, int]:
    """Labels (H, W) without the pieces of fewer than `SPECK` pixels, numbered anew, and how many are left."""
    large = np.bincount(labels.reshape(-1), minlength=count + 1) >= SPECK
    large[0] = False
    number = np.where(large, np.cumsum(large), 0).astype(np.int32)
    return number[labels], int(large.sum())


class Pieces:
    """The connected pieces of a picture's foreground, and their measures."""

    def __init__(self, depth_m: F32, K: F64, solid: Bool, chance: F32 | None, ground: Ground | None) -> None:
        self.depth, self.K, self.ground = depth_m, K, ground
        self.flats: tuple[DepthPlane, ...] = ()
        self.labels, self.count = _without_specks(*connected(solid & ~_behind_jumps(depth_m, K, solid)))
        ids = np.flatnonzero(self.labels)
        label = self.labels.reshape(-1)[ids]
        pixel = depth_m.reshape(-1)[ids].astype(np.float64) ** 2 / (K[0, 0] * K[1, 1])
        self.area = np.bincount(label, pixel, self.count + 1)
        """(count + 1,) square metres across the line of sight."""
        self.pixels = np.bincount(label, minlength=self.count + 1)
        self.mean_chance = None
        if chance is not None:
            total = np.bincount(label, chance.reshape(-1)[ids], self.count + 1)
            self.mean_chance = total / np.maximum(self.pixels, 1)
        large = np.flatnonzero(self.area >= LEAST_AREA_M2)
        self.order = [int(k) for k in large[np.argsort(-self.area[large], kind="stable")]]
        self.boxes = ndimage.find_objects(self.labels)

    def points(self, k: int, most: int = 20_000) -> F32:
        """(N, 3) camera axes, at most about `most` points of piece `k`."""
        box = self.boxes[k - 1]
        row, column = np.nonzero(self.labels[box] == k)
        step = max(1, len(row) // most)
        row, column = row[::step] + box[0].start, column[::step] + box[1].start
        return pixel_points(self.depth, self.K, row * self.depth.shape[1] + column)

    def is_person(self, k: int) -> bool:
        """Whether piece `k` has the size and shape of a person, or of people who touch."""
        if self.mean_chance is not None and self.mean_chance[k] < LIKELY:
            return False
        points = self.points(k)
        if self.ground is not None:
            local = points @ self.ground.axes.T.astype(np.float32)
            low, high = np.percentile(local, [1, 99], axis=0)
            top, rise = high[2] - self.ground.offset, high[2] - low[2]
            if not (TOP_M[0] < top < TOP_M[1] + 0.4 and rise > LEAST_RISE_M):
                return False
            # Nothing of the floor's neighbourhood is asked for: feet may be outside of the picture.
            spread = float((high - low)[:2].max())
        else:
            centred = points - points.mean(axis=0)
            axes = np.linalg.svd(centred[:: max(1, len(centred) // 2000)], full_matrices=False)[2]
            low, high = np.percentile(centred @ axes.T, [1, 99], axis=0)
            spread = float((high - low).max())
            if spread < LEAST_RISE_M:
                return False
        if self.mean_chance is not None:
            return True
        return spread < WIDEST_M and self._is_rounded(k)

    def is_foot(self, k: int, person: Bool) -> bool:
        """Whether piece `k` is no larger than a lower leg, and stands where the person (H, W) does."""
        if self.ground is None or self.area[k] > 0.12:
            return False
        axes = self.ground.axes.T.astype(np.float32)
        local = self.points(k, 2000) @ axes
        low, high = np.percentile(local, [2, 98], axis=0)
        if max(high[:2] - low[:2]) > 0.45 or high[2] - self.ground.offset > 1.0:
            return False
        floor = self.ground.height_under(np.median(local[:, :2], axis=0))
        if low[2] - self.ground.offset - floor > 0.08:
            return False
        ids = np.flatnonzero(person)
        body = pixel_points(self.depth, self.K, ids[:: max(1, len(ids) // 2000)]) @ axes
        apart = np.median(local[:, :2], axis=0) - np.median(body[:, :2], axis=0)
        return float(np.hypot(*apart)) < FOOT_M

    def _is_rounded(self, k: int) -> bool:
        """Whether a piece is no board and no box: planes hold less than `FLAT_SHARE` of it."""
        points = self.points(k)
        flat = np.zeros(len(points), bool)
        for plane in self.flats:
            height = np.abs(points @ plane.normal.astype(np.float32) - np.float32(plane.offset))
            flat |= height < plane.tolerance(points[:, 2], 0.006, 0.03)
        return float(flat.mean()) < FLAT_SHARE
