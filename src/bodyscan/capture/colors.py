"""Colours as files store them -> uint8 sRGB."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def to_srgb_u8(values: Any) -> NDArray[np.uint8]:
    """Return colours (N, 3) as uint8, by the range that their type or their values show.

    uint8 stays; uint16 is scaled from 0..65535; floats are 0..1, or 0..255 where one exceeds 1;
    other integers are 0..255, or 0..65535 where one exceeds 255. NaN becomes 0.
    """
    array = np.asarray(values)[:, :3]
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if array.dtype == np.uint16:
        return np.rint(array / 257.0).astype(np.uint8)
    data = np.nan_to_num(array.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    top = float(data.max(initial=0.0))
    if array.dtype.kind == "f" and top <= 1.0 + 1e-6:
        data = data * 255.0
    elif top > 255.0:
        data = data / 257.0
    return np.clip(np.rint(data), 0, 255).astype(np.uint8)


def linear_to_srgb_u8(linear: Any) -> NDArray[np.uint8]:
    """Return linear light 0..1 (N, 3) as uint8 sRGB (IEC 61966-2-1), as glTF stores COLOR_0."""
    data = np.clip(np.nan_to_num(np.asarray(linear, dtype=np.float64)[..., :3]), 0.0, 1.0)
    encoded = np.where(data <= 0.0031308, 12.92 * data, 1.055 * np.power(data, 1 / 2.4) - 0.055)
    return np.rint(encoded * 255.0).astype(np.uint8)
