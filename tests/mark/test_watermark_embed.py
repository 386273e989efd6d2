from __future__ import annotations

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.mark.watermark_embed import (
    FLAT_LEVELS,
    LEAST_SIDE_PX,
    MOST_LEVELS,
    embed_watermark,
    luma,
    strength,
    watermark_gap,
)
from mark.pictures import person

PAYLOAD = b"eight by"


def flat(value: int, side: int = 260) -> np.ndarray:
    return np.full((side, side, 3), value, np.uint8)


@pytest.mark.parametrize("value", [0, 1, 40, 128, 243, 254, 255])
def test_a_flat_surface_changes_by_a_few_levels_at_most(value: int) -> None:
    change = embed_watermark(flat(value), PAYLOAD).astype(int) - value
    assert change.any()
    assert np.abs(change).max() <= 4
    assert change.std() < 1.3


def test_the_hue_stays() -> None:
    image = np.full((260, 260, 3), (120, 90, 60), np.uint8)
    change = embed_watermark(image, PAYLOAD).astype(int) - image
    assert (change == change[..., :1]).all()


def test_texture_takes_more_than_flat_surfaces_and_never_more_than_the_most() -> None:
    random = np.random.default_rng(0)
    calm, rough = np.full((200, 200), 128.0, np.float32), random.normal(128, 40, (200, 200))
    assert strength(calm) == pytest.approx(FLAT_LEVELS, abs=0.02)
    busy = strength(rough.astype(np.float32))
    assert 3 < busy.mean() <= busy.max() <= MOST_LEVELS + 1e-3


def test_no_halo_stands_along_an_outline() -> None:
    half = flat(250)
    half[:, 130:] = 10
    away = strength(luma(half))[:, :100]
    beside = strength(luma(half))[:, 100:160]
    assert beside.max() < 1.25 * away.max()


def test_the_given_picture_is_not_changed() -> None:
    image = person()
    before = image.copy()
    assert (embed_watermark(image, PAYLOAD) != before).any()
    assert (image == before).all()


def test_the_same_bytes_give_the_same_picture_and_others_another() -> None:
    image = person()
    assert (embed_watermark(image, PAYLOAD) == embed_watermark(image, PAYLOAD)).all()
    assert (embed_watermark(image, PAYLOAD) != embed_watermark(image, b"EIGHT BY")).any()


@pytest.mark.parametrize(("width", "height"), [(LEAST_SIDE_PX - 1, 900), (900, LEAST_SIDE_PX - 1), (1, 1)])
def test_a_small_picture_stays_as_it_is_and_the_gap_says_why(width: int, height: int) -> None:
    image = np.full((height, width, 3), 128, np.uint8)
    assert (embed_watermark(image, PAYLOAD) == image).all()
    assert watermark_gap(width, height) == (
        f"{width} x {height} px is too small; a watermark needs 200 px on the shorter side"
    )


def test_a_large_enough_picture_has_no_gap() -> None:
    assert watermark_gap(LEAST_SIDE_PX, LEAST_SIDE_PX) == ""


def test_other_shapes_and_lengths_are_refused() -> None:
    with pytest.raises(InputError, match="image"):
        embed_watermark(np.zeros((300, 300), np.uint8), PAYLOAD)
    with pytest.raises(InputError, match="holds 8 bytes; got 3"):
        embed_watermark(flat(9), b"abc")
