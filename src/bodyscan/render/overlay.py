"""Marks drawn over a picture: landmarks and the bones of a skeleton."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw

from bodyscan.errors import InputError
from bodyscan.geometry.view import View
from bodyscan.render.text import put_text
from bodyscan.types import F64, I32, U8, frozen_array

_FINE = 3
_INK, _PAPER = (24, 66, 120), (255, 255, 255)


def draw_skeleton(image: U8, view: View, positions: ArrayLike, parents: I32) -> U8:
    """Return a copy of `image` (H, W, 3) with bones from each joint's parent to the joint.

    `positions` (J, 3) metres, world; `parents` (J,), -1 for the root. Bones are drawn over the surface,
    as in an X-ray; they taper towards the child.
    """
    spots = _spots(image, view, positions)
    lengths = [
        float(np.linalg.norm(spots[joint] - spots[parent]))
        for joint, parent in enumerate(parents)
        if parent >= 0
    ]
    full = max(1.5, 0.0055 * 0.5 * (view.width + view.height))
    cap = float(np.percentile(lengths, 75)) if lengths else 1.0

    def paint(draw: ImageDraw.ImageDraw) -> None:
        for joint, parent in enumerate(parents):
            if parent >= 0:
                length = float(np.linalg.norm(spots[joint] - spots[parent]))
                _bone(draw, spots[parent], spots[joint], full * min(1.0, 0.25 + length / max(cap, 1e-9)))
        for joint, spot in enumerate(spots):
            parent = int(parents[joint])
            reach = np.linalg.norm(spot - spots[parent]) if parent >= 0 else cap
            _dot(draw, spot, full * min(0.85, 0.3 + 0.5 * float(reach) / max(cap, 1e-9)), _INK)

    return _drawn(image, paint)


def draw_landmarks(image: U8, view: View, positions: ArrayLike, names: Sequence[str] = ()) -> U8:
    """Return a copy of `image` (H, W, 3) with a dot at each point (L, 3), metres, and its name beside it."""
    spots = _spots(image, view, positions)
    if names and len(names) != len(spots):
        raise InputError(f"draw_landmarks: {len(names)} names were given for {len(spots)} points.")
    size = max(2.0, 0.004 * 0.5 * (view.width + view.height))

    def paint(draw: ImageDraw.ImageDraw) -> None:
        for spot in spots:
            _dot(draw, spot, size, (196, 62, 38))
        for name, spot in zip(names, spots, strict=False):
            place = (float(spot[0] + 1.8 * size) * _FINE, float(spot[1]) * _FINE)
            put_text(draw, place, name, size * 3 * _FINE, (40, 43, 48), halo=_PAPER)

    return _drawn(image, paint)


def _spots(image: U8, view: View, positions: ArrayLike) -> F64:
    pixels = frozen_array("image", image, np.uint8, (None, None, 3))
    if pixels.shape[:2] != (view.height, view.width):
        raise InputError(
            f"The picture is {pixels.shape[1]} x {pixels.shape[0]} px, the view "
            f"{view.width} x {view.height}; draw on the picture that was made with this view."
        )
    return view.project(np.asarray(positions, np.float64).reshape(-1, 3))


def _drawn(image: U8, paint: Callable[[ImageDraw.ImageDraw], None]) -> U8:
    """Paint three times larger and reduce: Pillow's own lines have hard edges."""
    under = Image.fromarray(np.asarray(image))
    large = under.resize((under.width * _FINE, under.height * _FINE), Image.Resampling.BICUBIC)
    painted = large.copy()
    paint(ImageDraw.Draw(painted))
    changed = (np.asarray(painted) != np.asarray(large)).any(axis=2)
    shape = (under.height, _FINE, under.width, _FINE)
    share = changed.reshape(shape).any(axis=(1, 3))
    small = np.asarray(painted.resize(under.size, Image.Resampling.BOX))
    return np.where(share[..., None], small, np.asarray(image))


def _bone(draw: ImageDraw.ImageDraw, start: F64, end: F64, half_width: float) -> None:
    along = end - start
    length = float(np.linalg.norm(along))
    if length < 0.5:
        return
    across = np.array([-along[1], along[0]]) / length * half_width
    belly = start + 0.16 * along
    shape = [start, belly + across, end, belly - across]
    points = [(float(x) * _FINE, float(y) * _FINE) for x, y in shape]
    draw.polygon(points, fill=_INK, outline=_PAPER, width=max(1, round(half_width * 0.25 * _FINE)))


def _dot(draw: ImageDraw.ImageDraw, spot: F64, radius: float, ink: tuple[int, int, int]) -> None:
    x, y, r = float(spot[0]) * _FINE, float(spot[1]) * _FINE, radius * _FINE
    draw.ellipse((x - r, y - r, x + r, y + r), fill=ink, outline=_PAPER, width=max(1, round(r * 0.3)))
