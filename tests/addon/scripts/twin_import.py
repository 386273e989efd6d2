"""A twin's files become a person; files that may not leave nothing behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bodyscan_blender import axes, people
from bodyscan_blender.twin import twin_import

from addon.scripts.rig_scene import attempt, bring, data, empty, seen
from bodyscan.gltf import read_glb


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    twin = arguments["twin"]
    found = {"mesh": mesh(twin, Path(arguments["folder"])), "alone": alone(twin)}
    found["refused"] = {name: refused(path) for name, path in arguments["refused"].items()}
    found["again"] = again(twin)
    found["undo"] = undone(twin)
    found["mode"] = in_edit_mode(twin)
    found["round"] = [
        round_trip(twin, Path(arguments["folder"]), name, with_ik=with_ik)
        for name, with_ik in (("again", False), ("again_ik", True))
    ]
    found["small"] = small(arguments["small"])
    return found


def mesh(twin: str, folder: Path) -> dict[str, Any]:
    """All that the file holds, written out for the test to compare."""
    empty()
    person = bring(twin, levels=True)
    item, armature = person.object("twin"), person.object("armature")
    mesh = item.data
    count = len(mesh.vertices)
    weights = np.zeros((count, len(item.vertex_groups)), np.float32)
    for vertex in mesh.vertices:
        for entry in vertex.groups:
            weights[vertex.index, entry.group] = entry.weight
    normals = np.empty(3 * len(mesh.loops), np.float32)
    mesh.corner_normals.foreach_get("vector", normals)
    corners = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    uvs = np.empty(2 * len(mesh.loops), np.float32)
    mesh.uv_layers["UVMap"].uv.foreach_get("vector", uvs)
    source = np.empty(count, np.float32)
    mesh.attributes["_BODY_VERTEX"].data.foreach_get("value", source)
    shapes = {}
    for key in mesh.shape_keys.key_blocks:
        points = np.empty(3 * count, np.float32)
        key.points.foreach_get("co", points)
        shapes[key.name] = axes.world_from_blender(points.reshape(-1, 3))
    points = np.empty(3 * count, np.float32)
    mesh.vertices.foreach_get("co", points)
    np.savez(
        folder / "mesh.npz",
        positions=axes.world_from_blender(points.reshape(-1, 3)),
        corners=corners,
        normals=axes.world_from_blender(normals.reshape(-1, 3)),
        uvs=uvs.reshape(-1, 2),
        source=source,
        weights=weights,
        shapes=np.stack(list(shapes.values())),
        seen=seen(item),
    )
    shader = next(n for n in item.material_slots[0].material.node_tree.nodes if n.type == "BSDF_PRINCIPLED")
    return {
        "person": person.name,
        "roles": {role: [one.name for one in person.objects(role)] for role in people.ROLES},
        "groups": [group.name for group in item.vertex_groups],
        "shapes": list(shapes),
        "consents": [one.get(people.CONSENT) for one in (person.collection, item, armature)],
        "extras": item[people.GLTF_EXTRAS].to_dict(),
        "parent": item.parent.name,
        "modifiers": [(m.type, m.object.name, m.use_deform_preserve_volume) for m in item.modifiers],
        "identity": [np.array_equal(np.array(one.matrix_world), np.eye(4)) for one in (item, armature)],
        "active": bpy.context.view_layer.objects.active.name,
        "metallic": [shader.inputs["Metallic"].is_linked, shader.inputs["Metallic"].default_value],
        "linked": {name: shader.inputs[name].is_linked for name in ("Base Color", "Roughness", "Normal")},
        "not exported": {
            name: shader.inputs[name].default_value
            for name in ("Sheen Weight", "Coat Weight", "Transmission Weight", "Emission Strength")
        },
        "scatter": shader.inputs["Subsurface Weight"].default_value,
        "spaces": {i.name: i.colorspace_settings.name for i in bpy.data.images if i.type == "IMAGE"},
        "packed": [i.packed_file is not None for i in bpy.data.images if i.type == "IMAGE"],
        "hidden": {
            one.name: [one.hide_render, one.hide_get() or one.hide_viewport]
            for role in ("level", "collision")
            for one in person.objects(role)
        },
        "own consents": {
            one.name: one.get(people.CONSENT)
            for role in ("level", "collision")
            for one in person.objects(role)
        },
        "level parent": person.objects("level")[0].parent.name,
        "is twin": {one.name: people.is_twin(one) for one in person.collection.all_objects},
    }


def alone(twin: str) -> dict[str, Any]:
    """Without what lies beside it."""
    empty()
    person = bring(twin, collision=False)
    return {role: len(person.objects(role)) for role in ("twin", "level", "collision")}


def refused(path: str) -> dict[str, Any]:
    """What is said, and what is left behind."""
    empty()
    before = data()
    told = attempt(lambda: bpy.ops.bodyscan.import_twin(filepath=path))
    return {"told": told, "left": data() != before, "people": len(people.people_of(bpy.context.scene))}


def again(twin: str) -> dict[str, Any]:
    """Twice into one file, then once in the place of what a person had."""
    empty()
    one, two = bring(twin), bring(twin)
    found = {"two": len(people.people_of(bpy.context.scene)), "names": [one.name, two.name]}
    from datetime import UTC, datetime

    read = twin_import.read_twin(Path(twin), datetime.now(UTC), levels=True)
    same = twin_import.build_twin(bpy.context, read, one)
    found["same"] = same.id == one.id
    found["roles"] = {role: len(one.objects(role)) for role in people.ROLES}
    found["other"] = {role: len(two.objects(role)) for role in people.ROLES}
    return found


def undone(twin: str) -> dict[str, Any]:
    empty()
    bpy.ops.ed.undo_push(message="before")
    bring(twin)
    bpy.ops.ed.undo_push(message="imported")
    bpy.ops.ed.undo()
    gone = len(people.people_of(bpy.context.scene)), len(bpy.context.scene.objects)
    bpy.ops.ed.redo()
    person = people.people_of(bpy.context.scene)[0]
    return {"gone": gone, "back": [one.name for one in person.collection.all_objects]}


def in_edit_mode(twin: str) -> str:
    empty()
    armature = bring(twin).object("armature")
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="POSE")
    told = attempt(lambda: bpy.ops.bodyscan.import_twin(filepath=twin))
    bpy.ops.object.mode_set(mode="OBJECT")
    return told


def round_trip(twin: str, folder: Path, name: str, *, with_ik: bool) -> str:
    """Out by Blender's own exporter, the twin and its armature alone."""
    empty()
    person = bring(twin)
    if with_ik:
        bpy.ops.bodyscan.switch_ik()
    bpy.context.scene.bodyscan.purpose = "export"
    for one in bpy.context.view_layer.objects:
        one.select_set(one in (person.object("twin"), person.object("armature")))
    return attempt(
        lambda: bpy.ops.export_scene.gltf(
            filepath=str(folder / f"{name}.glb"), use_selection=True, export_extras=True
        )
    )


def small(path: str) -> dict[str, Any]:
    """Seven joints, no image: vertices have colours."""
    empty()
    person = bring(path)
    item = person.object("twin")
    colors = np.empty(4 * len(item.data.vertices), np.float32)
    item.data.color_attributes["Color"].data.foreach_get("color_srgb", colors)
    file = read_glb(path)
    stored = np.round(colors.reshape(-1, 4)[:, :3] * 255).astype(np.uint8)
    kinds = [node.type for node in item.material_slots[0].material.node_tree.nodes]
    return {
        "colors": bool(np.array_equal(stored, file.colors)),
        "nodes": kinds,
        "bones": [bone.name for bone in person.object("armature").data.bones],
    }
