"""Text on pictures with Pillow's own scalable font, so that no font of the machine is needed."""

from __future__ import annotations

from PIL import ImageDraw, ImageFont

from bodyscan.errors import InputError

Rgb = tuple[int, int, int]


def font(size_px: float) -> ImageFont.FreeTypeFont:
    """The built-in font at a size in pixels; `InputError` where Pillow was built without FreeType."""
    found = ImageFont.load_default(size=max(size_px, 6.0))
    if not isinstance(found, ImageFont.FreeTypeFont):
        raise InputError(
            "Pillow was built without FreeType and cannot draw text; install its standard wheel."
        )
    return found


def put_text(
    draw: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    size_px: float,
    ink: Rgb,
    *,
    anchor: str = "lm",
    halo: Rgb | None = None,
) -> None:
    """Write `text` at `place`; `anchor` as in Pillow; `halo` colours a thin rim round the letters."""
    stroke = max(1, round(size_px * 0.14)) if halo else 0
    draw.text(place, text, font=font(size_px), fill=ink, anchor=anchor, stroke_width=stroke, stroke_fill=halo)


def fitted_size(text: str, size_px: float, width_px: float) -> float:
    """The size, at most `size_px`, at which one line of text is no wider than `width_px`."""
    length = font(size_px).getlength(text)
    return size_px if length <= width_px else size_px * width_px / length
