"""Rotations as vectors and matrices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from bodyscan.geometry.rotations import (
    cross_matrix,
    left_jacobian,
    matrix_to_rotvec,
    rotation_between,
    rotvec_to_matrix,
)

EXACT = 1e-12
coordinate = st.floats(-3, 3)
vector = st.tuples(coordinate, coordinate, coordinate).map(np.array)


@given(vector)
def test_a_matrix_of_a_vector_is_a_rotation_and_agrees_with_scipy(v: np.ndarray) -> None:
    matrix = rotvec_to_matrix(v)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=EXACT)
    assert np.linalg.det(matrix) == pytest.approx(1)
    np.testing.assert_allclose(matrix, Rotation.from_rotvec(v).as_matrix(), atol=1e-10)


@pytest.mark.parametrize("angle", [0.0, 1e-12, 1e-7, 0.9e-6, 1.1e-6, 1e-3])
def test_small_angles_are_exact(angle: float) -> None:
    axis = np.array([2.0, -1.0, 2.0]) / 3
    expected = Rotation.from_rotvec(angle * axis).as_matrix()
    np.testing.assert_allclose(rotvec_to_matrix(angle * axis), expected, atol=1e-15)


@given(vector)
def test_a_vector_survives_the_round_trip_up_to_whole_turns(v: np.ndarray) -> None:
    matrix = rotvec_to_matrix(v)
    back = matrix_to_rotvec(matrix)
    assert np.linalg.norm(back) <= np.pi + 1e-9
    np.testing.assert_allclose(rotvec_to_matrix(back), matrix, atol=1e-9)


@given(vector, vector)
def test_the_cross_matrix_is_the_cross_product(a: np.ndarray, b: np.ndarray) -> None:
    np.testing.assert_allclose(cross_matrix(a) @ b, np.cross(a, b), atol=EXACT)


def test_batches_of_any_shape_agree_with_single_ones() -> None:
    v = np.random.default_rng(0).normal(size=(4, 2, 3))
    for of in (rotvec_to_matrix, left_jacobian, cross_matrix):
        assert of(v).shape == (4, 2, 3, 3)
        np.testing.assert_allclose(of(v)[3, 1], of(v[3, 1]), atol=EXACT)
    np.testing.assert_allclose(matrix_to_rotvec(rotvec_to_matrix(v)), v, atol=1e-9)


@pytest.mark.parametrize("v", [[0.3, -1.1, 0.4], [1e-6, 0, 0], [9e-5, 5e-5, 0], [2.0, 1.0, -1.5]])
def test_the_left_jacobian_is_the_derivative(v: list[float]) -> None:
    base, step = np.array(v), 1e-6
    for k in range(3):
        nudged = base + step * np.eye(3)[k]
        turn = matrix_to_rotvec(rotvec_to_matrix(nudged) @ rotvec_to_matrix(base).T)
        np.testing.assert_allclose(turn / step, left_jacobian(base)[:, k], atol=1e-5)


@given(vector, vector)
def test_the_rotation_between_directions_turns_one_into_the_other(a: np.ndarray, b: np.ndarray) -> None:
    if min(np.linalg.norm(a), np.linalg.norm(b)) < 1e-3:
        return
    turned = rotation_between(a, b) @ a
    np.testing.assert_allclose(turned / np.linalg.norm(a), b / np.linalg.norm(b), atol=1e-9)


@pytest.mark.parametrize("axis", list(np.eye(3)))
def test_opposite_directions_are_half_a_turn(axis: np.ndarray) -> None:
    matrix = rotation_between(axis, -axis)
    np.testing.assert_allclose(matrix @ axis, -axis, atol=1e-9)
    assert np.linalg.det(matrix) == pytest.approx(1)
