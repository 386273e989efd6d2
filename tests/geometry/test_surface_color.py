"""Light of textures and vertex colours at points of a surface."""

from __future__ import annotations

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.geometry.barycentric import barycentric_shares
from bodyscan.geometry.srgb import linear_from_srgb
from bodyscan.geometry.surface_color import has_color, image_light, surface_light
from bodyscan.types import Mesh, Texture

VERTICES = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
FACES = np.array([[0, 1, 2]], np.int32)
COLORS = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)


def test_vertex_colours_are_mixed_in_light() -> None:
    mesh = Mesh(VERTICES, FACES, colors=COLORS)
    light = surface_light(mesh, None, np.zeros(2, np.int32), np.array([[0.5, 0.5, 0], [0, 0, 1]]))
    np.testing.assert_allclose(light, [[0.5, 0.5, 0], [0, 0, 1]], atol=1e-6)


def test_a_texture_goes_before_vertex_colours() -> None:
    uvs = np.array([[0.25, 0.5], [0.75, 0.5], [0.25, 0.5]], np.float32)
    mesh = Mesh(VERTICES, FACES, uvs=uvs, colors=COLORS)
    texture = Texture(np.array([[[255, 255, 255], [0, 0, 0]]], np.uint8))
    shares = np.array([[1, 0, 0], [0, 1, 0], [0.5, 0.5, 0]])
    light = surface_light(mesh, texture, np.zeros(3, np.int32), shares)
    np.testing.assert_allclose(light[:, 0], [1, 0, 0.5], atol=1e-6)


def test_the_centre_of_a_texel_is_its_own_colour() -> None:
    image = np.random.default_rng(0).integers(0, 255, (5, 7, 3)).astype(np.uint8)
    rows, columns = np.indices((5, 7)).reshape(2, -1)
    uvs = np.stack([(columns + 0.5) / 7, (rows + 0.5) / 5], axis=1)
    np.testing.assert_allclose(image_light(image, uvs), linear_from_srgb(image).reshape(-1, 3), atol=1e-6)


def test_shares_give_the_point_back() -> None:
    points = np.array([[0.2, 0.3, 0.0], [0.9, 0.05, 0.4]])
    shares = barycentric_shares(points, np.repeat(VERTICES[None], 2, axis=0))
    np.testing.assert_allclose((shares @ VERTICES)[:, :2], points[:, :2], atol=1e-9)
    outside = barycentric_shares(np.array([[-3.0, 0.5, 0]]), VERTICES[None])
    assert outside.min() >= 0
    assert outside.sum() == pytest.approx(1)


def test_a_mesh_without_colour_is_refused() -> None:
    mesh = Mesh(VERTICES, FACES)
    assert not has_color(mesh, None)
    with pytest.raises(InputError, match="neither vertex colours nor a texture"):
        surface_light(mesh, None, np.zeros(1, np.int32), np.ones((1, 3)))
