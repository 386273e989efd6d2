"""Contact sheets: pictures side by side with captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from bodyscan.errors import InputError
from bodyscan.render.text import fitted_size, put_text
from bodyscan.types import U8, frozen_array


@dataclass(frozen=True, eq=False)
class Panel:
    """One picture of a sheet."""

    image: U8
    """(H, W, 3) uint8 sRGB."""
    caption: str = ""
    """A word or two below the picture."""
    detail: str = ""
    """A line in smaller letters below the caption."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "image", frozen_array("Panel.image", self.image, np.uint8, (None, None, 3)))


@dataclass(frozen=True)
class SheetOptions:
    """Layout of a sheet."""

    columns: int = 0
    """Panels in a row, 0 for all in one row."""
    panel_height: int = 0
    """Pixels; 0 keeps the height of the tallest panel. Panels are brought to one height."""
    gap: int = 0
    """Pixels between panels; 0 lets backdrops run into one another."""
    paper: tuple[int, int, int] = (250, 250, 250)
    """sRGB around the panels and behind the captions."""
    ink: tuple[int, int, int] = (34, 37, 42)
    """sRGB of the captions."""

    def __post_init__(self) -> None:
        if self.columns < 0 or self.panel_height < 0 or self.gap < 0:
            raise InputError("SheetOptions: columns, panel_height and gap must be 0 or more.")


def contact_sheet(panels: Sequence[Panel], options: SheetOptions | None = None) -> U8:
    """Return one picture (H, W, 3) uint8 with all panels, row after row, each with its caption below.

    Raises `InputError` where there is no panel.
    """
    options = options or SheetOptions()
    if not panels:
        raise InputError("contact_sheet: there are no panels; give at least one.")
    height = options.panel_height or max(panel.image.shape[0] for panel in panels)
    images = [_scaled(panel.image, height) for panel in panels]
    columns = options.columns or len(panels)
    rows = [list(range(i, min(i + columns, len(panels)))) for i in range(0, len(panels), columns)]
    size = max(11.0, height * 0.026)
    strip = round(size * (3.4 if any(p.detail for p in panels) else 2.2)) if _has_text(panels) else 0
    widths = [sum(images[i].width for i in row) + options.gap * (len(row) + 1) for row in rows]
    sheet = Image.new(
        "RGB", (max(widths), (height + strip) * len(rows) + options.gap * (len(rows) + 1)), options.paper
    )
    draw = ImageDraw.Draw(sheet)
    y = options.gap
    for row, width in zip(rows, widths, strict=True):
        x = (sheet.width - width) // 2 + options.gap
        for i in row:
            sheet.paste(images[i], (x, y))
            _write(draw, panels[i], x + images[i].width / 2, y + height, images[i].width, size, options)
            x += images[i].width + options.gap
        y += height + strip + options.gap
    return np.asarray(sheet)


def _has_text(panels: Sequence[Panel]) -> bool:
    return any(panel.caption or panel.detail for panel in panels)


def _scaled(pixels: U8, height: int) -> Image.Image:
    image = Image.fromarray(np.asarray(pixels))
    if image.height == height:
        return image
    return image.resize(
        (max(1, round(image.width * height / image.height)), height), Image.Resampling.LANCZOS
    )


def _write(
    draw: ImageDraw.ImageDraw,
    panel: Panel,
    x: float,
    top: float,
    width: float,
    size: float,
    options: SheetOptions,
) -> None:
    ink, room = options.ink, width * 0.94
    pale = tuple(round(0.62 * i + 0.38 * p) for i, p in zip(ink, options.paper, strict=True))
    if panel.caption:
        place = (x, top + size * 1.1)
        put_text(draw, place, panel.caption, fitted_size(panel.caption, size, room), ink, anchor="mm")
    if panel.detail:
        small = fitted_size(panel.detail, size * 0.74, room)
        put_text(draw, (x, top + size * 2.3), panel.detail, small, (pale[0], pale[1], pale[2]), anchor="mm")
