"""Texels to vertices and back: the part of a texture that the body's mesh itself can hold."""

from __future__ import annotations

import numpy as np

from bodyscan.texture.texels import Texels
from bodyscan.types import F32, F64


def vertex_means(texels: Texels, values: F32, weight: F32, count: int) -> tuple[F64, F64]:
    """Weighted means (V, C) of `values` (T, C) at the texels around each of `count` vertices, and their sums.

    A texel counts for a corner of its triangle by its barycentric share times its `weight` (T,). The sums
    (V,) of these are 0 where nothing was seen; the mean is 0 there.
    """
    total, sums = np.zeros(count), np.zeros((count, values.shape[1]))
    seen = np.flatnonzero(weight > 0)
    triangle, shares, own = texels.triangle[seen], texels.barycentric[seen], values[seen]
    for corner in range(3):
        ids = texels.faces[triangle, corner]
        # Squared: a vertex stands for what lies next to it, not for all of a large triangle.
        share = shares[:, corner] ** 2 * weight[seen]
        total += np.bincount(ids, share, count)
        for channel in range(values.shape[1]):
            sums[:, channel] += np.bincount(ids, share * own[:, channel], count)
    return np.divide(sums, total[:, None], out=np.zeros_like(sums), where=total[:, None] > 0), total


def texels_around(texels: Texels, count: int) -> F64:
    """(V,) what `vertex_means` sums to where every texel is seen fully."""
    total = np.zeros(count)
    for corner in range(3):
        ids = texels.faces[texels.triangle, corner]
        total += np.bincount(ids, texels.barycentric[:, corner] ** 2, count)
    return total
