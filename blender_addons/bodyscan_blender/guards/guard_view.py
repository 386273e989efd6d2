# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which twins a render shows, and where in the picture they stand."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Vector

from .guard_geometry import armatures_of

HEAD = "head"
"""Name of the head's bone in a twin's skeleton (VRM)."""
HEAD_M = 0.13
"""From the middle of the head to its surface, about, metres."""
Box = tuple[int, int, int, int]


def is_rendered(item: Any, scene: Any) -> bool:
    """Return whether a render of a scene can show an object, itself or as an instance."""
    return any(item.name_full == one.name_full for one in rendered_objects(scene))


def rendered_objects(scene: Any) -> Iterator[Any]:
    """Yield every object that the scene's view layers render, those of instanced collections too."""
    known: set[str] = set()
    for layer in scene.view_layers:
        if layer.use:
            yield from _in_layer(layer.layer_collection, known)


def _in_layer(layer: Any, known: set[str]) -> Iterator[Any]:
    if layer.exclude or layer.collection.hide_render:
        return
    yield from _shown(layer.collection.objects, known)
    for child in layer.children:
        yield from _in_layer(child, known)


def _shown(objects: Any, known: set[str]) -> Iterator[Any]:
    for item in objects:
        if item.hide_render:
            continue
        yield item
        held = item.instance_collection if item.instance_type == "COLLECTION" else None
        if held is not None and held.name_full not in known:
            known.add(held.name_full)
            yield from _in_collection(held, known)


def _in_collection(collection: Any, known: set[str]) -> Iterator[Any]:
    if collection.hide_render:
        return
    yield from _shown(collection.objects, known)
    for child in collection.children:
        yield from _in_collection(child, known)


def share_of_picture(item: Any, scene: Any) -> float:
    """Return how much of the picture the box around an object takes, 0..1; 0 without a camera."""
    box = _seen([item.matrix_world @ Vector(corner) for corner in item.bound_box], scene)
    if box is None:
        return 0.0
    left, bottom, right, top = np.clip(box, 0, 1)
    return float(max(0.0, right - left) * max(0.0, top - bottom))


def boxes_to_avoid(items: list[Any], scene: Any, width: int, height: int) -> list[Box]:
    """Return what a label keeps off, pixels from the top left: the heads first, then the bodies."""
    heads = [_seen(_head(item), scene) for item in items]
    bodies = [_seen([item.matrix_world @ Vector(c) for c in item.bound_box], scene) for item in items]
    found = []
    for box in (*heads, *bodies):
        if box is None:
            continue
        left, bottom, right, top = np.clip(box, 0, 1)
        pixels = (int(left * width), int((1 - top) * height), int(right * width), int((1 - bottom) * height))
        if pixels[2] > pixels[0] and pixels[3] > pixels[1]:
            found.append(pixels)
    return found


def _head(item: Any) -> list[Vector]:
    """Corners around the head; of a scan, which has no bones, below the middle of its top."""
    for armature in armatures_of(item):
        bone = armature.pose.bones.get(HEAD)
        if bone is not None:
            return _around(armature.matrix_world @ ((bone.head + bone.tail) / 2))
    corners = np.array([item.matrix_world @ Vector(corner) for corner in item.bound_box])
    middle, top = corners.mean(axis=0), corners.max(axis=0)
    return _around(Vector((middle[0], middle[1], top[2] - HEAD_M)))


def _around(middle: Vector) -> list[Vector]:
    return [middle + Vector(aside) for aside in product((-HEAD_M, HEAD_M), repeat=3)]


def _seen(points: list[Vector], scene: Any) -> tuple[float, float, float, float] | None:
    """Left, bottom, right, top of points in the picture, 0..1 within it; None where none lies before it."""
    if scene.camera is None or not points:
        return None
    seen = [world_to_camera_view(scene, scene.camera, point) for point in points]
    before = [point for point in seen if point.z > 0]
    if not before:
        return None
    x, y = [point.x for point in before], [point.y for point in before]
    return min(x), min(y), max(x), max(y)
