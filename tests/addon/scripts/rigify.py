"""Rigify's metarig on the twin's joints, the rig made of it, and the twin on that rig and off it."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from bodyscan_blender.rig import rigify
from bodyscan_blender.rig.armature import vrm_bones
from bodyscan_blender.rig.rigify_places import RIGIFY_NAMES
from mathutils import Quaternion

from addon.scripts.rig_scene import apart, attempt, bring, data, empty, seen, stands


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("a", "t"):
        empty()
        person = bring(arguments[name])
        found[name] = {"metarig": metarig(person), "generated": generated(person), "moved": moved(person)}
        found[name]["removed"] = removed(person)
    found["undo"] = undone()
    found["refused"] = refused(arguments["small"], arguments["a"])
    return found


def metarig(person: Any) -> dict[str, Any]:
    armature = person.object("armature")
    before = data()
    told = attempt(lambda: bpy.ops.bodyscan.add_metarig())
    made = rigify.rigify_object(person, "metarig")
    gaps = {
        name: (made.data.bones[RIGIFY_NAMES[name]].head_local - armature.data.bones[bone].head_local).length
        * 1000
        for name, bone in vrm_bones(armature).items()
        if name in RIGIFY_NAMES
    }
    attempt(lambda: bpy.ops.bodyscan.add_metarig())
    second = rigify.rigify_object(person, "metarig")
    return {
        "told": told,
        "gaps": gaps,
        "bones": sorted(bone.name for bone in second.data.bones),
        "types": sorted({bone.rigify_type for bone in second.pose.bones} - {""}),
        "armatures": data()["armatures"] - before["armatures"],
        "mode": bpy.context.mode,
    }


def generated(person: Any) -> dict[str, Any]:
    armature, item = person.object("armature"), person.object("twin")
    groups = [group.name for group in item.vertex_groups]
    before, shown = stands(armature), seen(item)
    told = attempt(lambda: bpy.ops.bodyscan.generate_rig())
    rig = rigify.rigify_object(person, "rig")
    return {
        "told": told,
        "bones": len(rig.data.bones),
        "apart": apart(before, stands(armature)),
        "skin": float(np.abs(seen(item) - shown).max()),
        "groups": groups == [group.name for group in item.vertex_groups],
        "deform": sorted(bone.name for bone in armature.data.bones if bone.use_deform) == sorted(before),
        "alone": [
            bone for bone in before if not armature.pose.bones[bone].constraints and bone not in ("jaw",)
        ],
        "pose": attempt(lambda: bpy.ops.bodyscan.pose(pose="walk")),
        "ik": attempt(lambda: bpy.ops.bodyscan.switch_ik()),
    }


def moved(person: Any) -> dict[str, Any]:
    """Arms by FK and IK, a foot lifted, the torso lowered."""
    armature, rig = person.object("armature"), rigify.rigify_object(person, "rig")
    before = seen(person.object("twin"))
    rig.pose.bones["upper_arm_parent.L"]["IK_FK"] = 1.0
    arm = rig.pose.bones["upper_arm_fk.L"]
    arm.rotation_mode = "QUATERNION"
    arm.rotation_quaternion = Quaternion((0.0, 0.0, 1.0), 0.6)
    rig.pose.bones["foot_ik.R"].location = (0.0, 0.1, 0.25)
    rig.pose.bones["hand_ik.R"].location = (0.15, 0.1, 0.1)
    rig.pose.bones["torso"].location = (0.0, 0.0, -0.08)
    rig.update_tag()
    bpy.context.view_layer.update()
    where = {name: rig.pose.bones[f"ORG-{RIGIFY_NAMES[name]}"].head for name in RIGIFY_NAMES}
    gaps = {
        name: (armature.pose.bones[bone].head - where[name]).length * 1000
        for name, bone in vrm_bones(armature).items()
        if name in where
    }
    skin = [bone for bone in armature.pose.bones if bone.bone.use_deform]
    lengths = [(bone.tail - bone.head).length / bone.bone.length for bone in skin]
    knee, hip, ankle = (where[f"right{part}"] for part in ("LowerLeg", "UpperLeg", "Foot"))
    elbow, shoulder, wrist = (where[f"right{part}"] for part in ("LowerArm", "UpperArm", "Hand"))
    return {
        "skin": float(np.abs(seen(person.object("twin")) - before).max()),
        "gaps": gaps,
        "lengths": [min(lengths), max(lengths)],
        "knee": float((knee - (hip + ankle) / 2).y),
        "elbow": float((elbow - (shoulder + wrist) / 2).y),
    }


def removed(person: Any) -> dict[str, Any]:
    armature = person.object("armature")
    before = stands(armature)
    told = attempt(lambda: bpy.ops.bodyscan.remove_rigify())
    return {
        "told": told,
        "apart": apart(before, stands(armature)),
        "objects": sorted(one.name for one in bpy.context.scene.objects),
        "texts": len(bpy.data.texts),
        "bones": [bone.name for bone in armature.data.bones if not bone.use_deform],
        "constraints": sum(len(bone.constraints) for bone in armature.pose.bones),
        "collections": [one.name for one in armature.data.collections],
        "again": attempt(lambda: bpy.ops.bodyscan.remove_rigify()),
    }


def undone() -> list[int]:
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.bodyscan.add_metarig()
    bpy.ops.ed.undo_push(message="metarig")
    there = [one.name for one in bpy.context.scene.objects if one.get(rigify.KIND)]
    bpy.ops.ed.undo()
    left = [one.name for one in bpy.context.scene.objects if one.get(rigify.KIND)]
    return [len(there), len(left)]


def refused(small: str, twin: str) -> dict[str, Any]:
    """No metarig, no whole skeleton, a metarig that Rigify cannot use, no Rigify."""
    empty()
    person = bring(small)
    before = data()
    found: dict[str, Any] = {"small": attempt(lambda: bpy.ops.bodyscan.add_metarig())}
    found["left"] = data() != before
    found["none"] = attempt(lambda: bpy.ops.bodyscan.generate_rig())
    empty()
    person = bring(twin)
    bpy.ops.bodyscan.add_metarig()
    made = rigify.rigify_object(person, "metarig")
    made.pose.bones["upper_arm.L"].rigify_type = "no.such.rig"
    before = data()
    found["broken"] = attempt(lambda: bpy.ops.bodyscan.generate_rig())
    found["broken left"] = data() != before
    found["broken follows"] = sum(len(b.constraints) for b in person.object("armature").pose.bones)
    module, rigify.MODULE = rigify.MODULE, "no_such_add_on"
    found["missing"] = attempt(lambda: bpy.ops.bodyscan.add_metarig())
    rigify.MODULE = module
    return found
