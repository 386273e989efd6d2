"""sRGB bytes to linear light and back (IEC 61966-2-1).

glTF stores vertex colours linear. Sixteen bits hold every one of the 256 sRGB steps apart (the
darkest are 20 codes from each other); eight bits would merge the dark ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodyscan.types import U8, U16


def srgb8_to_linear16(srgb: U8) -> U16:
    """Return linear light as uint16 0..65535 for sRGB bytes of any shape."""
    encoded = np.arange(256) / 255.0
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return np.round(linear * 65535).astype(np.uint16)[srgb]


def linear_to_srgb8(linear: NDArray[Any]) -> U8:
    """Return sRGB bytes for linear light 0..1 of any shape; values outside are clipped."""
    light = np.clip(np.asarray(linear, dtype=np.float64), 0, 1)
    encoded = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.round(encoded * 255).astype(np.uint8)
