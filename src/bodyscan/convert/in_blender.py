"""The one file that imports Blender. It is run as a script and never imported by the package.

    python in_blender.py job.json

The job names the GLB, the record, the format -> path of each output, and the working folder. Each output is
read again; the positions and joints that it then has are left in the working folder as `FORMAT.npz`, for the
caller to judge. The answer is one line on standard output that begins with `BODYSCAN-CONVERT ` and goes on in
JSON. The process ends with whoever holds the other end of its standard input: it outlives no killed parent.

How the formats are written was found by trying:

- Blender's own world is Z up. Its exporters bring that to Y up with a turn by -90 degrees on the topmost
  node, and, in FBX, with a scale of 100 there, which engines then show on every twin. Here the GLB is read
  without its axes being turned (what Blender's glTF reader does at debug value 100), and written without
  being turned back, under a header that says Y up and metres: every node stands at identity, every joint has
  the frame that it has in the GLB, and the positions keep their bits.
- Bones are read with the joint's own axes (no guessing which way a bone points), so that the exporter's
  default axes of bones, Y and X, change nothing.
- The .blend is for people who open it in Blender, so it is Blender's own import: Z up, bones that point to
  the next joint.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

MARK = "BODYSCAN-CONVERT "
PROPERTY = "bodyscan_consent"
"""Name of the record's property on nodes, of its custom data and, with `.json`, of its text block."""
ABOUT = "bodyscan_twin"
"""Name of the property that holds what else the GLB says of the twin, as JSON text."""
BONE_LENGTH_M = 1 / 16
ROUNDING = 1e-6
"""Of float32 matrices near the identity."""
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
LEAST_ROOM_BYTES = 1 << 20

bpy: Any = None
"""Its modules are made at run time and unknown to a type checker. Imported once the watch has begun."""


class Problem(Exception):
    """Something that the caller is told; `kind` is `missing`, `input`, `disk` or `stage`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def end_with_parent() -> None:
    """Wait until the parent is gone, then end this process."""
    # Not sys.stdin: a thread that waits inside its lock aborts Python's shutdown.
    while os.read(0, 64):
        pass
    end_now()


def end_now() -> None:
    """End this process without Blender's own way out, which was seen to hang while a thread waits."""
    os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))


def load_blender() -> None:
    """Import Blender and put its own USD library where Python finds it."""
    global bpy
    try:
        import bpy as loaded  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise Problem("missing", str(error)) from None
    bpy = loaded
    libraries = Path(bpy.utils.system_resource("PYTHON")) / "lib"
    sys.path += [str(path) for path in sorted(libraries.glob("python3.*/site-packages"))]
    # Last of all, so that no name in this folder hides another module.
    sys.path.append(str(Path(__file__).parent))


def read_twin(glb: Path, *, turned: bool) -> tuple[Any, Any]:
    """Read the GLB into an empty scene; return armature and body.

    `turned`: to Blender's Z up, with bones that point to the next joint; else all as it stands in the file.
    """
    from skin_material import no_metal  # pyright: ignore[reportMissingImports]

    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.app.debug_value = 0 if turned else 100
    bones = "TEMPERANCE" if turned else "BLENDER"
    try:
        bpy.ops.import_scene.gltf(filepath=str(glb), bone_heuristic=bones, disable_bone_shape=True)
    except RuntimeError as error:
        raise Problem("input", f"Blender cannot read the GLB: {last_line(error)}") from None
    finally:
        bpy.app.debug_value = 0
    for image in bpy.data.images:
        # An image without a path is embedded under the name of the folder that the file happens to be in; the
        # GLB's name for it becomes a file's name, and may lead nowhere else.
        image.name = re.sub(r"[^\w-]", "_", image.name)
        image.filepath_raw = f"{image.name}.{'jpg' if image.file_format == 'JPEG' else 'png'}"
    no_metal(bpy.data.materials)
    armature, body = armature_and_body()
    if not turned:
        straighten(armature)
    return armature, body


def straighten(armature: Any) -> None:
    """Take the rounding out of the frames of bones that have the world's axes, as a plain twin's all have.

    Blender keeps a bone's ends and divides by their distance. Over a power of two that leaves no remainder.
    """
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for bone in armature.data.edit_bones:
        if np.abs(np.array(bone.matrix)[:3, :3] - np.eye(3)).max() < ROUNDING:
            bone.tail = bone.head
            bone.tail.y += BONE_LENGTH_M
            bone.roll = 0.0
    bpy.ops.object.mode_set(mode="OBJECT")


def armature_and_body() -> tuple[Any, Any]:
    """Return the one armature and the one mesh that it moves."""
    armatures = [item for item in bpy.data.objects if item.type == "ARMATURE"]
    bodies = [item for item in bpy.data.objects if item.type == "MESH"]
    if len(armatures) != 1 or len(bodies) != 1:
        raise Problem(
            "stage", f"Blender sees {len(armatures)} armatures and {len(bodies)} meshes in place of one."
        )
    return armatures[0], bodies[0]


def plain_properties(armature: Any, body: Any, record: str) -> None:
    """Replace the nested property of the GLB, which FBX and USD cannot hold, by plain texts."""
    about = body["bodyscan"].to_dict() if "bodyscan" in body else {}
    about.pop("consent", None)
    for item in (armature, body, body.data, armature.data):
        for name in list(item.keys()):
            del item[name]
    armature[PROPERTY] = record
    body[PROPERTY] = record
    body[ABOUT] = json.dumps(about, ensure_ascii=False, sort_keys=True)


def write_fbx(path: Path) -> list[str]:
    """Write the scene, which is read unturned, as FBX; return the exporter's warnings."""
    from io_scene_fbx import export_fbx_bin, fbx_utils  # pyright: ignore[reportMissingImports]

    warnings: list[str] = []

    class Reports:
        def report(self, level: set[str], message: str) -> None:
            if level & {"ERROR", "ERROR_INVALID_INPUT"}:
                raise Problem("stage", f"Blender's FBX exporter says: {message}")
            warnings.append(message)

    # The exporter would write the absolute path of a working folder that is soon gone, and the clock's time.
    export_fbx_bin._gen_vid_path = lambda image, _: (image.filepath, image.filepath)
    header: Callable[..., Any] = export_fbx_bin.fbx_header_elements
    export_fbx_bin.fbx_header_elements = lambda root, data, time=None: header(
        root, data, datetime(1970, 1, 1, tzinfo=UTC)
    )
    transform: Callable[..., Any] = fbx_utils.ObjectWrapper.fbx_object_tx

    def with_exact_scale(*arguments: Any, **options: Any) -> Any:
        place, turn, scale, *rest = transform(*arguments, **options)
        # Bones have no scale, but their matrices have the last bit of one.
        if all(abs(part - 1.0) < ROUNDING for part in scale):
            scale = type(scale)((1.0, 1.0, 1.0))
        return (place, turn, scale, *rest)

    fbx_utils.ObjectWrapper.fbx_object_tx = with_exact_scale
    export_fbx_bin.save_single(
        Reports(),
        bpy.context.scene,
        bpy.context.evaluated_depsgraph_get(),
        filepath=str(path),
        apply_unit_scale=True,
        apply_scale_options="FBX_SCALE_ALL",
        axis_up="Y",
        axis_forward="-Z",
        context_objects=bpy.context.view_layer.objects,
        object_types={"ARMATURE", "MESH"},
        use_mesh_modifiers=False,
        mesh_smooth_type="FACE",
        bake_anim=False,
        add_leaf_bones=False,
        use_armature_deform_only=False,
        primary_bone_axis="Y",
        secondary_bone_axis="X",
        armature_nodetype="NULL",
        use_tspace=False,
        path_mode="COPY",
        embed_textures=True,
        use_custom_props=True,
    )
    return warnings


def write_usdz(path: Path, record: str) -> None:
    """Write the scene, which is read unturned, as USDZ."""
    from usd_layer import finish_layer, pack  # pyright: ignore[reportMissingImports]

    folder = path.parent / "usd"
    folder.mkdir()
    layer = folder / "twin.usdc"
    done = bpy.ops.wm.usd_export(
        filepath=str(layer),
        root_prim_path="/twin",
        convert_orientation=False,
        convert_scene_units="METERS",
        export_animation=False,
        export_armatures=True,
        only_deform_bones=False,
        export_shapekeys=True,
        export_subdivision="IGNORE",
        export_normals=True,
        export_uvmaps=True,
        rename_uvmaps=True,
        export_materials=True,
        generate_preview_surface=True,
        export_textures_mode="NEW",
        relative_paths=True,
        export_custom_properties=True,
        author_blender_name=False,
        allow_unicode=True,
        convert_world_material=False,
        export_cameras=False,
        export_lights=False,
    )
    if "FINISHED" not in done or not layer.is_file():
        raise Problem("stage", "Blender could not write the USD layer.")
    try:
        finish_layer(layer, PROPERTY, record)
    except Exception as error:
        raise cut_short("USD layer", error) from None
    if not pack(layer, path):
        raise Problem("stage", "The USDZ package could not be written.")


def write_blend(path: Path, armature: Any, body: Any, record: str) -> None:
    """Write the scene, which is read turned, as .blend with everything inside."""
    for item in (armature, body):
        item[PROPERTY] = record
    # Where a GLB that is made of the .blend has it.
    if "bodyscan" not in body:
        body["bodyscan"] = {"consent": record}
    text = bpy.data.texts.new(f"{PROPERTY}.json")
    text.from_string(record)
    text.use_fake_user = True
    bpy.ops.file.pack_all()
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=True, check_existing=False)


def look_at_scene() -> dict[str, Any]:
    """Return what the open scene, Blender's Z up, holds of the twin, in glTF axes."""
    armature, body = armature_and_body()
    points = np.empty(len(body.data.vertices) * 3, np.float32)
    body.data.vertices.foreach_get("co", points)
    heads = np.array([bone.head_local for bone in armature.data.bones])
    keys = body.data.shape_keys
    places = {f"a property of the node {item.name}": item.get(PROPERTY) for item in (body, armature)}
    places |= {f"the text {text.name}": text.as_string() for text in bpy.data.texts}
    return {
        "positions": y_up(points.reshape(-1, 3), body),
        "joints": y_up(heads, armature),
        "joint_names": [bone.name for bone in armature.data.bones],
        "shapes": [key.name for key in keys.key_blocks][1:] if keys else [],
        "triangles": len(body.data.polygons),
        "images": sum(1 for image in bpy.data.images if image.packed_file is not None),
        "places": places,
    }


def y_up(points: np.ndarray, item: Any) -> np.ndarray:
    """Return points (N, 3) of an object in the world, in glTF axes."""
    matrix = np.array(item.matrix_world)
    world = points @ matrix[:3, :3].T + matrix[:3, 3]
    return np.stack([world[:, 0], world[:, 2], -world[:, 1]], axis=1)


def look_at_fbx(path: Path) -> dict[str, Any]:
    """Read an FBX anew and return what it holds."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.fbx(filepath=str(path), use_custom_props=True)
    return look_at_scene()


def look_at_blend(path: Path) -> dict[str, Any]:
    """Read a .blend anew and return what it holds."""
    bpy.ops.wm.open_mainfile(filepath=str(path), load_ui=False, use_scripts=False)
    return look_at_scene()


def convert(job: dict[str, Any]) -> dict[str, Any]:
    """Write every output of the job, read each again, and return what was found in it."""
    load_blender()
    from skin_material import plain_roughness  # pyright: ignore[reportMissingImports]
    from usd_layer import look_at_package  # pyright: ignore[reportMissingImports]

    outputs = {name: Path(path) for name, path in job["outputs"].items()}
    glb, record = Path(job["glb"]), job["record"]
    warnings: list[str] = []
    if {"fbx", "usdz"} & outputs.keys():
        plain_properties(*read_twin(glb, turned=False), record)
        if "usdz" in outputs:
            write_usdz(outputs["usdz"], record)
        if "fbx" in outputs:
            plain_roughness(bpy.data.materials)
            warnings = write_fbx(outputs["fbx"])
    if "blend" in outputs:
        write_blend(outputs["blend"], *read_twin(glb, turned=True), record)
    answer: dict[str, Any] = {"blender": bpy.app.version_string, "files": {}}
    looks = {
        "fbx": look_at_fbx,
        "usdz": lambda package: look_at_package(package, PROPERTY),
        "blend": look_at_blend,
    }
    for name, path in outputs.items():
        try:
            found = looks[name](path)
        except Problem:
            raise
        except Exception as error:
            raise cut_short(name, error) from None
        np.savez(
            Path(job["folder"]) / f"{name}.npz", positions=found.pop("positions"), joints=found.pop("joints")
        )
        texts = found.pop("places")
        places = {
            place: hashlib.sha256(text.encode()).hexdigest() if isinstance(text, str) else ""
            for place, text in texts.items()
        }
        answer["files"][name] = {**found, "places": places, "warnings": warnings if name == "fbx" else []}
    return answer


def cut_short(name: str, error: Exception) -> Problem:
    """Return what is said of a file that Blender wrote and that cannot be read; its writers do not notice."""
    fact = f"The {name} as Blender wrote it cannot be read again ({type(error).__name__})."
    return Problem("stage", f"{fact} If the disk is nearly full, make room.")


def last_line(error: BaseException) -> str:
    """Return the last line of an error's text that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def tells_of_no_room(error: Exception) -> bool:
    """Return whether the system refused to write more; Blender's own writers hand on its words."""
    return any(os.strerror(code) in str(error) for code in NO_ROOM)


def main() -> None:
    """Do the job of the command line and print the answer."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    folder = Path(job["folder"])
    threading.Thread(target=end_with_parent, daemon=True).start()
    try:
        answer = convert(job)
    except Problem as problem:
        answer = {"problem": problem.kind, "message": str(problem)}
    except Exception as error:
        message = f"Blender failed ({type(error).__name__}): {last_line(error)}"
        answer = {"problem": "disk" if tells_of_no_room(error) else "stage", "message": message}
    if answer.get("problem") == "stage" and shutil.disk_usage(folder).free < LEAST_ROOM_BYTES:
        answer["problem"] = "disk"
    # Blender's own lines may end without a line's end.
    sys.stdout.write(f"\n{MARK}{json.dumps(answer)}\n")
    sys.stdout.flush()
    end_now()


if __name__ == "__main__":
    main()
