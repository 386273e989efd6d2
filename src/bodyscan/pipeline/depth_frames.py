"""A depth capture's frames, cut to the person, and where their cameras stood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from bodyscan.capture.depth_frames import LazyFrames
from bodyscan.errors import InputError, StageError
from bodyscan.pipeline.depth_options import DepthOptions
from bodyscan.reconstruct.depth.points import frame_points
from bodyscan.reconstruct.depth.range_error import RangeError
from bodyscan.reconstruct.depth.segment import segment_frames
from bodyscan.reconstruct.depth.track import Trajectory, given_trajectory, track_frames
from bodyscan.reconstruct.mediapipe_detector import PersonDetector
from bodyscan.types import F64, DepthCapture, FramePoints

LEAST_POINTS = 500
"""Of the person, in a frame that counts."""


@dataclass(frozen=True, eq=False)
class PersonFrames:
    """What the frames show of the person."""

    frames: list[FramePoints]
    """Those that count, in order."""
    ids: tuple[int, ...]
    """Which of the capture's frames each is."""
    ups: F64 | None
    """(N, 3) against gravity in each camera's axes; None where some frame shows no floor."""
    steady: bool
    """Whether the cameras stood still, so that `ups` is one for all frames of a camera."""
    notes: tuple[str, ...]

    def only(self, kept: Sequence[int]) -> PersonFrames:
        """The same of some of the frames."""
        ups = None if self.ups is None else self.ups[list(kept)]
        frames, ids = [self.frames[k] for k in kept], tuple(self.ids[k] for k in kept)
        return replace(self, frames=frames, ids=ids, ups=ups)

    def corrected(self, error: RangeError | None) -> PersonFrames:
        """The same with the sensor's range error taken off."""
        return self if error is None else replace(self, frames=[error.corrected(f) for f in self.frames])


def person_frames(capture: DepthCapture, options: DepthOptions) -> PersonFrames:
    """Cut every frame to the person. Raises `InputError` where too few frames can be used, naming them."""
    frames = capture.frames
    notes: list[str] = []
    ids = np.arange(len(frames))
    if len(frames) > options.max_frames:
        ids = np.unique(np.linspace(0, len(frames) - 1, options.max_frames).round().astype(int))
        notes.append(f"{len(ids)} of {len(frames)} frames were taken, evenly over the capture.")
        frames = LazyFrames([partial(frames.__getitem__, int(k)) for k in ids])
    with PersonDetector() as detector:
        cut = segment_frames(frames, detector, options.segment, up=capture.up)
    notes += cut.notes
    points, ups, used = [], [], []
    for k in cut.kept:
        found = frame_points(frames[k], cut.masks[k], capture.sensor, options.points)
        if len(found.points) < LEAST_POINTS:
            notes.append(f"{found.name}: less than {LEAST_POINTS} usable pixels, left out.")
            continue
        points.append(found)
        used.append(int(ids[k]))
        ground = cut.grounds[k]
        ups.append(None if ground is None else ground.normal)
    if not points:
        raise InputError(
            f"{capture.source}: no frame has {LEAST_POINTS} usable pixels of the person. Is the person "
            "too far away, or the sensor's range exceeded?"
        )
    known = [up for up in ups if up is not None]
    whole = np.array(known) if len(known) == len(ups) else None
    poses = [found.world_from_camera for found in points if found.world_from_camera is not None]
    if capture.up is not None and len(poses) == len(points):
        whole = np.array([pose[:3, :3].T @ capture.up for pose in poses])  # the sensor's own gravity
    return PersonFrames(points, tuple(used), whole, cut.is_still_camera and whole is not None, tuple(notes))


def camera_poses(person: PersonFrames, options: DepthOptions) -> tuple[PersonFrames, Trajectory, str]:
    """The frames that count, their cameras' poses, and `given`, `given and moved` or `tracked`.

    Raises `InputError` where poses are asked for and missing, or several cameras have none; `StageError`
    where tracking is lost.
    """
    frames = person.frames
    known = [frame.world_from_camera for frame in frames if frame.world_from_camera is not None]
    if options.poses == "given" and len(known) < len(frames):
        name = next(frame.name for frame in frames if frame.world_from_camera is None)
        raise InputError(f"The frame {name} has no pose; give a capture with poses, or let them be tracked.")
    if options.poses == "track" or len(known) < len(frames):
        if len({frame.camera for frame in frames}) > 1:
            raise InputError(
                "Frames of several cameras need the cameras' poses: calibrate the rig and give each camera's "
                "world_from_camera."
            )
        trajectory = track_frames(frames, options.track, person.ups)
        return person if trajectory.kept is None else person.only(trajectory.kept), trajectory, "tracked"
    exactly = options.poses == "given"
    trajectory = given_trajectory(frames, np.array(known), person.ups, options.track, exactly=exactly)
    return person, trajectory, "given and moved" if trajectory.notes else "given"


def require_all_around(person: PersonFrames, trajectory: Trajectory) -> None:
    """Raise `StageError`, naming the ends, where the person was not seen from all sides."""
    if trajectory.is_all_around:
        return
    if trajectory.lost:
        raise StageError(trajectory.lost)
    turn = trajectory.total_turn_deg
    why = "and its first and last frames do not agree" if turn > 330 else "and that leaves a side unseen"
    raise StageError(
        f"The capture does not close: from {person.frames[0].name} to {person.frames[-1].name} the camera "
        f"went {turn:.0f} degrees around the person, {why}. Take a full turn with some overlap, or accept "
        "what was seen (--accept-open)."
    )


def ups_in_world(person: PersonFrames, trajectory: Trajectory, how: str) -> F64 | None:
    """(N, 3) up as the floor has it, in the world of the trajectory.

    None where no floor tells. Given poses need none: their world does not lean with the person.
    """
    if how == "given" or not person.steady or person.ups is None:
        return None
    return np.einsum("nij,nj->ni", trajectory.world_from_camera[:, :3, :3], person.ups)
