# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The buttons of the rig: IK on and off for a limb or all, and away."""

from __future__ import annotations

from typing import Any

import bpy

from bodyscan.errors import InputError

from ..people import Person
from . import ik
from .armature import is_tidy
from .pose_bones import rotation_path
from .poses import PoseOperator, follows_rigify, posable, tidy, twin_and_armature

LIMB_ITEMS = [
    ("left_arm", "Left Arm", "The person's left arm"),
    ("right_arm", "Right Arm", "The person's right arm"),
    ("left_leg", "Left Leg", "The person's left leg"),
    ("right_leg", "Right Leg", "The person's right leg"),
]


class SwitchIK(PoseOperator, bpy.types.Operator):
    """Let hands or feet lead the limb, or pose it bone by bone again; what you see does not move"""

    bl_idname = "bodyscan.switch_ik"
    bl_label = "Switch IK"

    limbs: bpy.props.EnumProperty(
        name="Limbs", items=LIMB_ITEMS, options={"ENUM_FLAG"}, default={name for name, _, _ in LIMB_ITEMS}
    )
    on: bpy.props.BoolProperty(name="IK", description="On: IK. Off: bone by bone", default=True)

    def change(self, context: Any, person: Person) -> str:
        _, armature = twin_and_armature(person)
        if follows_rigify(armature):
            raise InputError("This twin follows a Rigify rig, which has its own IK.")
        if not is_tidy(armature):
            raise InputError("Another importer laid out these bones; press Tidy Bones first.")
        limbs = [limb for limb in ik.LIMBS if limb in self.limbs]
        if not limbs:
            raise InputError("No limb was chosen; choose an arm or a leg.")
        for limb in limbs:
            ik.limb_bones(armature, limb)  # all of them, before one is changed
        for limb in limbs:
            ik.switch_ik(context, armature, limb, self.on)
            if context.scene.tool_settings.use_keyframe_insert_auto and ik.has_ik(armature, limb):
                _key(context, armature, limb)
        return ""


def _key(context: Any, armature: Any, limb: str) -> None:
    """Key the switch and both ways of posing, so that playing over it shows no jump either."""
    frame = context.scene.frame_current
    armature.keyframe_insert(f'["{ik.PROPERTY}{limb}"]', frame=frame)
    names = ik.LIMBS[limb]
    for name in (*ik.limb_bones(armature, limb), names.control, *names.twist):
        bone = armature.pose.bones[name]
        bone.keyframe_insert(rotation_path(bone), frame=frame)
    for name in (names.control, names.pole):
        armature.pose.bones[name].keyframe_insert("location", frame=frame)


class TidyBones(PoseOperator, bpy.types.Operator):
    """Lay out bones that another importer brought: along the limbs, bending about X, with rings to hold"""

    bl_idname = "bodyscan.tidy_bones"
    bl_label = "Tidy Bones"

    def change(self, context: Any, person: Person) -> str:
        tidy(context, person)
        return ""


class RemoveIK(PoseOperator, bpy.types.Operator):
    """Remove all IK of this twin: its controls and hidden bones go, the pose stays"""

    bl_idname = "bodyscan.remove_ik"
    bl_label = "Remove IK"

    @classmethod
    def poll(cls, context: Any) -> bool:
        person = posable(cls, context)
        if person is None:
            return False
        if not any(ik.has_ik(person.object("armature"), limb) for limb in ik.LIMBS):
            cls.poll_message_set("This twin has no IK.")
            return False
        return True

    def change(self, context: Any, person: Person) -> str:
        ik.remove_ik(context, twin_and_armature(person)[1])
        return ""


CLASSES = (SwitchIK, RemoveIK, TidyBones)


register, unregister = bpy.utils.register_classes_factory(CLASSES)
