"""Laying the watermark over a picture, as weakly as the picture allows.

Strength in levels of 8 bits (standard deviation): 0.8 on flat mid-grey, a little more towards white and
black, where the eye sees steps of lightness less well (the weight S_L of CIEDE2000), and half of what the
picture's own texture has beyond one level. Texture counts only where the whole surroundings have it, so
that no halo stands along outlines before a flat backdrop.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.ndimage import gaussian_filter, minimum_filter, uniform_filter

from bodyscan.geometry.srgb import linear_from_srgb
from bodyscan.mark.watermark_code import encode
from bodyscan.mark.watermark_pattern import tile
from bodyscan.types import F32, U8, frozen_array

LEAST_SIDE_PX = 200
"""Of the shorter side; smaller pictures hold too little of the tile to be read after a loss."""
FLAT_LEVELS = 0.8
TEXTURE_SHARE = 0.5
MOST_LEVELS = 5.0
LIGHTNESS_POWER = 0.4
TEXTURE_FINER_PX = 2.0
TEXTURE_WINDOW_PX = 9
SOFTEN_PX = 3.0
LUMA = (0.299, 0.587, 0.114)
"""Rec. 601, as JPEG and WebP weigh it."""


def watermark_gap(width: int, height: int) -> str:
    """Return why a picture of this size in pixels can carry no watermark, or "" where it can."""
    if min(width, height) >= LEAST_SIDE_PX:
        return ""
    return f"{width} x {height} px is too small; a watermark needs {LEAST_SIDE_PX} px on the shorter side"


def embed_watermark(image: U8, payload: bytes) -> U8:
    """Return a copy of `image` (H, W, 3) uint8 sRGB that carries 8 bytes in its lightness.

    A picture for which `watermark_gap` gives a reason is returned as it is. Raises `InputError` for another
    shape or another number of bytes.
    """
    pixels = frozen_array("image", image, np.uint8, (None, None, 3))
    signs = encode(payload)
    height, width = pixels.shape[:2]
    if watermark_gap(width, height):
        return np.array(pixels)
    made = tile(signs)
    rows, columns = np.arange(height) % len(made), np.arange(width) % len(made)
    change = np.rint(strength(luma(pixels)) * made[np.ix_(rows, columns)]).astype(np.int16)
    # One whole number for all three channels: the hue stays, and no coloured noise comes from rounding.
    return np.clip(pixels + change[..., None], 0, 255).astype(np.uint8)


def strength(lightness: F32) -> F32:
    """Return how many levels (H, W) the mark may take, from luma (H, W) 0..255."""
    fine = lightness - gaussian_filter(lightness, TEXTURE_FINER_PX)
    texture = np.sqrt(np.maximum(uniform_filter(fine * fine, TEXTURE_WINDOW_PX), 0))
    texture = minimum_filter(texture, TEXTURE_WINDOW_PX)
    flat = FLAT_LEVELS * _lightness_weight()[np.clip(lightness, 0, 255).astype(np.intp)]
    levels = np.minimum(flat + TEXTURE_SHARE * np.maximum(texture - 1, 0), MOST_LEVELS)
    return gaussian_filter(levels, SOFTEN_PX).astype(np.float32)


def luma(pixels: U8) -> F32:
    """(H, W) float32, 0..255."""
    return pixels.astype(np.float32) @ np.array(LUMA, np.float32)


@cache
def _lightness_weight() -> F32:
    """(256,) by grey level: S_L of CIEDE2000 (CIE 142-2001) to a power, 1 at L* 50."""
    light = linear_from_srgb(np.arange(256, dtype=np.uint8)).astype(np.float64)
    lightness = np.where(light > (6 / 29) ** 3, 116 * np.cbrt(light) - 16, light * (29 / 3) ** 3)
    off = (lightness - 50) ** 2
    return ((1 + 0.015 * off / np.sqrt(20 + off)) ** LIGHTNESS_POWER).astype(np.float32)
