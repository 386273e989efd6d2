"""The pose library on a twin: all of it, half of it, with IK, keyed, undone, on twins that are broken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bodyscan_blender import people
from bodyscan_blender.rig import ik, poses
from bodyscan_blender.rig.pose_arrays import skin
from bodyscan_blender.rig.pose_solver import library, solve_pose

from addon.scripts.rig_scene import apart, attempt, bring, empty, rest, seen, stands


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    empty()
    person = bring(arguments["twin"])
    body, item, armature = poses.pose_body(person), person.object("twin"), person.object("armature")
    found: dict[str, Any] = {"poses": {}}
    skins = {}
    for name in library():
        told = attempt(lambda name=name: bpy.ops.bodyscan.pose(pose=name))
        expected, _ = skin(body, solve_pose(body, name))
        shown = seen(item)
        skins[name] = shown
        found["poses"][name] = {
            "told": told,
            "apart": float(np.abs(shown - expected).max()),
            "lowest": float(shown[:, 1].min()),
        }
    np.savez(Path(arguments["folder"]) / "skins.npz", **skins)
    found["bind"] = bound(person, item)
    found["half"] = half(person, item)
    found["face"] = face(armature)
    found["floor"] = floor(armature, item)
    found["ik"] = with_ik(person, body, item)
    found["keys"] = keys(person)
    found["undo"] = undone()
    found["refused"] = refused(arguments["small"])
    return found


def bound(person: Any, item: Any) -> float:
    """Back to the pose that the person was scanned in."""
    bpy.ops.bodyscan.pose(pose="captured")
    return float(np.abs(seen(item) - poses.pose_body(person).positions).max())


def half(person: Any, item: Any) -> dict[str, Any]:
    """Half way, and half of the rest: on the floor both times, and nearer each time."""
    armature = person.object("armature")
    bpy.ops.bodyscan.pose(pose="sit")
    goal = stands(armature)
    bpy.ops.bodyscan.pose(pose="captured")
    found = [apart(stands(armature), goal)]
    lowest = []
    for _ in range(2):
        bpy.ops.bodyscan.pose(pose="sit", strength=0.5)
        found.append(apart(stands(armature), goal))
        lowest.append(float(seen(item)[:, 1].min()))
    before = stands(armature)
    bpy.ops.bodyscan.pose(pose="walk", strength=0.0)
    return {"to go": found, "lowest": lowest, "none": apart(before, stands(armature))}


def face(armature: Any) -> list[float]:
    """A jaw and an eye that the animator turned stay so."""
    armature.pose.bones["jaw"].rotation_euler = (0.2, 0.0, 0.0)
    armature.pose.bones["leftEye"].rotation_quaternion = (0.99, 0.0, 0.0, 0.14)
    bpy.ops.bodyscan.pose(pose="walk")
    jaw, eye = armature.pose.bones["jaw"], armature.pose.bones["leftEye"]
    found = [*jaw.rotation_euler, *eye.rotation_quaternion.normalized()]
    rest(armature)
    return [float(value) for value in found]


def floor(armature: Any, item: Any) -> dict[str, Any]:
    """A raised person comes down."""
    armature.pose.bones["hips"].location = (0.0, 0.3, 0.1)
    bpy.context.view_layer.update()
    before = float(seen(item)[:, 1].min())
    told = attempt(lambda: bpy.ops.bodyscan.put_on_floor())
    after = float(seen(item)[:, 1].min())
    rest(armature)
    return {"before": before, "told": told, "after": after}


def with_ik(person: Any, body: Any, item: Any) -> dict[str, Any]:
    """Limbs that follow their controls are posed too, and stay on IK."""
    armature = person.object("armature")
    bpy.ops.bodyscan.switch_ik()
    worst = 0.0
    for name in library():
        bpy.ops.bodyscan.pose(pose=name)
        expected, _ = skin(body, solve_pose(body, name))
        worst = max(worst, float(np.abs(seen(item) - expected).max()))
    shares = [ik.ik_share(armature, limb) for limb in ik.LIMBS]
    bpy.ops.bodyscan.remove_ik()
    rest(armature)
    return {"worst": worst, "shares": shares}


def keys(person: Any) -> dict[str, Any]:
    """With automatic keys a pose is keyed: two of them, played over, are two poses."""
    scene, armature = bpy.context.scene, person.object("armature")
    scene.tool_settings.use_keyframe_insert_auto = True
    goals = []
    for frame, name in ((1, "relaxed"), (20, "walk")):
        scene.frame_set(frame)
        bpy.ops.bodyscan.pose(pose=name)
        goals.append(stands(armature))
    scene.tool_settings.use_keyframe_insert_auto = False
    found = []
    for frame, goal in zip((1, 20), goals, strict=True):
        scene.frame_set(frame)
        found.append(apart(goal, stands(armature)))
    scene.frame_set(10)
    between = [apart(goal, stands(armature))[0] for goal in goals]
    armature.animation_data.action = None
    rest(armature)
    return {"at keys": found, "between mm": between}


def undone() -> dict[str, Any]:
    bpy.ops.ed.undo_push(message="before")
    before = seen(bpy.data.objects["body"])
    bpy.ops.bodyscan.pose(pose="contrapposto")
    bpy.ops.ed.undo_push(message="posed")
    moved = float(np.abs(seen(bpy.data.objects["body"]) - before).max())
    bpy.ops.ed.undo()
    return {"moved": moved, "back": float(np.abs(seen(bpy.data.objects["body"]) - before).max())}


def refused(small: str) -> dict[str, str]:
    """Twins that cannot be posed, and no twin at all."""
    person = people.people_of(bpy.context.scene)[0]
    item = person.object("twin")
    group = item.vertex_groups["head"]
    item.vertex_groups.remove(group)
    found = {"group": attempt(lambda: bpy.ops.bodyscan.pose(pose="a"))}
    bpy.data.objects.remove(item)
    found["skin"] = attempt(lambda: bpy.ops.bodyscan.pose(pose="a"))
    empty()
    bring(small)
    found["small"] = attempt(lambda: bpy.ops.bodyscan.pose(pose="walk"))
    found["captured"] = attempt(lambda: bpy.ops.bodyscan.pose(pose="captured"))
    empty()
    found["nobody"] = attempt(lambda: bpy.ops.bodyscan.pose(pose="a"))
    return found
