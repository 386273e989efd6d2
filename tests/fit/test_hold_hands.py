"""Found hands as landmarks of the whole body."""

from __future__ import annotations

import numpy as np

from bodyscan.body.asset import load_body_model
from bodyscan.body.poses import standard_pose
from bodyscan.fit.hand_chain import build_hand_chain
from bodyscan.fit.hands import HandGuess
from bodyscan.fit.hold_hands import hold_hands
from bodyscan.fit.landmark_term import build_landmark_term
from bodyscan.types import BodyParams, Landmarks


def test_held_hands_replace_the_detectors() -> None:
    model = load_body_model("adult")
    betas = np.zeros(model.num_components)
    params = BodyParams(betas, standard_pose(model, betas, "a"), np.zeros(3))
    posed, hands = model.pose(params), {}
    for side in ("left", "right"):
        chain = build_hand_chain(model, params, side)
        assert chain is not None
        tips = chain.vertex_ids[chain.tips]
        support = np.array([1.0, 1.0, 0.5, 0.0, 1.0, 1.0])
        joints = posed.joints[chain.joint_ids]
        hands[side] = HandGuess(chain.joint_ids, joints, tips, posed.vertices[tips], support, 0.0, 0.1)
    places = {
        "nose": (0, 1.6, 0.1),
        "left_hand_8": (0, 0, 0),
        "left_knee": (0.1, 0.5, 0),
        "left_hip": (0.1, 1, 0),
        "right_hip": (-0.1, 1, 0),
    }
    marks = Landmarks(tuple(places), np.array(list(places.values()), float), np.ones(len(places), np.float32))
    term = hold_hands(model, build_landmark_term(model, marks), hands)
    assert term is not None
    assert term.least_weight is not None
    assert len(term.targets) == len(places) - 1 + 2 * (16 + 5)
    assert not (term.targets == 0).all(axis=1).any()
    held = term.least_weight > 0
    gap = term.positions(posed.vertices, posed.joints)[held] - term.targets[held]
    assert np.abs(gap).max() < 1e-9  # metres
    # A finger that the scan hides binds less: 3 mm where it is shown.
    assert np.isclose(term.sigma_m[held].min(), 0.003)
    assert np.isclose(term.sigma_m[held].max(), 0.003 / np.sqrt(0.05))
    assert hold_hands(model, None, {}) is None
