from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodyscan.consent.seal import PartVerdict, compare_seal
from consent.bodies import body, report, sealed
from gltf.full_size import full_size_twin

JOINTS = full_size_twin("a").rig.skeleton.joint_names


def repainted(source: str, target: str, share: float) -> dict[str, np.ndarray]:
    """Give a share of one joint's weights to another."""
    indices, weights = np.array(body().joint_indices), np.array(body().joint_weights)
    taken = np.where(indices == JOINTS.index(source), weights * np.float32(share), np.float32(0))
    other = np.where(taken > 0, JOINTS.index(target), 0).astype(np.uint16)
    return {
        "joint_indices": np.concatenate([indices, other], axis=1),
        "joint_weights": np.concatenate([weights - taken, taken], axis=1),
    }


def test_names_order_and_added_roots_of_joints_make_no_difference():
    count = len(body().joint_positions)
    order = np.random.default_rng(1).permutation(count)
    place = np.argsort(order)
    found = report(
        joint_positions=np.concatenate([[[0, 0, 0]], body().joint_positions[order], [[0, 2, 0]]]),
        joint_indices=np.where(body().joint_weights > 0, place[body().joint_indices] + 1, 0).astype(
            np.uint16
        ),
    )
    assert found.rig.verdict is PartVerdict.EXACT


def test_weights_of_eight_bits_are_kept():
    found = report(joint_weights=(np.round(body().joint_weights * 255) / 255).astype(np.float32))
    assert found.rig.verdict is PartVerdict.KEPT
    assert 0 < found.rig.moved < 6
    assert "mm" in found.rig.reason


@pytest.mark.parametrize(
    ("source", "target", "share"),
    [
        ("leftLowerArm", "leftUpperArm", 0.1),
        ("leftLittleDistal", "leftHand", 1),
        ("leftIndexIntermediate", "leftMiddleIntermediate", 0.5),
        ("chest", "spine", 0.2),
        ("head", "neck", 0.1),
    ],
)
def test_weights_painted_elsewhere_are_altered(source, target, share):
    found = report(**repainted(source, target, share))
    assert found.rig.verdict is PartVerdict.ALTERED
    assert found.rig.moved > 8
    assert not found.is_same


def test_a_skeleton_that_stands_a_centimetre_aside_is_altered():
    found = report(joint_positions=body().joint_positions + np.array([0.01, 0, 0]))
    assert found.rig.verdict is PartVerdict.ALTERED
    assert "up to 10.0 mm away" in found.rig.reason


@pytest.mark.parametrize("joint", ["head", "leftLowerArm", "rightLittleDistal"])
def test_one_joint_that_moved_is_altered(joint):
    places = np.array(body().joint_positions)
    places[JOINTS.index(joint), 1] += 0.004
    found = report(joint_positions=places)
    assert found.rig.verdict is PartVerdict.ALTERED
    assert found.rig.reason.startswith("1 of ")


def test_a_rigid_body_is_altered():
    rigid = np.zeros_like(body().joint_weights)
    rigid[:, 0] = 1
    found = report(joint_weights=rigid)
    assert found.rig.verdict is PartVerdict.ALTERED
    assert "the weights pull otherwise" in found.rig.reason


def test_weights_that_sum_to_two_are_altered():
    assert report(joint_weights=body().joint_weights * np.float32(2)).rig.verdict is PartVerdict.ALTERED


def test_a_file_whose_skin_lost_its_weights_is_altered():
    none = replace(body(), joint_weights=np.zeros_like(body().joint_weights))
    assert "no joint of the file carries weight" in compare_seal(sealed(), none).rig.reason
