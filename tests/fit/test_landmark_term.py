"""Detected points as targets of the body's."""

from __future__ import annotations

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.body.landmarks import LANDMARK_NAMES, detector_points
from bodyscan.body.model import BodyModel
from bodyscan.fit.landmark_term import ENOUGH, GROUPS, build_landmark_term, chosen, joined
from bodyscan.types import Landmarks


@pytest.fixture(scope="module")
def model() -> BodyModel:
    return load_body_model("adult")


def marks_of(model: BodyModel, names: tuple[str, ...], confidence: float = 1.0) -> Landmarks:
    posed = model.pose(model.zero_params())
    points = detector_points(model).subset(names)
    sure = np.full(len(names), confidence, np.float32)
    return Landmarks(names, points.positions(posed.vertices, posed.joints), sure)


def test_points_of_the_body_itself_have_no_gap(model: BodyModel) -> None:
    posed = model.pose(model.zero_params())
    term = build_landmark_term(model, marks_of(model, LANDMARK_NAMES))
    assert term is not None
    assert 150 < len(term.targets) < len(LANDMARK_NAMES)
    assert np.abs(term.positions(posed.vertices, posed.joints) - term.targets).max() < 1e-9  # metres


def test_unsure_points_are_left_out_and_few_points_are_none(model: BodyModel) -> None:
    assert build_landmark_term(model, None) is None
    assert build_landmark_term(model, marks_of(model, LANDMARK_NAMES, confidence=0.1)) is None
    assert build_landmark_term(model, marks_of(model, LANDMARK_NAMES[:3])) is None


@pytest.mark.parametrize("name", GROUPS)
def test_a_group_is_worth_no_more_than_stated(model: BodyModel, name: str) -> None:
    members = tuple(each for each in LANDMARK_NAMES if each.startswith(name + "_"))
    term = build_landmark_term(model, marks_of(model, members))
    assert term is not None
    assert np.sum(GROUPS[name].least_sigma_m ** 2 / term.sigma_m**2) <= GROUPS[name].worth + 1e-9
    assert min(len(members), ENOUGH * GROUPS[name].worth) <= len(term.targets) <= len(members)


def test_joined_terms_hold_the_points_of_both(model: BodyModel) -> None:
    term = build_landmark_term(model, marks_of(model, LANDMARK_NAMES))
    assert term is not None
    first = np.arange(len(term.targets)) < 100
    both = joined(chosen(term, first), chosen(term, ~first))
    assert np.array_equal(both.targets, term.targets)
    assert np.array_equal(both.sigma_m, term.sigma_m)
    assert abs(both.vertex_weights - term.vertex_weights).max() == 0
    assert both.least_weight is not None
    assert not both.least_weight.any()
