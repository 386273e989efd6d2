# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the steps are asked for, as the panel shows it: kept in the scene, and taken over by the operators."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import bpy

from bodyscan.run.hints import Axis, Unit
from bodyscan.steps.request import ExportRequest, TextureRequest, TwinRequest
from bodyscan.texture.options import SIZES

AXIS_WORDS = {
    "+x": "+X",
    "-x": "-X",
    "+y": "+Y",
    "-y": "-Y",
    "+z": "+Z",
    "-z": "-Z",
}
UNIT_WORDS = {"m": "Metres", "cm": "Centimetres", "mm": "Millimetres", "in": "Inches"}
FOUND_OUT = ("auto", "Found out by itself", "From the size and shape of the person")


def _hints(known: tuple[str, ...], words: dict[str, str]) -> list[tuple[str, str, str]]:
    return [FOUND_OUT, *((one, words[one], "As the file has it") for one in known)]


UNITS = _hints(get_args(Unit), UNIT_WORDS)
AXES = _hints(get_args(Axis), AXIS_WORDS)
SIZE_ITEMS = [(str(size), f"{size} x {size}", "Pixels of the baked pictures") for size in SIZES]
POSES = [
    ("a", "A-pose", "Arms lowered at 45 degrees: what most rigs want"),
    ("t", "T-pose", "Arms straight out to the sides"),
    ("captured", "As scanned", "The pose that the person stood in"),
]
SURFACES = [
    ("body", "As scanned", "With cloth and hair, as the scan shows them"),
    ("skin", "Under the cloth", "The body as it is estimated under cloth and hair"),
]
PROFILES = [
    ("master", "As made", "All detail; what an artist goes on from"),
    ("web", "Web, below 5 MB", "Packed for a web page"),
    ("mobile", "Phone, below 3 MB", "Packed for a phone"),
]
TARGETS = [
    ("gltf", "Any glTF reader", "A copy of the twin as it is (.glb)"),
    ("vrm", "VRM 1.0", "An avatar: T-pose, eyes and jaw (.vrm)"),
    ("mixamo", "Mixamo", "Mixamo's names of the joints, T-pose (.glb)"),
    ("unreal", "Unreal Engine", "The mannequin's names of the joints, A-pose (.glb)"),
    ("unity", "Unity", "Unity's humanoid names, T-pose (.glb)"),
]
"""Readers, in the words of an artist; what each wants is in `bodyscan.gltf.targets`."""

ONCE: dict[str, Any] = {"options": {"SKIP_SAVE"}}
"""For an operator's properties: what one call was asked for is not asked for by the next one."""


def chosen_path(text: str) -> Path | None:
    """Return an absolute path; None for an empty one. A trailing separator is how browsers give folders."""
    return Path(bpy.path.abspath(text)).absolute() if text.strip() else None


def hint(value: str) -> str | None:
    """Return a hint as the step takes it: None where it is to be found out."""
    return None if value == FOUND_OUT[0] else value


def unit_property(**how: Any) -> Any:
    return bpy.props.EnumProperty(
        name="Unit", items=UNITS, description="Unit of the file's coordinates", **how
    )


def axis_property(name: str, description: str, **how: Any) -> Any:
    return bpy.props.EnumProperty(name=name, items=AXES, description=description, **how)


def up_property(**how: Any) -> Any:
    return axis_property("Up", "Axis of the file that points up", **how)


def facing_property(**how: Any) -> Any:
    return axis_property("Facing", "Axis of the file that the person looks along", **how)


def size_property(**how: Any) -> Any:
    default = str(TextureRequest(folder="-").size)
    return bpy.props.EnumProperty(name="Texture", items=SIZE_ITEMS, default=default, **how)


def surface_property(**how: Any) -> Any:
    default = TwinRequest(folder="-").surface
    return bpy.props.EnumProperty(
        name="Surface", items=SURFACES, default=default, description="What the twin shows", **how
    )


def pose_property(**how: Any) -> Any:
    default = TwinRequest(folder="-").pose
    return bpy.props.EnumProperty(
        name="Pose", items=POSES, default=default, description="Pose that the twin is bound in", **how
    )


def profile_property(**how: Any) -> Any:
    default = ExportRequest(folder="-", output="-").profile
    return bpy.props.EnumProperty(name="Profile", items=PROFILES, default=default, **how)


def target_property(**how: Any) -> Any:
    default = ExportRequest(folder="-", output="-").target
    description = "Who reads the file. But for glTF a twin of the same fit is made as they want it"
    return bpy.props.EnumProperty(
        name="Made for", items=TARGETS, default=default, description=description, **how
    )


def key_property(**how: Any) -> Any:
    return bpy.props.StringProperty(
        name="Controller's key",
        description="Private key that binds the consent to the twin. Empty: looked for beside the consent",
        subtype="FILE_PATH",
        **how,
    )


def passphrase_property() -> Any:
    return bpy.props.StringProperty(
        name="Passphrase",
        description="Of a locked key; it is used once and kept nowhere",
        subtype="PASSWORD",
        options={"SKIP_SAVE", "HIDDEN"},
    )


def accept_property(**how: Any) -> Any:
    return bpy.props.BoolProperty(
        name="Accept the quality",
        description="Make a twin of a fit below the stated quality too; the twin says so",
        **how,
    )


class BodyscanSteps(bpy.types.PropertyGroup):
    """What the panel's buttons ask for."""

    capture: bpy.props.StringProperty(
        name="Capture",
        description="Mesh or point cloud, a depth camera's folder or recording, or a finished twin (.glb)",
        subtype="FILE_PATH",
    )
    consent: bpy.props.StringProperty(
        name="Consent",
        description="The person's signed record. Empty: NAME.consent.json beside the capture",
        subtype="FILE_PATH",
    )
    photos: bpy.props.StringProperty(
        name="Photos",
        description="Folder of photos with solved cameras, in the frame of the mesh: colour for the twin",
        subtype="DIR_PATH",
    )
    unit: unit_property()  # type: ignore[valid-type]
    up: up_property()  # type: ignore[valid-type]
    facing: facing_property()  # type: ignore[valid-type]
    size: size_property()  # type: ignore[valid-type]
    surface: surface_property()  # type: ignore[valid-type]
    pose: pose_property()  # type: ignore[valid-type]
    controller_key: key_property()  # type: ignore[valid-type]
    accept_quality: accept_property()  # type: ignore[valid-type]
    profile: profile_property()  # type: ignore[valid-type]
    target: target_property()  # type: ignore[valid-type]


def register() -> None:
    bpy.utils.register_class(BodyscanSteps)
    bpy.types.Scene.bodyscan_steps = bpy.props.PointerProperty(type=BodyscanSteps)


def unregister() -> None:
    del bpy.types.Scene.bodyscan_steps
    bpy.utils.unregister_class(BodyscanSteps)
