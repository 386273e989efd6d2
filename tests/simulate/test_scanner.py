"""The rig's rays, and the size of its voxels."""

from __future__ import annotations

import numpy as np

from bodyscan.geometry.raycast import Raycaster, View
from bodyscan.simulate.scanner import OVERSAMPLING, _first_hits, _take, _voxel_size, camera_rig, fuse
from simulate.scans import CLEAN, sphere

BALL = sphere(rows=30)
CASTER = Raycaster(BALL)


def num_hits_as_rendered(view: View) -> int:
    picture = CASTER.render(view)
    mask, face_ids, barycentric, depth = _first_hits(CASTER, view)
    np.testing.assert_array_equal(mask, picture.mask)
    np.testing.assert_array_equal(face_ids, picture.face_ids[picture.mask])
    np.testing.assert_array_equal(barycentric, picture.barycentric[picture.mask])
    np.testing.assert_allclose(depth, picture.depth[picture.mask], rtol=1e-14)
    return int(mask.sum())


def test_rays_at_the_scenes_box_hit_what_the_whole_picture_shows():
    for view in camera_rig(BALL.vertices, 8, 0.01):
        assert num_hits_as_rendered(view) > 1000


def test_a_camera_inside_of_the_scene_sees_all_around():
    assert num_hits_as_rendered(View.look_at([0, 0, 0.1], [0, 0, 1], [0, 1, 0], 40.0, 64, 48)) == 64 * 48


def test_a_camera_that_looks_past_the_scene_sees_nothing():
    assert num_hits_as_rendered(View.look_at([0, 0, 5], [9, 0, 1], [0, 1, 0], 60.0, 64, 48)) == 0


def test_the_volume_gives_about_as_many_triangles_as_decimation_is_to_have():
    asked, rng = 20_000, np.random.default_rng(0)
    voxel = _voxel_size(BALL, 100.0, asked)
    fused = fuse((_take(rng, CASTER, view, CLEAN) for view in camera_rig(BALL.vertices, 24, voxel)), voxel)
    assert 0.75 * OVERSAMPLING * asked < len(fused.faces) < 1.1 * OVERSAMPLING * asked
