"""Where the person stands in a scan: unit, up axis, facing, ground; from input to world frame.

Every candidate up axis is tried: pictures are taken around it and the detector votes, each picture with the
component of the person's own ankle-to-shoulder direction along the picture's up. A body upside down or lying
is found less surely and votes against, so that the right axis wins by a wide margin (bodies, clothed
avatars and statues: +2.5 to +3.5 of 4 against -2.4 to +0.7). Without a vote, slices decide (`slices`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from bodyscan.errors import InputError
from bodyscan.geometry.view import View
from bodyscan.reconstruct.landmarks import (
    LandmarkOptions,
    Skeleton33,
    all_landmarks,
    find_skeleton,
    observe,
    ring,
)
from bodyscan.reconstruct.lighter import lighter
from bodyscan.reconstruct.mediapipe_detector import POSE_NAMES, DetectedPose, PersonDetector
from bodyscan.reconstruct.slices import PERSON_SCORE, Stance, stance, surface_samples
from bodyscan.reconstruct.studio import Studio
from bodyscan.reconstruct.tilt import body_axis, corrected_up
from bodyscan.reconstruct.unit import UnitEstimate, choose_unit, skeleton_height
from bodyscan.reconstruct.unrecognised import no_person_message
from bodyscan.types import F64, Landmarks, Mesh, Texture, frozen_array

AXES = {
    f"{sign}{name}": (1.0 if sign == "+" else -1.0) * np.eye(3)[index]
    for index, name in enumerate("xyz")
    for sign in "+-"
}
"""The six axis names and their unit vectors."""
LEAST_VOTE = 0.8
"""Sum of votes (at most `vote_views`) from which the detector's up axis is believed."""


@dataclass(frozen=True)
class FrameOptions:
    """How the world frame is inferred."""

    landmarks: LandmarkOptions = field(default_factory=LandmarkOptions)
    """How the landmarks are looked for once the up axis is known."""
    assume_height_m: float | None = 1.70
    """Metres, 0.3 to 3: the height given to a person who has no plausible size in any unit (a statuette,
    a scan of normalised size). None refuses such a scan."""
    correct_tilt: bool = True
    """Level the soles where they say clearly that the scan's up axis is tilted by up to 12 degrees."""
    vote_views: int = 4
    """Pictures around each candidate up axis, at least 4."""
    vote_px: int = 256
    """Height of those pictures, pixels, at least 128."""
    max_faces: int = 500_000
    """A larger scan is thinned to about this many faces (a third as many points) to be looked at."""

    def __post_init__(self) -> None:
        if self.assume_height_m is not None and not 0.3 <= self.assume_height_m <= 3:
            raise InputError(
                f"FrameOptions.assume_height_m must lie in 0.3..3 metres; it is {self.assume_height_m}."
            )


@dataclass(frozen=True, eq=False)
class FrameEstimate:
    """How a scan's coordinates become the world frame."""

    world_from_input: F64
    """(4, 4) float64 similarity: soles at Y = 0, hips over the origin, facing +Z, metres."""
    unit: str
    """`m`, `cm`, `mm`, `in`, or `unknown` where the person was scaled to an assumed height."""
    up: str
    """The input's axis nearest to up."""
    facing: str
    """The input's axis nearest to where the person faces."""
    inferred: tuple[str, ...]
    """Which of `unit`, `up`, `facing` were not given."""
    landmarks: Landmarks | None
    """In the world frame; None where the detector saw no person."""
    notes: tuple[str, ...]
    """What was decided and why, in plain sentences."""
    confidence: float
    """0..1, of the least certain decision."""
    height_m: float
    """Metres, the person's height as estimated from the skeleton, or else the extent along up."""

    def __post_init__(self) -> None:
        matrix = frozen_array("FrameEstimate.world_from_input", self.world_from_input, np.float64, (4, 4))
        object.__setattr__(self, "world_from_input", matrix)


@dataclass(frozen=True, eq=False)
class _Pose:
    """The person's directions in input coordinates."""

    up: F64
    forward: F64
    skeleton: Skeleton33 | None
    stance: Stance | None
    notes: tuple[str, ...]
    confidence: float


def infer_frame(
    mesh: Mesh,
    unit: str | None = None,
    up: str | None = None,
    facing: str | None = None,
    options: FrameOptions | None = None,
    *,
    texture: Texture | None = None,
    detector: PersonDetector | None = None,
) -> FrameEstimate:
    """Find the person and the similarity that takes the input to the world frame.

    `unit` (`m cm mm in`), `up` and `facing` (`+x -x +y -y +z -z`) are kept where given: `facing` is then the
    axis nearest to where the person looks, refined by the landmarks within 45 degrees. A detector may be
    kept between calls. Raises `InputError` where no person is recognised, for impossible options, or a unit
    that makes no person's size.
    """
    options = options or FrameOptions()
    _check_axes(up, facing)
    if len(mesh.vertices) < 50:
        raise InputError(
            f"The scan holds {len(mesh.vertices)} points: too few to show a person. Give a whole-body scan."
        )
    if detector is None:
        with PersonDetector(options.landmarks.min_confidence) as own:
            return infer_frame(mesh, unit, up, facing, options, texture=texture, detector=own)
    light = lighter(mesh, options.max_faces // 3 if mesh.is_cloud else options.max_faces)
    studio = Studio(light, texture)
    found = _find(studio, detector, up, options)
    forward, facing_notes = _facing(found, facing)
    height, height_notes = _height(light, found)
    size = choose_unit(height, unit, options.assume_height_m, found.skeleton)
    matrix = _similarity(light, found, forward, size, height)
    landmarks = None
    if found.skeleton is not None:
        landmarks = _moved(all_landmarks(studio, detector, found.skeleton, options.landmarks), matrix)
    inferred = tuple(n for n, v in (("unit", unit), ("up", up), ("facing", facing)) if v is None)
    up_name, facing_name = nearest_axis(found.up), nearest_axis(forward)
    notes = (
        *found.notes,
        f"The person stands along {up_name} and faces {facing_name} in the input's axes.",
        *facing_notes,
        *height_notes,
        *size.notes,
    )
    confidence = min(found.confidence, size.confidence)
    return FrameEstimate(
        matrix,
        size.unit,
        up or up_name,
        facing or facing_name,
        inferred,
        landmarks,
        notes,
        confidence,
        height * size.metres_per_unit,
    )


def nearest_axis(direction: F64) -> str:
    """The name of the axis nearest to a direction (3,)."""
    return max(AXES, key=lambda name: float(AXES[name] @ direction))


def vote_up(studio: Studio, detector: PersonDetector, options: FrameOptions) -> dict[str, float]:
    """Votes of the detector for each of the six axes, about -`vote_views`..`vote_views`.

    The winner's votes are all counted. An axis that could no longer win, were every picture left a full vote
    for it, is looked at no more: its votes are scaled up to the full number. In a clear case that saves half
    of the pictures, and the winner is always the one that all the pictures name.
    """
    few = replace(options.landmarks, num_views=max(options.vote_views, 4), picture_px=options.vote_px)
    ballots = {name: _Ballot(ring(studio.bounds, few, up=axis)) for name, axis in AXES.items()}
    for ballot in ballots.values():
        ballot.look(studio, detector)
    won = -np.inf
    for ballot in sorted(ballots.values(), key=lambda ballot: ballot.votes, reverse=True):
        while ballot.views and ballot.votes + len(ballot.views) >= won:
            ballot.look(studio, detector)
        if not ballot.views:
            won = max(won, ballot.votes)
    return {name: ballot.votes * few.num_views / ballot.counted for name, ballot in ballots.items()}


class _Ballot:
    """The votes of the pictures around one axis, counted one by one."""

    def __init__(self, views: list[View]) -> None:
        self.views = views
        """Pictures that are not taken yet."""
        self.votes = 0.0
        self.counted = 0

    def look(self, studio: Studio, detector: PersonDetector) -> None:
        self.votes += sum(_upright(pose) for _, pose in observe(studio, detector, [self.views.pop(0)]))
        self.counted += 1


def _upright(pose: DetectedPose) -> float:
    """-1..1: how surely the person of one picture stands upright in it."""

    def middle(part: str) -> F64:
        return (
            pose.pixels[POSE_NAMES.index(f"left_{part}")] + pose.pixels[POSE_NAMES.index(f"right_{part}")]
        ) / 2

    down = middle("ankle") - middle("shoulder")
    length = float(np.linalg.norm(down))
    return float(pose.visibility.mean()) * float(down[1]) / length if length > 1 else 0.0


def _find(studio: Studio, detector: PersonDetector, up: str | None, options: FrameOptions) -> _Pose:
    notes: tuple[str, ...] = ()
    confidence = 1.0
    name = up
    if name is None:
        votes = vote_up(studio, detector, options)
        ranked = sorted(votes, key=lambda n: votes[n], reverse=True)
        name = ranked[0] if votes[ranked[0]] >= LEAST_VOTE else None
        margin = (votes[ranked[0]] - max(votes[ranked[1]], 0)) / max(options.vote_views, 4)
        confidence = float(np.clip(margin * 1.5, 0.05, 1))
    skeleton = None
    if name is not None:
        skeleton = find_skeleton(studio, detector, options.landmarks, up=AXES[name])
    if skeleton is None or name is None:
        return _find_by_slices(studio, detector, up)
    axis = AXES[name]
    if up is None and options.correct_tilt and (leaning := body_axis(skeleton, axis)) is not None:
        # Hand-held scanners start in any direction: what stands between two axes is looked at again.
        upright = find_skeleton(studio, detector, options.landmarks, up=leaning)
        if upright is not None:
            degrees = np.degrees(np.arccos(np.clip(leaning @ axis, -1, 1)))
            notes = (
                f"The scan stands {degrees:.0f} degrees off the axis {name}; the person was set upright.",
            )
            axis, skeleton = leaning, upright
    if options.correct_tilt:
        axis, degrees = corrected_up(studio.mesh.vertices, skeleton, axis)
        if degrees > 0:
            notes = (*notes, f"The scan was tilted by {degrees:.1f} degrees; the soles were levelled.")
    return _Pose(axis, _skeleton_forward(skeleton, axis), skeleton, None, notes, confidence)


def _find_by_slices(studio: Studio, detector: PersonDetector, up: str | None) -> _Pose:
    points = surface_samples(studio.mesh)
    names = list(AXES) if up is None else [up]
    stances = {name: stance(points, AXES[name]) for name in names}
    best = max(stances, key=lambda n: stances[n].score)
    seen = stances[best]
    if seen.score < PERSON_SCORE:
        raise InputError(
            no_person_message(studio, detector) + ("" if up is None else f" (The up axis {up} was given.)")
        )
    note = (
        "No picture of the scan was recognised as a person; up and facing come from its slices "
        f"({seen.leg_pieces} pieces at the shins) and are uncertain."
    )
    return _Pose(AXES[best], seen.forward, None, seen, (note,), 0.4 * seen.score)


def _skeleton_forward(skeleton: Skeleton33, up: F64) -> F64:
    """Across `up`, where the person faces: left to right by sides, its sign by toes and nose."""
    sides, ahead = np.zeros(3), np.zeros(3)
    for part in ("shoulder", "hip"):
        weight = min(skeleton.sure(f"left_{part}"), skeleton.sure(f"right_{part}"))
        if weight > 0:
            sides += weight * _unit(np.cross(skeleton[f"left_{part}"] - skeleton[f"right_{part}"], up))
    for first, second in (
        ("left_foot_index", "left_heel"),
        ("right_foot_index", "right_heel"),
        ("nose", "left_ear"),
        ("nose", "right_ear"),
    ):
        weight = min(skeleton.sure(first), skeleton.sure(second))
        if weight > 0:
            step = skeleton[first] - skeleton[second]
            ahead += weight * _unit(step - up * (step @ up))
    forward = sides if np.linalg.norm(sides) > 0.2 else ahead
    if np.linalg.norm(ahead) > 1.0 and forward @ ahead < 0:
        # The sides were exchanged in all pictures; toes and nose cannot be.
        forward = -forward
    return _unit(forward)


def _facing(found: _Pose, facing: str | None) -> tuple[F64, tuple[str, ...]]:
    forward = found.forward - found.up * (found.forward @ found.up)
    if np.linalg.norm(forward) < 1e-6:
        forward = np.cross(found.up, np.eye(3)[np.abs(found.up).argmin()])
    forward = _unit(forward)
    if facing is None:
        return forward, ()
    wanted = AXES[facing] - found.up * (AXES[facing] @ found.up)
    if np.linalg.norm(wanted) < 0.5:
        raise InputError(
            f"The person cannot face {facing}: the scan's up axis is {nearest_axis(found.up)}. "
            "Give another facing, or the up axis too."
        )
    wanted = _unit(wanted)
    if forward @ wanted > np.cos(np.pi / 4):
        return forward, ()
    seen = nearest_axis(forward)
    return wanted, (f"Facing {facing} was given and kept, though the person seems to face {seen}.",)


def _height(mesh: Mesh, found: _Pose) -> tuple[float, tuple[str, ...]]:
    """Height in input units: the extent, where the skeleton says that it is the person's."""
    low, high = np.percentile(mesh.vertices @ found.up, [0.05, 99.95])
    extent = float(high - low)
    bones = None if found.skeleton is None else skeleton_height(found.skeleton)
    if bones is None or abs(bones / extent - 1) < 0.08:
        return extent, ()
    return bones, (
        f"The scan is {extent:.4g} units high, the person by the skeleton {bones:.4g}: "
        "a bent pose, a stand or other objects are in it.",
    )


def _similarity(mesh: Mesh, found: _Pose, forward: F64, size: UnitEstimate, height: float) -> F64:
    rotation = np.stack([np.cross(found.up, forward), found.up, forward])
    turned = mesh.vertices @ rotation.T
    skeleton = found.skeleton
    soles = float(np.percentile(turned[:, 1], 0.05))
    centre = np.median(turned, axis=0)
    if skeleton is not None:
        hips = rotation @ skeleton.middle("hip")
        centre = hips if np.isfinite(hips).all() else centre
        sole = _sole_height(skeleton, rotation, height)
        # What lies further below the feet is a stand or a floor's dirt.
        if sole is not None and soles < sole - 0.06 * height:
            soles = sole
    matrix = np.eye(4)
    matrix[:3, :3] = size.metres_per_unit * rotation
    matrix[:3, 3] = -size.metres_per_unit * np.array([centre[0], soles, centre[2]])
    return matrix


def _sole_height(skeleton: Skeleton33, rotation: F64, height: float) -> float | None:
    levels = [
        float((rotation @ skeleton[name])[1])
        for name in ("left_heel", "right_heel", "left_foot_index", "right_foot_index")
        if skeleton.sure(name) > 0.2
    ]
    return min(levels) - 0.015 * height if levels else None


def _moved(landmarks: Landmarks, matrix: F64) -> Landmarks:
    positions = landmarks.positions @ matrix[:3, :3].T + matrix[:3, 3]
    return replace(landmarks, positions=positions)


def _check_axes(up: str | None, facing: str | None) -> None:
    for word, axis in (("up", up), ("facing", facing)):
        if axis is not None and axis not in AXES:
            raise InputError(f"The {word} axis {axis!r} is not known; give one of {', '.join(AXES)}.")
    if up is not None and facing is not None and abs(AXES[up] @ AXES[facing]) > 0.5:
        raise InputError(f"up {up} and facing {facing} lie along the same axis; give two different ones.")


def _unit(vector: F64) -> F64:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 1e-12 else np.zeros(3)
