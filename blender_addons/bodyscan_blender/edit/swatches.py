# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small squares of one colour, as icons for a legend in a panel. Without a window there are none."""

from __future__ import annotations

from typing import Any

import bpy
import bpy.utils.previews

SIDE = 16
_icons: Any = None


def swatch(srgb: tuple[int, int, int]) -> int:
    """Number of the icon that shows a colour; 0 where Blender draws none."""
    global _icons
    if bpy.app.background:
        return 0
    if _icons is None:
        _icons = bpy.utils.previews.new()
    name = "-".join(str(part) for part in srgb)
    if name not in _icons:
        made = _icons.new(name)
        made.icon_size = (SIDE, SIDE)
        made.icon_pixels_float = [*(part / 255 for part in srgb), 1.0] * (SIDE * SIDE)
    return int(_icons[name].icon_id)


def register() -> None:
    """Icons are made when they are first seen."""


def unregister() -> None:
    global _icons
    if _icons is not None:
        bpy.utils.previews.remove(_icons)
        _icons = None
