"""A person's scan and fit before there is a twin: saved, shown, rendered, exported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bodyscan_blender import people
from bodyscan_blender.consent import consent_ops, consent_panel, overlay
from bodyscan_blender.guards import guard, guard_withhold

from addon.scripts.consent_exports import C_EXPORTERS, write
from addon.scripts.consent_scene import aim, attempt, bring, empty, files, prefer, save, verdict
from addon.scripts.recording import draw, words
from addon.scripts.render_marks import quick, render

RINGS = 120
ROLES = ("scan", "surface")


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    folder = Path(arguments["folder"])
    prefer(ledger=str(folder / "ledger.sqlite"))
    text, expired = arguments["consent"], arguments["expired"]
    return {
        "allowed": allowed(folder / "allowed", text),
        "twin too": with_twin(folder / "twin", text, arguments["twin"]),
        "refused": {
            "expired": refused(folder / "expired", expired, "make_twin"),
            "not covered": refused(folder / "purpose", text, "ai_training"),
            "missing": refused(folder / "missing", None, "make_twin"),
            "revoked": revoked(folder / "revoked", text, arguments["evidence"]),
        },
        "copied": copied(folder / "copied", expired),
        "exported": exported(folder / "exported", text),
        "in sight": in_sight(text),
    }


def ball(name: str) -> Any:
    """An object as tall as a person, with enough triangles to be seen in a file's size."""
    turn, rise = np.meshgrid(np.linspace(0, 2 * np.pi, RINGS), np.linspace(0.01, np.pi - 0.01, RINGS))
    places = np.stack([0.3 * np.sin(rise) * np.cos(turn), 0.2 * np.sin(rise) * np.sin(turn)], -1)
    points = np.concatenate([places, 0.9 + 0.9 * np.cos(rise)[..., None]], axis=-1).reshape(-1, 3)
    i, j = (part.ravel() for part in np.mgrid[: RINGS - 1, : RINGS - 1])
    first = i * RINGS + j
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(points.tolist(), [], np.stack([first, first + 1, first + RINGS + 1, first + RINGS], 1))
    return bpy.data.objects.new(name, mesh)


def somebody(folder: Path | None, text: str | None, *roles: str) -> people.Person:
    """A file with one person in it, a camera before them, and what is rendered goes into `folder`."""
    empty()
    scene = bpy.context.scene
    person = people.new_person(scene, "Ada", consent=text)
    for role in roles or ROLES:
        person.add(ball(f"Ada {role}"), role)
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    camera.location, camera.rotation_euler = (0.0, -4.5, 0.9), (1.5708, 0.0, 0.0)
    sun = bpy.data.objects.new("sun", bpy.data.lights.new("sun", "SUN"))
    for one in (camera, sun):
        scene.collection.objects.link(one)
    scene.camera, scene.world = camera, bpy.data.worlds.new("world")
    quick(scene, 240, 320)
    if folder is not None:
        folder.mkdir(exist_ok=True)
        scene.render.filepath = f"{folder}/picture"
    bpy.context.view_layer.update()
    return person


def allowed(folder: Path, text: str) -> dict[str, Any]:
    person = somebody(folder, text)
    scan = person.object("scan")
    found = {
        "verdicts": [verdict(item) for item in guard.likenesses_in(bpy.context.scene)],
        "save": save(folder / "a.blend"),
        "render": render(write_still=True),
        "shown": [scan.hide_viewport, scan.hide_render],
        "twins": len(guard.twins_in(bpy.context.scene)),
        "operator": attempt(lambda: bpy.ops.bodyscan.render(filepath=f"{folder}/own.png")),
    }
    scan.hide_render = person.object("surface").hide_render = True
    found["nobody"] = attempt(lambda: bpy.ops.bodyscan.render(filepath=f"{folder}/nobody.png"))
    found["files"] = files(folder)
    return found


def with_twin(folder: Path, text: str, twin: str) -> dict[str, Any]:
    """Scan and twin of one person in one picture."""
    somebody(folder, text, "scan")
    item = bring(twin)
    people.person_of(item).add(bpy.data.objects["Ada scan"], "scan")
    done = render(write_still=True)
    return {"render": done, "files": files(folder), "people": len(overlay.labels(bpy.context.scene))}


def refused(folder: Path, text: str | None, purpose: str) -> dict[str, Any]:
    person = somebody(folder, text)
    aim(purpose)
    found = {
        "save": save(folder / "a.blend"),
        "render": render(write_still=True),
        "fbx": attempt(lambda: bpy.ops.export_scene.fbx(filepath=str(folder / "a.fbx"))),
        "glb": attempt(lambda: bpy.ops.export_scene.gltf(filepath=str(folder / "a.glb"))),
    }
    guard_withhold.withhold()
    found["withheld"] = [[o.hide_viewport, o.hide_render] for o in map(person.object, ROLES)]
    found["files"] = files(folder)
    return found


def revoked(folder: Path, text: str, evidence: str) -> dict[str, Any]:
    prefer(evidence=evidence)
    try:
        return refused(folder, text, "make_twin")
    finally:
        prefer(evidence="")


def copied(folder: Path, expired: str) -> dict[str, Any]:
    """A copy of a scan, and a scan whose person is gone."""
    person = somebody(folder, expired, "scan")
    item = person.object("scan")
    other = item.copy()
    other.data, other.name = item.data.copy(), "chair"
    bpy.context.scene.collection.objects.link(other)
    bpy.data.objects.remove(item)
    found = {"copy": save(folder / "a.blend")}
    bpy.data.collections.remove(person.collection)
    found["nobody's"] = save(folder / "a.blend")
    found["files"] = files(folder)
    return found


def exported(folder: Path, text: str) -> dict[str, Any]:
    """A scan goes into no file of another program, allowed or not; what stands beside it does."""
    somebody(folder, text, "scan")
    bpy.ops.mesh.primitive_cube_add()

    def fbx(name: str, **options: Any) -> str:
        return attempt(lambda: bpy.ops.export_scene.fbx(filepath=str(folder / name), **options))

    def gltf(name: str, **options: Any) -> str:
        return attempt(lambda: bpy.ops.export_scene.gltf(filepath=str(folder / name), **options))

    found: dict[str, Any] = {"fbx": fbx("all.fbx"), "glb": gltf("all.glb")}
    found["gltf"] = gltf("all.gltf", export_format="GLTF_SEPARATE")
    found["cube fbx"] = fbx("cube.fbx", use_selection=True)
    found["cube glb"] = gltf("cube.glb", use_selection=True)
    found["usd"] = write(folder, "usda")
    text_of_usd = (folder / "twin.usda").read_text()
    found["in usd"] = ['def Mesh "Cube"' in text_of_usd, 'def Mesh "Ada' in text_of_usd]
    found["files"] = files(folder)
    aim("ai_training")
    guard_withhold.withhold()
    sizes = {}
    for name in C_EXPORTERS:
        write(folder, name)
        sizes[name] = (folder / f"twin.{name}").stat().st_size
    found["withheld"] = sizes
    return found


def in_sight(text: str) -> dict[str, Any]:
    """One label and one box a person, though there are scan and surface."""
    person = somebody(None, text)
    labels = overlay.labels(bpy.context.scene)
    found: dict[str, Any] = {"labels": [[item.name, lines, ok] for item, lines, ok in labels]}
    kept = draw(consent_panel.VIEW3D_PT_bodyscan_consent, bpy.context)
    assert kept is not None
    found["panel"] = words(kept)
    person.object("surface").hide_set(True)
    found["other"] = [item.name for item, _, _ in overlay.labels(bpy.context.scene)]
    found["checked"] = attempt(lambda: bpy.ops.bodyscan.check_consents())
    found["forgotten"] = consent_ops.forget(person)
    return found
