"""Rigid transforms: a rotation and a shift."""

from __future__ import annotations

import numpy as np

from bodyscan.types import F64


def rigid_inverse(transform: F64) -> F64:
    """The inverse of (..., 4, 4) or (..., 3, 4) rigid transforms, in the same layout."""
    out = np.array(transform, np.float64)
    back = np.swapaxes(out[..., :3, :3], -1, -2)
    out[..., :3, 3:] = -(back @ out[..., :3, 3:])
    out[..., :3, :3] = back
    return out
