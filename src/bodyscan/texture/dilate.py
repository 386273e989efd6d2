"""Colours beyond the borders of islands, so that no look-up there meets the background.

Every texel of the background takes the value of the nearest covered one: bilinear samples, mip maps and
lossy compression then never mix a foreign colour into a seam.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy import ndimage

from bodyscan.body.model import BodyModel
from bodyscan.texture.texels import Texels, body_texels
from bodyscan.types import I32


def dilated(model: BodyModel, texels: Texels, values: np.ndarray) -> np.ndarray:
    """Values of texels (T,) or (T, C) -> an image (N, N) or (N, N, C) without background."""
    size = texels.size
    return values[nearest_texels(model, size)].reshape(size, size, *values.shape[1:])


@lru_cache(maxsize=2)
def nearest_texels(model: BodyModel, size: int) -> I32:
    """(N * N,) int32 place in `body_texels(model, size)` of the covered texel nearest to each; cached."""
    lookup = body_texels(model, size).lookup()
    nearest = ndimage.distance_transform_edt(lookup < 0, return_distances=False, return_indices=True)
    rows, columns = np.asarray(nearest)
    out = lookup[rows, columns].reshape(-1)
    out.flags.writeable = False
    return out
