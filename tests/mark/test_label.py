from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodyscan.errors import ConsentError, InputError
from bodyscan.mark import LabelOptions, MarkInfo, draw_label
from bodyscan.mark.label import contrast_ratio

INFO = MarkInfo(
    "urn:uuid:3f9a2c1b-0d7e-4f53-9d52-d3a2b1c0ffee",
    "quiet-heron",
    "demo",
    "bodyscan 0.1.0",
    "00112233445566ff",
)


def plain(value: int | tuple[int, int, int], width: int = 400, height: int = 300) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


def other_font() -> str:
    """A font with accents: one of those that matplotlib, which mediapipe needs, brings along."""
    found = find_spec("matplotlib")
    assert found is not None
    assert found.origin is not None
    return str(Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf")


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


@pytest.mark.parametrize("text", ["  ", "two\nlines", "tab\there", "x" * 81, "left\u202eright"])
def test_a_label_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="1 to 80 printable characters on one line"):
        LabelOptions(text=text)


def test_a_label_need_not_be_english() -> None:
    before = plain(200)
    words = LabelOptions(text="Synthetisch - digitaler Zwilling")
    assert (draw_label(before, INFO, words) != draw_label(before, INFO)).any()


def test_letters_that_no_font_here_has_are_named() -> None:
    with pytest.raises(InputError, match=r"no glyph for \u5408 \u6210. Give LabelOptions.font_file"):
        LabelOptions(text="\u5408\u6210 twin")


def test_accents_and_other_alphabets_are_drawn_with_a_wider_font() -> None:
    before = plain(200)
    english = draw_label(before, INFO)
    for text in ("Künstlich · Jumeau numérique", "Синтетика", "Συνθετικό", "Syntetyczny bliźniak"):
        options = LabelOptions(text=text)
        assert options.font_file.endswith("DejaVuSans.ttf")
        assert (draw_label(before, INFO, options) != english).any()


def test_without_words_of_its_own_a_label_says_what_the_record_asks_for() -> None:
    before = plain(200)
    info = replace(INFO, label="Jumeau numérique")
    words = LabelOptions(text="Jumeau numérique")
    assert (draw_label(before, info) == draw_label(before, INFO, words)).all()


def test_a_font_of_ones_own_brings_its_letters(tmp_path: Path) -> None:
    font = other_font()
    before = plain(200)
    LabelOptions(text="Jumeau num\u00e9rique", font_file=font)
    shown = draw_label(before, INFO, LabelOptions(text="Jumeau num\u00e9rique", font_file=font))
    assert (shown != before).sum() > 500


def test_a_file_that_is_no_font_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.ttf").write_text("hello")
    with pytest.raises(InputError, match=r"font_file a\.ttf cannot be read as a font"):
        LabelOptions(font_file=str(tmp_path / "a.ttf"))


def test_a_long_label_is_broken_into_lines() -> None:
    before = plain(77, 200, 200)
    text = "A picture that a computer made of a digital twin, with consent"
    rows, _ = label_box(before, draw_label(before, INFO, LabelOptions(text=text)))
    assert rows.stop - rows.start > 40


@pytest.mark.parametrize("corner", ["bottom-left", "top-right"])
def test_the_label_keeps_off_the_face(corner: str) -> None:
    before = plain(200, 400, 300)
    left, top = (0 if corner.endswith("left") else 220), (0 if corner.startswith("top") else 220)
    face = (left, top, left + 180, top + 80)
    after = draw_label(before, INFO, LabelOptions(corner=corner), avoid=[face])
    assert (after[face[1] : face[3], face[0] : face[2]] == before[face[1] : face[3], face[0] : face[2]]).all()
    assert (after != before).sum() > 500


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


FIELDS = {
    "record_id": "r",
    "subject_pseudonym": "s",
    "purpose": "p",
    "software": "b",
    "twin_id": "0123456789abcdef",
}


@pytest.mark.parametrize("twin_id", ["0123", "0123456789ABCDEF", "0123456789abcdeg", "0123456789abcdef0"])
def test_a_twin_id_that_is_none_is_refused(twin_id: str) -> None:
    with pytest.raises(ConsentError, match="16 hex digits in small letters"):
        MarkInfo(**{**FIELDS, "twin_id": twin_id})


@pytest.mark.parametrize("field", list(FIELDS))
def test_a_mark_with_an_empty_field_is_refused(field: str) -> None:
    values = FIELDS
    with pytest.raises(ConsentError, match=f"MarkInfo.{field} is empty"):
        MarkInfo(**{**values, field: "  "})
    with pytest.raises(ConsentError, match="control characters"):
        MarkInfo(**{**values, field: "a\nb"})
