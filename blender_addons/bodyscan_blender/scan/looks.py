# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Materials for what was scanned and fitted, and points that can be seen for a cloud."""

from __future__ import annotations

from typing import Any

import bpy

from ..mesh_data import COLOR

ROUGHNESS = 0.55
"""Of skin and cloth, where nothing is known."""
PLAIN = (0.55, 0.42, 0.36, 1.0)
"""Linear colour of a body without colours."""
POINTS = "bodyscan points"
"""Name of the modifier, and the beginning of its node group's name."""


def color_material(name: str, *, has_colors: bool) -> Any:
    """Return a material that shows the vertices' colours, or one plain colour."""
    material, shader = _new_material(name)
    material.diffuse_color = PLAIN
    shader.inputs["Base Color"].default_value = PLAIN
    if has_colors:
        colors = material.node_tree.nodes.new("ShaderNodeVertexColor")
        colors.layer_name = COLOR
        colors.location = (-300, 200)
        material.node_tree.links.new(colors.outputs["Color"], shader.inputs["Base Color"])
    return material


def textured_material(name: str, albedo: Any, normal: Any = None, roughness: Any = None) -> Any:
    """Return a material that looks images up by the mesh's uvs; normal and roughness may be missing."""
    material, shader = _new_material(name)
    material.diffuse_color = PLAIN
    nodes, links = material.node_tree.nodes, material.node_tree.links
    color = _image_node(nodes, albedo, (-650, 250))
    links.new(color.outputs["Color"], shader.inputs["Base Color"])
    if roughness is not None:
        rough = _image_node(nodes, roughness, (-650, -50))
        links.new(rough.outputs["Color"], shader.inputs["Roughness"])
    if normal is not None:
        relief = _image_node(nodes, normal, (-650, -350))
        turned = nodes.new("ShaderNodeNormalMap")
        turned.location = (-300, -350)
        links.new(relief.outputs["Color"], turned.inputs["Color"])
        links.new(turned.outputs["Normal"], shader.inputs["Normal"])
    nodes.active = color  # what texture painting and the solid view take
    return material


def show_points(item: Any, radius_m: float, material: Any) -> None:
    """Show the bare vertices of an object as points of a radius; the mesh stays one that can be painted."""
    group = bpy.data.node_groups.new(POINTS, "GeometryNodeTree")
    group.interface.new_socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    group.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    nodes, links = group.nodes, group.links
    start, end = nodes.new("NodeGroupInput"), nodes.new("NodeGroupOutput")
    points, paint = nodes.new("GeometryNodeMeshToPoints"), nodes.new("GeometryNodeSetMaterial")
    points.inputs["Radius"].default_value = radius_m
    paint.inputs["Material"].default_value = material
    for place, node in enumerate((start, points, paint, end)):
        node.location = (200 * place, 0)
    links.new(start.outputs[0], points.inputs["Mesh"])
    links.new(points.outputs[0], paint.inputs["Geometry"])
    links.new(paint.outputs[0], end.inputs[0])
    item.modifiers.new(POINTS, "NODES").node_group = group


def remove_material(material: Any) -> None:
    """Delete a material and its images where nothing else uses them."""
    images = [node.image for node in material.node_tree.nodes if getattr(node, "image", None) is not None]
    if material.users == 0:
        bpy.data.materials.remove(material)
    for image in images:
        if image.users == 0:
            bpy.data.images.remove(image)


def _new_material(name: str) -> tuple[Any, Any]:
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Roughness"].default_value = ROUGHNESS
    return material, shader


def _image_node(nodes: Any, image: Any, place: tuple[float, float]) -> Any:
    node = nodes.new("ShaderNodeTexImage")
    node.image = image
    node.location = place
    return node
