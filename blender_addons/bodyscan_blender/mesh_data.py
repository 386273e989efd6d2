# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrays of bodyscan's world as Blender's meshes and images: whole arrays at once, no loop over elements."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from .axes import blender_from_world

COLOR = "Color"
"""Name of the colour attribute of what was scanned."""
UV_MAP = "UVMap"


def new_mesh(name: str, vertices: np.ndarray, faces: np.ndarray) -> Any:
    """Return a mesh of (V, 3) vertices, metres of bodyscan's world, and (F, 3) faces; smooth-shaded.

    The faces must be whole: three different corners each, below V. With no faces it is a cloud.
    """
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(vertices))
    set_positions(mesh, vertices)
    if len(faces):
        corners = np.ascontiguousarray(faces, np.int32).ravel()
        mesh.loops.add(len(corners))
        mesh.loops.foreach_set("vertex_index", corners)
        mesh.polygons.add(len(faces))
        mesh.polygons.foreach_set("loop_start", np.arange(0, len(corners), 3, dtype=np.int32))
        mesh.update(calc_edges=True)
        mesh.shade_smooth()
    return mesh


def set_positions(mesh: Any, vertices: np.ndarray) -> None:
    """Move all vertices to (V, 3), metres of bodyscan's world."""
    turned = np.ascontiguousarray(blender_from_world(np.asarray(vertices)), np.float32)
    mesh.vertices.foreach_set("co", turned.ravel())
    mesh.update()


def set_colors(mesh: Any, colors: np.ndarray, name: str = COLOR) -> None:
    """Give the vertices colours (V, 3) uint8 sRGB, and show them."""
    layer = mesh.color_attributes.get(name) or mesh.color_attributes.new(name, "BYTE_COLOR", "POINT")
    rgba = np.ones((len(colors), 4), np.float32)
    rgba[:, :3] = colors.astype(np.float32) / 255
    layer.data.foreach_set("color_srgb", rgba.ravel())
    mesh.color_attributes.active_color = layer
    mesh.color_attributes.render_color_index = mesh.color_attributes.find(layer.name)


def set_uvs(mesh: Any, uvs: np.ndarray) -> None:
    """Give the corners texture coordinates (3 F, 2), origin at the image's top left as in glTF."""
    layer = mesh.uv_layers.get(UV_MAP) or mesh.uv_layers.new(name=UV_MAP)
    turned = np.ascontiguousarray(uvs, np.float32).copy()
    turned[:, 1] = 1 - turned[:, 1]
    layer.uv.foreach_set("vector", turned.ravel())


def set_values(mesh: Any, name: str, values: np.ndarray) -> None:
    """Give the vertices an attribute of their own: (V,) whole numbers, or numbers."""
    kind, dtype = ("INT", np.int32) if values.dtype.kind in "iu" else ("FLOAT", np.float32)
    layer = mesh.attributes.get(name) or mesh.attributes.new(name, kind, "POINT")
    layer.data.foreach_set("value", np.ascontiguousarray(values, dtype))


def get_values(mesh: Any, name: str) -> np.ndarray | None:
    """Return a vertex attribute (V,) that `set_values` gave, or None where there is none."""
    layer = mesh.attributes.get(name)
    if layer is None or layer.domain != "POINT" or layer.data_type not in ("INT", "FLOAT"):
        return None
    values = np.empty(len(layer.data), np.int32 if layer.data_type == "INT" else np.float32)
    layer.data.foreach_get("value", values)
    return values


def new_image(name: str, png: bytes, *, is_color: bool = True) -> Any:
    """Return a PNG file in memory as an image that is kept in the .blend file.

    `is_color` False: numbers (a normal map, a roughness), not sRGB.
    """
    image = bpy.data.images.new(name, 8, 8, alpha=False, is_data=not is_color)
    image.pack(data=png, data_len=len(png))
    image.source = "FILE"
    return image
