# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel Consent: who, for what, until when, and whether that covers what the scene is for."""

from __future__ import annotations

from typing import Any

import bpy

from .. import people
from ..guards import guard
from ..guards.guard_tell import last_words
from ..guards.verdicts import Verdict, panel_rows, use_words
from ..sidebar import SidebarPanel
from ..steps.main_panel import panel_width
from ..steps.step_words import wrapped

ICONS = {"allowed": "CHECKMARK", "refused": "CANCEL", "cannot be told": "QUESTION"}
ORDER = 10
"""In the tab, behind the steps."""


class VIEW3D_PT_bodyscan_consent(SidebarPanel, bpy.types.Panel):
    bl_idname = "VIEW3D_PT_bodyscan_consent"
    bl_label = "Consent"
    bl_order = ORDER

    def draw(self, context: Any) -> None:
        layout, width = self.layout, panel_width(context)
        shown = chosen_people(context)
        if not shown:
            sentence(layout, "Nobody in this scene. Scans and twins carry their person's consent.", width)
        for item in shown:
            draw_verdict(layout, guard.seen(item, context.scene), item, width)
        draw_use(layout, context)
        if words := last_words():
            box = layout.box()
            box.alert = True
            sentence(box, words, width, icon="INFO")
        layout.operator("bodyscan.check_consents", icon="FILE_REFRESH")
        row = layout.row(align=True)
        row.scale_y = 1.3
        row.operator("bodyscan.render", icon="RENDER_STILL", text="Render").animation = False
        row.operator("bodyscan.render", icon="RENDER_ANIMATION", text="Animation").animation = True


def chosen_people(context: Any) -> list[Any]:
    """Return whom the panel is about: the active person, else everybody in the scene; one object each."""
    person = people.active_person(context)
    items = guard.likenesses_in(context.scene)
    if person is not None:
        items = [item for item in items if item.get(people.PERSON) == person.id] or items
    return people.one_each(items)


def draw_verdict(layout: Any, verdict: Verdict, item: Any, width: int) -> None:
    """One person: the verdict first, then what the record says."""
    box = layout.box()
    head = box.row()
    head.alert = not verdict.is_allowed
    head.label(text=verdict.name, icon=ICONS[verdict.word])
    head.label(text=verdict.word)
    sentence(box, verdict.sentence, width, alert=not verdict.is_allowed)
    if verdict.status.record is not None:
        for title, value in panel_rows(verdict.status.record):
            row = box.split(factor=0.34)
            row.label(text=title)
            sentence(row, value, int(width * 0.62))
    sentence(box, verdict.known, width)
    person = people.person_of(item)
    name = person.id if person is not None else ""
    row = box.row(align=True)
    row.operator("bodyscan.show_consent", text="Read", icon="TEXT").person = name
    row.operator("bodyscan.load_consent", text="Load", icon="FILEBROWSER").person = name
    row.operator("bodyscan.forget_person", text="Forget", icon="TRASH").person = name


def draw_use(layout: Any, context: Any) -> None:
    """What the scene is for."""
    said = context.scene.bodyscan
    box = layout.box()
    box.label(text="This scene is for", icon="OUTPUT")
    column = box.column(align=True)
    for name in ("purpose", "territory", "medium", "licensee", "product_line"):
        column.prop(said, name)
    column.prop(context.scene, "bodyscan_reference")


def sentence(layout: Any, text: str, width: int, *, icon: str = "NONE", alert: bool = False) -> None:
    """Draw a sentence as lines, close together."""
    column = layout.column(align=True)
    column.alert = alert
    column.scale_y = 0.8
    for number, line in enumerate(wrapped(text, width)):
        column.label(text=line, icon=icon if number == 0 else "NONE")


def panel_words(verdict: Verdict) -> list[str]:
    """Return what the panel says of a verdict, without its layout."""
    rows = panel_rows(verdict.status.record) if verdict.status.record is not None else []
    return [
        verdict.name,
        use_words(verdict.use),
        verdict.sentence,
        *(f"{a}: {b}" for a, b in rows),
        verdict.known,
    ]


def register() -> None:
    bpy.utils.register_class(VIEW3D_PT_bodyscan_consent)


def unregister() -> None:
    bpy.utils.unregister_class(VIEW3D_PT_bodyscan_consent)
