"""Colour: pixels of a picture, and colour maps that are even to the eye.

The maps are straight or bent lines in Oklab (B. Ottosson, "A perceptual color space for image
processing", 2020), sampled to 256 entries: equal steps of the value are nearly equal steps of colour.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from bodyscan.errors import InputError
from bodyscan.geometry.srgb import encode_srgb, linear_from_srgb
from bodyscan.geometry.srgb import srgb_from_linear as rounded
from bodyscan.types import F64, U8

_LMS_FROM_RGB = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB_FROM_LMS = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_ANCHORS = {
    # Signed distance: blue inside, neutral at zero, red outside; as light at -x as at +x.
    "diverging": ((25, 66, 158), (88, 143, 222), (226, 226, 226), (231, 121, 84), (158, 33, 33)),
    # One-sided values: lightness only rises.
    "sequential": ((38, 22, 82), (60, 84, 153), (40, 148, 148), (129, 202, 105), (250, 232, 88)),
}
COLORMAPS = tuple(_ANCHORS)


def srgb_from_linear(linear: ArrayLike, *, dither: bool = False) -> U8:
    """sRGB uint8 of linear light, cut to 0..1.

    `dither` spreads an image's (H, W, 3) rounding error over a fixed pattern: slow gradients show no bands.
    """
    if not dither:
        return rounded(linear)
    encoded = encode_srgb(np.clip(np.asarray(linear, np.float32), 0, 1))
    rows, columns = np.indices(encoded.shape[:2])
    pattern = np.modf(52.9829189 * np.modf(0.06711056 * columns + 0.00583715 * rows)[0])[0]
    return np.floor(np.clip(encoded * 255 + pattern[..., None], 0, 255)).astype(np.uint8)


def oklab_from_srgb(srgb: ArrayLike) -> F64:
    """Oklab (..., 3) of sRGB 0..255 (..., 3); the first value is lightness, 0..1."""
    lms: F64 = linear_from_srgb(srgb).astype(np.float64) @ _LMS_FROM_RGB.T
    return np.asarray(np.cbrt(lms) @ _LAB_FROM_LMS.T, np.float64)


def srgb_from_oklab(lab: ArrayLike) -> U8:
    """sRGB uint8 (..., 3) of Oklab (..., 3), cut to the gamut."""
    lms = (np.asarray(lab, np.float64) @ np.linalg.inv(_LAB_FROM_LMS).T) ** 3
    return srgb_from_linear(lms @ np.linalg.inv(_LMS_FROM_RGB).T)


def colormap(name: str, position: ArrayLike) -> U8:
    """Colours (..., 3) uint8 of positions 0..1 (...) in the map `diverging` or `sequential`."""
    if name not in _ANCHORS:
        raise InputError(f"The colour map {name!r} is unknown; possible are {', '.join(COLORMAPS)}.")
    index = np.clip(np.round(np.asarray(position, np.float64) * 255), 0, 255).astype(np.int64)
    return _table(name)[index]


@cache
def _table(name: str) -> U8:
    anchors = oklab_from_srgb(np.array(_ANCHORS[name], np.uint8))
    if name == "diverging":
        # Same lightness on both sides: neither sign looks larger.
        anchors[:, 0] = (anchors[:, 0] + anchors[::-1, 0]) / 2
    # Walk at even speed: anchors are spaced by their distance in Oklab, per half for the diverging map.
    steps = np.linalg.norm(np.diff(anchors, axis=0), axis=1)
    if name == "diverging":
        steps[:2] /= steps[:2].sum()
        steps[2:] /= steps[2:].sum()
    place = np.concatenate([[0], np.cumsum(steps)]) / steps.sum()
    at = np.linspace(0, 1, 256)
    return srgb_from_oklab(np.stack([np.interp(at, place, anchors[:, k]) for k in range(3)], axis=1))
