"""People stand as they were told, and a little unlike each other."""

from __future__ import annotations

import numpy as np

from bodyscan.body.asset import load_body_model
from bodyscan.simulate.options import RawScanOptions
from bodyscan.simulate.posing import scan_pose
from bodyscan.types import BodyParams

MODEL = load_body_model("adult")
BETAS = np.zeros(MODEL.num_components)
STILL = {"joint_sd_deg": 0.0, "head_turn_deg": 0.0, "sway_deg": 0.0}


def joints_in(**options) -> dict[str, np.ndarray]:
    pose = scan_pose(np.random.default_rng(4), MODEL, BETAS, RawScanOptions(**options))
    posed = MODEL.pose(BodyParams(BETAS, pose, np.zeros(3)))
    return dict(zip(MODEL.joint_names, posed.joints, strict=True))


def ankle_gap(**options) -> float:
    joints = joints_in(**STILL, **options)
    return float(joints["leftFoot"][0] - joints["rightFoot"][0])


def test_legs_come_together_and_apart():
    assert ankle_gap(legs="together") < ankle_gap(legs="standard") - 0.05 < ankle_gap(legs="apart") - 0.1


def test_a_fist_brings_the_finger_tips_to_the_palm_of_both_hands():
    open_hand, fist = joints_in(**STILL, hands="open"), joints_in(**STILL, hands="fist")
    for side in ("left", "right"):
        for joints, low, high in ((open_hand, 0.12, 0.2), (fist, 0.0, 0.1)):
            reach = np.linalg.norm(joints[f"{side}MiddleDistal"] - joints[f"{side}Hand"])
            assert low < reach < high


def test_the_soles_stay_on_the_floor_when_the_legs_move():
    for legs in ("standard", "apart", "together"):
        pose = scan_pose(np.random.default_rng(4), MODEL, BETAS, RawScanOptions(**STILL, legs=legs))
        vertices = MODEL.pose(BodyParams(BETAS, pose, np.zeros(3))).vertices
        low = [vertices[MODEL.region(f"{side}_foot"), 1].min() for side in ("left", "right")]
        assert abs(low[0] - low[1]) < 0.005


def test_knees_and_elbows_bend_the_way_people_bend():
    """Forwards at the elbow, backwards at the knee, for every draw."""
    options = RawScanOptions(joint_sd_deg=6.0, sway_deg=0.0)
    straight = scan_pose(np.random.default_rng(0), MODEL, BETAS, RawScanOptions(**STILL))
    for seed in range(10):
        drawn = scan_pose(np.random.default_rng(seed), MODEL, BETAS, options)
        for side in ("left", "right"):
            j = MODEL.joint_index(f"{side}LowerLeg")
            assert drawn[j, 0] - straight[j, 0] > -np.radians(4)


def test_an_option_of_the_hands_leaves_the_legs_as_they_are():
    a = scan_pose(np.random.default_rng(4), MODEL, BETAS, RawScanOptions(hands="open"))
    b = scan_pose(np.random.default_rng(4), MODEL, BETAS, RawScanOptions(hands="fist"))
    legs = [j for j, name in enumerate(MODEL.joint_names) if "Leg" in name or "Foot" in name]
    np.testing.assert_array_equal(a[legs], b[legs])
