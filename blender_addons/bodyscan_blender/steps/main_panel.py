# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel Twin: the steps in their order, what comes next, and how far it is."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import bpy

from bodyscan.errors import BodyscanError, InputError
from bodyscan.steps.folder import StepState, WorkFolder

from .. import task
from ..people import Person, active_person, people_of
from ..settings import preference
from ..sidebar import SidebarPanel
from .capture_kind import consent_beside, kind_of, no_consent
from .command import what_is_missing
from .export_step import exported
from .import_capture import NOBODY
from .show_results import in_scene
from .shown_results import folder_stamp, shown
from .step_run import failures, folder_of
from .step_words import Facts, StepView, is_acceptable, next_step, percent, step_views, wrapped

ICONS = {
    "absent": "RADIOBUT_OFF",
    "running": "TIME",
    "done": "CHECKMARK",
    "stale": "FILE_REFRESH",
    "failed": "ERROR",
    "lost": "ERROR",
}
PIXELS_A_LETTER = 6.6
"""Usual width of a letter in a panel at a resolution scale of 1."""
PIXELS_OF_BORDERS = 70
USUAL_WIDTH = 300
ORDER = 0
"""Of this panel in its tab; those of others come after it."""


class VIEW3D_PT_bodyscan(SidebarPanel, bpy.types.Panel):
    bl_idname = "VIEW3D_PT_bodyscan"
    bl_label = "Twin"
    bl_order = ORDER

    def draw(self, context: Any) -> None:
        layout, person = self.layout, active_person(context)
        everybody = people_of(context.scene)
        if len(everybody) > 1:
            draw_people(layout, everybody, person)
        running = task.current()
        if running is not None:
            draw_running(layout, running)
        elif missing := what_is_missing(preference(context, "command")):
            draw_missing(layout, missing, panel_width(context))
        if person is None:
            draw_import(layout, context, primary=not everybody)
            return
        draw_person(layout, context, person)


class VIEW3D_PT_bodyscan_another(SidebarPanel, bpy.types.Panel):
    """Where one person is there, the next one is imported from here."""

    bl_idname = "VIEW3D_PT_bodyscan_another"
    bl_label = "Another Person"
    bl_parent_id = "VIEW3D_PT_bodyscan"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Any) -> bool:
        return active_person(context) is not None

    def draw(self, context: Any) -> None:
        draw_import(self.layout, context, primary=False)


def draw_people(layout: Any, everybody: list[Person], chosen: Person | None) -> None:
    """One button a person; that of the chosen one is pressed."""
    column = layout.column(align=True)
    column.label(text="Person", icon="COMMUNITY")
    for person in everybody:
        is_chosen = chosen is not None and person.id == chosen.id
        button = column.operator("bodyscan.choose_person", text=person.name, depress=is_chosen)
        button.person = person.id
    if chosen is None:
        _sentence(layout, "Choose a person to work on.", width=40)


def draw_running(layout: Any, running: task.Task) -> None:
    """The bar and the button that stops it."""
    box = layout.box()
    name = f"{running.title}: {running.person_name}" if running.person_name else running.title
    box.label(text=name, icon="TIME")
    box.progress(
        factor=running.progress.share, text=f"{percent(running.progress.share)}  {running.progress.words}"
    )
    box.operator("bodyscan.cancel", text="Cancel (Esc)", icon="X")


def draw_missing(layout: Any, words: str, width: int) -> None:
    """Without the command nothing but looking at twins works: say so before anything is tried."""
    box = layout.box()
    _sentence(box, words, width, icon="ERROR", alert=True)
    box.operator("bodyscan.copy_install_command", icon="COPYDOWN")


def draw_import(layout: Any, context: Any, *, primary: bool) -> None:
    """What to import, whose consent, and the button; without a consent how to get one."""
    said = context.scene.bodyscan_steps
    width = panel_width(context)
    box = layout.box()
    box.label(text="Import", icon="IMPORT")
    row = box.row(align=True)
    row.prop(said, "capture", text="")
    row.operator("bodyscan.choose_capture", text="", icon="FILEBROWSER")
    capture = Path(bpy.path.abspath(said.capture)) if said.capture else None
    is_ready = False
    if capture is None:
        _sentence(
            box,
            "Choose a mesh, a point cloud, a depth camera's folder or recording, photos with their mesh, or "
            "a twin.",
            width,
        )
    else:
        try:
            kind = _kind(capture, _stamp(capture))
        except InputError as error:
            _sentence(box, str(error), width, alert=True)
        else:
            is_ready = kind == "twin" or _draw_scan_fields(box, said, capture, kind, width)
    if failed := failures.get((NOBODY, "scan")):
        _sentence(box, f"failed: {failed}", width, alert=True)
    row = box.row()
    row.scale_y = 1.5 if primary else 1.0
    row.enabled = is_ready and task.current() is None
    button = row.operator("bodyscan.import_capture", text="Import", icon="IMPORT")
    button.filepath, button.consent, button.photos = said.capture, said.consent, said.photos
    button.unit, button.up, button.facing = said.unit, said.up, said.facing


def _draw_scan_fields(box: Any, said: Any, capture: Path, kind: str, width: int) -> bool:
    """The fields of a scan; True where a consent is named or lies beside it."""
    box.prop(said, "consent")
    beside = consent_beside(capture)
    if not said.consent and beside is not None:
        box.label(text=f"Found: {beside.name}", icon="CHECKMARK")
    has_consent = bool(said.consent) or beside is not None
    if not has_consent:
        _sentence(box, no_consent(capture).removeprefix("Nothing was imported: "), width, alert=True)
    if capture.is_file():
        box.prop(said, "photos")
    if capture.is_file() or kind == "photos":
        column = box.column(align=True)
        for name in ("unit", "up", "facing"):
            column.prop(said, name)
    return has_consent


def draw_person(layout: Any, context: Any, person: Person) -> None:
    """The steps of a person and the one button for what comes next."""
    width = panel_width(context)
    layout.label(text=person.name, icon="OUTLINER_OB_ARMATURE")
    if person.folder is None:
        _sentence(layout, "A finished twin. Import the scan to fit and texture it here.", width)
        return
    try:
        facts = facts_of(person)
    except BodyscanError as error:
        _sentence(layout, str(error), width, alert=True)
        if person.folder.is_dir():
            layout.operator("bodyscan.show_again", text="Use What Is Left").person = person.id
        return
    views = step_views(facts)
    draw_next(layout, context, person, views)
    done = {view.step for view in views if view.state == "done"}
    is_poor = not facts.is_acceptable
    for view in views:
        draw_step(layout, context, person, view, width, can_run=NEEDS[view.step] <= done, is_poor=is_poor)
    missing = [view for view in views if view.words == "done, not in the scene"]
    if missing:
        layout.operator("bodyscan.show_again", icon="HIDE_OFF").person = person.id


def draw_next(layout: Any, context: Any, person: Person, views: list[StepView]) -> None:
    """The primary button."""
    step = next_step(views)
    row = layout.row()
    row.scale_y = 1.5
    row.enabled = task.current() is None
    if step == "scan":
        return
    if step in ("fit", "texture", "twin"):
        _make_twin(row, context, person, "Make the Twin", alone=False)
    else:
        text = "Export the Twin" if step == "export" else "Export Again"
        _export(row, context, person, text)


def draw_step(
    layout: Any,
    context: Any,
    person: Person,
    view: StepView,
    width: int,
    *,
    can_run: bool,
    is_poor: bool,
) -> None:
    """One step: what it is called, how it stands, its own button, its options, quality and warnings."""
    box = layout.box()
    row = box.row()
    row.alert = view.state in ("failed", "lost")
    row.label(text=view.title, icon=ICONS[view.state])
    button = row.row()
    button.enabled = can_run and task.current() is None
    _draw_button(button, context, person, view)
    if view.state == "running":
        box.progress(factor=view.share, text=view.words)
        return
    _sentence(box, view.words, width, alert=view.state in ("failed", "lost"))
    for line in view.lines:
        _sentence(box, line, width)
    for warning in view.warnings:
        _sentence(box, warning, width, icon="ERROR")
    said = context.scene.bodyscan_steps
    for name in OPTIONS.get(view.step, ()):
        if name != "accept_quality" or said.accept_quality or is_poor:
            box.prop(said, name)


NEEDS: dict[str, set[str]] = {
    "scan": set(),
    "fit": {"scan"},
    "texture": {"fit"},
    "twin": {"fit"},
    "export": {"twin"},
}
"""Step -> the steps that must be done before it can be run alone."""
OPTIONS = {
    "texture": ("size", "surface"),
    "twin": ("pose", "controller_key", "accept_quality"),
    "export": ("target", "profile"),
}
"""Step -> what of the settings its box shows."""


def _draw_button(row: Any, context: Any, person: Person, view: StepView) -> None:
    text = "Again" if view.state in ("done", "stale", "failed", "lost") else "Run"
    said = context.scene.bodyscan_steps
    match view.step:
        case "fit":
            row.operator("bodyscan.fit", text=text).person = person.id
        case "texture":
            button = row.operator("bodyscan.texture", text=text)
            button.person, button.size, button.surface = person.id, said.size, said.surface
        case "twin":
            _make_twin(row, context, person, text, alone=True)
        case "export":
            _export(row, context, person, text)


def _make_twin(row: Any, context: Any, person: Person, text: str, *, alone: bool) -> None:
    said = context.scene.bodyscan_steps
    button = row.operator("bodyscan.make_twin", text=text)
    button.person, button.alone = person.id, alone
    button.controller_key, button.pose, button.surface = said.controller_key, said.pose, said.surface
    button.size, button.accept_quality = said.size, said.accept_quality


def _export(row: Any, context: Any, person: Person, text: str) -> None:
    button = row.operator("bodyscan.choose_export", text=text, icon="EXPORT")
    said = context.scene.bodyscan_steps
    button.person, button.profile, button.target = person.id, said.profile, said.target
    button.controller_key = said.controller_key


@lru_cache(maxsize=8)
def _kind(capture: Path, stamp: tuple[int, int]) -> str:
    """Look into a file once, not at every redraw, until it changes."""
    return kind_of(capture)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        told = path.stat()
    except OSError:
        return (0, 0)
    return (told.st_mtime_ns, told.st_size)


_read: dict[Path, tuple[tuple[int, ...], dict[str, StepState]]] = {}


def states_of(person: Person) -> dict[str, StepState]:
    """Return the folder's states, read anew only where they have changed. Raises `InputError`."""
    path = folder_of(person)
    stamp = folder_stamp(path)
    held = _read.get(path)
    if held is None or held[0] != stamp or not stamp:
        _read.pop(path, None)
        held = (stamp, WorkFolder(path).state())
        _read[path] = held
    return held[1]


def facts_of(person: Person) -> Facts:
    """Return what is known of a person's steps. Raises `InputError` for a folder that is gone or damaged."""
    states, running = states_of(person), task.current()
    is_running = running is not None and running.person_id == person.id
    path, is_current = exported(person)
    current = {step: state.result for step, state in states.items() if state.result}
    return Facts(
        states=states,
        failures={step: words for (whose, step), words in failures.items() if whose == person.id},
        in_scene=in_scene(person),
        # While steps run, the folder is ahead of the scene.
        lost=[] if is_running else [s for s, name in shown(person).items() if current.get(s) != name],
        running=running.progress.step if is_running and running is not None else "",
        share=running.progress.share if running is not None else 0.0,
        running_words=running.progress.words if running is not None else "",
        is_acceptable=is_acceptable(states),
        exported=path,
        is_exported_current=is_current,
    )


def panel_width(context: Any) -> int:
    """Return how many letters a line of the panel holds."""
    width = context.region.width if context.region is not None else USUAL_WIDTH
    scale = context.preferences.system.ui_scale or 1.0  # 0 where there is no window
    return max(20, int((width / scale - PIXELS_OF_BORDERS) / PIXELS_A_LETTER))


def _sentence(layout: Any, text: str, width: int, *, icon: str = "NONE", alert: bool = False) -> None:
    """A sentence as lines, close together; the icon stands before the first."""
    column = layout.column(align=True)
    column.alert = alert
    column.scale_y = 0.8
    for number, line in enumerate(wrapped(text, width)):
        blank = "BLANK1" if icon != "NONE" else "NONE"
        column.label(text=line, icon=icon if number == 0 else blank)


CLASSES = (VIEW3D_PT_bodyscan, VIEW3D_PT_bodyscan_another)


def register() -> None:
    for item in CLASSES:
        bpy.utils.register_class(item)


def unregister() -> None:
    _read.clear()
    for item in reversed(CLASSES):
        bpy.utils.unregister_class(item)
