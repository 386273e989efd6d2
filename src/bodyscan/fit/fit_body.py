"""Fit the body model to a scan: first guess, parameters coarse to fine, surface detail, quality."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from bodyscan.body.asset import load_body_model
from bodyscan.body.model import BodyModel
from bodyscan.errors import StageError
from bodyscan.fit.detail import refine_surface
from bodyscan.fit.hands import CURLED, HandGuess, guess_hands, with_fingers
from bodyscan.fit.hold_hands import hold_hands
from bodyscan.fit.options import FitOptions
from bodyscan.fit.prior import build_pose_prior
from bodyscan.fit.quality import judge, signed_distance_mm
from bodyscan.fit.scan_points import draw_scan_points
from bodyscan.fit.solve import solve_level
from bodyscan.fit.start import find_start
from bodyscan.geometry.normals import vertex_normals
from bodyscan.types import F32, F64, BodyFit, Mesh, ScanMesh

POINTS = 60_000
SHORT_M = 1.52
"""People up to this stature may be children: both bodies are tried."""
TALL_CHILD_M = 0.95
"""Below this stature only the child's body is tried."""
HOPELESS_COST = 1.7
"""Of at most 2: body and scan are nowhere near each other."""
CLOTH_FROM_MM, CLOTH_FULL_MM = 6.0, 25.0


def fit_body(scan: ScanMesh, options: FitOptions | None = None, model: BodyModel | None = None) -> BodyFit:
    """Fit a body to `scan` (world frame, metres).

    `model`: a user's own body model; by default the packaged one for the person's age. The result is
    returned even where `quality.acceptable` is False: the caller decides. Raises `InputError` where the scan
    has no usable surface, `StageError` where no start came near the scan.
    """
    options = options or FitOptions()
    points = draw_scan_points(scan, POINTS, options.seed)
    stature = float(np.subtract(*np.percentile(points.points[:, 1], [99.95, 0.05])))
    models = {"own": model} if model is not None else _models(options.body, stature)
    coarsest, *finer = options.levels
    closer = finer[0] if finer else None
    start = find_start(models, points, scan.landmarks, coarsest, stature, options.seed, closer)
    if not start.cost < HOPELESS_COST:
        raise StageError(
            "The fit found no pose and size at which the body comes near the scan. Is it one whole person "
            "who stands upright and faces +Z, in metres?"
        )
    problem, params, steps = start.problem, start.params, start.steps
    body = problem.model
    mean = problem.prior.mean
    hands: dict[str, HandGuess] = {}
    for before, level in pairwise(options.levels):
        if level.fingers and not before.fingers:
            params, hands = guess_hands(body, params, points, scan.landmarks)
            problem = replace(problem, landmarks=hold_hands(body, problem.landmarks, hands))
            mean = with_fingers(body, mean, params)
        prior = build_pose_prior(body, body.rest_joints(params.betas), mean)
        problem = replace(problem, prior=prior)
        params, taken = solve_level(problem, params, level)
        steps += taken
    posed = body.pose(params)
    offsets, coverage = np.zeros_like(posed.vertices), np.zeros(body.num_vertices)
    if options.detail:
        detail = refine_surface(
            body,
            posed.vertices,
            points,
            limit_m=options.detail_limit_m,
            smooth_length_m=options.detail_length_m,
        )
        offsets, coverage = detail.offsets, detail.coverage
    parametric = body.mesh(posed.vertices)
    surface = body.mesh(posed.vertices + offsets)
    outer = body.faces[problem.face_ids]
    body_mm = signed_distance_mm(Mesh(parametric.vertices, outer), scan.mesh.vertices)
    surface_mm = signed_distance_mm(Mesh(surface.vertices, outer), scan.mesh.vertices)
    quality = judge(
        body, scan, params, problem.prior, body_mm, surface_mm, coverage, problem.area_weights, options
    )
    return BodyFit(
        params=params,
        body=parametric,
        surface=surface,
        skeleton=body.skeleton(posed),
        distance_mm=surface_mm,
        coverage=coverage.astype(np.float32),
        clothing=_clothing(offsets, surface, coverage),
        quality=quality,
        model_name=body.name,
        iterations=steps,
        notes=(f"first guess: {start.label}", *_hand_notes(hands)),
    )


def _models(which: str, stature_m: float) -> dict[str, BodyModel]:
    if which != "auto":
        return {which: load_body_model(which)}
    if stature_m < TALL_CHILD_M:
        return {"child": load_body_model("child")}
    ages = ("adult", "child") if stature_m < SHORT_M else ("adult",)
    return {age: load_body_model(age) for age in ages}


def _hand_notes(hands: dict[str, HandGuess]) -> list[str]:
    return [f"{side} hand: a fist or half closed" for side, hand in hands.items() if hand.curl > CURLED]


def _clothing(offsets: F64, surface: Mesh, coverage: F64) -> F32:
    """(V,) 0..1 from how far the scan stands off the parametric body, outwards."""
    normals = vertex_normals(surface.vertices, surface.faces)
    outward_mm = 1e3 * np.einsum("vc,vc->v", offsets, normals)
    ramp = np.clip((outward_mm - CLOTH_FROM_MM) / (CLOTH_FULL_MM - CLOTH_FROM_MM), 0, 1)
    return (ramp * (coverage > 0)).astype(np.float32)
