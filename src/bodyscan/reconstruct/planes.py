"""Large planes in a scan: the floor, a turntable's disc, walls.

No random draws: a coarse grid of directions votes into histograms of offsets, weighted by area, and the
best is refined by least squares. So the result depends neither on a seed nor on the order of the faces.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bodyscan.geometry.cells import cell_ids

F64 = NDArray[np.float64]

_BIN_M = 0.01
_MAX_TILT_DEGREES = 10.0


@dataclass(frozen=True)
class Surface:
    """Small pieces of a scan's surface."""

    points: F64
    """(N, 3) metres, +Y up."""
    areas: F64
    """(N,) square metres."""
    normals: F64
    """(N, 3) unit; the sign is not used."""

    def take(self, mask: NDArray[np.bool_]) -> Surface:
        """The pieces for which `mask` is true."""
        return Surface(self.points[mask], self.areas[mask], self.normals[mask])

    def thinned(self, cell: float, limit: int) -> Surface:
        """Return about one piece a cubic cell where there are more than `limit` pieces."""
        if len(self.points) <= limit:
            return self
        first, group = cell_ids(self.points, cell)
        area = np.bincount(group, self.areas).astype(np.float64)
        safe = np.maximum(area, 1e-300)
        mean = [np.bincount(group, self.areas * self.points[:, k]) / safe for k in range(3)]
        return Surface(np.stack(mean, axis=1), area, self.normals[first])


@dataclass(frozen=True)
class Plane:
    """A plane and what of the scan lies in it. The height of a point is `point @ normal - offset`."""

    normal: F64
    """(3,) unit; upward for floors."""
    offset: float
    """Metres."""
    area: float
    """Square metres of surface in the plane."""
    rms: float
    """Metres: how far that surface strays from the plane."""
    extent: tuple[float, float]
    """Metres: longer and shorter side of that surface (5th to 95th percentile of area, widened to 100 %)."""

    def height(self, points: F64) -> F64:
        """Signed distance of (N, 3) points to the plane, along its normal."""
        return points @ self.normal - self.offset


def find_floor(surface: Surface, min_area: float, above: Plane | None = None) -> Plane | None:
    """Return a large level plane with nearly nothing under it and something on it, or None.

    Level means within 10 degrees of +Y; large means `min_area` m2 within 16 mm and 0.3 m wide. What lies
    within 0.35 m under the plane's own outline may be a platform's sides and bottom and counts for
    nothing. With `above`, only planes above that one are sought.
    """
    level = surface.take(np.abs(surface.normals[:, 1]) > np.cos(np.radians(25.0))).thinned(0.01, 60_000)
    total = float(surface.areas.sum())
    if above is not None:
        level = level.take(above.height(level.points) > 0.02)
    for _ in range(4):  # a table or a disc may win first: then look below it
        if level.areas.sum() < min_area:
            return None
        plane = _refine(level, *_best_level(level))
        if plane is None or plane.area < min_area:
            return None
        heights = plane.height(surface.points)
        below = float(surface.areas[(heights < -0.05) & ~_under(plane, surface, heights)].sum())
        if below > 0.05 * (total - plane.area) and below > 0.05:
            level = level.take(plane.height(level.points) < -0.02)
            continue
        stands_on_it = float(heights.max()) > 0.3
        return plane if stands_on_it and plane.extent[1] > 0.3 else None
    return None


def _under(plane: Plane, surface: Surface, heights: F64) -> NDArray[np.bool_]:
    """(N,) True for what a platform may hide: under the plane's outline and at most 0.35 m deep."""
    inside = (np.abs(heights) < 0.01) & (np.abs(surface.normals @ plane.normal) > 0.9)
    if not inside.any():
        return np.zeros(len(heights), bool)
    flat = surface.points[:, [0, 2]]
    # Points are the centres of faces: the outline reaches one face further.
    margin = 0.12 + float(np.sqrt(2 * surface.areas[inside].max()))
    low, high = flat[inside].min(axis=0) - margin, flat[inside].max(axis=0) + margin
    return (heights > -0.35) & (flat > low).all(axis=1) & (flat < high).all(axis=1)


def find_wall(surface: Surface, min_area: float) -> Plane | None:
    """Return the largest upright plane of at least `min_area` m2, 0.8 m by 0.4 m and more, or None."""
    upright = surface.take(np.abs(surface.normals[:, 1]) < 0.35).thinned(0.01, 60_000)
    if upright.areas.sum() < min_area:
        return None
    plane = _refine(upright, *_best_upright(upright))
    if plane is None or plane.area < min_area or plane.extent[0] < 0.8 or plane.extent[1] < 0.4:
        return None
    return plane


def _vote(surface: Surface, directions: F64, aligned: float) -> tuple[F64, float, float]:
    """Return the direction and offset that the most area lies at, of the given unit directions."""
    best = (-1.0, directions[0], 0.0)
    for direction in directions:
        weight = surface.areas * (np.abs(surface.normals @ direction) > aligned)
        offset = surface.points @ direction
        bins = np.floor(offset / _BIN_M).astype(np.int64)
        low = int(bins.min())
        histogram = np.bincount(bins - low, weight)
        pairs = histogram + np.append(histogram[1:], 0.0)
        peak = int(np.argmax(pairs))
        if pairs[peak] > best[0] + 1e-9:
            best = (float(pairs[peak]), direction, (peak + low + 1) * _BIN_M)
    return best[1], best[2], best[0]


def _best_level(level: Surface) -> tuple[F64, float]:
    angles = np.radians(np.arange(-_MAX_TILT_DEGREES, _MAX_TILT_DEGREES + 0.1, 2.0))
    order = np.argsort(np.abs(angles), kind="stable")  # a level floor wins a tie
    x, z = np.meshgrid(np.tan(angles[order]), np.tan(angles[order]), indexing="ij")
    grid = np.stack([x.ravel(), np.ones(x.size), z.ravel()], axis=1)
    grid = np.concatenate([grid / np.linalg.norm(grid, axis=1, keepdims=True), _largest_normals(level)])
    direction, offset, _ = _vote(level, grid, 0.93)
    return direction, offset


def _best_upright(upright: Surface) -> tuple[F64, float]:
    azimuth = np.radians(np.arange(0.0, 180.0, 4.0))
    grid = np.stack([np.cos(azimuth), np.zeros(len(azimuth)), np.sin(azimuth)], axis=1)
    direction, offset, _ = _vote(upright, np.concatenate([grid, _largest_normals(upright)]), 0.93)
    return direction, offset


def _largest_normals(surface: Surface) -> F64:
    """(up to 4, 3) normals of the largest pieces: a floor of two triangles is not found by offsets."""
    largest = np.argsort(surface.areas, kind="stable")[-4:]
    normals = surface.normals[largest]
    return np.where(normals[:, 1:2] < 0, -normals, normals)


def _refine(surface: Surface, normal: F64, offset: float) -> Plane | None:
    """Fit the plane to the surface near it, in a band that narrows from 25 to 8 mm."""
    inside = np.zeros(len(surface.points), bool)
    for band in (0.025, 0.02, 0.012, 0.008):
        inside = np.abs(surface.points @ normal - offset) < band
        inside &= np.abs(surface.normals @ normal) > 0.9
        weight = surface.areas[inside]
        if weight.sum() <= 0 or inside.sum() < 2:
            return None
        centre = weight @ surface.points[inside] / weight.sum()
        spread = surface.points[inside] - centre
        values, axes = np.linalg.eigh((spread * weight[:, None]).T @ spread)
        # The centres of a few large triangles span no plane: then their own normals say how it lies.
        few = weight.sum() ** 2 < 20 * (weight**2).sum() or values[1] < 1e-4 * values[2]
        fitted = _mean_normal(surface.normals[inside], weight, normal) if few else axes[:, 0]
        if abs(float(fitted @ normal)) < np.cos(np.radians(6.0)):
            fitted = normal
        normal = fitted if fitted @ normal > 0 else -fitted
        offset = float(centre @ normal)
    points, weight = surface.points[inside], surface.areas[inside]
    rms = float(np.sqrt(weight @ (points @ normal - offset) ** 2 / weight.sum()))
    return Plane(normal, offset, float(weight.sum()), rms, _extent(points, weight, normal))


def _mean_normal(normals: F64, weight: F64, toward: F64) -> F64:
    """(3,) unit mean of normals, each turned to the side that `toward` points to."""
    mean = (weight * np.where(normals @ toward < 0, -1.0, 1.0)) @ normals
    return mean / np.linalg.norm(mean)


def _extent(points: F64, weight: F64, normal: F64) -> tuple[float, float]:
    u = np.cross(normal, [0.0, 0.0, 1.0] if abs(normal[2]) < 0.9 else [1.0, 0.0, 0.0])
    u /= np.linalg.norm(u)
    v = np.cross(normal, u)
    area_side = float(np.sqrt(weight.sum()))  # a few large triangles have close centres
    sides = []
    for axis in (u, v):
        along = points @ axis
        order = np.argsort(along)
        share = np.cumsum(weight[order]) / weight.sum()
        ends = along[order][np.searchsorted(share, [0.05, 0.95]).clip(0, len(order) - 1)]
        sides.append(max(float(ends[1] - ends[0]) / 0.9, area_side if len(points) < 20 else 0.0))
    return max(sides), min(sides)
