"""Numbers as colours on a surface, and the scale that says what the colours mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image, ImageDraw

from bodyscan.errors import InputError
from bodyscan.render.color import COLORMAPS, colormap
from bodyscan.render.text import put_text
from bodyscan.types import U8, frozen_array

NO_DATA = (120, 122, 126)
"""sRGB of vertices without a value."""
_STEPS = (1, 2, 5)


@dataclass(frozen=True)
class ColorScale:
    """Which value has which colour."""

    low: float
    """Value at the first colour."""
    high: float
    """Value at the last colour."""
    unit: str
    """Unit of the values as it is written beside the numbers, for example `mm`."""
    label: str
    """What the values are, in a few words."""
    colormap: str = "sequential"
    """`diverging` (zero in the middle) or `sequential`."""
    low_word: str = ""
    """What the low end means, for example `inside`."""
    high_word: str = ""
    """What the high end means."""

    def __post_init__(self) -> None:
        if not (np.isfinite([self.low, self.high]).all() and self.low < self.high):
            raise InputError(f"ColorScale runs from {self.low} to {self.high}; low must lie below high.")
        if self.colormap not in COLORMAPS:
            raise InputError(
                f"ColorScale.colormap is {self.colormap!r}; possible are {', '.join(COLORMAPS)}."
            )
        if self.colormap == "diverging" and not np.isclose(self.low, -self.high):
            raise InputError("A diverging ColorScale must run from -x to +x, so that zero is neutral.")

    @property
    def ticks(self) -> tuple[float, ...]:
        """Five values, evenly spaced."""
        return tuple(float(v) for v in np.linspace(self.low, self.high, 5))


def distance_scale(distance_mm: ArrayLike, label: str = "scan to fitted surface") -> ColorScale:
    """A scale for signed distances (N,), mm: symmetric, to a round number that 95 % of them lie within."""
    values = np.asarray(distance_mm, np.float64)
    values = np.abs(values[np.isfinite(values)])
    reach = _round_up(float(np.percentile(values, 95))) if len(values) else 1.0
    return ColorScale(-reach, reach, "mm", label, "diverging", "inside", "outside")


def heat_colors(values: ArrayLike, scale: ColorScale) -> U8:
    """Colours (N, 3) uint8 sRGB of values (N,); beyond the scale the end colour, `NO_DATA` for NaN."""
    values = np.asarray(values, np.float64)
    known = np.isfinite(values)
    place = (np.where(known, values, scale.low) - scale.low) / (scale.high - scale.low)
    return np.where(known[:, None], colormap(scale.colormap, place), np.array(NO_DATA, np.uint8))


def scale_bar_box(width: int, height: int) -> tuple[int, int, int, int]:
    """Left, top, right, bottom (pixels, right and bottom excluded) of the bar that `draw_scale` draws."""
    bar_width = round(min(0.72 * width, 0.75 * height))
    size = _letters(width, height)
    left = (width - bar_width) // 2
    top = height - round(size * 2.7)
    return left, top, left + bar_width, top + round(size * 0.8)


def draw_scale(image: U8, scale: ColorScale) -> U8:
    """Return a copy of `image` (H, W, 3) with the scale at the bottom: bar, numbers, unit, words."""
    pixels = np.array(frozen_array("image", image, np.uint8, (None, None, 3)))
    height, width = pixels.shape[:2]
    if width < 160 or height < 160:
        raise InputError(f"The picture is {width} x {height} px; a scale needs at least 160 x 160 px.")
    left, top, right, bottom = scale_bar_box(width, height)
    place = (np.arange(right - left) + 0.5) / (right - left)
    pixels[top:bottom, left:right] = colormap(scale.colormap, place)[None]
    picture = Image.fromarray(pixels)
    draw = ImageDraw.Draw(picture)
    size = _letters(width, height)
    ink, halo = (40, 43, 48), (248, 248, 249)
    for tick in scale.ticks:
        x = left + (tick - scale.low) / (scale.high - scale.low) * (right - left)
        draw.line([(x, bottom), (x, bottom + size * 0.35)], fill=ink, width=max(1, round(size / 12)))
        put_text(draw, (x, bottom + size * 0.5), tick_text(tick, scale), size, ink, anchor="ma", halo=halo)
    words = [(left, "la", scale.low_word), (right, "ra", scale.high_word)]
    title = f"{scale.label}, {scale.unit}"
    for x, anchor, word in [*words, ((left + right) / 2, "ma", title)]:
        if word:
            put_text(draw, (x, top - size * 1.5), word, size, ink, anchor=anchor, halo=halo)
    return np.asarray(picture)


def _letters(width: int, height: int) -> float:
    """Height of the scale's letters, pixels."""
    return max(9.0, 0.027 * min(width, height))


def tick_text(value: float, scale: ColorScale) -> str:
    """A number as it stands beside the bar, with a sign where the scale has two."""
    return f"{value:+.3g}" if scale.low < 0 and value != 0 else f"{value:.3g}"


def _round_up(value: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50 ..."""
    if value <= 0:
        return 1.0
    decade = 10.0 ** np.floor(np.log10(value))
    return float(next(s * decade for s in (*_STEPS, 10) if s * decade >= value * (1 - 1e-12)))
