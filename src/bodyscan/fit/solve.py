"""Damped Gauss-Newton on the body's parameters, one level of the schedule at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import sparse

from bodyscan.body.model import BodyModel
from bodyscan.fit.cloth_gap import FIRST_M, GapModel, gap_model
from bodyscan.fit.correspond import scan_to_triangles, scan_to_vertices, vertices_to_scan
from bodyscan.fit.gather import Pull, gather
from bodyscan.fit.linearize import Linearization, Unknowns
from bodyscan.fit.options import FitLevel
from bodyscan.fit.prior import PosePrior
from bodyscan.fit.scan_points import ScanPoints
from bodyscan.geometry.normals import vertex_normals
from bodyscan.types import F32, F64, BodyParams, Bool

LANDMARK_REACH = 4.0
"""Landmarks farther off than so many of their standard deviations are taken for mistakes."""
BENDS_RAD = (0.0, 0.5, 1.3)
"""Elbows and knees of the starts from which landmarks are followed, radians from the reference pose."""
MAX_TURN_RAD = 0.35
MAX_BETA_STEP = 1.5
MAX_SHIFT_M = 0.25
LONG_STEP = 1.6
"""Steps of the fine levels are taken so much longer, for the lumped Hessian (`gather.py`) makes them short:
1.0 leaves 0.4 mm more of girth after the same steps, 1.3 half of it."""
EXACT_BELOW_M = 0.008
"""Below this kernel scale scan points are matched with triangles, above it with vertices."""


@dataclass(frozen=True, eq=False)
class LandmarkTerm:
    """Points that a detector found, and the body points that they belong to."""

    targets: F64
    """(L, 3) metres."""
    vertex_weights: sparse.csr_matrix
    """(L, V)."""
    joint_weights: sparse.csr_matrix
    """(L, J)."""
    sigma_m: F64
    """(L,) metres: how far such a point is usually off."""
    least_weight: F64 | None = None
    """(L,) 0..1, below which no level's weight goes for a point; None: 0 for all."""
    certain: Bool | None = None
    """(L,) True for points that are no mistake, however far off; None: False for all."""

    def positions(self, vertices: F64, joints: F64) -> F64:
        """(V, 3), (J, 3) -> (L, 3): where the body has these points."""
        return np.asarray(self.vertex_weights @ vertices + self.joint_weights @ joints, dtype=np.float64)

    def doubted(self, gap: F64) -> F64:
        """(L,) distances in standard deviations -> those by which a point is taken for a mistake."""
        return gap if self.certain is None else np.where(self.certain, 0.0, gap)

    def at_used_vertices(self) -> tuple[LandmarkTerm, np.ndarray]:
        """The term over only those vertices that it names, and their (K,) indices."""
        used = np.unique(self.vertex_weights.indices)
        return replace(self, vertex_weights=self.vertex_weights[:, used]), used


@dataclass(frozen=True, eq=False)
class Problem:
    """All that stays the same while a level is solved."""

    model: BodyModel
    scan: ScanPoints
    prior: PosePrior
    landmarks: LandmarkTerm | None
    area_weights: F64
    """(V,) share of the body's seen surface around each vertex, mean 1 over seen vertices."""
    face_ids: np.ndarray
    """Faces that a scanner can see."""
    seed: int
    cloth_up: F64 | None = None
    """(V,) -1..1: how far cloth over each vertex faces up, where it is known."""

    @cached_property
    def gaps(self) -> GapModel:
        """How far cloth may lie off the body."""
        gaps = gap_model(self.model)
        return gaps if self.cloth_up is None else gaps.of_slopes(self.cloth_up)

    @cached_property
    def landmark_body(self) -> tuple[BodyModel, LandmarkTerm]:
        """The few vertices that the landmarks name, and the landmarks over them."""
        if self.landmarks is None:
            raise ValueError("The problem has no landmark term.")
        term, used = self.landmarks.at_used_vertices()
        return self.model.at_vertices(used), term

    def at_vertices(self, ids: np.ndarray) -> Problem:
        """The same problem with only the vertices `ids` and no faces; landmarks keep all of theirs."""
        small = Problem(
            self.model.at_vertices(ids), self.scan, self.prior, self.landmarks,
            self.area_weights[ids], np.zeros(0, dtype=np.int64), self.seed,
        )  # fmt: skip
        if self.scan.cover is not None:
            small.__dict__["gaps"] = self.gaps.at_vertices(ids)
        if self.landmarks is not None:
            small.__dict__["landmark_body"] = self.landmark_body
        return small


def solve_level(problem: Problem, params: BodyParams, level: FitLevel) -> tuple[BodyParams, int]:
    """Run one level; returns the parameters and the number of steps taken."""
    rng = np.random.default_rng(problem.seed)
    unknowns = unknowns_of(problem.model, level)
    points = problem.scan.subset(level.num_points, rng)
    chosen = _spread_vertices(problem, level.num_points, rng)
    exact = level.sigma_m[0] < EXACT_BELOW_M
    rest_normals = np.zeros((0, 3))
    if not exact:
        # Coarse levels see a few thousand vertices with the normals of the unposed body carried along.
        rest_normals = vertex_normals(problem.model.rest_vertices(params.betas), problem.model.faces)[chosen]
        problem, chosen = problem.at_vertices(chosen), np.arange(len(chosen))
    gap = problem.gaps.guess(FIRST_M) if points.covered.any() else None
    scales = np.geomspace(*level.sigma_m, level.steps)
    for taken, sigma in enumerate(scales, start=1):
        state = Linearization(problem.model, params, unknowns)
        if exact:
            normals = vertex_normals(state.vertices, problem.model.faces)
            first = scan_to_triangles(points, problem.model, state.vertices, normals, problem.face_ids, sigma)
        else:
            normals = _unit((state.rotation @ rest_normals[:, :, None])[:, :, 0])
            first = scan_to_vertices(points, state.vertices, normals, problem.area_weights > 0, sigma)
        second = vertices_to_scan(problem.scan, state.vertices, normals, chosen, sigma)
        expected = None if gap is None else (problem.gaps.modes @ gap.values, gap.usual_m)
        sides = ((first, None), (second, problem.area_weights))
        firm, cloth = gather(sides, state.vertices, sigma, expected)
        rows = state.normal_rows(normals)
        hessian, gradient = _normal_equations(rows, firm, cloth)
        _add_knowledge(problem, params, unknowns, level.landmark_weight, hessian, gradient)
        gap_after = None
        if cloth is not None:
            hessian, gradient, gap_after = problem.gaps.eliminate(
                rows, cloth.weights, cloth.pulls, hessian, gradient
            )
        delta = _damped_step(hessian, gradient, unknowns) * (LONG_STEP if exact else 1.0)
        gap = gap_after(delta) if gap_after else None
        params = unknowns.step(params, delta)
        if _is_settled(delta, unknowns) and sigma == scales[-1]:
            return params, taken
    return params, level.steps


def _spread_vertices(problem: Problem, count: int, rng: np.random.Generator) -> np.ndarray:
    """At most `count` seen vertices, drawn by the area around them, ascending."""
    seen = np.flatnonzero(problem.area_weights > 0)
    if len(seen) <= count:
        return seen
    share = problem.area_weights[seen] / problem.area_weights[seen].sum()
    return np.sort(rng.choice(seen, count, replace=False, p=share))


def _unit(vectors: F64) -> F64:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-300)


def unknowns_of(model: BodyModel, level: FitLevel) -> Unknowns:
    """The joints and coefficients that a level moves: never the eyes or the jaw."""
    still = ("Eye", "jaw")
    fine = ("Thumb", "Index", "Middle", "Ring", "Little", "Toes")
    joints = [
        j
        for j, name in enumerate(model.joint_names)
        if not name.endswith(still) and (level.fingers or not any(part in name for part in fine))
    ]
    body = min(level.num_betas, model.num_body_components)
    face = min(level.num_face_betas, model.num_components - model.num_body_components)
    betas = np.concatenate([np.arange(body), model.num_body_components + np.arange(face)])
    return Unknowns(np.array(joints), betas)


def _normal_equations(rows: F32, firm: Pull, cloth: Pull | None) -> tuple[F64, F64]:
    """(P, P) and (P,) of `rows` (V, P) and what the scan asks of each vertex, cloth as if it were skin."""
    weights, pulls = firm.weights, firm.pulls
    if cloth is not None:
        weights, pulls = weights + cloth.weights, pulls + cloth.pulls
    used = np.flatnonzero(weights)
    scaled = rows[used] * np.sqrt(weights[used]).astype(np.float32)[:, None]
    return (scaled.T @ scaled).astype(np.float64), rows.T @ pulls


def _add_knowledge(
    problem: Problem,
    params: BodyParams,
    unknowns: Unknowns,
    landmark_weight: float,
    hessian: F64,
    gradient: F64,
) -> None:
    """Landmarks and priors, in place."""
    if problem.landmarks is not None and landmark_weight > 0:
        body, term = problem.landmark_body
        small = Linearization(body, params, unknowns)
        _add_landmarks(term, small, landmark_weight, LANDMARK_REACH, hessian, gradient)
    _add_priors(problem, params, unknowns, hessian, gradient)


def _add_priors(
    problem: Problem, params: BodyParams, unknowns: Unknowns, hessian: F64, gradient: F64
) -> None:
    problem.prior.add_to(hessian, gradient, params.pose_rotvec, unknowns.joints, unknowns.pose_columns.start)
    shape = np.arange(unknowns.shape_columns.start, unknowns.count)
    hessian[shape, shape] += 1.0
    gradient[shape] += params.betas[unknowns.betas]


def _add_landmarks(
    term: LandmarkTerm, state: Linearization, factor: float | F64, reach: float, hessian: F64, gradient: F64
) -> None:
    gap = term.positions(state.vertices, state.joints) - term.targets
    distance = np.linalg.norm(gap, axis=1) / term.sigma_m
    if term.least_weight is not None:
        factor = np.maximum(factor, term.least_weight)
    weight = factor / (1 + (term.doubted(distance) / reach) ** 2) ** 2 / term.sigma_m**2
    rows = state.point_rows(term.vertex_weights, term.joint_weights)
    scaled = rows * np.repeat(np.sqrt(weight), 3).astype(np.float32)[:, None]
    hessian += scaled.T @ scaled
    gradient += scaled.T @ (np.repeat(np.sqrt(weight), 3) * gap.reshape(-1))


def _damped_step(hessian: F64, gradient: F64, unknowns: Unknowns, damping: float = 1e-3) -> F64:
    """Levenberg's step, shortened as a whole where a part of it would be too long to trust."""
    damped = hessian + np.diag(damping * np.diag(hessian) + 1e-9)
    # numpy's solver, not scipy's Cholesky: two thread pools of two BLAS libraries wait for each other.
    delta = -np.linalg.solve(damped, gradient)
    turn = np.abs(delta[unknowns.pose_columns]).max(initial=0) / MAX_TURN_RAD
    shape = np.abs(delta[unknowns.shape_columns]).max(initial=0) / MAX_BETA_STEP
    shift = np.abs(delta[:3]).max() / MAX_SHIFT_M
    return delta / max(1.0, turn, shape, shift)


def _is_settled(delta: F64, unknowns: Unknowns) -> bool:
    return bool(
        np.abs(delta[:3]).max() < 5e-5
        and np.abs(delta[unknowns.pose_columns]).max(initial=0) < 5e-4
        and np.abs(delta[unknowns.shape_columns]).max(initial=0) < 5e-3
    )


def solve_landmarks(problem: Problem, params: BodyParams, num_betas: int) -> BodyParams:
    """Pose, place and a few shape coefficients from landmarks and priors alone.

    Works on the few vertices that the landmarks name. Elbows and knees have two solutions, of which one
    bends backwards: the search starts straight and bent, and the cheaper end is kept. Far points must pull at
    first, with full force: an arm that starts on the wrong side of the body is no outlier.
    """
    if problem.landmarks is None:
        raise ValueError("solve_landmarks needs a landmark term.")
    ends = [follow_landmarks(problem, _bent(problem.prior, params, bend), num_betas) for bend in BENDS_RAD]
    return min(ends, key=lambda end: landmark_cost(problem, end, LANDMARK_REACH))


def follow_landmarks(problem: Problem, params: BodyParams, num_betas: int) -> BodyParams:
    """As `solve_landmarks`, from `params` as they are: for limbs whose bend is known."""
    if problem.landmarks is None:
        raise ValueError("follow_landmarks needs a landmark term.")
    unknowns = unknowns_of(problem.model, FitLevel(0, (1.0, 1.0), num_betas, 0, False, 0, 1.0))
    return _descend_landmarks(problem, params, unknowns)


def _bent(prior: PosePrior, params: BodyParams, angle_rad: float) -> BodyParams:
    pose = params.pose_rotvec.copy()
    for hinge in prior.hinges:
        pose[hinge.joint] += angle_rad * hinge.axis
    return replace(params, pose_rotvec=pose)


def _descend_landmarks(problem: Problem, params: BodyParams, unknowns: Unknowns) -> BodyParams:
    """Levenberg-Marquardt: a step that makes things worse is taken back and damped more."""
    body, term = problem.landmark_body
    for reach in (1e3, 20 * LANDMARK_REACH, 5 * LANDMARK_REACH, LANDMARK_REACH):
        damping = 1e-3
        cost = landmark_cost(problem, params, reach)
        for _ in range(12):
            state = Linearization(body, params, unknowns)
            hessian, gradient = np.zeros((unknowns.count, unknowns.count)), np.zeros(unknowns.count)
            _add_landmarks(term, state, 1.0, reach, hessian, gradient)
            _add_priors(problem, params, unknowns, hessian, gradient)
            tried = unknowns.step(params, _damped_step(hessian, gradient, unknowns, damping))
            tried_cost = landmark_cost(problem, tried, reach)
            if tried_cost >= cost:
                damping *= 8
                continue
            settled = tried_cost > cost * (1 - 1e-4)
            params, cost, damping = tried, tried_cost, max(damping / 4, 1e-4)
            if settled:
                break
    return params


def landmark_cost(problem: Problem, params: BodyParams, reach: float) -> float:
    """Half the robust sum of squared landmark distances in standard deviations, with the priors."""
    body, term = problem.landmark_body
    posed = body.pose(params)
    gap = np.linalg.norm(term.positions(posed.vertices, posed.joints) - term.targets, axis=1) / term.sigma_m
    robust = gap**2 / (1 + (term.doubted(gap) / reach) ** 2)
    return 0.5 * float(robust.sum() + np.sum(params.betas**2)) + problem.prior.cost(params.pose_rotvec)
