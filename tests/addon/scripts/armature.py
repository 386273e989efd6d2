"""A twin's bones in Blender: where they stand, what they are locked to, and what they do to the skin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bodyscan_blender import axes, people
from bodyscan_blender.rig import bone_shapes
from bodyscan_blender.rig.armature import vrm_bones
from mathutils import Quaternion

from addon.scripts.rig_scene import apart, attempt, bring, empty, rest, seen, stands


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    empty()
    person = bring(arguments["twin"])
    armature = person.object("armature")
    found = {"bones": bones(armature), "collections": collections(armature)}
    found["names"] = vrm_bones(armature)
    found["shapes"] = shapes(armature)
    posed(person, Path(arguments["folder"]))
    found["mirrored"] = mirrored(armature)
    found["tidied"] = tidied(arguments["twin"], found["bones"])
    empty()
    found["mixamo"] = vrm_bones(bring(arguments["mixamo"]).object("armature"))
    return found


def bones(armature: Any) -> dict[str, Any]:
    return {
        bone.name: {
            "head": axes.world_from_blender(np.array(bone.bone.head_local)).tolist(),
            "matrix": np.array(bone.bone.matrix_local).tolist(),
            "length": bone.bone.length,
            "parent": bone.parent.name if bone.parent else None,
            "connected": bone.bone.use_connect,
            "deform": bone.bone.use_deform,
            "mode": bone.rotation_mode,
            "locked": [list(bone.lock_location), list(bone.lock_scale)],
            "color": bone.bone.color.palette,
        }
        for bone in armature.pose.bones
    }


def collections(armature: Any) -> dict[str, list[str]]:
    return {one.name: sorted(bone.name for bone in one.bones) for one in armature.data.collections}


def shapes(armature: Any) -> dict[str, Any]:
    """The wires, and that no scene holds them."""
    wires = {bone.custom_shape for bone in armature.pose.bones}
    return {
        "all": None not in wires,
        "names": sorted(one.name for one in wires if one),
        "in a scene": [one.name for one in bpy.context.scene.objects if one in wires],
        "faces": sum(len(one.data.polygons) for one in wires if one),
        "collection": bone_shapes.COLLECTION in bpy.data.collections,
        "sizes": {
            bone.name: [scale * bone.bone.length for scale in bone.custom_shape_scale_xyz]
            for bone in armature.pose.bones
        },
    }


def posed(person: Any, folder: Path) -> None:
    """Turn every bone a little, and write out what the skin does and how each joint turned."""
    armature = person.object("armature")
    random = np.random.default_rng(5)
    for bone in armature.pose.bones:
        axis = random.normal(size=3)
        turn = Quaternion(axis / np.linalg.norm(axis), float(random.uniform(-0.4, 0.4)))
        if bone.rotation_mode == "QUATERNION":
            bone.rotation_quaternion = turn
        else:
            bone.rotation_euler = turn.to_euler(bone.rotation_mode)
    bpy.context.view_layer.update()
    names = [bone.name for bone in armature.pose.bones]
    turns = [
        np.array(bone.matrix.to_3x3() @ bone.bone.matrix_local.to_3x3().inverted())
        for bone in armature.pose.bones
    ]
    frame = axes.BLENDER_FROM_WORLD
    np.savez(
        folder / "posed.npz",
        skin=seen(person.object("twin")),
        names=np.array(names),
        turns=np.stack([frame.T @ turn @ frame for turn in turns]),
    )
    rest(armature)


def tidied(twin: str, ours: dict[str, Any]) -> dict[str, Any]:
    """Brought by Blender's own importer, posed, and laid out then."""
    empty()
    bpy.ops.import_scene.gltf(filepath=twin)
    person = people.people_of(bpy.context.scene)[0]
    item, armature = person.object("twin"), person.object("armature")
    bpy.context.view_layer.objects.active = item
    found = {"ik": attempt(lambda: bpy.ops.bodyscan.switch_ik())}
    armature.pose.bones["leftUpperArm"].rotation_mode = "QUATERNION"
    armature.pose.bones["leftUpperArm"].rotation_quaternion = Quaternion((0.3, 0.5, 0.8), 0.6)
    armature.pose.bones["hips"].location = (0.0, 0.1, 0.02)
    bpy.context.view_layer.update()
    before = seen(item)
    found["told"] = attempt(lambda: bpy.ops.bodyscan.tidy_bones())
    found["moved"] = float(np.abs(seen(item) - before).max())
    new = bones(armature)
    found["matrices"] = max(
        float(np.abs(np.array(new[name]["matrix"]) - np.array(ours[name]["matrix"])).max()) for name in ours
    )
    found["same"] = all(
        new[name][what] == ours[name][what]
        for name in ours
        for what in ("parent", "connected", "locked", "mode", "color")
    )
    found["then"] = attempt(lambda: bpy.ops.bodyscan.switch_ik())
    bpy.ops.bodyscan.remove_ik()
    armature.pose.bones["head"].keyframe_insert("rotation_quaternion", frame=1)
    found["animated"] = attempt(lambda: bpy.ops.bodyscan.tidy_bones())
    return found


def mirrored(armature: Any) -> dict[str, Any]:
    """Copy a pose and paste it flipped, as an animator does."""
    layer = bpy.context.view_layer
    layer.objects.active = armature
    armature.select_set(True)
    bpy.ops.object.mode_set(mode="POSE")
    for name, angle in (("leftUpperArm", 0.5), ("leftHand", -0.3), ("spine", 0.2)):
        armature.pose.bones[name].rotation_quaternion = Quaternion((0.6, 0.0, 0.8), angle)
    armature.pose.bones["leftLowerLeg"].rotation_euler = (0.9, 0.0, 0.0)
    one = stands(armature)
    bpy.ops.pose.select_all(action="SELECT")
    bpy.ops.pose.copy()
    bpy.ops.pose.paste(flipped=True)
    other = stands(armature)
    bpy.ops.pose.copy()
    bpy.ops.pose.paste(flipped=True)
    twice = stands(armature)
    bpy.ops.object.mode_set(mode="OBJECT")
    moved = {name: float(np.abs(one[name] - other[name]).max()) > 1e-3 for name in one}
    heads = {name: matrix[:3, 3].tolist() for name, matrix in other.items()}
    return {
        "moved": sorted(name for name, did in moved.items() if did),
        "heads": heads,
        "first": {name: matrix[:3, 3].tolist() for name, matrix in one.items()},
        "back": apart(one, twice),
        "flip": bpy.utils.flip_name("leftUpperArm"),
    }
