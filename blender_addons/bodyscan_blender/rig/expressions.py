# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A twin's face shapes: presets, reset, mirror, keyframes, and sliders that move both sides at once.

The sliders of the panel are the shape keys' own values: what Blender does with those (keys, drivers, undo)
works. Where left and right are linked, a slider stands for a pair and writes both.
"""

from __future__ import annotations

from typing import Any

import bpy

from bodyscan.errors import InputError

from ..operator_base import PersonOperator
from ..people import Person, active_person
from .expression_words import base_name, mirrored, preset_weights, presets

LINK = "bodyscan_face"
"""Name of the property group of an object."""
ARKIT_PAIRS = [
    "browDown",
    "browOuterUp",
    "cheekSquint",
    "eyeBlink",
    "eyeLookDown",
    "eyeLookIn",
    "eyeLookOut",
    "eyeLookUp",
    "eyeSquint",
    "eyeWide",
    "mouthDimple",
    "mouthFrown",
    "mouthLowerDown",
    "mouthPress",
    "mouthSmile",
    "mouthStretch",
    "mouthUpperUp",
    "noseSneer",
]
"""ARKit's shapes that there are of both sides, without the side."""


def shapes_of(item: Any) -> dict[str, Any]:
    """Name -> shape key of a mesh object, without the basis; empty where it has none."""
    keys = item.data.shape_keys if item is not None and item.type == "MESH" else None
    return {} if keys is None else {key.name: key for key in keys.key_blocks if key != keys.reference_key}


def face_of(person: Person) -> dict[str, Any]:
    """The face shapes of a person's twin. Raises `InputError` where there are none."""
    shapes = shapes_of(person.object("twin"))
    if not shapes:
        raise InputError(
            f"The twin of {person.name} has no face shapes: it keeps the scan's own surface, or the file was "
            "written without them."
        )
    return shapes


def show_preset(person: Person, name: str, strength: float = 1.0, *, add: bool = False) -> None:
    """Show an expression at a strength, 0 to 1; `add` keeps what the face does already.

    Raises `InputError` for an unknown expression, and where the twin lacks one of its shapes.
    """
    shapes = face_of(person)
    weights = preset_weights(name, strength, list(shapes))
    if not add:
        reset(person)
    for shape, weight in weights.items():
        shapes[shape].value = min(1.0, shapes[shape].value + weight) if add else weight


def reset(person: Person) -> None:
    """Bring the face to rest."""
    for key in face_of(person).values():
        key.value = 0.0


def mirror(person: Person) -> None:
    """Show the mirror image of what the face does."""
    shapes = face_of(person)
    values = {name: key.value for name, key in shapes.items()}
    for name, key in shapes.items():
        other = mirrored(name)
        if other in values:
            key.value = values[other]


def key_face(person: Person, frame: int, *, everything: bool = False) -> int:
    """Key the face's shapes at a frame: those that are in use or keyed already, or all; return how many."""
    shapes = face_of(person)
    twin: Any = person.object("twin")
    animated = _keyed(twin.data.shape_keys)
    chosen = [key for name, key in shapes.items() if everything or key.value or name in animated]
    for key in chosen:
        key.keyframe_insert("value", frame=frame)
    return len(chosen)


def _keyed(keys: Any) -> set[str]:
    """Names of shape keys that have keyframes."""
    if keys.animation_data is None or keys.animation_data.action is None:
        return set()
    paths = {curve.data_path for curve in _curves(keys.animation_data)}
    return {key.name for key in keys.key_blocks if key.path_from_id("value") in paths}


def _curves(animation: Any) -> Any:
    """Curves of an action, in the slots that Blender 4.4 brought or as they were before."""
    action = animation.action
    if not hasattr(action, "layers"):
        return action.fcurves
    bags = [
        bag
        for layer in action.layers
        for strip in layer.strips
        for bag in strip.channelbags
        if bag.slot == animation.action_slot
    ]
    return [curve for bag in bags for curve in bag.fcurves]


def _pair_value(base: str) -> Any:
    """A slider that shows and writes both sides of a pair of shapes."""

    def both(link: Any) -> list[Any]:
        sides = (f"{base}Left", f"{base}Right")
        return [key for name, key in shapes_of(link.id_data).items() if base_name(name) in sides]

    def get(link: Any) -> float:
        values = [key.value for key in both(link)]
        return sum(values) / len(values) if values else 0.0

    def put(link: Any, value: float) -> None:
        for key in both(link):
            key.value = value

    return bpy.props.FloatProperty(
        name=base,
        description="Left and right side together",
        min=0.0,
        max=1.0,
        subtype="FACTOR",
        get=get,
        set=put,
        options=set(),
    )


class FaceLink(bpy.types.PropertyGroup):
    """One slider for each pair of ARKit's shapes; it stores nothing."""

    __annotations__ = {base: _pair_value(base) for base in ARKIT_PAIRS}


class FaceSettings(bpy.types.PropertyGroup):
    """How the panel shows the face."""

    search: bpy.props.StringProperty(
        name="Search", description="Show only shapes whose name holds this", options={"TEXTEDIT_UPDATE"}
    )
    link: bpy.props.BoolProperty(
        name="Link Left and Right", description="One slider moves both sides of the face", default=True
    )


def _posable(cls: Any, context: Any) -> bool:
    person = active_person(context)
    if person is None or not shapes_of(person.object("twin")):
        cls.poll_message_set("Select a person whose twin has face shapes.")
        return False
    return True


class _FaceOperator(PersonOperator):
    @classmethod
    def poll(cls, context: Any) -> bool:
        return _posable(cls, context)


class ShowExpression(_FaceOperator, bpy.types.Operator):
    """Show an expression"""

    bl_idname = "bodyscan.expression"
    bl_label = "Expression"

    expression: bpy.props.EnumProperty(
        name="Expression", items=[(name, words, "") for name, (words, _) in presets().items()]
    )
    strength: bpy.props.FloatProperty(name="Strength", default=1.0, min=0.0, max=1.0, subtype="FACTOR")
    add: bpy.props.BoolProperty(
        name="Add", description="Keep what the face does already", default=False, options={"SKIP_SAVE"}
    )

    def change(self, context: Any, person: Person) -> str:
        show_preset(person, self.expression, self.strength, add=self.add)
        return ""


class ResetFace(_FaceOperator, bpy.types.Operator):
    """Bring all face shapes to 0"""

    bl_idname = "bodyscan.reset_face"
    bl_label = "Reset Face"

    def change(self, context: Any, person: Person) -> str:
        reset(person)
        return ""


class MirrorFace(_FaceOperator, bpy.types.Operator):
    """Swap the left and the right side of the face"""

    bl_idname = "bodyscan.mirror_face"
    bl_label = "Mirror Face"

    def change(self, context: Any, person: Person) -> str:
        mirror(person)
        return ""


class KeyFace(_FaceOperator, bpy.types.Operator):
    """Insert keyframes at the current frame for the shapes in use and those keyed before"""

    bl_idname = "bodyscan.key_face"
    bl_label = "Key Face"

    everything: bpy.props.BoolProperty(
        name="All Shapes", description="Also those that rest", default=False, options={"SKIP_SAVE"}
    )

    def change(self, context: Any, person: Person) -> str:
        count = key_face(person, context.scene.frame_current, everything=self.everything)
        if not count:
            raise InputError(
                "The face is at rest and nothing of it is keyed; choose All Shapes to key it so."
            )
        return f"{count} face shapes keyed at frame {context.scene.frame_current}."


CLASSES = (FaceLink, FaceSettings, ShowExpression, ResetFace, MirrorFace, KeyFace)


def register() -> None:
    for item in CLASSES:
        bpy.utils.register_class(item)
    setattr(bpy.types.Object, LINK, bpy.props.PointerProperty(type=FaceLink))
    bpy.types.WindowManager.bodyscan_face = bpy.props.PointerProperty(type=FaceSettings)


def unregister() -> None:
    del bpy.types.WindowManager.bodyscan_face
    delattr(bpy.types.Object, LINK)
    for item in reversed(CLASSES):
        bpy.utils.unregister_class(item)
