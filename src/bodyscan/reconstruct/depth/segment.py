"""The person of a capture in each of its frames, and the floor.

Each frame is cut into people (`people.py`). The one that the capture is of is the largest and most central;
where a frame leaves that open it is the one nearest to where the person was in the frames that do not.
The floor and the walls are sought anew only where the last ones no longer fit, so that a camera that stands
still pays for them once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bodyscan.errors import InputError
from bodyscan.reconstruct.depth.depth_planes import DepthPlane
from bodyscan.reconstruct.depth.ground import Ground, survey
from bodyscan.reconstruct.depth.people import Background, people_masks, person_chance, upright_turns
from bodyscan.reconstruct.mediapipe_detector import PersonDetector
from bodyscan.types import F32, F64, Bool, DepthFrame

PICKS = ("central", "only")
CLEARLY = 2.0
"""A person is clearly meant who scores this many times what the next one does."""
CENTRAL = 0.3
"""Shares of the picture's longer side: how fast the score falls from the middle."""
BYSTANDER = 0.15
"""Of the largest person's pixels: smaller people do not count where one person is asked for."""
EDGE_SHARE = 0.25
"""Where the sensor sees less than its picture, more than this share of its first row is measured."""
EDGE_WIDTH = 0.012
"""Shares of the picture's longer side: a person who touches its edge with less is not cut off."""
STRIDE = 8
"""Pixels between those by which a floor or wall is checked again."""
REFRESH = 10
"""A camera that stands still has its floor measured again in every so many frames."""


@dataclass(frozen=True)
class SegmentOptions:
    """What is meant by the person of a capture."""

    pick: str = "central"
    """Of several people, `central` takes the largest and most central where that is clear; `only` refuses."""
    max_missing: float = 0.2
    """Share of frames, 0..1, that may show no person; they are left out."""

    def __post_init__(self) -> None:
        if self.pick not in PICKS:
            raise InputError(f"pick is {self.pick!r}; possible: {', '.join(PICKS)}.")
        if not 0 <= self.max_missing < 1:
            raise InputError(f"max_missing must lie in 0..1; it is {self.max_missing}.")


@dataclass(frozen=True, eq=False)
class Segmented:
    """The person's pixels of each frame."""

    masks: tuple[Bool, ...]
    """(H, W) bool for each frame; nothing is set in a frame that is left out."""
    grounds: tuple[Ground | None, ...]
    """The floor of each frame in its camera's axes; one for all frames of a camera that stands still."""
    is_still_camera: bool
    """Whether floor and walls stay where they are in every camera's pictures. A bare, even floor cannot tell
    a camera that circles at one height from one that stands still."""
    people: tuple[int, ...]
    """How many people each frame shows."""
    notes: tuple[str, ...] = ()
    """What a person should know."""

    @property
    def kept(self) -> list[int]:
        """The frames that show the person."""
        return [k for k, mask in enumerate(self.masks) if mask.any()]


def segment_frames(
    frames: Sequence[DepthFrame],
    detector: PersonDetector | None,
    options: SegmentOptions | None = None,
    *,
    up: F64 | None = None,
) -> Segmented:
    """Cut the capture's person out of every frame; each frame is loaded once, in order.

    `up` (3,) is the direction against gravity in the world of the frames' poses (`DepthCapture.up`). Without
    a detector, or without colour, people are told from things by shape alone. Raises `InputError` where more
    than `options.max_missing` of the frames show no person, or two people could be meant.
    """
    options = options or SegmentOptions()
    if not len(frames):
        raise InputError("The capture holds no frames; there is nobody to cut out.")
    cameras: dict[str, _Camera] = {}
    seen: list[_Seen] = []
    for k in range(len(frames)):
        frame = frames[k]
        camera = cameras.setdefault(frame.camera, _Camera(detector))
        if up is None:
            up = next((c.world_up for c in cameras.values() if c.world_up is not None), None)
        seen.append(camera.look(frame, k, up))
    picked = _pick(seen, options)
    missing = [s.name for s, who in zip(seen, picked, strict=True) if who is None]
    notes = []
    if missing:
        listed = ", ".join(missing[:3]) + (" ..." if len(missing) > 3 else "")
        if len(missing) > options.max_missing * len(seen):
            raise InputError(
                f"{len(missing)} of {len(seen)} frames show no person ({listed}); leave these frames out, or "
                "take them again with the whole person in the picture."
            )
        notes.append(f"Left out, because they show no person: {listed} ({len(missing)} of {len(seen)}).")
    others = [s.name for s in seen if len(s.people) > 1]
    if others:
        notes.append(f"More than one person in {len(others)} of {len(seen)} frames (first: {others[0]}).")
    notes += _cut_notes(seen, picked)
    masks = tuple(
        s.people[who].mask if who is not None else np.zeros(s.shape, bool)
        for s, who in zip(seen, picked, strict=True)
    )
    still = all(camera.is_still for camera in cameras.values())
    merged = {name: camera.merged() for name, camera in cameras.items()}
    grounds = tuple(merged[s.camera] if cameras[s.camera].is_still else s.ground for s in seen)
    return Segmented(masks, grounds, still, tuple(len(s.people) for s in seen), tuple(notes))


@dataclass(frozen=True, eq=False)
class _Person:
    mask: Bool
    place: F64
    """(3,) median of the points, metres, world where the frame has a pose."""
    score: float
    pixels: int
    cut: tuple[bool, bool, bool]
    """Whether the head, the feet, a side reach the picture's edge."""


@dataclass(frozen=True, eq=False)
class _Seen:
    index: int
    name: str
    camera: str
    has_pose: bool
    shape: tuple[int, int]
    ground: Ground | None
    people: list[_Person] = field(default_factory=list)


class _Camera:
    """What is known of one camera: its background, and how it is held."""

    def __init__(self, detector: PersonDetector | None) -> None:
        self.detector = detector
        self.background: Background | None = None
        self.is_still = True
        self.world_up: F64 | None = None
        self.turns: int | None = None
        self.checks: _Checks | None = None
        self.grounds: list[Ground] = []
        self.count = 0

    def look(self, frame: DepthFrame, index: int, world_up: F64 | None) -> _Seen:
        """Everybody in the frame."""
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
        return _Seen(index, name, frame.camera, has_pose, depth.shape, ground, people)  # type: ignore[arg-type]

    def _hint(self, frame: DepthFrame, world_up: F64 | None) -> F64 | None:
        if world_up is not None and frame.world_from_camera is not None:
            return frame.world_from_camera[:3, :3].T @ world_up
        return None

    def _background_of(self, frame: DepthFrame, world_up: F64 | None) -> Background:
        self.count += 1
        holds = self.checks is not None and self.checks.hold(frame.depth_m)
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
        if self.checks is not None or self.background is not None:
            self.is_still = False
        self.background = Background.of(found)
        self.checks = _Checks.of(frame, self.background)
        if self.checks is None:
            self.is_still = False
        return self.background

    def merged(self) -> Ground | None:
        """The floor of a camera that stands still: the mean of all estimates that agree with the median."""
        if not self.grounds:
            return None
        normals = np.array([g.normal for g in self.grounds])
        offsets = np.array([g.offset for g in self.grounds])
        middle = np.median(normals, axis=0)
        middle /= np.linalg.norm(middle)
        near = (normals @ middle > np.cos(np.radians(1.0))) & (np.abs(offsets - np.median(offsets)) < 0.02)
        if not near.any():
            return self.grounds[0]
        weight = np.array([g.plane.support for g in self.grounds], np.float64) * near
        normal = weight @ normals
        normal /= np.linalg.norm(normal)
        best = self.grounds[int(np.argmax(weight))]
        plane: DepthPlane = replace(best.plane, normal=normal, offset=float(weight @ offsets / weight.sum()))
        return Ground(plane, best.levels)


@dataclass(frozen=True, eq=False)
class _Checks:
    """A few pixels of floor and walls, by which a later picture is known to have the same background."""

    ids: NDArray[np.int64]
    """(N,) of the picture taken at every `STRIDE`-th pixel."""
    depth_m: F32
    """(N,) the planes' depth there."""

    @classmethod
    def of(cls, frame: DepthFrame, background: Background) -> _Checks | None:
        """None where no plane is seen."""
        depth = np.ascontiguousarray(frame.depth_m[::STRIDE, ::STRIDE])
        planes = list(background.walls)
        if background.ground is not None:
            planes.append(background.ground.plane)
        near = np.zeros(depth.shape, bool)
        for plane in planes:
            height = np.abs(plane.heights(frame.depth_m, frame.K)[::STRIDE, ::STRIDE])
            near |= (depth > 0) & (height < plane.tolerance(depth, 0.01, 0.05))
        ids = np.flatnonzero(near)
        return cls(ids, depth.reshape(-1)[ids]) if len(ids) >= 40 else None

    def hold(self, depth_m: F32) -> bool:
        """Whether the pixels see what they saw, but for those that something now hides."""
        now = depth_m[::STRIDE, ::STRIDE].reshape(-1)[self.ids]
        slack = 0.015 + 0.006 * self.depth_m**2
        seen = (now > 0) & (now > self.depth_m - 3 * slack)
        if seen.sum() < max(20, 0.3 * len(self.ids)):
            return False
        same = np.abs(now - self.depth_m)[seen] < slack[seen]
        hidden = (now > 0) & ~seen
        return bool(same.mean() > 0.9 and hidden.sum() < 0.35 * len(self.ids))


def _person(frame: DepthFrame, mask: Bool, turns: int) -> _Person:
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
    return _Person(mask, place, score, len(rows), _cut(frame.depth_m, mask, turns))


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


def _cut_notes(seen: list[_Seen], picked: list[int | None]) -> list[str]:
    notes = []
    for part, what in enumerate(("the head is", "the feet are", "a side of the person is")):
        names = [
            s.name for s, who in zip(seen, picked, strict=True) if who is not None and s.people[who].cut[part]
        ]
        if names:
            count = f"{len(names)} of {len(seen)} frames" if len(seen) > 1 else "the frame"
            notes.append(f"In {count} {what} cut off by the picture's edge (first: {names[0]}).")
    return notes


def _pick(seen: list[_Seen], options: SegmentOptions) -> list[int | None]:
    """For each frame the place of the capture's person in `people`, or None."""
    picked: list[int | None] = [None] * len(seen)
    doubtful: list[int] = []
    for k, s in enumerate(seen):
        if not s.people:
            continue
        most = max(person.pixels for person in s.people)
        count = sum(person.pixels >= BYSTANDER * most for person in s.people)
        if options.pick == "only" and count > 1:
            raise InputError(
                f"{s.name} shows {count} people; scan one person at a time, or let the most central be taken."
            )
        order = sorted(range(len(s.people)), key=lambda p, s=s: -s.people[p].score)
        if len(order) == 1 or s.people[order[0]].score >= CLEARLY * s.people[order[1]].score:
            picked[k] = order[0]
        else:
            doubtful.append(k)
    by_world = all(s.has_pose for s in seen)
    for k in doubtful:
        near = [
            j
            for j, who in enumerate(picked)
            if who is not None and (by_world or seen[j].camera == seen[k].camera)
        ]
        if not near:
            raise InputError(
                f"{seen[k].name} shows {len(seen[k].people)} people and it is not clear which one is meant; "
                "take the pictures with one person in them, or with the person in the middle."
            )
        j = min(near, key=lambda j, k=k: (abs(j - k), j))
        who = picked[j]
        assert who is not None
        place = seen[j].people[who].place
        picked[k] = int(np.argmin([np.linalg.norm(person.place - place) for person in seen[k].people]))
    return picked
