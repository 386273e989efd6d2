"""An artist's session: a scan comes in, the fit is set right, the twin smiles, is rendered and sent.

With `evidence` that says that the person took the consent back, the same is refused at every door.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import bpy  # pyright: ignore[reportMissingImports]
import numpy as np
from bodyscan_blender import people  # pyright: ignore[reportMissingImports]
from bodyscan_blender.edit import landmarks  # pyright: ignore[reportMissingImports]
from mathutils import Vector  # pyright: ignore[reportMissingImports]

from addon.inside import NAME
from addon.scripts.stepping import person, run
from bodyscan.steps.folder import WorkFolder

MOVED = "left_wrist"
MOVED_BY_M = 0.012


def set_up(home: Path, programs: str) -> None:
    preferences = bpy.context.preferences.addons[NAME].preferences
    preferences.work_root = str(home / "people")
    preferences.ledger = str(home / "ledger.sqlite")
    os.environ["PATH"] = os.pathsep.join([programs, os.environ["PATH"]])


def studio(item: Any) -> None:
    """A camera before the person's face and chest, a light, and a small picture."""
    scene = bpy.context.scene
    top = max((item.matrix_world @ Vector(corner)).z for corner in item.bound_box)
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    light = bpy.data.objects.new("light", bpy.data.lights.new("light", "AREA"))
    for one in (camera, light):
        scene.collection.objects.link(one)
    camera.location, camera.rotation_euler = (0.0, -1.5, top - 0.25), (np.pi / 2, 0, 0)
    light.location, light.rotation_euler = (0.8, -2.0, top + 0.6), (np.pi / 3, 0, 0.4)
    light.data.energy, light.data.size = 120.0, 1.5
    scene.camera = camera
    scene.world = bpy.data.worlds.new("grey")
    scene.render.engine = "CYCLES"
    scene.cycles.device, scene.cycles.samples, scene.cycles.use_denoising = "CPU", 8, False
    scene.render.resolution_x, scene.render.resolution_y = 480, 480


def session(home: Path, scan: str, consent: str) -> dict[str, Any]:
    """From the scan to the exported twin; what each operator raised, and what is in the scene."""
    said = {"import": run("import_capture", filepath=scan, consent=consent), "fit": run("fit")}
    one = person()
    first = WorkFolder(one.folder).state()["fit"].result
    said["landmarks"] = run("landmarks_show")
    wrist = landmarks.by_name(one)[MOVED]
    wrist.location.x += MOVED_BY_M
    said["refit"] = run("refit")
    state = WorkFolder(one.folder).state()["fit"]
    said["rig"] = run("make_twin", size="1024", pose="a")
    said["smile"] = run("expression", expression="smile")
    body = one.object("twin")
    keys = {key.name: key.value for key in body.data.shape_keys.key_blocks if key.value > 0}
    studio(body)
    bpy.context.scene.bodyscan.purpose = "render"
    said["render"] = run("render", undo=False, filepath=str(home / "smile.png"))
    bpy.context.scene.bodyscan.purpose = "export"
    said["export"] = run("export_twin", filepath=str(home / "twin.glb"))
    said["save"] = saved(home / "scene.blend")
    bpy.context.scene.bodyscan.purpose = "make_twin"
    return {
        "said": {name: words for name, words in said.items() if words},
        "placed": list(state.values["placed"]),
        "first fit is kept": first in WorkFolder(one.folder).results("fit"),
        "roles": sorted({str(item[people.ROLE]) for item in one.collection.all_objects}),
        "bones": len(one.object("armature").data.bones),
        "smile": keys,
        "saved": (home / "scene.blend").exists(),
    }


def saved(path: Path) -> str:
    try:
        bpy.ops.wm.save_as_mainfile(filepath=str(path), check_existing=False)
    except RuntimeError as error:
        return str(error)
    return ""


def refused(home: Path, scan: str, consent: str, evidence: str) -> dict[str, Any]:
    """The same after the person took the consent back: every door is shut, and nothing appears."""
    bpy.context.preferences.addons[NAME].preferences.evidence = evidence
    before = sorted(path.name for path in home.iterdir())
    bpy.context.scene.bodyscan.purpose = "render"
    said = {"render": run("render", undo=False, filepath=str(home / "late.png"))}
    bpy.context.scene.bodyscan.purpose = "export"
    said["export"] = run("export_twin", filepath=str(home / "late.glb"))
    said["save"] = saved(home / "late.blend")
    said["fit"] = run("refit")
    said["rig"] = run("make_twin", size="1024")
    people_before = len(people.people_of(bpy.context.scene))
    said["import"] = run("import_capture", filepath=scan, consent=consent)
    return {
        "said": said,
        "appeared": sorted(set(path.name for path in home.iterdir()) - set(before)),
        "new people": len(people.people_of(bpy.context.scene)) - people_before,
    }


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    home = Path(arguments["home"])
    set_up(home, arguments["programs"])
    given = arguments["scan"], arguments["consent"]
    return {
        "session": session(home, *given),
        "refused": refused(home, *given, arguments["evidence"]),
    }
