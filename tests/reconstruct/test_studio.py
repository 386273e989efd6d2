"""Pictures of a scan: the fast way sees what the plain one sees."""

from __future__ import annotations

import numpy as np
import pytest

from bodyscan.geometry.raycast import Raycaster, View
from bodyscan.reconstruct.sight import Sight
from bodyscan.reconstruct.studio import BACKGROUND_SRGB, Studio, robust_bounds
from bodyscan.types import Mesh


@pytest.mark.parametrize(("near", "far"), [(0.0, np.inf), (9.0, 9.9)])
@pytest.mark.parametrize("cloud", [False, True])
def test_a_look_sees_what_a_rendered_view_sees(person, near, far, cloud):
    mesh = Mesh(person.vertices[::4], np.zeros((0, 3))) if cloud else person
    view = View.around(robust_bounds(person.vertices), 0.7, 0.1, width=96, height=128, distance=10.0)
    plain, seen = Raycaster(mesh).render(view, near, far), Sight(mesh).look(view, near, far)
    np.testing.assert_array_equal(seen.pixels, np.flatnonzero(plain.mask))
    np.testing.assert_array_equal(seen.face_ids, plain.face_ids[plain.mask])
    np.testing.assert_allclose(seen.barycentric, plain.barycentric[plain.mask], atol=1e-6)
    rays = view.rays(view.pixel_centres()[seen.pixels])[1] @ view.camera_from_world[:3, :3].T
    np.testing.assert_allclose(seen.rays, rays, atol=1e-12)


def test_mixed_is_interpolate_where_every_ray_has_hit(person):
    view = View.around(robust_bounds(person.vertices), 0.0, width=64, height=96)
    sight = Sight(person)
    seen = sight.look(view)
    plain = sight.interpolate(person.vertices, seen.face_ids, seen.barycentric)
    np.testing.assert_allclose(
        sight.mixed(person.vertices, seen.face_ids, seen.barycentric), plain, atol=1e-14
    )


def test_a_picture_keeps_the_scans_colours_before_a_light_background(person):
    green = Mesh(person.vertices, person.faces, colors=np.tile([[20, 200, 30]], (len(person.vertices), 1)))
    studio = Studio(green)
    image, mask = studio.picture(View.around(studio.bounds, 0.0, width=96, height=128))
    assert 0.1 < mask.mean() < 0.6
    assert (image[~mask] == BACKGROUND_SRGB).all()
    assert (image[mask][:, 1] > image[mask][:, 0]).all()


def test_robust_bounds_leave_out_a_stray_vertex(person):
    many = np.tile(person.vertices, (2, 1))
    far = np.concatenate([many, [[50.0, 0.0, 0.0]]])
    assert robust_bounds(far)[1, 0] < 1.2
    np.testing.assert_allclose(robust_bounds(far)[:, 1:], robust_bounds(many)[:, 1:], atol=1e-3)
