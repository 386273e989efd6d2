"""The filters that meshopt compression applies after decoding (Appendix B of both extensions)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FILTERS = {
    "NONE": range(4, 257, 4),
    "OCTAHEDRAL": (4, 8),
    "QUATERNION": (8,),
    "EXPONENTIAL": range(4, 257, 4),
    "COLOR": (4, 8),
}
"""The strides, in bytes, that each filter goes with."""


def apply_filter(elements: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    """Return (N, stride) uint8 elements after the filter `name`; the caller has checked name and stride."""
    if name == "NONE" or not len(elements):
        return elements
    functions = {
        "OCTAHEDRAL": _octahedral,
        "QUATERNION": _quaternion,
        "EXPONENTIAL": _exponential,
        "COLOR": _color,
    }
    with np.errstate(all="ignore"):  # invalid input gives some value: the extension leaves it open
        values = functions[name](elements)
    return np.ascontiguousarray(values).view(np.uint8).reshape(elements.shape)


def _octahedral(elements: NDArray[np.uint8]) -> NDArray[np.signedinteger]:
    kind = np.dtype("i1") if elements.shape[1] == 4 else np.dtype("<i2")
    stored = elements.view(kind)
    one = stored[:, 2].astype(np.float32)
    xy = stored[:, :2].astype(np.float32) / np.where(one == 0, 1, one)[:, None]
    z = 1 - np.abs(xy).sum(axis=1)
    xy -= np.copysign(np.minimum(z, 0)[:, None], xy)
    vector = np.column_stack([xy, z])
    length = np.linalg.norm(vector, axis=1, keepdims=True)
    largest = np.iinfo(kind).max
    result = stored.copy()
    result[:, :3] = _rounded(vector / np.where(length > 0, length, 1), largest)
    return result


def _quaternion(elements: NDArray[np.uint8]) -> NDArray[np.int16]:
    stored = elements.view("<i2")
    one = (stored[:, 3] | 3).astype(np.float32)
    xyz = stored[:, :3].astype(np.float32) / one[:, None] / np.float32(np.sqrt(2))
    w = np.sqrt(np.maximum(0, 1 - (xyz * xyz).sum(axis=1)))
    values = _rounded(np.column_stack([w, xyz]), 32767).astype("<i2")
    places = ((stored[:, 3] & 3)[:, None] + np.arange(4)) % 4
    result = np.empty_like(stored)
    np.put_along_axis(result, places.astype(np.int64), values, axis=1)
    return result


def _exponential(elements: NDArray[np.uint8]) -> NDArray[np.float32]:
    stored = elements.view("<i4")
    mantissa = (stored << 8) >> 8
    return np.ldexp(mantissa.astype(np.float32), stored >> 24).astype("<f4")


def _color(elements: NDArray[np.uint8]) -> NDArray[np.unsignedinteger]:
    wide = elements.shape[1] == 8
    kind = np.dtype("<u2") if wide else np.dtype("u1")
    signed = elements.view("<i2" if wide else "i1").astype(np.int64)
    unsigned = elements.view(kind).astype(np.int64)
    luma, orange, green, alpha = unsigned[:, 0], signed[:, 1], signed[:, 2], unsigned[:, 3]
    bits = np.floor(np.log2(np.maximum(alpha, 1))).astype(np.int64) + 1
    scale = (1 << bits) - 1
    kept = alpha & (scale >> 1)
    rgba = np.column_stack([luma + orange - green, luma + green, luma - orange - green, kept << 1 | kept & 1])
    largest = np.iinfo(kind).max
    return np.clip(np.floor(rgba * (largest / scale)[:, None] + 0.5), 0, largest).astype(kind)


def _rounded(values: NDArray[np.floating], largest: int) -> NDArray[np.int64]:
    """Round to the nearest integer, halves away from zero, as C's `round` does."""
    scaled = np.nan_to_num(values) * largest
    return np.trunc(scaled + np.copysign(0.5, scaled)).astype(np.int64)
