"""What the packaged body holds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import KDTree

from bodyscan.body.asset import AGES, asset_info, load_body_model
from bodyscan.errors import InputError

VRM_REQUIRED = (
    "hips", "spine", "head", "leftUpperLeg", "leftLowerLeg", "leftFoot", "rightUpperLeg", "rightLowerLeg",
    "rightFoot", "leftUpperArm", "leftLowerArm", "leftHand", "rightUpperArm", "rightLowerArm", "rightHand",
)  # fmt: skip


@pytest.mark.parametrize("age", AGES)
def test_weights_are_a_partition_of_unity_with_at_most_four_joints(age: str) -> None:
    weights = load_body_model(age).skin_weights
    np.testing.assert_allclose(np.asarray(weights.sum(axis=1)), 1, atol=1e-12)
    assert weights.data.min() > 0
    assert np.diff(weights.indptr).max() <= 4


@pytest.mark.parametrize("age", AGES)
def test_the_template_stands_on_the_floor_facing_forward(age: str) -> None:
    model = load_body_model(age)
    template = model.template
    assert template[:, 1].min() == pytest.approx(0, abs=1e-6)
    toes, ankle = (model.joint_template[model.joint_index(name)] for name in ("leftToes", "leftFoot"))
    assert toes[2] > ankle[2]
    assert model.joint_template[model.joint_index("leftHand")][0] > 0.2


@pytest.mark.parametrize("age", AGES)
def test_the_template_is_symmetric(age: str) -> None:
    template = load_body_model(age).template.astype(np.float64)
    distance, _ = KDTree(template).query(template * [-1, 1, 1])
    assert np.quantile(distance, 0.99) < 2e-3


def test_children_are_shorter_than_adults() -> None:
    adult, child = (float(np.ptp(load_body_model(age).template[:, 1])) for age in ("adult", "child"))
    assert 1.6 < adult < 1.8
    assert 1.1 < child < 1.4


@pytest.mark.parametrize("age", AGES)
def test_the_skeleton_has_the_humanoid_bones_and_parents_come_first(age: str) -> None:
    model = load_body_model(age)
    assert set(VRM_REQUIRED) <= set(model.joint_names)
    assert model.parents[0] == -1
    assert (model.parents[1:] < np.arange(1, model.num_joints)).all()
    assert (model.parents[1:] >= 0).all()


def test_split_vertices_reproduce_the_faces() -> None:
    model = load_body_model("adult")
    np.testing.assert_array_equal(model.split_source[model.split_faces], model.faces)
    assert len(model.split_uvs) == len(model.split_source)
    assert model.split_uvs.min() >= 0
    assert model.split_uvs.max() <= 1


def test_every_vertex_of_mouth_and_teeth_is_flagged_as_unseen() -> None:
    model = load_body_model("adult")
    assert model.inner[model.region("teeth", "tongue")].all()
    assert not model.inner[model.region("torso", "left_hand", "right_foot")].any()


def test_the_model_cannot_be_changed_through_its_arrays() -> None:
    model = load_body_model("adult")
    with pytest.raises(ValueError, match="read-only"):
        model.template[0] = 0


def test_the_held_out_error_is_stored_and_small() -> None:
    info = asset_info()
    assert info["license"] == "CC0-1.0"
    for age in AGES:
        assert info["held_out"][age]["vertex_mean_mm"] < 0.5


def test_an_unknown_body_is_refused() -> None:
    with pytest.raises(InputError, match=r"no body model 'robot'. Give one of adult, child, or the path"):
        load_body_model("robot")
