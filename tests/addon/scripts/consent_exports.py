"""Twins and Blender's other exporters."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
from bodyscan_blender import people
from bodyscan_blender.guards import guard_export, guard_withhold

from addon.scripts.consent_scene import aim, attempt, empty, files, fresh, prefer

C_EXPORTERS = {
    "obj": bpy.ops.wm.obj_export,
    "stl": bpy.ops.wm.stl_export,
    "ply": bpy.ops.wm.ply_export,
    "abc": bpy.ops.wm.alembic_export,
    "usda": bpy.ops.wm.usd_export,
}


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    folder = Path(arguments["folder"])
    prefer(ledger=str(folder / "ledger.sqlite"))
    twin, other = arguments["twin"], arguments["other"]
    return {
        "refused": refused(folder / "refused", twin),
        "allowed": allowed(folder / "allowed", twin),
        "fbx": fbx(folder / "fbx", twin, other),
        "usd": usd(folder / "usd", twin),
        "plain": plain(folder / "plain"),
        "open": opened(folder / "open", twin),
    }


def write(folder: Path, name: str) -> str:
    folder.mkdir(exist_ok=True)
    path = folder / f"twin.{name}"
    options = {"as_background_job": False} if name == "abc" else {}
    return attempt(lambda: C_EXPORTERS[name](filepath=str(path), **options))


def triangles(folder: Path, name: str) -> int:
    """How many bytes a file takes."""
    path = folder / f"twin.{name}"
    return path.stat().st_size if path.exists() else 0


def refused(folder: Path, twin: str) -> dict[str, Any]:
    """A refused twin is in no file, also where it was switched on again just before."""
    (item,) = fresh(twin)
    aim("ai_training")
    guard_withhold.withhold()
    found = {}
    for name in C_EXPORTERS:
        item.hide_viewport = item.hide_render = False
        found[name] = [write(folder, name), triangles(folder, name)]
    found["fbx"] = attempt(lambda: bpy.ops.export_scene.fbx(filepath=str(folder / "twin.fbx")))
    found["files"] = files(folder)
    return found


def allowed(folder: Path, twin: str) -> dict[str, Any]:
    """What the same files hold of a twin that may be exported."""
    fresh(twin)
    return {name: [write(folder, name), triangles(folder, name)] for name in C_EXPORTERS}


def fbx(folder: Path, twin: str, other: str) -> dict[str, Any]:
    folder.mkdir()
    first, second = fresh(twin, other)

    def export(name: str, **options: Any) -> str:
        return attempt(lambda: bpy.ops.export_scene.fbx(filepath=str(folder / name), **options))

    found = {"both": export("both.fbx", use_custom_props=False), "no ending": export("plain")}
    bpy.ops.object.select_all(action="DESELECT")
    for one in people.person_of(second).collection.all_objects:
        one.select_set(True)
    found["one"] = export("one.fbx", use_selection=True)
    bpy.ops.object.select_all(action="DESELECT")
    bpy.ops.mesh.primitive_cube_add()
    found["none"] = export("none.fbx", use_selection=True)
    found["batch"] = export("batch", batch_mode="SCENE")
    was = str(folder.parent / "ledger.sqlite")
    prefer(ledger=str(folder))
    found["no ledger"] = export("never.fbx")
    prefer(ledger=was)
    found["texts"] = {item.name: people.consent_of(item) for item in (first, second)}
    found["files"] = files(folder)
    return found


def usd(folder: Path, twin: str) -> dict[str, Any]:
    """Twins are taken out of USD, however they are called; the rest stays."""
    folder.mkdir()
    (item,) = fresh(twin)
    item.name, item.data.name = "a chair", "chair"
    bpy.ops.mesh.primitive_cube_add()
    found: dict[str, Any] = {"hook": guard_export.has_usd()}
    for name, options in (("a", {}), ("b", {"export_custom_properties": False})):
        done = attempt(
            lambda path=name, more=options: bpy.ops.wm.usd_export(filepath=f"{folder}/{path}.usda", **more)
        )
        text = (folder / f"{name}.usda").read_text()
        found[name] = {"done": done, "cube": 'def Mesh "Cube"' in text, "twin": 'def Mesh "chair"' in text}
    return found


def plain(folder: Path) -> dict[str, Any]:
    empty()
    bpy.ops.mesh.primitive_cube_add()
    aim("ai_training")
    folder.mkdir()
    done = {name: write(folder, name) for name in C_EXPORTERS}
    done["fbx"] = attempt(lambda: bpy.ops.export_scene.fbx(filepath=str(folder / "twin.fbx")))
    return {"done": done, "files": files(folder)}


def opened(folder: Path, twin: str) -> dict[str, Any]:
    """While an exporter without a place for a record is open in a window, twins are held back."""
    (item,) = fresh(twin)
    found: dict[str, Any] = {}
    browser = guard_export.open_exporter
    try:
        guard_export.open_exporter = lambda: "WM_OT_obj_export"
        found["told"] = attempt(lambda: [str(guard_export.look() > 0)])
        found["held"] = [item.hide_viewport, item.hide_render]
        found["written"] = [write(folder, "obj"), triangles(folder, "obj")]
        guard_export.open_exporter = lambda: ""
        guard_export.look()
        found["after"] = [item.hide_viewport, item.hide_render, guard_withhold.WITHHELD in item]
    finally:
        guard_export.open_exporter = browser
    operator = SimpleNamespace(bl_idname="WM_OT_obj_export")
    space = SimpleNamespace(active_operator=operator)
    area = SimpleNamespace(type="FILE_BROWSER", spaces=SimpleNamespace(active=space))
    window = SimpleNamespace(screen=SimpleNamespace(areas=[area]))
    found["seen"] = guard_export.open_exporter([window])
    operator.bl_idname = "EXPORT_SCENE_OT_gltf"
    found["others"] = guard_export.open_exporter([window])
    operator.bl_idname = "WM_OT_usd_export"
    found["usd"] = guard_export.open_exporter([window])
    return found
