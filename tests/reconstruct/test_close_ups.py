"""What several pictures of a face say is one face, and dark pictures are exposed."""

from __future__ import annotations

import numpy as np
import pytest

from bodyscan.reconstruct.close_ups import EXPOSED, _exposed, _fused_hits


@pytest.mark.parametrize("tone", [20, 60, 130, 160])
def test_skin_of_any_tone_is_shown_in_the_middle(tone: int) -> None:
    image = np.full((8, 8, 3), 230, np.uint8)
    mask = np.zeros((8, 8), bool)
    mask[2:6, 2:6] = True
    image[mask] = tone
    shown = _exposed(image, mask)
    assert abs(shown[mask].mean() / 255 - EXPOSED) < 0.03
    assert (shown[~mask] == 230).all()


def test_an_empty_picture_stays_as_it_is() -> None:
    image = np.full((4, 4, 3), 9, np.uint8)
    assert (_exposed(image, np.zeros((4, 4), bool)) == image).all()


def test_hits_far_from_the_others_fall_out() -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(size=(20, 3))
    hits = true + rng.normal(0, 0.001, (9, 20, 3))
    hits[0] += 0.07  # behind the rim of the face
    hits[1] = np.nan
    middle, sure = _fused_hits(hits, np.ones((9, 20)), 0.005, 9)
    assert np.linalg.norm(middle - true, axis=1).max() < 0.002  # metres
    assert sure.min() > 0.7


def test_pictures_that_contradict_each_other_are_unsure() -> None:
    hits = np.zeros((9, 2, 3))
    hits[:, 1] = np.random.default_rng(0).normal(0, 0.008, (9, 3))
    _, sure = _fused_hits(hits, np.ones((9, 2)), 0.005, 9)
    assert sure[0] > 0.95
    assert sure[1] < 0.2


def test_a_point_that_no_picture_shows_is_not_sure_at_all() -> None:
    middle, sure = _fused_hits(np.full((3, 1, 3), np.nan), np.zeros((3, 1)), 0.005, 3)
    assert sure.tolist() == [0.0]
    assert np.isfinite(middle).all()
