"""The floor under a person, level discs on it, and other large planes, in one depth picture.

A wall, too, has all things on one side. Without a hint of where up is, the floor is the plane that things
stand on: pieces that are no planes, touch it, and rise from it more than they spread; between equals, the
way in which cameras are held decides (upright, then on their side, then upside down).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from bodyscan.errors import InputError
from bodyscan.reconstruct.depth.depth_planes import (
    HINT_DEGREES,
    Blocks,
    DepthPlane,
    connected,
    find_planes,
    level_axes,
    loose_m,
    measured_plane,
)
from bodyscan.types import F32, F64, Bool

LEAST_FLOOR_M2 = 0.08
LEVEL_DEGREES = 12.0
LEVEL_HEIGHTS_M = (0.03, 0.40)
LEAST_LEVEL_M2 = 0.04
RIM_M = 0.03


@dataclass(frozen=True, eq=False)
class Level:
    """A level surface near the floor: a turntable's disc, a step."""

    plane: DepthPlane
    """The surface."""
    height_m: float
    """Metres above the floor."""
    outline: F64
    """(S, 3) float64: (u, v), metres along `Ground.axes`, is inside where outline @ (u, v, 1) <= 0."""

    def covers(self, level_points: F64 | F32, margin: float = RIM_M) -> Bool:
        """(N,) whether points (N, 2), metres along `Ground.axes`, lie in the outline or `margin` beyond."""
        reach = level_points @ self.outline[:, :2].T + self.outline[:, 2]
        return (reach <= margin).all(axis=1)


@dataclass(frozen=True, eq=False)
class Ground:
    """The floor, and level surfaces on it."""

    plane: DepthPlane
    """The floor; its normal is up."""
    levels: tuple[Level, ...] = ()
    """Discs and steps, 3 to 40 cm above the floor."""

    @property
    def normal(self) -> F64:
        """(3,) unit, up, camera axes."""
        return self.plane.normal

    @property
    def offset(self) -> float:
        """Metres: the height of a point is `point @ normal - offset`."""
        return self.plane.offset

    @property
    def axes(self) -> F64:
        """(3, 3) rows: two level directions, then up; a rotation."""
        return level_axes(self.plane.normal)

    def height_under(self, place: F64 | F32) -> float:
        """Metres above the floor of the highest level surface at `place` (2,), metres along `axes`."""
        heights = [level.height_m for level in self.levels if level.covers(place[None])[0]]
        return max(heights, default=0.0)


@dataclass(frozen=True, eq=False)
class Survey:
    """The large planes of one picture."""

    ground: Ground | None
    planes: tuple[DepthPlane, ...]
    """All planes found but the floor, walls and table tops among them, largest first."""
    members: tuple[Bool, ...] = field(default=())
    """For each of `planes` the blocks that lie in it, (h, w) bool."""
    block: int = 1
    """Pixels along a block's side."""


def find_ground(depth_m: F32, K: F64, up_hint: F64 | None = None) -> Ground | None:
    """The floor plane of a depth picture (H, W) metres with pinhole matrix K (3, 3), or None.

    `up_hint` (3,) is the direction against gravity in camera axes, known to about 15 degrees. Without it the
    camera may be held in any way, if something stands on the floor. A floor has at least 0.08 square metres
    in sight and nearly nothing under it. Raises `InputError` for a hint of length 0.
    """
    return survey(depth_m, K, up_hint).ground


def survey(depth_m: F32, K: F64, up_hint: F64 | None = None) -> Survey:
    """`find_ground` and all other large planes at once."""
    if up_hint is not None:
        up_hint = np.asarray(up_hint, np.float64)
        if np.linalg.norm(up_hint) < 1e-9:
            raise InputError("The hint of where up is has length 0; give a direction or None.")
        up_hint = up_hint / np.linalg.norm(up_hint)
    blocks = Blocks(depth_m, K)
    found = find_planes(blocks, up_hint)
    chosen = _choose(blocks, found, up_hint)
    rest = [k for k in range(len(found)) if k != chosen]
    ground = None
    if chosen is not None:
        plane = found[chosen][0]
        ground = Ground(plane, _levels(blocks, plane))
    return Survey(ground, tuple(found[k][0] for k in rest), tuple(found[k][1] for k in rest), blocks.size)


def _choose(blocks: Blocks, found: list[tuple[DepthPlane, Bool]], up_hint: F64 | None) -> int | None:
    """Which of the planes is the floor: its place in `found`, or None."""
    if not found:
        return None
    seen = blocks.any & (blocks.depth > 0)
    points, area = blocks.points[seen], blocks.frontal_m2[seen]
    scores = np.zeros(len(found))
    things = _things(blocks, found) if up_hint is None else []
    for k, (plane, _) in enumerate(found):
        if plane.area_m2 < LEAST_FLOOR_M2:
            continue
        height = points @ plane.normal.astype(np.float32) - np.float32(plane.offset)
        below = float(area[height < -0.06 - 0.012 * points[:, 2] ** 2].sum())
        if below > 0.04 * float(area.sum()):
            continue
        if up_hint is not None:
            if plane.normal @ up_hint > np.cos(np.radians(HINT_DEGREES)):
                scores[k] = plane.area_m2
            continue
        held = _held(plane.normal)
        standing = sum(_stands(plane, thing) for thing in things)
        scores[k] = held * (standing + (0.05 if held == 1.0 else 0.0) * min(plane.area_m2, 1.0))
    best = int(np.argmax(scores))
    if scores[best] <= 0:
        return None
    # A disc or a step, on which the person stands, may have won: the floor is the level plane under it.
    normal, offset = found[best][0].normal, found[best][0].offset
    lower = [
        k
        for k, (plane, _) in enumerate(found)
        if scores[k] > 0
        and plane.normal @ normal > np.cos(np.radians(4.0))
        and LEVEL_HEIGHTS_M[0] < offset - plane.offset < LEVEL_HEIGHTS_M[1]
    ]
    return max(lower, key=lambda k: found[k][0].area_m2, default=best)


def _held(normal: F64) -> float:
    """How usual it is to hold a camera so that this normal is up: 0 where it looks straight at the plane."""
    if abs(normal[2]) > 0.87:
        return 0.0
    across = normal[:2] / np.linalg.norm(normal[:2])
    if -across[1] > 0.82:
        return 1.0
    return 0.7 if abs(across[0]) > 0.7 else 0.6


def _things(blocks: Blocks, found: list[tuple[DepthPlane, Bool]]) -> list[tuple[F32, float]]:
    """Points (N, 3) and frontal area in square metres of what stands out of the large planes, by piece."""
    loose = blocks.any & (blocks.depth > 0)
    for plane, _ in found:
        if plane.area_m2 > 0.35:
            height = np.abs(blocks.points @ plane.normal.astype(np.float32) - np.float32(plane.offset))
            loose &= height > 1.5 * loose_m(blocks.depth)
    depth = blocks.depth
    for axis in (0, 1):
        step = np.abs(np.diff(depth, axis=axis)) > 0.08 * np.minimum(
            np.delete(depth, 0, axis), np.delete(depth, -1, axis)
        )
        behind = np.diff(depth, axis=axis) > 0
        first = (slice(None),) * axis + (slice(None, -1),)
        second = (slice(None),) * axis + (slice(1, None),)
        loose[second] &= ~(step & behind)
        loose[first] &= ~(step & ~behind)
    labels, count = connected(loose)
    area = np.bincount(labels.reshape(-1), blocks.frontal_m2.reshape(-1), count + 1)
    area[0] = 0
    order = [k for k in np.argsort(-area, kind="stable")[:6] if area[k] > 0.08]
    return [(blocks.points[labels == k], float(area[k])) for k in order]


def _stands(plane: DepthPlane, thing: tuple[F32, float]) -> float:
    """Square metres of a thing that touches the plane and rises from it more than it spreads, else 0."""
    points, area = thing
    local = points @ level_axes(plane.normal).astype(np.float32).T
    low, high = np.percentile(local, [2, 98], axis=0)
    foot, top = low[2] - plane.offset, high[2] - plane.offset
    rise, spread = top - foot, max(float((high - low)[:2].max()), 1e-3)
    if foot > 0.25 or not 0.5 < rise < 2.6:
        return 0.0
    return area * min(rise / spread, 3.0) * (1.0 if foot < 0.12 else 0.5)


def _levels(blocks: Blocks, floor: DepthPlane) -> tuple[Level, ...]:
    """Level surfaces a little above the floor, lowest first."""
    axes = level_axes(floor.normal).astype(np.float32)
    height = blocks.points @ axes[2] - np.float32(floor.offset)
    level = blocks.flat & (blocks.normals @ axes[2] > np.cos(np.radians(LEVEL_DEGREES)))
    low, high = LEVEL_HEIGHTS_M
    level &= (height > -0.02) & (height < high)
    levels: list[Level] = []
    slant = np.maximum(-(blocks.rays @ axes[2]) / np.linalg.norm(blocks.rays, axis=-1), 0.05)
    area = blocks.frontal_m2 / slant
    counts, edges = np.histogram(height[level], bins=84, range=(-0.02, 0.4), weights=area[level])
    window = np.convolve(counts, np.ones(4), "valid")  # 2 cm high
    under = np.concatenate([np.full(4, np.inf), window[:-4]])
    window[(under > 0.7 * window) | (edges[: len(window)] < low - 0.01)] = 0
    middle = blocks.middle[: level.shape[0], : level.shape[1], None]
    raw = (blocks.rays * middle)[middle[..., 0] > 0] @ axes.T
    for _ in range(3):
        start = int(np.argmax(window))
        if window[start] < LEAST_LEVEL_M2:
            break
        member = _largest_piece(level & (height >= edges[start]) & (height <= edges[start + 4]))
        window[max(0, start - 4) : start + 5] = 0
        if float(area[member].sum()) < LEAST_LEVEL_M2:
            continue
        points = blocks.points[member] @ axes.T
        rise = float(np.median(points[:, 2]) - floor.offset)
        try:
            outline = ConvexHull(points[:, :2].astype(np.float64)).equations
            # Blocks at its edge have no slope: single pixels near it and as high tell how far it goes.
            level_raw = raw[np.abs(raw[:, 2] - np.float32(floor.offset + rise)) < 0.012, :2]
            reach = level_raw @ outline[:, :2].T + outline[:, 2]
            points = np.concatenate([points[:, :2], level_raw[(reach < 0.1).all(axis=1)]])
            outline = ConvexHull(points.astype(np.float64)).equations
        except QhullError:  # blocks in one line
            continue
        levels.append(Level(measured_plane(blocks, member, floor.normal, floor.offset + rise), rise, outline))
    return tuple(sorted(levels, key=lambda found: found.height_m))


def _largest_piece(member: Bool) -> Bool:
    labels, count = connected(member, corners=True)
    if count == 0:
        return member
    return labels == 1 + int(np.argmax(np.bincount(labels.reshape(-1))[1:]))
