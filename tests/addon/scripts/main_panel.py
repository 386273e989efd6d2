"""What the panel Twin draws at each point of a person's way; with the quick command."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy  # pyright: ignore[reportMissingImports]
from bodyscan_blender import task  # pyright: ignore[reportMissingImports]
from bodyscan_blender.steps import fit_step, main_panel, shown_results  # pyright: ignore[reportMissingImports]

from addon.inside import NAME
from addon.scripts.recording import buttons, draw, words
from addon.scripts.stepping import Modal, mode, person, run, set_up

PANEL, ANOTHER = main_panel.VIEW3D_PT_bodyscan, main_panel.VIEW3D_PT_bodyscan_another


def context(width: int = 320) -> Any:
    held = bpy.context
    return SimpleNamespace(
        scene=held.scene,
        active_object=held.view_layer.objects.active,
        region=SimpleNamespace(width=width),
        preferences=held.preferences,
    )


def look(width: int = 320) -> dict[str, Any]:
    drawn = draw(PANEL, context(width))
    assert drawn is not None
    return {
        "words": words(drawn),
        "buttons": buttons(drawn),
        "fields": [one.name for one in drawn if one.kind == "prop"],
        "icons": [one.icon for one in drawn if one.kind == "label" and one.text in STEPS],
        "longest": max(len(one.text) for one in drawn if one.kind == "label"),
    }


STEPS = ("Import", "Fit", "Texture", "Rig", "Export")


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    home = set_up(arguments)
    said = bpy.context.scene.bodyscan_steps
    found: dict[str, Any] = {"empty": look()}
    found["another hidden"] = draw(ANOTHER, context()) is None
    said.capture = str(home / "gone.ply")
    found["gone"] = look()
    said.capture = str(home / "bob.ply")
    found["no consent"] = look()
    run("choose_capture", filepath=arguments["capture"])
    found["chosen"] = [said.capture, said.consent]
    said.unit = "mm"
    found["ready"] = look()
    said.capture = arguments["twin"]
    found["a twin"] = look()
    said.capture = arguments["capture"]
    mode(home, scan="stage")
    run("import_capture", filepath=arguments["capture"])
    found["import failed"] = look()
    mode(home)
    run("import_capture", filepath=arguments["capture"])
    found["imported"] = look()
    found["another shown"] = buttons(draw(ANOTHER, context()) or [])
    mode(home, fit="hang")
    operator = Modal(fit_step.BODYSCAN_OT_fit, person=person().id)
    operator.start(operator.context)
    operator.tick_until(lambda: "made up fit" in task.current().progress.words)
    found["running"] = look()
    operator.event("ESC", "PRESS")
    mode(home, fit="poor")
    run("fit")
    found["poor"] = look()
    mode(home, twin="stage")
    run("make_twin")
    found["twin failed"] = look()
    mode(home)
    said.controller_key = str(home / "key.jwk")
    said.pose = "t"
    run("make_twin")
    found["made"] = look()
    found["narrow"] = look(width=180)["longest"], look(width=600)["longest"]
    run("export_twin", filepath=str(home / "out.glb"))
    found["exported"] = look()
    run("fit")
    found["out of date"] = look()
    bpy.data.objects.remove(person().object("surface"))
    found["deleted"] = look()
    run("import_capture", filepath=arguments["capture"])
    found["two"] = look()
    bpy.context.view_layer.objects.active = None
    found["nobody chosen"] = look()
    bpy.context.view_layer.objects.active = person().object("scan")
    begun = time.perf_counter()
    for _ in range(100):
        draw(PANEL, context())
    found["ms a drawing"] = 10 * (time.perf_counter() - begun)
    result = person().folder / "results" / shown_results.shown(person())["scan"]
    moved = result.rename(home / "away")
    found["result gone"] = look()
    moved.rename(result)
    bpy.context.view_layer.objects.active = person(0).object("scan")
    shown_results.note(person(0), {"scan": SimpleNamespace(result="scan-000000000000")})
    found["lost"] = look()
    bpy.context.view_layer.objects.active = person(1).object("scan")
    shutil.rmtree(person(1).folder)
    found["folder gone"] = look()
    bpy.context.preferences.addons[NAME].preferences.command = str(home / "no-command")
    found["no command"] = look()
    found["place"] = [PANEL.bl_idname, PANEL.bl_category, PANEL.bl_order, PANEL.bl_space_type]
    found["parent"] = ANOTHER.bl_parent_id
    found["home"] = str(Path(home))
    return found
