"""The size of the rig's voxels."""

from __future__ import annotations

import numpy as np

from bodyscan.geometry.raycast import Raycaster
from bodyscan.simulate.scanner import OVERSAMPLING, _take, _voxel_size, camera_rig, fuse
from simulate.scans import CLEAN, sphere

BALL = sphere(rows=30)
CASTER = Raycaster(BALL)


def test_the_volume_gives_about_as_many_triangles_as_decimation_is_to_have():
    asked, rng = 20_000, np.random.default_rng(0)
    voxel = _voxel_size(BALL, 100.0, asked)
    fused = fuse((_take(rng, CASTER, view, CLEAN) for view in camera_rig(BALL.vertices, 24, voxel)), voxel)
    assert 0.75 * OVERSAMPLING * asked < len(fused.faces) < 1.1 * OVERSAMPLING * asked
