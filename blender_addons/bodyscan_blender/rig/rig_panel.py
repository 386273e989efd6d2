# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel Rig: poses, IK, which bones are shown, cloth and Rigify."""

from __future__ import annotations

from typing import Any

import bpy

from ..people import active_person, chosen_person
from ..sidebar import SidebarPanel
from . import ik
from .armature import is_tidy
from .cloth import shirt_of
from .pose_solver import library
from .poses import follows_rigify, twin_and_armature
from .rig_operators import LIMB_ITEMS
from .rigify import rigify_object

ORDER = 30
"""In the tab, behind consent and before the face."""
CLOSED = {"DEFAULT_CLOSED"}
COLUMNS = 2


def rig_problem(context: Any) -> str:
    """Why there is no rig to pose, in one sentence; empty where there is one."""
    person = active_person(context)
    if person is None:
        return "Import a twin, or select a person."
    if person.object("twin") is None:
        return f"{person.name} has no twin yet."
    return "" if person.object("armature") is not None else f"The skeleton of {person.name} is gone."


def limb_words(armature: Any, limb: str) -> str:
    """What drives a limb, for the switch's tip and label."""
    return "IK" if ik.ik_share(armature, limb) > 0.5 else "FK"


class RigSettings(bpy.types.PropertyGroup):
    """How the panel poses."""

    strength: bpy.props.FloatProperty(
        name="Strength",
        description="How far the next pose is taken, from what is seen now",
        default=1.0,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )


class BODYSCAN_PT_rig(SidebarPanel, bpy.types.Panel):
    bl_idname = "BODYSCAN_PT_rig"
    bl_label = "Rig"
    bl_order = ORDER
    bl_options = CLOSED

    def draw(self, context: Any) -> None:
        layout = self.layout
        if problem := rig_problem(context):
            layout.label(text=problem)
            layout.operator("bodyscan.import_twin", icon="IMPORT")
            return
        if follows_rigify(twin_and_armature(chosen_person(context))[1]):
            layout.label(text="The twin follows its Rigify rig: pose that.", icon="INFO")
            return
        if not is_tidy(twin_and_armature(chosen_person(context))[1]):
            layout.label(text="Another importer laid out these bones.", icon="INFO")
            layout.operator("bodyscan.tidy_bones", icon="BONE_DATA")
        settings = context.window_manager.bodyscan_rig
        grid = layout.grid_flow(columns=COLUMNS, even_columns=True, align=True)
        for name, said in library().items():
            button = grid.operator("bodyscan.pose", text=said["label"])
            button.pose, button.strength = name, settings.strength
        layout.prop(settings, "strength", slider=True)
        layout.operator("bodyscan.put_on_floor", icon="ALIGN_BOTTOM")


class _Part(SidebarPanel):
    bl_parent_id = "BODYSCAN_PT_rig"

    @classmethod
    def poll(cls, context: Any) -> bool:
        return not rig_problem(context)


class BODYSCAN_PT_rig_ik(_Part, bpy.types.Panel):
    bl_idname = "BODYSCAN_PT_rig_ik"
    bl_label = "Hands and Feet Lead (IK)"
    bl_order = 0

    def draw(self, context: Any) -> None:
        layout = self.layout
        _, armature = twin_and_armature(chosen_person(context))
        if follows_rigify(armature):
            layout.label(text="Rigify has its own.")
            return
        for limb, words, _ in LIMB_ITEMS:
            row = layout.row(align=True)
            row.label(text=words)
            for on, text in ((False, "FK"), (True, "IK")):
                button = row.operator(
                    "bodyscan.switch_ik", text=text, depress=limb_words(armature, limb) == text
                )
                button.limbs, button.on = {limb}, on
            if ik.has_ik(armature, limb):
                row.prop(armature, f'["{ik.PROPERTY}{limb}"]', text="", slider=True)
        layout.operator("bodyscan.remove_ik", icon="X")


class BODYSCAN_PT_rig_bones(_Part, bpy.types.Panel):
    bl_idname = "BODYSCAN_PT_rig_bones"
    bl_label = "Show Bones"
    bl_order = 1
    bl_options = CLOSED

    def draw(self, context: Any) -> None:
        _, armature = twin_and_armature(chosen_person(context))
        grid = self.layout.grid_flow(columns=COLUMNS, even_columns=True, align=True)
        for collection in armature.data.collections:
            if collection.name != ik.MECHANISM:
                grid.prop(collection, "is_visible", text=collection.name, toggle=True)
        self.layout.prop(armature, "show_in_front", text="In Front of the Skin")
        self.layout.prop(armature.data, "show_bone_custom_shapes", text="Rings around the Limbs")


class BODYSCAN_PT_rig_cloth(_Part, bpy.types.Panel):
    bl_idname = "BODYSCAN_PT_rig_cloth"
    bl_label = "Cloth"
    bl_order = 2
    bl_options = CLOSED

    def draw(self, context: Any) -> None:
        layout, person = self.layout, chosen_person(context)
        if person.object("collision") is None:
            layout.label(text="No collision body beside this twin.")
        if shirt_of(person) is None:
            layout.operator("bodyscan.put_on_shirt", icon="MOD_CLOTH")
            return
        layout.operator("bodyscan.drape", icon="MOD_PHYSICS")
        layout.operator("bodyscan.take_off_shirt", icon="X")


class BODYSCAN_PT_rig_rigify(_Part, bpy.types.Panel):
    bl_idname = "BODYSCAN_PT_rig_rigify"
    bl_label = "Rigify"
    bl_order = 3
    bl_options = CLOSED

    def draw(self, context: Any) -> None:
        layout, person = self.layout, chosen_person(context)
        layout.operator("bodyscan.add_metarig", icon="ARMATURE_DATA")
        if rigify_object(person, "metarig") is not None:
            layout.operator("bodyscan.generate_rig", icon="MOD_ARMATURE")
            layout.operator("bodyscan.remove_rigify", icon="X")


CLASSES = (
    RigSettings,
    BODYSCAN_PT_rig,
    BODYSCAN_PT_rig_ik,
    BODYSCAN_PT_rig_bones,
    BODYSCAN_PT_rig_cloth,
    BODYSCAN_PT_rig_rigify,
)


def register() -> None:
    for item in CLASSES:
        bpy.utils.register_class(item)
    bpy.types.WindowManager.bodyscan_rig = bpy.props.PointerProperty(type=RigSettings)


def unregister() -> None:
    del bpy.types.WindowManager.bodyscan_rig
    for item in reversed(CLASSES):
        bpy.utils.unregister_class(item)
