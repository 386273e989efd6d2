# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the editing tools do when the scene shows new results, or sliders have changed the surface."""

from __future__ import annotations

import contextlib

import bpy

from bodyscan.errors import BodyscanError

from ..people import Person
from ..steps import show_results
from ..steps.shown_results import shown
from . import before_after, distrust, heat_map, landmarks, pins, slider_state
from .fit_state import ADJUSTED
from .vertex_colors import hide_colors, shows


def on_results(person: Person, steps: tuple[str, ...]) -> None:
    """Bring what is shown up to the new results; what was of the old ones goes."""
    before_after.forget_view(person)
    if "scan" in steps:
        landmarks.follow_scan(person, shown(person).get("scan", ""))
        if distrust.SHARE in person.collection:
            del person.collection[distrust.SHARE]
    if "fit" in steps and ADJUSTED in person.collection:
        del person.collection[ADJUSTED]
    surface = person.object("surface")
    name = shows(surface)
    if "texture" in steps:  # the texture is what is to be seen now
        heat_map.hide_heat_map(bpy.context, person)
    if name is None or not {"fit", "texture"}.intersection(steps):
        return
    hide_colors(bpy.context, surface)
    if "texture" in steps:
        return
    with contextlib.suppress(BodyscanError):  # no scan any more: then it stays off
        if name == heat_map.COLORS:
            range_mm = person.collection.bodyscan_heat.range_mm
            heat_map.show_heat_map(bpy.context, person, range_mm=range_mm)
        elif name == pins.COLORS:
            pins.show_pins(bpy.context, person)


def register() -> None:
    show_results.AFTER.append(on_results)
    slider_state.AFTER_CHANGE.append(before_after.refresh_bodies)


def unregister() -> None:
    slider_state.AFTER_CHANGE.remove(before_after.refresh_bodies)
    show_results.AFTER.remove(on_results)
