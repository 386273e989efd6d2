"""Laying the watermark over a picture, as weakly as the picture allows.

Strength in levels of 8 bits (standard deviation): 0.8 on flat surfaces, a third more on black and white,
where half of every wave is cut off, and half of what the picture's own texture has beyond one level.
Texture counts only where the whole surroundings have it, so that no halo stands along outlines before a
flat backdrop.
"""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
from scipy.ndimage import gaussian_filter, uniform_filter

from bodyscan.mark.watermark_code import encode
from bodyscan.mark.watermark_pattern import tile
from bodyscan.types import F32, U8, frozen_array

LEAST_SIDE_PX = 200
"""Of the shorter side; smaller pictures hold too little of the tile to be read after a loss."""
FLAT_LEVELS = 0.8
TEXTURE_SHARE = 0.5
MOST_LEVELS = 4.0
PEAK = 2.6
"""Standard deviations at which the tile is cut: one pixel in a hundred, the first that an eye would find."""
CLIPPED_SHARE = 0.35
TEXTURE_FINER_PX = 2.0
TEXTURE_WINDOW_PX = 13
AROUND_PX = 11
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
    made = np.clip(tile(signs), -PEAK, PEAK)
    rows, columns = np.arange(height) % len(made), np.arange(width) % len(made)
    change = np.rint(strength(luma(pixels)) * made[np.ix_(rows, columns)]).astype(np.int16)
    # One whole number for all three channels: the hue stays, and no coloured noise comes from rounding.
    return np.clip(pixels + change[..., None], 0, 255).astype(np.uint8)


def strength(lightness: F32) -> F32:
    """Return how many levels (H, W) the mark may take, from luma (H, W) 0..255."""
    fine = lightness - gaussian_filter(lightness, TEXTURE_FINER_PX)
    texture = np.sqrt(_least_around(np.maximum(uniform_filter(fine * fine, TEXTURE_WINDOW_PX), 0)))
    flat = FLAT_LEVELS * _end_weight()[np.clip(lightness, 0, 255).astype(np.intp)]
    levels = np.minimum(flat + TEXTURE_SHARE * np.maximum(texture - 1, 0), MOST_LEVELS)
    return gaussian_filter(levels, SOFTEN_PX).astype(np.float32)


def luma(pixels: U8) -> F32:
    """(H, W) float32, 0..255."""
    return pixels.astype(np.float32) @ np.array(LUMA, np.float32)


def _least_around(energy: F32) -> F32:
    """(H, W) the least of the windows that lie beside a pixel, in eight directions.

    Beside an outline one of them is flat; within a texture, or between lines of text, none is.
    """
    height, width = energy.shape
    slant = round(AROUND_PX / 2**0.5)
    rows, columns = np.arange(height)[:, None], np.arange(width)
    least = np.full_like(energy, np.inf)
    for down, right in product((-1, 0, 1), repeat=2):
        if down or right:
            reach = slant if down and right else AROUND_PX
            beside_rows = np.clip(rows + down * reach, 0, height - 1)
            beside_columns = np.clip(columns + right * reach, 0, width - 1)
            least = np.minimum(least, energy[beside_rows, beside_columns])
    return least


@cache
def _end_weight() -> F32:
    """(256,) by grey level: more near black and white, where half of every wave is cut off."""
    level = np.arange(256)
    room = np.minimum(level, 255 - level)
    return (1 + CLIPPED_SHARE * np.clip(1 - room / 4, 0, 1)).astype(np.float32)
