"""The solver: landmarks alone find a pose, steps are bounded, a level improves what it starts from."""

from __future__ import annotations

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.body.landmarks import detector_points
from bodyscan.body.poses import standard_pose
from bodyscan.fit.landmark_term import GROUPS, build_landmark_term
from bodyscan.fit.linearize import Unknowns
from bodyscan.fit.options import LEVELS
from bodyscan.fit.prior import build_pose_prior
from bodyscan.fit.scan_points import draw_scan_points
from bodyscan.fit.solve import (
    LANDMARK_REACH,
    MAX_BETA_STEP,
    MAX_SHIFT_M,
    MAX_TURN_RAD,
    Problem,
    _damped_step,
    landmark_cost,
    solve_landmarks,
    solve_level,
    unknowns_of,
)
from bodyscan.fit.start import seen_area_weights, seen_faces, start_cost
from bodyscan.types import BodyParams, Landmarks
from fit.people import clean_scan, person_params


def landmarks_of(model, params: BodyParams, confidence: float = 0.9) -> Landmarks:
    table = detector_points(model)
    posed = model.pose(params)
    positions = table.positions(posed.vertices, posed.joints)
    return Landmarks(tuple(table.names), positions, np.full(len(positions), confidence))


def problem_of(model, params: BodyParams, landmarks: Landmarks | None) -> Problem:
    points = draw_scan_points(clean_scan(model, params), 20_000, 0)
    mean = standard_pose(model, np.zeros(model.num_components), "relaxed")
    prior = build_pose_prior(model, model.rest_joints(np.zeros(model.num_components)), mean)
    term = build_landmark_term(model, landmarks)
    return Problem(model, points, prior, term, seen_area_weights(model), seen_faces(model), 0)


def test_landmarks_alone_bring_the_arms_of_a_t_pose_up() -> None:
    model = load_body_model("adult")
    truth = person_params(model, 0, pose="t")
    problem = problem_of(model, truth, landmarks_of(model, truth))
    start = BodyParams(np.zeros(model.num_components), problem.prior.mean, np.zeros(3))
    found = solve_landmarks(problem, start, 10)
    wanted, before, after = (model.pose(p).joints for p in (truth, start, found))
    limbs = [
        model.joint_index(s + n) for s in ("left", "right") for n in ("LowerArm", "Hand", "LowerLeg", "Foot")
    ]
    assert np.linalg.norm(before[limbs] - wanted[limbs], axis=1).mean() > 0.2
    assert np.linalg.norm(after[limbs] - wanted[limbs], axis=1).mean() < 0.03
    assert landmark_cost(problem, found, LANDMARK_REACH) < 0.2 * landmark_cost(problem, start, LANDMARK_REACH)


def test_solve_landmarks_without_landmarks_is_an_error() -> None:
    model = load_body_model("adult")
    params = person_params(model, 0)
    with pytest.raises(ValueError, match="needs a landmark term"):
        solve_landmarks(problem_of(model, params, None), params, 10)


def test_doubtful_or_unknown_landmarks_are_left_out() -> None:
    model = load_body_model("adult")
    sure = landmarks_of(model, person_params(model, 1))
    assert build_landmark_term(model, None) is None
    assert build_landmark_term(model, landmarks_of(model, person_params(model, 1), 0.1)) is None
    strange = Landmarks(("third_elbow",) * 5, np.zeros((5, 3)), np.ones(5))
    assert build_landmark_term(model, strange) is None
    term = build_landmark_term(model, sure)
    assert term is not None
    posed = model.pose(person_params(model, 1))
    np.testing.assert_allclose(term.positions(posed.vertices, posed.joints), term.targets, atol=1e-9)


def test_the_face_as_a_group_counts_as_few_points() -> None:
    model = load_body_model("adult")
    marks = landmarks_of(model, person_params(model, 1))
    face = np.array([name.startswith("face_") for name in marks.names])
    group = GROUPS["face"]
    assert face.sum() > group.worth
    only = Landmarks(
        tuple(name for name in marks.names if name.startswith("face_")),
        marks.positions[face],
        marks.confidence[face],
    )
    term = build_landmark_term(model, only)
    assert term is not None
    independent = np.sum((group.least_sigma_m / np.sqrt(0.9) / term.sigma_m) ** 2)
    assert 0.5 * group.worth < independent < 1.2 * group.worth


def test_a_step_is_shortened_as_a_whole_to_what_can_be_trusted() -> None:
    unknowns = Unknowns(np.array([1, 2]), np.array([0, 1]))
    gradient = np.linspace(-1, 1, unknowns.count) * 100
    delta = _damped_step(np.eye(unknowns.count), gradient, unknowns)
    assert np.abs(delta[:3]).max() <= MAX_SHIFT_M + 1e-12
    assert np.abs(delta[unknowns.pose_columns]).max() <= MAX_TURN_RAD + 1e-12
    assert np.abs(delta[unknowns.shape_columns]).max() <= MAX_BETA_STEP + 1e-12
    np.testing.assert_allclose(delta / np.linalg.norm(delta), -gradient / np.linalg.norm(gradient), atol=1e-9)


def test_eyes_and_jaw_never_move_and_fingers_only_when_asked() -> None:
    model = load_body_model("adult")
    coarse, fine = (
        {model.joint_names[j] for j in unknowns_of(model, level).joints} for level in (LEVELS[0], LEVELS[-1])
    )
    assert not {"leftEye", "rightEye", "jaw"} & fine
    assert "leftIndexDistal" in fine - coarse
    assert {"hips", "leftUpperArm", "rightFoot"} <= coarse


def test_a_level_improves_a_start_that_is_a_little_off() -> None:
    model = load_body_model("adult")
    truth = person_params(model, 2, pose="a")
    problem = problem_of(model, truth, None)
    rng = np.random.default_rng(0)
    joints = unknowns_of(model, LEVELS[0]).joints
    pose = truth.pose_rotvec.copy()
    pose[joints] += 0.05 * rng.normal(size=(len(joints), 3))
    start = BodyParams(0.5 * truth.betas, pose, truth.translation + np.array([0.02, 0, 0.02]))
    found, steps = solve_level(problem, start, LEVELS[1])
    assert 0 < steps <= LEVELS[1].steps
    assert start_cost(problem, found) < 0.3 * start_cost(problem, start)
