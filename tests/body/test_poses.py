"""Standard poses look the same on every build."""

from __future__ import annotations

import numpy as np
import pytest

from body.smpl_files import tiny_model
from bodyscan.body.asset import load_body_model
from bodyscan.body.poses import ARM_DOWN_DEG, LEG_OUT_DEG, standard_pose
from bodyscan.errors import InputError
from bodyscan.types import BodyParams


def joints_of(age: str, seed: int, pose: str):
    model = load_body_model(age)
    betas = np.random.default_rng(seed).normal(size=model.num_components)
    posed = model.pose(BodyParams(betas, standard_pose(model, betas, pose), np.zeros(3)))
    return lambda name: posed.joints[model.joint_index(name)]


@pytest.mark.parametrize("age", ["adult", "child"])
@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("pose", list(ARM_DOWN_DEG))
def test_arms_and_legs_point_where_the_pose_says(age: str, seed: int, pose: str) -> None:
    joint = joints_of(age, seed, pose)
    for side, sign in (("left", 1), ("right", -1)):
        arm = joint(f"{side}Hand") - joint(f"{side}UpperArm")
        down = np.degrees(np.arctan2(-arm[1], sign * arm[0]))
        assert down == pytest.approx(ARM_DOWN_DEG[pose], abs=0.01)
        assert abs(arm[2]) < 1e-3
        leg = joint(f"{side}Foot") - joint(f"{side}UpperLeg")
        assert np.degrees(np.arctan2(sign * leg[0], -leg[1])) == pytest.approx(LEG_OUT_DEG[pose], abs=0.01)


@pytest.mark.parametrize("seed", [3, 4])
def test_wrists_are_level_with_the_shoulders_in_t(seed: int) -> None:
    joint = joints_of("adult", seed, "t")
    for side in ("left", "right"):
        assert joint(f"{side}Hand")[1] == pytest.approx(joint(f"{side}UpperArm")[1], abs=1e-3)


def test_palms_face_down_in_t() -> None:
    joint = joints_of("adult", 5, "t")
    for side in ("left", "right"):
        row = joint(f"{side}IndexProximal") - joint(f"{side}LittleProximal")
        assert row[2] > 0.9 * np.linalg.norm(row)


def test_an_unknown_pose_is_refused() -> None:
    model = load_body_model("adult")
    with pytest.raises(InputError, match=r"Unknown pose 'lotus'. Known poses: t, a, relaxed"):
        standard_pose(model, np.zeros(1), "lotus")


def test_a_body_without_fingers_is_posed_too() -> None:
    model = tiny_model()
    posed = model.pose(BodyParams(np.zeros(10), standard_pose(model, np.zeros(10), "t"), np.zeros(3)))
    for side, sign in (("left", 1), ("right", -1)):
        arm = (
            posed.joints[model.joint_index(f"{side}Fist")]
            - posed.joints[model.joint_index(f"{side}UpperArm")]
        )
        np.testing.assert_allclose(arm / np.linalg.norm(arm), [sign, 0, 0], atol=1e-9)
