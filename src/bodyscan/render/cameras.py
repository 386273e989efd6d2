"""Where the camera stands: named views of a person, and close-ups."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from bodyscan.errors import InputError
from bodyscan.geometry.view import View
from bodyscan.types import F64

AZIMUTHS: Mapping[str, float] = MappingProxyType(
    {
        "front": 0.0,
        "three_quarter": np.pi / 5,
        "left": np.pi / 2,
        "back": np.pi,
        "right": -np.pi / 2,
        "three_quarter_right": -np.pi / 5,
        "portrait": -np.pi / 10,
    }
)
"""Radians about +Y from where the person faces towards the person's left."""


def person_view(
    points: ArrayLike,
    name: str = "front",
    *,
    width: int = 800,
    height: int = 1000,
    fill: float = 0.88,
    elevation: float = 0.10,
    distance: float = 5.0,
    turn: float = 0.0,
) -> View:
    """A long-lens view in which `points` (N, 3), metres, fill the share `fill` of the picture.

    `name` is one of `AZIMUTHS`, to which `turn` (radians) is added; `elevation` (radians) is how far the
    camera looks down. Give the points
    of a region for a close-up, or of several meshes for pictures at one scale.
    """
    if name not in AZIMUTHS:
        raise InputError(f"The view {name!r} is unknown; possible are {', '.join(AZIMUTHS)}.")
    points = np.asarray(points, np.float64).reshape(-1, 3)
    if not len(points):
        raise InputError("person_view: there are no points to look at.")
    if not 0.05 <= fill <= 1:
        raise InputError(f"person_view: fill is {fill}; possible is 0.05 to 1.")
    bounds = np.stack([points.min(axis=0), points.max(axis=0)])
    view = View.around(
        bounds, AZIMUTHS[name] + turn, elevation, width=width, height=height, distance=distance
    )
    return _frame(view, points, fill)


def box_points(vertices: ArrayLike, low: ArrayLike, high: ArrayLike) -> F64:
    """The points (K, 3) of `vertices` (V, 3) inside a box; raises `InputError` where there are none."""
    points = np.asarray(vertices, np.float64)
    inside = ((points >= np.asarray(low)) & (points <= np.asarray(high))).all(axis=1)
    if not inside.any():
        raise InputError("box_points: no vertex lies inside the box; give a larger one.")
    return points[inside]


def head_points(vertices: ArrayLike, head: ArrayLike | None = None) -> F64:
    """The points of a standing person's head, metres, +Y up.

    `head` (3,) is the head joint where it is known; else the top 14.5 % of the height is taken, near the
    axis of the highest point.
    """
    points = np.asarray(vertices, np.float64)
    top = points[points[:, 1].argmax()]
    tall = top[1] - points[:, 1].min()
    low = top[1] - 0.145 * tall if head is None else float(np.asarray(head)[1]) - 0.045 * tall
    centre = top if head is None else np.asarray(head, np.float64)
    reach = 0.085 * tall
    return box_points(
        points,
        [centre[0] - reach, low, centre[2] - 2 * reach],
        [centre[0] + reach, np.inf, centre[2] + 2 * reach],
    )


def _frame(view: View, points: F64, fill: float) -> View:
    """Zoom and shift the lens until the points' own outline is centred and as large as asked."""
    spots = view.project(points)
    low, high = spots.min(axis=0), spots.max(axis=0)
    size = np.array([view.width, view.height], np.float64)
    zoom = float((fill * size / np.maximum(high - low, 1e-9)).min())
    intrinsics = np.array(view.K)
    intrinsics[:2, :2] *= zoom
    # The lens is shifted, not turned: upright lines stay upright, as with a studio's view camera.
    intrinsics[:2, 2] = size / 2 - zoom * ((low + high) / 2 - intrinsics[:2, 2])
    return View(view.width, view.height, intrinsics, view.camera_from_world)
