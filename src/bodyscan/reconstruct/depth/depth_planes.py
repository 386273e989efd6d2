"""Planes in a depth picture.

1/depth is affine in the pixels of a plane, whatever its slant. So the picture is averaged as 1/depth in
blocks of a few pixels, whose slopes give normals; planes are drawn by RANSAC (Fischler & Bolles 1981) from
one block and its normal at a time, seeded, and refined by robust least squares in 1/depth, where the noise
of stereo and structured light is the same at all distances.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from bodyscan.types import F32, F64, I32, Bool

BLOCKS = 160
"""Blocks along the longer side of the picture."""
DRAWS = 160
"""Planes that are tried for each one that is found."""
MOST_PLANES = 7
SCORED = 2000
"""Blocks that a drawn plane is judged by."""
SAME_WAY = float(np.cos(np.radians(25.0)))
HINT_DEGREES = 25.0


@dataclass(frozen=True, eq=False)
class DepthPlane:
    """A plane that a depth picture shows. The height of a point is `point @ normal - offset`."""

    normal: F64
    """(3,) unit, camera axes, to the camera's side."""
    offset: float
    """Metres; negative, because the camera is above the plane."""
    support: int
    """Pixels that lie in it."""
    rms_m: float
    """Metres: how far single pixels stray from it, at `depth_m`."""
    depth_m: float
    """Metres, the median depth of its pixels."""
    area_m2: float
    """Square metres of the largest connected piece of it that is seen."""

    def heights(self, depth_m: F32, K: F64) -> F32:
        """Signed distance of every pixel to the plane, (H, W) metres; meaningless where depth is 0."""
        rows, columns = depth_m.shape
        x = (np.arange(columns) + 0.5 - K[0, 2]) / K[0, 0] * self.normal[0]
        y = (np.arange(rows) + 0.5 - K[1, 2]) / K[1, 1] * self.normal[1] + self.normal[2]
        out = np.add.outer(y, x).astype(np.float32)
        out *= depth_m
        out -= np.float32(self.offset)
        return out

    def tolerance(self, depth_m: F32, least: float, most: float) -> F32:
        """How far pixels of the plane may lie from it, (...) metres: three times its noise, within bounds."""
        growth = np.maximum(depth_m * np.float32(1 / self.depth_m), 0.5)
        return np.clip(np.float32(3 * self.rms_m) * growth, least, most)


def connected(member: Bool, corners: bool = False) -> tuple[I32, int]:
    """The number of each pixel's connected piece, (H, W), from 1, 0 outside of `member`; how many there are.

    With `corners`, pixels that share no more than a corner are connected.
    """
    answer: Any = ndimage.label(member, np.ones((3, 3)) if corners else None)
    return answer


def level_axes(normal: F64) -> F64:
    """(3, 3) rotation whose rows are two directions across unit `normal` (3,), and it."""
    helper = np.eye(3)[int(np.argmin(np.abs(normal)))]
    first = np.cross(helper, normal)
    first /= np.linalg.norm(first)
    return np.stack([first, np.cross(normal, first), normal])


class Blocks:
    """A depth picture in square blocks, averaged as 1/depth."""

    def __init__(self, depth_m: F32, K: F64) -> None:
        size = self.size = max(1, round(max(depth_m.shape) / BLOCKS))
        self.shape = h, w = depth_m.shape[0] // size, depth_m.shape[1] // size
        depth = depth_m[: h * size, : w * size]
        inverse = np.divide(1.0, depth, out=np.zeros_like(depth), where=depth > 0)
        count, total = np.zeros((h, w), np.float32), np.zeros((h, w), np.float32)
        least, most = np.full((h, w), np.inf, np.float32), np.zeros((h, w), np.float32)
        for i in range(size):
            for j in range(size):
                part = inverse[i::size, j::size]
                count += part > 0
                total += part
                np.maximum(most, part, out=most)
                np.minimum(least, part, out=least, where=part > 0)
        self.inverse = total / np.maximum(count, 1)
        full = (count >= 0.75 * size * size) & (most < 1.15 * least)
        self.any = count > 0
        x = ((np.arange(w) + 0.5) * size - K[0, 2]) / K[0, 0]
        y = ((np.arange(h) + 0.5) * size - K[1, 2]) / K[1, 1]
        self.rays = np.ones((h, w, 3), np.float32)
        self.rays[..., 0], self.rays[..., 1] = x, y[:, None]
        self.depth = np.where(self.inverse > 0, 1 / np.maximum(self.inverse, 1e-6), 0).astype(np.float32)
        self.points: F32 = self.rays * self.depth[..., None]
        self.middle = depth[size // 2 :: size, size // 2 :: size]
        """(h, w) one raw pixel a block, for the noise."""
        self.normals, self.flat = self._slopes(full)
        self.frontal_m2 = self.depth**2 * np.float32(size * size / (K[0, 0] * K[1, 1]))

    def _slopes(self, full: Bool) -> tuple[F32, Bool]:
        """(h, w, 3) unit normals to the camera's side from the slope of 1/depth over 3 by 3 blocks; where."""
        inverse = np.where(full, self.inverse, 0)
        whole = ndimage.minimum_filter(full.astype(np.uint8), 3, mode="constant") > 0
        whole &= ndimage.maximum_filter(inverse, 3) < 1.35 * ndimage.minimum_filter(inverse, 3)
        step_x, step_y = (
            (self.rays[0, 1] - self.rays[0, 0])[0] if self.shape[1] > 1 else 1.0,
            (self.rays[1, 0] - self.rays[0, 0])[1] if self.shape[0] > 1 else 1.0,
        )
        by_row = ndimage.uniform_filter1d(inverse, 3, axis=0)
        by_column = ndimage.uniform_filter1d(inverse, 3, axis=1)
        a = ndimage.correlate1d(by_row, [-0.5, 0, 0.5], axis=1) / step_x
        b = ndimage.correlate1d(by_column, [-0.5, 0, 0.5], axis=0) / step_y
        c = inverse - a * self.rays[..., 0] - b * self.rays[..., 1]
        normals = -np.stack([a, b, c], axis=-1).astype(np.float32)
        normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-9)
        return normals, whole


def loose_m(depth: F32) -> F32:
    """Metres that a block of a plane may lie off it while planes are drawn."""
    return 0.008 + 0.003 * depth**2


def find_planes(blocks: Blocks, up_hint: F64 | None) -> list[tuple[DepthPlane, Bool]]:
    """Planes and their blocks, in the order in which they are found (the most blocks first)."""
    rng = np.random.default_rng(0)
    left = blocks.flat.copy()
    least = max(30, 0.004 * left.size)
    found: list[tuple[DepthPlane, Bool]] = []
    # The floor may be the smallest of the planes: with a hint it is drawn first, from level blocks alone.
    if up_hint is not None:
        level = left & (blocks.normals @ up_hint.astype(np.float32) > np.cos(np.radians(HINT_DEGREES)))
        for _ in range(3):
            answer = _largest(blocks, level, rng, least / 2)
            if answer is None:
                break
            found.append(answer)
            level &= ~answer[1]
            left &= ~answer[1]
    while len(found) < MOST_PLANES:
        answer = _largest(blocks, left, rng, least)
        if answer is None:
            break
        found.append(answer)
        left &= ~answer[1]
    return found


def _largest(
    blocks: Blocks, among: Bool, rng: np.random.Generator, least: float
) -> tuple[DepthPlane, Bool] | None:
    """The plane that holds the most of the blocks `among`, refined, and these blocks; None below `least`."""
    ids = np.flatnonzero(among)
    if len(ids) < least:
        return None
    points, normals = blocks.points.reshape(-1, 3), blocks.normals.reshape(-1, 3)
    judged = ids if len(ids) <= SCORED else rng.choice(ids, SCORED, replace=False)
    seeds = ids[rng.integers(0, len(ids), DRAWS)]
    directions = normals[seeds]
    offsets = np.einsum("ij,ij->i", directions, points[seeds])
    near = np.abs(points[judged] @ directions.T - offsets) < loose_m(points[judged, 2:3])
    near &= normals[judged] @ directions.T > SAME_WAY
    order = np.argsort(-near.sum(axis=0), kind="stable")[:4]
    best: tuple[int, F64, float] | None = None
    for k in order:
        normal, offset = directions[k].astype(np.float64), float(offsets[k])
        for _ in range(2):
            inside = _inside(points[judged], normals[judged], normal, offset, 1.0)
            if inside.sum() < 8:
                break
            normal, offset = _fit(blocks, judged[inside])
        count = int(_inside(points[judged], normals[judged], normal, offset, 1.0).sum())
        if best is None or count > best[0]:
            best = (count, normal, offset)
    if best is None:
        return None
    _, normal, offset = best
    inside = _inside(points[ids], normals[ids], normal, offset, 1.0)
    if inside.sum() < max(least, 8):
        return None
    for share in (1.0, 0.6):
        normal, offset = _fit(blocks, ids[inside], normal, offset)
        inside = _inside(points[ids], normals[ids], normal, offset, share)
        if inside.sum() < 8:
            return None
    normal, offset = _fit(blocks, ids[inside], normal, offset)
    member = np.zeros(among.shape, bool)
    member.reshape(-1)[ids[_inside(points[ids], normals[ids], normal, offset, 1.0)]] = True
    return measured_plane(blocks, member, normal, offset), member


def _inside(points: F32, normals: F32, normal: F64, offset: float, share: float) -> Bool:
    direction = normal.astype(np.float32)
    near = np.abs(points @ direction - np.float32(offset)) < np.float32(share) * loose_m(points[:, 2])
    return near & (normals @ direction > SAME_WAY)


def _fit(
    blocks: Blocks, ids: NDArray[np.int64], normal: F64 | None = None, offset: float = -1.0
) -> tuple[F64, float]:
    """Least squares in 1/depth over blocks; with a first plane, Tukey's weights about it (twice)."""
    rays = blocks.rays.reshape(-1, 3)[ids].astype(np.float64)
    inverse = blocks.inverse.reshape(-1)[ids].astype(np.float64)
    rounds = 1 if normal is None else 2
    weight = np.ones(len(ids))
    plane = np.zeros(3)
    for _ in range(rounds):
        if normal is not None:
            residual = inverse - rays @ (normal / offset)
            scale = 4.685 * 1.4826 * max(float(np.median(np.abs(residual))), 1e-6)
            weight = np.square(np.clip(1 - np.square(residual / scale), 0, None))
        system = (rays * weight[:, None]).T @ rays + 1e-12 * np.eye(3)
        plane = np.linalg.solve(system, (rays * weight[:, None]).T @ inverse)
        length = max(float(np.linalg.norm(plane)), 1e-9)
        # rays @ plane = 1/depth > 0: `plane` points away from the camera, the normal towards it.
        normal, offset = -plane / length, -1 / length
    assert normal is not None
    return normal, offset


def measured_plane(blocks: Blocks, member: Bool, normal: F64, offset: float) -> DepthPlane:
    """The plane with its support, noise and area, from the blocks `member` (h, w)."""
    rays, depth = blocks.rays[member], blocks.depth[member]
    slant = np.maximum(-(rays @ normal.astype(np.float32)) / np.linalg.norm(rays, axis=1), 0.05)
    # Frontal area is measured across the optical axis; the ray's own slant to it is small.
    labels, count = connected(member)
    area = blocks.frontal_m2[member] * np.linalg.norm(rays, axis=1) / slant
    largest = float(np.bincount(labels[member], area, count + 1).max(initial=0))
    raw = blocks.middle[: member.shape[0], : member.shape[1]][member]
    height = (rays @ normal.astype(np.float32) * raw - np.float32(offset))[raw > 0]
    spread = float(np.sqrt(np.mean(np.square(np.clip(height, -0.1, 0.1))))) if len(height) else 0.0
    support = int(member.sum()) * blocks.size**2
    return DepthPlane(normal, float(offset), support, spread, float(np.median(depth)), largest)
