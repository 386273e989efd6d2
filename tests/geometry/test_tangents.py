"""Tangents follow u, bitangents climb the image, mirrored uvs turn w."""

from __future__ import annotations

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.geometry.rotations import rotvec_to_matrix
from bodyscan.geometry.tangents import vertex_tangents

SQUARE = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
FACES = np.array([[0, 1, 2], [0, 2, 3]])
UVS = np.array([[0.0, 1], [1, 1], [1, 0], [0, 0]])
"""As the square is seen from +Z: u to the right, v down."""
TOWARDS = np.tile([0.0, 0, 1], (4, 1))


def test_an_upright_image_has_its_tangent_to_the_right_and_its_bitangent_up() -> None:
    tangents = vertex_tangents(SQUARE, FACES, UVS, TOWARDS)
    np.testing.assert_allclose(tangents, np.tile([1, 0, 0, 1], (4, 1)), atol=1e-6)
    np.testing.assert_allclose(
        np.cross(TOWARDS, tangents[:, :3]) * tangents[:, 3:], np.tile([0, 1, 0], (4, 1))
    )


def test_a_mirrored_image_has_its_tangent_to_the_left_and_its_bitangent_still_up() -> None:
    tangents = vertex_tangents(SQUARE, FACES, UVS * [-1, 1] + [1, 0], TOWARDS)
    np.testing.assert_allclose(tangents, np.tile([-1, 0, 0, -1], (4, 1)), atol=1e-6)
    np.testing.assert_allclose(
        np.cross(TOWARDS, tangents[:, :3]) * tangents[:, 3:], np.tile([0, 1, 0], (4, 1))
    )


def test_tangents_turn_with_the_mesh_and_stay_at_right_angles() -> None:
    rng = np.random.default_rng(0)
    bent = SQUARE + 0.1 * rng.normal(size=SQUARE.shape)
    normals = TOWARDS + 0.3 * rng.normal(size=TOWARDS.shape)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    turn = rotvec_to_matrix(np.array([0.3, 1.2, -0.5]))
    plain = vertex_tangents(bent, FACES, UVS, normals)
    turned = vertex_tangents(bent @ turn.T, FACES, UVS, normals @ turn.T)
    np.testing.assert_allclose(turned[:, :3], plain[:, :3] @ turn.T, atol=1e-6)
    np.testing.assert_allclose(np.einsum("nc,nc->n", plain[:, :3], normals), 0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(plain[:, :3], axis=1), 1, atol=1e-6)


def test_uvs_without_area_give_some_unit_tangent() -> None:
    tangents = vertex_tangents(SQUARE, FACES, np.zeros((4, 2)), TOWARDS)
    np.testing.assert_allclose(np.linalg.norm(tangents[:, :3], axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(tangents[:, 2], 0, atol=1e-6)


def test_arrays_of_different_length_are_refused() -> None:
    with pytest.raises(InputError, match="4 vertices, 3 uvs and 4 normals"):
        vertex_tangents(SQUARE, FACES, UVS[:3], TOWARDS)
