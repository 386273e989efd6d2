"""A small picture of an image, the same for every size and format in which the image is stored."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bodyscan.geometry.srgb import encode_srgb, linear_from_srgb
from bodyscan.types import F64, U8


def area_mean(values: NDArray[np.floating], rows: int, columns: int) -> F64:
    """Return (rows, columns, C): means of `values` (H, W, C) over equal areas, which may cut pixels."""
    return _stretches(_stretches(values, rows).transpose(1, 0, 2), columns).transpose(1, 0, 2)


def small_light(image: U8, size: int) -> F64:
    """Return (size, size, 3) linear light 0..1: area means of (H, W, 3) uint8 sRGB."""
    return area_mean(linear_from_srgb(image), size, size)


def srgb_levels(light: NDArray[np.floating]) -> F64:
    """Return sRGB levels 0..255, not rounded, of linear light 0..1."""
    return np.asarray(encode_srgb(np.clip(light, 0, 1)), np.float64) * 255


def look_up(light: F64, uvs: NDArray[np.floating]) -> F64:
    """Return (K, C): a picture (H, W, C) at `uvs` (K, 2), origin at the top left, bilinear, clamped."""
    height, width = light.shape[:2]
    x = np.clip(uvs[:, 0] * width - 0.5, 0, width - 1)
    y = np.clip(uvs[:, 1] * height - 0.5, 0, height - 1)
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    along, down = (x - left)[:, None], (y - top)[:, None]
    upper = light[top, left] * (1 - along) + light[top, right] * along
    lower = light[bottom, left] * (1 - along) + light[bottom, right] * along
    return upper * (1 - down) + lower * down


def _stretches(values: NDArray[np.floating], count: int) -> F64:
    """Means of `count` equal stretches along the first axis."""
    total = len(values)
    if total % count == 0:
        return values.reshape(count, total // count, *values.shape[1:]).mean(axis=1, dtype=np.float64)
    edges = np.arange(count + 1) * (total / count)
    pixels = np.arange(total)
    # The share of each pixel that lies in each stretch.
    inside = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    shares = (np.clip(inside, 0, 1) * (count / total)).astype(values.dtype)
    return (shares @ values.reshape(total, -1)).reshape(count, *values.shape[1:]).astype(np.float64)
