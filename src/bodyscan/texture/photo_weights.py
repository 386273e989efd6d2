"""Which photos each texel is mixed from: the best few that see it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodyscan.types import F32, U16

NOBODY = np.uint16(65535)
MOST_PHOTOS = 65534


@dataclass(eq=False)
class BestViews:
    """The best `K` photos of each of T texels, filled photo by photo.

    Texels lie along the last axis: numpy is five times as slow in a short one.
    """

    quality: F32
    """(K, T) float32, pixels per metre of surface times trust; 0 where a place is free. In no order."""
    photo: U16
    """(K, T) uint16 number of the photo, `NOBODY` where a place is free."""
    worst: F32
    """(T,) float32, the least of `quality`: what a further photo must beat."""

    @classmethod
    def empty(cls, texels: int, views: int) -> BestViews:
        """No photo for any of `texels` texels yet."""
        return cls(
            np.zeros((views, texels), np.float32),
            np.full((views, texels), NOBODY, np.uint16),
            np.zeros(texels, np.float32),
        )

    def offer(self, photo: int, texels: np.ndarray, quality: F32) -> None:
        """Let photo number `photo` see `texels` (N,) with `quality` (N,); the worst one gives way."""
        better = np.flatnonzero(quality > self.worst[texels])
        texels, quality = texels[better], quality[better]
        held = self.quality[:, texels]
        place = held.argmin(axis=0)
        held[place, np.arange(len(place))] = quality
        self.quality[place, texels] = quality
        self.photo[place, texels] = photo
        self.worst[texels] = held.min(axis=0)

    def entries(self, num_photos: int) -> list[np.ndarray]:
        """For each photo its places (E,) in the flattened (K, T) tables, ascending."""
        flat = self.photo.reshape(-1)
        order = np.argsort(flat, kind="stable")
        borders = np.searchsorted(flat[order], np.arange(num_photos + 1))
        return [order[borders[k] : borders[k + 1]] for k in range(num_photos)]
