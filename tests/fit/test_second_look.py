"""An arm without a hand is tried as the other one is held."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.body.poses import standard_pose
from bodyscan.fit.hands import guess_hands
from bodyscan.fit.options import LEVELS
from bodyscan.fit.prior import build_pose_prior
from bodyscan.fit.scan_points import draw_scan_points
from bodyscan.fit.second_look import look_again, mirrored_arm
from bodyscan.fit.solve import Problem
from bodyscan.fit.start import seen_area_weights, seen_faces
from bodyscan.types import BodyParams
from fit.people import clean_scan, person_params


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_mirrored_arm_of_a_symmetric_pose_is_the_arm_itself(side: str) -> None:
    model = load_body_model("adult")
    pose = standard_pose(model, np.zeros(model.num_components), "a")
    np.testing.assert_allclose(mirrored_arm(model, pose, side), pose, atol=1e-3)


def test_the_mirrored_arm_of_the_mean_person_lies_mirrored() -> None:
    model = load_body_model("adult")
    params = person_params(model, 3, jitter_rad=0.2)
    pose = np.array(params.pose_rotvec)
    trunk = [model.joint_index(name) for name in ("hips", "spine", "chest", "upperChest")]
    pose[trunk] = 0
    turned = mirrored_arm(model, pose, "left")
    joints = model.pose(BodyParams(np.zeros(model.num_components), turned, np.zeros(3))).joints
    for part in ("UpperArm", "LowerArm", "Hand", "IndexDistal"):
        left, right = (joints[model.joint_index(side + part)] for side in ("left", "right"))
        np.testing.assert_allclose(left, right * [-1, 1, 1], atol=2e-3)
    others = ~model.descendants[:, model.joint_index("leftShoulder")]
    np.testing.assert_array_equal(turned[others], pose[others])


@pytest.mark.slow
def test_an_arm_that_lies_turned_about_itself_is_found_again() -> None:
    model = load_body_model("adult")
    truth = person_params(model, 1, pose="t")
    prior = build_pose_prior(model, model.rest_joints(truth.betas), np.array(truth.pose_rotvec))
    points = draw_scan_points(clean_scan(model, truth), 60_000, 0)
    problem = Problem(model, points, prior, None, seen_area_weights(model), seen_faces(model), 0)
    pose = np.array(truth.pose_rotvec)
    pose[model.joint_index("leftUpperArm")] += [1.5, 0.0, 0.25]
    wrong = replace(truth, pose_rotvec=pose)
    params, hands = guess_hands(model, wrong, points)
    assert set(hands) == {"right"}
    params, hands, steps = look_again(problem, params, hands, None, LEVELS[1])
    assert set(hands) == {"left", "right"}
    assert steps > 0
    true = model.pose(truth).joints[hands["left"].joint_ids]
    assert 1e3 * np.linalg.norm(hands["left"].joints - true, axis=1).mean() < 5.0


def test_nothing_is_tried_where_both_hands_or_none_were_found() -> None:
    model = load_body_model("adult")
    params = person_params(model, 0)
    problem = None  # never looked at
    for hands in ({}, {"left": None, "right": None}):
        assert look_again(problem, params, hands, None, LEVELS[1]) == (params, hands, 0)  # type: ignore[arg-type]
