"""Points on the body move with it, and sit where their names say."""

from __future__ import annotations

import numpy as np
import pytest

from body.smpl_files import tiny_model
from bodyscan.body.asset import load_body_model
from bodyscan.body.landmarks import (
    JOINT_ONLY_SIGMA_M,
    LANDMARK_NAMES,
    POSE_LANDMARKS,
    body_landmarks,
    body_points,
    detector_points,
)
from bodyscan.body.poses import standard_pose
from bodyscan.errors import InputError
from bodyscan.reconstruct.mediapipe_detector import POSE_NAMES
from bodyscan.types import BodyParams


def standing(age: str = "adult", seed: int = 0):
    model = load_body_model(age)
    betas = np.random.default_rng(seed).normal(size=model.num_components)
    return model, model.pose(BodyParams(betas, standard_pose(model, betas, "a"), np.zeros(3)))


def test_the_names_are_the_detectors_own() -> None:
    assert POSE_LANDMARKS == POSE_NAMES
    assert len(set(LANDMARK_NAMES)) == 33 + 42 + 478
    assert set(detector_points(load_body_model("adult")).names) == set(LANDMARK_NAMES)


@pytest.mark.parametrize("table", [detector_points, body_points])
def test_points_move_with_the_body(table) -> None:
    model, posed = standing()
    points = table(model)
    shift = np.array([1.0, -2.0, 0.5])
    np.testing.assert_allclose(
        points.positions(posed.vertices + shift, posed.joints + shift),
        points.positions(posed.vertices, posed.joints) + shift,
        atol=1e-9,
    )


def test_every_point_knows_how_sure_it_is() -> None:
    sigma = detector_points(load_body_model("adult")).sigma_m
    assert (sigma > 0.0003).all()
    assert (sigma < 0.03).all()


@pytest.mark.parametrize("age", ["adult", "child"])
@pytest.mark.parametrize("seed", [0, 1])
def test_detector_points_lie_near_the_joints_of_their_names(age: str, seed: int) -> None:
    model, posed = standing(age, seed)
    points = detector_points(model)
    places = dict(zip(points.names, points.positions(posed.vertices, posed.joints), strict=True))
    tall = np.ptp(posed.vertices[:, 1])
    for part, joint in (("shoulder", "UpperArm"), ("knee", "LowerLeg"), ("hand_5", "IndexProximal")):
        for side in ("left", "right"):
            away = np.linalg.norm(places[f"{side}_{part}"] - posed.joints[model.joint_index(side + joint)])
            assert away < 0.04 * tall


def test_anatomy_is_in_order() -> None:
    model, posed = standing()
    at = body_landmarks(model, posed.vertices, posed.joints)
    order = ["crown", "glabella", "nose_tip", "chin", "c7", "suprasternale", "left_nipple", "navel", "crotch",
             "left_knee_cap", "left_ankle_outer"]  # fmt: skip
    heights = [at[name][1] for name in order]
    assert heights == sorted(heights, reverse=True)
    for name in at:
        if name.startswith("left_"):
            assert at[name][0] > at["right_" + name.removeprefix("left_")][0], name
    assert at["nose_tip"][2] > at["back_of_head"][2]
    assert at["left_toe_tip"][2] > at["left_heel"][2]


def test_a_subset_keeps_the_order_asked_for() -> None:
    points = detector_points(load_body_model("adult"))
    few = points.subset(("right_wrist", "nose"))
    assert few.names == ("right_wrist", "nose")
    assert few.over_vertices.get_shape()[0] == 2
    with pytest.raises(InputError, match=r"Unknown landmarks \['left_horn'\]; the table holds 553"):
        points.subset(("left_horn",))


def test_another_topology_gets_its_joints_by_name() -> None:
    points = detector_points(tiny_model())
    assert {"left_shoulder", "right_ankle", "left_hand_0"} <= set(points.names)
    assert (points.sigma_m == JOINT_ONLY_SIGMA_M).all()
    with pytest.raises(InputError, match="named points are known for the packaged body"):
        body_points(tiny_model())
