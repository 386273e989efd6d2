"""One hand as a chain of angles: the same hand as the body model's, with exact derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.body.model import BodyModel
from bodyscan.body.poses import standard_pose
from bodyscan.fit.hand_chain import FLEXION, HandChain, build_hand_chain
from bodyscan.types import BodyParams


@pytest.fixture(scope="module")
def model() -> BodyModel:
    return load_body_model("adult")


@pytest.fixture(scope="module")
def person(model: BodyModel) -> BodyParams:
    betas = np.random.default_rng(2).normal(size=model.num_components)
    return BodyParams(betas, standard_pose(model, betas, "a"), np.array([0.1, 0.0, -0.2]))


@pytest.fixture(scope="module", params=["left", "right"])
def chain(model: BodyModel, person: BodyParams, request: pytest.FixtureRequest) -> HandChain:
    built = build_hand_chain(model, person, request.param)
    assert built is not None
    return built


def test_a_chain_is_the_body_models_hand(model: BodyModel, person: BodyParams, chain: HandChain) -> None:
    rng = np.random.default_rng(0)
    turned = np.concatenate([np.zeros(3), rng.normal(0, 0.3, 48), np.zeros(7)])
    pose = chain.pose_of(person).moved(turned)
    ours, theirs = chain.state(pose), model.pose(chain.put_into(person, pose))
    hand = chain.in_hand
    assert np.abs(ours.vertices - theirs.vertices[chain.vertex_ids])[hand].max() < 1e-6  # metres
    assert np.abs(ours.joints - theirs.joints[chain.joint_ids]).max() < 1e-9


def test_shape_modes_are_the_body_models(model: BodyModel, person: BodyParams, chain: HandChain) -> None:
    shape = np.array([0.3, 1.0, -2.0, 1.0, 0.5, -0.4, 0.2])
    pose = chain.pose_of(person).moved(np.concatenate([np.zeros(51), shape]))
    betas = person.betas.copy()
    betas[: len(chain.betas_of_modes)] += chain.betas_of_modes @ shape
    ours = chain.state(pose)
    theirs = model.pose(chain.put_into(BodyParams(betas, person.pose_rotvec, person.translation), pose))
    # The arm before it grows too: only what lies behind the wrist is the hand's.
    gap = (theirs.joints[chain.joint_ids] - theirs.joints[chain.joint_ids[0]]) - (
        ours.joints - ours.joints[0]
    )
    assert np.abs(gap).max() < 1e-6  # metres


def test_derivatives_are_those_of_small_differences(person: BodyParams, chain: HandChain) -> None:
    count = 51 + len(chain.joint_modes)
    pose = chain.pose_of(person).moved(np.random.default_rng(1).normal(0, 0.3, count))
    state, ids = chain.state(pose), np.arange(0, len(chain.rest), 90)
    directions = np.random.default_rng(2).normal(size=(len(ids), 3))
    rows, joint_rows = chain.rows(state, ids, directions), chain.joint_rows(state)
    step = 1e-6
    for column in range(count):
        moved = chain.state(pose.moved(step * np.eye(count)[column]))
        vertex = np.sum((moved.vertices - state.vertices)[ids] * directions, axis=1) / step
        joint = (moved.joints - state.joints).reshape(-1) / step
        assert np.abs(vertex - rows[:, column]).max() < 1e-5
        assert np.abs(joint - joint_rows[:, column]).max() < 1e-5


def test_no_pairs_give_no_rows(person: BodyParams, chain: HandChain) -> None:
    state = chain.state(chain.pose_of(person))
    rows = chain.rows(state, np.zeros(0, dtype=int), np.zeros((0, 3)))
    assert rows.shape == (0, 51 + len(chain.joint_modes))


def test_flexion_closes_every_finger(person: BodyParams, chain: HandChain) -> None:
    start = chain.pose_of(person)
    closed = np.zeros(51 + len(chain.joint_modes))
    closed[6 + FLEXION : 51 : 3] = 0.8
    palm = chain.state(start).joints[[4, 7, 10, 13]].mean(axis=0)
    before, after = (chain.state(pose).vertices[chain.tips] for pose in (start, start.moved(closed)))
    assert (np.linalg.norm(after - palm, axis=1) < np.linalg.norm(before - palm, axis=1) - 0.005).all()


def test_tips_lie_at_the_fingers_ends(person: BodyParams, chain: HandChain) -> None:
    state = chain.state(chain.pose_of(person))
    away = np.linalg.norm(state.vertices[chain.tips] - state.joints[[3, 6, 9, 12, 15]], axis=1)
    assert ((away > 0.01) & (away < 0.045)).all()  # metres


def test_a_model_without_fingers_has_no_chain(model: BodyModel, person: BodyParams) -> None:
    bare = model.at_vertices(np.arange(model.num_vertices, dtype=np.int32))
    object.__setattr__(bare, "region_names", ("torso",))
    assert build_hand_chain(bare, person, "left") is None
