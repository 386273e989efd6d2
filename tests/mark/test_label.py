from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodyscan.errors import ConsentError, InputError
from bodyscan.mark import LabelOptions, MarkInfo, draw_label
from bodyscan.mark.label import contrast_ratio

INFO = MarkInfo("urn:uuid:3f9a2c1b-0d7e-4f53-9d52-d3a2b1c0ffee", "quiet-heron", "demo", "bodyscan 0.1.0")


def plain(value: int | tuple[int, int, int], width: int = 400, height: int = 300) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def label_box(before: np.ndarray, after: np.ndarray) -> tuple[slice, slice]:
    rows, columns = np.nonzero((before != after).any(axis=2))
    return slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)


@pytest.mark.parametrize("value", [0, 20, 90, 117, 118, 119, 160, 235, 255, (200, 0, 0), (0, 0, 255)])
def test_text_stands_out_from_the_pill_on_every_plain_background(value: int | tuple[int, int, int]) -> None:
    before = plain(value)
    after = draw_label(before, INFO)
    pixels = after[label_box(before, after)].reshape(-1, 3)
    colours, counts = np.unique(pixels, axis=0, return_counts=True)
    pill = colours[counts.argmax()]
    best = max(contrast_ratio(pill, colour) for colour in colours)
    assert best > 7, f"text against pill is {best:.1f}:1"


def test_text_stands_out_on_noise() -> None:
    before = np.random.default_rng(0).integers(0, 256, (300, 400, 3)).astype(np.uint8)
    after = draw_label(before, INFO)
    box = after[label_box(before, after)]
    inner = box[4:-4, 10:-10].reshape(-1, 3).mean(axis=1)
    dark, bright = np.percentile(inner, [1, 60])
    grey = [np.full(3, round(v), np.uint8) for v in (dark, bright)]
    assert contrast_ratio(grey[0], grey[1]) > 7


def test_label_scales_with_the_picture() -> None:
    heights = []
    for factor in (2, 4):
        before = plain(128, 400 * factor, 300 * factor)
        rows, _ = label_box(before, draw_label(before, INFO))
        heights.append(rows.stop - rows.start)
    assert heights[1] == pytest.approx(2 * heights[0], abs=2)


@pytest.mark.parametrize("corner", ["bottom-left", "bottom-right", "top-left", "top-right"])
def test_label_lies_in_its_corner_and_nowhere_else(corner: str) -> None:
    before = plain(200, 800, 600)
    rows, columns = label_box(before, draw_label(before, INFO, LabelOptions(corner=corner)))
    assert (rows.start < 300) == corner.startswith("top")
    assert (columns.start < 200) == corner.endswith("left")
    assert rows.stop - rows.start < 60


def test_the_given_picture_is_not_changed() -> None:
    before = plain(10)
    draw_label(before, INFO)
    assert (before == 10).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(130, 700), st.integers(130, 700))
def test_every_picture_of_a_usable_size_gets_a_label(width: int, height: int) -> None:
    before = plain(77, width, height)
    assert (draw_label(before, INFO) != before).sum() > 500


def test_tiny_picture_is_refused() -> None:
    with pytest.raises(InputError, match=r"40 x 30 px: too small"):
        draw_label(plain(0, 40, 30), INFO)


def test_label_without_the_word_is_refused() -> None:
    with pytest.raises(InputError, match="must hold the word 'synthetic'"):
        LabelOptions(text="photo")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"corner": "middle"}, "bottom-left"),
        ({"relative_size": 0.5}, "0.01 to 0.1"),
        ({"opacity": 0.1}, "0.8 to 1"),
    ],
)
def test_options_out_of_range_are_refused(change: dict, says: str) -> None:
    with pytest.raises(InputError, match=says):
        LabelOptions(**change)


def test_contrast_ratio_of_black_and_white_is_21() -> None:
    assert contrast_ratio(np.zeros(3, np.uint8), np.full(3, 255, np.uint8)) == pytest.approx(21)


@pytest.mark.parametrize("field", ["record_id", "subject_pseudonym", "purpose", "software"])
def test_a_mark_with_an_empty_field_is_refused(field: str) -> None:
    values = {"record_id": "r", "subject_pseudonym": "s", "purpose": "p", "software": "b"}
    with pytest.raises(ConsentError, match=f"MarkInfo.{field} is empty"):
        MarkInfo(**{**values, field: "  "})
    with pytest.raises(ConsentError, match="control characters"):
        MarkInfo(**{**values, field: "a\nb"})
