"""The visible label: "Synthetic · digital twin" and the consent record's short id.

A translucent pill in a corner, dark on bright pictures and bright on dark ones. Its ink is always
opaque and the pill nearly so, which keeps the contrast of text and pill above 7:1 (WCAG 2.2, 1.4.6)
whatever the picture shows below it. It keeps off the face where the caller says where that is.
"""

from __future__ import annotations

import importlib.util
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bodyscan.errors import InputError
from bodyscan.mark.info import MarkInfo
from bodyscan.mark.label_place import CORNERS, Box, label_place
from bodyscan.types import U8, frozen_array

MIN_FONT_PX = 9
MAX_TEXT = 80
_SUPERSAMPLE = 3
_NO_GLYPH = "\U0010ffff"
"""A code point that no font has: what it draws is the box for missing glyphs."""


@dataclass(frozen=True)
class LabelOptions:
    """Place, size and words of the label."""

    corner: str = "bottom-left"
    """The wanted place, one of `bottom-left`, `bottom-right`, `top-left`, `top-right`."""
    relative_size: float = 0.024
    """Height of the text as a share of the picture's shorter side, 0.01 to 0.1."""
    opacity: float = 0.86
    """Opacity of the pill, 0.8 to 1: below 0.8 a busy background would make the text hard to read."""
    text: str = ""
    """What the label says, in any language: up to 80 characters that the font can draw, on one line; empty
    for what `MarkInfo.label` says. The short record id follows it."""
    font_file: str = ""
    """A TrueType or OpenType font. Empty: Pillow's own, which has the letters of English, and where it lacks
    one DejaVu Sans, where that is installed."""

    def __post_init__(self) -> None:
        if self.corner not in CORNERS:
            raise InputError(f"LabelOptions.corner is {self.corner!r}; possible are {', '.join(CORNERS)}.")
        if not 0.01 <= self.relative_size <= 0.1:
            raise InputError(f"LabelOptions.relative_size is {self.relative_size}; possible is 0.01 to 0.1.")
        if not 0.8 <= self.opacity <= 1:
            raise InputError(f"LabelOptions.opacity is {self.opacity}; possible is 0.8 to 1.")
        if not self.text:
            _font(24.0, self.font_file)
            return
        if not self.text.strip() or not self.text.isprintable() or len(self.text) > MAX_TEXT:
            raise InputError(
                f"LabelOptions.text is {self.text!r}; it must be 1 to {MAX_TEXT} printable characters on one "
                "line."
            )
        missing = missing_glyphs(self.text, self.font_file)
        if missing and not self.font_file and not missing_glyphs(self.text, _wider_font()):
            object.__setattr__(self, "font_file", _wider_font())
            return
        if missing:
            raise InputError(
                f"The label {self.text!r} cannot be drawn: the font has no glyph for "
                f"{' '.join(missing)}. Give LabelOptions.font_file a font that has, or another text."
            )


def draw_label(
    image: U8, info: MarkInfo, options: LabelOptions | None = None, avoid: Sequence[Box] = ()
) -> U8:
    """Return a copy of `image` (H, W, 3) uint8 sRGB with the visible label drawn on it.

    `avoid`: boxes (left, top, right, bottom) in pixels that it keeps off, the most important first: the
    face, then the body. Where no place along the edges is free of the first, the one that covers least of
    it is taken: a picture without a label is none of the choices. Raises `InputError` where the picture is
    too small for legible text.
    """
    options = options or LabelOptions()
    options = replace(options, text=options.text or info.label)
    pixels = frozen_array("image", image, np.uint8, (None, None, 3))
    height, width = pixels.shape[:2]
    lines, font_px = _fit_text(f"{options.text} · {info.short_id}", width, height, options)
    pill, margin = _pill_size(lines, font_px, options), max(4, round(font_px * 0.9))
    left, top = label_place((width, height), pill, margin, options.corner, avoid)
    region = pixels[top : top + pill[1], left : left + pill[0]]
    on_dark = float(_luminance(region).mean()) < 0.18
    overlay = _draw_pill(lines, font_px, pill, on_dark, options)
    out = np.array(pixels)
    alpha = overlay[..., 3:].astype(np.float32) / 255
    blended = overlay[..., :3] * alpha + region * (1 - alpha)
    out[top : top + pill[1], left : left + pill[0]] = np.round(blended).astype(np.uint8)
    return out


def missing_glyphs(text: str, font_file: str = "") -> list[str]:
    """Return the characters of `text` that the font draws as the box for missing glyphs, each once.

    Raises `InputError` where `font_file` is no font.
    """
    font = _font(24.0, font_file)
    box = _drawn(_NO_GLYPH, font)
    return [c for c in dict.fromkeys(text) if _drawn(c, font) == box]


def _drawn(character: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> bytes:
    image = Image.new("L", (48, 48))
    ImageDraw.Draw(image).text((8, 8), character, font=font, fill=255)
    return image.tobytes()


@lru_cache(maxsize=1)
def _wider_font() -> str:
    """DejaVu Sans, which comes with mediapipe's own requirements; nothing of them is imported. Else empty."""
    found = importlib.util.find_spec("matplotlib")
    if found is None or found.origin is None:
        return ""
    path = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    return str(path) if path.is_file() else ""


@lru_cache(maxsize=64)
def _font(size: float, font_file: str) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    if not font_file:
        return ImageFont.load_default(size=size)
    try:
        return ImageFont.truetype(font_file, size)
    except OSError as error:
        raise InputError(
            f"LabelOptions.font_file {Path(font_file).name} cannot be read as a font: {error}."
        ) from None


def contrast_ratio(first: U8, second: U8) -> float:
    """WCAG 2.2 contrast ratio, 1 to 21, of two sRGB colours (3,) uint8."""
    pair = sorted((float(_luminance(np.asarray(c, np.uint8))) for c in (first, second)), reverse=True)
    return (pair[0] + 0.05) / (pair[1] + 0.05)


def _luminance(srgb: U8) -> np.ndarray:
    """Relative luminance, 0..1 (IEC 61966-2-1 transfer curve, Rec. 709 weights)."""
    value = np.asarray(srgb, np.float64) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def _fit_text(text: str, width: int, height: int, options: LabelOptions) -> tuple[list[str], float]:
    """One line at the wanted size, or smaller, or more lines; the largest legible choice that fits."""
    wanted = max(MIN_FONT_PX + 2.0, options.relative_size * min(width, height))
    for lines in _layouts(text):
        size = wanted
        while size >= MIN_FONT_PX:
            pill = _pill_size(lines, size, options)
            if pill[0] <= width and pill[1] <= height / 2:
                if size >= min(wanted, MIN_FONT_PX + 2) or lines[0] != text:
                    return lines, size
                break
            size -= 0.5
    raise InputError(
        f"The picture is {width} x {height} px: too small for a legible label. "
        "Render it larger; about 120 x 120 px is the least."
    )


def _layouts(text: str) -> list[list[str]]:
    """The text on one line, with its last part below, in its parts, and broken between words."""
    head, _, tail = text.rpartition(" · ")
    broken = [[*textwrap.wrap(head, -(-len(head) // count) + 4), tail] for count in (2, 3, 4)]
    return [[text], [head, tail], [*head.split(" · "), tail], *broken]


def _pill_size(lines: list[str], font_px: float, options: LabelOptions) -> tuple[int, int]:
    font = _font(font_px * _SUPERSAMPLE, options.font_file)
    text_width = max(font.getlength(line) for line in lines) / _SUPERSAMPLE
    glyph = font_px * 1.25
    line_height = font_px * 1.35
    return round(text_width + glyph + font_px * 1.3), round(line_height * len(lines) + font_px * 0.65)


def _draw_pill(
    lines: list[str], font_px: float, pill: tuple[int, int], on_dark: bool, options: LabelOptions
) -> np.ndarray:
    """The pill as (h, w, 4) uint8, straight alpha, drawn larger and reduced for smooth edges."""
    scale = _SUPERSAMPLE
    size = (pill[0] * scale, pill[1] * scale)
    fill, ink = ((18, 20, 24), (246, 246, 244)) if on_dark else ((250, 250, 248), (28, 31, 36))
    rim = (255, 255, 255, 60) if on_dark else (0, 0, 0, 46)
    px = font_px * scale
    image = Image.new("RGBA", size, (*fill, 0))
    draw = ImageDraw.Draw(image)
    radius = min(size[1] / 2, px)
    box = (0, 0, size[0] - 1, size[1] - 1)
    draw.rounded_rectangle(box, radius, fill=(*fill, round(255 * options.opacity)), outline=rim, width=scale)
    font = _font(px, options.font_file)
    middle, x = size[1] / 2, px * 0.7
    _draw_glyph(draw, x + px * 0.42, middle, px * 0.42, ink)
    for number, line in enumerate(lines):
        y = middle + (number - (len(lines) - 1) / 2) * px * 1.35
        draw.text((x + px * 1.25, y), line, font=font, fill=(*ink, 255), anchor="lm")
    # Reduce colour and alpha apart: the empty corners carry the pill's own colour, so nothing bleeds.
    return np.asarray(image.resize(pill, Image.Resampling.BOX))


def _draw_glyph(draw: ImageDraw.ImageDraw, x: float, y: float, r: float, ink: tuple[int, int, int]) -> None:
    """Two overlapping rings: the person and the twin."""
    stroke = max(2, round(r * 0.24))
    small = r * 0.72
    for shift in (-0.32 * r, 0.32 * r):
        box = (x + shift - small, y - small, x + shift + small, y + small)
        draw.ellipse(box, outline=(*ink, 255), width=stroke)
