"""Runs in a process of its own (bpy may be loaded once): imports a GLB, poses it, prints JSON.

Arguments: GLB path, bone to turn, degrees about the world's forward axis, shape key to drive or an empty
text, path for a re-export or an empty text.
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any

import bpy as untyped_bpy  # pyright: ignore[reportMissingImports]
import numpy as np
from mathutils import Matrix  # pyright: ignore[reportMissingImports]

bpy: Any = untyped_bpy
"""Its modules are made at run time and unknown to a type checker."""


def evaluated(body: Any) -> np.ndarray:
    """Return the world positions (V, 3) of the posed mesh, in glTF axes."""
    graph = bpy.context.evaluated_depsgraph_get()
    mesh = body.evaluated_get(graph).to_mesh()
    points = np.empty(len(mesh.vertices) * 3)
    mesh.vertices.foreach_get("co", points)
    world = np.array(body.matrix_world)
    points = points.reshape(-1, 3) @ world[:3, :3].T + world[:3, 3]
    # Blender is Z up and the person faces -Y there.
    return np.stack([points[:, 0], points[:, 2], -points[:, 1]], axis=1)


def turn_bone(armature: Any, name: str, degrees: float) -> None:
    """Turn a bone about its head, about the axis that the person faces along."""
    bone = armature.pose.bones[name]
    head = bone.head.copy()
    about = Matrix.Rotation(math.radians(degrees), 4, (0.0, -1.0, 0.0))
    bone.matrix = Matrix.Translation(head) @ about @ Matrix.Translation(-head) @ bone.matrix
    bpy.context.view_layer.update()


def images_of(body: Any) -> dict[str, Any]:
    """Return size and colour space of each image of the body's material, by its name."""
    nodes = [node for slot in body.material_slots for node in slot.material.node_tree.nodes]
    images = [node.image for node in nodes if node.type == "TEX_IMAGE"]
    return {image.name: [*image.size, image.colorspace_settings.name] for image in images}


def main() -> None:
    path, bone, degrees, shape, again = sys.argv[-5:]
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.gltf(filepath=path)
    body = bpy.data.objects["body"]
    armature = next(o for o in bpy.data.objects if o.type == "ARMATURE")
    keys = body.data.shape_keys
    rest = evaluated(body)
    with_shape = rest
    if shape:
        keys.key_blocks[shape].value = 1.0
        with_shape = evaluated(body)
        keys.key_blocks[shape].value = 0.0
    if again:
        bpy.ops.export_scene.gltf(filepath=again, export_extras=True)
    turn_bone(armature, bone, float(degrees))
    report = {
        "armature": armature.name,
        "armature_is_identity": bool(np.allclose(np.array(armature.matrix_world), np.eye(4))),
        "bones": [b.name for b in armature.data.bones],
        "heads": {b.name: [b.head_local.x, b.head_local.z, -b.head_local.y] for b in armature.data.bones},
        "groups": [g.name for g in body.vertex_groups],
        "shapes": [k.name for k in keys.key_blocks] if keys else [],
        "values": [k.value for k in keys.key_blocks] if keys else [],
        "images": images_of(body),
        "uv_layers": len(body.data.uv_layers),
        "color_attributes": [a.name for a in body.data.color_attributes],
        "attributes": [a.name for a in body.data.attributes],
        "extras": sorted(dict(body["bodyscan"])) if "bodyscan" in body else [],
        "consent": body["bodyscan"]["consent"] if "bodyscan" in body else None,
        "rest": rest.tolist(),
        "with_shape": with_shape.tolist(),
        "posed": evaluated(body).tolist(),
    }
    print("REPORT " + json.dumps(report))


main()
