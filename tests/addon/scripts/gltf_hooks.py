"""Twins through Blender's own glTF importer and exporter, and what the exporter does not write."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import bpy
from bodyscan_blender import people
from bodyscan_blender.guards import guard

from addon.scripts.consent_scene import aim, attempt, empty, files, fresh, prefer


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    folder = Path(arguments["folder"])
    temporary = folder / "temporary"
    temporary.mkdir()
    tempfile.tempdir = str(temporary)
    prefer(ledger=str(folder / "ledger.sqlite"))
    twin, other, full = arguments["twin"], arguments["other"], arguments["full"]
    found = {
        "imported": imported(full),
        "collision": imported(arguments["collision"]),
        "differing": imported(arguments["differing"]),
        "bare": imported(arguments["bare"]),
        "root": imported(arguments["root"]),
        "many": many(folder, twin, other),
        "round": round_trips(folder / "round", full),
        "refused": refused(folder / "refused", twin, arguments["expired"]),
        "settings": settings(folder / "settings", full),
        "several": several(folder / "several", twin, other),
        "companions": companions(folder / "companions", full, arguments["collision"]),
        "changed": changed(folder / "changed", full),
        "ledger": ledger(folder / "ledger", twin),
        "plain": plain(folder / "plain"),
        "unhooked": unhooked(folder / "unhooked", twin),
    }
    return {**found, "left": [path.name for path in temporary.iterdir()]}


def export(path: Path, **options: Any) -> str:
    path.parent.mkdir(exist_ok=True)
    return attempt(lambda: bpy.ops.export_scene.gltf(filepath=str(path), **options))


def imported(path: str) -> dict[str, Any]:
    """What the importer's hook made of a file."""
    empty()
    told = attempt(lambda: bpy.ops.import_scene.gltf(filepath=path))
    scene = bpy.context.scene
    return {
        "told": told,
        "people": [person.name for person in people.people_of(scene)],
        "roles": {
            role: [item.name for person in people.people_of(scene) for item in person.objects(role)]
            for role in ("twin", "collision", "armature")
        },
        "verdicts": [guard.verdict_of(item, scene).sentence for item in guard.twins_in(scene)],
        "consents": [people.consent_of(item) for item in guard.twins_in(scene)],
    }


def many(folder: Path, twin: str, other: str) -> dict[str, Any]:
    """Several files chosen at once."""
    empty()
    names = [{"name": Path(path).name} for path in (twin, other)]
    load = bpy.ops.import_scene.gltf
    where = {"directory": f"{folder}/"} if "directory" in load.get_rna_type().properties else {}
    load(filepath=twin, files=names, **where)
    scene = bpy.context.scene
    return {
        "people": sorted(person.name for person in people.people_of(scene)),
        "twins": [len(person.objects("twin")) for person in people.people_of(scene)],
        "verdicts": [guard.verdict_of(item, scene).word for item in guard.twins_in(scene)],
    }


def round_trips(folder: Path, full: str) -> dict[str, Any]:
    """In and out, once and twice, with and without custom properties."""
    found = {}
    fresh(full)
    found["plain"] = export(folder / "plain.glb", export_extras=False)
    found["extras"] = export(folder / "extras.glb", export_extras=True)
    fresh(str(folder / "plain.glb"))
    found["twice"] = export(folder / "twice.glb")
    found["files"] = files(folder)
    return found


def refused(folder: Path, twin: str, expired: str) -> dict[str, Any]:
    found = {}
    fresh(twin)
    bpy.context.scene.frame_set(7)
    aim("ai_training")
    found["not covered"] = export(folder / "a.glb")
    found["frame"] = bpy.context.scene.frame_current
    fresh(expired)
    found["expired"] = export(folder / "b.glb")
    item, *_ = fresh(twin)
    people.person_of(item).consent = None
    del item[people.GLTF_EXTRAS]
    found["missing"] = export(folder / "c.glb")
    found["files"] = files(folder)
    return found


def settings(folder: Path, full: str) -> dict[str, Any]:
    """Settings of the exporter that make another body of a twin, or another kind of file."""
    fresh(full)
    found = {
        "separate": export(folder / "a.gltf", export_format="GLTF_SEPARATE"),
        "axes": export(folder / "b.glb", export_yup=False),
        "no shapes": export(folder / "d.glb", export_morph=False),
        "no materials": export(folder / "e.glb", export_materials="NONE"),
    }
    armature = next(item for item in bpy.data.objects if item.type == "ARMATURE")
    bone = armature.pose.bones["leftUpperArm"]
    bone.rotation_mode = "XYZ"
    bone.rotation_euler = (0.6, 0.0, 0.0)
    bpy.data.objects["body"].data.shape_keys.key_blocks["jawOpen"].value = 0.7
    bpy.context.view_layer.update()
    found["posed"] = export(folder / "posed.glb")
    found["pose kept"] = export(folder / "f.glb", export_rest_position_armature=False)
    found["files"] = files(folder)
    return found


def several(folder: Path, twin: str, other: str) -> dict[str, Any]:
    first, second = fresh(twin, other)
    found = {"both": export(folder / "both.glb")}
    select(first)
    found["one"] = export(folder / "one.glb", use_selection=True)
    select(second)
    found["other"] = export(folder / "other.glb", use_selection=True)
    bpy.ops.mesh.primitive_cube_add()
    cube = bpy.context.object
    select(first)
    cube.select_set(True)
    found["with a cube"] = export(folder / "cube.glb", use_selection=True)
    bpy.ops.object.select_all(action="DESELECT")
    cube.select_set(True)
    found["cube alone"] = export(folder / "alone.glb", use_selection=True)
    found["files"] = files(folder)
    return found


def select(item: Any) -> None:
    bpy.ops.object.select_all(action="DESELECT")
    for one in people.person_of(item).collection.all_objects:
        one.select_set(True)


def companions(folder: Path, full: str, collision: str) -> dict[str, Any]:
    """A twin with its collision body and a level, as the add-on's own import puts them into the scene."""
    twin, body = fresh(full, collision)
    person = people.person_of(twin)
    person.add(body, "collision")
    found = {"all": export(folder / "all.glb", export_extras=True)}
    bpy.ops.object.select_all(action="DESELECT")
    for one in (body, body.find_armature()):
        one.select_set(True)
    found["collision"] = export(folder / "collision.glb", use_selection=True)
    return found


def changed(folder: Path, full: str) -> dict[str, Any]:
    """What is checked in the file alone: weights and skin."""
    item, *_ = fresh(full)
    image = next(
        node.image for node in item.active_material.node_tree.nodes if node.type == "TEX_IMAGE" and node.image
    )
    found = {"image": image.name}
    pixels = [0.1, 0.9, 0.1, 1.0] * (image.size[0] * image.size[1])
    for one in [
        node.image for node in item.active_material.node_tree.nodes if node.type == "TEX_IMAGE" and node.image
    ]:
        if one.colorspace_settings.name == "sRGB":
            one.pixels[:] = pixels
            one.pack()
    found["skin"] = export(folder / "skin.glb")
    item, *_ = fresh(full)
    group = item.vertex_groups["leftUpperArm"]
    group.remove(range(len(item.data.vertices)))
    found["weights"] = export(folder / "weights.glb")
    found["files"] = files(folder)
    return found


def ledger(folder: Path, twin: str) -> dict[str, Any]:
    """Where the use cannot be written down, the file does not appear."""
    fresh(twin)
    folder.mkdir()
    was = str(folder.parent / "ledger.sqlite")
    prefer(ledger=str(folder))
    found = {"no ledger": export(folder / "a.glb"), "files": files(folder)}
    prefer(ledger=was)
    return found


def plain(folder: Path) -> dict[str, Any]:
    """A scene without a twin is exported as ever, also as several files."""
    empty()
    bpy.ops.mesh.primitive_cube_add()
    aim("ai_training")
    return {
        "glb": export(folder / "a.glb", export_extras=True),
        "gltf": export(folder / "b.gltf", export_format="GLTF_SEPARATE"),
        "files": files(folder),
    }


def unhooked(folder: Path, twin: str) -> dict[str, Any]:
    """The hooks refuse by themselves where nothing could be put around the exporter."""
    from bodyscan_blender.guards import guard_export

    fresh(twin)
    aim("ai_training")
    guard_export.unwrap()
    found = {"done": export(folder / "a.glb"), "files": files(folder)}
    guard_export.wrap_all()
    return found
