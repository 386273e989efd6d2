"""Renders of twins: marked where they appear, and not rendered where they may not be."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import bpy
from bodyscan_blender import people
from bodyscan_blender.guards import guard_render, guard_view

from addon.scripts.consent_scene import aim, attempt, empty, files, fresh, prefer

SETTINGS = ("filepath", "use_stamp", "stamp_note_text", "use_border", "border_max_x", "use_stamp_date")


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    folder = Path(arguments["folder"])
    temporary = folder / "temporary"
    temporary.mkdir()
    tempfile.tempdir = str(temporary)
    prefer(ledger=str(folder / "ledger.sqlite"))
    twin, other, expired = arguments["twin"], arguments["other"], arguments["expired"]
    found = {
        "stills": stills(folder / "stills", twin),
        "frames": frames(folder / "frames", twin),
        "by hand": by_hand(folder / "hand", twin),
        "operator": operator(folder / "operator", twin),
        "several": several(folder / "several", twin, other),
        "refused": refused(folder / "refused", twin, expired),
        "unmarkable": unmarkable(folder / "unmarkable", twin),
        "elsewhere": elsewhere(folder / "elsewhere", twin),
        "late": late(folder / "late", twin, arguments["revoked"]),
        "ledger": ledger(folder / "ledger", twin),
        "plain": plain(folder / "plain"),
        "saved": saved(folder / "saved", twin),
        "posed": posed(folder / "posed", arguments["still"]),
    }
    found["left"] = len(list(temporary.iterdir()))
    return found


def studio(folder: Path, *twins: str, width: int = 240, height: int = 320) -> list[Any]:
    """A scene with twins side by side, a camera and light; what is rendered goes into `folder`."""
    items = fresh(*twins)
    for number, item in enumerate(items):
        for one in people.person_of(item).objects("armature"):
            one.location.x = 2.0 * number
    scene = bpy.context.scene
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    camera.location, camera.rotation_euler = (0.3 * len(items), -4.5, 1.0), (1.5708, 0.0, 0.0)
    sun = bpy.data.objects.new("sun", bpy.data.lights.new("sun", "SUN"))
    sun.rotation_euler = (0.7, 0.2, 0.3)
    for one in (camera, sun):
        scene.collection.objects.link(one)
    scene.camera = camera
    scene.world = bpy.data.worlds.new("world")
    quick(scene, width, height)
    scene.render.filepath = f"{folder}/picture"
    return items


def quick(scene: Any, width: int, height: int) -> None:
    scene.render.engine = "CYCLES"
    scene.cycles.device, scene.cycles.samples, scene.cycles.use_denoising = "CPU", 2, False
    scene.render.resolution_x, scene.render.resolution_y = width, height
    scene.render.resolution_percentage = 100


def own(scene: Any) -> dict[str, Any]:
    """The settings that a render changes for a while."""
    return {name: getattr(scene.render, name) for name in SETTINGS}


def render(**options: Any) -> str:
    return attempt(lambda: bpy.ops.render.render(**options))


def stills(folder: Path, twin: str) -> dict[str, Any]:
    studio(folder, twin)
    scene = bpy.context.scene
    scene.bodyscan_reference = "Spring, look 1"
    found: dict[str, Any] = {}
    before = own(scene)
    for kind in ("PNG", "JPEG", "WEBP"):
        scene.render.image_settings.file_format = kind
        scene.render.filepath = f"{folder}/{kind.lower()}"
        found[kind] = render(write_still=True)
    scene.render.filepath = before["filepath"]
    found["own settings"] = own(scene) == before
    found["files"] = files(folder)
    return found


def frames(folder: Path, twin: str) -> dict[str, Any]:
    """An animation; a second run that leaves what is there."""
    items = studio(folder, twin)
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, 2
    armature = people.person_of(items[0]).object("armature")
    for frame in (1, 3):
        armature.location.x = 0.1 * frame
        armature.keyframe_insert("location", frame=frame)
    found = {"first": render(animation=True), "files": files(folder)}
    times = [path.stat().st_mtime_ns for path in sorted(folder.iterdir())]
    scene.render.use_overwrite, scene.frame_end = False, 3
    found["second"] = render(animation=True)
    found["kept"] = [path.stat().st_mtime_ns for path in sorted(folder.iterdir())][:2] == times
    found["all"] = files(folder)
    return found


def by_hand(folder: Path, twin: str) -> dict[str, Any]:
    """What is left in Blender carries the stamp and nothing of the machine's names."""
    studio(folder, twin)
    folder.mkdir()
    scene = bpy.context.scene
    scene.render.use_stamp_hostname = scene.render.use_stamp_date = True
    found = {"done": render()}
    bpy.data.images["Render Result"].save_render(f"{folder}/result.png")
    found["files"] = files(folder)
    found["own"] = [scene.render.use_stamp, scene.render.use_stamp_hostname, scene.render.stamp_note_text]
    return found


def operator(folder: Path, twin: str) -> dict[str, Any]:
    studio(folder, twin)
    named = attempt(lambda: bpy.ops.bodyscan.render(filepath=f"{folder}/named.png"))
    aim("ai_training")
    refused = attempt(lambda: bpy.ops.bodyscan.render(filepath=f"{folder}/never.png"))
    aim("render")
    bpy.context.scene.render.image_settings.file_format = "OPEN_EXR"
    exr = attempt(lambda: bpy.ops.bodyscan.render())
    return {"named": named, "refused": refused, "exr": exr, "files": files(folder)}


def several(folder: Path, twin: str, other: str) -> dict[str, Any]:
    """Two people in one picture, the second nearer to the camera."""
    items = studio(folder, twin, other, width=400, height=300)
    armature = people.person_of(items[1]).object("armature")
    armature.location.y = -1.5
    armature.location.x = 0.8
    bpy.context.view_layer.update()
    shares = [guard_view.share_of_picture(item, bpy.context.scene) for item in items]
    return {"done": render(write_still=True), "files": files(folder), "shares": shares}


def refused(folder: Path, twin: str, expired: str) -> dict[str, Any]:
    """No picture, no frame, and the scene's own border afterwards."""
    found = {}
    studio(folder, expired)
    scene = bpy.context.scene
    scene.render.use_border, scene.render.border_max_x = True, 0.5
    before = own(scene)
    for engine in ("CYCLES", "BLENDER_WORKBENCH", *eevee()):
        scene.render.engine = engine
        found[engine] = render(write_still=True)
        found[f"{engine} frames"] = render(animation=True)
    found["own settings"] = own(scene) == before
    studio(folder, twin)
    item = next(iter(bpy.context.scene.objects))
    for one in bpy.context.scene.objects:
        if people.is_twin(one):
            item = one
    people.person_of(item).consent = None
    del item[people.GLTF_EXTRAS]
    found["missing"] = render(write_still=True)
    found["files"] = files(folder)
    return found


def eevee() -> tuple[str, ...]:
    known = bpy.types.RenderSettings.bl_rna.properties["engine"].enum_items.keys()
    return tuple(name for name in known if "EEVEE" in name)


def unmarkable(folder: Path, twin: str) -> dict[str, Any]:
    """What cannot carry marks is told before anything is rendered."""
    studio(folder, twin)
    scene, found = bpy.context.scene, {}
    settings = scene.render.image_settings
    for kind in ("OPEN_EXR", "TIFF", "BMP"):
        settings.file_format = kind
        found[kind] = render(write_still=True)
    if hasattr(settings, "media_type"):
        settings.media_type = "VIDEO"
    settings.file_format = "FFMPEG"
    found["film"] = render(animation=True)
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format = "PNG"
    settings.color_mode, scene.render.film_transparent = "RGBA", True
    found["transparent"] = render(write_still=True)
    scene.render.film_transparent = False
    scene.render.use_multiview = True
    found["stereo"] = render(write_still=True)
    scene.render.use_multiview = False
    scene.render.resolution_x = scene.render.resolution_y = 60
    found["tiny"] = render(write_still=True)
    scene.render.resolution_x, scene.render.resolution_y = 240, 320
    output = file_output(scene, folder)
    found["file output"] = render(write_still=True)
    output.mute = True
    found["muted"] = render(write_still=True)
    found["files"] = files(folder)
    return found


def file_output(scene: Any, folder: Path) -> Any:
    """A compositor that writes a picture by itself."""
    if hasattr(scene, "compositing_node_group"):
        scene.compositing_node_group = bpy.data.node_groups.new("compositor", "CompositorNodeTree")
        tree = scene.compositing_node_group
    else:
        scene.use_nodes = True
        tree = scene.node_tree
    node = tree.nodes.new("CompositorNodeOutputFile")
    layers = tree.nodes.new("CompositorNodeRLayers")
    if hasattr(node, "base_path"):
        node.base_path = str(folder / "nodes")
        tree.links.new(layers.outputs[0], node.inputs[0])
    else:
        node.directory = str(folder / "nodes")
    return node


def elsewhere(folder: Path, twin: str) -> dict[str, Any]:
    """A twin in the set of a scene, in its strips, as an instance; and one that no render shows."""
    items = studio(folder, twin)
    scene, found = bpy.context.scene, {}
    other = bpy.data.scenes.new("stage")
    quick(other, 240, 320)
    other.camera, other.render.filepath = scene.camera, f"{folder}/set"
    other.background_set = scene
    scene.bodyscan.purpose = "ai_training"
    found["set"] = attempt(lambda: bpy.ops.render.render(write_still=True, scene="stage"))
    other.background_set = None
    editor = other.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    strips.new_scene("strip", scene, 1, 1)
    found["strip"] = attempt(lambda: bpy.ops.render.render(write_still=True, scene="stage"))
    bpy.data.scenes.remove(other)
    scene.bodyscan.purpose = "render"
    items[0].hide_render = True
    found["switched off"] = render(write_still=True)
    found["files"] = files(folder)
    return found


def late(folder: Path, twin: str, revoked: str) -> dict[str, Any]:
    """A consent that is withdrawn while frames are rendered."""
    studio(folder, twin)
    known = folder.parent / "late_evidence"
    (known / "withdrawals").mkdir(parents=True)
    prefer(evidence=str(known))
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = 1, 2

    def arrives(*ignored: Any) -> None:
        if scene.frame_current == 2:
            (known / "withdrawals" / "ada.json").write_text(Path(revoked).read_text())

    bpy.app.handlers.render_pre.append(arrives)
    try:
        done = render(animation=True)
    finally:
        bpy.app.handlers.render_pre.remove(arrives)
        prefer(evidence="")
    return {"done": done, "files": files(folder)}


def ledger(folder: Path, twin: str) -> dict[str, Any]:
    """Where the use cannot be written down no picture appears."""
    studio(folder, twin)
    folder.mkdir()
    was = str(folder.parent / "ledger.sqlite")
    prefer(ledger=str(folder))
    found = {"still": render(write_still=True), "operator": attempt(lambda: bpy.ops.bodyscan.render())}
    prefer(ledger=was)
    return {**found, "files": files(folder)}


def plain(folder: Path) -> dict[str, Any]:
    """A scene without a twin is rendered as ever, in any format."""
    empty()
    bpy.ops.mesh.primitive_cube_add()
    camera = bpy.data.objects.new("camera", bpy.data.cameras.new("camera"))
    bpy.context.scene.collection.objects.link(camera)
    scene = bpy.context.scene
    scene.camera = camera
    quick(scene, 40, 40)
    aim("ai_training")
    scene.render.filepath = f"{folder}/cube"
    scene.render.image_settings.file_format = "OPEN_EXR"
    found = {"done": render(write_still=True)}
    found["operator"] = attempt(lambda: bpy.ops.bodyscan.render(filepath=f"{folder}/named.exr"))
    return {**found, "files": files(folder)}


def saved(folder: Path, twin: str) -> dict[str, Any]:
    """A file that is saved while it renders holds the scene's own settings."""
    studio(folder, twin)
    folder.mkdir()
    scene, told = bpy.context.scene, []
    own_path = scene.render.filepath

    def save(*ignored: Any) -> None:
        told.append(scene.render.filepath != own_path)
        bpy.ops.wm.save_as_mainfile(filepath=f"{folder}/during.blend", copy=True)
        told.append(scene.render.filepath != own_path)

    bpy.app.handlers.render_pre.append(save)
    try:
        found = {"done": render(write_still=True), "changed": told}
    finally:
        bpy.app.handlers.render_pre.remove(save)
    with bpy.data.libraries.load(f"{folder}/during.blend") as (there, here):
        here.scenes = there.scenes
    found["path"] = here.scenes[0].render.filepath == own_path
    found["stamp"] = here.scenes[0].render.use_stamp
    return found


def posed(folder: Path, still: str) -> dict[str, Any]:
    """A record that allows no pose allows pictures of the twin at rest."""
    (item,) = studio(folder, still)
    scene = bpy.context.scene
    found = {"rest": render(write_still=True)}
    key = item.data.shape_keys.key_blocks[1]
    key.value = 0.6
    found["expression"] = render(write_still=True)
    key.value = 0.0
    bone = people.person_of(item).object("armature").pose.bones[3]
    bone.rotation_mode = "XYZ"
    bone.rotation_euler = (0.4, 0.0, 0.0)
    found["pose"] = render(write_still=True)
    bone.rotation_euler = (0.0, 0.0, 0.0)
    cloth = bpy.data.objects.new("shirt", bpy.data.meshes.new("shirt"))
    people.person_of(item).add(cloth, "garment")
    found["clothes"] = render(write_still=True)
    assert guard_render.scenes_shown(scene) == [scene]
    return found
