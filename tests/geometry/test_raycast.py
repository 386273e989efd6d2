"""Rays, pictures and closest points against shapes whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from bodyscan.errors import InputError
from bodyscan.geometry.raycast import Raycaster, cloud_normals
from bodyscan.geometry.view import View
from bodyscan.types import Mesh


def ball(radius: float = 1.0, centre: tuple[float, float, float] = (0.0, 0.0, 0.0), detail: int = 4) -> Mesh:
    shape = trimesh.creation.icosphere(subdivisions=detail, radius=radius)
    return Mesh(shape.vertices + np.array(centre), shape.faces)


def triangle() -> Mesh:
    return Mesh(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0.0]]), np.array([[0, 1, 2]]))


def test_a_ray_hits_where_the_triangle_is_from_both_sides():
    caster = Raycaster(triangle())
    origins = [[0.2, 0.3, 2.0], [0.2, 0.3, -2.0], [2.0, 2.0, 2.0]]
    hits = caster.cast(origins, [[0, 0, -1], [0, 0, 5.0], [0, 0, -1]])
    assert hits.distance[:2] == pytest.approx([2.0, 2.0], abs=1e-6)
    assert np.isinf(hits.distance[2])
    assert hits.face_ids.tolist() == [0, 0, -1]
    np.testing.assert_allclose(hits.barycentric[0], [0.5, 0.2, 0.3], atol=1e-6)
    np.testing.assert_allclose(
        caster.positions(hits.face_ids, hits.barycentric)[:2], [[0.2, 0.3, 0]] * 2, atol=1e-6
    )


def test_far_from_the_origin_hits_are_as_exact_as_near_it():
    far = (5000.0, -3000.0, 900.0)
    caster = Raycaster(ball(1.0, far))
    hits = caster.cast([np.add(far, [0, 0, 3.0])], [[0.0, 0.0, -1.0]])
    assert hits.distance[0] == pytest.approx(2.0, abs=1e-3)


def test_projecting_a_pixels_ray_gives_the_pixel_back():
    view = View.around([[-1, 0, -2], [1, 3, 2]], 0.7, 0.3, width=80, height=120)
    pixels = np.array([[0.5, 0.5], [40.0, 60.0], [79.5, 119.5], [13.2, 101.0]])
    origins, directions = view.rays(pixels)
    np.testing.assert_allclose(view.project(origins + 3.7 * directions), pixels, atol=1e-9)


@pytest.mark.parametrize(
    ("azimuth", "right"), [(0.0, [1, 0, 0]), (np.pi / 2, [0, 0, -1]), (np.pi, [-1, 0, 0])]
)
def test_a_front_view_shows_the_persons_left_at_the_right_and_up_at_the_top(azimuth, right):
    view = View.around([[-1, -1, -1], [1, 1, 1]], azimuth)
    middle, aside, above = view.project([[0, 0, 0], right, [0, 1.0, 0]])
    np.testing.assert_allclose(middle, [256, 256], atol=1e-9)
    assert aside[0] > middle[0] + 50
    assert above[1] < middle[1] - 50


def test_the_box_fills_the_picture_and_stays_inside_it():
    bounds = np.array([[-0.4, 0, -0.2], [0.4, 1.8, 0.2]])
    corners = np.array([[x, y, z] for x in bounds[:, 0] for y in bounds[:, 1] for z in bounds[:, 2]])
    for azimuth in np.linspace(0, 6, 7):
        view = View.around(bounds, azimuth, 0.2, width=300, height=500, fill=0.9)
        reach = np.abs(view.project(corners) - [150, 250]).max(axis=0) / [150, 250]
        assert reach.max() == pytest.approx(0.9, abs=1e-6)


def test_a_picture_of_a_ball_is_a_disc_of_the_right_size_and_depth():
    caster = Raycaster(ball())
    view = View.around([[-1, -1, -1], [1, 1, 1]], 0.4, width=200, height=200)
    picture = caster.render(view)
    distance = float(np.linalg.norm(view.eye))
    radius_px = view.K[0, 0] / np.sqrt(distance**2 - 1)
    assert picture.mask.sum() == pytest.approx(np.pi * radius_px**2, rel=0.01)
    assert picture.depth[100, 100] == pytest.approx(distance - 1, abs=2e-3)
    seen = caster.positions(picture.face_ids[picture.mask], picture.barycentric[picture.mask])
    rows, columns = np.nonzero(picture.mask)
    np.testing.assert_allclose(view.project(seen), np.stack([columns, rows], 1) + 0.5, atol=0.01)


def test_a_cloud_is_seen_like_the_surface_it_was_taken_from():
    surface = ball(detail=5)
    cloud = Mesh(surface.vertices, np.zeros((0, 3)))
    view = View.around([[-1, -1, -1], [1, 1, 1]], 0.4, width=128, height=128)
    of_mesh, of_cloud = Raycaster(surface).render(view), Raycaster(cloud).render(view)
    both = of_mesh.mask & of_cloud.mask
    assert both.sum() / (of_mesh.mask | of_cloud.mask).sum() > 0.96
    assert np.abs(of_mesh.depth[both] - of_cloud.depth[both]).mean() < 0.01
    assert of_cloud.face_ids.max() < len(cloud.vertices)


VIEWS = {
    "around": View.around([[-1, -1, -1], [1, 1, 1]], 0.4, 0.1, width=96, height=64),
    "past its edge": View.look_at([0, 0, 5], [1.2, 0.9, 0], [0, 1, 0], 300.0, 90, 70),
    "from inside": View.look_at([0, 0, 0.1], [0, 0, 1], [0, 1, 0], 40.0, 64, 48),
    "away": View.look_at([0, 0, 5], [9, 0, 1], [0, 1, 0], 60.0, 64, 48),
    "turned away": View.look_at([0, 0, 5], [0, 0, 9], [0, 1, 0], 60.0, 64, 48),
}


@pytest.mark.parametrize("cloud", [False, True])
@pytest.mark.parametrize(("near", "far"), [(0.0, np.inf), (4.2, 4.9), (0.3, 0.7)])
@pytest.mark.parametrize("where", VIEWS)
def test_a_look_sees_what_a_ray_through_every_pixel_hits(where: str, near: float, far: float, cloud: bool):
    """Rays through the whole picture, one by one: no row, column or window is in them."""
    mesh = Mesh(ball().vertices, np.zeros((0, 3))) if cloud else ball()
    view, caster = VIEWS[where], Raycaster(mesh)
    origins, directions = view.rays(view.pixel_centres())
    along = directions @ view.camera_from_world[2, :3]
    hits = caster.cast(origins + directions * (near / along)[:, None], directions)
    depth = near + hits.distance * along
    seen, expected = caster.look(view, near, far), np.flatnonzero(hits.hit & (depth <= far))
    # Rays in float32 that graze an edge may fall on either side of it.
    assert len(np.setxor1d(seen.pixels, expected)) <= 0.002 * len(expected)
    both, ours, _ = np.intersect1d(seen.pixels, expected, return_indices=True)
    alike = seen.face_ids[ours] == hits.face_ids[both]
    assert alike.sum() >= 0.99 * len(both)
    np.testing.assert_allclose(seen.depth[ours], depth[both], rtol=2e-5)
    np.testing.assert_allclose(seen.barycentric[ours][alike], hits.barycentric[both][alike], atol=2e-3)
    camera_rays = directions[both] @ view.camera_from_world[:3, :3].T
    np.testing.assert_allclose(seen.rays[ours], camera_rays, atol=1e-12)


def test_the_views_of_a_look_see_something_or_nothing_as_they_should():
    counts = {where: len(Raycaster(ball()).look(view).pixels) for where, view in VIEWS.items()}
    assert counts["around"] > 1000
    assert counts["past its edge"] > 100
    assert counts["from inside"] == 64 * 48
    assert counts["away"] == counts["turned away"] == 0


def test_closest_points_of_a_ball_lie_on_its_radius():
    points = np.random.default_rng(0).normal(size=(50, 3)) * 2
    radii = np.linalg.norm(points, axis=1)
    for mesh in (ball(detail=5), Mesh(ball(detail=6).vertices, np.zeros((0, 3)))):
        distance, ids, nearest = Raycaster(mesh).closest(points)
        np.testing.assert_allclose(distance, np.abs(radii - 1), atol=0.02)
        np.testing.assert_allclose(nearest, points / radii[:, None], atol=0.05)
        assert ids.min() >= 0


def test_signed_distance_is_negative_inside():
    signed = Raycaster(ball()).signed_distance([[0, 0, 0], [0, 0, 2.0]])
    np.testing.assert_allclose(signed, [-1, 1], atol=0.01)


def test_normals_of_a_cloud_point_along_the_radius():
    points = ball(detail=4).vertices
    normals, _ = cloud_normals(points)
    assert np.abs(np.einsum("ij,ij->i", normals, points)).min() > 0.99


def test_what_cannot_be_cast_is_refused_in_words():
    with pytest.raises(InputError, match="the mesh is empty"):
        Raycaster(Mesh(np.zeros((0, 3)), np.zeros((0, 3))))
    with pytest.raises(InputError, match="parallel to the line of sight"):
        View.look_at([0, 1, 0], [0, 0, 0], [0, 1, 0], 100, 10, 10)
    with pytest.raises(InputError, match="a point cloud has no inside"):
        Raycaster(Mesh(np.eye(3), np.zeros((0, 3)))).signed_distance([[0, 0, 0]])
    with pytest.raises(InputError, match="at least 1 by 1 pixel"):
        View(0, 1, np.eye(3), np.eye(4))
    with pytest.raises(InputError, match=r"View.K must be"):
        View(9, 9, [[50, 1, 4], [0, 50, 4], [0, 0, 1]], np.eye(4))
    with pytest.raises(InputError, match=r"View.camera_from_world must be a rotation and a translation"):
        View(9, 9, [[50, 0, 4], [0, 50, 4], [0, 0, 1]], 2.0 * np.eye(4))


def test_what_is_nearer_than_near_or_beyond_far_is_cut_away():
    caster = Raycaster(ball())
    view = View.around([[-1, -1, -1], [1, 1, 1]], 0.0, width=21, height=21)
    middle = float(np.linalg.norm(view.eye))
    back = caster.render(view, near=middle)
    assert back.depth[10, 10] == pytest.approx(middle + 1, abs=5e-3)
    assert not caster.render(view, near=middle, far=middle + 0.5).mask[10, 10]


def test_fans_of_rays_meet_what_single_rays_meet():
    caster = Raycaster(ball(1.0, (100.0, 0.0, 0.0)))
    random = np.random.default_rng(3)
    origins = random.uniform(-2, 2, (40, 3)) + np.array([100, 0, 0])
    directions = random.normal(size=(40, 7, 3))
    directions = (directions / np.linalg.norm(directions, axis=2, keepdims=True)).astype(np.float32)
    single = caster.cast(np.repeat(origins, 7, axis=0), directions.reshape(-1, 3))
    together = caster.distances(origins, directions)
    assert together.shape == (40, 7)
    assert 0 < np.isfinite(together).sum() < together.size
    np.testing.assert_allclose(together.ravel(), single.distance, rtol=1e-5)
    blocked = caster.blocked(origins, 3 * directions)  # of any length
    np.testing.assert_array_equal(blocked.ravel(), single.hit)
