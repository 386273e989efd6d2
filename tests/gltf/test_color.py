from __future__ import annotations

import numpy as np

from bodyscan.geometry.srgb import srgb_from_linear
from bodyscan.gltf.color import srgb8_to_linear16


def test_every_srgb_byte_survives_the_way_through_linear_light():
    every = np.arange(256, dtype=np.uint8)
    linear = srgb8_to_linear16(every)
    assert np.array_equal(srgb_from_linear(linear / 65535.0), every)


def test_middle_grey_is_a_fifth_of_the_light():
    assert abs(int(srgb8_to_linear16(np.array([128], np.uint8))[0]) / 65535 - 0.2159) < 1e-4
