"""Vertex colours as glTF stores them: linear light.

Sixteen bits hold every one of the 256 sRGB steps apart (the darkest are 20 codes from each other); eight bits
would merge the dark ones.
"""

from __future__ import annotations

import numpy as np

from bodyscan.geometry.srgb import linear_from_srgb
from bodyscan.types import U8, U16


def srgb8_to_linear16(srgb: U8) -> U16:
    """Return linear light as uint16 0..65535 for sRGB bytes of any shape."""
    return np.round(linear_from_srgb(srgb).astype(np.float64) * 65535).astype(np.uint16)
