"""The whole fit: known people are recovered, and what changes nothing changes nothing."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.errors import InputError, StageError
from bodyscan.fit import FitOptions, fit_body
from bodyscan.geometry.rotations import rotvec_to_matrix
from bodyscan.types import BodyFit, BodyParams, Mesh, ScanMesh
from fit.people import (
    clean_scan,
    joint_gap_mm,
    person_params,
    scan_of,
    sphere,
    surface_gap_mm,
    vertex_gap_mm,
    visible_mesh,
)

SURFACE_MM, JOINTS_MM = 1.0, 8.0


@lru_cache(maxsize=8)
def fitted(age: str, seed: int, pose: str) -> tuple[BodyParams, BodyFit]:
    model = load_body_model(age)
    params = person_params(model, seed, pose=pose)
    return params, fit_body(clean_scan(model, params))


def assert_recovered(age: str, params: BodyParams, fit: BodyFit) -> None:
    model = load_body_model(age)
    posed = model.pose(params)
    assert fit.quality.acceptable, fit.quality.reasons
    assert fit.model_name == model.name
    assert surface_gap_mm(model, fit, posed.vertices) < SURFACE_MM
    assert joint_gap_mm(fit, posed.joints) < JOINTS_MM


def test_a_person_in_a_pose_is_recovered_without_landmarks() -> None:
    params, fit = fitted("adult", 0, "a")
    assert_recovered("adult", params, fit)
    assert fit.coverage.max() <= 1
    assert fit.clothing.max() < 0.5
    assert fit.quality.coverage > 0.85
    assert fit.guessed_hands == ()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("age", "seed", "pose"),
    [
        pytest.param("adult", 1, "t", marks=pytest.mark.long),
        ("adult", 2, "relaxed"),
        ("child", 7, "a"),
        pytest.param("adult", 4, "relaxed", marks=pytest.mark.long),
    ],
)
def test_people_in_other_poses_are_recovered_without_landmarks(age: str, seed: int, pose: str) -> None:
    params, fit = fitted(age, seed, pose)
    assert_recovered(age, params, fit)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("axis", "degrees"),
    [
        (0, 15.0),
        pytest.param(1, 12.0, marks=pytest.mark.long),
        pytest.param(2, 8.0, marks=pytest.mark.long),
    ],
)
def test_a_back_far_more_bent_than_usual_is_followed(axis: int, degrees: float) -> None:
    """Bowed by 45 degrees in all, twisted by 36, leaning by 24: the prior on the spine must give way."""
    model = load_body_model("adult")
    upright = person_params(model, 5)
    pose = np.array(upright.pose_rotvec)
    for name in ("spine", "chest", "upperChest"):
        pose[model.joint_index(name), axis] += np.radians(degrees)
    params = replace(upright, pose_rotvec=pose)
    assert_recovered("adult", params, fit_body(clean_scan(model, params)))


@pytest.mark.slow
def test_the_same_scan_gives_the_same_bytes() -> None:
    model = load_body_model("adult")
    params, first = fitted("adult", 0, "a")
    again = fit_body(clean_scan(model, params))
    for name in ("betas", "pose_rotvec", "translation"):
        assert getattr(first.params, name).tobytes() == getattr(again.params, name).tobytes(), name
    assert first.surface.vertices.tobytes() == again.surface.vertices.tobytes()
    assert first.distance_mm.tobytes() == again.distance_mm.tobytes()
    assert first.coverage.tobytes() == again.coverage.tobytes()
    assert first.quality == again.quality


@pytest.mark.slow
def test_moving_and_turning_the_person_a_little_turns_and_moves_the_fit() -> None:
    model = load_body_model("adult")
    params, first = fitted("adult", 0, "a")
    turn = rotvec_to_matrix(np.array([0, np.radians(8.0), 0]))
    move = np.array([0.4, 0.05, -0.3])
    scan = clean_scan(model, params)
    fit = fit_body(scan_of(Mesh(scan.mesh.vertices @ turn.T + move, scan.mesh.faces)))
    expected = first.surface.vertices @ turn.T + move
    gap = np.linalg.norm(fit.surface.vertices - expected, axis=1)[~model.inner]
    assert 1e3 * gap.mean() < 1.5
    joints = first.skeleton.positions @ turn.T + move
    assert 1e3 * np.linalg.norm(fit.skeleton.positions - joints, axis=1).mean() < 3


@pytest.mark.slow
def test_the_error_grows_with_noise_and_stays_below_it() -> None:
    model = load_body_model("adult")
    params, clean = fitted("adult", 0, "a")
    truth = model.pose(params).vertices
    scan = clean_scan(model, params)
    rng = np.random.default_rng(0)
    noise = rng.normal(size=scan.mesh.vertices.shape)
    gaps = [vertex_gap_mm(model, clean, truth)]
    for size_m in (0.004, 0.012):
        noisy = Mesh(scan.mesh.vertices + size_m * noise, scan.mesh.faces)
        gaps.append(surface_gap_mm(model, fit_body(scan_of(noisy)), truth))
    assert surface_gap_mm(model, clean, truth) < gaps[1] < gaps[2] < 12


@pytest.mark.slow
def test_holes_are_filled_by_the_body() -> None:
    """Without crown, soles and a hand the person is still recovered, and coverage says what was missing."""
    model = load_body_model("adult")
    params, _ = fitted("adult", 0, "a")
    posed = model.pose(params)
    scan = clean_scan(model, params)
    centre = scan.mesh.vertices[scan.mesh.faces].mean(axis=1)
    wrist = posed.joints[model.joint_index("leftHand")]
    lost = (centre[:, 1] < 0.02) | (centre[:, 1] > centre[:, 1].max() - 0.06) | (centre[:, 0] > wrist[0])
    fit = fit_body(scan_of(Mesh(scan.mesh.vertices, scan.mesh.faces[~lost])))
    assert fit.quality.acceptable, fit.quality.reasons
    assert fit.coverage[model.region("left_hand")].mean() < 0.1
    assert surface_gap_mm(model, fit, posed.vertices) < 3
    elbow = model.joint_index("leftLowerArm")
    assert 1e3 * np.linalg.norm(fit.skeleton.positions[elbow] - posed.joints[elbow]) < 15


@pytest.mark.slow
def test_a_hand_that_the_scan_lacks_is_said_to_be_guessed() -> None:
    model = load_body_model("adult")
    mesh = visible_mesh(model, model.pose(person_params(model, 0)).vertices)
    hand = model.pose(person_params(model, 0)).joints[model.joint_index("leftHand")]
    far = np.linalg.norm(mesh.vertices - hand, axis=1) > 0.2
    fit = fit_body(scan_of(Mesh(mesh.vertices, mesh.faces[far[mesh.faces].all(axis=1)])))
    assert fit.guessed_hands == ("left",)


@pytest.mark.slow
def test_a_thing_as_tall_as_a_person_is_not_accepted() -> None:
    """It is returned with its verdict: the caller decides."""
    ball = sphere(1.0)
    fit = fit_body(scan_of(Mesh(ball.vertices * [0.45, 0.85, 0.3], ball.faces)))
    assert not fit.quality.acceptable
    assert fit.quality.reasons


@pytest.mark.slow
@pytest.mark.long
def test_a_sphere_is_refused() -> None:
    with pytest.raises(StageError, match="no pose and size"):
        fit_body(scan_of(sphere(0.85)))


def test_a_scan_without_surface_is_refused() -> None:
    flat = Mesh(np.zeros((3, 3)), np.array([[0, 1, 2]]))
    with pytest.raises(InputError, match="no surface area"):
        fit_body(scan_of(flat))


def test_the_surface_without_detail_is_the_body() -> None:
    """One coarse level is enough to see it."""
    model = load_body_model("adult")
    params = person_params(model, 0)
    options = FitOptions(levels=FitOptions().levels[:1], detail=False, body="adult")
    fit = fit_body(clean_scan(model, params), options)
    np.testing.assert_array_equal(fit.surface.vertices, fit.body.vertices)
    assert not fit.coverage.any()
    assert not fit.clothing.any()


def test_the_input_is_not_changed_and_each_scan_vertex_has_a_distance() -> None:
    model = load_body_model("adult")
    params, fit = fitted("adult", 0, "a")
    scan = clean_scan(model, params)
    assert len(fit.distance_mm) == len(scan.mesh.vertices)
    assert float(np.abs(fit.distance_mm).mean()) == pytest.approx(fit.quality.surface_mean_mm, rel=0.2)
    assert replace(scan).mesh.vertices.tobytes() == clean_scan(model, params).mesh.vertices.tobytes()


@pytest.mark.slow
def test_a_cloud_is_fitted_like_a_mesh() -> None:
    from bodyscan.geometry.normals import vertex_normals

    model = load_body_model("adult")
    params, _ = fitted("adult", 0, "a")
    mesh = clean_scan(model, params).mesh
    normals = vertex_normals(mesh.vertices, mesh.faces)
    cloud = Mesh(mesh.vertices, np.zeros((0, 3), int), normals=normals)
    fit = fit_body(ScanMesh(cloud, np.ones(len(mesh.vertices))))
    posed = model.pose(params)
    assert surface_gap_mm(model, fit, posed.vertices) < 2 * SURFACE_MM
    assert joint_gap_mm(fit, posed.joints) < JOINTS_MM
