"""Straightening a lens: against the plain version, against known truth, and where nothing is to be seen."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from bodyscan.capture.undistort import Distortion, distorted_points, undistorted

WIDTH, HEIGHT = 240, 320
K = np.array([[300.0, 0, 118.0], [0, 310.0, 163.0], [0, 0, 1]])
LENSES = (
    Distortion(k1=-0.2, k2=0.05),
    Distortion(k1=0.1, p1=0.004, p2=-0.003),
    Distortion(0.08, -0.1, 0.001, 0.001, 0.02, 0.1, -0.02, 0.01),
)


def waves(pixels: np.ndarray) -> np.ndarray:
    """A smooth picture that is known at every place, 0..255."""
    return 128 + 60 * np.sin(pixels[..., 0] / 9.0) + 60 * np.cos(pixels[..., 1] / 11.0)


def centres() -> np.ndarray:
    columns, rows = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    return np.stack([columns, rows], axis=-1)


def bent_pixels(lens: Distortion) -> np.ndarray:
    """Where the photo holds what belongs at each pixel of the straight picture."""
    focal, middle = np.array([K[0, 0], K[1, 1]]), K[:2, 2]
    return distorted_points((centres() - middle) / focal, lens) * focal + middle


@pytest.mark.parametrize("lens", LENSES)
def test_it_shows_what_the_plain_version_shows(lens):
    photo = np.rint(waves(centres())).astype(np.uint8)
    fast, seen = undistorted(np.repeat(photo[..., None], 3, axis=2), K, lens)
    at = bent_pixels(lens) - 0.5
    plain = map_coordinates(photo.astype(float), [at[..., 1], at[..., 0]], order=3, mode="nearest")
    assert seen.mean() > 0.7
    assert np.abs(fast[..., 0] - plain)[seen].max() < 2.5  # of 255


@pytest.mark.parametrize("lens", LENSES)
def test_a_straight_picture_comes_back_straight(lens):
    # What the lens would make of a known picture: the straight picture, looked up backwards.
    focal, middle = np.array([K[0, 0], K[1, 1]]), K[:2, 2]
    bent = (centres() - middle) / focal
    plane = bent.copy()
    for _ in range(60):
        plane += bent - distorted_points(plane, lens)
    photo = np.rint(waves(plane * focal + middle)).astype(np.uint8)
    straight, seen = undistorted(photo, K, lens)
    assert np.abs(straight - waves(centres()))[seen].max() < 3.0  # of 255


def test_no_distortion_changes_nothing():
    photo = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    straight, seen = undistorted(photo, K, Distortion())
    np.testing.assert_array_equal(straight, photo)
    assert seen.all()


def test_a_cushion_leaves_no_gap_and_a_barrel_does_not_fold():
    photo = np.full((HEIGHT, WIDTH), 200, np.uint8)
    straight, seen = undistorted(photo, K, Distortion(k1=0.3))
    assert not seen[0, 0]
    assert (straight[~seen] == 0).all()
    strong, seen = undistorted(photo, K, Distortion(k1=-2.0))
    assert not seen[0, 0]  # there the polynomial comes back towards the middle
    assert seen[HEIGHT // 2, WIDTH // 2]
    assert (strong[seen] > 190).all()
