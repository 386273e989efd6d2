"""The A-pose with a given angle of the arms."""

from __future__ import annotations

import numpy as np
import pytest

from bodyscan.body.arm_pose import arm_pose
from bodyscan.body.asset import load_body_model
from bodyscan.body.poses import standard_pose
from bodyscan.errors import InputError
from bodyscan.types import BodyParams


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("down", [0.0, 30.0, 45.0, 62.5, 70.0])
def test_arms_hang_at_the_angle_asked_for_on_every_build(seed: int, down: float) -> None:
    model = load_body_model("adult")
    betas = np.random.default_rng(seed).normal(size=model.num_components)
    joints = model.pose(BodyParams(betas, arm_pose(model, betas, down), np.zeros(3))).joints
    for side, sign in (("left", 1), ("right", -1)):
        shoulder, elbow, wrist = (
            joints[model.joint_index(side + part)] for part in ("UpperArm", "LowerArm", "Hand")
        )
        arm = wrist - shoulder
        assert np.degrees(np.arctan2(-arm[1], sign * arm[0])) == pytest.approx(down, abs=1e-6)
        assert abs(arm[2]) < 1e-9
        bend = np.linalg.norm(elbow - shoulder) + np.linalg.norm(wrist - elbow) - np.linalg.norm(arm)
        assert bend < 1e-9


def test_at_45_degrees_it_is_the_standard_a_pose() -> None:
    model = load_body_model("adult")
    betas = np.zeros(3)
    np.testing.assert_allclose(arm_pose(model, betas, 45.0), standard_pose(model, betas, "a"), atol=1e-9)


def test_only_the_shoulders_turn() -> None:
    model = load_body_model("adult")
    betas = np.zeros(3)
    changed = np.abs(arm_pose(model, betas, 20.0) - standard_pose(model, betas, "a")).max(axis=1) > 1e-9
    assert {model.joint_names[k] for k in np.flatnonzero(changed)} == {"leftUpperArm", "rightUpperArm"}


@pytest.mark.parametrize("down", [-1.0, 71.0, float("nan")])
def test_an_angle_out_of_range_is_refused(down: float) -> None:
    with pytest.raises(InputError, match="possible are 0 to 70"):
        arm_pose(load_body_model("adult"), np.zeros(3), down)
