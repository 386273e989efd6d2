"""Rigid alignment of depth frames: of one pair, and of all overlapping pairs at once.

Points of one frame are looked up in the picture of the other (projective association: Blais and Levine 1995)
and pulled onto the plane that is found there (Chen and Medioni 1992); colour holds them along the surface, as
in Park, Zhou and Koltun, "Colored point cloud registration revisited", 2017. A lookup in a picture costs
nothing beside a search for nearest points: a pair of 2,500 points takes 0.4 ms an iteration.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bodyscan.geometry.rigid import rigid_inverse
from bodyscan.geometry.rotations import cross_matrix, rotvec_to_matrix
from bodyscan.reconstruct.depth.range_error import RangeError, distances_m
from bodyscan.reconstruct.depth.surfels import Surfels
from bodyscan.types import F32, F64

MIN_NORMAL_COSINE = 0.7
COLOR_SIGMA = 0.05
"""Usual difference of intensity (0..1) of one place in two frames: noise, shading, exposure."""
LEAST_SIGMA_M = 0.0015
"""Metres; no two frames agree better than this: the person breathes, the camera's lens is not perfect."""
FAR_M, NEAR_M = 0.10, 0.02
"""Metres, how far pairs of points may be apart at the first and at the last iteration."""
LEAST_MATCHES = 60


@dataclass(frozen=True, eq=False)
class NormalEquations:
    """What one frame's points ask of their six unknowns (small rotation, shift) in the other's axes.

    And, where a curve of the range error was given, of its K coefficients, which come after them.
    """

    hessian: F64
    """(6 + K, 6 + K)."""
    gradient: F64
    """(6 + K,)."""
    matched: int
    squares: float
    """Robust sum of squared distances along the normal, m^2."""
    weight: float
    """Sum of the robust weights that `squares` has."""

    @property
    def rms_m(self) -> float:
        return float(np.sqrt(self.squares / max(self.weight, 1e-12)))


@dataclass(frozen=True, eq=False)
class PairFit:
    """How one frame lies on another."""

    fixed_from_moving: F64
    """(4, 4) rigid, camera axes of both."""
    overlap: float
    """0..1, share of the moved points that met the other frame within `NEAR_M`; of as many as that one has,
    where it shows less of the person."""
    rms_m: float
    """Robust root mean square of their distances along the normal, metres."""
    information: F64
    """(6, 6) inverse covariance of the transform, rotation first, in the axes of the fixed camera."""


def pair_equations(
    moving: Surfels,
    fixed: Surfels,
    fixed_from_moving: F64,
    reach_m: float,
    color: float = 1.0,
    curve: RangeError | None = None,
) -> NormalEquations | None:
    """Linearise the pair at `fixed_from_moving` (4, 4); None where fewer than `LEAST_MATCHES` points meet.

    `reach_m`: pairs farther apart are dropped, and the robust kernel (Geman and McClure 1985) has a third
    of it as its scale. `color`: factor on the pull of colour. `curve`: the points of both are corrected by it
    first.
    """
    rows = moving.sample
    rotation, shift = fixed_from_moving[:3, :3], fixed_from_moving[:3, 3]
    points = _corrected(moving.frame.points[rows], curve) @ rotation.T + shift
    hit, there = fixed.frame.lookup(points)
    there &= fixed.usable[hit]
    there &= np.einsum("nk,nk->n", points, moving.frame.normals[rows] @ rotation.T) < 0
    near = np.flatnonzero(there)
    hit = hit[near]
    points, rows = points[near], rows[near]
    gap = points - _corrected(fixed.frame.points[hit], curve)
    normals = fixed.frame.normals[hit].astype(np.float64)
    turned = moving.frame.normals[rows] @ rotation.T
    facing = np.einsum("nk,nk->n", turned, normals)
    kept = (np.einsum("nk,nk->n", gap, gap) < reach_m**2) & (facing > MIN_NORMAL_COSINE)
    if kept.sum() < LEAST_MATCHES:
        return None
    points, rows, hit, gap = points[kept], rows[kept], hit[kept], gap[kept]
    # The mean of both normals: two points of one round surface are not apart (Rusinkiewicz 2019).
    normals = normals[kept] + turned[kept]
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    residual = np.einsum("nk,nk->n", gap, normals)
    scale = reach_m / 3
    robust = 1 / (1 + (residual / scale) ** 2) ** 2
    variance = (
        moving.frame.sigma_m[rows].astype(np.float64) ** 2
        + fixed.frame.sigma_m[hit].astype(np.float64) ** 2
        + LEAST_SIGMA_M**2
    )
    weight = robust * facing[kept] * moving.frame.trust[rows] * fixed.frame.trust[hit] / variance
    bend = (
        None if curve is None else _Bend(curve, moving.frame.points[rows], rotation, fixed.frame.points[hit])
    )
    jacobian = _jacobian(points, normals, bend)
    hessian = (jacobian * weight[:, None]).T @ jacobian
    gradient = jacobian.T @ (weight * residual)
    if color and moving.intensity is not None and fixed.intensity is not None and fixed.gradient is not None:
        slope = fixed.gradient[hit].astype(np.float64)
        seen = fixed.intensity[hit] + np.einsum("nk,nk->n", slope, gap) - moving.intensity[rows]
        seen = seen - np.median(seen)  # another exposure is no other place
        pull = color * robust / (1 + (seen / (3 * COLOR_SIGMA)) ** 2) ** 2 / COLOR_SIGMA**2
        along = _jacobian(points, slope, bend)
        hessian += (along * pull[:, None]).T @ along
        gradient += along.T @ (pull * seen)
    return NormalEquations(hessian, gradient, len(residual), float(robust @ residual**2), float(robust.sum()))


def _corrected(points: F32, curve: RangeError | None) -> F64:
    """(N, 3) in camera axes."""
    return points.astype(np.float64) if curve is None else curve.true_points(points)


class _Bend:
    """How the gap of each pair changes with the coefficients of the range error, which moves both points."""

    def __init__(self, curve: RangeError, moved: F32, rotation: F64, met: F32) -> None:
        """(N, 3) measured points, each in its own camera's axes; `rotation` (3, 3) takes those of `moved` to
        those of `met`."""
        far, near = distances_m(moved), distances_m(met)
        self._rays = moved @ rotation.T / far[:, None], met / near[:, None]
        self._bases = curve.basis(far), curve.basis(near)

    def along(self, direction: F64) -> F64:
        """(N, K) by one of each coefficient, along `direction` (N, 3)."""
        moved, met = (np.einsum("nk,nk->n", ray, direction)[:, None] for ray in self._rays)
        return met * self._bases[1] - moved * self._bases[0]


def _jacobian(points: F64, direction: F64, bend: _Bend | None) -> F64:
    """(N, 6 + K) of the gaps along `direction` (N, 3)."""
    motion = [np.cross(points, direction), direction]
    return np.concatenate(motion if bend is None else [*motion, bend.along(direction)], axis=1)


def align_pair(
    moving: Surfels, fixed: Surfels, start: F64, far_m: float = FAR_M, steps: int = 18
) -> PairFit | None:
    """Move one frame onto another from `start` (4, 4, fixed_from_moving); None where they do not meet."""
    pose = np.array(start, np.float64)
    for reach in np.geomspace(far_m, NEAR_M, steps):
        equations = pair_equations(moving, fixed, pose, float(reach))
        if equations is None:
            return None
        step = _solved(equations.hessian, equations.gradient)
        pose = small_motion(step) @ pose
    final = pair_equations(moving, fixed, pose, NEAR_M)
    if final is None:
        return None
    smaller = min(1.0, float(fixed.usable.sum()) / max(float(moving.usable.sum()), 1.0))
    return PairFit(pose, min(final.matched / moving.count / smaller, 1.0), final.rms_m, final.hessian)


def _solved(hessian: F64, gradient: F64) -> F64:
    damping = 1e-6 * np.diag(np.diag(hessian)) + 1e-9 * np.eye(len(hessian))
    return -np.linalg.solve(hessian + damping, gradient)


def small_motion(step: F64) -> F64:
    """(6,) rotation vector (radians) and shift (metres) -> (4, 4)."""
    motion = np.eye(4)
    motion[:3, :3] = rotvec_to_matrix(step[:3])
    motion[:3, 3] = step[3:]
    return motion


@dataclass(frozen=True, eq=False)
class Alignment:
    """All frames on one another."""

    world_from_camera: F64
    """(N, 4, 4)."""
    met: dict[tuple[int, int], NormalEquations]
    """The last equations of each pair that met."""
    curve: RangeError | None
    """The range error that was found with it, where one was asked for."""

    @property
    def rms_mm(self) -> float:
        """Median over the pairs of their distances along the normal."""
        return 1000 * float(np.median([equations.rms_m for equations in self.met.values()]))


def align_all(
    surfels: list[Surfels],
    world_from_camera: F64,
    pairs: list[tuple[int, int]],
    reaches_m: Sequence[float],
    color: float = 1.0,
    groups: Sequence[Sequence[int]] | None = None,
    curve: RangeError | None = None,
    hold: bool = False,
) -> Alignment:
    """Move all frames at once so that every overlapping pair agrees (Pulli 1999; a Gauss-Newton step each).

    `world_from_camera` (N, 4, 4) where they start; `pairs` (moving, fixed); one step for each of `reaches_m`.
    `groups` of frames move as one (cameras of a rig, at one instant); by default each frame by itself. The
    first group stays where it is; with `hold` all do. From `curve` on, the range error is found along with
    the poses. A pair asks a relative motion of its two frames; all the requests together are one system of
    six unknowns a group, and those of the curve.
    """
    poses = np.array(world_from_camera, np.float64)
    members = groups or [[k] for k in range(len(poses))]
    body = np.empty(len(poses), np.int64)
    for g, frames in enumerate(members):
        body[list(frames)] = g
    count, bends = 6 * len(members), 0 if curve is None else len(curve.values_m)
    prior = None if curve is None else curve.prior(_sampled_distances(surfels))
    held = count if hold else 6
    met: dict[tuple[int, int], NormalEquations] = {}
    for reach in reaches_m:
        hessian, gradient = np.zeros((count + bends, count + bends)), np.zeros(count + bends)
        met = {}
        inverse = rigid_inverse(poses)
        for i, j in pairs:
            equations = pair_equations(surfels[i], surfels[j], inverse[j] @ poses[i], reach, color, curve)
            if equations is None:
                continue
            met[i, j] = equations
            one, other = 6 * body[i], 6 * body[j]
            spread = np.zeros((6 + bends, 12 + bends))
            spread[:6, :6] = _adjoint(poses[j])
            spread[:6, 6:12] = -spread[:6, :6]
            spread[6:, 12:] = np.eye(bends)
            places = np.concatenate(
                [np.arange(one, one + 6), np.arange(other, other + 6), np.arange(count, count + bends)]
            )
            # Within a group both places are the same: what is asked of the two of them adds up to nothing.
            np.add.at(hessian, np.ix_(places, places), spread.T @ equations.hessian @ spread)
            np.add.at(gradient, places, spread.T @ equations.gradient)
        hessian[:held, :held] += 1e12 * np.eye(held)
        if curve is not None and prior is not None:
            pull = np.trace(hessian[count:, count:]) * prior
            hessian[count:, count:] += pull
            gradient[count:] += pull @ curve.values_m
        step = _solved(hessian, gradient)
        if curve is not None:
            curve = curve.changed(step[count:])
        if hold:
            continue
        for k in range(len(poses)):
            if body[k]:
                poses[k] = small_motion(step[6 * body[k] : 6 * body[k] + 6]) @ poses[k]
    return Alignment(poses, met, curve)


def judged(found: Alignment, surfels: list[Surfels], pairs: list[tuple[int, int]]) -> Alignment:
    """The same with how each of `pairs` lies in the end, by shape alone, as far as `NEAR_M`."""
    poses = found.world_from_camera
    inverse = rigid_inverse(poses)
    seen = {
        (i, j): pair_equations(surfels[i], surfels[j], inverse[j] @ poses[i], NEAR_M, 0.0, found.curve)
        for i, j in pairs
    }
    return replace(found, met={pair: equations for pair, equations in seen.items() if equations is not None})


def _sampled_distances(surfels: list[Surfels]) -> F64:
    return np.concatenate([distances_m(each.frame.points[each.sample]) for each in surfels])


def _adjoint(world_from_camera: F64) -> F64:
    """(6, 6): takes a small motion of the world (rotation, shift) to the same motion in the camera's axes."""
    inverse = rigid_inverse(world_from_camera)
    rotation, shift = inverse[:3, :3], inverse[:3, 3]
    out = np.zeros((6, 6))
    out[:3, :3] = out[3:, 3:] = rotation
    out[3:, :3] = cross_matrix(shift) @ rotation
    return out
