"""The person of a capture in each of its frames, and the floor.

Each frame is cut into people (`camera_scene.py`, `people.py`). The one that the capture is of is the largest
and most central; where a frame leaves that open it is the one nearest to where the person was in the frames
that do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bodyscan.errors import InputError, some_names
from bodyscan.reconstruct.depth.camera_scene import SeenFrame, look_at_frames
from bodyscan.reconstruct.depth.ground import Ground
from bodyscan.reconstruct.mediapipe_detector import PersonDetector
from bodyscan.types import F64, Bool, DepthFrame

PICKS = ("central", "only")
CLEARLY = 2.0
"""A person is clearly meant who scores this many times what the next one does."""
BYSTANDER = 0.15
"""Of the largest person's pixels: smaller people do not count where one person is asked for."""

LEAST_SHOWN = 0.5
"""Share of the frames that must show the person."""


@dataclass(frozen=True)
class SegmentOptions:
    """What is meant by the person of a capture."""

    pick: str = "central"
    """Of several people, `central` takes the largest and most central where that is clear; `only` refuses."""
    max_missing: float = 0.2
    """Share of frames, 0..1, that may show no person between the first and the last that do; they are left
    out, as is what was recorded before and after, of which no more may be than half."""

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
    a detector, or without colour, people are told from things by shape alone. Raises `InputError` where too
    many frames show no person (`options.max_missing`), or two people could be meant.
    """
    options = options or SegmentOptions()
    if not len(frames):
        raise InputError("The capture holds no frames; there is nobody to cut out.")
    seen, cameras = look_at_frames(frames, detector, up)
    picked = _pick(seen, options)
    missing = [s.name for s, who in zip(seen, picked, strict=True) if who is None]
    notes = []
    if missing:
        listed = some_names(missing)
        shown = [k for k, who in enumerate(picked) if who is not None]
        between = shown[-1] - shown[0] + 1 - len(shown) if shown else 0
        if between > options.max_missing * (between + len(shown)) or len(shown) < LEAST_SHOWN * len(seen):
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


def _cut_notes(seen: list[SeenFrame], picked: list[int | None]) -> list[str]:
    notes = []
    for part, what in enumerate(("the head is", "the feet are", "a side of the person is")):
        names = [
            s.name for s, who in zip(seen, picked, strict=True) if who is not None and s.people[who].cut[part]
        ]
        if names:
            count = f"{len(names)} of {len(seen)} frames" if len(seen) > 1 else "the frame"
            notes.append(f"In {count} {what} cut off by the picture's edge (first: {names[0]}).")
    return notes


def _pick(seen: list[SeenFrame], options: SegmentOptions) -> list[int | None]:
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
