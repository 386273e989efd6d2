"""One body through a depth capture: one shape for all frames, a pose for each instant.

Nobody stands still for a turn of a minute. What a rigid reconstruction blurs is explained here: all pictures
are fitted together, each with a pose of its own near the mean pose and near those before and after it. The
system is block-tridiagonal in the poses, bordered by the shape; it is solved exactly (block elimination, then
the Schur complement of the shape), so that a capture settles in some ten steps.
Related: BodyFusion (Yu et al. 2017) and DoubleFusion (Yu et al. 2018) track a body model frame by frame; here
all frames are seen at once, so that nothing drifts and a full turn closes by itself.
Shape coefficients alone do not do: what they cannot follow, two to four millimetres, goes into the poses.
Each frame is moved until it meets the smooth body, and the head of somebody who stood like a statue shrank by
2 mm. So they only begin; the person's own surface follows (`sequence_detail`), and is solved for with the
poses (`sequence_surface`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np
from threadpoolctl import threadpool_limits

from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError, StageError
from bodyscan.fit.linearize import Unknowns
from bodyscan.fit.prior import of_longest_ending
from bodyscan.fit.sequence_surface import CurveHold, surface_step
from bodyscan.fit.sequence_terms import (
    FrameEquations,
    FrameView,
    RangeCurve,
    SequenceBody,
    frame_equations,
    frame_view,
)
from bodyscan.threads import usable_threads
from bodyscan.types import F64, BodyParams, FramePoints
from bodyscan.types.depth import instants

STILL = ("Toes", "Eye", "jaw", "Thumb", "Index", "Middle", "Ring", "Little")
SWAY_STD_DEG = {
    "hips": 3.0,
    "spine": 1.5,
    "chest": 1.5,
    "upperChest": 1.5,
    "neck": 3.0,
    "head": 3.0,
    "Shoulder": 2.0,
    "UpperArm": 5.0,
    "LowerArm": 4.0,
    "Hand": 5.0,
    "UpperLeg": 2.5,
    "LowerLeg": 2.0,
    "Foot": 2.5,
}
"""Degrees, standard deviation of a joint about its mean while somebody tries to stand still."""
SHIFT_STD_M = 0.02
MEMORY_S = 4.0
"""Time over which a standing person's sway forgets where it was; with no clock, three frames. Most of it is
slower than 0.1 Hz (Winter 1995, "Human balance and posture control during standing and walking")."""
MEMORY_FRAMES = 3.0
MAX_TURN_RAD, MAX_BETA_STEP, MAX_SHIFT_M = 0.2, 1.0, 0.1


@dataclass(frozen=True)
class SequenceLevel:
    """One level of the coarse-to-fine schedule."""

    sigma_m: tuple[float, float]
    """Scale of the robust kernel at the first and last step, metres."""
    num_betas: int
    """Leading body components solved for; 0: the poses alone."""
    steps: int
    surface_m: float = 0.0
    """Standard deviation, metres, of the surface's ways from the body, found with the poses; 0: the body is
    right. Less for sensors noisier than `CLEAR_M`. For poses alone."""


SHAPE_LEVELS = (
    SequenceLevel((0.030, 0.012), 20, 5),
    SequenceLevel((0.010, 0.005), 80, 6),
)
"""From a pose and a shape that are right to some centimetres."""
POSE_LEVELS = (SequenceLevel((0.008, 0.004), 0, 3),)
"""From poses that are right to some millimetres, and a surface that is right."""
SURFACE_LEVELS = (SequenceLevel((0.008, 0.004), 0, 5, surface_m=0.05),)
"""From a surface that is right to a centimetre. Its ways are hardly held: what holds them, holds a limb's
thickness."""
CLEAR_M = 0.0016
"""Noise of a pixel, metres, that thickness can be read through: of a good time-of-flight camera at 2 m.

A telephone's LiDAR, five times as noisy and smeared over edges, makes limbs thick where nothing holds them.
"""


@dataclass(frozen=True)
class SequenceOptions:
    """Options of `fit_sequence`."""

    vertices: int = 2500
    """Body vertices that are looked up, 500 to 20,000."""
    points: int = 1200
    """Points drawn from each picture, 200 to 20,000."""
    key_instants: int = 40
    """Instants that the person's own surface is first made of, 2 to 1,000; the others follow."""
    seed: int = 0

    def __post_init__(self) -> None:
        ranges = {"vertices": (500, 20_000), "points": (200, 20_000), "key_instants": (2, 1000)}
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise InputError(f"SequenceOptions.{name} is {value}; possible: {low} to {high}.")


@dataclass(frozen=True, eq=False)
class SequenceFit:
    """A body through a capture."""

    params: tuple[BodyParams, ...]
    """One for each frame, in the frames' order; all have the same shape. World of the camera poses."""
    mean: BodyParams
    """The mean pose."""
    rms_mm: float
    """Robust root mean square distance between pictures and body."""
    curve: RangeCurve | None = None
    """The range error for which they hold, where it was asked for."""


def fit_sequence(
    frames: Sequence[FramePoints],
    world_from_camera: F64,
    model: BodyModel,
    start: BodyParams | Sequence[BodyParams],
    options: SequenceOptions | None = None,
    levels: Sequence[SequenceLevel] = SHAPE_LEVELS,
    curve: RangeCurve | None = None,
) -> SequenceFit:
    """Find the poses of `model` in all `frames` at once, and its shape where `levels` ask for it.

    `world_from_camera` (N, 4, 4) metres: rigid poses as tracking found them, or as given. `start`: one guess,
    or one for each frame. `curve`: the sensor's range error, from where it is found with the poses in levels
    that find the surface. Raises `StageError` where the pictures do not meet the body.
    """
    options = options or SequenceOptions()
    if len(frames) != len(world_from_camera):
        raise InputError(f"There are {len(frames)} frames and {len(world_from_camera)} poses.")
    groups = instants(frames)
    starts = [start] * len(frames) if isinstance(start, BodyParams) else list(start)
    params = [starts[members[0]] for members in groups]
    views_of = partial(frame_views, frames, world_from_camera, options)
    times = [frames[members[0]].time_s for members in groups]
    body = SequenceBody.of(model, params[0].betas, options.vertices, options.seed)
    noise_m = max(float(np.median([np.median(f.sigma_m) for f in frames if len(f.sigma_m)] or [0.0])), 1e-9)
    rms = np.inf
    for level in levels:
        level = replace(level, surface_m=level.surface_m * min(1.0, CLEAR_M / noise_m))
        params, rms, curve = _solve(body, params, views_of, times, level, curve)
    if not np.isfinite(rms):
        raise StageError("The body model meets none of the frames: is the capture of one standing person?")
    of_frame: list[BodyParams] = list(starts)
    for members, value in zip(groups, params, strict=True):
        for k in members:
            of_frame[k] = value
    return SequenceFit(tuple(of_frame), mean_params(params), rms * 1000, curve)


def key_frames(frames: Sequence[FramePoints], count: int) -> list[int]:
    """The frames of at most `count` instants, evenly over the capture, ascending."""
    groups = instants(frames)
    chosen = {round(x) for x in np.linspace(0, len(groups) - 1, min(len(groups), count))}
    return sorted(k for g in chosen for k in groups[g])


def between_keys(keys: Sequence[int], found: Sequence[BodyParams], count: int) -> list[BodyParams]:
    """Poses of all `count` frames, straight between those `found` for the frames `keys` (ascending)."""
    poses = np.array([p.pose_rotvec for p in found])
    places = np.array([p.translation for p in found])
    out = []
    for k in range(count):
        right = int(np.searchsorted(keys, k).clip(0, len(keys) - 1))
        left = max(right - 1, 0)
        span = max(keys[right] - keys[left], 1)
        share = float(np.clip((k - keys[left]) / span, 0, 1))
        out.append(
            replace(
                found[0],
                pose_rotvec=(1 - share) * poses[left] + share * poses[right],
                translation=(1 - share) * places[left] + share * places[right],
            )
        )
    return out


def mean_params(params: Sequence[BodyParams]) -> BodyParams:
    """The mean pose and place; the shape of the first. For poses that are close together."""
    pose = np.mean([p.pose_rotvec for p in params], axis=0)
    return replace(params[0], pose_rotvec=pose, translation=np.mean([p.translation for p in params], axis=0))


def sequence_unknowns(model: BodyModel, num_betas: int) -> Unknowns:
    """The joints of somebody who sways, and the leading shape coefficients."""
    joints = [j for j, name in enumerate(model.joint_names) if not any(part in name for part in STILL)]
    return Unknowns(np.array(joints), np.arange(min(num_betas, model.num_body_components)))


def frame_views(
    frames: Sequence[FramePoints],
    world_from_camera: F64,
    options: SequenceOptions,
    curve: RangeCurve | None = None,
) -> list[list[FrameView]]:
    """The pictures of each instant, ready to be asked; the range error `curve` taken off their points."""

    def view(k: int) -> FrameView:
        frame = frames[k] if curve is None else curve.corrected(frames[k])
        return frame_view(frame, world_from_camera[k], options.points, options.seed + k)

    return [[view(k) for k in members] for members in instants(frames)]


def picture_equations(
    body: SequenceBody,
    params: Sequence[BodyParams],
    views: list[list[FrameView]],
    unknowns: Unknowns,
    sigma_m: float,
    curve: RangeCurve | None = None,
) -> list[FrameEquations]:
    """`frame_equations` of each instant, the body at its `params`."""

    def ask(at: BodyParams, of: list[FrameView]) -> FrameEquations:
        return frame_equations(body, at, unknowns, of, sigma_m, curve)

    # Instants are dealt out to the cores; BLAS dealing out its small products as well costs twice the time.
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(usable_threads()) as pool:
        return list(pool.map(ask, params, views))


def _solve(
    body: SequenceBody,
    params: list[BodyParams],
    views_of: Callable[[RangeCurve | None], list[list[FrameView]]],
    times: list[float | None],
    level: SequenceLevel,
    curve: RangeCurve | None,
) -> tuple[list[BodyParams], float, RangeCurve | None]:
    unknowns = sequence_unknowns(body.model, level.num_betas)
    poses = 3 + 3 * len(unknowns.joints)
    precision, links = sway_prior(body.model, unknowns, times)
    rms, views = np.inf, views_of(curve)
    found = curve if level.surface_m else None
    for k, sigma in enumerate(np.geomspace(*level.sigma_m, level.steps)):
        if k and found is not None:
            views = views_of(found)
        equations = picture_equations(body, params, views, unknowns, float(sigma), found)
        weight = sum(each.weight for each in equations)
        rms = float(np.sqrt(sum(each.squares for each in equations) / weight)) if weight else np.inf
        if level.surface_m:
            values = np.array([_values(p, unknowns) for p in params])
            hold = None if found is None else _hold(found, equations, views)
            step, bend = surface_step(
                equations, values, precision, links, level.surface_m, len(body.ids), hold
            )
            if found is not None:
                found = found.changed(bend)
        else:
            step = _bordered_step(equations, params, unknowns, precision, links, poses)
        params = [_moved(unknowns, p, s) for p, s in zip(params, step, strict=True)]
    return params, rms, curve if found is None else found


def _hold(curve: RangeCurve, equations: list[FrameEquations], views: list[list[FrameView]]) -> CurveHold:
    """Mean and slope of the error at zero, the rest lightly; in proportion to what the frames tell."""
    told = sum(float(np.trace(each.bends.hessian)) for each in equations if each.bends is not None)
    distances = np.concatenate([view.distances for members in views for view in members])
    return CurveHold(curve.values_m, told * curve.prior(distances))


def sway_prior(model: BodyModel, unknowns: Unknowns, times: list[float | None]) -> tuple[F64, F64]:
    """(P,) one over the variance of each pose unknown about the mean, (T - 1, P) the same of its steps."""
    precision = _precision(model, unknowns)
    return precision, precision[None] * _link_strength(times)[:, None]


def _precision(model: BodyModel, unknowns: Unknowns) -> F64:
    """(3 + 3 Ja,) one over the variance of each pose unknown about the mean."""
    angles = [np.radians(of_longest_ending(SWAY_STD_DEG, model.joint_names[j])) for j in unknowns.joints]
    return 1 / np.square(np.concatenate([[SHIFT_STD_M] * 3, np.repeat(angles, 3)]))


def _link_strength(times: list[float | None]) -> F64:
    """(T - 1,) how much stiffer than its own variance the link between two instants is.

    Sway is taken for a stationary first-order process (Ornstein and Uhlenbeck 1930), whose step over a time t
    has 2 (1 - exp(-t / memory)) of its variance.
    """
    gaps = []
    for before, after in pairwise(times):
        ratio = 1 / MEMORY_FRAMES if before is None or after is None else abs(after - before) / MEMORY_S
        gaps.append(1 / (2 * (1 - np.exp(-max(ratio, 0.02)))))
    return np.array(gaps)


def _values(params: BodyParams, unknowns: Unknowns) -> F64:
    return np.concatenate([params.translation, params.pose_rotvec[unknowns.joints].reshape(-1)])


def _bordered_step(
    equations: list[FrameEquations],
    params: list[BodyParams],
    unknowns: Unknowns,
    precision: F64,
    links: F64,
    poses: int,
) -> list[F64]:
    """The joint step: (poses + shape,) for each instant, the same shape in all."""
    count, shape = len(params), unknowns.count - poses
    values = np.array([_values(p, unknowns) for p in params])
    mean = values.mean(axis=0)
    diagonal = np.array([e.hessian[:poses, :poses] for e in equations])
    right = np.zeros((count, poses, 1 + shape))
    border, corner = np.zeros(shape), np.zeros((shape, shape))
    for k, each in enumerate(equations):
        diagonal[k] += np.diag(precision) + 1e-3 * np.diag(np.diag(diagonal[k]))
        right[k, :, 0] = -(each.gradient[:poses] + precision * (values[k] - mean))
        right[k, :, 1:] = each.hessian[:poses, poses:]
        border -= each.gradient[poses:]
        corner += each.hessian[poses:, poses:]
    for k, link in enumerate(links):
        pull = link * (values[k + 1] - values[k])
        diagonal[k] += np.diag(link)
        diagonal[k + 1] += np.diag(link)
        right[k, :, 0] += pull
        right[k + 1, :, 0] -= pull
    solved = _tridiagonal(diagonal, links, right)
    change = np.zeros(shape)
    if shape:
        border -= params[0].betas[unknowns.betas]
        corner += np.eye(shape) * (1.0 + 1e-9) + 1e-3 * np.diag(np.diag(corner))
        coupling = np.array([e.hessian[poses:, :poses] for e in equations])
        schur = corner - np.einsum("ksp,kpt->st", coupling, solved[:, :, 1:])
        target = border - np.einsum("ksp,kp->s", coupling, solved[:, :, 0])
        change = np.linalg.solve(schur, target)
    return [np.concatenate([s[:, 0] - s[:, 1:] @ change, change]) for s in solved]


def _tridiagonal(diagonal: F64, links: F64, right: F64) -> F64:
    """Solve the block system with (T, P, P) `diagonal` and -diag(`links` (T - 1, P)) beside it.

    Block elimination (Thomas); (T, P, R) right-hand sides and solutions.
    """
    count = len(diagonal)
    diagonal, right = diagonal.copy(), right.copy()
    for k in range(1, count):
        link = links[k - 1]
        both = np.linalg.solve(diagonal[k - 1], np.concatenate([np.diag(link), right[k - 1]], axis=1))
        diagonal[k] -= link[:, None] * both[:, : len(link)]
        right[k] += link[:, None] * both[:, len(link) :]
    out = np.empty_like(right)
    out[-1] = np.linalg.solve(diagonal[-1], right[-1])
    for k in range(count - 2, -1, -1):
        out[k] = np.linalg.solve(diagonal[k], right[k] + links[k][:, None] * out[k + 1])
    return out


def _moved(unknowns: Unknowns, params: BodyParams, step: F64) -> BodyParams:
    turn = np.abs(step[unknowns.pose_columns]).max(initial=0) / MAX_TURN_RAD
    shift = np.abs(step[:3]).max() / MAX_SHIFT_M
    limited = step.copy()
    limited[: unknowns.shape_columns.start] /= max(1.0, turn, shift)
    shape = np.abs(step[unknowns.shape_columns]).max(initial=0) / MAX_BETA_STEP
    limited[unknowns.shape_columns] /= max(1.0, shape)
    return unknowns.step(params, limited)
