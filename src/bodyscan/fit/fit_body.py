"""Fit the body model to a scan: first guess, parameters coarse to fine, surface detail, quality."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from bodyscan.body.asset import load_body_model
from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError, StageError
from bodyscan.fit.clothing import Cover, estimate_cover, under_cover
from bodyscan.fit.corrections import Corrections, held_points, start_from, with_held, with_placed
from bodyscan.fit.detail import refine_surface
from bodyscan.fit.hand_chain import has_hand
from bodyscan.fit.hands import CURLED, SIDES, HandGuess, guess_hands, with_fingers
from bodyscan.fit.hold_hands import hold_hands
from bodyscan.fit.hold_lips import hold_lips
from bodyscan.fit.landmark_term import build_landmark_term
from bodyscan.fit.options import FitLevel, FitOptions
from bodyscan.fit.prior import build_pose_prior
from bodyscan.fit.quality import judge, signed_distance_mm
from bodyscan.fit.scan_points import ScanPoints, draw_near, draw_scan_points
from bodyscan.fit.second_look import look_again
from bodyscan.fit.solve import LandmarkTerm, Problem, solve_level
from bodyscan.fit.start import Start, build_problem, find_start, start_cost
from bodyscan.types import F64, BodyFit, BodyParams, Landmarks, Mesh, ScanMesh

POINTS, FINE_POINTS = 60_000, 20_000
"""Points of the whole scan, and of head and hands for their detail."""
FINE_REGIONS, FINE_MARGIN_M = ("head", "left_hand", "right_hand"), 0.015
SHORT_M = 1.52
"""People up to this stature may be children: both bodies are tried."""
TALL_CHILD_M = 0.95
"""Below this stature only the child's body is tried."""
HOPELESS_COST = 1.7
"""Of at most 2: body and scan are nowhere near each other."""


def fit_body(
    scan: ScanMesh,
    options: FitOptions | None = None,
    model: BodyModel | None = None,
    corrections: Corrections | None = None,
) -> BodyFit:
    """Fit a body to `scan` (world frame, metres).

    `model`: a user's own body model; by default the packaged one for the person's age. `corrections`: what
    was set right in an earlier fit of this scan with `model`, which must then be given: the fit goes on from
    there, without a first guess. The result is returned even where `quality.acceptable` is False: the caller
    decides. Raises `InputError` where the scan has no usable surface or a correction names what the model
    does not have, `StageError` where no start came near the scan.
    """
    options = options or FitOptions()
    if corrections is not None:
        scan = replace(scan, landmarks=with_placed(scan.landmarks, corrections.placed))
    points = draw_scan_points(scan, POINTS, options.seed)
    held = None
    if corrections is None:
        start = first_guess(scan, points, options, model)
    else:
        start, held = _go_on(scan, points, options, model, corrections)
    if not start.cost < HOPELESS_COST:
        raise StageError(
            "The fit found no pose and size at which the body comes near the scan. Is it one whole person "
            "who stands upright and faces +Z, in metres?"
        )
    problem, params, steps = start.problem, start.params, start.steps
    body = problem.model
    mean = problem.prior.mean
    hands: dict[str, HandGuess] = {}
    cover: Cover | None = None
    pinned = () if corrections is None else corrections.pinned
    for before, level in pairwise(options.levels):
        if options.clothing:
            cover = estimate_cover(body, body.pose(params).vertices, points)
            points = points.with_cover(cover.points)
            problem = replace(problem, scan=points, cloth_up=cover.up)
        if level.fingers and not before.fingers:
            params, hands, taken = _hands(problem, params, points, scan.landmarks, before, pinned)
            steps += taken
            term = hold_lips(body, params, problem.landmarks, scan.landmarks)
            problem = replace(problem, landmarks=with_held(hold_hands(body, term, hands), held))
            mean = with_fingers(body, mean, params)
        prior = build_pose_prior(body, body.rest_joints(params.betas), mean)
        problem = replace(problem, prior=prior)
        params, taken = solve_level(problem, params, level)
        steps += taken
    posed = body.pose(params)
    parametric = body.mesh(posed.vertices)
    detailed = _with_detail(body, posed.vertices, scan, points, cover, options)
    surface = body.mesh(detailed.surface)
    outer = body.faces[problem.face_ids]
    body_mm = signed_distance_mm(Mesh(parametric.vertices, outer), points.points)
    surface_mm = signed_distance_mm(Mesh(surface.vertices, outer), scan.mesh.vertices)
    coverage = detailed.coverage
    quality = judge(
        body,
        scan,
        params,
        problem.prior,
        points,
        body_mm,
        surface_mm,
        coverage,
        problem.area_weights,
        options,
    )
    return BodyFit(
        params=params,
        body=parametric,
        surface=surface,
        skin=body.mesh(detailed.skin),
        skeleton=body.skeleton(posed),
        distance_mm=surface_mm,
        coverage=coverage.astype(np.float32),
        clothing=(cover.vertices if cover else np.zeros(body.num_vertices)).astype(np.float32),
        quality=quality,
        model_name=body.name,
        iterations=steps,
        guessed_hands=tuple(
            side
            for side in SIDES
            if has_hand(body, side) and side not in hands and f"{side}_hand" not in pinned
        ),
        notes=(f"first guess: {start.label}", *_hand_notes(hands)),
    )


def first_guess(
    scan: ScanMesh, points: ScanPoints, options: FitOptions, model: BodyModel | None = None
) -> Start:
    """Body, size and pose that the levels start from; `points` are those of `scan`."""
    stature = float(np.subtract(*np.percentile(points.points[:, 1], [99.95, 0.05])))
    models = {"own": model} if model is not None else _models(options.body, stature)
    coarsest, *finer = options.levels
    closer = finer[0] if finer else None
    return find_start(models, points, scan.landmarks, coarsest, stature, options.seed, closer)


def _go_on(
    scan: ScanMesh,
    points: ScanPoints,
    options: FitOptions,
    model: BodyModel | None,
    corrections: Corrections,
) -> tuple[Start, LandmarkTerm | None]:
    """The earlier fit as the start, its limbs where a person put them; and what holds from there on."""
    if model is None:
        raise InputError("Corrections go on from a fit; give the body model that it was made with.")
    held, given = held_points(model, corrections), corrections.start
    problem = build_problem(model, points, given.betas, given.pose_rotvec, options.seed)
    params = start_from(problem, corrections, held)
    problem = replace(problem, landmarks=with_held(build_landmark_term(model, scan.landmarks), held))
    return Start(problem, params, start_cost(problem, params), "an earlier fit, corrected", 0), held


def _hands(
    problem: Problem,
    params: BodyParams,
    points: ScanPoints,
    landmarks: Landmarks | None,
    level: FitLevel,
    pinned: tuple[str, ...],
) -> tuple[BodyParams, dict[str, HandGuess], int]:
    """`params` with the hands as the scan shows them, what was found by side, and the steps taken.

    A pinned hand keeps its fingers, and nothing is looked for there.
    """
    model = problem.model
    found, hands = guess_hands(model, params, points, landmarks)
    found, hands, steps = look_again(problem, found, hands, landmarks, level)
    pose = found.pose_rotvec.copy()
    for side in SIDES:
        if f"{side}_hand" in pinned:
            below = model.descendants[:, model.joint_index(f"{side}Hand")]
            pose[below] = params.pose_rotvec[below]
            hands.pop(side, None)
    return replace(found, pose_rotvec=pose), hands, steps


def _models(which: str, stature_m: float) -> dict[str, BodyModel]:
    if which != "auto":
        return {which: load_body_model(which)}
    if stature_m < TALL_CHILD_M:
        return {"child": load_body_model("child")}
    ages = ("adult", "child") if stature_m < SHORT_M else ("adult",)
    return {age: load_body_model(age) for age in ages}


def _hand_notes(hands: dict[str, HandGuess]) -> list[str]:
    return [f"{side} hand: a fist or half closed" for side, hand in hands.items() if hand.curl > CURLED]


@dataclass(frozen=True, eq=False)
class _Detailed:
    surface: F64
    """(V, 3) as scanned."""
    skin: F64
    """(V, 3) as estimated under cloth and hair."""
    coverage: F64


def _with_detail(
    body: BodyModel,
    vertices: F64,
    scan: ScanMesh,
    points: ScanPoints,
    cover: Cover | None,
    options: FitOptions,
) -> _Detailed:
    if not options.detail:
        return _Detailed(vertices, vertices, np.zeros(len(vertices)))
    points = draw_near(scan, points, _fine_boxes(body, vertices), FINE_POINTS, options.seed)
    if cover is not None and cover.any:
        cover = estimate_cover(body, vertices, points)
        points = replace(points, cover=cover.points)
    else:
        points = replace(points, cover=None)
    detail = refine_surface(
        body, vertices, points, limit_m=options.detail_limit_m, smooth_length_m=options.detail_length_m
    )
    surface = vertices + detail.offsets
    if cover is None or not cover.any:
        return _Detailed(surface, surface, detail.coverage)
    skin = under_cover(body, vertices + detail.bare_offsets, surface, cover)
    return _Detailed(surface, skin, detail.coverage)


def _fine_boxes(body: BodyModel, vertices: F64) -> F64:
    """(K, 2, 3) metres: around head and hands, whose shape is finer than the usual points are apart."""
    known = [name for name in FINE_REGIONS if name in body.region_names]
    parts = [vertices[body.region(name)] for name in known]
    boxes = [(part.min(axis=0) - FINE_MARGIN_M, part.max(axis=0) + FINE_MARGIN_M) for part in parts]
    return np.array(boxes).reshape(-1, 2, 3)
