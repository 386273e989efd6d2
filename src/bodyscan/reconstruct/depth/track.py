"""Where the camera stood around the person: frame by frame, the loop closed, all frames at once.

Seen from the person, a turntable, a person who turns and an operator who walks around are one thing: the
camera moves on a ring around an upright axis. That is the prior: starts are turns about the person's own
axis, never more. Frames follow one another by `align_pair`; frames that see the same side although they are
far apart in time are aligned too and close the loop; a pose graph (Open3D's, with its line process that
drops false loops: Choi, Zhou and Koltun, "Robust reconstruction of indoor scenes", 2015) spreads what
drifted; then `align_all` moves all frames at once, and finds the sensor's range error with them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bodyscan.errors import InputError, some_names
from bodyscan.geometry.load_open3d import load_open3d
from bodyscan.geometry.rigid import rigid_inverse
from bodyscan.geometry.rotations import matrix_to_rotvec, rotation_between
from bodyscan.reconstruct.depth.align import (
    NEAR_M,
    Alignment,
    PairFit,
    align_all,
    align_pair,
    judged,
)
from bodyscan.reconstruct.depth.follow import follow_frames
from bodyscan.reconstruct.depth.range_error import RangeError
from bodyscan.reconstruct.depth.surfels import Surfels, make_surfels
from bodyscan.types import F32, F64, FramePoints
from bodyscan.types.depth import instants

LEAST_OVERLAP = 0.25
"""Below it a loop says nothing: two sides of a person can be made to agree by chance."""
LOOP_RMS_M = 0.012
PARTNER_DEG = (3.0, 12.0, 25.0, 42.0)
"""Each frame is aligned with those that look from about so far around; beyond 60 degrees little is shared."""
LOOP_DEG = 35.0
WIDEST_GAP_DEG = 110.0
"""Widest angle between neighbouring directions that still sees all sides; four cameras stand 90 apart."""
MOVED_FACTOR, MOVED_MORE_MM = 1.25, 0.1
"""Given poses are moved where pairs lie so much farther apart than they could."""
REACHES_M = (0.025, 0.014, 0.009, 0.006)
LAST_REACHES_M = (0.006, 0.006, 0.006)
"""With the range error."""


@dataclass(frozen=True)
class TrackOptions:
    """Options of `track_frames`."""

    samples: int = 2500
    """Points a frame that are moved onto others, 300 to 50,000."""
    color: float = 1.0
    """0..10, factor on the pull of colour; 0: shape alone."""
    range_error: bool = True
    """Whether the sensor's error over the distance is found along with the poses."""
    seed: int = 0

    def __post_init__(self) -> None:
        if not 300 <= self.samples <= 50_000:
            raise InputError(f"TrackOptions.samples is {self.samples}; possible: 300 to 50000.")
        if not 0 <= self.color <= 10:
            raise InputError(f"TrackOptions.color is {self.color}; possible: 0 to 10.")


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Camera poses around a person who is taken to stand still."""

    world_from_camera: F64
    """(N, 4, 4) metres; +Y up along the axis of the turn, the axis near x = z = 0."""
    turn_deg: F64
    """(N,) degrees that the camera has gone around the person since the first frame; where each of several
    cameras stands, 0 to 360."""
    closed: bool
    """Whether frames far apart in time that see one side were found to agree."""
    pair_rms_mm: F64
    """(P,) of each pair that met: robust root mean square distance along the normal."""
    loop_rms_mm: float
    """The same over the pairs that close the loop; NaN where there are none."""
    is_all_around: bool
    """Whether the person was seen from all sides, and, where poses were tracked, the loop is closed."""
    notes: tuple[str, ...] = ()
    range_error: RangeError | None = None
    """The sensor's error over the distance, for which the poses hold; None where it was not asked for."""
    kept: tuple[int, ...] | None = None
    """Which of the frames it holds, where some did not follow the others; None: all."""
    lost: str = ""
    """Where tracking was lost and what to do, where frames were left out."""

    @property
    def total_turn_deg(self) -> float:
        """Widest angle between any two frames on the way, degrees; 360 and more is a full turn."""
        return float(np.ptp(self.turn_deg))


def track_frames(
    frames: Sequence[FramePoints], options: TrackOptions | None = None, up: F64 | None = None
) -> Trajectory:
    """Find the poses of `frames` of one person who stands, seen by one camera that goes around (or by a
    still one before which the person turns).

    Somebody may step in at first and out at last, and a frame may be broken: those that do not follow the
    others are left out, with a note. `up` (N, 3) or (3,): against gravity in each camera's axes, where the
    floor told; otherwise the person's longest axis stands for it at the start. Raises `StageError` that names
    the frame where it is lost, and less than half of the frames follow one another.
    """
    options = options or TrackOptions()
    if len(frames) < 2:
        raise InputError("Tracking needs at least two frames; the capture has fewer.")
    surfels = [make_surfels(frame, options.samples, options.seed + k) for k, frame in enumerate(frames)]
    ups = _ups(frames, up)
    followed = follow_frames(surfels, ups)
    held = [frames[k] for k in followed.kept]
    surfels, ups = [surfels[k] for k in followed.kept], ups[followed.kept]
    poses = [np.eye(4)]
    for step in followed.steps:
        poses.append(poses[-1] @ step.fixed_from_moving)
    chain = np.array(poses)
    axis = _turn_axis(chain, ups)
    turns = _turns(chain, axis)
    loops = _close(surfels, chain, turns)
    graph = _pose_graph(chain, followed.steps, loops) if loops else chain
    pairs = _partners(_turns(graph, axis))
    found = _trajectory(_aligned(surfels, graph, pairs, options), axis, held, tracked=True)
    if len(held) == len(frames):
        return found
    kept = set(followed.kept)
    names = [frame.name for k, frame in enumerate(frames) if k not in kept]
    some = f"{some_names(names)} ({len(names)} of {len(frames)})"
    note = f"Left out, because they do not follow the others: {some}."
    return replace(found, kept=tuple(followed.kept), lost=followed.lost, notes=(note,))


def given_trajectory(
    frames: Sequence[FramePoints],
    world_from_camera: F64,
    up: F64 | None = None,
    options: TrackOptions | None = None,
    exactly: bool = False,
) -> Trajectory:
    """The poses (N, 4, 4) that came with `frames`, brought upright.

    Where frames that see the same agree clearly better once all are moved a little (`align_all`), the moved
    poses are taken and a note says so; with `exactly` they are never moved. `up` as in `track_frames`.
    """
    options = options or TrackOptions()
    poses = np.asarray(world_from_camera, np.float64)
    axis = _given_axis(frames, poses, up)
    surfels = [make_surfels(frame, options.samples, options.seed + k) for k, frame in enumerate(frames)]
    pairs = _partners(_turns(poses, axis))
    stayed = judged(_held(surfels, poses, pairs, options), surfels, pairs)
    if not stayed.met or (exactly and not options.range_error):
        return _trajectory(stayed, axis, frames, tracked=False)
    moved = judged(_aligned(surfels, poses, pairs, options, instants(frames)), surfels, pairs)
    if not _clearly_better(moved, stayed):
        return _trajectory(stayed, axis, frames, tracked=False)
    if exactly:
        # Who sways between exact poses bends the curve that was found at them.
        return _trajectory(replace(stayed, curve=moved.curve), axis, frames, tracked=False)
    found, before_mm, after_mm = moved.world_from_camera, stayed.rms_mm, moved.rms_mm
    way = rigid_inverse(poses[0]) @ poses - rigid_inverse(found[0]) @ found
    far = np.linalg.norm(way[:, :3, 3], axis=1)
    note = (
        f"Cameras were moved by up to {1000 * far.max():.0f} mm from the given poses, after the person's "
        f"sway too: frames that see the same lay {before_mm:.1f} mm apart, and {after_mm:.1f} mm afterwards."
    )
    return replace(_trajectory(moved, axis, frames, tracked=False), notes=(note,))


def _aligned(
    surfels: list[Surfels],
    poses: F64,
    pairs: list[tuple[int, int]],
    options: TrackOptions,
    groups: list[list[int]] | None = None,
) -> Alignment:
    """All frames moved at once, the range error last: it is small, and the frames start farther off."""
    near = align_all(surfels, poses, pairs, REACHES_M, options.color, groups)
    curve = _no_curve(surfels, options)
    return align_all(surfels, near.world_from_camera, pairs, LAST_REACHES_M, options.color, groups, curve)


def _held(
    surfels: list[Surfels], poses: F64, pairs: list[tuple[int, int]], options: TrackOptions
) -> Alignment:
    """The range error alone, the frames where they are."""
    curve = _no_curve(surfels, options)
    reaches = () if curve is None else (NEAR_M / 2, *LAST_REACHES_M)
    return align_all(surfels, poses, pairs, reaches, options.color, curve=curve, hold=True)


def _no_curve(surfels: list[Surfels], options: TrackOptions) -> RangeError | None:
    return RangeError.none([each.frame for each in surfels]) if options.range_error else None


def _clearly_better(moved: Alignment, stayed: Alignment) -> bool:
    if len(moved.met) < 0.9 * len(stayed.met):
        return False
    return stayed.rms_mm >= MOVED_FACTOR * moved.rms_mm + MOVED_MORE_MM


def _given_axis(frames: Sequence[FramePoints], poses: F64, up: F64 | None) -> F64:
    """(3,) unit, up in the world of the given poses."""
    if up is not None:
        mean = np.einsum("nij,nj->ni", poses[:, :3, :3], np.broadcast_to(up, (len(poses), 3))).mean(axis=0)
        return mean / np.linalg.norm(mean)
    return _longest_axis(_world_points(frames, poses, 40), poses[:, :3, 1].mean(axis=0))


def _world_points(frames: Sequence[FramePoints], poses: F64, step: int) -> F64:
    """(M, 3) every `step`-th point of each frame, through its pose."""
    placed = [f.points[::step] @ p[:3, :3].T + p[:3, 3] for f, p in zip(frames, poses, strict=True)]
    return np.concatenate(placed)


def _longest_axis(points: F64 | F32, down: F64) -> F64:
    """(3,) unit, along a standing person's `points` (M, 3), against `down` (3,)."""
    centred = points - points.mean(axis=0)
    longest = np.linalg.eigh(centred.T @ centred)[1][:, 2].astype(np.float64)
    return longest * (-1.0 if longest @ down > 0 else 1.0)


def _trajectory(found: Alignment, axis: F64, frames: Sequence[FramePoints], tracked: bool) -> Trajectory:
    poses, met = found.world_from_camera, found.met
    turns = _turns(poses, axis)
    if len({frame.camera for frame in frames}) > 1:
        turns = turns % 360.0  # cameras that stand around go nowhere
    loops = [equations for (i, j), equations in met.items() if abs(turns[i] - turns[j]) > 180.0]
    loop_rms = 1000 * float(np.median([equations.rms_m for equations in loops])) if loops else np.nan
    around = np.sort(turns % 360.0)
    widest = float(np.diff(np.append(around, around[0] + 360.0)).max())
    seen = widest < WIDEST_GAP_DEG and (bool(loops) or not tracked)
    rms = 1000 * np.array([equations.rms_m for equations in met.values()], np.float64)
    upright = _upright(poses, axis, frames)
    return Trajectory(upright, turns, bool(loops), rms, loop_rms, seen, (), found.curve)


def _ups(frames: Sequence[FramePoints], up: F64 | None) -> F64:
    """(N, 3) unit, against gravity in each camera's axes; without `up` the first frame's guess."""
    if up is not None:
        ups = np.broadcast_to(np.asarray(up, np.float64), (len(frames), 3))
        return ups / np.linalg.norm(ups, axis=1, keepdims=True)
    # A camera is seldom held upside down; portrait either way is what cannot be told, and need not be.
    return np.tile(_longest_axis(frames[0].points, np.array([0.0, 1.0, 0.0])), (len(frames), 1))


def _turn_axis(chain: F64, ups: F64) -> F64:
    """(3,) unit, in the first camera's axes: what the camera turns about, on the side of `ups`."""
    mean_up = np.einsum("nij,nj->ni", chain[:, :3, :3], ups).mean(axis=0)
    mean_up /= np.linalg.norm(mean_up)
    steps = matrix_to_rotvec(np.swapaxes(chain[:-1, :3, :3], 1, 2) @ chain[1:, :3, :3])
    turned = np.einsum("nij,nj->ni", chain[:-1, :3, :3], steps)
    if np.linalg.norm(turned, axis=1).sum() < np.radians(20.0):
        return mean_up
    scatter = turned.T @ turned
    axis = np.linalg.eigh(scatter)[1][:, 2]
    axis = axis * (1.0 if axis @ mean_up > 0 else -1.0)
    # A wobbling hand turns the camera about other axes too: the floor, where it told, knows better.
    return axis if axis @ mean_up > np.cos(np.radians(15.0)) else mean_up


def _turns(poses: F64, axis: F64) -> F64:
    """(N,) degrees that each camera has gone around `axis`, unwound along the way."""
    looks = poses[:, :3, 2]
    side = np.cross(axis, looks[0])
    side /= max(float(np.linalg.norm(side)), 1e-9)
    front = np.cross(side, axis)
    return np.degrees(np.unwrap(np.arctan2(looks @ side, looks @ front)))


def _close(surfels: list[Surfels], chain: F64, turns: F64) -> list[tuple[int, int, PairFit]]:
    """(earlier, later, fit) for frames that see one side although a whole turn lies between them."""
    found = []
    inverse = rigid_inverse(chain)
    count = len(chain)
    candidates = []
    for i in range(count):
        for j in range(i + 2, count):
            apart = abs(turns[j] - turns[i])
            wrapped = abs((apart + 180.0) % 360.0 - 180.0)
            if apart > 180.0 and wrapped < LOOP_DEG:
                candidates.append((wrapped, i, j))
    candidates.sort()
    for _, i, j in _spread(candidates, 24):
        fit = align_pair(surfels[j], surfels[i], inverse[i] @ chain[j], far_m=0.15, steps=24)
        if fit is not None and fit.overlap > LEAST_OVERLAP and fit.rms_m < LOOP_RMS_M:
            found.append((i, j, fit))
    return found


def _spread(candidates: list[tuple[float, int, int]], most: int) -> list[tuple[float, int, int]]:
    """At most `most` of them, no frame in more than two."""
    used: dict[int, int] = {}
    taken = []
    for candidate in candidates:
        _, i, j = candidate
        if used.get(i, 0) < 2 and used.get(j, 0) < 2:
            taken.append(candidate)
            used[i], used[j] = used.get(i, 0) + 1, used.get(j, 0) + 1
        if len(taken) == most:
            break
    return taken


def _pose_graph(chain: F64, steps: list[PairFit], loops: list[tuple[int, int, PairFit]]) -> F64:
    """(N, 4, 4) poses that satisfy steps and loops together."""
    o3d = load_open3d()
    registration = o3d.pipelines.registration
    graph = registration.PoseGraph()
    for pose in chain:
        graph.nodes.append(registration.PoseGraphNode(pose))
    for k, step in enumerate(steps):
        edge = registration.PoseGraphEdge(k + 1, k, step.fixed_from_moving, step.information, uncertain=False)
        graph.edges.append(edge)
    for i, j, fit in loops:
        edge = registration.PoseGraphEdge(j, i, fit.fixed_from_moving, fit.information, uncertain=True)
        graph.edges.append(edge)
    with o3d.utility.VerbosityContextManager(o3d.utility.VerbosityLevel.Error):
        registration.global_optimization(
            graph,
            registration.GlobalOptimizationLevenbergMarquardt(),
            registration.GlobalOptimizationConvergenceCriteria(),
            registration.GlobalOptimizationOption(
                max_correspondence_distance=NEAR_M, edge_prune_threshold=0.25, reference_node=0
            ),
        )
    return np.array([node.pose for node in graph.nodes])


def _partners(turns: F64) -> list[tuple[int, int]]:
    """(moving, fixed) pairs that see much of the same, near and far in time."""
    count = len(turns)
    pairs = {(k, k - 1) for k in range(1, count)}
    for i in range(count):
        apart = (turns - turns[i]) % 360.0
        for angle in PARTNER_DEG:
            gap = np.abs(apart - angle)
            gap[i] = np.inf
            near = int(np.argmin(gap))
            if gap[near] < 12.0:
                pairs.add((i, near))
    return sorted(pairs)


def _upright(poses: F64, axis: F64, frames: Sequence[FramePoints]) -> F64:
    """The same poses with +Y along `axis`, the person's middle on it, the lowest point at Y = 0."""
    turn = np.eye(4)
    turn[:3, :3] = rotation_between(axis, np.array([0.0, 1.0, 0.0]))
    world = turn @ poses
    points = _world_points(frames, world, 50)
    middle = np.median(points, axis=0)
    world[:, :3, 3] -= [middle[0], float(np.percentile(points[:, 1], 0.1)), middle[2]]
    return world
