"""Exposures from what several photos say of the same points."""

from __future__ import annotations

import numpy as np

from bodyscan.texture.photo_levels import camera_gains, level_notes


def observations(gains, points=400, views=4, noise=0.0, seed=0):
    """Random points, each seen by some of the photos."""
    rng = np.random.default_rng(seed)
    photo = np.concatenate([rng.choice(len(gains), views, replace=False) for _ in range(points)])
    point = np.repeat(np.arange(points), views)
    linear = rng.uniform(0.05, 0.6, (points, 3))[point] * gains[photo]
    linear *= np.exp(rng.normal(size=linear.shape) * noise)
    return photo, point, linear, np.ones(len(photo))


def some_gains(count=8, seed=1):
    gains = np.exp(np.random.default_rng(seed).normal(size=(count, 3)) * 0.3)
    return gains / np.exp(np.log(gains).mean(axis=0))


def test_known_gains_come_back():
    gains = some_gains()
    np.testing.assert_allclose(camera_gains(*observations(gains), len(gains)), gains, rtol=0.01)


def test_noise_and_disturbed_points_hardly_matter():
    gains = some_gains()
    photo, point, linear, weight = observations(gains, points=2000, noise=0.03)
    linear[(photo == 2) & (np.arange(len(photo)) % 4 == 0)] *= 3.0  # a quarter of one photo is glossy
    found = camera_gains(photo, point, linear, weight, len(gains))
    np.testing.assert_allclose(found, gains, rtol=0.02)


def test_the_whole_keeps_its_tone():
    gains = some_gains() * [1.4, 1.0, 0.8]
    found = camera_gains(*observations(gains), len(gains))
    np.testing.assert_allclose(np.exp(np.log(found).mean(axis=0)), 1, atol=1e-9)


def test_photos_that_share_nothing_stay_as_they_are():
    photo = np.array([0, 0, 1, 1, 2])
    point = np.array([0, 1, 2, 3, 4])
    found = camera_gains(photo, point, np.full((5, 3), 0.3) * (1 + photo[:, None]), np.ones(5), 4)
    np.testing.assert_allclose(found, 1, atol=1e-9)


def test_no_observations_give_no_gains():
    empty = np.zeros(0, int)
    np.testing.assert_array_equal(
        camera_gains(empty, empty, np.zeros((0, 3)), np.zeros(0), 3), np.ones((3, 3))
    )


def test_the_notes_name_the_photo_and_say_how_far_it_is_off():
    gains = np.array([[1.02] * 3, [0.82] * 3, [1.3] * 3])
    assert level_notes(gains, ("a", "b", "c")) == (
        "Photo b: 18 % darker than the others: levelled.",
        "Photo c: 30 % brighter than the others: levelled.",
    )
