# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Consent in the 3D view: beside each person their name, whether the scene's use is allowed, until when."""

from __future__ import annotations

from typing import Any

import bpy
from mathutils import Vector

from .. import people
from ..guards import guard
from ..guards.guard_withhold import WITHHELD
from ..guards.verdicts import overlay_lines

ALLOWED, REFUSED, SHADOW = (0.93, 0.94, 0.95, 1.0), (1.0, 0.32, 0.26, 1.0), (0.0, 0.0, 0.0, 0.8)
SIZE = 12
"""Of the letters, pixels at a resolution scale of 1."""
EDGE = 24
LONGEST = 96
"""Letters in a line; what is longer ends in dots, and stands in full in the panel."""

_handles: list[Any] = []


def labels(scene: Any) -> list[tuple[Any, list[str], bool]]:
    """Return (object, lines, whether it is allowed) of everybody in the scene whose place is to be
    labelled."""
    found = []
    for item in people.one_each(filter(_is_shown, guard.likenesses_in(scene))):
        verdict = guard.seen(item, scene)
        lines = overlay_lines(verdict)
        if WITHHELD in item:
            lines.append("withheld")
        found.append((item, [_short(line) for line in lines], verdict.is_allowed))
    return found


def _is_shown(item: Any) -> bool:
    return WITHHELD in item or not item.hide_get()


def anchor(item: Any) -> Vector:
    """Return the place in the world that a twin's label stands at: above the middle of its top."""
    corners = [item.matrix_world @ Vector(corner) for corner in item.bound_box]
    x, y, z = ([corner[axis] for corner in corners] for axis in range(3))
    return Vector(((min(x) + max(x)) / 2, (min(y) + max(y)) / 2, max(z)))


def _short(line: str) -> str:
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def draw() -> None:
    """Draw the labels; those whose place is out of sight stand in the corner."""
    context = bpy.context
    space = context.space_data
    if space is None or not space.overlay.show_overlays:
        return
    import blf
    from bpy_extras.view3d_utils import location_3d_to_region_2d

    scale = context.preferences.system.ui_scale
    blf.size(0, SIZE * scale)
    blf.enable(0, blf.SHADOW)
    blf.shadow(0, 3, *SHADOW)
    line_height = SIZE * scale * 1.4
    corner = EDGE * scale
    for item, lines, is_allowed in labels(context.scene):
        place = location_3d_to_region_2d(context.region, context.region_data, anchor(item))
        if place is None or WITHHELD in item:
            left, top = EDGE * scale, corner + line_height * len(lines)
            corner = top + line_height / 2
        else:
            left, top = place.x, place.y + line_height * (len(lines) + 0.5)
        blf.color(0, *(ALLOWED if is_allowed else REFUSED))
        for number, line in enumerate(lines):
            blf.position(0, left, top - line_height * number, 0)
            blf.draw(0, line)
    blf.disable(0, blf.SHADOW)


def register() -> None:
    if not bpy.app.background:
        _handles.append(bpy.types.SpaceView3D.draw_handler_add(draw, (), "WINDOW", "POST_PIXEL"))


def unregister() -> None:
    while _handles:
        bpy.types.SpaceView3D.draw_handler_remove(_handles.pop(), "WINDOW")
