"""Colours of a photo at points of the surface: what is coarse, and what is fine, each by itself.

Two bands in the manner of Burt and Adelson (1983), "A multiresolution spline": seams between photos are
blended over centimetres in the coarse band, while pores and weave come from few photos and stay sharp. The
coarse band is blurred over the person alone, so that no background bleeds in.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from bodyscan.geometry.srgb import encode_srgb, linear_from_srgb
from bodyscan.texture.photo_sight import Sight, Window
from bodyscan.types import F32, F64, U8

SIGMA_BLOCKS = 1.5
"""Blur of the coarse band, in its own pixels: coarser pixels would show."""
FINER = 2
"""The photo is enlarged by this with a cubic kernel before it is looked up linearly: near to a cubic look-up
in sharpness, at a quarter of its time."""
BLOWN, BLOWING = 253.0, 244.0
"""sRGB value at which a pixel says nothing about the skin, and from which it says less."""
BLOWN_SHARE = 0.05


@dataclass(frozen=True, eq=False)
class Picture:
    """Pixels that are looked up linearly at columns and rows of a photo."""

    pixels: F32
    """(h, w, C) float32."""
    column: float
    row: float
    """Where its first pixel begins in the photo, pixels."""
    block: float
    """Pixels of the photo along a side of its pixels."""

    def at(self, columns: F32, rows: F32) -> F32:
        """(N, C) values at places of the photo (N,), pixel centres at halves; its border goes on outside."""
        height, width, channels = self.pixels.shape
        x = np.clip((columns - self.column) / self.block - 0.5, 0, width - 1).astype(np.float32)
        y = np.clip((rows - self.row) / self.block - 0.5, 0, height - 1).astype(np.float32)
        left = np.minimum(x.astype(np.int32), max(width - 2, 0))
        top = np.minimum(y.astype(np.int32), max(height - 2, 0))
        fx, fy = (x - left)[:, None], (y - top)[:, None]
        flat = self.pixels.reshape(-1, channels)
        first = top * width + left
        right, down = min(width - 1, 1), width if height > 1 else 0
        upper = flat[first]
        upper += fx * (flat[first + right] - upper)
        first += down
        lower = flat[first]
        lower += fx * (flat[first + right] - lower)
        upper += fy * (lower - upper)
        return upper


def coarse_picture(sight: Sight, base_mm: float) -> Picture:
    """The coarse band of a photo, sRGB 0..255 (h, w, 3): a Gaussian of `base_mm` on the surface."""
    window = sight.window
    image = _reduced(sight.photo.image, window, window.block).astype(np.float32)
    share = sight.inside().astype(np.float32)
    depth = float(np.median(sight.nearest[np.isfinite(sight.nearest)]))
    blocks_per_mm = sight.photo.K[0, 0] / depth / window.block / 1000
    sigma = base_mm * blocks_per_mm
    step = max(1, int(sigma / SIGMA_BLOCKS))
    total = _summed(np.concatenate([image * share[..., None], share[..., None]], axis=2), step)
    sigma = (sigma / step, sigma / step, 0)
    near = gaussian_filter(total, sigma, mode="nearest", truncate=3.0)
    # Far from the person the blur has nothing: a wider one goes on from where it ends.
    wide = gaussian_filter(near, (6.0, 6.0, 0), mode="nearest", truncate=3.0)
    mixed = near + 1e-3 * wide
    pixels = mixed[..., :3] / np.maximum(mixed[..., 3:], 1e-9)
    return Picture(pixels, window.column, window.row, window.block * step)


def fine_picture(sight: Sight, levels: F32, shrink: int) -> Picture:
    """The photo itself (h, w, 4): sRGB through the table `levels` (256, 3), and the share of it to trust.

    `shrink`: pixels of the photo to take together along each side; above 1 where they are finer than texels.
    """
    window = sight.window
    image = _reduced(sight.photo.image, window, shrink)
    scale: float = shrink
    brightest = np.maximum(np.maximum(image[..., 0], image[..., 1]), image[..., 2]).astype(np.float32)
    blown = np.clip((BLOWN - brightest) / (BLOWN - BLOWING), BLOWN_SHARE, 1)
    if shrink == 1:
        size = (image.shape[1] * FINER, image.shape[0] * FINER)
        image = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))
        blown = blown.repeat(FINER, axis=0).repeat(FINER, axis=1)
        scale = shrink / FINER
    pixels = np.empty((*image.shape[:2], 4), np.float32)
    for channel in range(3):
        pixels[..., channel] = levels[:, channel][image[..., channel]]
    pixels[..., 3] = blown
    return Picture(pixels, window.column, window.row, scale)


def level_table(gain: F64) -> F32:
    """(256, 3) float32: sRGB bytes of a photo with exposure `gain` (3,) -> levelled sRGB 0..255."""
    light = linear_from_srgb(np.arange(256)[:, None].repeat(3, axis=1)) / gain
    return encoded(light).astype(np.float32)


def leveled(picture: Picture, table: F32) -> Picture:
    """`picture` (h, w, 3) of sRGB values through `level_table`'s table."""
    values = np.arange(256, dtype=np.float32)
    bands = [np.interp(picture.pixels[..., c], values, table[:, c]) for c in range(3)]
    return Picture(np.stack(bands, axis=-1).astype(np.float32), picture.column, picture.row, picture.block)


def encoded(light: F64) -> F64:
    """sRGB values of linear light, 255 for 1; above 1 it goes on, so that nothing is cut before blending."""
    return 255 * encode_srgb(np.asarray(light, np.float64)).astype(np.float64)


def _reduced(image: U8, window: Window, block: int) -> U8:
    """The window's part of a photo, means of `block` by `block` pixels."""
    bottom = min(window.row + window.rows * window.block, image.shape[0])
    right = min(window.column + window.columns * window.block, image.shape[1])
    part = np.ascontiguousarray(image[window.row : bottom, window.column : right])
    return part if block == 1 else np.asarray(Image.fromarray(part).reduce(block))


def _summed(values: F32, step: int) -> F32:
    """(h, w, C) -> sums over `step` by `step` pixels, zeros beyond the border."""
    if step == 1:
        return values
    height, width, channels = values.shape
    rows, columns = -(-height // step), -(-width // step)
    padded = np.zeros((rows * step, columns * step, channels), np.float32)
    padded[:height, :width] = values
    return padded.reshape(rows, step, columns, step, channels).sum(axis=(1, 3))
