"""Analytic derivatives equal central differences, for any build and pose."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from bodyscan.body.asset import load_body_model
from bodyscan.fit.linearize import Linearization, Unknowns
from bodyscan.types import BodyParams

SHAPE_STEP = 1e-2
"""Shape is linear but for float32 directions: a long step costs nothing and drowns their rounding."""
POSE_STEP_RAD = 1e-5
TOLERANCE_M = 3e-5
"""A unit change may be off by so much: float32 rows."""


def random_params(model, seed: int) -> BodyParams:
    rng = np.random.default_rng(seed)
    return BodyParams(
        0.7 * rng.normal(size=model.num_components),
        0.4 * rng.normal(size=(model.num_joints, 3)),
        rng.normal(size=3),
    )


def some_columns(unknowns: Unknowns, rng: np.random.Generator) -> list[int]:
    pose = rng.choice(np.arange(3, unknowns.shape_columns.start), 8, replace=False)
    shape = rng.choice(np.arange(unknowns.shape_columns.start, unknowns.count), 6, replace=False)
    return [0, 1, 2, 3, 4, 5, *pose.tolist(), *shape.tolist()]


def difference(unknowns: Unknowns, params: BodyParams, column: int, value) -> np.ndarray:
    step = SHAPE_STEP if column >= unknowns.shape_columns.start else POSE_STEP_RAD
    delta = np.zeros(unknowns.count)
    delta[column] = step
    return (value(unknowns.step(params, delta)) - value(unknowns.step(params, -delta))) / (2 * step)


def random_normals(model, rng: np.random.Generator) -> np.ndarray:
    normals = rng.normal(size=(model.num_vertices, 3))
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


@pytest.mark.parametrize(("age", "seed"), [("adult", 0), ("adult", 1), ("child", 2)])
def test_normal_rows_are_the_derivative_of_each_vertex_along_its_normal(age: str, seed: int) -> None:
    model = load_body_model(age)
    rng = np.random.default_rng(seed)
    params = random_params(model, seed)
    unknowns = Unknowns(np.arange(model.num_joints), np.arange(model.num_components))
    normals = random_normals(model, rng)
    rows = Linearization(model, params, unknowns).normal_rows(normals)

    def along_normals(at: BodyParams) -> np.ndarray:
        return np.einsum("vc,vc->v", model.pose(at).vertices, normals)

    for column in some_columns(unknowns, rng):
        expected = difference(unknowns, params, column, along_normals)
        np.testing.assert_allclose(rows[:, column], expected, atol=TOLERANCE_M, err_msg=f"column {column}")


def test_normal_rows_hold_for_a_choice_of_joints_and_components() -> None:
    model = load_body_model("adult")
    params = random_params(model, 3)
    all_of_it = Unknowns(np.arange(model.num_joints), np.arange(model.num_components))
    some = Unknowns(np.array([0, 3, 7, 20]), np.array([1, 5, model.num_body_components]))
    normals = random_normals(model, np.random.default_rng(3))
    whole = Linearization(model, params, all_of_it).normal_rows(normals)
    part = Linearization(model, params, some).normal_rows(normals)
    pose = [3 + 3 * j + axis for j in some.joints for axis in range(3)]
    columns = [0, 1, 2, *pose, *(all_of_it.shape_columns.start + some.betas)]
    np.testing.assert_allclose(part, whole[:, columns], atol=3e-6)


def test_rows_of_a_few_vertices_are_those_of_the_whole_body() -> None:
    model = load_body_model("adult")
    params = random_params(model, 7)
    unknowns = Unknowns(np.arange(10), np.arange(20))
    ids = np.arange(5, model.num_vertices, 371)
    normals = random_normals(model, np.random.default_rng(7))
    whole = Linearization(model, params, unknowns).normal_rows(normals)[ids]
    few = Linearization(model.at_vertices(ids), params, unknowns).normal_rows(normals[ids])
    np.testing.assert_allclose(few, whole, atol=3e-6)


def test_point_rows_are_the_derivative_of_weighted_vertices_and_joints() -> None:
    model = load_body_model("adult")
    params = random_params(model, 4)
    rng = np.random.default_rng(4)
    unknowns = Unknowns(np.arange(model.num_joints), np.arange(model.num_components))
    vertex_weights = sparse.csr_matrix(
        (rng.random(12), (np.repeat(np.arange(4), 3), rng.integers(0, model.num_vertices, 12))),
        (4, model.num_vertices),
    )
    joint_weights = sparse.csr_matrix(
        (rng.random(4), (np.arange(4), rng.integers(0, model.num_joints, 4))), (4, model.num_joints)
    )
    rows = Linearization(model, params, unknowns).point_rows(vertex_weights, joint_weights)

    def points(at: BodyParams) -> np.ndarray:
        posed = model.pose(at)
        return (vertex_weights @ posed.vertices + joint_weights @ posed.joints).reshape(-1)

    for column in some_columns(unknowns, rng):
        expected = difference(unknowns, params, column, points)
        # The weights of a row sum to up to 4.
        np.testing.assert_allclose(
            rows[:, column], expected, atol=4 * TOLERANCE_M, err_msg=f"column {column}"
        )


def test_the_linearized_body_is_the_posed_body() -> None:
    model = load_body_model("child")
    params = random_params(model, 5)
    state = Linearization(model, params, Unknowns(np.arange(3), np.arange(2)))
    posed = model.pose(params)
    np.testing.assert_allclose(state.vertices, posed.vertices, atol=1e-12)
    np.testing.assert_allclose(state.joints, posed.joints, atol=1e-12)


def test_a_step_changes_only_what_it_may() -> None:
    model = load_body_model("adult")
    params = random_params(model, 6)
    unknowns = Unknowns(np.array([2, 9]), np.array([4]))
    moved = unknowns.step(params, np.arange(1.0, unknowns.count + 1))
    np.testing.assert_array_equal(moved.translation, params.translation + np.array([1, 2, 3]))
    np.testing.assert_array_equal(moved.pose_rotvec[2], params.pose_rotvec[2] + [4, 5, 6])
    np.testing.assert_array_equal(moved.pose_rotvec[9], params.pose_rotvec[9] + [7, 8, 9])
    assert moved.betas[4] == params.betas[4] + 10
    still = np.setdiff1d(np.arange(model.num_joints), [2, 9])
    np.testing.assert_array_equal(moved.pose_rotvec[still], params.pose_rotvec[still])
    np.testing.assert_array_equal(np.delete(moved.betas, 4), np.delete(params.betas, 4))
