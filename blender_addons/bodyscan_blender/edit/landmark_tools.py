# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done with landmarks: show, add, select, put back; and their list."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from bodyscan.body.asset import load_body_model
from bodyscan.errors import BodyscanError, InputError

from ..axes import world_from_blender
from ..people import Person, active_person, person_of
from . import landmarks
from .edit_tool import EditTool
from .fit_state import has_fit, scan_of, work_folder
from .landmark_gaps import body_points, gap_mm, outside_mm
from .landmark_looks import WORDS
from .landmark_words import FACE_LANDMARKS, LANDMARK_NAMES, confidence_words, mirrored, part_of, words_of

STATE_ICONS = {
    "sure": "CHECKMARK",
    "unsure": "QUESTION",
    "moved": "ORIENTATION_LOCAL",
    "added": "ADD",
    "ignored": "HIDE_ON",
}
OUTSIDE_MM = 2.0
"""A joint that lies farther outside of the scan is told."""
_add_items: list[tuple[str, str, str]] = []


class BODYSCAN_OT_landmarks_show(EditTool, bpy.types.Operator):
    bl_idname = "bodyscan.landmarks_show"
    bl_label = "Show Landmarks"
    bl_description = "Show the points of the body that were found on the scan, to be dragged to their place"

    face: bpy.props.BoolProperty(
        name="With the face", description="The 478 points of the face as well", default=False
    )

    def change(self, context: Any, person: Person) -> str:
        scan = scan_of(person)
        result = work_folder(person).state()["scan"].result
        made = landmarks.show_landmarks(
            person, scan.landmarks, load_body_model(), face=self.face, scan=result
        )
        holder = landmarks.person_landmarks(person)
        if holder is not None:
            holder.hide_viewport = False
        for part, collection in landmarks.part_collections(person):
            if part == "Face":
                collection.hide_viewport = not self.face
        if scan.landmarks is None:
            return "No landmark was found on this scan. Add those that you see."
        return f"{made} landmarks were added to the scene." if made else ""


class BODYSCAN_OT_landmark_restore(EditTool, bpy.types.Operator):
    bl_idname = "bodyscan.landmark_restore"
    bl_label = "Put Back"
    bl_description = "Move landmarks to where they were found; those that were added by hand are deleted"

    all: bpy.props.BoolProperty(
        name="All", description="All of the person's, not just the selected", default=False
    )

    @classmethod
    def ready(cls, context: Any, person: Person) -> str:
        is_changed = bool(landmarks.moved(person) or landmarks.ignored(person))
        return "" if is_changed else "No landmark was moved, added or ignored"

    def change(self, context: Any, person: Person) -> str:
        items = list(landmarks.by_name(person).values())
        if not self.all:
            items = [item for item in items if item.select_get()]
        if not items:
            raise InputError("No landmark is selected. Select one, or put all back.")
        count = landmarks.put_back(person, items)
        return f"Put back: {count}."


class BODYSCAN_OT_landmark_ignore(EditTool, bpy.types.Operator):
    bl_idname = "bodyscan.landmark_ignore"
    bl_label = "Ignore"
    bl_description = "Let the fit not look at the selected landmarks, or look at them again"

    @classmethod
    def ready(cls, context: Any, person: Person) -> str:
        return "" if any(item.select_get() for item in person.objects("landmark")) else "Select a landmark"

    def change(self, context: Any, person: Person) -> str:
        items = [item for item in landmarks.by_name(person).values() if item.select_get()]
        wanted = not all(landmarks.state_of(item) == "ignored" for item in items)
        count = landmarks.ignore(items, wanted)
        return f"{'Ignored' if wanted else 'Looked at again'}: {count}."


class BODYSCAN_OT_landmark_select(EditTool, bpy.types.Operator):
    bl_idname = "bodyscan.landmark_select"
    bl_label = "Select Landmark"
    bl_description = "Select one landmark, ready to be dragged (G)"

    name: bpy.props.StringProperty(name="Landmark")
    extend: bpy.props.BoolProperty(name="Extend", description="Keep what is selected", default=False)

    def change(self, context: Any, person: Person) -> str:
        item = landmarks.by_name(person).get(self.name)
        if item is None:
            raise InputError(f"There is no landmark '{self.name}' in the scene; show or add it first.")
        _select(context, item, extend=self.extend)
        return ""


class BODYSCAN_OT_landmark_counterpart(EditTool, bpy.types.Operator):
    bl_idname = "bodyscan.landmark_counterpart"
    bl_label = "Other Side"
    bl_description = "Select the same landmark on the other side of the body"

    extend: bpy.props.BoolProperty(name="Extend", description="Keep what is selected", default=False)

    @classmethod
    def ready(cls, context: Any, person: Person) -> str:
        item = context.active_object
        return "" if item is not None and landmarks.NAME in item else "Select a landmark first"

    def change(self, context: Any, person: Person) -> str:
        name = context.active_object[landmarks.NAME]
        other = mirrored(name)
        if other is None:
            raise InputError(f"{words_of(name)} has no counterpart on the other side.")
        found = landmarks.by_name(person).get(other)
        if found is None:
            raise InputError(f"{words_of(other)} is not in the scene. Add it first.")
        _select(context, found, extend=self.extend)
        return ""


def _missing(_: Any, context: Any) -> list[tuple[str, str, str]]:
    """Landmarks that the scene has not; the points of the face only where it has some of them."""
    person = active_person(context) if context is not None else None
    there = set(landmarks.by_name(person)) if person is not None else set()
    face = any(name in FACE_LANDMARKS for name in there)
    _add_items[:] = [
        (name, words_of(name), part_of(name))
        for name in LANDMARK_NAMES
        if name not in there and (face or name not in FACE_LANDMARKS)
    ]
    return _add_items


class BODYSCAN_OT_landmark_add(EditTool, bpy.types.Operator):
    bl_idname = "bodyscan.landmark_add"
    bl_label = "Add a Landmark"
    bl_description = "Add a point that was not found; it starts where the fit has it, or mirrored"
    bl_property = "name"

    name: bpy.props.EnumProperty(name="Landmark", items=_missing)

    def invoke(self, context: Any, event: Any) -> set[str]:
        if bpy.app.background:
            return self.execute(context)
        context.window_manager.invoke_search_popup(self)
        return {"FINISHED"}

    def change(self, context: Any, person: Person) -> str:
        if not self.name:
            raise InputError("Every landmark is in the scene already.")
        model = load_body_model()
        item = landmarks.make_landmark(person, self.name, _first_place(person, self.name), model)
        context.view_layer.update()
        _select(context, item, extend=False)
        return ""


def _first_place(person: Person, name: str) -> np.ndarray:
    """Where a landmark that was not found begins: on the fit, else mirrored, else amid the scan."""
    if has_fit(person):
        place = body_points(person).get(name)
        if place is not None:
            return place
    other = mirrored(name)
    item = landmarks.by_name(person).get(other) if other is not None else None
    if item is not None:
        return world_from_blender(np.array(item.location, dtype=np.float64)) * [-1.0, 1.0, 1.0]
    vertices = scan_of(person).mesh.vertices
    return (vertices.min(axis=0) + vertices.max(axis=0)) / 2


def _select(context: Any, item: Any, *, extend: bool) -> None:
    """Select an object and make it active. Raises `InputError` for one that is hidden."""
    if item.name not in context.view_layer.objects:
        raise InputError(f"{item.name} is not in this view layer; show its collection first.")
    if not item.visible_get():
        raise InputError(f"{item.name} is hidden; show the landmarks of that part first.")
    if context.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    if not extend:
        for other in context.view_layer.objects:
            other.select_set(False)
    item.select_set(True)
    context.view_layer.objects.active = item


class BODYSCAN_UL_landmarks(bpy.types.UIList):
    """The landmarks of a person, in words, with what is known of each."""

    def draw_item(
        self,
        context: Any,
        layout: Any,
        data: Any,
        item: Any,
        icon: int,
        active_data: Any,
        active_property: str,
        index: int = 0,
        flag: int = 0,
    ) -> None:
        row = layout.row(align=True)
        row.label(text=words_of(item[landmarks.NAME]), icon=STATE_ICONS[landmarks.state_of(item)])
        end = row.row()
        end.alignment = "RIGHT"
        end.label(text=row_words(item))

    def filter_items(self, context: Any, data: Any, property_name: str) -> tuple[list[int], list[int]]:
        items = list(getattr(data, property_name))
        wanted = self.filter_name.casefold()
        flags = [
            self.bitflag_filter_item
            if isinstance(item.get(landmarks.NAME), str)
            and wanted in words_of(item[landmarks.NAME]).casefold()
            and item.visible_get()
            else 0
            for item in items
        ]
        return flags, list_order([item.get(landmarks.NAME) for item in items])


def list_order(names: list[Any]) -> list[int]:
    """Place of each name in the list: by part of the body as a person reads it down."""
    place = {name: k for k, name in enumerate(LANDMARK_NAMES)}
    order = sorted(range(len(names)), key=lambda k: place.get(names[k], len(place)))
    places = [0] * len(names)
    for rank, k in enumerate(order):
        places[k] = rank
    return places


def row_words(item: Any) -> str:
    """What a row of the list says at its end."""
    state = landmarks.state_of(item)
    if state not in ("sure", "unsure"):
        return WORDS[state]
    return f"{100 * item.get(landmarks.CONFIDENCE, 0.0):.0f} %"


def landmark_words(item: Any) -> list[str]:
    """Sentences on one landmark: what it is, how sure, and how far the fit is from it."""
    person = person_of(item)
    state = landmarks.state_of(item)
    words = [words_of(item[landmarks.NAME])]
    if state in ("sure", "unsure"):
        words.append(f"Found, {confidence_words(item.get(landmarks.CONFIDENCE, 0.0))}")
    else:
        words.append(WORDS[state].capitalize())
    if state == "moved":
        distance = 1e3 * float(np.linalg.norm(np.subtract(item.location, item[landmarks.FOUND])))
        words.append(f"{distance:.0f} mm from where it was found")
    if person is not None and (out := outside_mm(person, item)) > OUTSIDE_MM:
        words.append(f"{out:.0f} mm outside of the scan")
    if person is not None and has_fit(person):
        try:
            gap = gap_mm(person, item)
        except BodyscanError as error:
            return [*words, str(error)]
        if gap is not None:
            words.append(f"{gap:.0f} mm from the fit's own")
    return words


class BodyscanLandmarks(bpy.types.PropertyGroup):
    """How a person's landmarks are shown."""

    def _resize(self, context: Any) -> None:
        landmarks.resize(Person(self.id_data), self.size)

    def _pick(self, context: Any) -> None:
        holder = landmarks.person_landmarks(Person(self.id_data))
        items: Any = holder.all_objects if holder is not None else ()
        if 0 <= self.index < len(items) and items[self.index].visible_get():
            bpy.ops.bodyscan.landmark_select(name=items[self.index][landmarks.NAME])

    index: bpy.props.IntProperty(name="Landmark", update=_pick, options={"SKIP_SAVE"})
    size: bpy.props.FloatProperty(
        name="Size", description="Times their usual size", default=1.0, min=0.1, max=10.0, update=_resize
    )


CLASSES = (
    BODYSCAN_OT_landmarks_show,
    BODYSCAN_OT_landmark_restore,
    BODYSCAN_OT_landmark_ignore,
    BODYSCAN_OT_landmark_select,
    BODYSCAN_OT_landmark_counterpart,
    BODYSCAN_OT_landmark_add,
    BODYSCAN_UL_landmarks,
    BodyscanLandmarks,
)


def register() -> None:
    for item in CLASSES:
        bpy.utils.register_class(item)
    bpy.types.Collection.bodyscan_landmarks = bpy.props.PointerProperty(type=BodyscanLandmarks)


def unregister() -> None:
    del bpy.types.Collection.bodyscan_landmarks
    for item in reversed(CLASSES):
        bpy.utils.unregister_class(item)
