"""What a hand's prior pulls to, and which fingers move together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.body.poses import standard_pose
from bodyscan.fit.hand_chain import FLEXION, HandChain, HandPose, build_hand_chain
from bodyscan.fit.hand_prior import LIMITS_RAD, STD_RAD, build_hand_prior, of_longest_ending
from bodyscan.types import BodyParams


@pytest.fixture(scope="module")
def chain() -> HandChain:
    model = load_body_model("adult")
    betas = np.zeros(model.num_components)
    built = build_hand_chain(model, BodyParams(betas, standard_pose(model, betas, "a"), np.zeros(3)), "left")
    assert built is not None
    return built


@pytest.fixture(scope="module")
def start(chain: HandChain) -> HandPose:
    return HandPose(np.zeros(3), np.eye(3), np.zeros((15, 3)), chain.mean_shape)


def gradient_at(chain: HandChain, start: HandPose, pose: HandPose) -> np.ndarray:
    prior = build_hand_prior(chain, start, start.angles)
    hessian, gradient = np.zeros_like(prior.hessian), np.zeros_like(prior.mean)
    prior.add_to(hessian, gradient, pose)
    assert np.linalg.eigvalsh(hessian).min() > 0
    return gradient


def flexed(pose: HandPose, joint: int, by_rad: float) -> HandPose:
    angles = pose.angles.copy()
    angles[joint, FLEXION] += by_rad
    return replace(pose, angles=angles)


def test_the_start_is_where_nothing_pulls(chain: HandChain, start: HandPose) -> None:
    assert np.abs(gradient_at(chain, start, start)).max() < 1e-9


def test_a_flexed_finger_takes_its_neighbour_and_its_own_tip_along(chain: HandChain, start: HandPose) -> None:
    names = chain.names[1:]
    pull = gradient_at(chain, start, flexed(start, names.index("IndexIntermediate"), 0.5))
    flexion = dict(zip(names, pull[6 + FLEXION : 51 : 3], strict=True))
    assert flexion["IndexIntermediate"] > 0
    assert flexion["IndexDistal"] < 0
    assert flexion["MiddleIntermediate"] < 0
    assert flexion["LittleIntermediate"] == 0


@pytest.mark.parametrize("end", [0, 1])
def test_limits_push_back_hard(chain: HandChain, start: HandPose, end: int) -> None:
    joint = chain.names[1:].index("MiddleIntermediate")
    limit = LIMITS_RAD["Intermediate"][end] - chain.rest_flexion[joint]
    column = 6 + 3 * joint + FLEXION
    outwards = -1.0 if end == 0 else 1.0
    inside, outside = (
        gradient_at(chain, start, flexed(start, joint, limit + outwards * over))[column]
        for over in (-0.05, 0.05)
    )
    assert outwards * (outside - inside) > 10.0


def test_every_joint_has_its_own_entry(chain: HandChain) -> None:
    assert of_longest_ending(STD_RAD, "ThumbProximal") == STD_RAD["ThumbProximal"]
    assert of_longest_ending(STD_RAD, "RingProximal") == STD_RAD["Proximal"]
    assert all(len(of_longest_ending(STD_RAD, name)) == 3 for name in chain.names)
