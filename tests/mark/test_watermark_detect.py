from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.mark.watermark_detect import MAX_FALSE_ALARM, find_watermark, pilot_chance
from bodyscan.mark.watermark_embed import embed_watermark
from bodyscan.mark.watermark_pattern import TURNS
from mark.pictures import centre, person, resaved, resized

PAYLOAD = bytes.fromhex("0123456789abcdef")
Change = Callable[[np.ndarray], np.ndarray]

CHANGES: dict[str, Change] = {
    "none": lambda image: image,
    "JPEG 50": lambda image: resaved(image, "JPEG", 50),
    "half size": lambda image: resized(image, 0.5),
    "centre crop": centre,
    "WebP 80": lambda image: resaved(image, "WEBP", 80),
    "half size and JPEG 75": lambda image: resaved(resized(image, 0.5), "JPEG", 75),
    "JPEG 75 and crop": lambda image: centre(resaved(image, "JPEG", 75), 0.6),
    "brighter": lambda image: np.clip(image * 1.1 + 8, 0, 255).astype(np.uint8),
    "grey": lambda image: np.repeat(image.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8),
    "noise": lambda image: np.clip(image + np.random.default_rng(0).normal(0, 3, image.shape), 0, 255).astype(
        np.uint8
    ),
}
MOVES: tuple[Change, ...] = (
    lambda t: t,
    lambda t: t[:, ::-1],
    np.rot90,
    lambda t: np.rot90(t, 2),
    lambda t: np.rot90(t, 3),
    lambda t: t[::-1],
    lambda t: t.swapaxes(0, 1),
    lambda t: np.rot90(t, 2).swapaxes(0, 1),
)


@pytest.mark.parametrize("backdrop", [0, 128, 255])
@pytest.mark.parametrize("change", list(CHANGES))
def test_the_mark_is_read_after(change: str, backdrop: int) -> None:
    changed = CHANGES[change](embed_watermark(person(backdrop, 560, 640), PAYLOAD))
    found = find_watermark(changed).watermark
    assert found is not None
    assert found.payload == PAYLOAD
    assert found.false_alarm <= MAX_FALSE_ALARM
    assert found.scale == pytest.approx(0.5 if change.startswith("half") else 1, rel=0.01)


@pytest.mark.parametrize("turn", range(len(TURNS)))
def test_turned_and_mirrored_pictures_are_read(turn: int) -> None:
    moved = MOVES[turn](embed_watermark(person(200), PAYLOAD))
    found = find_watermark(np.ascontiguousarray(moved)).watermark
    assert found is not None
    assert (found.payload, found.turn) == (PAYLOAD, turn)


@pytest.mark.parametrize("factor", [0.62, 1.37])
def test_any_scale_is_found(factor: float) -> None:
    found = find_watermark(resized(embed_watermark(person(90), PAYLOAD), factor)).watermark
    assert found is not None
    assert found.payload == PAYLOAD
    assert found.scale == pytest.approx(factor, rel=0.01)


def test_a_picture_without_a_mark_names_nobody() -> None:
    for backdrop in (0, 128, 255):
        search = find_watermark(person(backdrop, 240, 280))
        assert search.watermark is None
        assert not search.is_damaged
        assert search.pilot < 6.5


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_flat_picture_names_nobody(value: int) -> None:
    assert find_watermark(np.full((220, 260, 3), value, np.uint8)).watermark is None


def test_noise_and_tiny_pictures_name_nobody() -> None:
    random = np.random.default_rng(1)
    for shape in ((240, 300, 3), (40, 30, 3), (1, 1, 3)):
        assert find_watermark(random.integers(0, 256, shape).astype(np.uint8)).watermark is None


def test_of_two_marks_in_one_picture_one_or_none_is_read() -> None:
    other = bytes.fromhex("fedcba9876543210")
    left, right = (embed_watermark(person(128), payload) for payload in (PAYLOAD, other))
    both = np.where(np.arange(left.shape[1])[None, :, None] < left.shape[1] // 2, left, right)
    found = find_watermark(both).watermark
    assert found is None or found.payload in (PAYLOAD, other)


def test_a_mark_that_cannot_be_read_is_told_as_damaged() -> None:
    # The pilot of all pictures is the same: with three marks over each other only the pilot is left.
    image = person(128, 500, 500)
    marked = [embed_watermark(image, payload).astype(int) for payload in (PAYLOAD, bytes(8), b"\xff" * 8)]
    search = find_watermark(np.rint(np.mean(marked, axis=0)).astype(np.uint8))
    assert search.watermark is None
    assert search.is_damaged


def test_the_chance_of_a_pilot_falls_with_its_strength() -> None:
    chances = [pilot_chance(pilot) for pilot in (0, 6, 6.5, 7, 9)]
    assert chances == sorted(chances, reverse=True)
    assert chances[0] == 1
    assert chances[-1] < 1e-9


def test_another_shape_is_refused() -> None:
    with pytest.raises(InputError, match="image"):
        find_watermark(np.zeros((300, 300), np.uint8))
