"""What the scripts about consents share: a scene with a twin, and what became of an attempt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import bpy
from bodyscan_blender import people
from bodyscan_blender.guards import guard, guard_tell

from addon.inside import NAME


def prefer(**values: str) -> None:
    """Set the add-on's preferences."""
    for name, value in values.items():
        setattr(bpy.context.preferences.addons[NAME].preferences, name, value)


def empty() -> None:
    """A file with nothing in it."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)


def fresh(*twins: str) -> list[Any]:
    """Empty the file, import twins by Blender's own importer, and return their mesh objects."""
    empty()
    return [bring(twin) for twin in twins]


def bring(twin: str) -> Any:
    """Import one twin, and return its mesh object."""
    before = set(bpy.data.objects.keys())
    bpy.ops.import_scene.gltf(filepath=twin)
    new = [item for item in bpy.data.objects if item.name not in before]
    return next(item for item in new if people.is_twin(item))


def attempt(act: Callable[[], Any]) -> str:
    """`FINISHED`, or what was reported; and what the add-on said."""
    guard_tell.told.clear()
    try:
        done = "".join(act())
    except RuntimeError as error:
        done = str(error)
    return " | ".join([done, *guard_tell.told])


def save(path: Path, **options: Any) -> str:
    return attempt(lambda: bpy.ops.wm.save_as_mainfile(filepath=str(path), **options))


def verdict(item: Any) -> str:
    return guard.verdict_of(item, bpy.context.scene).sentence


def aim(purpose: str) -> None:
    """Say what the scene is for."""
    bpy.context.scene.bodyscan.purpose = purpose


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
