"""Landmarks of a body whose joints are known."""

from __future__ import annotations

import numpy as np
import pytest

from bodyscan.errors import InputError, MissingExtraError
from bodyscan.reconstruct import mediapipe_detector
from bodyscan.reconstruct.landmarks import MIRRORED, LandmarkOptions, detect_landmarks
from bodyscan.reconstruct.mediapipe_detector import POSE_NAMES, PersonDetector
from bodyscan.types import Landmarks, Mesh


@pytest.fixture(scope="module")
def found(person, detector) -> Landmarks:
    landmarks = detect_landmarks(person, detector=detector)
    assert landmarks is not None
    return landmarks


def at(landmarks: Landmarks, name: str) -> np.ndarray:
    return landmarks.positions[landmarks.names.index(name)]


def test_every_name_of_the_body_hands_and_face_is_found(found):
    assert set(POSE_NAMES) <= set(found.names)
    assert {f"{side}_hand_{i}" for side in ("left", "right") for i in range(21)} <= set(found.names)
    assert sum(name.startswith("face_") for name in found.names) > 400
    assert found.confidence[: len(POSE_NAMES)].min() > 0.3


def test_left_is_left_and_the_body_is_in_order(found):
    for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle", "eye", "ear", "heel"):
        assert at(found, f"left_{part}")[0] > at(found, f"right_{part}")[0] + 0.01, part
    heights = [at(found, f"left_{part}")[1] for part in ("ear", "shoulder", "hip", "knee", "ankle", "heel")]
    assert heights == sorted(heights, reverse=True)
    assert at(found, "left_foot_index")[2] > at(found, "left_heel")[2] + 0.1


@pytest.mark.parametrize(
    ("landmark", "joint", "tolerance_m"),
    [
        ("elbow", "LowerArm", 0.05),
        ("wrist", "Hand", 0.04),
        ("knee", "LowerLeg", 0.05),
        ("ankle", "Foot", 0.05),
        ("shoulder", "UpperArm", 0.06),
    ],
)
def test_joints_lie_near_the_true_ones(found, posed_person, landmark, joint, tolerance_m):
    for side in ("left", "right"):
        true = posed_person[1].positions[posed_person[1].joint_names.index(side + joint)]
        assert np.linalg.norm(at(found, f"{side}_{landmark}") - true) < tolerance_m


def test_points_of_the_skin_lie_on_the_surface(found, person):
    for name in ("nose", "left_heel", "right_foot_index", "face_1"):
        index = found.names.index(name)
        assert found.kind[index] == "surface"
        assert np.linalg.norm(person.vertices - found.positions[index], axis=1).min() < 0.02


def test_yaw_turns_the_landmarks_with_the_person(person, found, detector):
    turn = np.array([[0.5, 0, np.sqrt(0.75)], [0, 1, 0], [-np.sqrt(0.75), 0, 0.5]])
    turned = Mesh(person.vertices @ turn.T, person.faces)
    options = LandmarkOptions(hands=False, face=False)
    again = detect_landmarks(turned, options, detector=detector)
    assert again is not None
    moved = np.array([at(found, name) for name in POSE_NAMES]) @ turn.T
    offset = np.linalg.norm(np.array([at(again, name) for name in POSE_NAMES]) - moved, axis=1)
    assert np.median(offset) < 0.015
    assert offset.max() < 0.06


def test_nobody_is_found_on_a_ball(detector):
    grid = np.random.default_rng(0).normal(size=(4000, 3))
    ball = Mesh(grid / np.linalg.norm(grid, axis=1, keepdims=True), np.zeros((0, 3)))
    assert detect_landmarks(ball, detector=detector) is None


def test_the_mirror_table_is_its_own_inverse():
    assert (MIRRORED[MIRRORED] == np.arange(33)).all()
    assert POSE_NAMES[MIRRORED[POSE_NAMES.index("left_knee")]] == "right_knee"


def test_what_cannot_be_asked_is_refused_in_words(detector):
    with pytest.raises(InputError, match=r"num_views must lie in 4\.\.48"):
        LandmarkOptions(num_views=2)
    with pytest.raises(InputError, match="min_views must be at least 2"):
        LandmarkOptions(min_views=1)
    with pytest.raises(InputError, match="at least 128 pixels"):
        LandmarkOptions(picture_px=32)
    with pytest.raises(InputError, match="the mesh is empty"):
        detect_landmarks(Mesh(np.zeros((0, 3)), np.zeros((0, 3))), detector=detector)
    with pytest.raises(InputError, match=r"must be \(H, W, 3\) uint8"):
        detector.pose(np.zeros((4, 4), np.uint8))
    with pytest.raises(InputError, match=r"min_confidence must lie in 0\.\.1"):
        PersonDetector(2.0)


def test_missing_models_are_named(monkeypatch):
    monkeypatch.setitem(mediapipe_detector.MODEL_FILES, "pose", ("pose_detection/gone.tflite",))
    with PersonDetector() as graphs, pytest.raises(MissingExtraError, match=r"gone\.tflite.*0\.10\.21"):
        graphs.pose(np.zeros((64, 64, 3), np.uint8))
    monkeypatch.setattr(mediapipe_detector, "find_spec", lambda name: None)
    with PersonDetector() as graphs, pytest.raises(MissingExtraError, match="pip install mediapipe"):
        graphs.pose(np.zeros((64, 64, 3), np.uint8))
