"""The first guess: which pose, which size, which body.

Where a detector found landmarks, the body is first moved by them. Where it did not, or what came of it
explains the scan badly, every usual studio pose is a candidate too. All candidates run the coarsest level and
the one that explains the scan best goes on. The first guess of the pose decides about success, so that it is
never left to one start.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import KDTree

from bodyscan.body.model import BodyModel
from bodyscan.body.poses import standard_pose
from bodyscan.fit.landmark_term import build_landmark_term
from bodyscan.fit.options import FitLevel
from bodyscan.fit.prior import build_pose_prior
from bodyscan.fit.scan_points import ScanPoints
from bodyscan.fit.solve import LandmarkTerm, Problem, solve_landmarks, solve_level
from bodyscan.threads import usable_threads
from bodyscan.types import F64, BodyParams, Landmarks

POSES = ("relaxed", "a", "t")
COST_SCALE_M = 0.03
CLOSE_COST_SCALE_M = 0.008
"""Scale at which an adult's and a child's body are told apart."""
LANDMARK_BETAS = 10
GOOD_COST = 0.35
"""A start from landmarks at or below this cost is taken without trying the usual poses."""


@dataclass(frozen=True, eq=False)
class Start:
    """A candidate after the coarsest level."""

    problem: Problem
    params: BodyParams
    cost: float
    """Mean robust squared distance in units of `COST_SCALE_M`, 0..1 each way, plus the shape prior."""
    label: str
    steps: int


def find_start(
    models: dict[str, BodyModel],
    scan: ScanPoints,
    landmarks: Landmarks | None,
    level: FitLevel,
    stature_m: float,
    seed: int,
    decide_with: FitLevel | None = None,
) -> Start:
    """The best candidate over `models` (age -> model) and poses."""
    starts: list[Start] = []
    for age, model in models.items():
        term = build_landmark_term(model, landmarks)
        if term is not None:
            starts.append(_try_start(model, age, "landmarks", term, scan, level, stature_m, seed))
    if not starts or min(start.cost for start in starts) > GOOD_COST:
        starts += [
            _try_start(model, age, pose, None, scan, level, stature_m, seed)
            for age, model in models.items()
            for pose in POSES
        ]
    steps = sum(start.steps for start in starts)
    finalists = [
        min((start for start in starts if start.problem.model is model), key=lambda start: start.cost)
        for model in models.values()
    ]
    best = min(finalists, key=lambda start: start.cost)
    if len(finalists) > 1 and decide_with is not None:
        # A short adult and a tall child are alike at this scale: look closer before choosing the body.
        closer = [_one_level_more(start, decide_with) for start in finalists]
        steps += sum(start.steps for start in closer)
        best = min(closer, key=lambda start: start.cost)
    if best.problem.landmarks is None:
        term = build_landmark_term(best.problem.model, landmarks)
        best = replace(best, problem=replace(best.problem, landmarks=term))
    return replace(best, steps=steps)


def _one_level_more(start: Start, level: FitLevel) -> Start:
    params, steps = solve_level(start.problem, start.params, level)
    cost = start_cost(start.problem, params, CLOSE_COST_SCALE_M)
    return replace(start, params=params, cost=cost, steps=steps)


def _try_start(
    model: BodyModel,
    age: str,
    pose: str,
    term: LandmarkTerm | None,
    scan: ScanPoints,
    level: FitLevel,
    stature_m: float,
    seed: int,
) -> Start:
    betas = betas_of_stature(model, stature_m)
    mean = standard_pose(model, betas, "relaxed" if term is not None else pose)
    problem = build_problem(model, scan, betas, mean, seed, term)
    params = stand_on_floor(model, BodyParams(betas, mean, np.zeros(3)), scan)
    if term is not None:
        params = solve_landmarks(problem, params, LANDMARK_BETAS)
    params, steps = solve_level(problem, params, level)
    return Start(problem, params, start_cost(problem, params), f"{age}, {pose}", steps)


def build_problem(
    model: BodyModel,
    scan: ScanPoints,
    betas: F64,
    mean: F64,
    seed: int,
    term: LandmarkTerm | None = None,
) -> Problem:
    """What stays the same while a body near the shape `betas` (S,) and the pose `mean` (J, 3) is fitted."""
    return Problem(
        model,
        scan,
        build_pose_prior(model, model.rest_joints(betas), mean),
        term,
        seen_area_weights(model),
        seen_faces(model),
        seed,
    )


def betas_of_stature(model: BodyModel, stature_m: float) -> F64:
    """The likeliest shape of a person so tall: the shortest coefficient vector that reaches the stature."""
    betas = np.zeros(model.num_components)
    for _ in range(3):
        rest = model.rest_vertices(betas)
        top, bottom = rest[:, 1].argmax(), rest[:, 1].argmin()
        slope = (model.shape_dirs[:, top, 1] - model.shape_dirs[:, bottom, 1]).astype(np.float64)
        slope[model.num_body_components :] = 0
        missing = stature_m - (rest[top, 1] - rest[bottom, 1])
        betas += slope * missing / (slope @ slope)
    return np.clip(betas, -4, 4)


def stand_on_floor(model: BodyModel, params: BodyParams, scan: ScanPoints) -> BodyParams:
    """Moves the body so that its soles and its middle are those of the scan."""
    vertices = model.pose(params).vertices
    low = np.percentile(scan.points[:, 1], 0.5) - vertices[:, 1].min()
    # By area, as the scan's points were drawn: the face has so many vertices that it would be the middle.
    middle = np.median(scan.points, axis=0) - _weighted_median(vertices, seen_area_weights(model))
    shift = np.array([middle[0], low, middle[2]])
    return BodyParams(params.betas, params.pose_rotvec, params.translation + shift)


def _weighted_median(points: F64, weights: F64) -> F64:
    """(N, 3), (N,) -> (3,): half of the weight lies on either side along each axis."""
    order = np.argsort(points, axis=0)
    running = np.cumsum(weights[order], axis=0)
    row = (running < running[-1] / 2).sum(axis=0)
    return np.take_along_axis(points, np.take_along_axis(order, row[None], axis=0), axis=0)[0]


def start_cost(problem: Problem, params: BodyParams, scale_m: float = COST_SCALE_M) -> float:
    """Mean robust distance both ways in units of `scale_m`, 0..2, plus the shape prior's share."""
    """How badly a start fits, robustly and both ways; only differences between starts mean something."""
    vertices = problem.model.pose(params).vertices
    seen = problem.area_weights > 0
    there, _ = problem.scan.tree.query(vertices[seen], workers=usable_threads())
    sample = problem.scan.subset(4000, np.random.default_rng(problem.seed))
    back, _ = KDTree(vertices[seen]).query(sample.points, workers=usable_threads())

    def robust(distance: F64, weight: F64) -> float:
        squared = (distance / scale_m) ** 2
        return float(np.average(squared / (1 + squared), weights=weight))

    shape = 0.002 * float(np.mean(params.betas**2))
    return robust(there, problem.area_weights[seen]) + robust(back, sample.confidence + 1e-3) + shape


def seen_area_weights(model: BodyModel) -> F64:
    """(V,) area around each vertex over the mean of the seen ones; 0 for vertices that no scanner sees."""
    corners = model.template.astype(np.float64)[model.faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    weights = np.bincount(model.faces.reshape(-1), np.repeat(area, 3), model.num_vertices)
    weights[model.inner] = 0
    return weights / weights[weights > 0].mean()


def seen_faces(model: BodyModel) -> np.ndarray:
    """Indices of the faces whose corners a scanner can all see."""
    return np.flatnonzero(~model.inner[model.faces].any(axis=1))
