"""The first guess: which pose, which size, which body.

Every usual studio pose is a candidate; where a detector found landmarks each candidate is first moved by them.
All candidates run the coarsest level and the one that explains the scan best goes on. The first guess of
the pose decides about success, so that it is never left to one start.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from bodyscan.body.model import BodyModel
from bodyscan.body.poses import standard_pose
from bodyscan.fit.landmark_term import build_landmark_term
from bodyscan.fit.options import FitLevel
from bodyscan.fit.prior import build_pose_prior
from bodyscan.fit.scan_points import ScanPoints
from bodyscan.fit.solve import Problem, solve_landmarks, solve_level
from bodyscan.types import F64, BodyParams, Landmarks

POSES = ("relaxed", "a", "t")
COST_SCALE_M = 0.03
LANDMARK_BETAS = 10


@dataclass(frozen=True, eq=False)
class Start:
    """A candidate after the coarsest level."""

    problem: Problem
    params: BodyParams
    cost: float
    """Mean robust squared distance both ways in units of `COST_SCALE_M`, 0..1, plus the shape prior's share."""
    label: str
    steps: int


def find_start(
    models: dict[str, BodyModel],
    scan: ScanPoints,
    landmarks: Landmarks | None,
    level: FitLevel,
    stature_m: float,
    seed: int,
) -> Start:
    """The best candidate over `models` (age -> model) and poses."""
    starts = []
    for age, model in models.items():
        term = build_landmark_term(model, landmarks)
        for pose in POSES:
            betas = betas_of_stature(model, stature_m)
            mean = standard_pose(model, betas, pose)
            params = BodyParams(betas, mean, np.zeros(3))
            params = stand_on_floor(model, params, scan)
            problem = Problem(
                model,
                scan,
                build_pose_prior(model, model.rest_joints(betas), mean),
                term,
                seen_area_weights(model),
                seen_faces(model),
                seed,
            )
            if term is not None:
                params, _ = solve_landmarks(problem, params, LANDMARK_BETAS)
            params, steps = solve_level(problem, params, level)
            starts.append(Start(problem, params, start_cost(problem, params), f"{age}, {pose}", steps))
    best = min(starts, key=lambda start: start.cost)
    total = sum(start.steps for start in starts)
    return Start(best.problem, best.params, best.cost, best.label, total)


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
    middle = np.median(scan.points, axis=0) - np.median(vertices[seen_area_weights(model) > 0], axis=0)
    shift = np.array([middle[0], low, middle[2]])
    return BodyParams(params.betas, params.pose_rotvec, params.translation + shift)


def start_cost(problem: Problem, params: BodyParams) -> float:
    vertices = problem.model.pose(params).vertices
    seen = problem.area_weights > 0
    there, _ = problem.scan.tree.query(vertices[seen], workers=-1)
    sample = problem.scan.subset(4000, np.random.default_rng(problem.seed))
    back, _ = cKDTree(vertices[seen]).query(sample.points, workers=-1)

    def robust(distance: F64, weight: F64) -> float:
        squared = (distance / COST_SCALE_M) ** 2
        return float(np.average(squared / (1 + squared), weights=weight))

    shape = 0.002 * float(np.mean(params.betas**2))
    return robust(there, problem.area_weights[seen]) + robust(back, sample.confidence + 1e-3) + shape


def seen_area_weights(model: BodyModel) -> F64:
    """(V,) area around each vertex over the mean of the seen ones; 0 for vertices that no scanner sees."""
    corners = model.template.astype(np.float64)[model.faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    weights = np.bincount(model.faces.reshape(-1), np.repeat(area, 3), model.num_vertices)
    if len(model.inner):
        weights[model.inner] = 0
    return weights / weights[weights > 0].mean()


def seen_faces(model: BodyModel) -> np.ndarray:
    """Indices of the faces whose corners a scanner can all see."""
    if not len(model.inner):
        return np.arange(len(model.faces))
    return np.flatnonzero(~model.inner[model.faces].any(axis=1))
