"""Where on a picture the label goes: the wanted corner, unless it would cover the person."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels; right and bottom are the first pixels outside."""
CORNERS = ("bottom-left", "bottom-right", "top-left", "top-right")
_STEPS = 12
"""Places along each edge, beside the corners."""


def label_place(
    size: tuple[int, int], pill: tuple[int, int], margin: int, corner: str, avoid: Sequence[Box] = ()
) -> tuple[int, int]:
    """Return the left and top pixel of a pill (width, height) on a picture (width, height).

    `avoid` are boxes in the order of their weight: the face first, then the body. The wanted corner is
    taken where it meets no box; else the place along the edges that covers the least of the first box,
    then of the second and so on; among equals the wanted corner, the corners, and what lies nearest to
    them.
    """

    def covered(place: tuple[int, int]) -> list[int]:
        pill_box = (*place, place[0] + pill[0], place[1] + pill[1])
        return [overlap(pill_box, box) for box in avoid]

    return min(_places(size, pill, margin, corner), key=covered)


def overlap(one: Box, two: Box) -> int:
    """Return the pixels that two boxes share."""
    width = min(one[2], two[2]) - max(one[0], two[0])
    height = min(one[3], two[3]) - max(one[1], two[1])
    return max(0, width) * max(0, height)


def _places(size: tuple[int, int], pill: tuple[int, int], margin: int, corner: str) -> list[tuple[int, int]]:
    """The corners, the wanted one first, then places along the four edges."""
    aside, down = (min(margin, max(0, (size[i] - pill[i]) // 2)) for i in range(2))
    right, bottom = size[0] - aside - pill[0], size[1] - down - pill[1]
    at = {
        name: (aside if name.endswith("left") else right, down if name.startswith("top") else bottom)
        for name in CORNERS
    }
    first = at.pop(corner)
    along = [round(step / _STEPS * (right - aside)) + aside for step in range(_STEPS + 1)]
    beside = [round(step / _STEPS * (bottom - down)) + down for step in range(_STEPS + 1)]
    edges = [*product(along, (down, bottom)), *product((aside, right), beside)]
    corners = [first, *at.values()]
    return [*corners, *sorted(edges, key=lambda place: min(_distance(place, one) for one in corners))]


def _distance(one: tuple[int, int], two: tuple[int, int]) -> int:
    return abs(one[0] - two[0]) + abs(one[1] - two[1])
