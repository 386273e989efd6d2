"""sRGB and light: there and back, and the standard's own values."""

from __future__ import annotations

import numpy as np

from bodyscan.geometry.srgb import linear_from_srgb, srgb_from_linear


def test_bytes_survive_the_round_trip() -> None:
    every = np.arange(256, dtype=np.uint8)
    np.testing.assert_array_equal(srgb_from_linear(linear_from_srgb(every)), every)


def test_values_of_the_standard() -> None:
    np.testing.assert_allclose(linear_from_srgb(np.array([0, 188, 255])), [0, 0.50289, 1], atol=1e-4)
    np.testing.assert_allclose(linear_from_srgb(10.0), 10 / 255 / 12.92, rtol=1e-6)
    np.testing.assert_array_equal(srgb_from_linear([-1.0, 0.5, 2.0]), [0, 188, 255])


def test_bytes_and_floats_are_decoded_alike() -> None:
    every = np.arange(256, dtype=np.uint8)
    np.testing.assert_allclose(linear_from_srgb(every), linear_from_srgb(every.astype(float)), rtol=1e-6)
