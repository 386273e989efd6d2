# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons for distrust: paint, done, mark what is selected, show, clear."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from bodyscan.errors import InputError

from ..people import Person
from .before_after import copies_made_anew
from .distrust import (
    COLORS,
    GROUP,
    SHARE,
    begin_painting,
    clear_weights,
    count_share,
    hide_distrust,
    mark,
    scan_object,
    share_words,
    show_distrust,
)
from .edit_tool import EditTool
from .vertex_colors import shows


class BODYSCAN_OT_distrust_paint(EditTool, bpy.types.Operator):
    bl_idname = "bodyscan.distrust_paint"
    bl_label = "Paint Distrust"
    bl_description = "Paint on the scan where it is wrong (hair, noise, a filled hole): the fit leaves it out"

    def change(self, context: Any, person: Person) -> str:
        item = scan_object(person)
        hide_distrust(context, item)
        begin_painting(context, item)
        return "Red is not trusted. Hold Ctrl to take off, Shift to smooth."


class BODYSCAN_OT_distrust_done(EditTool, bpy.types.Operator):
    bl_idname = "bodyscan.distrust_done"
    bl_label = "Done Painting"
    bl_description = "Leave the brushes and count what is painted"

    @classmethod
    def ready(cls, context: Any, person: Person) -> str:
        return "" if context.mode == "PAINT_WEIGHT" else "Nothing is being painted"

    def change(self, context: Any, person: Person) -> str:
        bpy.ops.object.mode_set(mode="OBJECT")
        count_share(person)
        return share_words(person)


class BODYSCAN_OT_distrust_selected(EditTool, bpy.types.Operator):
    bl_idname = "bodyscan.distrust_selected"
    bl_label = "Mark the Selected"
    bl_description = "Do not trust the vertices of the scan that are selected in edit mode"

    weight: bpy.props.FloatProperty(
        name="Distrust", description="1: not at all; 0: trust it again", default=1.0, min=0.0, max=1.0
    )

    @classmethod
    def ready(cls, context: Any, person: Person) -> str:
        item = person.object("scan")
        is_active = item is not None and context.active_object == item
        return "" if is_active else "Select the scan, and its vertices in edit mode"

    def change(self, context: Any, person: Person) -> str:
        item = scan_object(person)
        mode = item.mode
        if mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")  # the selection is written into the mesh then
        chosen = np.zeros(len(item.data.vertices), bool)
        item.data.vertices.foreach_get("select", chosen)
        if chosen.any():
            mark(item, np.flatnonzero(chosen), self.weight)
            count_share(person)
            if shows(item) == COLORS:
                show_distrust(context, item)
        if mode != "OBJECT":
            bpy.ops.object.mode_set(mode=mode)
        if not chosen.any():
            raise InputError("No vertex of the scan is selected.")
        return share_words(person)


class BODYSCAN_OT_distrust_show(EditTool, bpy.types.Operator):
    bl_idname = "bodyscan.distrust_show"
    bl_label = "Show Distrust"
    bl_description = "Show the scan in its own colours, red where it is not trusted; again: as before"

    def change(self, context: Any, person: Person) -> str:
        item = scan_object(person)
        if item.mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")
        with copies_made_anew(context, person):
            if shows(item) == COLORS:
                hide_distrust(context, item)
                return ""
            count_share(person)
            show_distrust(context, item)
        return share_words(person)


class BODYSCAN_OT_distrust_clear(EditTool, bpy.types.Operator):
    bl_idname = "bodyscan.distrust_clear"
    bl_label = "Trust All"
    bl_description = "Delete what was painted: all of the scan is trusted again"

    @classmethod
    def ready(cls, context: Any, person: Person) -> str:
        item = person.object("scan")
        is_painted = item is not None and item.type == "MESH" and item.vertex_groups.get(GROUP) is not None
        return "" if is_painted else "Nothing is painted"

    def change(self, context: Any, person: Person) -> str:
        item = scan_object(person)
        if item.mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")
        hide_distrust(context, item)
        clear_weights(item)
        if SHARE in person.collection:
            del person.collection[SHARE]
        return ""


CLASSES = (
    BODYSCAN_OT_distrust_paint,
    BODYSCAN_OT_distrust_done,
    BODYSCAN_OT_distrust_selected,
    BODYSCAN_OT_distrust_show,
    BODYSCAN_OT_distrust_clear,
)


register, unregister = bpy.utils.register_classes_factory(CLASSES)
