from __future__ import annotations

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.render.cameras import AZIMUTHS, box_points, head_points, person_view

from .shapes import stick_person

POINTS = stick_person().mesh.vertices


@pytest.mark.parametrize("name", list(AZIMUTHS))
@pytest.mark.parametrize("size", [(300, 400), (400, 200)])
def test_points_fill_the_picture_and_are_centred(name: str, size: tuple[int, int]) -> None:
    view = person_view(POINTS, name, width=size[0], height=size[1], fill=0.8)
    spots = view.project(POINTS)
    low, high = spots.min(axis=0), spots.max(axis=0)
    assert (low + high) / 2 == pytest.approx(np.array(size) / 2, abs=0.01)
    assert ((high - low) / size).max() == pytest.approx(0.8, abs=1e-6)


def test_front_shows_the_left_hand_on_the_right() -> None:
    front = person_view(POINTS, "front").project([[0.5, 1, 0], [-0.5, 1, 0]])
    back = person_view(POINTS, "back").project([[0.5, 1, 0], [-0.5, 1, 0]])
    assert front[0, 0] > front[1, 0]
    assert back[0, 0] < back[1, 0]


def test_left_view_looks_from_the_persons_left() -> None:
    assert person_view(POINTS, "left").eye[0] > 1


def test_head_is_found_without_a_skeleton() -> None:
    found = head_points(POINTS)
    assert found[:, 1].min() > 1.3
    assert len(found) > 20


def test_unknown_view_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"'top' is unknown; possible are front"):
        person_view(POINTS, "top")


def test_no_points_and_bad_fill_are_refused() -> None:
    with pytest.raises(InputError, match="no points"):
        person_view(np.zeros((0, 3)))
    with pytest.raises(InputError, match="fill is 2"):
        person_view(POINTS, fill=2)


def test_empty_box_is_refused() -> None:
    with pytest.raises(InputError, match="no vertex lies inside"):
        box_points(POINTS, [5, 5, 5], [6, 6, 6])
