"""A shirt put on, draped in poses, stopped half way, worn by a child, and taken off."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from bodyscan_blender.axes import world_from_blender
from bodyscan_blender.mesh_points import get_triangles
from bodyscan_blender.rig import cloth, poses
from bodyscan_blender.rig.pose_arrays import owned_by
from bodyscan_blender.rig.twin_data import points
from mathutils import Vector
from mathutils.bvhtree import BVHTree

from addon.scripts.rig_scene import apart, attempt, bring, data, empty, seen, stands


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    frames = arguments["frames"]
    empty()
    person = bring(arguments["twin"])
    before = data(), [m.name for m in person.object("collision").modifiers]
    found: dict[str, Any] = {"too early": attempt(lambda: bpy.ops.bodyscan.drape(frames=frames))}
    found["on"] = put_on(person)
    found["draped"] = {name: draped(person, name, frames) for name in arguments["poses"]}
    found["stopped"] = stopped(person)
    found["again"] = again(person)
    found["off"] = attempt(lambda: bpy.ops.bodyscan.take_off_shirt())
    after = data(), [m.name for m in person.object("collision").modifiers]
    found["left"] = [
        {kind: n for kind, n in after[0].items() if n != before[0][kind]},
        after[1] != before[1],
        [one.name for one in person.objects("garment")],
    ]
    found["off again"] = attempt(lambda: bpy.ops.bodyscan.take_off_shirt())
    found["undo"] = undone()
    empty()
    bring(arguments["twin"], collision=False)
    found["no body"] = attempt(lambda: bpy.ops.bodyscan.put_on_shirt())
    return found


def put_on(person: Any) -> dict[str, Any]:
    told = attempt(lambda: bpy.ops.bodyscan.put_on_shirt())
    shirt, body, skin = cloth.shirt_of(person), person.object("collision"), person.object("twin")
    places, at_rest = seen(shirt), seen(skin)
    faces = np.array([len(polygon.vertices) for polygon in shirt.data.polygons])
    return {
        "told": told,
        "count": len(shirt.data.vertices),
        "triangles": bool((faces == 3).all()),
        "modifiers": [m.type for m in shirt.modifiers],
        "collision": [m.type for m in body.modifiers],
        "inside": cloth.cloth_inside_share(bpy.context, person),
        "height": [float(places[:, 1].min()), float(places[:, 1].max())],
        "stature": float(at_rest[:, 1].max()),
        "width": float(np.ptp(places[:, 0])),
        "rims": rims(get_triangles(shirt.data)),
        "parent": shirt.parent.name,
    }


def rims(faces: np.ndarray) -> int:
    """How many openings a surface has: neck, hem and two sleeves."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    unique, uses = np.unique(edges, axis=0, return_counts=True)
    parent = {int(v): int(v) for v in unique[uses == 1].ravel()}

    def root(v: int) -> int:
        while parent[v] != v:
            v = parent[v]
        return v

    for a, b in unique[uses == 1]:
        parent[root(int(a))] = root(int(b))
    return len({root(v) for v in parent})


def draped(person: Any, name: str, frames: int) -> dict[str, Any]:
    """Pose, drape, and measure; the pose and the frame stay as they were."""
    scene, armature = bpy.context.scene, person.object("armature")
    bpy.ops.bodyscan.pose(pose=name)
    scene.frame_set(7)
    before, flat = stands(armature), seen(cloth.shirt_of(person))
    told = attempt(lambda: bpy.ops.bodyscan.drape(frames=frames))
    shirt = cloth.shirt_of(person)
    found = {
        "told": told,
        "frame": scene.frame_current,
        "pose": apart(before, stands(armature)),
        "inside": cloth.cloth_inside_share(bpy.context, person),
        "pierced": pierced(person),
        "moved": float(np.abs(plain(shirt) - flat[: len(shirt.data.vertices)]).max()),
        "lowest": float(plain(shirt)[:, 1].min()),
        "modifiers": {m.name: m.show_viewport for m in shirt.modifiers},
    }
    bpy.ops.bodyscan.pose(pose="captured")
    bound = world_from_blender(points(shirt.data.shape_keys.key_blocks["Basis"].points, "co"))
    found["follows"] = float(np.abs(plain(shirt) - bound).max())
    return found


def plain(shirt: Any) -> np.ndarray:
    """Where the shirt's own points are seen, without thickness."""
    return seen(shirt)[: len(shirt.data.vertices)]


def pierced(person: Any) -> list[float]:
    """The share of the trunk's skin that stands out of the cloth, and how far at most, mm.

    Skin is pierced where cloth lies close below it, facing as it does, and none above it.
    """
    shirt, skin = cloth.shirt_of(person), person.object("twin")
    tree = BVHTree.FromPolygons(plain(shirt).tolist(), get_triangles(shirt.data).tolist())
    trunk = owned_by(poses.pose_body(person), "spine", "chest", "upperChest")
    evaluated = skin.evaluated_get(bpy.context.evaluated_depsgraph_get())
    normals = world_from_blender(points(evaluated.to_mesh().vertices, "normal"))
    out = []
    for point, normal in zip(seen(skin)[trunk], normals[trunk], strict=True):
        start, up = Vector(point), Vector(normal)
        above = tree.ray_cast(start + up * 1e-4, up, 0.03)[0]
        place, facing, _, below = tree.ray_cast(start - up * 1e-4, -up, 0.015)
        if above is None and place is not None and facing.dot(up) > 0.3:
            out.append(below * 1000)
    return [len(out) / len(trunk), max(out, default=0.0)]


def stopped(person: Any) -> dict[str, Any]:
    """Cancelled in the middle: scene, pose and shirt are as they were."""
    scene, armature = bpy.context.scene, person.object("armature")
    bpy.ops.bodyscan.pose(pose="walk")
    scene.frame_set(3)
    before, places = stands(armature), seen(cloth.shirt_of(person))
    work = cloth.drape(bpy.context, person, 20)
    for _ in range(6):
        next(work)
    halfway = scene.frame_current
    work.close()
    return {
        "halfway": halfway,
        "frame": scene.frame_current,
        "pose": apart(before, stands(armature)),
        "shirt": float(np.abs(seen(cloth.shirt_of(person)) - places).max()),
    }


def again(person: Any) -> int:
    """A second shirt takes the place of the first."""
    bpy.ops.bodyscan.put_on_shirt()
    return len(person.objects("garment"))


def undone() -> list[int]:
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.bodyscan.put_on_shirt()
    bpy.ops.ed.undo_push(message="shirt")
    worn = [one.name for one in bpy.context.scene.objects if one.get("bodyscan_role") == "garment"]
    bpy.ops.ed.undo()
    left = [one.name for one in bpy.context.scene.objects if one.get("bodyscan_role") == "garment"]
    return [len(worn), len(left)]
