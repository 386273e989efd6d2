# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pins: parts of the body that keep the pose and the shape that they have, whatever the scan says there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bpy
import numpy as np

from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError
from bodyscan.types import U8

from ..people import Person
from .before_after import copies_made_anew
from .edit_tool import EditTool
from .fit_state import fitted_surface, shown_fit
from .vertex_colors import hide_colors, show_colors, shows, write_colors

PINNED = "bodyscan_pinned"
"""Of a person's collection: names of the regions that are pinned."""
COLORS = "bodyscan_pins"
"""Colour attribute of the fitted surface: which parts are pinned."""
FREE_COLOR, PINNED_COLOR = (188, 184, 178), (222, 143, 5)
"""sRGB. Pinned parts are told by lightness as well as by hue."""
UNSEEN = ("left_eye", "right_eye", "teeth", "tongue")
"""Regions that move with the head and are pinned with it."""


def pinnable(model: BodyModel) -> tuple[str, ...]:
    """Regions that can be pinned, from head to foot."""
    height = {
        name: float(model.template[model.region(name), 1].mean())
        for name in model.region_names
        if name not in UNSEEN
    }
    return tuple(sorted(height, key=lambda name: (-round(height[name], 1), name)))


def pinned(person: Person) -> tuple[str, ...]:
    """Names of a person's pinned regions."""
    held = person.collection.get(PINNED)
    return tuple(str(name) for name in held) if held is not None else ()


def pin(person: Person, names: Iterable[str], *, model: BodyModel) -> None:
    """Pin these regions and no others. Raises `InputError` for a region that the body does not have."""
    chosen = list(dict.fromkeys(names))
    unknown = sorted(set(chosen) - set(pinnable(model)))
    if unknown:
        raise InputError(
            f"The body has no part {', '.join(unknown)} to pin. It has: {', '.join(pinnable(model))}."
        )
    if chosen:
        person.collection[PINNED] = chosen
    elif PINNED in person.collection:
        del person.collection[PINNED]


def region_words(name: str) -> str:
    """`left_lower_arm` is `Left lower arm`."""
    return name.replace("_", " ").capitalize()


def pin_words(person: Person) -> str:
    """What is pinned, in one sentence."""
    names = pinned(person)
    if not names:
        return "Nothing is pinned."
    return f"Pinned: {', '.join(region_words(name).lower() for name in names)}."


def pin_colors(model: BodyModel, names: tuple[str, ...]) -> U8:
    """(V, 3) sRGB of the body with its pinned parts."""
    colors = np.tile(np.array(FREE_COLOR, np.uint8), (model.num_vertices, 1))
    if names:
        colors[model.region(*names)] = PINNED_COLOR
    return colors


def paint_pins(context: Any, person: Person) -> None:
    """Bring the surface's colours up to date where it shows the pins."""
    item = person.object("surface")
    if item is not None and shows(item) == COLORS:
        write_colors(item.data, COLORS, pin_colors(shown_fit(person).model, pinned(person)))


class BODYSCAN_OT_pin(EditTool, bpy.types.Operator):
    bl_idname = "bodyscan.pin"
    bl_label = "Pin a Part"
    bl_description = "Keep this part of the body as it is when the fit goes on; again: let it go"
    needs_fit = True

    region: bpy.props.StringProperty(name="Part", description="Name of the body's part")

    def change(self, context: Any, person: Person) -> str:
        model, before = shown_fit(person).model, pinned(person)
        kept = [name for name in before if name != self.region]
        pin(person, kept if self.region in before else [*before, self.region], model=model)
        with copies_made_anew(context, person):
            show_pins(context, person)
        return pin_words(person)


class BODYSCAN_OT_pins_clear(EditTool, bpy.types.Operator):
    bl_idname = "bodyscan.pins_clear"
    bl_label = "Let All Go"
    bl_description = "Pin nothing"

    @classmethod
    def ready(cls, context: Any, person: Person) -> str:
        return "" if pinned(person) else "Nothing is pinned"

    def change(self, context: Any, person: Person) -> str:
        del person.collection[PINNED]
        item = person.object("surface")
        if shows(item) == COLORS:
            with copies_made_anew(context, person):
                hide_colors(context, item)
        return ""


class BODYSCAN_OT_pins_show(EditTool, bpy.types.Operator):
    bl_idname = "bodyscan.pins_show"
    bl_label = "Show Pinned Parts"
    bl_description = "Colour the pinned parts of the fitted surface; again: show it as before"
    needs_fit = True

    def change(self, context: Any, person: Person) -> str:
        item = fitted_surface(person)
        with copies_made_anew(context, person):
            if shows(item) == COLORS:
                hide_colors(context, item)
            else:
                show_pins(context, person)
        return ""


def show_pins(context: Any, person: Person) -> None:
    """Colour the surface by its pins. Raises `InputError` where the surface is missing or was cut."""
    item = fitted_surface(person)
    colors = pin_colors(shown_fit(person).model, pinned(person))
    if len(item.data.vertices) != len(colors):
        raise InputError(
            "The fitted surface was cut or subdivided; run the step Fit again to see pins on it."
        )
    write_colors(item.data, COLORS, colors)
    show_colors(context, item, COLORS)


CLASSES = (BODYSCAN_OT_pin, BODYSCAN_OT_pins_clear, BODYSCAN_OT_pins_show)


register, unregister = bpy.utils.register_classes_factory(CLASSES)
