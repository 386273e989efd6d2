from __future__ import annotations

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.render.cameras import person_view
from bodyscan.render.overlay import draw_landmarks, draw_skeleton

from .shapes import stick_person

RIG = stick_person()
VIEW = person_view(RIG.mesh.vertices, width=200, height=300)
PAPER = np.full((300, 200, 3), 230, np.uint8)


def test_bones_lie_on_the_projected_joints_and_nowhere_far() -> None:
    skeleton = RIG.skeleton
    image = draw_skeleton(PAPER, VIEW, skeleton.positions, skeleton.parents)
    spots = VIEW.project(skeleton.positions)
    changed = (image != PAPER).any(axis=2)
    for x, y in spots:
        assert changed[int(y), int(x)]
    rows, columns = np.nonzero(changed)
    assert rows.min() > spots[:, 1].min() - 8
    assert columns.max() < spots[:, 0].max() + 8


def test_landmarks_have_a_dot_and_a_name() -> None:
    point = np.array([[0.0, 1.0, 0.0]])
    dot = (draw_landmarks(PAPER, VIEW, point) != PAPER).any(axis=2)
    named = (draw_landmarks(PAPER, VIEW, point, ["navel"]) != PAPER).any(axis=2)
    x, y = VIEW.project(point)[0].astype(int)
    assert dot[y, x]
    assert named.sum() > dot.sum() + 30


def test_the_picture_must_fit_the_view() -> None:
    with pytest.raises(InputError, match="draw on the picture that was made with this view"):
        draw_landmarks(PAPER[:50], VIEW, np.zeros((1, 3)))
    with pytest.raises(InputError, match="2 names were given for 1 points"):
        draw_landmarks(PAPER, VIEW, np.zeros((1, 3)), ["a", "b"])
