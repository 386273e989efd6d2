"""Whom a file is for: one table a reader, with its names of the joints and what it wants and takes.

The tables lie in `data/`; each names the source of its names. The left-hand side is always the VRM 1.0
humanoid bone, which is how a twin's own joints are called.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from bodyscan.errors import InputError

HUMANOID_BONES = tuple(
    """
    hips spine chest upperChest neck head jaw leftEye rightEye
    leftUpperLeg leftLowerLeg leftFoot leftToes rightUpperLeg rightLowerLeg rightFoot rightToes
    leftShoulder leftUpperArm leftLowerArm leftHand rightShoulder rightUpperArm rightLowerArm rightHand
    """.split()  # noqa: SIM905
) + tuple(
    f"{side}{finger}{segment}"
    for side in ("left", "right")
    for finger, segments in (
        ("Thumb", ("Metacarpal", "Proximal", "Distal")),
        *((name, ("Proximal", "Intermediate", "Distal")) for name in ("Index", "Middle", "Ring", "Little")),
    )
    for segment in segments
)
"""The 55 bones of a VRM 1.0 humanoid."""

CHOICES: Mapping[str, tuple[str, ...]] = {
    "suffix": (".glb", ".vrm"),
    "rest_pose": ("any", "captured", "a", "t"),
    "frames": ("world", "y_along_bone", "x_along_bone"),
    "morph_names": ("arkit", "arkit_pascal"),
}
NAMES = ("gltf", "vrm", "mixamo", "unreal", "unity")


@dataclass(frozen=True)
class Target:
    """What one reader wants of a twin's file."""

    name: str
    reader: str
    """Whom the file is for, in words."""
    suffix: str
    """`.glb` or `.vrm`."""
    rest_pose: str
    """The twin's pose: `any`, `captured`, `a` or `t`."""
    frames: str
    """How joint frames stand in the rest pose: `world` (along the world's axes), `y_along_bone` or
    `x_along_bone` (that axis points to the child)."""
    roots: tuple[str, ...]
    """Names of joints on the floor above the hips, outermost first."""
    morph_names: str
    """`arkit` (jawOpen) or `arkit_pascal` (JawOpen)."""
    viseme_shapes: bool
    """Whether visemes are written as shapes; without, the reader mixes them from the ARKit shapes."""
    other_joints: bool
    """Whether joints that are no humanoid bone are taken, under their own names."""
    textures: bool
    """Whether images are taken."""
    tangents: bool
    """Whether tangents are taken from the file; else the reader makes its own."""
    extensions: frozenset[str]
    """The glTF extensions for small files that the reader takes: quantisation, compression, image formats."""
    joints: Mapping[str, str]
    """VRM humanoid bone -> the reader's name; all 55."""

    def joint_name(self, name: str) -> str:
        """Return the reader's name of a twin's joint, or raise `InputError` where it has none."""
        if name in self.joints:
            return self.joints[name]
        if self.other_joints:
            return name
        raise InputError(
            f"The target {self.name} has no name for the joint '{name}'; it knows the 55 humanoid bones of "
            "VRM 1.0 alone. Write the target gltf instead."
        )

    def morph_name(self, name: str) -> str:
        """Return the reader's name of a face shape."""
        return name[:1].upper() + name[1:] if self.morph_names == "arkit_pascal" else name

    def require_pose(self, pose: str) -> None:
        """Raise `InputError` where a twin in this pose (`captured`, `a`, `t`) is not what is wanted."""
        if self.rest_pose not in ("any", pose):
            raise InputError(
                f"The target {self.name} wants a twin in the pose '{self.rest_pose}'; this one stands in "
                f"'{pose}'. Make the twin with the pose '{self.rest_pose}'."
            )


def target_names() -> tuple[str, ...]:
    """Return the names of all targets."""
    return NAMES


@cache
def load_target(name: str) -> Target:
    """Return a target. Raises `InputError`, naming the known ones, for another name."""
    if name not in NAMES:
        raise InputError(f"There is no target '{name}'; possible are {', '.join(NAMES)}.")
    text = files("bodyscan.gltf").joinpath("data", f"{name}.toml").read_text(encoding="utf-8")
    return parse_target(name, text)


def parse_target(name: str, text: str) -> Target:
    """Return the target that a TOML table describes.

    Raises `InputError` for text that is no TOML, a key that is unknown or missing, a value of another kind,
    a bone that is unknown or missing, and a joint name that stands twice.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"The table of the target {name} is no TOML: {error}.") from None
    known = {field.name for field in fields(Target)} - {"name"}
    _same_keys(f"The table of the target {name}", set(table), known)
    for key, value in table.items():
        _check_value(name, key, value)
    joints = table["joints"]
    _same_keys(f"The joints of the target {name}", set(joints), set(HUMANOID_BONES))
    given = [*table["roots"], *joints.values()]
    if twice := sorted({joint for joint in given if given.count(joint) > 1}):
        raise InputError(f"The target {name} gives two joints the name {', '.join(twice)}.")
    values = table | {
        "roots": tuple(table["roots"]),
        "extensions": frozenset(table["extensions"]),
        "joints": MappingProxyType(dict(joints)),
    }
    return Target(name=name, **values)


def _same_keys(what: str, given: set[str], known: set[str]) -> None:
    if unknown := sorted(given - known):
        raise InputError(f"{what}: unknown {', '.join(unknown)}; known are {', '.join(sorted(known))}.")
    if missing := sorted(known - given):
        raise InputError(f"{what}: missing {', '.join(missing)}.")


def _check_value(name: str, key: str, value: Any) -> None:
    if key in CHOICES:
        good, wanted = value in CHOICES[key], ", ".join(CHOICES[key])
    elif key in ("roots", "extensions"):
        good, wanted = isinstance(value, list) and all(map(_is_name, value)), "a list of names"
    elif key == "joints":
        good = isinstance(value, dict) and all(map(_is_name, value.values()))
        wanted = "a table of names"
    elif key == "reader":
        good, wanted = _is_name(value), "a text"
    else:
        good, wanted = isinstance(value, bool), "true or false"
    if not good:
        raise InputError(f"The target {name} has {key} = {value!r}; possible: {wanted}.")


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
