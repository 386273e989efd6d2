"""Soft light by ray casting: ambient occlusion and the key light's shadow.

Both are slow to change over a surface, so that they are cast for one pixel in four, smoothed without
crossing creases or outlines, and read for every sample from its neighbours (a joint bilateral filter,
Petschnigg et al. 2004). Tried: a value a vertex (no noise, but blotches on coarse meshes and 4 s on
scans of a million vertices); this costs the same for every mesh.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodyscan.geometry.raycast import Raycaster
from bodyscan.types import F32, F64

BLOCK = 2
"""Pixels along each side of the block that shares one light sample."""
_GOLDEN = (np.sqrt(5) - 1) / 2
_CHUNK_RAYS = 2_000_000


@dataclass(frozen=True, eq=False)
class LightGrid:
    """Occlusion and shadow on a grid of every second pixel."""

    values: F32
    """(h, w, 2): openness to the room and to the key light, 1 = open."""
    positions: F32
    """(h, w, 3) world, metres."""
    normals: F32
    """(h, w, 3)"""
    known: np.ndarray
    """(h, w) bool."""
    reach_m: float
    """How far off a point's tangent plane a neighbour may lie to be of use."""

    def at(self, pixels: F64, positions: F32, normals: F32) -> F32:
        """(N, 2) light of points (N, 3) with normals (N, 3), seen at pixels (N, 2)."""
        height, width = self.known.shape
        place = pixels / BLOCK - 0.5
        corner = np.floor(place).astype(np.int64)
        share = (place - corner).astype(np.float32)
        total = np.zeros((len(pixels), 2), np.float32)
        weight = np.zeros(len(pixels), np.float32)
        for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
            x = np.clip(corner[:, 0] + dx, 0, width - 1)
            y = np.clip(corner[:, 1] + dy, 0, height - 1)
            near = np.abs(1 - dx - share[:, 0]) * np.abs(1 - dy - share[:, 1]) + 1e-3
            near = near * self._alike(positions, normals, y, x)
            total += near[:, None] * self.values[y, x]
            weight += near
        return np.where(weight[:, None] > 1e-8, total / np.maximum(weight, 1e-8)[:, None], 1.0)

    def _alike(self, positions: F32, normals: F32, y: np.ndarray, x: np.ndarray) -> F32:
        off = np.einsum("nk,nk->n", self.positions[y, x] - positions, normals) / self.reach_m
        turn = np.maximum(np.einsum("nk,nk->n", self.normals[y, x], normals), 0)
        # A floor keeps thin parts lit by whatever neighbour they have.
        return self.known[y, x] * (np.exp(-off * off) * turn**4 + 1e-5)


def light_grid(
    caster: Raycaster,
    shape: tuple[int, int],
    cells: np.ndarray,
    positions: F32,
    normals: F32,
    *,
    key_direction: F64,
    occlusion_rays: int,
    shadow_rays: int,
    radius_m: float,
    lift_m: float,
    key_spread: float = 0.22,
) -> LightGrid:
    """Cast light for grid cells (N, 2) (row, column) of a grid `shape`, at points (N, 3).

    `radius_m`: how far occlusion reaches; `lift_m`: how far above the surface rays start, so that they do
    not hit the face that they leave; `key_spread`: tangent of the key light's half angle.
    """
    noise = _noise(cells)
    values = np.ones((len(cells), 2), np.float32)
    lifted = positions + normals * np.float32(lift_m)
    rays = max(occlusion_rays, shadow_rays, 1)
    for start in range(0, len(cells), max(1, _CHUNK_RAYS // rays)):
        part = slice(start, start + max(1, _CHUNK_RAYS // rays))
        if occlusion_rays:
            directions = _cosine_directions(normals[part], noise[part], occlusion_rays)
            distance = caster.distances(lifted[part], directions)
            far = np.clip(distance / radius_m, 0, 1)
            values[part, 0] = (far * far * (3 - 2 * far)).mean(axis=1)
        if shadow_rays:
            directions = _cone_directions(key_direction, key_spread, noise[part], shadow_rays)
            values[part, 1] = 1 - caster.blocked(lifted[part], directions).mean(axis=1)
    grid = _spread(shape, cells, values, positions, normals, radius_m * 0.06)
    return _smooth(grid) if len(cells) else grid


def _spread(
    shape: tuple[int, int], cells: np.ndarray, values: F32, positions: F32, normals: F32, reach_m: float
) -> LightGrid:
    maps = [np.zeros((*shape, n), np.float32) for n in (2, 3, 3)]
    known = np.zeros(shape, bool)
    for target, source in zip(maps, (values, positions, normals), strict=True):
        target[cells[:, 0], cells[:, 1]] = source
    known[cells[:, 0], cells[:, 1]] = True
    return LightGrid(maps[0], maps[1], maps[2], known, reach_m)


def _smooth(grid: LightGrid, half_width: int = 2) -> LightGrid:
    rows, columns = np.nonzero(grid.known)
    positions, normals = grid.positions[rows, columns], grid.normals[rows, columns]
    height, width = grid.known.shape
    total = np.zeros((len(rows), 2), np.float32)
    weight = np.zeros(len(rows), np.float32)
    for dy in range(-half_width, half_width + 1):
        for dx in range(-half_width, half_width + 1):
            y, x = np.clip(rows + dy, 0, height - 1), np.clip(columns + dx, 0, width - 1)
            near = grid._alike(positions, normals, y, x) * np.float32(np.exp(-(dx * dx + dy * dy) / 4))
            total += near[:, None] * grid.values[y, x]
            weight += near
    values = np.ones_like(grid.values)
    values[rows, columns] = total / np.maximum(weight, 1e-12)[:, None]
    return LightGrid(values, grid.positions, grid.normals, grid.known, grid.reach_m)


def _noise(cells: np.ndarray) -> F32:
    """(N,) 0..1, even over small windows of the grid (interleaved gradient noise, Jimenez 2014)."""
    inner = np.modf(0.06711056 * cells[:, 1] + 0.00583715 * cells[:, 0])[0]
    return np.modf(52.9829189 * inner)[0].astype(np.float32)


def _cosine_directions(normals: F32, noise: F32, count: int) -> F32:
    """(N, K, 3) directions about normals, density as the cosine: a Fibonacci spiral, turned by the noise."""
    index = np.arange(count)
    height2 = ((index + 0.5) / count)[None] + (noise[:, None] - 0.5) / count
    angle = 2 * np.pi * ((index * _GOLDEN)[None] + noise[:, None])
    radius = np.sqrt(np.clip(height2, 0, 1))
    up = np.sqrt(np.clip(1 - height2, 0, 1))
    first, second = _frame(normals)
    return (
        (radius * np.cos(angle))[..., None] * first[:, None]
        + (radius * np.sin(angle))[..., None] * second[:, None]
        + up[..., None] * normals[:, None]
    ).astype(np.float32)


def _cone_directions(axis: F64, spread: float, noise: F32, count: int) -> F32:
    index = np.arange(count)
    radius = spread * np.sqrt((index + 0.5) / count)[None]
    angle = 2 * np.pi * ((index * _GOLDEN)[None] + noise[:, None])
    first, second = _frame(axis[None].astype(np.float32))
    out = axis + (radius * np.cos(angle))[..., None] * first + (radius * np.sin(angle))[..., None] * second
    return out.astype(np.float32)


def _frame(normals: F32) -> tuple[F32, F32]:
    """Two unit vectors (N, 3) across each unit normal (Duff et al. 2017, no branches)."""
    x, y, z = normals[:, 0], normals[:, 1], normals[:, 2]
    sign = np.where(z >= 0, 1.0, -1.0).astype(np.float32)
    a = -1 / (sign + z)
    b = x * y * a
    first = np.stack([1 + sign * x * x * a, sign * b, -sign * x], axis=1)
    return first, np.stack([b, sign + y * y * a, -y], axis=1)
