"""The first guess: right size, right place, right age, right pose."""

from __future__ import annotations

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.body.poses import standard_pose
from bodyscan.fit.options import LEVELS
from bodyscan.fit.prior import build_pose_prior
from bodyscan.fit.scan_points import draw_scan_points
from bodyscan.fit.solve import Problem
from bodyscan.fit.start import (
    betas_of_stature,
    find_start,
    seen_area_weights,
    seen_faces,
    stand_on_floor,
    start_cost,
)
from bodyscan.types import BodyParams
from fit.people import clean_scan, person_params, scan_of, visible_mesh


@pytest.mark.parametrize(
    ("age", "stature_m"), [("adult", 1.5), ("adult", 1.95), ("child", 0.95), ("child", 1.4)]
)
def test_the_likeliest_shape_of_a_stature_has_that_stature(age: str, stature_m: float) -> None:
    model = load_body_model(age)
    betas = betas_of_stature(model, stature_m)
    height = np.ptp(model.rest_vertices(betas)[~model.inner, 1])
    assert height == pytest.approx(stature_m, abs=2e-3)
    assert np.abs(betas).max() <= 4
    assert not betas[model.num_body_components :].any()


def test_area_weights_are_zero_inside_and_one_on_average_outside() -> None:
    model = load_body_model("adult")
    weights = seen_area_weights(model)
    assert not weights[model.inner].any()
    assert weights[weights > 0].mean() == pytest.approx(1)


def test_seen_faces_have_no_inner_corner() -> None:
    model = load_body_model("adult")
    faces = seen_faces(model)
    assert not model.inner[model.faces[faces]].any()
    assert len(faces) > 0.8 * len(model.faces)


def test_the_body_is_put_on_the_soles_and_middle_of_the_scan() -> None:
    model = load_body_model("adult")
    params = person_params(model, 1)
    moved = BodyParams(params.betas, params.pose_rotvec, params.translation + np.array([3.0, 0.4, -2.0]))
    points = draw_scan_points(clean_scan(model, params), 20_000, 0)
    back = stand_on_floor(model, moved, points)
    np.testing.assert_allclose(back.translation, params.translation, atol=0.03)


def test_the_cost_of_the_truth_is_lower_than_that_of_any_other_pose_or_place() -> None:
    model = load_body_model("adult")
    params = person_params(model, 2, pose="a")
    points = draw_scan_points(clean_scan(model, params), 20_000, 0)
    mean = standard_pose(model, params.betas, "a")
    prior = build_pose_prior(model, model.rest_joints(params.betas), mean)
    problem = Problem(model, points, prior, None, seen_area_weights(model), seen_faces(model), 0)
    truth = start_cost(problem, params)
    assert truth < 0.1
    others = [
        BodyParams(params.betas, standard_pose(model, params.betas, pose), params.translation)
        for pose in ("t", "relaxed")
    ]
    others.append(BodyParams(params.betas, params.pose_rotvec, params.translation + np.array([0.05, 0, 0])))
    for other in others:
        assert start_cost(problem, other) > truth + 0.1


@pytest.mark.parametrize("pose", ["a", "t", "relaxed"])
def test_without_landmarks_the_start_lies_near_the_person(pose: str) -> None:
    model = load_body_model("adult")
    params = person_params(model, 3, pose=pose)
    posed = model.pose(params)
    points = draw_scan_points(scan_of(visible_mesh(model, posed.vertices)), 20_000, 0)
    stature = float(np.ptp(posed.vertices[~model.inner, 1]))
    start = find_start({"adult": model}, points, None, LEVELS[0], stature, 0)
    body = [
        not name.endswith(("Proximal", "Intermediate", "Distal", "Metacarpal")) for name in model.joint_names
    ]
    gap = np.linalg.norm(model.pose(start.params).joints - posed.joints, axis=1)
    assert start.label.startswith("adult")
    assert 1e3 * gap[body].mean() < 40


@pytest.mark.slow
@pytest.mark.parametrize("age", ["adult", "child"])
def test_short_people_get_the_body_of_their_age(age: str) -> None:
    """An adult and a child of the same 1.45 m: proportions decide."""
    model = load_body_model(age)
    betas = betas_of_stature(model, 1.45)
    params = BodyParams(betas, standard_pose(model, betas, "a"), np.zeros(3))
    points = draw_scan_points(clean_scan(model, params), 20_000, 0)
    models = {name: load_body_model(name) for name in ("adult", "child")}
    start = find_start(models, points, None, LEVELS[0], 1.45, 0)
    assert start.label.startswith(age)
