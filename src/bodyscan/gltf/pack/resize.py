"""Shrinks an image by what it is for: colours in linear light, normals as vectors, data as numbers."""

from __future__ import annotations

import numpy as np

from bodyscan.geometry.srgb import srgb_from_linear
from bodyscan.types import F64, U8


def resize_image(pixels: U8, limit: int, role: str) -> U8:
    """Return (H, W, C) uint8 `pixels` with no side above `limit`; smaller images come back as they are.

    `role` is `color`, `normal` or `data`. Each texel of the result is the mean of the area that it covers.
    """
    height, width, channels = pixels.shape
    longest = max(height, width)
    if longest <= limit:
        return pixels
    new_height, new_width = max(1, height * limit // longest), max(1, width * limit // longest)
    values = pixels.astype(np.float64) / 255
    if role == "color":
        values[..., :3] = _linear(values[..., :3])
    elif role == "normal":
        values[..., :3] = values[..., :3] * 2 - 1
    values = _box(_box(values, new_height).transpose(1, 0, 2), new_width).transpose(1, 0, 2)
    result = np.empty((new_height, new_width, channels), np.uint8)
    if role == "color":
        result[..., :3] = srgb_from_linear(values[..., :3])
        result[..., 3:] = np.rint(values[..., 3:] * 255)
        return result
    if role == "normal":
        length = np.linalg.norm(values[..., :3], axis=-1, keepdims=True)
        unit = np.where(length > 1e-6, values[..., :3] / np.maximum(length, 1e-6), (0.0, 0.0, 1.0))
        values[..., :3] = (unit + 1) / 2
    result[:] = np.rint(values * 255)
    return result


def _box(values: F64, count: int) -> F64:
    """Return the means of `count` equal stretches along the first axis; stretches may cut texels."""
    total = len(values)
    if total % count == 0:
        return values.reshape(count, total // count, *values.shape[1:]).mean(axis=1)
    sums = np.concatenate([np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)])
    edges = np.arange(count + 1) * (total / count)
    whole = np.minimum(edges.astype(np.int64), total - 1)
    share = (edges - whole)[:, None, None]
    at_edges = sums[whole] + share * values[whole]
    return np.diff(at_edges, axis=0) / (total / count)


def _linear(srgb: F64) -> F64:
    """sRGB transfer function (IEC 61966-2-1), 0..1."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
