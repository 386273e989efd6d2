"""Fists and open hands: the fingers' first guess."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.body.landmarks import joint_names_of_landmarks
from bodyscan.body.model import BodyModel
from bodyscan.body.poses import standard_pose
from bodyscan.fit.hand_chain import FLEXION, build_hand_chain
from bodyscan.fit.hand_prior import of_longest_ending
from bodyscan.fit.hands import FIST_RAD, HandGuess, guess_hands, with_fingers
from bodyscan.fit.scan_points import ScanPoints, draw_scan_points
from bodyscan.fit.start import seen_faces
from bodyscan.types import F64, BodyParams, Landmarks, Mesh, ScanMesh


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


def joint_errors_mm(model: BodyModel, truth: BodyParams, hands: dict[str, HandGuess], side: str) -> F64:
    """(16,) of wrist and fingers."""
    true = model.pose(truth).joints[hands[side].joint_ids]
    return 1e3 * np.linalg.norm(hands[side].joints - true, axis=1)


def bent(model: BodyModel, params: BodyParams, side: str, curls: dict[str, float]) -> BodyParams:
    """Fingers by name at shares of a fist; all others as they are."""
    chain = build_hand_chain(model, params, side)
    assert chain is not None
    pose = chain.pose_of(params)
    angles = pose.angles.copy()
    for k, name in enumerate(chain.names[1:]):
        for finger, curl in curls.items():
            if name.startswith(finger):
                angles[k, FLEXION] = curl * of_longest_ending(FIST_RAD, name)
    return chain.put_into(params, replace(pose, angles=angles))


FINGERS = ("Thumb", "Index", "Middle", "Ring", "Little")
HANDS = {
    "open": dict.fromkeys(FINGERS, 0.0),
    "half closed": dict.fromkeys(FINGERS, 0.5),
    "fist": dict.fromkeys(FINGERS, 0.95),
    "pointing": {**dict.fromkeys(FINGERS, 0.9), "Index": 0.05},
    "thumb up": {**dict.fromkeys(FINGERS, 0.9), "Thumb": -0.3},
}


@pytest.mark.parametrize("name", HANDS)
@pytest.mark.parametrize("noise_m", [0.0, 0.002])
def test_hands_are_found(model: BodyModel, open_hands: BodyParams, name: str, noise_m: float) -> None:
    truth = bent(model, open_hands, "left", HANDS[name])
    _, hands = guess_hands(model, open_hands, scan_of(model, truth, noise_m))
    assert joint_errors_mm(model, truth, hands, "left").mean() < 3.0
    assert joint_errors_mm(model, truth, hands, "left").max() < 8.0
    assert joint_errors_mm(model, truth, hands, "right").mean() < 2.0


def test_long_fingers_are_found_from_average_ones(model: BodyModel, open_hands: BodyParams) -> None:
    chain = build_hand_chain(model, open_hands, "left")
    assert chain is not None
    length = np.linalg.norm(np.diff(chain.joint_modes[:, 4:7], axis=1), axis=(1, 2))
    mode = int(length[1:].argmax()) + 1
    for sign in (-1.0, 1.0):
        betas = open_hands.betas.copy()
        betas[: len(chain.betas_of_modes)] += 3.0 * sign * chain.betas_of_modes[:, mode]
        truth = BodyParams(betas, open_hands.pose_rotvec, open_hands.translation)
        wrists = [model.pose(each).joints[chain.joint_ids[0]] for each in (open_hands, truth)]
        truth = replace(truth, translation=wrists[0] - wrists[1])  # the arm has grown too
        _, hands = guess_hands(model, open_hands, scan_of(model, truth))
        assert joint_errors_mm(model, truth, hands, "left").mean() < 4.0


def test_the_detectors_hand_is_only_a_candidate(model: BodyModel, open_hands: BodyParams) -> None:
    fist = bent(model, open_hands, "left", HANDS["fist"])
    joints = model.pose(fist).joints
    marks = {
        mark: joint for mark, joint in joint_names_of_landmarks().items() if mark.startswith("left_hand")
    }
    positions = np.array([joints[model.joint_index(joint)] for joint in marks.values()])
    wrong = Landmarks(tuple(marks), positions, np.ones(len(marks), np.float32))
    _, hands = guess_hands(model, open_hands, scan_of(model, open_hands), wrong)
    assert joint_errors_mm(model, open_hands, hands, "left").max() < 5.0


def test_a_hand_that_cannot_be_made_out_is_put_at_rest(model: BodyModel, open_hands: BodyParams) -> None:
    points = scan_of(model, bent(model, open_hands, "left", HANDS["fist"]))
    beside = points.points[:, 0] > 0.5
    noise = np.random.default_rng(0).normal(0, 0.02, points.points.shape) * beside[:, None]
    found, hands = guess_hands(model, open_hands, replace(points, points=points.points + noise))
    assert "left" not in hands
    chain = build_hand_chain(model, found, "left")
    assert chain is not None
    shares = chain.pose_of(found).angles[:, FLEXION] / [
        of_longest_ending(FIST_RAD, n) for n in chain.names[1:]
    ]
    assert ((shares > 0.2) & (shares < 0.35)).all()


def test_a_hand_that_is_not_in_the_scan_stays_as_it_is(model: BodyModel, open_hands: BodyParams) -> None:
    points = scan_of(model, open_hands)
    keep = points.points[:, 0] < 0.3
    cut = replace(
        points,
        **{
            each.name: getattr(points, each.name)[keep]
            for each in fields(points)
            if np.ndim(getattr(points, each.name))
        },
    )
    found, hands = guess_hands(model, open_hands, cut)
    assert set(hands) == {"right"}
    fingers = [j for j, name in enumerate(model.joint_names) if name.startswith("left")]
    assert np.allclose(found.pose_rotvec[fingers], open_hands.pose_rotvec[fingers])


def test_the_reference_pose_takes_the_fingers_and_nothing_else(
    model: BodyModel, open_hands: BodyParams
) -> None:
    fist = bent(model, open_hands, "left", HANDS["fist"])
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
