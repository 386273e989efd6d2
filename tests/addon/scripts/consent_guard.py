"""Twins whose consents allow a use and twins whose do not: saved, opened, shown, edited, undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bodyscan_blender import people
from bodyscan_blender.guards import guard, guard_withhold

from addon.scripts.consent_scene import aim, attempt, empty, files, fresh, prefer, save, verdict


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    folder = Path(arguments["folder"])
    twin, expired, limited = (arguments[name] for name in ("twin", "expired", "limited"))
    return {
        "saved": saved(folder, twin),
        "startup": startup(twin),
        "why": why(folder, twin, expired, limited),
        "tampered": tampered(folder, twin),
        "opened": opened(folder, twin),
        "hidden": hidden(folder, twin),
        "evidence": evidence(folder, twin, arguments["evidence"]),
        "edited": edited(folder, twin),
        "scenes": scenes(folder, twin),
        "instanced": instanced(twin),
        "linked": linked(folder, twin),
        "in edit mode": in_edit_mode(folder, twin),
        "unjudged": unjudged(folder, twin),
        "undone": undone(twin),
        "cost": cost(twin),
        "strangers": strangers(folder),
    }


def saved(folder: Path, twin: str) -> dict[str, Any]:
    """A refused save leaves the file on the disk as it was, and nothing beside it."""
    place = folder / "saved"
    place.mkdir()
    path = place / "a.blend"
    fresh(twin)
    found = {"allowed": save(path)}
    before = path.read_bytes()
    aim("ai_training")
    (place / "a.blend@").write_text("left behind by a Blender that was killed")
    found["refused"] = save(path)
    found["again"] = attempt(lambda: bpy.ops.wm.save_mainfile())
    found["compressed"] = save(path, compress=True)
    found["copy"] = save(place / "b.blend", copy=True)
    found["incremental"] = attempt(lambda: bpy.ops.wm.save_mainfile(incremental=True))
    (place / "real").mkdir()
    (place / "real" / "c.blend").write_text("old")
    (place / "link.blend").symlink_to(place / "real" / "c.blend")
    found["linked"] = save(place / "link.blend")
    found["same"] = path.read_bytes() == before
    found["files"] = files(place)
    found["folders"] = [item.name for item in place.iterdir() if item.is_dir()]
    aim("make_twin")
    found["after"] = save(path)
    return found


def startup(twin: str) -> dict[str, Any]:
    fresh(twin)
    aim("ai_training")
    path = Path(bpy.utils.user_resource("CONFIG", path="startup.blend"))
    path.parent.mkdir(parents=True, exist_ok=True)
    done = attempt(lambda: bpy.ops.wm.save_homefile())
    return {"done": done, "written": path.exists(), "left": path.with_name("startup.blend@").exists()}


def why(folder: Path, twin: str, expired: str, limited: str) -> dict[str, Any]:
    """Each reason for which a save is refused."""
    path, found = folder / "why.blend", {}
    fresh(expired)
    found["expired"] = save(path)
    fresh(limited)
    found["private"] = save(path)
    aim("render")
    found["not stated"] = save(path)
    said = bpy.context.scene.bodyscan
    said.territory, said.medium = "US", "web"
    found["elsewhere"] = save(path)
    said.territory = "DE"
    found["there"] = save(path)
    said.territory = "Atlantis"
    found["nowhere"] = save(path)
    path.unlink()
    item, *_ = fresh(twin)
    strip(item)
    found["missing"] = save(path)
    found["written"] = path.exists()
    return found


def strip(item: Any) -> None:
    """Take the record out of every place that it stands in."""
    person = people.person_of(item)
    person.consent = None
    del item[people.GLTF_EXTRAS]


def tampered(folder: Path, twin: str) -> dict[str, Any]:
    path, found = folder / "tampered.blend", {}
    item, *_ = fresh(twin)
    text = people.consent_of(item)
    at = text.index('"payload":"') + 40
    people.person_of(item).consent = f"{text[:at]}{'A' if text[at] != 'A' else 'B'}{text[at + 1 :]}"
    found["letter"] = save(path)
    item, *_ = fresh(twin)
    item.name = "chair"
    item.data.name = "chair"
    del item[people.ROLE]
    found["renamed"] = save(path)
    strip(item)
    item.pop(people.CONSENT, None)
    found["renamed and stripped"] = save(path)
    return found


def opened(folder: Path, twin: str) -> dict[str, Any]:
    """A .blend whose twin is refused, as somebody without the add-on's guard wrote it."""
    path, found = folder / "opened.blend", {}
    item, *_ = fresh(twin)
    found["names"] = sorted(bpy.data.objects.keys())
    people.person_of(item).consent = None
    text = item[people.GLTF_EXTRAS]["consent"]
    item[people.GLTF_EXTRAS]["consent"] = ""
    found["before"] = [item.hide_viewport, item.hide_render]
    bpy.data.libraries.write(str(path), {bpy.context.scene})
    empty()
    found["told"] = attempt(lambda: bpy.ops.wm.open_mainfile(filepath=str(path), load_ui=False))
    item = next(iter(guard.twins_in(bpy.context.scene)))
    found["there"] = sorted(bpy.data.objects.keys())
    found["withheld"] = [item.hide_viewport, item.hide_render]
    found["kept"] = len(item.data.vertices) > 0
    found["told once"] = attempt(lambda: [str(bool(guard_withhold.withhold()))])
    people.person_of(item).consent = text
    guard_withhold.withhold()
    found["given back"] = [item.hide_viewport, item.hide_render, guard_withhold.WITHHELD in item]
    return found


def hidden(folder: Path, twin: str) -> dict[str, Any]:
    """A withheld twin that is switched on again is switched off again; its own switches come back."""
    item, *_ = fresh(twin)
    item.hide_viewport = True
    aim("ai_training")
    guard_withhold.withhold()
    first = [item.hide_viewport, item.hide_render]
    item.hide_render = item.hide_viewport = False
    bpy.context.view_layer.update()
    second = [item.hide_viewport, item.hide_render]
    aim("make_twin")
    guard_withhold.withhold()
    return {"first": first, "second": second, "own": [item.hide_viewport, item.hide_render]}


def evidence(folder: Path, twin: str, known: str) -> dict[str, Any]:
    """A withdrawal that arrives in the evidence folder is seen at the next act."""
    item, *_ = fresh(twin)
    place = folder / "evidence"
    (place / "withdrawals").mkdir(parents=True)
    prefer(evidence=str(place))
    found = {"before": verdict(item), "known": guard.verdict_of(item, bpy.context.scene).known}
    (place / "withdrawals" / "ada.json").write_text(Path(known).read_text())
    found["after"] = verdict(item)
    found["save"] = save(folder / "revoked.blend")
    (place / "odd").mkdir()
    found["unreadable"] = verdict(item)
    prefer(evidence=str(folder / "gone"))
    found["gone"] = verdict(item)
    prefer(evidence="")
    found["without"] = verdict(item)
    return found


def edited(folder: Path, twin: str) -> dict[str, Any]:
    """Another body under the same record."""
    path, found = folder / "edited.blend", {}
    item, *_ = fresh(twin)
    basis = item.data.shape_keys.reference_key.points
    was = np.empty(len(basis) * 3, np.float32)
    basis.foreach_get("co", was)
    basis.foreach_set("co", was * np.float32(1.01))
    item.data.update()
    bpy.context.view_layer.update()
    found["larger"] = save(path)
    found["withheld"] = item.hide_viewport
    basis.foreach_set("co", was * np.float32(1 + 1e-5))
    found["packed"] = verdict(item)
    basis.foreach_set("co", was)
    item.data.update()
    bpy.context.view_layer.update()
    found["back"] = [save(path), item.hide_viewport]
    item.data.shape_keys.key_blocks[1].value = 1.0
    found["expression"] = save(path)
    nan = was.copy()
    nan[5] = np.nan
    basis.foreach_set("co", nan)
    found["nan"] = save(path)
    basis.foreach_set("co", was)
    item.scale = (1.1, 1.0, 1.0)
    bpy.context.view_layer.update()
    found["scaled"] = save(path)
    item.scale = (1.0, 1.0, 1.0)
    item.shape_key_clear()
    item.data.clear_geometry()
    found["no mesh"] = save(path)
    return found


def scenes(folder: Path, twin: str) -> dict[str, Any]:
    """Every scene of a file is asked for its own use."""
    item, *_ = fresh(twin)
    other = bpy.data.scenes.new("other")
    other.bodyscan.purpose = "data_mining"
    found = {"empty": save(folder / "scenes.blend")}
    other.collection.objects.link(item)
    found["both"] = save(folder / "scenes.blend")
    other.collection.objects.unlink(item)
    bpy.data.scenes.remove(other)
    item.use_fake_user = True
    for collection in item.users_collection:
        collection.objects.unlink(item)
    aim("data_mining")
    found["nowhere"] = save(folder / "scenes.blend")
    return found


def instanced(twin: str) -> dict[str, Any]:
    """A twin that stands in a scene as an instance alone."""
    item, *_ = fresh(twin)
    person = people.person_of(item)
    scene = bpy.context.scene
    scene.collection.children.unlink(person.collection)
    empty = bpy.data.objects.new("instance", None)
    empty.instance_type, empty.instance_collection = "COLLECTION", person.collection
    scene.collection.objects.link(empty)
    aim("ai_training")
    refused = [one.name for one in guard_withhold.withhold()]
    return {"refused": refused, "withheld": [item.hide_viewport, item.hide_render]}


def linked(folder: Path, twin: str) -> dict[str, Any]:
    """A twin of a linked file, as an instance."""
    path = folder / "library.blend"
    fresh(twin)
    name = people.people_of(bpy.context.scene)[0].collection.name
    found = {"library": save(path)}
    empty()
    with bpy.data.libraries.load(str(path), link=True) as (_, here):
        here.collections = [name]
    instance = bpy.data.objects.new("instance", None)
    instance.instance_type, instance.instance_collection = "COLLECTION", here.collections[0]
    bpy.context.scene.collection.objects.link(instance)
    found["allowed"] = save(folder / "user.blend")
    aim("ai_training")
    found["refused"] = save(folder / "user.blend")
    found["told"] = attempt(lambda: [str(len(guard_withhold.withhold()))])
    found["withheld"] = [instance.hide_viewport, instance.hide_render]
    found["again"] = attempt(lambda: [str(len(guard_withhold.withhold()))])
    aim("make_twin")
    guard_withhold.withhold()
    found["given back"] = [instance.hide_viewport, instance.hide_render]
    return found


def in_edit_mode(folder: Path, twin: str) -> dict[str, Any]:
    """What was edited counts at once for a save; the twin stays in sight until the mode is left."""
    import bmesh

    (item,) = fresh(twin)
    item.shape_key_clear()
    bpy.context.view_layer.objects.active = item
    bpy.ops.object.mode_set(mode="EDIT")
    edited = bmesh.from_edit_mesh(item.data)
    for vertex in edited.verts:
        vertex.co.x *= 1.05
    bmesh.update_edit_mesh(item.data)
    found = {"save": save(folder / "edit.blend"), "shown": item.hide_viewport}
    guard_withhold.withhold()
    found["still shown"] = item.hide_viewport
    bpy.ops.object.mode_set(mode="OBJECT")
    guard_withhold.withhold()
    found["withheld"] = item.hide_viewport
    return found


def unjudged(folder: Path, twin: str) -> dict[str, Any]:
    """Where judging itself fails, nothing is saved."""
    fresh(twin)
    plain = guard.judge

    def broken(*ignored: Any) -> Any:
        raise ZeroDivisionError("a bug")

    guard.judge = broken
    guard.forget_verdicts()
    try:
        done = save(folder / "unjudged.blend")
    finally:
        guard.judge = plain
        guard.forget_verdicts()
    return {"done": done, "written": (folder / "unjudged.blend").exists()}


def undone(twin: str) -> dict[str, Any]:
    """Undo brings back what was there before, and it is judged again."""
    bpy.ops.ed.undo_push(message="start")
    item, *_ = fresh(twin)
    name = item.name
    bpy.ops.ed.undo_push(message="with a twin")
    aim("ai_training")
    bpy.ops.ed.undo_push(message="another use")
    guard_withhold.withhold()
    first = bpy.data.objects[name].hide_viewport
    bpy.ops.ed.undo()
    second = bpy.data.objects[name].hide_viewport
    bpy.ops.ed.redo()
    return {"refused": first, "undone": second, "redone": bpy.data.objects[name].hide_viewport}


def cost(twin: str) -> dict[str, Any]:
    """How often a record is judged while panels are drawn."""
    item, *_ = fresh(twin)
    scene, calls = bpy.context.scene, []
    plain = guard.judge
    guard.judge = lambda *about: calls.append(1) or plain(*about)
    guard.forget_verdicts()
    try:
        for _ in range(20):
            guard.seen(item, scene)
            guard.verdict_of(item, scene)
        once = len(calls)
        aim("render")
        guard.seen(item, scene)
        return {"once": once, "another use": len(calls)}
    finally:
        guard.judge = plain


def strangers(folder: Path) -> dict[str, Any]:
    """Files without a twin are none of the guard's business."""
    empty()
    bpy.ops.mesh.primitive_cube_add()
    aim("ai_training")
    return {"saved": save(folder / "cube.blend"), "written": (folder / "cube.blend").exists()}
