# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel Face: expressions on top, below them every shape by the part of the face."""

from __future__ import annotations

from typing import Any

import bpy

from ..people import active_person, chosen_person
from ..sidebar import SidebarPanel
from .expression_words import LEFT, PARTS, base_name, face_rows, presets
from .expressions import ARKIT_PAIRS, LINK, shapes_of

ORDER = 40
"""In the tab, behind the rig."""
CLOSED = {"DEFAULT_CLOSED"}
COLUMNS = 3
OPEN = ("Eyes", "Mouth")
"""Parts that are unfolded at first."""


def face_problem(context: Any) -> str:
    """Why there is no face to move, in one sentence; empty where there is one."""
    person = active_person(context)
    if person is None:
        return "Select a person."
    if person.object("twin") is None:
        return f"{person.name} has no twin yet."
    if not shapes_of(person.object("twin")):
        return "This twin has no face shapes."
    return ""


class BODYSCAN_PT_face(SidebarPanel, bpy.types.Panel):
    bl_idname = "BODYSCAN_PT_face"
    bl_label = "Face"
    bl_order = ORDER
    bl_options = CLOSED

    def draw(self, context: Any) -> None:
        layout = self.layout
        if problem := face_problem(context):
            layout.label(text=problem)
            return
        grid = layout.grid_flow(columns=COLUMNS, even_columns=True, align=True)
        for name, (words, _) in presets().items():
            grid.operator("bodyscan.expression", text=words).expression = name
        row = layout.row(align=True)
        row.operator("bodyscan.reset_face", text="Reset", icon="LOOP_BACK")
        row.operator("bodyscan.mirror_face", text="Mirror", icon="MOD_MIRROR")
        row.operator("bodyscan.key_face", text="Key", icon="KEY_HLT")
        row = layout.row(align=True)
        settings = context.window_manager.bodyscan_face
        row.prop(settings, "search", text="", icon="VIEWZOOM")
        row.prop(settings, "link", text="", icon="LINKED" if settings.link else "UNLINKED")


class _Part(SidebarPanel):
    """The shapes of one part of the face."""

    bl_parent_id = "BODYSCAN_PT_face"

    @classmethod
    def poll(cls, context: Any) -> bool:
        return not face_problem(context) and bool(_rows(context, cls.bl_label))  # type: ignore[attr-defined]

    def draw(self, context: Any) -> None:
        twin = chosen_person(context).object("twin")
        shapes, linked = shapes_of(twin), context.window_manager.bodyscan_face.link
        column = self.layout.column(align=True)  # type: ignore[attr-defined]
        column.use_property_decorate = False
        for row in _rows(context, self.bl_label):  # type: ignore[attr-defined]
            base = base_name(row.left)[: -len(LEFT)]
            if row.right and linked and base in ARKIT_PAIRS:
                column.prop(getattr(twin, LINK), base, text=row.words, slider=True)
            elif row.right:
                sides = column.row(align=True)
                sides.prop(shapes[row.left], "value", text=f"{row.words} L", slider=True)
                sides.prop(shapes[row.right], "value", text="R", slider=True)
            else:
                column.prop(shapes[row.left], "value", text=row.words, slider=True)


def _rows(context: Any, part: str) -> list[Any]:
    twin = chosen_person(context).object("twin")
    return face_rows(list(shapes_of(twin)), context.window_manager.bodyscan_face.search).get(part, [])


def _panel(part: str, order: int) -> type:
    name = f"BODYSCAN_PT_face_{part.split()[0].lower()}"
    options = set() if part in OPEN else {"DEFAULT_CLOSED"}
    fields = {"bl_idname": name, "bl_label": part, "bl_order": order, "bl_options": options}
    return type(name, (_Part, bpy.types.Panel), fields)


CLASSES = (BODYSCAN_PT_face, *(_panel(part, order) for order, part in enumerate(PARTS)))


register, unregister = bpy.utils.register_classes_factory(CLASSES)
