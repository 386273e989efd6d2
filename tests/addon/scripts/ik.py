"""IK on and off, in many poses, from straight limbs, and what it does to the controls' neighbours."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from bodyscan_blender.rig import ik
from mathutils import Matrix, Quaternion

from addon.scripts.rig_scene import apart, attempt, bring, empty, rest, seen, stands

BENDS = (-4.0, 0.0, 1.0, 30.0, 100.0, 140.0)
"""Degrees of elbows and knees: bent back, straight, and on."""


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for name in ("a", "t"):
        empty()
        person = bring(arguments[name])
        armature = person.object("armature")
        found[name] = {
            "rest": toggled(armature),
            "poses": poses(armature, arguments["trials"]),
            "way": ways(armature),
            "feet": feet(person),
        }
    found["made"] = made(armature)
    found["removed"] = removed(person)
    found["keyed"] = keyed(armature)
    found["undo"] = undone(armature)
    found["broken"] = broken(person)
    return found


def toggled(armature: Any) -> list[list[float]]:
    """How far the pose moves when each limb is switched on, and off again."""
    found = []
    for limb in ik.LIMBS:
        for on in (True, False):
            before = stands(armature)
            ik.switch_ik(bpy.context, armature, limb, on)
            found.append(apart(before, stands(armature)))
    return found


def poses(armature: Any, trials: int) -> list[list[float]]:
    """The same in random poses, with hips and spine moved too."""
    random = np.random.default_rng(2)
    found = []
    for trial in range(trials):
        for limb in ik.LIMBS:
            upper, lower, end = (armature.pose.bones[name] for name in ik.limb_bones(armature, limb))
            upper.rotation_quaternion = spin(random, 50)
            bend, twist, aside = BENDS[trial % len(BENDS)], random.uniform(-50, 50), random.uniform(-4, 4)
            lower.rotation_euler = np.radians((bend, twist if "arm" in limb else 0.0, aside))
            end.rotation_quaternion = spin(random, 30)
        armature.pose.bones["spine"].rotation_quaternion = spin(random, 20)
        armature.pose.bones["hips"].location = random.uniform(-0.1, 0.1, 3)
        found += toggled(armature)
    rest(armature)
    return found


def spin(random: Any, degrees: float) -> Quaternion:
    axis = random.normal(size=3)
    return Quaternion(axis / np.linalg.norm(axis), float(np.radians(random.uniform(-degrees, degrees))))


def ways(armature: Any) -> dict[str, Any]:
    """Draw each control towards its shoulder or hip: which way the limb bends, and whether it keeps up."""
    rest(armature)
    found = {}
    for limb, names in ik.LIMBS.items():
        ik.switch_ik(bpy.context, armature, limb, True)
        upper, lower, end = (armature.pose.bones[name] for name in ik.limb_bones(armature, limb))
        control = armature.pose.bones[names.control]
        first, last = upper.head.copy(), end.head.copy()
        missed, steps, before = 0.0, [], None
        for step in range(41):
            target = last.lerp(first, 0.7 * step / 40)
            control.matrix = Matrix.Translation(target) @ control.matrix.to_3x3().to_4x4()
            bpy.context.view_layer.update()
            missed = max(missed, (end.head - target).length)
            if before is not None:
                steps.append((lower.head - before).length)
            before = lower.head.copy()
        middle = first.lerp(end.head, 0.5)
        found[limb] = {
            "points": list((lower.head - middle).normalized()),
            "missed mm": missed * 1000,
            "longest step": max(steps),
        }
        ik.switch_ik(bpy.context, armature, limb, False)
    rest(armature)
    return found


def feet(person: Any) -> dict[str, float]:
    """The hips go down and aside; the soles must not move."""
    armature, body = person.object("armature"), person.object("twin")
    rest(armature)
    for limb in ("left_leg", "right_leg"):
        ik.switch_ik(bpy.context, armature, limb, True)
    before = seen(body)
    soles = np.flatnonzero(before[:, 1] < 0.02)
    armature.pose.bones["hips"].location = (0.04, -0.12, 0.02)
    bpy.context.view_layer.update()
    after = seen(body)
    found = {
        "soles mm": float(np.abs(after - before)[soles].max()) * 1000,
        "body": float(np.abs(after - before).max()),
        "count": len(soles),
    }
    for limb in ("left_leg", "right_leg"):
        ik.switch_ik(bpy.context, armature, limb, False)
    rest(armature)
    return found


def made(armature: Any) -> dict[str, Any]:
    """What the operator adds."""
    told = attempt(lambda: bpy.ops.bodyscan.switch_ik(limbs={"left_arm", "right_leg"}, on=True))
    data = armature.data
    new = [bone.name for bone in data.bones if not bone.use_deform]
    rotations = {
        bone: [c.type for c in armature.pose.bones[bone].constraints]
        for limb in ("left_arm", "right_leg")
        for bone in ik.limb_bones(armature, limb)
    }
    return {
        "told": told,
        "new": sorted(new),
        "flipped": sorted(bpy.utils.flip_name(name) for name in new),
        "shown": sorted(bone.name for one in data.collections if one.is_visible for bone in one.bones),
        "constraints": rotations,
        "expressions": [
            one.driver.type == "AVERAGE" or one.driver.is_simple_expression
            for one in armature.animation_data.drivers
        ],
        "valid": [one.driver.is_valid for one in armature.animation_data.drivers],
        "share": [ik.ik_share(armature, limb) for limb in ik.LIMBS],
    }


def removed(person: Any) -> dict[str, Any]:
    """All of it goes, and the pose stays."""
    armature = person.object("armature")
    control = armature.pose.bones[ik.LIMBS["left_arm"].control]
    control.location = (0.05, 0.1, -0.03)
    before = stands(armature)
    told = attempt(lambda: bpy.ops.bodyscan.remove_ik())
    return {
        "told": told,
        "moved": apart(before, stands(armature)),
        "bones": [bone.name for bone in armature.data.bones if not bone.use_deform],
        "collections": [one.name for one in armature.data.collections],
        "constraints": sum(len(bone.constraints) for bone in armature.pose.bones),
        "drivers": len(armature.animation_data.drivers) if armature.animation_data else 0,
        "properties": [name for name in dict(armature.items()) if name.startswith(ik.PROPERTY)],
        "again": attempt(lambda: bpy.ops.bodyscan.remove_ik()),
    }


def keyed(armature: Any) -> dict[str, Any]:
    """With automatic keys, switched at frame 10: playing over it shows no jump."""
    scene = bpy.context.scene
    rest(armature)
    scene.tool_settings.use_keyframe_insert_auto = True
    scene.frame_set(1)
    bpy.ops.bodyscan.switch_ik(limbs={"left_leg"}, on=False)
    ik.switch_ik(bpy.context, armature, "left_leg", True)
    ik.switch_ik(bpy.context, armature, "left_leg", False)
    bpy.ops.bodyscan.switch_ik(limbs={"left_leg"}, on=False)
    scene.frame_set(10)
    bpy.ops.bodyscan.switch_ik(limbs={"left_leg"}, on=True)
    scene.tool_settings.use_keyframe_insert_auto = False
    scene.frame_set(1)
    one = stands(armature)
    scene.frame_set(10)
    found = {"apart": apart(one, stands(armature)), "share": ik.ik_share(armature, "left_leg")}
    armature.animation_data.action = None
    ik.remove_ik(bpy.context, armature)
    return found


def undone(armature: Any) -> dict[str, Any]:
    rest(armature)
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.bodyscan.switch_ik()
    bpy.ops.ed.undo_push(message="ik")
    bpy.ops.ed.undo()
    armature = bpy.data.objects["armature"]
    return {
        "bones": [bone.name for bone in armature.data.bones if not bone.use_deform],
        "constraints": sum(len(bone.constraints) for bone in armature.pose.bones),
    }


def broken(person: Any) -> dict[str, str]:
    """A control deleted, a limb's bone renamed, everything gone."""
    armature = bpy.data.objects["armature"]
    ik.switch_ik(bpy.context, armature, "left_arm", True)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    edit = armature.data.edit_bones
    edit.remove(edit[ik.LIMBS["left_arm"].pole])
    bpy.ops.object.mode_set(mode="OBJECT")
    found = {"pole": attempt(lambda: bpy.ops.bodyscan.switch_ik(limbs={"left_arm"}, on=False))}
    found["remove"] = attempt(lambda: bpy.ops.bodyscan.remove_ik())
    armature.data.bones["rightHand"].name = "mine"
    found["renamed"] = attempt(lambda: bpy.ops.bodyscan.switch_ik(limbs={"left_arm", "right_arm"}, on=True))
    found["half"] = [bone.name for bone in armature.data.bones if not bone.use_deform]
    found["none"] = attempt(lambda: bpy.ops.bodyscan.switch_ik(limbs=set(), on=True))
    bpy.data.objects.remove(armature)
    found["gone"] = attempt(lambda: bpy.ops.bodyscan.switch_ik())
    return found
