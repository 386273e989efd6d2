"""Fists and open hands: the fingers' first guess."""

from __future__ import annotations

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.body.model import BodyModel
from bodyscan.body.poses import standard_pose
from bodyscan.fit.hands import curled, guess_hands, with_fingers
from bodyscan.fit.scan_points import ScanPoints, draw_scan_points
from bodyscan.fit.start import seen_faces
from bodyscan.types import BodyParams, Mesh, ScanMesh


@pytest.fixture(scope="module")
def model() -> BodyModel:
    return load_body_model("adult")


@pytest.fixture(scope="module")
def open_hands(model: BodyModel) -> BodyParams:
    betas = np.zeros(model.num_components)
    return BodyParams(betas, standard_pose(model, betas, "a"), np.zeros(3))


def scan_of(model: BodyModel, params: BodyParams, noise_m: float = 0.0) -> ScanPoints:
    vertices = model.pose(params).vertices
    vertices = vertices + np.random.default_rng(3).normal(0, max(noise_m, 1e-12), vertices.shape)
    mesh = Mesh(vertices, model.faces[seen_faces(model)])
    return draw_scan_points(ScanMesh(mesh, np.ones(len(vertices), np.float32)), 40_000, 0)


def test_open_hands_stay_open(model: BodyModel, open_hands: BodyParams) -> None:
    found, curls = guess_hands(model, open_hands, scan_of(model, open_hands))
    assert curls == {"left": 0.0, "right": 0.0}
    moved = np.linalg.norm(model.pose(found).vertices - model.pose(open_hands).vertices, axis=1)
    assert moved.max() < 1e-6  # metres


@pytest.mark.parametrize("noise_m", [0.0, 0.002])
def test_one_fist_is_found_and_the_other_hand_left_alone(
    model: BodyModel, open_hands: BodyParams, noise_m: float
) -> None:
    truth = curled(model, open_hands, "left", 0.9)
    found, curls = guess_hands(model, open_hands, scan_of(model, truth, noise_m))
    assert curls["left"] >= 0.7
    assert curls["right"] == 0.0
    tip = model.joint_index("leftMiddleDistal")
    assert np.linalg.norm(model.pose(found).joints[tip] - model.pose(truth).joints[tip]) < 0.02  # metres


@pytest.mark.parametrize("side", ["left", "right"])
def test_a_fist_brings_the_fingertips_to_the_palm(
    model: BodyModel, open_hands: BodyParams, side: str
) -> None:
    palm, tip = model.joint_index(f"{side}MiddleProximal"), model.joint_index(f"{side}MiddleDistal")
    reach = [
        np.linalg.norm(joints[tip] - joints[palm])
        for joints in (model.pose(curled(model, open_hands, side, c)).joints for c in (0.0, 0.5, 1.0))
    ]
    assert reach[0] > reach[1] > reach[2]
    fist, straight = model.pose(curled(model, open_hands, side, 0.5)).joints, model.pose(open_hands).joints
    # In the A-pose the palms face down and inwards: a closing hand goes there.
    assert fist[tip, 1] < straight[tip, 1] + 0.03
    inwards = -1.0 if side == "left" else 1.0
    assert inwards * (fist[tip, 0] - straight[tip, 0]) > 0


def test_the_reference_pose_takes_the_fingers_and_nothing_else(
    model: BodyModel, open_hands: BodyParams
) -> None:
    fist = curled(model, open_hands, "left", 1.0)
    mean = with_fingers(model, open_hands.pose_rotvec, fist)
    changed = {
        model.joint_names[j]
        for j in np.flatnonzero(np.abs(mean - open_hands.pose_rotvec).max(axis=1) > 1e-12)
    }
    assert changed
    assert all(
        name.startswith("left") and any(f in name for f in ("Thumb", "Index", "Middle", "Ring", "Little"))
        for name in changed
    )
