# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A colour attribute put on an object's sight, and taken off again without a trace.

The mesh's own materials are not touched: the object's slots are told to look at the object's material instead
of the mesh's. What stood there is written down on the object, so that renaming, saving and undo do no harm.
Solid views show colour attributes in their mode of that name alone; it is switched on with the first coloured
object and off with the last.
"""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

SHOWS = "bodyscan_shows"
"""Of an object: name of the colour attribute that it shows now."""
BEFORE = "bodyscan_before_colors"
"""Of an object: what stood there before."""
MATERIAL = "bodyscan_shows_attribute"
"""Of a material: name of the attribute that it shows."""
SOLID_BEFORE = "bodyscan_solid_colors"
"""Of a scene: screen -> how its solid views were coloured before."""
EMISSION = 0.45
"""Share of the colour that shines by itself: the legend's colours can be told in the shadow too."""


def write_colors(mesh: Any, name: str, srgb: np.ndarray) -> None:
    """Write (V, 3) uint8 sRGB into a colour attribute of the vertices, made where it is not there."""
    layer = mesh.color_attributes.get(name)
    if layer is not None and (layer.domain != "POINT" or layer.data_type != "BYTE_COLOR"):
        mesh.color_attributes.remove(layer)
        layer = None
    if layer is None:
        active = mesh.color_attributes.active_color_name
        render = mesh.color_attributes.render_color_index
        layer = mesh.color_attributes.new(name, "BYTE_COLOR", "POINT")
        if active:  # a new one becomes active where there was none
            mesh.color_attributes.active_color_name = active
            mesh.color_attributes.render_color_index = render
    rgba = np.ones((len(srgb), 4), np.float32)
    rgba[:, :3] = srgb.astype(np.float32) / 255
    layer.data.foreach_set("color_srgb", rgba.reshape(-1))
    mesh.update()


def show_colors(context: Any, item: Any, name: str) -> None:
    """Let an object show the colour attribute `name` of its mesh in all views."""
    mesh = item.data
    if SHOWS not in item:
        _write_down(item)
    elif item[SHOWS] != name and item[SHOWS] in mesh.color_attributes:
        mesh.color_attributes.remove(mesh.color_attributes[item[SHOWS]])
    material = _material(name)
    if not mesh.materials:
        mesh.materials.append(None)
    for slot in item.material_slots:
        slot.link = "OBJECT"
        slot.material = material
    for node in _painting_nodes(item):
        node.inputs["Material"].default_value = material
    mesh.color_attributes.active_color_name = name
    mesh.color_attributes.render_color_index = mesh.color_attributes.find(name)
    item[SHOWS] = name
    _solid_views(context, is_on=True)


def hide_colors(context: Any, item: Any, *, forget: bool = True) -> None:
    """Let an object look as it did before `show_colors`; with `forget` the attribute goes too."""
    name = item.get(SHOWS)
    if name is None:
        return
    before = item.get(BEFORE)
    mesh = item.data
    links = list(before["links"]) if before is not None else []
    had = int(before["slots"]) if before is not None else len(item.material_slots)
    for k, slot in enumerate(item.material_slots):
        slot.link = "OBJECT"  # new materials of the mesh, given meanwhile, stay
        slot.material = before.get(f"material_{k}") if before is not None else None
        slot.link = links[k] if k < len(links) else "DATA"
    while len(mesh.materials) > had and mesh.materials[-1] is None:
        mesh.materials.pop()
    for k, node in enumerate(_painting_nodes(item)):
        node.inputs["Material"].default_value = before.get(f"painted_{k}") if before is not None else None
    if forget and name in mesh.color_attributes:
        mesh.color_attributes.remove(mesh.color_attributes[name])
    active = before["active"] if before is not None else ""
    if active in mesh.color_attributes:
        mesh.color_attributes.active_color_name = active
    render = before["render"] if before is not None else ""
    if render in mesh.color_attributes:
        mesh.color_attributes.render_color_index = mesh.color_attributes.find(render)
    for key in (SHOWS, BEFORE):
        if key in item:
            del item[key]
    material = _known_material(name)
    if material is not None and material.users == 0:
        bpy.data.materials.remove(material)
    if not any(SHOWS in other for other in bpy.data.objects):
        _solid_views(context, is_on=False)


def shows(item: Any) -> str | None:
    """Name of the colour attribute that an object shows, or None."""
    name = item.get(SHOWS) if item is not None else None
    return name if isinstance(name, str) else None


def _write_down(item: Any) -> None:
    colors = item.data.color_attributes
    before: dict[str, Any] = {
        "slots": len(item.material_slots),
        "links": [slot.link for slot in item.material_slots],
        "active": colors.active_color_name or "",
        "render": _name_at(colors, colors.render_color_index),
    }
    for k, slot in enumerate(item.material_slots):
        link = slot.link
        slot.link = "OBJECT"
        if slot.material is not None:
            before[f"material_{k}"] = slot.material
        slot.link = link
    for k, node in enumerate(_painting_nodes(item)):
        if node.inputs["Material"].default_value is not None:
            before[f"painted_{k}"] = node.inputs["Material"].default_value
    item[BEFORE] = before


def _name_at(colors: Any, index: int) -> str:
    return colors[index].name if 0 <= index < len(colors) else ""


def _painting_nodes(item: Any) -> list[Any]:
    """Nodes of the object's modifiers that give points a material: a cloud's points have no slots."""
    groups = [m.node_group for m in item.modifiers if m.type == "NODES" and m.node_group is not None]
    return [node for group in groups for node in group.nodes if node.bl_idname == "GeometryNodeSetMaterial"]


def _known_material(name: str) -> Any | None:
    return next((m for m in bpy.data.materials if m.get(MATERIAL) == name), None)


def _material(name: str) -> Any:
    """The one material that shows the attribute `name`, on meshes and on points."""
    material = _known_material(name)
    if material is not None:
        return material
    material = bpy.data.materials.new(f"colours of {name}")
    material[MATERIAL] = name
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = next(node for node in nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Roughness"].default_value = 1.0
    shader.inputs["Specular IOR Level"].default_value = 0.0
    shader.inputs["Emission Strength"].default_value = EMISSION
    attribute = nodes.new("ShaderNodeAttribute")
    attribute.attribute_type = "GEOMETRY"
    attribute.attribute_name = name
    attribute.location = (-300, 200)
    dim = nodes.new("ShaderNodeMix")
    dim.data_type = "RGBA"
    dim.inputs["Factor"].default_value = EMISSION
    color = next(s for s in dim.inputs if s.identifier == "A_Color")
    black = next(s for s in dim.inputs if s.identifier == "B_Color")
    black.default_value = (0.0, 0.0, 0.0, 1.0)
    links.new(attribute.outputs["Color"], color)
    links.new(next(s for s in dim.outputs if s.identifier == "Result_Color"), shader.inputs["Base Color"])
    links.new(attribute.outputs["Color"], shader.inputs["Emission Color"])
    return material


def _solid_views(context: Any, *, is_on: bool) -> None:
    """Show colour attributes in solid views, or what each of them showed before."""
    scene = context.scene
    if is_on and SOLID_BEFORE not in scene:
        scene[SOLID_BEFORE] = {
            screen.name: [shading.color_type for shading in _shadings(screen)]
            for screen in bpy.data.screens
            if _shadings(screen)
        }
        for screen in bpy.data.screens:
            for shading in _shadings(screen):
                shading.color_type = "VERTEX"
    elif not is_on and SOLID_BEFORE in scene:
        before = scene[SOLID_BEFORE]
        for screen in bpy.data.screens:
            for shading, kind in zip(_shadings(screen), before.get(screen.name, ()), strict=False):
                if shading.color_type == "VERTEX":  # else it was changed by hand since
                    shading.color_type = kind
        del scene[SOLID_BEFORE]


def _shadings(screen: Any) -> list[Any]:
    """The shading of each 3D view of a screen."""
    return [s.shading for area in screen.areas for s in area.spaces if s.type == "VIEW_3D"]
