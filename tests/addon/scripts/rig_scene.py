"""What the scripts about a twin's rig share: an imported person, and what of them is seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bpy
import numpy as np
from bodyscan_blender import axes, people
from mathutils import Matrix


def empty() -> None:
    """A file with nothing in it."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)


def bring(path: str, **options: Any) -> people.Person:
    """Import a twin by this add-on, and return its person."""
    known = {person.id for person in people.people_of(bpy.context.scene)}
    bpy.ops.bodyscan.import_twin(filepath=path, **options)
    return next(person for person in people.people_of(bpy.context.scene) if person.id not in known)


def attempt(act: Callable[[], Any]) -> str:
    """`FINISHED`, or what was reported."""
    try:
        return "".join(act())
    except RuntimeError as error:
        return str(error)


def seen(item: Any) -> np.ndarray:
    """(V, 3) where an object's vertices are seen, in bodyscan's world."""
    evaluated = item.evaluated_get(bpy.context.evaluated_depsgraph_get())
    mesh = evaluated.to_mesh()
    points = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", points)
    evaluated.to_mesh_clear()
    return axes.world_from_blender(points.reshape(-1, 3))


def stands(armature: Any) -> dict[str, np.ndarray]:
    """Bone -> pose-space matrix, of the bones that move the skin."""
    bpy.context.view_layer.update()
    return {bone.name: np.array(bone.matrix) for bone in armature.pose.bones if bone.bone.use_deform}


def apart(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> list[float]:
    """The largest distance, mm, and turn, degrees, between two poses."""
    moved = max(float(np.linalg.norm(one[name][:3, 3] - other[name][:3, 3])) for name in one)
    turned = max(float(np.linalg.norm(one[name][:3, :3] - other[name][:3, :3])) for name in one)
    # The norm of the difference of two rotations is sqrt(8) times the sine of half the angle between them.
    return [moved * 1000, float(np.degrees(2 * np.arcsin(min(1.0, turned / np.sqrt(8)))))]


def rest(armature: Any) -> None:
    """Bring every bone to rest."""
    for bone in armature.pose.bones:
        bone.matrix_basis = Matrix.Identity(4)
    bpy.context.view_layer.update()


def data() -> dict[str, int]:
    """How many of each kind of data the file holds."""
    kinds = ("objects", "meshes", "armatures", "materials", "images", "collections", "shape_keys", "actions")
    return {kind: len(getattr(bpy.data, kind)) for kind in kinds}
