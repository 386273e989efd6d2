"""Looking up photos: linear between pixels, and no background in the coarse band."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import map_coordinates

from bodyscan.geometry.raycast import Raycaster
from bodyscan.texture.photo_options import PhotoBakeOptions
from bodyscan.texture.photo_samples import Picture, coarse_picture, fine_picture, level_table
from bodyscan.texture.photo_sight import look_from

from .photo_rig import ball, shoot, views


def test_a_look_up_is_linear():
    rng = np.random.default_rng(0)
    pixels = rng.random((7, 9, 2)).astype(np.float32)
    columns, rows = rng.uniform(10, 28, 200), rng.uniform(20, 34, 200)
    found = Picture(pixels, 10, 20, 2).at(columns.astype(np.float32), rows.astype(np.float32))
    at = [(rows - 20) / 2 - 0.5, (columns - 10) / 2 - 0.5]
    for channel in range(2):
        plain = map_coordinates(pixels[..., channel], at, order=1, mode="nearest")
        np.testing.assert_allclose(found[:, channel], plain, atol=1e-5)


def test_a_picture_of_one_pixel_can_be_looked_up():
    found = Picture(np.full((1, 1, 3), 7.0, np.float32), 0, 0, 1).at(np.float32([0, 5]), np.float32([0, 5]))
    np.testing.assert_array_equal(found, np.full((2, 3), 7.0))


def test_levels_take_the_exposure_out():
    table = level_table(np.array([1.0, 2.0, 0.5]))
    np.testing.assert_allclose(table[:, 0], np.arange(256), atol=1e-3)
    assert (table[1:, 1] < table[1:, 0]).all()
    assert (table[1:, 2] > table[1:, 0]).all()


def test_no_background_bleeds_into_the_coarse_band():
    def grey(points):
        return np.full((len(points), 3), 100.0)

    sight = look_from(shoot(views()[0], color=grey), Raycaster(ball()), PhotoBakeOptions())
    coarse = coarse_picture(sight, 8.0)
    np.testing.assert_allclose(coarse.pixels, 100, atol=1.0)  # the background is magenta


def test_the_fine_picture_trusts_no_blown_pixel():
    photo = shoot(views()[0], color=lambda points: np.full((len(points), 3), 255.0))
    sight = look_from(photo, Raycaster(ball()), PhotoBakeOptions())
    fine = fine_picture(sight, level_table(np.ones(3)), 1)
    assert fine.pixels[..., 3].max() < 0.06
