"""The best few photos of each texel, against the plain way."""

from __future__ import annotations

import numpy as np

from bodyscan.texture.photo_weights import NOBODY, BestViews


def test_the_best_photos_are_kept():
    rng = np.random.default_rng(0)
    quality = np.where(rng.random((9, 50)) < 0.6, rng.random((9, 50)), 0).astype(np.float32)
    best = BestViews.empty(50, 3)
    for photo, row in enumerate(quality):
        seen = np.flatnonzero(row)
        best.offer(photo, seen, row[seen])
    np.testing.assert_array_equal(np.sort(best.quality, axis=0), np.sort(quality, axis=0)[-3:])
    for texel in range(50):
        for q, photo in zip(best.quality[:, texel], best.photo[:, texel], strict=True):
            assert (photo == NOBODY and q == 0) or quality[photo, texel] == q


def test_every_kept_place_belongs_to_one_photo():
    best = BestViews.empty(4, 2)
    best.offer(0, np.array([0, 1]), np.array([1.0, 2.0], np.float32))
    best.offer(1, np.array([1, 3]), np.array([1.0, 2.0], np.float32))
    places = best.entries(2)
    assert [sorted((p % 4).tolist()) for p in places] == [[0, 1], [1, 3]]
