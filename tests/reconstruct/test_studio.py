"""Pictures of a scan for the detectors."""

from __future__ import annotations

import numpy as np

from bodyscan.geometry.view import View
from bodyscan.reconstruct.studio import BACKGROUND_SRGB, Studio, robust_bounds
from bodyscan.types import Mesh


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
