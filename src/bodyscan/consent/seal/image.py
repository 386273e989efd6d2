"""Small pictures of an image, nearly the same for every size and format in which the image is stored.

A cell is the mean of sRGB values over its area, not of light: lossy codecs keep the mean of a block's sRGB
values and lose contrast within it, by which a mean of light shifts (at JPEG 50 by 7 levels of 255 where hair
meets skin, against 1.6). Lightness and colour are told apart, for codecs keep colour at half the size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bodyscan.types import F32, F64, U8

LUMA = np.array([0.299, 0.587, 0.114])
"""Of sRGB red, green, blue (ITU-R BT.601, as JFIF uses it)."""
CHROMA_SCALE = np.array([1.772, 1.402])
"""Cb = (B - Y) / 1.772 + 128 and Cr = (R - Y) / 1.402 + 128 (JFIF 1.02)."""


def area_mean(image: NDArray[np.floating] | U8, rows: int, columns: int) -> F32:
    """Return (rows, columns, C) float32: means of (H, W, C) values over equal areas, which may cut pixels."""
    values = np.asarray(image, np.float32)
    return _stretches(_stretches(values, rows).transpose(1, 0, 2), columns).transpose(1, 0, 2)


def luma(levels: NDArray[np.floating]) -> F64:
    """Return (...) lightness 0..255 of (..., 3) sRGB levels."""
    return levels.astype(np.float64) @ LUMA


def chroma(levels: NDArray[np.floating]) -> F64:
    """Return (..., 2) Cb and Cr, 0..255 around 128, of (..., 3) sRGB levels."""
    return (levels[..., [2, 0]] - luma(levels)[..., None]) / CHROMA_SCALE + 128


def look_up(picture: NDArray[np.floating], uvs: NDArray[np.floating]) -> F64:
    """Return (K, C): a picture (H, W, C) at `uvs` (K, 2), origin at the top left, bilinear.

    Beyond 0..1 the picture repeats; at its edge it is held.
    """
    height, width = picture.shape[:2]
    uvs = np.where((uvs >= 0) & (uvs <= 1), uvs, uvs - np.floor(uvs))
    x = np.clip(uvs[:, 0] * width - 0.5, 0, width - 1)
    y = np.clip(uvs[:, 1] * height - 0.5, 0, height - 1)
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    along, down = (x - left)[:, None], (y - top)[:, None]
    upper = picture[top, left] * (1 - along) + picture[top, right] * along
    lower = picture[bottom, left] * (1 - along) + picture[bottom, right] * along
    return upper * (1 - down) + lower * down


def _stretches(values: F32, count: int) -> F32:
    """Means of `count` equal stretches along the first axis."""
    total = len(values)
    flat = values.reshape(total, -1)
    if total % count == 0:
        means = flat.reshape(count, total // count, -1).mean(axis=1)
    else:
        edges, pixels = np.arange(count + 1) * (total / count), np.arange(total)
        # The share of each pixel that lies in each stretch.
        inside = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
        means = (np.clip(inside, 0, 1) * (count / total)).astype(np.float32) @ flat
    return means.reshape(count, *values.shape[1:])
