# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel "Edit the Fit": looking, correcting, fitting again, in the order in which a person works.

First what was corrected and the button that fits again; below it the tools, each in a part of its own that is
closed until it is wanted.
"""

from __future__ import annotations

from typing import Any, ClassVar

import bpy

from bodyscan.errors import BodyscanError

from .. import task
from ..mesh_data import get_values
from ..people import Person, active_person, people_of
from ..sidebar import SidebarPanel
from ..steps.main_panel import panel_width
from ..steps.step_words import wrapped
from . import before_after, distrust, heat_map, landmarks, pins, pose_sliders, shape_sliders
from .edits import edit_words
from .fit_state import adjustments, has_fit, shown_fit
from .landmark_tools import landmark_words
from .pose_moves import moves_of
from .shape_measures import MEASURES
from .swatches import swatch
from .vertex_colors import shows

NO_PERSON = "Select an object of a scanned person."
NO_FIT = "There is no fit yet. Landmarks that are put right, and distrust, help the first one too."
NOTHING = "Nothing was corrected yet."
SLID = "Refit from here, and the fit has it."


def summary_words(person: Person) -> list[str]:
    """What was corrected, or that nothing was."""
    painted = distrust.share_words(person) if float(person.collection.get(distrust.SHARE, 0.0)) > 0 else ""
    return edit_words(person, painted=painted) or [NOTHING]


def sentence(layout: Any, context: Any, text: str, *, icon: str = "NONE") -> None:
    """A sentence as lines that fit the panel; the icon stands before the first."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    blank = "NONE" if icon == "NONE" else "BLANK1"
    for number, line in enumerate(wrapped(text, panel_width(context))):
        column.label(text=line, icon=blank if number else icon)


class BODYSCAN_PT_edit(SidebarPanel, bpy.types.Panel):
    bl_idname = "BODYSCAN_PT_edit"
    bl_label = "Edit the Fit"
    bl_order = 20
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        return any(person.folder is not None for person in people_of(context.scene))

    def draw(self, context: Any) -> None:
        layout = self.layout
        person = active_person(context)
        if person is None or person.folder is None:
            sentence(layout, context, NO_PERSON, icon="INFO")
            return
        if not has_fit(person):
            sentence(layout, context, NO_FIT, icon="INFO")
        for words in summary_words(person):
            sentence(layout, context, words)
        row = layout.row(align=True)
        row.scale_y = 1.4
        row.enabled = task.current() is None
        for text, anew in (("Refit from Here", False), ("Refit Anew" if has_fit(person) else "Fit", True)):
            if anew or has_fit(person):
                button = row.operator("bodyscan.refit", text=text)
                button.person, button.anew = person.id, anew


class _Part(SidebarPanel):
    """What all parts of the panel are."""

    bl_parent_id = "BODYSCAN_PT_edit"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}
    needs_fit = True

    @classmethod
    def poll(cls, context: Any) -> bool:
        person = active_person(context)
        return person is not None and person.folder is not None and (not cls.needs_fit or has_fit(person))

    def draw(self, context: Any) -> None:
        """The tools, or why there are none."""
        layout: Any = self.layout  # type: ignore[attr-defined]
        person = active_person(context)
        try:
            if person is not None:
                self.draw_tools(layout, context, person)
        except BodyscanError as error:
            sentence(layout, context, str(error), icon="ERROR")

    def draw_tools(self, layout: Any, context: Any, person: Person) -> None:
        raise NotImplementedError


class BODYSCAN_PT_edit_look(_Part, bpy.types.Panel):
    bl_label = "Look"
    bl_order = 1

    def draw_tools(self, layout: Any, context: Any, person: Person) -> None:
        layout.operator("bodyscan.view_next", icon="ARROW_LEFTRIGHT")
        grid = layout.grid_flow(columns=2, even_columns=True, align=True)
        now = before_after.present_view(person)
        for name, label, _ in before_after.VIEWS:
            if name != "twin" or person.object("twin") is not None:
                grid.operator("bodyscan.view", text=label, depress=name == now).view = name
        if now == "wipe":
            layout.prop(person.collection.bodyscan_compare, "wipe", slider=True)
        layout.separator()
        is_on = heat_map.is_on(person)
        layout.operator("bodyscan.heat_map", icon="COLOR", depress=is_on)
        if is_on:
            draw_legend(layout, context, person)


def draw_legend(layout: Any, context: Any, person: Person) -> None:
    """What the heat map's colours mean, in words, and what was measured."""
    settings = person.collection.bodyscan_heat
    layout.prop(settings, "range_mm", text="Colours End at (mm)")
    sentence(layout, context, heat_map.LEGEND)
    column = layout.column(align=True)
    for color, words in heat_map.legend(settings.range_mm):
        column.label(text=words, icon_value=swatch(color))
    scan = person.object("scan")
    values = get_values(scan.data, heat_map.VALUES) if scan is not None else None
    if values is not None:
        sentence(layout, context, heat_map.numbers_words(values))
    if heat_map.is_stale(person):
        sentence(layout, context, "The surface was changed since.", icon="ERROR")
        layout.operator("bodyscan.heat_map_again", icon="FILE_REFRESH")


class BODYSCAN_PT_edit_landmarks(_Part, bpy.types.Panel):
    bl_label = "Landmarks"
    bl_order = 2
    needs_fit = False

    def draw_tools(self, layout: Any, context: Any, person: Person) -> None:
        holder = landmarks.person_landmarks(person)
        row = layout.row(align=True)
        row.operator("bodyscan.landmarks_show", icon="EMPTY_AXIS").face = False
        row.operator("bodyscan.landmarks_show", text="With the Face").face = True
        if holder is None:
            sentence(layout, context, "Points of the body, to be dragged to where they belong.")
            return
        settings = person.collection.bodyscan_landmarks
        grid = layout.grid_flow(columns=2, even_columns=True, align=True)
        for part, collection in landmarks.part_collections(person):
            grid.prop(collection, "hide_viewport", text=part, invert_checkbox=True, toggle=True)
        layout.template_list("BODYSCAN_UL_landmarks", "", holder, "all_objects", settings, "index", rows=6)
        layout.prop(settings, "size", slider=True)
        item = context.active_object
        if item is not None and landmarks.NAME in item:
            for words in landmark_words(item):
                sentence(layout, context, words)
        row = layout.row(align=True)
        row.operator("bodyscan.landmark_counterpart", icon="MOD_MIRROR")
        row.operator("bodyscan.landmark_add", icon="ADD")
        row = layout.row(align=True)
        row.operator("bodyscan.landmark_ignore", icon="HIDE_ON")
        row.operator("bodyscan.landmark_restore", icon="LOOP_BACK").all = False
        row.operator("bodyscan.landmark_restore", text="Put All Back").all = True


class BODYSCAN_PT_edit_pins(_Part, bpy.types.Panel):
    bl_label = "Pins"
    bl_order = 3

    def draw_tools(self, layout: Any, context: Any, person: Person) -> None:
        sentence(layout, context, "Parts that stay as they are, whatever the scan says.")
        chosen = pins.pinned(person)
        grid = layout.grid_flow(columns=2, even_columns=True, align=True)
        for name in pins.pinnable(shown_fit(person).model):
            is_pinned = name in chosen
            icon = "PINNED" if is_pinned else "UNPINNED"
            words = pins.region_words(name)
            grid.operator("bodyscan.pin", text=words, icon=icon, depress=is_pinned).region = name
        row = layout.row(align=True)
        is_shown = shows(person.object("surface")) == pins.COLORS
        row.operator("bodyscan.pins_show", icon="COLOR", depress=is_shown)
        row.operator("bodyscan.pins_clear", icon="X")


class BODYSCAN_PT_edit_distrust(_Part, bpy.types.Panel):
    bl_label = "Distrust"
    bl_order = 4
    needs_fit = False

    def draw_tools(self, layout: Any, context: Any, person: Person) -> None:
        sentence(layout, context, "Paint on the scan where it is wrong; the fit leaves it out.")
        if context.mode == "PAINT_WEIGHT":
            layout.operator("bodyscan.distrust_done", icon="CHECKMARK")
            brush = context.tool_settings.weight_paint.brush
            if brush is not None:
                layout.prop(brush, "weight", text="Distrust", slider=True)
        else:
            layout.operator("bodyscan.distrust_paint", icon="BRUSH_DATA")
        if context.mode == "EDIT_MESH":
            layout.operator("bodyscan.distrust_selected", icon="RESTRICT_SELECT_OFF")
        sentence(layout, context, distrust.share_words(person))
        row = layout.row(align=True)
        is_shown = shows(person.object("scan")) == distrust.COLORS
        row.operator("bodyscan.distrust_show", icon="COLOR", depress=is_shown)
        row.operator("bodyscan.distrust_clear", icon="X")


class BODYSCAN_PT_edit_shape(_Part, bpy.types.Panel):
    bl_label = "Shape"
    bl_order = 5

    def draw_tools(self, layout: Any, context: Any, person: Person) -> None:
        layout.use_property_split = True
        layout.use_property_decorate = False
        if not shape_sliders.are_ready(person):
            layout.operator("bodyscan.shape_ready", icon="MOD_PHYSICS")
            return
        sliders = person.collection.bodyscan_shape
        column = layout.column(align=True)
        for measure in MEASURES:
            column.prop(sliders, measure.name, text=f"{measure.words} ({measure.unit})")
        layout.separator()
        column = layout.column(align=True)
        for index, words in enumerate(shape_sliders.names_of_components(person)):
            column.prop(sliders, f"component_{index}", text=words, slider=True)
        layout.operator("bodyscan.shape_reset", icon="LOOP_BACK")
        if adjustments(person)[0] is not None:
            sentence(layout, context, SLID, icon="INFO")


class BODYSCAN_PT_edit_pose(_Part, bpy.types.Panel):
    bl_label = "Pose"
    bl_order = 6

    def draw_tools(self, layout: Any, context: Any, person: Person) -> None:
        layout.use_property_split = True
        layout.use_property_decorate = False
        known = moves_of(shown_fit(person).model)
        sliders = person.collection.bodyscan_pose
        for part in pose_sliders.PARTS:
            column = layout.column(align=True)
            column.label(text=part)
            for move in known:
                if move.part == part:
                    column.prop(sliders, move.name, text=move.words, slider=True)
        row = layout.row(align=True)
        row.operator("bodyscan.pose_mirror", text="Left to Right", icon="MOD_MIRROR").source = "left"
        row.operator("bodyscan.pose_mirror", text="Right to Left").source = "right"
        layout.operator("bodyscan.pose_reset", icon="LOOP_BACK")
        if adjustments(person)[1]:
            sentence(layout, context, SLID, icon="INFO")


CLASSES = (
    BODYSCAN_PT_edit,
    BODYSCAN_PT_edit_look,
    BODYSCAN_PT_edit_landmarks,
    BODYSCAN_PT_edit_pins,
    BODYSCAN_PT_edit_distrust,
    BODYSCAN_PT_edit_shape,
    BODYSCAN_PT_edit_pose,
)


register, unregister = bpy.utils.register_classes_factory(CLASSES)
