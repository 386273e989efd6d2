"""Every person in one depth picture, told apart.

Floor, discs and walls are cut away; what is left falls apart at jumps of depth. A piece is a person by its
size and shape over the floor and, where there is colour, by the segmentation network's opinion of its
pixels: the network tells people from things, depth cuts the edges. People who touch are parted by their
heads: the height map over the floor has a maximum for each (Munaro & Menegatti 2014, "Fast RGB-D people
tracking for service robots"), and a pixel belongs to the nearest head's axis.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from bodyscan.reconstruct.depth.depth_planes import DepthPlane, level_axes
from bodyscan.reconstruct.depth.ground import Ground, Survey, survey
from bodyscan.reconstruct.depth.pieces import Pieces, jump_m, pixel_points
from bodyscan.reconstruct.mediapipe_detector import PersonDetector
from bodyscan.types import F32, F64, I32, U8, Bool, DepthFrame

WALL_M2 = 0.8
"""Planes of this size are walls: a broad person who faces the camera comes to 0.5 square metres."""
FLAT_M2 = 0.15
"""Planes of this size may be the sides of a box."""
FLOOR_CUT_M = (0.008, 0.025)
WALL_CUT_M = (0.010, 0.045)
CELL_M = 0.04
HEADS_APART_M = 0.32
LOWEST_HEAD_M = 0.55
LEAST_BODY_M2, LEAST_BODY_M = 0.13, 0.6
"""Area and height of somebody of a group who is seen; an arm held out has neither."""
NEAR_M = 0.05
"""A loose piece may be a person's that comes this near to the person in the picture,"""
LIMB_M = 0.55
"""and in depth this near: the far leg, a hand held out;"""
TOUCH_M = 0.12
"""where the network doubts it, this near."""
STRIDE_M, LEG_M2 = 0.65, 0.17
"""A piece of this area, under 0.6 times as high as another, and this near to it, is a leg of the other."""
HALF_M = 0.42
"""A piece of half the area of another that is no higher, and this near, is the far side of the other."""
SAME_AXIS_M, LOWER_M = 0.36, 0.2
"""A piece this near to another along the floor, and with its top this much lower, is a limb of the other."""


@dataclass(frozen=True, eq=False)
class Background:
    """What is not a person in a picture."""

    ground: Ground | None
    walls: tuple[DepthPlane, ...]
    """Walls, table tops and ceilings."""
    regions: tuple[Bool, ...]
    """For each wall the blocks (h, w) in which it is seen: a wall's plane runs on through the room."""
    flats: tuple[DepthPlane, ...]
    """Smaller planes: a box's sides, but also a back."""
    block: int
    """Pixels along a block's side."""

    @classmethod
    def of(cls, found: Survey) -> Background:
        """The floor and the planes of a survey that are too large for a person."""
        large = [k for k, plane in enumerate(found.planes) if plane.area_m2 >= WALL_M2]
        flats = [p for p in found.planes if FLAT_M2 < p.area_m2 < WALL_M2]
        return cls(
            found.ground,
            tuple(found.planes[k] for k in large),
            tuple(found.members[k] for k in large),
            tuple(flats),
            found.block,
        )


def find_people(frame: DepthFrame, ground: Ground | None, detector: PersonDetector | None) -> list[Bool]:
    """One mask (H, W) for each person that the frame shows, the one with the most pixels first.

    `ground` is the frame's floor (`find_ground`), or None where none is seen: then people who touch stay one.
    Without a detector, or without colour, people are told from things by shape alone.
    """
    up = None if ground is None else ground.normal
    seen = survey(frame.depth_m, frame.K, up)
    chance = None
    if detector is not None and frame.color is not None:
        chance = person_chance(detector, frame.color, upright_turns(up, detector, frame.color))
    return people_masks(frame.depth_m, frame.K, Background.of(seen), chance, ground)


def people_masks(
    depth_m: F32, K: F64, background: Background, chance: F32 | None, ground: Ground | None
) -> list[Bool]:
    """`find_people` with what is known already: `chance` (H, W) 0..1 from `person_chance`, or None."""
    solid = foreground(depth_m, K, background, ground)
    pieces = Pieces(depth_m, K, solid, chance, ground)
    pieces.flats = background.flats
    people = [k for k in pieces.order if pieces.is_person(k)]
    if not people:
        return []
    owner, count = np.zeros(pieces.count + 1, np.int32), 0
    masks: I32 = np.zeros(depth_m.shape, np.int32)
    if ground is not None:
        people = _without_limbs(pieces, people)
    for k in people:
        inside = pieces.labels == k
        split = _part_by_heads(pieces, inside) if ground is not None else inside.astype(np.int32)
        masks[inside] = split[inside] + count
        count += int(split.max())
        owner[k] = 1
    if _join_loose(pieces, owner, masks):  # a hand may be near to the leg that was just joined
        _join_loose(pieces, owner, masks)
    _give_back_edges(depth_m, K, solid, masks)
    found = [masks == k for k in range(1, count + 1)]
    return sorted((mask for mask in found if mask.any()), key=lambda mask: -int(mask.sum()))


def person_chance(detector: PersonDetector, color: U8, turns: int) -> F32:
    """How likely each pixel shows a person, (H, W) 0..1; `turns` from `upright_turns`."""
    chance = detector.person(np.ascontiguousarray(np.rot90(color, turns)))
    return np.ascontiguousarray(np.rot90(chance, -turns))


def upright_turns(up: F64 | None, detector: PersonDetector | None, color: U8 | None) -> int:
    """How often `np.rot90` must turn a picture so that people stand upright in it.

    `up` (3,) in camera axes tells it; without, of four ways to turn `color` the one with the most person in
    it; 0 where neither is known.
    """
    if up is not None:
        if abs(up[1]) >= abs(up[0]):
            return 0 if up[1] <= 0 else 2
        return 1 if up[0] > 0 else 3
    if detector is None or color is None:
        return 0
    sure = [int((person_chance(detector, color, turns) > 0.8).sum()) for turns in range(4)]
    return int(np.argmax(sure))


def foreground(depth_m: F32, K: F64, background: Background, ground: Ground | None) -> Bool:
    """(H, W) what is neither floor, disc nor wall."""
    solid = depth_m > 0
    if ground is not None:
        height = ground.plane.heights(depth_m, K)
        least, most = FLOOR_CUT_M
        far = np.maximum(1.0, np.square(depth_m / 3.0))
        solid &= height > ground.plane.tolerance(depth_m, least, most) * far
        for level in ground.levels:
            above = level.plane.heights(depth_m, K)
            low = np.flatnonzero(solid & (above < level.plane.tolerance(depth_m, least, most)))
            points = pixel_points(depth_m, K, low) @ ground.axes[:2].T.astype(np.float32)
            solid.reshape(-1)[low[level.covers(points)]] = False
    size = background.block
    for wall, region in zip(background.walls, background.regions, strict=True):
        near = np.abs(wall.heights(depth_m, K)) < wall.tolerance(depth_m, *WALL_CUT_M)
        coarse = near[size // 2 :: size, size // 2 :: size][: region.shape[0], : region.shape[1]]
        here: Any = ndimage.binary_propagation(region & coarse, mask=coarse)
        here = ndimage.binary_dilation(here, iterations=3)
        solid &= ~(near & _enlarged(here, size, depth_m.shape))
    return solid


def _enlarged(region: Bool, size: int, shape: tuple[int, ...]) -> Bool:
    """Blocks (h, w) as pixels `shape`; what is left of the edge goes with the last block."""
    large = np.repeat(np.repeat(region, size, axis=0), size, axis=1)
    return np.pad(large, [(0, shape[k] - large.shape[k]) for k in (0, 1)], mode="edge")


def _without_limbs(pieces: Pieces, people: list[int]) -> list[int]:
    """The pieces without those that are lower and on the axis of another: a far leg, legs under a dark belt.

    They are joined again as loose pieces.
    """
    assert pieces.ground is not None
    axes = pieces.ground.axes.T.astype(np.float32)
    middle, top = {}, {}
    for k in people:
        local = pieces.points(k, 4000) @ axes
        middle[k] = np.median(local[:, :2], axis=0)
        top[k] = float(np.percentile(local[:, 2], 98)) - pieces.ground.offset

    def is_limb(k: int, other: int) -> bool:
        apart = float(np.hypot(*(middle[k] - middle[other])))
        if apart < SAME_AXIS_M and top[k] < top[other] - LOWER_M:
            return True
        # The far half of a back, seen past the near one, is as high where the head is a loose piece.
        half = pieces.area[k] < 0.5 * pieces.area[other]
        if half and apart < HALF_M and top[k] < top[other] + 0.05:
            return True
        return apart < STRIDE_M and top[k] < 0.6 * top[other] and pieces.area[k] < LEG_M2

    return [k for k in people if not any(is_limb(k, other) for other in people if other != k)]


def _part_by_heads(pieces: Pieces, inside: Bool) -> I32:
    """(H, W) 1, 2 ... for the people of one piece, 0 outside of it."""
    assert pieces.ground is not None
    out = inside.astype(np.int32)
    ids = np.flatnonzero(inside)
    axes = level_axes(pieces.ground.normal).astype(np.float32)
    local = pixel_points(pieces.depth, pieces.K, ids) @ axes.T
    height = local[:, 2] - np.float32(pieces.ground.offset)
    heads = _heads(local[:, :2], height)
    pixel = pieces.depth.reshape(-1)[ids] ** 2 / np.float32(pieces.K[0, 0] * pieces.K[1, 1])
    while len(heads) > 1:
        distance = np.stack([np.hypot(*(local[:, :2] - head).T) for head in heads])
        nearest = np.argmin(distance, axis=0)
        area = np.bincount(nearest, pixel, len(heads))
        rise = [_rise(height[nearest == k]) for k in range(len(heads))]
        # An arm that is held out is a maximum, too, but has neither a body's surface nor its height.
        doubtful = [k for k in range(len(heads)) if area[k] < LEAST_BODY_M2 or rise[k] < LEAST_BODY_M]
        if not doubtful:
            out.reshape(-1)[ids] = nearest + 1
            return out
        worst = min(doubtful, key=lambda k: area[k])
        heads = np.delete(heads, worst, axis=0)
    return out


def _rise(height: F32) -> float:
    return float(np.subtract(*np.percentile(height, [98, 2]))) if len(height) else 0.0


def _heads(level: F32, height: F32) -> F32:
    """(P, 2) places of the maxima of the height map over points (N, 2), highest first."""
    low = level.min(axis=0)
    cell = ((level - low) / CELL_M).astype(np.int64)
    shape = cell.max(axis=0) + 1
    flat = cell[:, 0] * shape[1] + cell[:, 1]
    grid = np.zeros(int(shape[0] * shape[1]), np.float32)
    np.maximum.at(grid, flat, height)
    grid = np.where(np.bincount(flat, minlength=len(grid)) >= 3, grid, 0).reshape(shape)
    size = 2 * round(0.6 * HEADS_APART_M / CELL_M) + 1
    peaks = (grid == ndimage.maximum_filter(grid, size)) & (grid > LOWEST_HEAD_M)
    place = np.argwhere(peaks)
    place = place[np.argsort(-grid[peaks], kind="stable")]
    kept: list[F32] = []
    for p in place:
        # The middle of what is near the maximum's height: a head's, not its highest hair's.
        at = (low + (p + 0.5) * CELL_M).astype(np.float32)
        near = np.hypot(*(level - at).T) < 0.15
        crown = near & (height > grid[p[0], p[1]] - 0.2)
        at = np.median(level[crown], axis=0) if crown.any() else at
        if all(np.hypot(*(at - other)) > HEADS_APART_M for other in kept):
            kept.append(at)
    return np.array(kept, np.float32).reshape(-1, 2)


def _join_loose(pieces: Pieces, owner: I32, masks: I32) -> bool:
    """Give people the loose pieces that belong to them: a head behind a shoulder, the far leg, a hand.

    Tells whether there were any; they are marked in `owner`.
    """
    joined = False
    size = max(1, max(masks.shape) // 160)
    small = masks[::size, ::size]
    answer: Any = ndimage.distance_transform_edt(small == 0, return_indices=True)
    far, (row, column) = answer
    loose = pieces.labels[::size, ::size]
    ids = np.flatnonzero((loose > 0) & (owner[loose] == 0))
    label = loose.reshape(-1)[ids]
    depth = pieces.depth[::size, ::size].reshape(-1)[ids]
    to = (row * small.shape[1] + column).reshape(-1)[ids]
    across = far.reshape(-1)[ids] * size * depth / min(pieces.K[0, 0], pieces.K[1, 1])
    gap = np.abs(depth - pieces.depth[::size, ::size].reshape(-1)[to])
    near = (across < NEAR_M) & (gap < LIMB_M)
    for k in np.unique(label[near]):
        of = np.flatnonzero(label == k)
        touching = np.flatnonzero((label == k) & near)
        best = touching[np.argmin(across[touching] + gap[touching])]
        area = pieces.area[k]
        likely = None if pieces.mean_chance is None else pieces.mean_chance[k]
        if likely is None:
            # Shape alone: most of a limb lies beside the rest of the person in the picture.
            beside = np.mean((across[of] < 2 * NEAR_M) & (gap[of] < LIMB_M))
            joins = beside > (0.2 if area < 0.09 else 0.5) and area < 0.16
        elif likely >= 0.5:
            joins = area < 0.45
        else:
            joins = area < (0.12 if likely >= 0.15 else 0.01) and gap[best] < TOUCH_M
        # The network sees feet badly.
        if joins or pieces.is_foot(k, masks == small.reshape(-1)[to[best]]):
            masks[pieces.labels == k] = small.reshape(-1)[to[best]]
            owner[k], joined = 1, True
    return joined


def _give_back_edges(depth_m: F32, K: F64, solid: Bool, masks: I32) -> None:
    """Pixels that were taken away behind jumps inside of a person: they go to a neighbour of like depth."""
    width = depth_m.shape[1]
    depth, flat = depth_m.reshape(-1), masks.reshape(-1)
    for _ in range(2):
        ids = np.flatnonzero(solid & (masks == 0) & ndimage.binary_dilation(masks > 0))
        answer = np.zeros(len(ids), np.int32)
        limit = jump_m(depth[ids], K)
        row, column = np.divmod(ids, width)
        for dr, dc in ((0, -1), (0, 1), (-1, 0), (1, 0)):
            r, c = row + dr, column + dc
            ok = (r >= 0) & (r < depth_m.shape[0]) & (c >= 0) & (c < width) & (answer == 0)
            to = np.where(ok, r * width + c, 0)
            like = ok & (flat[to] > 0) & (np.abs(depth[to] - depth[ids]) < limit)
            answer[like] = flat[to[like]]
        flat[ids] = answer
