from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from bodyscan.body.asset import load_body_model
from bodyscan.errors import InputError
from bodyscan.rig.skeleton import BODY_JOINTS, JOINT_SETS, reduce_joints


def _reduced(joint_set: str):
    model = load_body_model("adult")
    return model, reduce_joints(model.joint_names, model.parents, model.skin_weights, joint_set)


@pytest.mark.parametrize(("joint_set", "count"), [("body", 22), ("hands", 52), ("full", 55)])
def test_a_joint_set_has_its_joints_and_weights_still_sum_to_one(joint_set, count):
    _, reduced = _reduced(joint_set)
    assert len(reduced.joint_names) == len(JOINT_SETS[joint_set]) == count
    assert set(reduced.joint_names) == JOINT_SETS[joint_set]
    assert np.abs(np.asarray(reduced.weights.sum(axis=1)) - 1).max() < 1e-12


def test_parents_stand_before_their_children_and_skip_dropped_joints():
    _, reduced = _reduced("body")
    assert reduced.parents[0] == -1
    assert (reduced.parents[1:] < np.arange(1, 22)).all()
    names = reduced.joint_names
    assert names[reduced.parents[names.index("leftHand")]] == "leftLowerArm"


def test_the_weight_of_fingers_goes_to_the_hand_and_of_the_eyes_to_the_head():
    model, reduced = _reduced("body")
    whole = model.skin_weights.toarray()
    hand = [
        j
        for j, name in enumerate(model.joint_names)
        if name == "leftHand" or (name.startswith("left") and name not in BODY_JOINTS and "Eye" not in name)
    ]
    face = [model.joint_index(name) for name in ("head", "jaw", "leftEye", "rightEye")]
    merged = reduced.weights.toarray()
    assert np.allclose(merged[:, reduced.joint_names.index("leftHand")], whole[:, hand].sum(axis=1))
    assert np.allclose(merged[:, reduced.joint_names.index("head")], whole[:, face].sum(axis=1))


def test_the_whole_set_changes_nothing():
    model, reduced = _reduced("full")
    assert reduced.joint_names == model.joint_names
    assert (reduced.parents == model.parents).all()
    assert abs(reduced.weights - model.skin_weights).max() == 0


def test_an_unknown_set_names_the_known_ones():
    with pytest.raises(InputError, match="possible are body, hands, full"):
        _reduced("fingers")


def test_a_skeleton_with_other_names_is_refused():
    weights = sparse.csr_matrix(np.ones((3, 1)))
    with pytest.raises(InputError, match=r"lacks chest.*It has: pelvis"):
        reduce_joints(("pelvis",), np.array([-1], np.int32), weights, "body")
