# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sliders for the pose of the fitted body: degrees from the pose that was fitted, a move a slider."""

from __future__ import annotations

import math
from typing import Any

import bpy

from bodyscan.errors import BodyscanError, InputError

from ..people import Person
from .edit_tool import EditTool
from .fit_state import adjustments
from .pose_moves import MOVES, move_named
from .slider_state import change, reset

PARTS = tuple(dict.fromkeys(move.part for move in MOVES))
"""What the sliders are grouped by, in words."""


def set_move(person: Person, name: str, degrees: float) -> None:
    """Turn one move to so many degrees from the fit. Raises `InputError` where the surface cannot follow."""
    move = move_named(name)
    _, moves = adjustments(person)
    change(person, moves={**moves, name: min(max(degrees, move.low_deg), move.high_deg)})


def set_moves(person: Person, degrees: dict[str, float]) -> None:
    """Set several moves at once. Raises `InputError` for a name that is none, and as `set_move`."""
    known = {move.name for move in MOVES}
    unknown = sorted(set(degrees) - known)
    if unknown:
        raise InputError(f"There is no move {', '.join(unknown)}. There are: {', '.join(sorted(known))}.")
    _, moves = adjustments(person)
    change(person, moves={**moves, **degrees})


def _property(index: int) -> Any:
    move = MOVES[index]

    def get(self: Any) -> float:
        return math.radians(adjustments(Person(self.id_data))[1].get(move.name, 0.0))

    def put(self: Any, value: float) -> None:
        try:
            set_move(Person(self.id_data), move.name, math.degrees(value))
        except BodyscanError as error:
            print(f"bodyscan: {error}")  # a property cannot report; the panel says it in words

    return bpy.props.FloatProperty(
        name=move.words,
        description=f"{move.part}: {move.words[0].lower()}{move.words[1:]}, from the pose that was fitted",
        get=get,
        set=put,
        min=math.radians(move.low_deg),
        max=math.radians(move.high_deg),
        subtype="ANGLE",
        step=100,
        precision=1,
    )


BodyscanPose = type(
    "BodyscanPose",
    (bpy.types.PropertyGroup,),
    {
        "__doc__": "The sliders of a person's pose.",
        "__annotations__": {move.name: _property(index) for index, move in enumerate(MOVES)},
        "__module__": __name__,
    },
)


class BODYSCAN_OT_pose_mirror(EditTool, bpy.types.Operator):
    bl_idname = "bodyscan.pose_mirror"
    bl_label = "Mirror"
    bl_description = "Give one arm and leg the moves of the other"
    needs_fit = True

    source: bpy.props.EnumProperty(
        name="From",
        items=[("left", "Left to right", ""), ("right", "Right to left", "")],
        default="left",
    )

    @classmethod
    def ready(cls, context: Any, person: Person) -> str:
        return _why_as_fitted(person)

    def change(self, context: Any, person: Person) -> str:
        other = "right" if self.source == "left" else "left"
        _, moves = adjustments(person)
        wanted = {
            f"{other}{move.name.removeprefix(self.source)}": moves.get(move.name, 0.0)
            for move in MOVES
            if move.name.startswith(f"{self.source}_")
        }
        set_moves(person, wanted)
        return ""


class BODYSCAN_OT_pose_reset(EditTool, bpy.types.Operator):
    bl_idname = "bodyscan.pose_reset"
    bl_label = "As Fitted"
    bl_description = "Take back what the sliders changed in the pose"
    needs_fit = True

    @classmethod
    def ready(cls, context: Any, person: Person) -> str:
        return _why_as_fitted(person)

    def change(self, context: Any, person: Person) -> str:
        reset(person, shape=False)
        return ""


def _why_as_fitted(person: Person) -> str:
    return "" if adjustments(person)[1] else "The pose is as it was fitted"


CLASSES = (BodyscanPose, BODYSCAN_OT_pose_mirror, BODYSCAN_OT_pose_reset)


def register() -> None:
    for item in CLASSES:
        bpy.utils.register_class(item)
    bpy.types.Collection.bodyscan_pose = bpy.props.PointerProperty(type=BodyscanPose)


def unregister() -> None:
    del bpy.types.Collection.bodyscan_pose
    for item in reversed(CLASSES):
        bpy.utils.unregister_class(item)
