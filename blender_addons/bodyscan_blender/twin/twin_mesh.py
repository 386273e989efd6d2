# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A twin's arrays -> a mesh object: triangles, skin weights and face shapes as they stand in the file.

Vertices, triangles and their order are the file's, and no coordinate is computed: consent is bound to them.
Vertices that the file splits at the seams of its texture stay split; the file's normals hide the seam.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bpy
import numpy as np

from bodyscan.errors import InputError
from bodyscan.gltf.read import GlbBody

from ..axes import blender_from_world
from ..people import BODY_VERTEX, GLTF_EXTRAS

UV_LAYER, COLORS, BASIS = "UVMap", "Color", "Basis"


def mesh_object(body: GlbBody, name: str, extras: Mapping[str, Any] | None = None) -> Any:
    """Return a new object, in no collection yet, with the body's mesh in Blender's axes.

    `extras`: those of the file's body node under `bodyscan`, which Blender's glTF exporter writes back.
    Raises `InputError` for triangles that Blender cannot hold.
    """
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(body.positions))
    mesh.vertices.foreach_set("co", _flat(body.positions))
    _add_triangles(mesh, body.faces)
    if body.uvs is not None:
        _add_uvs(mesh, body.uvs, body.faces)
    if body.colors is not None:
        colors = mesh.color_attributes.new(COLORS, "BYTE_COLOR", "POINT")
        opaque = np.hstack([body.colors, np.full((len(body.colors), 1), 255, np.uint8)])
        colors.data.foreach_set("color_srgb", (opaque.astype(np.float32) / 255).ravel())
    if body.vertex_source is not None:
        source = mesh.attributes.new(BODY_VERTEX, "FLOAT", "POINT")
        source.data.foreach_set("value", body.vertex_source.astype(np.float32))
    if body.normals is not None:
        mesh.normals_split_custom_set_from_vertices(blender_from_world(body.normals))
    item = bpy.data.objects.new(name, mesh)
    _add_weights(item, body)
    _add_shapes(item, body)
    if extras:
        set_extras(item, extras)
    return item


def set_extras(item: Any, extras: Mapping[str, Any]) -> None:
    """Keep the extras of a glTF node under `bodyscan`, nested as Blender's own importer leaves them.

    Raises `InputError` where they hold what no property of Blender's can.
    """
    try:
        item[GLTF_EXTRAS] = dict(extras)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"The file's extras are damaged: {error}.") from None


def _flat(vectors: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(blender_from_world(vectors), np.float32).ravel()


def _add_triangles(mesh: Any, faces: np.ndarray) -> None:
    mesh.loops.add(faces.size)
    mesh.loops.foreach_set("vertex_index", faces.astype(np.int32).ravel())
    mesh.polygons.add(len(faces))
    mesh.polygons.foreach_set("loop_start", np.arange(0, faces.size, 3, dtype=np.int32))
    mesh.update(calc_edges=True)
    if mesh.validate(clean_customdata=False) or len(mesh.polygons) != len(faces):
        raise InputError(
            "The file has triangles that Blender cannot hold: one without area between three different "
            "vertices, or one twice."
        )


def _add_uvs(mesh: Any, uvs: np.ndarray, faces: np.ndarray) -> None:
    layer = mesh.uv_layers.new(name=UV_LAYER)
    turned = uvs.astype(np.float32, copy=True)
    # glTF counts from the top of the image, Blender from its foot; the exporter takes it back the same way.
    turned[:, 1] *= -1
    turned[:, 1] += 1
    layer.uv.foreach_set("vector", turned[faces.ravel()].ravel())


def _add_weights(item: Any, body: GlbBody) -> None:
    """One group a joint, in the skin's order, and every weight above 0 to the bit."""
    groups = [item.vertex_groups.new(name=name) for name in body.skeleton.joint_names]
    joints, weights = body.joint_indices, body.joint_weights
    for place in range(joints.shape[1]):
        for vertex in np.flatnonzero(weights[:, place]).tolist():
            groups[joints[vertex, place]].add((vertex,), float(weights[vertex, place]), "REPLACE")


def _add_shapes(item: Any, body: GlbBody) -> None:
    if not body.morphs:
        return
    item.shape_key_add(name=BASIS, from_mix=False)
    for morph in body.morphs:
        key = item.shape_key_add(name=morph.name, from_mix=False)
        if key.name != morph.name:
            raise InputError(
                f"The file has two face shapes named '{morph.name}', or a name that is too long."
            )
        moved = np.array(body.positions, np.float32)
        moved[morph.vertex_ids] += morph.deltas
        key.points.foreach_set("co", _flat(moved))
        key.value = 0.0  # since Blender 5.0 a new shape is on
    item.data.shape_keys.name = item.data.name
