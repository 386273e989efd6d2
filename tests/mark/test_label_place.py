from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodyscan.mark.label_place import CORNERS, label_place, overlap

SIZE, PILL, MARGIN = (400, 300), (120, 24), 8


def pill_box(place: tuple[int, int]) -> tuple[int, int, int, int]:
    return (*place, place[0] + PILL[0], place[1] + PILL[1])


@pytest.mark.parametrize("corner", CORNERS)
def test_the_wanted_corner_is_taken_where_nothing_lies(corner: str) -> None:
    left, top = label_place(SIZE, PILL, MARGIN, corner)
    assert left == (8 if corner.endswith("left") else 400 - 120 - 8)
    assert top == (8 if corner.startswith("top") else 300 - 24 - 8)


@pytest.mark.parametrize("corner", CORNERS)
def test_a_box_elsewhere_moves_nothing(corner: str) -> None:
    box = (150, 100, 250, 200)
    assert label_place(SIZE, PILL, MARGIN, corner, [box]) == label_place(SIZE, PILL, MARGIN, corner)


def test_the_face_counts_before_the_body() -> None:
    face, body = (0, 0, 400, 150), (0, 150, 400, 300)
    place = label_place(SIZE, PILL, MARGIN, "top-left", [face, body])
    assert overlap(pill_box(place), face) == 0
    assert place[1] > 150


def test_least_of_the_body_is_covered() -> None:
    face, body = (150, 20, 250, 120), (0, 100, 300, 300)
    place = label_place(SIZE, PILL, MARGIN, "bottom-left", [face, body])
    assert overlap(pill_box(place), face) == overlap(pill_box(place), body) == 0


def test_where_the_face_is_everywhere_least_of_it_is_covered() -> None:
    place = label_place(SIZE, PILL, MARGIN, "bottom-left", [(0, 0, 400, 290)])
    assert place[1] == 300 - 24 - 8


@given(
    st.integers(130, 500),
    st.integers(40, 500),
    st.sampled_from(CORNERS),
    st.lists(st.tuples(*[st.integers(-50, 600)] * 4), max_size=3),
)
def test_the_label_stays_on_the_picture(width: int, height: int, corner: str, avoid: list) -> None:
    left, top = label_place((width, height), PILL, MARGIN, corner, avoid)
    assert 0 <= left <= width - PILL[0]
    assert 0 <= top <= height - PILL[1]


def test_boxes_that_touch_share_nothing() -> None:
    assert overlap((0, 0, 10, 10), (10, 0, 20, 10)) == 0
    assert overlap((0, 0, 10, 10), (9, 8, 20, 20)) == 2
