"""Small pictures for the tests of watermarks."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter


def person(backdrop: int = 128, width: int = 400, height: int = 480, seed: int = 1) -> np.ndarray:
    """Shapes like head and trunk, with soft texture, before a flat backdrop: (H, W, 3) uint8."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width] / height
    x = x - width / height / 2
    head = (x / 0.09) ** 2 + ((y - 0.2) / 0.12) ** 2 < 1
    trunk = (x / 0.22) ** 2 + ((y - 0.8) / 0.45) ** 2 < 1
    rough = gaussian_filter(random.standard_normal((height, width)), 2) * 60
    grain = random.standard_normal((height, width)) * 2
    light = (150 + 60 * x + rough * trunk + grain)[..., None] * np.array([1.0, 0.8, 0.7])
    picture = np.where((head | trunk)[..., None], light, float(backdrop))
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def resaved(image: np.ndarray, kind: str, quality: int) -> np.ndarray:
    """What a lossy file shows."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind, quality=quality)
    with Image.open(buffer) as again:
        return np.asarray(again.convert("RGB"))


def resized(image: np.ndarray, factor: float) -> np.ndarray:
    """Both sides by `factor`."""
    size = (round(image.shape[1] * factor), round(image.shape[0] * factor))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.LANCZOS))


def centre(image: np.ndarray, share: float = 0.5) -> np.ndarray:
    """`share` of the width and of the height, about the middle."""
    height, width = (round(side * share) for side in image.shape[:2])
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]
