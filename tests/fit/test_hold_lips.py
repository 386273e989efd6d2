"""The lips are tied to the detector's where both agree about the face."""

from __future__ import annotations

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.body.landmarks import LANDMARK_NAMES, detector_points
from bodyscan.body.model import BodyModel
from bodyscan.fit.hold_lips import LIPS, hold_lips
from bodyscan.fit.landmark_term import build_landmark_term
from bodyscan.types import Landmarks


@pytest.fixture(scope="module")
def model() -> BodyModel:
    return load_body_model("adult")


def face(model: BodyModel, lips_off_m: float, confidence: float = 1.0) -> Landmarks:
    posed = model.pose(model.zero_params())
    positions = detector_points(model).subset(LANDMARK_NAMES).positions(posed.vertices, posed.joints)
    for k, name in enumerate(LANDMARK_NAMES):
        positions[k, 1] += lips_off_m * (name in {f"face_{i}" for i in LIPS})
    return Landmarks(LANDMARK_NAMES, positions, np.full(len(LANDMARK_NAMES), confidence, np.float32))


@pytest.mark.parametrize(("lips_off_m", "more"), [(0.0, len(LIPS)), (0.006, len(LIPS)), (0.02, 0)])
def test_lips_near_the_bodys_are_held(model: BodyModel, lips_off_m: float, more: int) -> None:
    marks = face(model, lips_off_m)
    term = build_landmark_term(model, marks)
    held = hold_lips(model, model.zero_params(), term, marks)
    assert term is not None
    assert held is not None
    assert len(held.targets) == len(term.targets) + more


def test_lips_that_the_detector_is_not_sure_of_are_left(model: BodyModel) -> None:
    term = build_landmark_term(model, face(model, 0.0))
    assert hold_lips(model, model.zero_params(), term, face(model, 0.0, confidence=0.1)) is term
    assert hold_lips(model, model.zero_params(), None, None) is None


def test_the_line_of_the_lips_lies_at_the_mouth(model: BodyModel) -> None:
    posed = model.pose(model.zero_params())
    points = detector_points(model)
    at = points.subset(tuple(f"face_{k}" for k in LIPS)).positions(posed.vertices, posed.joints)
    left, right = points.subset(("mouth_left", "mouth_right")).positions(posed.vertices, posed.joints)
    assert len(set(LIPS)) == len(LIPS)
    assert np.linalg.norm(at - (left + right) / 2, axis=1).max() < 0.045  # metres
