from __future__ import annotations

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.render.cameras import person_view
from bodyscan.render.picture import render_mesh
from bodyscan.render.smooth_surface import smooth_surface
from bodyscan.types import Mesh
from render.shapes import ball


def square() -> Mesh:
    points = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], float)
    uvs = points[:, :2].astype(np.float32)
    return Mesh(points, np.array([[0, 1, 2], [0, 2, 3]]), uvs, np.arange(12).reshape(4, 3) * 20)


def off_sphere(mesh: Mesh, radius: float = 0.5) -> float:
    """Largest distance of the middles of edges from the sphere, metres."""
    corners = mesh.vertices[mesh.faces]
    middles = (corners + np.roll(corners, 1, axis=1)) / 2
    return float(np.abs(np.linalg.norm(middles, axis=2) - radius).max())


def test_a_ball_of_few_triangles_comes_close_to_a_sphere():
    coarse = ball(0.5, (0, 0, 0), 8)
    assert off_sphere(coarse) > 0.015
    for rounds in (1, 2):
        assert off_sphere(smooth_surface(coarse, rounds)[0]) < 0.4 * off_sphere(coarse)


def test_a_triangle_becomes_four_and_the_given_vertices_stay_first():
    coarse = ball(0.5, (0, 0, 0), 6)
    mesh, normals = smooth_surface(coarse, 2)
    assert len(mesh.faces) == 16 * len(coarse.faces)
    np.testing.assert_array_equal(mesh.vertices[: len(coarse.vertices)], coarse.vertices)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-12)
    outward = np.einsum("vk,vk->v", normals, mesh.vertices) / np.linalg.norm(mesh.vertices, axis=1)
    assert outward.min() > 0.95


def test_a_plane_stays_one_and_its_uvs_and_colours_go_evenly():
    mesh, normals = smooth_surface(square(), 3)
    np.testing.assert_allclose(mesh.vertices[:, 2], 0, atol=1e-15)
    np.testing.assert_allclose(normals, np.tile([0.0, 0, 1], (len(normals), 1)), atol=1e-12)
    assert mesh.uvs is not None
    np.testing.assert_allclose(mesh.uvs, mesh.vertices[:, :2], atol=1e-6)
    assert mesh.colors is not None
    assert mesh.colors.max() <= 220


def test_a_seam_of_doubled_vertices_stays_closed():
    whole = ball(0.5, (0, 0, 0), 8)
    apart = Mesh(whole.vertices[whole.faces].reshape(-1, 3), np.arange(3 * len(whole.faces)).reshape(-1, 3))
    one, other = (smooth_surface(mesh, 1)[0] for mesh in (whole, apart))
    places = np.unique(np.round(other.vertices, 9), axis=0)
    assert len(places) == len(np.unique(np.round(one.vertices, 9), axis=0))


def test_no_round_changes_nothing_and_a_cloud_comes_back():
    mesh = ball(0.5, (0, 0, 0), 4)
    assert smooth_surface(mesh, 0)[0] is mesh
    cloud = Mesh(mesh.vertices, np.zeros((0, 3), np.int32))
    assert smooth_surface(cloud, 2)[0] is cloud


def test_normals_of_another_mesh_are_refused_by_the_picture():
    mesh = ball(0.5, (0, 0, 0), 4)
    view = person_view(mesh.vertices, width=64, height=64)
    with pytest.raises(InputError, match="the normals are"):
        render_mesh(mesh, view, normals=np.zeros((3, 3)))
