"""The steps one after the other, undone and done again, refused and failed; with the quick command."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path
from typing import Any

import bpy  # pyright: ignore[reportMissingImports]
import numpy as np
from bodyscan_blender import axes, mesh_data, people  # pyright: ignore[reportMissingImports]
from bodyscan_blender.scan import scan_object  # pyright: ignore[reportMissingImports]
from bodyscan_blender.steps import shown_results, step_run  # pyright: ignore[reportMissingImports]

from addon.scripts.stepping import asked, mode, person, redo, run, seen, set_up, undo
from bodyscan.steps.folder import WorkFolder


def positions(item: Any) -> np.ndarray:
    found = np.empty(3 * len(item.data.vertices), np.float32)
    item.data.vertices.foreach_get("co", found)
    return found.reshape(-1, 3)


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    home = set_up(arguments)
    bpy.ops.ed.undo_push(message="start")
    return {
        "refused": refused(home, arguments),
        "in order": in_order(home, arguments),
        "scan": scan_facts(),
        "undo": undone(home),
        "failed": failed(home),
        "chain": chain(home),
        "broken": broken(home),
        "reopened": reopened(home),
        "persons": persons(home, arguments),
    }


def refused(home: Path, arguments: dict[str, Any]) -> dict[str, Any]:
    """What is refused before anything is asked of the command."""
    photos = home / "photos"
    photos.mkdir()
    (photos / "one.jpg").write_bytes(b"")
    tampered = home / "tampered.json"
    text = Path(arguments["consent"]).read_text()
    tampered.write_text(text.replace('"signature":"', '"signature":"A', 1))
    scene = bpy.context.scene.bodyscan
    found = {
        "nothing": run("import_capture"),
        "gone": run("import_capture", filepath=str(home / "gone.ply")),
        "no consent": run("import_capture", filepath=str(home / "bob.ply")),
        "photos": run("import_capture", filepath=str(photos)),
        "tampered": run("import_capture", filepath=arguments["capture"], consent=str(tampered)),
        "consent gone": run("import_capture", filepath=arguments["capture"], consent=str(home / "none.json")),
        "fit": run("fit"),
        "export": run("export_twin", filepath=str(home / "out.glb")),
    }
    scene.purpose = "ai_training"
    found["not covered"] = run("import_capture", filepath=arguments["capture"])
    scene.purpose = "make_twin"
    found["asked"] = len(asked(home))
    found["people"] = len(people.people_of(bpy.context.scene))
    found["folders"] = len(list((home / "people").glob("*"))) if (home / "people").exists() else 0
    return found


def in_order(home: Path, arguments: dict[str, Any]) -> dict[str, Any]:
    """Import, fit, texture, twin, export."""
    found: dict[str, Any] = {
        "import": run("import_capture", filepath=arguments["capture"], unit="cm", up="+z")
    }
    found["scan"] = asked(home)[-1]
    one = person()
    found["name"], found["consent"] = one.name, one.consent == Path(arguments["consent"]).read_text()
    found["private"] = [stat.S_IMODE(path.stat().st_mode) for path in (home / "people", one.folder)]
    found["alone too early"] = run("make_twin", alone=True)
    found["fit"] = run("fit")
    found["fit asked"] = asked(home)[-1]
    found["active"] = bpy.context.view_layer.objects.active.name
    found["surface"] = positions(person().object("surface")).tolist()[:2]
    found["texture"] = run("texture", size="1024", surface="skin")
    found["texture asked"] = asked(home)[-1]
    material = person().object("surface").data.materials[0]
    found["images"] = sorted(node.image.name for node in material.node_tree.nodes if node.type == "TEX_IMAGE")
    found["twin"] = run(
        "make_twin", alone=True, controller_key=str(home / "key.jwk"), pose="t", surface="skin"
    )
    found["twin asked"] = asked(home)[-1]
    found["export"] = run("export_twin", filepath=str(home / "out.glb"), profile="web")
    found["export asked"] = asked(home)[-1]
    key = str(home / "key.jwk")
    found["vrm"] = run("export_twin", filepath=str(home / "out"), target="vrm", controller_key=key)
    found["vrm asked"] = asked(home)[-1]
    found["bad avatar"] = run("export_twin", filepath=str(home / "out.glb"), target="vrm")
    found["exported"] = (home / "out.glb").read_bytes() == Path(arguments["twin"]).read_bytes()
    found["bad ending"] = run("export_twin", filepath=str(home / "out.fbx"))
    found["seen"] = seen()[one.name]
    hidden = {item[people.ROLE]: item.hide_get() for item in person().collection.objects}
    found["hidden"] = hidden
    return found


def scan_facts() -> dict[str, Any]:
    """The scan in the scene is the folder's, turned and not otherwise changed."""
    item, scan = person().object("scan"), WorkFolder(person().folder).scan()
    turned = axes.blender_from_world(scan.mesh.vertices).astype(np.float32)
    faces = np.empty(3 * len(item.data.polygons), np.int32)
    item.data.polygons.foreach_get("vertices", faces)
    colors = np.empty(4 * len(item.data.vertices), np.float32)
    item.data.color_attributes[mesh_data.COLOR].data.foreach_get("color_srgb", colors)
    ids = mesh_data.get_values(item.data, scan_object.SCAN_VERTEX)
    back = np.round(colors.reshape(-1, 4)[:, :3] * 255).astype(int)
    return {
        "same places": bool((positions(item) == turned).all()),
        "same faces": bool((faces.reshape(-1, 3) == scan.mesh.faces).all()),
        "same colours": int(np.abs(back - scan.mesh.colors).max()),
        "same vertices": bool((ids == np.arange(len(ids))).all()),
        "identity": [list(row) for row in item.matrix_world] == np.eye(4).tolist(),
        "valid": not item.data.validate(),
    }


def undone(home: Path) -> dict[str, Any]:
    """Every step can be undone and done again; the folder follows."""
    states = [seen()]
    run("fit")
    states.append(seen())
    moved = positions(person().object("surface"))
    run("fit")
    states.append(seen())
    found: dict[str, Any] = {}
    undo()
    found["second fit undone"] = seen() == states[1]
    found["its surface"] = bool((positions(person().object("surface")) == moved).all())
    undo()
    found["first fit undone"] = seen() == states[0]
    material = person().object("surface").data.materials[0]
    found["textures back"] = sum(node.type == "TEX_IMAGE" for node in material.node_tree.nodes)
    redo()
    redo()
    found["both done again"] = seen() == states[2]
    found["stale"] = [states[2][person().name]["folder"][step][0] for step in ("texture", "twin")]
    return found


def failed(home: Path) -> dict[str, Any]:
    """A step that fails is told in one sentence and changes nothing."""
    found: dict[str, Any] = {}
    before = seen()
    for how in ("input", "consent", "stage", "missing", "bug", "crash"):
        mode(home, fit=how)
        found[how] = run("fit")
        found[f"{how} remembered"] = step_run.failures.get((person().id, "fit")) == found[how]
        found[f"{how} changed nothing"] = seen() == before
    mode(home, fit="damaged")
    found["damaged"] = run("fit")
    found["damaged changed nothing"] = seen() == before
    mode(home, fit="no numbers")
    found["no numbers"] = run("fit")
    found["no numbers changed nothing"] = seen() == before
    mode(home)
    found["afterwards"] = run("fit")
    found["forgotten"] = (person().id, "fit") not in step_run.failures
    mode(home, scan="stage")
    found["import"] = run("import_capture", filepath=str(home / "ada.ply"))
    found["people"] = len(people.people_of(bpy.context.scene))
    found["folders"] = len(list((home / "people").iterdir()))
    mode(home)
    return found


def chain(home: Path) -> dict[str, Any]:
    """All at once: what is missing is run; what was done before a failure stays."""
    found: dict[str, Any] = {}
    count = len(asked(home))
    mode(home, twin="stage")
    found["failed"] = run("make_twin")
    found["asked"] = [one["step"] for one in asked(home)[count:]]
    states = seen()[person().name]
    found["states"] = {step: state[0] for step, state in states["folder"].items()}
    found["textures"] = len(person().object("surface").data.materials[0].node_tree.nodes) > 3
    undo()
    found["undone"] = {step: state[0] for step, state in seen()[person().name]["folder"].items()}
    redo()
    mode(home)
    count = len(asked(home))
    found["again"] = run("make_twin")
    found["asked again"] = [one["step"] for one in asked(home)[count:]]
    count = len(asked(home))
    found["other surface"] = run("make_twin", surface="skin")
    found["asked for another surface"] = [one["step"] for one in asked(home)[count:]]
    return found


def broken(home: Path) -> dict[str, Any]:
    """What a person or a disk may do to scene and folder."""
    found: dict[str, Any] = {}
    one = person()
    one.object("scan").name = "renamed"
    bpy.data.objects.remove(one.object("surface"))
    found["deleted surface"] = run("fit")
    found["surface back"] = person().object("surface") is not None
    bpy.data.meshes.remove(person().object("scan").data)
    found["deleted mesh"] = person().object("scan") is None
    found["show again"] = run("show_again")
    found["scan back"] = person().object("scan") is not None
    surface = person().object("surface")
    bpy.context.view_layer.objects.active = surface
    surface.hide_set(False)
    bpy.ops.object.mode_set(mode="EDIT")
    found["in edit mode"] = run("fit")
    found["mode"] = surface.mode
    scan = person().object("scan")
    scan.hide_set(False)
    bpy.context.view_layer.objects.active = scan
    bpy.ops.object.mode_set(mode="WEIGHT_PAINT")
    found["while painting"] = run("make_twin")
    found["twin while painting"] = person().object("twin") is not None
    run("fit")
    name = shown_results.shown(one)["fit"]
    result = one.folder / "results" / name / "result.json"
    text = result.read_text()
    result.unlink()
    found["result gone"] = run("make_twin", alone=True)
    found["result gone, run again"] = run("fit")
    result.parent.mkdir(exist_ok=True)
    result.write_text(text)
    state = one.folder / "state.json"
    good = state.read_text()
    state.write_text("{")
    found["state damaged"] = run("fit")
    state.write_text(good.replace('"format": 1', '"format": 99'))
    found["another version"] = run("fit")
    state.write_text(good)
    found["mended"] = run("fit")
    moved = one.folder.with_name("elsewhere")
    shutil.move(one.folder, moved)
    found["folder gone"] = run("fit")
    shutil.move(moved, one.folder)
    found["folder back"] = run("fit")
    return found


def reopened(home: Path) -> dict[str, Any]:
    """A file shows the results that it was saved with, whatever was done since."""
    file = home / "ada.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(file))
    saved = seen()
    run("fit")
    found: dict[str, Any] = {"not saved": seen() != saved}
    bpy.ops.wm.open_mainfile(filepath=str(file))
    found["as saved"] = seen() == saved
    for _ in range(9):  # more than the folder keeps
        run("fit")
    bpy.ops.wm.open_mainfile(filepath=str(file))
    found["tidied away"] = seen()[person().name]["folder"]["fit"][0]
    found["scan is kept"] = seen()[person().name]["folder"]["scan"][0]
    found["twin alone"] = run("make_twin", alone=True)
    found["again"] = run("make_twin")
    return found


def persons(home: Path, arguments: dict[str, Any]) -> dict[str, Any]:
    """Several persons, and one that came as a twin."""
    found: dict[str, Any] = {"second": run("import_capture", filepath=arguments["capture"])}
    names = [one.name for one in people.people_of(bpy.context.scene)]
    found["names"] = names
    bpy.context.view_layer.objects.active = None
    found["nobody chosen"] = run("fit")
    found["unknown"] = run("fit", person="Nobody")
    found["chosen"] = run("choose_person", person=names[1])
    found["active"] = people.active_person(bpy.context).name
    bpy.context.view_layer.objects.active = None
    found["by name"] = run("fit", person=names[1])
    found["twin"] = run("import_capture", filepath=arguments["twin"])
    guest = people.people_of(bpy.context.scene)[-1]
    found["twin's folder"] = str(guest.folder)
    found["fit of a twin"] = run("fit", person=guest.id)
    project = home / "project"
    (project / "images").mkdir(parents=True)
    for name in ("images/0.jpg", "transforms.json"):
        (project / name).write_bytes(b"")
    shutil.copyfile(arguments["capture"], project / "mesh.ply")
    shutil.copyfile(arguments["consent"], home / "project.consent.json")
    found["photos"] = run("import_capture", filepath=str(project))
    found["photos asked"] = asked(home)[-1]
    return found
