"""Everybody whom one camera sees, frame after frame, and the floor under them.

The floor and the walls are sought anew only where the last ones no longer fit, so that a camera that stands
still pays for them once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bodyscan.reconstruct.depth.depth_planes import DepthPlane
from bodyscan.reconstruct.depth.ground import Ground, survey
from bodyscan.reconstruct.depth.people import (
    FLOOR_CUT_M,
    Background,
    people_masks,
    person_chance,
    upright_turns,
)
from bodyscan.reconstruct.depth.pieces import pixel_points
from bodyscan.reconstruct.mediapipe_detector import PersonDetector
from bodyscan.types import F32, F64, Bool, DepthFrame

CENTRAL = 0.3
"""Shares of the picture's longer side: how fast the score falls from the middle."""
EDGE_SHARE = 0.25
"""Where the sensor sees less than its picture, more than this share of its first row is measured."""
EDGE_WIDTH = 0.012
"""Shares of the picture's longer side: a person who touches its edge with less is not cut off."""
STRIDE = 8
"""Pixels between those by which a floor or wall is checked again."""
REFRESH = 10
"""A camera that stands still has its floor measured again in every so many frames."""
FLOOR_MOVED = 0.5
"""A floor that moved farther than this share of what it is cut off within is sought anew."""
SAME_FLOOR_M = 0.06
SAME_TILT_DEG, SAME_OFFSET_M = 1.0, 0.02
"""Estimates of one floor lie so close together."""
UNSTEADY = 0.1
"""Share of the frames in which a camera that stands still may seem to have moved."""
TOP_PERCENT = 99.8
"""Of a person's pixels by height: above lie a few flying ones."""


@dataclass(frozen=True, eq=False)
class SeenPerson:
    """Somebody in one frame."""

    mask: Bool
    """(H, W) bool, their pixels."""
    place: F64
    """(3,) median of the points, metres, world where the frame has a pose."""
    score: float
    """Pixels, fewer the farther from the middle of the picture: whom the capture is of."""
    pixels: int
    """How many are set in `mask`."""
    cut: tuple[bool, bool, bool]
    """Whether the head, the feet, a side reach the picture's edge."""

    def height_m(self, frame: DepthFrame, ground: Ground) -> float:
        """Metres of the highest pixels above the floor, disc or step that they stand on in `frame`."""
        points = pixel_points(frame.depth_m, frame.K, np.flatnonzero(self.mask)) @ ground.axes.T
        under = ground.height_under(np.median(points[:, :2], axis=0))
        return float(np.percentile(points[:, 2], TOP_PERCENT)) - ground.offset - under


@dataclass(frozen=True, eq=False)
class SeenFrame:
    """Everybody in one frame."""

    index: int
    """Which of the capture's frames it is."""
    name: str
    camera: str
    has_pose: bool
    """Whether its camera's pose is known."""
    shape: tuple[int, int]
    """(height, width) in pixels."""
    ground: Ground | None
    """The floor in the camera's axes; None where none is seen."""
    people: list[SeenPerson] = field(default_factory=list)


class CameraScene:
    """What is known of one camera: its background, and how it is held.

    Without a detector people are told from things by shape alone.
    """

    def __init__(self, detector: PersonDetector | None) -> None:
        self.detector = detector
        self.background: Background | None = None
        self.world_up: F64 | None = None
        self.turns: int | None = None
        self.checks: _Checks | None = None
        self.grounds: list[Ground] = []
        self.count = 0
        self.moved = 0

    @property
    def is_still(self) -> bool:
        """Whether the camera stands: in a few frames somebody may have passed close by, or pushed it."""
        if self.moved > UNSTEADY * self.count:
            return False
        return not self.grounds or self._agreeing().mean() >= 1 - UNSTEADY

    def look(self, frame: DepthFrame, index: int, world_up: F64 | None) -> SeenFrame:
        """Everybody in frame number `index`; `world_up` (3,) against gravity in the world of its pose."""
        depth, K = frame.depth_m, frame.K
        background = self._background_of(frame, world_up)
        ground = background.ground
        if ground is not None:
            self.turns = upright_turns(ground.normal, None, None)
        elif self.turns is None:
            self.turns = upright_turns(self._hint(frame, world_up), self.detector, frame.color)
        chance = None
        if self.detector is not None and frame.color is not None:
            chance = person_chance(self.detector, frame.color, self.turns)
        masks = people_masks(depth, K, background, chance, ground)
        people = [_person(frame, mask, self.turns) for mask in masks]
        name = frame.name or f"frame {index}"
        has_pose = frame.world_from_camera is not None
        return SeenFrame(index, name, frame.camera, has_pose, depth.shape, ground, people)  # type: ignore[arg-type]

    def _hint(self, frame: DepthFrame, world_up: F64 | None) -> F64 | None:
        if world_up is not None and frame.world_from_camera is not None:
            return frame.world_from_camera[:3, :3].T @ world_up
        return None

    def _background_of(self, frame: DepthFrame, world_up: F64 | None) -> Background:
        self.count += 1
        holds = self.checks is not None and self.checks.hold(frame)
        if holds and self.background is not None and self.count % REFRESH != 0:
            return self.background
        hint = self._hint(frame, world_up)
        last = self.background.ground if self.background is not None else None
        if hint is None and last is not None:
            hint = last.normal
        found = survey(frame.depth_m, frame.K, hint)
        if found.ground is None and hint is not None:
            found = survey(frame.depth_m, frame.K)
        if found.ground is not None:
            self.grounds.append(found.ground)
            if frame.world_from_camera is not None and self.world_up is None:
                self.world_up = frame.world_from_camera[:3, :3] @ found.ground.normal
        if holds and self.background is not None:
            return self.background
        known = self.background is not None
        self.background = Background.of(found)
        self.checks = _Checks.of(frame, self.background)
        if known or self.checks is None:
            self.moved += 1
        return self.background

    def merged(self) -> Ground | None:
        """The floor of a camera that stands still: the mean of all estimates that agree with the median."""
        if not self.grounds:
            return None
        near = self._agreeing()
        if not near.any():
            return self.grounds[0]
        weight = np.array([g.plane.support for g in self.grounds], np.float64) * near
        normal = weight @ np.array([g.normal for g in self.grounds])
        normal /= np.linalg.norm(normal)
        best = self.grounds[int(np.argmax(weight))]
        offset = float(weight @ np.array([g.offset for g in self.grounds]) / weight.sum())
        plane: DepthPlane = replace(best.plane, normal=normal, offset=offset)
        return Ground(plane, best.levels)

    def _agreeing(self) -> Bool:
        """Which of the estimates of the floor agree with their median."""
        normals = np.array([g.normal for g in self.grounds])
        offsets = np.array([g.offset for g in self.grounds])
        middle = np.median(normals, axis=0)
        middle /= np.linalg.norm(middle)
        tilted = normals @ middle < np.cos(np.radians(SAME_TILT_DEG))
        return ~tilted & (np.abs(offsets - np.median(offsets)) < SAME_OFFSET_M)


def look_at_frames(
    frames: Sequence[DepthFrame], detector: PersonDetector | None, up: F64 | None
) -> tuple[list[SeenFrame], dict[str, CameraScene]]:
    """Everybody in each of `frames`, which are loaded once, in order; and each camera by its name.

    `up` (3,): against gravity in the world of their poses; without it what the first floor says goes for all.
    """
    scenes: dict[str, CameraScene] = {}
    seen = []
    for k in range(len(frames)):
        frame = frames[k]
        scene = scenes.setdefault(frame.camera, CameraScene(detector))
        if up is None:
            up = next((s.world_up for s in scenes.values() if s.world_up is not None), None)
        seen.append(scene.look(frame, k, up))
    return seen, scenes


@dataclass(frozen=True, eq=False)
class _Checks:
    """A few pixels of floor and walls, by which a later picture is known to have the same background."""

    ids: NDArray[np.int64]
    """(N,) of the picture taken at every `STRIDE`-th pixel."""
    depth_m: F32
    """(N,) the planes' depth there."""
    ground: Ground | None
    on_floor: Bool
    """(N,) which lie on it."""

    @classmethod
    def of(cls, frame: DepthFrame, background: Background) -> _Checks | None:
        """None where no plane is seen."""
        depth = np.ascontiguousarray(frame.depth_m[::STRIDE, ::STRIDE])
        ground = background.ground

        def near(plane: DepthPlane) -> Bool:
            height = np.abs(plane.heights(frame.depth_m, frame.K)[::STRIDE, ::STRIDE])
            return (depth > 0) & (height < plane.tolerance(depth, 0.01, 0.05))

        floor = np.zeros(depth.shape, bool) if ground is None else near(ground.plane)
        ids = np.flatnonzero(np.logical_or.reduce([floor, *map(near, background.walls)]))
        return cls(ids, depth.reshape(-1)[ids], ground, floor.reshape(-1)[ids]) if len(ids) >= 40 else None

    def hold(self, frame: DepthFrame) -> bool:
        """Whether the pixels see what they saw, but for those that something now hides."""
        now = frame.depth_m[::STRIDE, ::STRIDE].reshape(-1)[self.ids]
        slack = 0.015 + 0.006 * self.depth_m**2
        seen = (now > 0) & (now > self.depth_m - 3 * slack)
        if seen.sum() < max(20, 0.3 * len(self.ids)):
            return False
        same = np.abs(now - self.depth_m)[seen] < slack[seen]
        hidden = (now > 0) & ~seen
        if same.mean() <= 0.9 or hidden.sum() >= 0.35 * len(self.ids):
            return False
        if self.ground is None:
            return True
        plane = self.ground.plane
        cut_m = plane.tolerance(np.array([plane.depth_m], np.float32), *FLOOR_CUT_M)
        return self._floor_moved_m(frame, self.ground) < FLOOR_MOVED * float(cut_m[0])

    def _floor_moved_m(self, frame: DepthFrame, ground: Ground) -> float:
        """How far the floor rose or sank, metres, where it went farthest of most of its pixels.

        A hand that holds the camera may move it by less than a pixel's noise; the floor, known by thousands
        of pixels, is cut off closer than that. So a plane is laid through what the floor's pixels see now,
        twice, without those that lie off the first one.
        """
        row, column = np.divmod(self.ids[self.on_floor], -(-frame.depth_m.shape[1] // STRIDE))
        ids = STRIDE * (row * frame.depth_m.shape[1] + column)
        points = pixel_points(frame.depth_m, frame.K, ids[frame.depth_m.reshape(-1)[ids] > 0]) @ ground.axes.T
        height = points[:, 2] - ground.offset
        rows = np.column_stack([np.ones(len(points)), points[:, :2] - points[:, :2].mean(axis=0)])
        kept, rise = np.abs(height) < SAME_FLOOR_M, np.zeros(len(points))
        for _ in range(2):
            if kept.sum() < 20:
                return np.inf
            rise = rows @ np.linalg.lstsq(rows[kept], height[kept], rcond=None)[0]
            off = np.abs(height - rise)
            kept = off < 3 * np.median(off[kept])
        return float(np.percentile(np.abs(rise), 95))


def _person(frame: DepthFrame, mask: Bool, turns: int) -> SeenPerson:
    rows, columns = np.nonzero(mask)
    height, width = mask.shape
    step = max(1, len(rows) // 2000)
    z = frame.depth_m[rows[::step], columns[::step]].astype(np.float64)
    x = (columns[::step] + 0.5 - frame.K[0, 2]) / frame.K[0, 0] * z
    y = (rows[::step] + 0.5 - frame.K[1, 2]) / frame.K[1, 1] * z
    place = np.array([np.median(x), np.median(y), np.median(z)])
    if frame.world_from_camera is not None:
        place = frame.world_from_camera[:3, :3] @ place + frame.world_from_camera[:3, 3]
    # Only the way across the standing person tells: a camera may look at the chest or at the knees.
    across = np.mean(columns) / width - 0.5 if turns % 2 == 0 else np.mean(rows) / height - 0.5
    across *= (width if turns % 2 == 0 else height) / max(width, height)
    score = len(rows) * float(np.exp(-((across / CENTRAL) ** 2)))
    return SeenPerson(mask, place, score, len(rows), _cut(frame.depth_m, mask, turns))


def _cut(depth_m: F32, mask: Bool, turns: int) -> tuple[bool, bool, bool]:
    """Whether head, feet and a side of the upright picture are cut off by the edge of what was measured."""
    valid, turned = np.rot90(depth_m > 0, turns), np.rot90(mask, turns)
    return (
        _ends_at_edge(valid, turned),
        _ends_at_edge(valid[::-1], turned[::-1]),
        _ends_at_edge(valid.T, turned.T) or _ends_at_edge(valid[:, ::-1].T, turned[:, ::-1].T),
    )


def _ends_at_edge(valid: Bool, mask: Bool) -> bool:
    """Whether the mask ends at the first row that the sensor measured, or at the picture's."""
    # Some sensors see less than their picture: then many pixels begin at one row, and none lies before it.
    share = valid.mean(axis=1)
    first = int(np.argmax(share > 0))
    full = np.flatnonzero(share[first : first + 6] > EDGE_SHARE)
    edge = first + int(full[0]) if len(full) else 0
    return int(mask[: edge + 2].any(axis=0).sum()) > EDGE_WIDTH * max(mask.shape)
