"""Colours of an image at texture coordinates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def sample_image(image: NDArray[np.uint8], uvs: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return the bilinear colour (N, 3) uint8 of `image` (H, W, 3) at `uvs` (N, 2).

    Origin at the image's top left, texel centres at half texels, the image repeats outside 0..1
    (the sampler that glTF 2.0 has by default). The mean is taken in the image's own sRGB values.
    """
    height, width = image.shape[:2]
    out = np.empty((len(uvs), 3), dtype=np.uint8)
    for start in range(0, len(uvs), 1 << 20):  # blocks, so that 30 million corners need no gigabytes
        uv = np.asarray(uvs[start : start + (1 << 20)], dtype=np.float64)
        uv = np.where(np.isfinite(uv), uv, 0.0)
        # 0..1 stays as it is: only what lies outside wraps, so that u = 1 is the last texel.
        uv = np.where((uv < 0) | (uv > 1), uv - np.floor(uv), uv)
        x = np.clip(uv[:, 0] * width - 0.5, 0, width - 1)
        y = np.clip(uv[:, 1] * height - 0.5, 0, height - 1)
        x0, y0 = x.astype(np.int64), y.astype(np.int64)
        x1, y1 = np.minimum(x0 + 1, width - 1), np.minimum(y0 + 1, height - 1)
        fx, fy = (x - x0)[:, None], (y - y0)[:, None]
        top = image[y0, x0] * (1 - fx) + image[y0, x1] * fx
        bottom = image[y1, x0] * (1 - fx) + image[y1, x1] * fx
        out[start : start + len(uv)] = np.rint(top * (1 - fy) + bottom * fy)
    return out
