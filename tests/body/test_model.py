"""Laws of the body model: what must hold for every person and pose."""

from __future__ import annotations

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.body.model import BodyModel, forward_kinematics
from bodyscan.errors import InputError
from bodyscan.geometry.rotations import rotvec_to_matrix
from bodyscan.types import BodyParams

EXACT_M = 1e-9
FLOAT32_M = 2e-6
"""Shape and expression are stored in half and single floats."""


@pytest.fixture(scope="module")
def model() -> BodyModel:
    return load_body_model("adult")


def above_the_collar(model: BodyModel) -> np.ndarray:
    """(V,) the head, and what of the neck's base is labelled as torso."""
    head = model.region("head", "left_eye", "right_eye", "teeth", "tongue", "neck")
    collar = model.joint_template[model.joint_index("neck"), 1] - 0.06
    return head | (model.region("torso") & (model.template[:, 1] > collar))


def someone(model: BodyModel, seed: int = 0, bend: float = 0.2) -> BodyParams:
    rng = np.random.default_rng(seed)
    return BodyParams(
        rng.normal(size=model.num_components),
        rng.normal(scale=bend, size=(model.num_joints, 3)),
        rng.normal(size=3),
    )


def test_zero_parameters_give_the_template(model: BodyModel) -> None:
    posed = model.pose(model.zero_params())
    np.testing.assert_allclose(posed.vertices, model.template, atol=EXACT_M)
    np.testing.assert_allclose(posed.joints, model.joint_template, atol=EXACT_M)


def test_translation_moves_everything_alike(model: BodyModel) -> None:
    params, shift = someone(model), np.array([0.3, -2.0, 1.1])
    moved = BodyParams(params.betas, params.pose_rotvec, params.translation + shift)
    before, after = model.pose(params), model.pose(moved)
    np.testing.assert_allclose(after.vertices, before.vertices + shift, atol=EXACT_M)
    np.testing.assert_allclose(after.joints, before.joints + shift, atol=EXACT_M)


def test_turning_the_root_turns_the_whole_body_about_it(model: BodyModel) -> None:
    params = someone(model)
    pose = np.array(params.pose_rotvec)
    pose[0] = 0
    still = model.pose(BodyParams(params.betas, pose, params.translation))
    pose[0] = [0.4, -1.2, 0.7]
    turned = model.pose(BodyParams(params.betas, pose, params.translation))
    root = still.joints[0]
    expected = (still.vertices - root) @ rotvec_to_matrix(pose[0]).T + root
    np.testing.assert_allclose(turned.vertices, expected, atol=EXACT_M)


def test_bones_keep_their_length_in_every_pose(model: BodyModel) -> None:
    params = someone(model, bend=0.6)
    rest, posed = model.rest_joints(params.betas), model.pose(params).joints
    children = np.flatnonzero(model.parents >= 0)
    parents = model.parents[children]
    np.testing.assert_allclose(
        np.linalg.norm(posed[children] - posed[parents], axis=1),
        np.linalg.norm(rest[children] - rest[parents], axis=1),
        atol=EXACT_M,
    )


def test_joints_and_skin_are_linear_in_shape(model: BodyModel) -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, model.num_components))
    for of, tolerance in ((model.rest_joints, EXACT_M), (model.rest_vertices, FLOAT32_M)):
        zero = of(np.zeros(model.num_components))
        np.testing.assert_allclose(of(a) + of(b) - zero, of(a + b), atol=tolerance)


def test_fewer_coefficients_are_filled_with_zeros(model: BodyModel) -> None:
    few = np.array([1.0, -0.5])
    filled = np.zeros(model.num_components)
    filled[:2] = few
    np.testing.assert_allclose(model.rest_vertices(few), model.rest_vertices(filled), atol=FLOAT32_M)
    np.testing.assert_allclose(model.rest_joints(few), model.rest_joints(filled), atol=EXACT_M)


def test_unskin_undoes_skin(model: BodyModel) -> None:
    params = someone(model, seed=2)
    posed = model.pose(params)
    rest = model.rest_vertices(params.betas)
    np.testing.assert_allclose(model.unskin(posed.vertices, posed.world_from_rest), rest, atol=EXACT_M)


def test_skinning_agrees_with_a_plain_loop(model: BodyModel) -> None:
    params = someone(model, seed=3)
    posed = model.pose(params)
    rest = model.rest_vertices(params.betas)
    weights = model.skin_weights.toarray()
    for v in range(0, model.num_vertices, 997):
        plain = np.zeros(3)
        for j in np.flatnonzero(weights[v]):
            transform = posed.world_from_rest[j]
            plain += weights[v, j] * (transform[:, :3] @ rest[v] + transform[:, 3])
        np.testing.assert_allclose(posed.vertices[v], plain, atol=EXACT_M)


def test_kinematics_of_a_chain_of_two_bones() -> None:
    joints = np.array([[0.0, 0, 0], [1.0, 0, 0], [2.0, 0, 0]])
    quarter = rotvec_to_matrix(np.array([[0, 0, 0], [0, 0, np.pi / 2], [0, 0, 0]]))
    world = forward_kinematics(np.array([-1, 0, 1]), joints, quarter, np.array([0.0, 0, 5]))
    end = world[2, :, :3] @ joints[2] + world[2, :, 3]
    np.testing.assert_allclose(end, [1.0, 1.0, 5.0], atol=1e-12)


def test_expressions_move_nothing_but_the_head(model: BodyModel) -> None:
    head = above_the_collar(model)
    calm = model.rest_vertices(np.zeros(1))
    assert len(model.expression_ids) == 52
    for name in model.expression_ids:
        moved = np.linalg.norm(model.rest_vertices(np.zeros(1), {name: 1.0}) - calm, axis=1) > 1e-6
        assert moved.any(), name
        assert not (moved & ~head).any(), name


def test_half_an_expression_is_half_the_way(model: BodyModel) -> None:
    calm, half, full = (model.rest_vertices(np.zeros(1), {"jawOpen": w}) for w in (0.0, 0.5, 1.0))
    np.testing.assert_allclose(half - calm, (full - calm) / 2, atol=EXACT_M)


def test_face_components_leave_the_body_as_it_is(model: BodyModel) -> None:
    betas = np.zeros(model.num_components)
    betas[model.num_body_components :] = 1.0
    moved_m = np.abs(model.rest_vertices(betas) - model.template).max(axis=1)
    head = above_the_collar(model)
    assert moved_m[head].max() > 1e-3
    assert moved_m[~head].max() < 1e-4


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda m: m.joint_index("tail"), "no joint 'tail'. It has: hips"),
        (lambda m: m.region("wing"), r"no region \['wing'\]. It has: .*torso"),
        (lambda m: m.rest_vertices(np.zeros(1), {"wink": 1.0}), "no expression 'wink'. It has: .*jawOpen"),
        (lambda m: m.rest_vertices(np.zeros(999)), "at most 240 shape coefficients"),
        (lambda m: m.rest_joints(np.zeros((2, 2))), "at most 240 shape coefficients"),
        (
            lambda m: m.pose(BodyParams(np.zeros(1), np.zeros((3, 3)), np.zeros(3))),
            r"55 joints; the pose has the shape \(3, 3\)",
        ),
    ],
)
def test_refusals_say_what_is_possible(model: BodyModel, ask, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ask(model)
