"""The sRGB transfer curve (IEC 61966-2-1): bytes to linear light and back.

Means of colours are means of light: taken of sRGB values they come out too dark where light and dark meet.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray


def linear_from_srgb(srgb: ArrayLike) -> NDArray[np.float32]:
    """Linear light 0..1, float32, of sRGB values 0..255 of any shape; bytes go through a table."""
    values = np.asarray(srgb)
    if values.dtype == np.uint8:
        return _table()[values]
    return _decode(np.asarray(values, np.float64) / 255).astype(np.float32)


def srgb_from_linear(linear: ArrayLike) -> NDArray[np.uint8]:
    """sRGB bytes of linear light of any shape, cut to 0..1."""
    return np.rint(encode_srgb(np.clip(np.asarray(linear), 0, 1)) * 255).astype(np.uint8)


def encode_srgb(linear: ArrayLike) -> NDArray[np.floating]:
    """sRGB values of linear light of any shape, 1 for 1: not rounded, and not cut above 1.

    float32 in, float32 out; all else is float64.
    """
    light = np.maximum(np.asarray(linear), 0)
    if light.dtype != np.float32:
        light = light.astype(np.float64)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def _decode(encoded: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


@cache
def _table() -> NDArray[np.float32]:
    table = _decode(np.arange(256) / 255).astype(np.float32)
    table.flags.writeable = False
    return table
