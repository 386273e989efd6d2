# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an animator takes hold of: thin wires around the limbs, just outside of the skin.

The wires are objects of one collection that is in no scene: Blender draws them on the bones, nothing renders
or exports them, and all twins of a file share them.
"""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from .bone_layout import BoneLayout, side_of

COLLECTION = "bodyscan bone shapes"
PREFIX = "bodyscan shape "
SEGMENTS = 32
CLEARANCE, LEAST_CLEARANCE_M = 1.1, 0.003
"""How much wider than the skin a ring is: a factor, and at least so many metres."""
BARE_RADIUS = 0.4
"""Of a ring around a bone that moves no skin, in its lengths."""
IN_FRONT = {"Eye": (0.7, 1.5), "jaw": (0.35, 1.1)}
"""Bones that are taken hold of before the face: radius and distance, in their lengths."""
WIRE_WIDTH = 1.5
"""Pixels."""


def give_shapes(armature: Any, bones: tuple[str, ...], names: tuple[str, ...], layout: BoneLayout) -> None:
    """Put a wire around each bone. `bones` (J) names in the armature, `names` (J) VRM names."""
    for joint, (bone, name) in enumerate(zip(bones, names, strict=True)):
        part = side_of(name)[1]
        length = float(layout.lengths[joint])
        x, z, half_x, half_z = (float(value) for value in layout.skin[joint])
        half_x, half_z = (_outside(half) or BARE_RADIUS * length for half in (half_x, half_z))
        pose_bone = armature.pose.bones[bone]
        if part in IN_FRONT:
            scale, ahead = IN_FRONT[part]
            put_shape(pose_bone, "disc", (scale, 1.0, scale), (0.0, ahead * length, 0.0))
        else:
            shape, lower = ("double ring", -length) if part == "hips" else ("ring", 0.0)
            put_shape(pose_bone, shape, (half_x / length, 1.0, half_z / length), (x, lower, z))


def put_shape(
    bone: Any,
    shape: str,
    scale: tuple[float, float, float],
    move: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> None:
    """Draw a pose bone as one of `SHAPES`; `scale` in lengths of the bone, `move` in metres, its own axes."""
    bone.custom_shape = shape_object(shape)
    bone.use_custom_shape_bone_size = True
    bone.custom_shape_scale_xyz = scale
    bone.custom_shape_translation = move
    bone.custom_shape_wire_width = WIRE_WIDTH


def _outside(half_width: float) -> float:
    """Just beyond the skin; 0 for no skin."""
    return max(half_width * CLEARANCE, half_width + LEAST_CLEARANCE_M) if half_width else 0.0


def shape_object(shape: str) -> Any:
    """Return the wire object of a shape, made once a file."""
    name = PREFIX + shape
    for item in bpy.data.objects:
        if item.name == name and item.type == "MESH" and item.library is None:
            return item
    points, edges = SHAPES[shape]()
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(points.tolist(), edges, [])
    item = bpy.data.objects.new(name, mesh)
    _collection().objects.link(item)
    return item


def _collection() -> Any:
    found = bpy.data.collections.get(COLLECTION)
    if found is None:
        found = bpy.data.collections.new(COLLECTION)
        found.use_fake_user = True
    return found


def _circle(height: float) -> tuple[np.ndarray, list[tuple[int, int]]]:
    angles = np.linspace(0.0, 2 * np.pi, SEGMENTS, endpoint=False)
    points = np.stack([np.cos(angles), np.full(SEGMENTS, height), np.sin(angles)], axis=1)
    return points, [(i, (i + 1) % SEGMENTS) for i in range(SEGMENTS)]


def _ring() -> tuple[np.ndarray, list[tuple[int, int]]]:
    """A circle around the middle of the bone."""
    return _circle(0.5)


def _disc() -> tuple[np.ndarray, list[tuple[int, int]]]:
    """A circle about the bone's beginning."""
    return _circle(0.0)


def _double_ring() -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Two circles: the bone that carries all others."""
    low, edges = _circle(0.35)
    high, _ = _circle(0.65)
    return np.concatenate([low, high]), edges + [(a + SEGMENTS, b + SEGMENTS) for a, b in edges]


def _box() -> tuple[np.ndarray, list[tuple[int, int]]]:
    """The edges of a cube from -1 to 1."""
    points = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    near = [(a, b) for a in range(8) for b in range(a) if np.abs(points[a] - points[b]).sum() == 2]
    return points, near


def _ball() -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Three circles of radius 1 at right angles."""
    flat, edges = _circle(0.0)
    points = np.concatenate([flat, flat[:, [1, 0, 2]], flat[:, [0, 2, 1]]])
    return points, [(a + k * SEGMENTS, b + k * SEGMENTS) for k in range(3) for a, b in edges]


SHAPES = {"ring": _ring, "disc": _disc, "double ring": _double_ring, "box": _box, "ball": _ball}
"""Name -> points (N, 3), Y along the bone, and edges."""
