# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scan and the surface that was fitted to it, as objects of a person."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from bodyscan.body.asset import AGES, load_body_model
from bodyscan.types import BodyFit

from ..mesh_data import new_image, new_mesh, set_colors, set_positions, set_uvs, set_values
from ..people import Person
from .looks import color_material, remove_material, show_points, textured_material
from .pictures import SkinPictures
from .scan_view import ScanView

SCAN_VERTEX = "bodyscan_scan_vertex"
"""Vertex attribute of a scan's object: which vertex of the scan in the working folder it is."""
SURFACES = ("body", "skin")
"""What a twin can show: the person as scanned, or as estimated under cloth and hair."""


def show_scan(person: Person, view: ScanView) -> Any:
    """Make the person's scan an object, in the place of an earlier one, and return it."""
    _remove(person, "scan")
    mesh = new_mesh("scan", view.vertices, view.faces)
    set_values(mesh, SCAN_VERTEX, view.vertex_ids)
    if view.colors is not None:
        set_colors(mesh, view.colors)
    name = f"{person.name} scan"
    if view.texture is not None and view.uvs is not None:
        set_uvs(mesh, view.uvs)
        material = textured_material(name, new_image(name, view.texture))
    else:
        material = color_material(name, has_colors=view.colors is not None)
    mesh.materials.append(material)
    item = bpy.data.objects.new(name, mesh)
    person.add(item, "scan")
    if not len(view.faces):
        show_points(item, view.point_radius_m, material)
    return item


def show_fit(person: Person, fit: BodyFit, *, skin: bool = False) -> Any:
    """Show the fitted surface, in the captured pose, and return its object.

    `skin`: the person under cloth and hair. An object that is there keeps its name and its place in the
    scene; its texture is of an earlier fit and goes.
    """
    surface = fit.skin if skin else fit.surface
    item = person.object("surface")
    count = len(surface.vertices)
    if item is not None and item.type == "MESH" and len(item.data.vertices) == count:
        leave_edit_mode(item)
        set_positions(item.data, surface.vertices)
    else:
        _remove(person, "surface")
        mesh = new_mesh("surface", surface.vertices, surface.faces)
        corners = body_uvs(fit.model_name)
        if corners is not None and len(corners) == 3 * len(surface.faces):
            set_uvs(mesh, corners)
        item = person.add(bpy.data.objects.new(f"{person.name} surface", mesh), "surface")
    show_textures(person, None)
    return item


def show_textures(person: Person, textures: SkinPictures | None) -> None:
    """Give the fitted surface its baked textures, or one plain colour; nothing happens without a surface."""
    item = person.object("surface")
    if item is None:
        return
    old = list(item.data.materials)
    item.data.materials.clear()
    name = f"{person.name} skin"
    if textures is None:
        material = color_material(name, has_colors=False)
    else:
        material = textured_material(
            name,
            new_image(f"{name} albedo", textures.albedo),
            _numbers(f"{name} normal", textures.normal),
            _numbers(f"{name} roughness", textures.roughness),
        )
    item.data.materials.append(material)
    for gone in old:
        if gone is not None:
            remove_material(gone)


def body_uvs(model_name: str) -> np.ndarray | None:
    """Return the packaged body's uvs (3 F, 2), one a corner; None for a body that is not ours."""
    for age in AGES:
        model = load_body_model(age)
        if model.name == model_name:
            return model.split_uvs[model.split_faces.ravel()] if len(model.split_uvs) else None
    return None


def leave_edit_mode(item: Any) -> None:
    """Leave the mode in which an object is edited: it holds a copy of the mesh that would win over ours."""
    if item.mode != "OBJECT":
        with bpy.context.temp_override(active_object=item, object=item):
            bpy.ops.object.mode_set(mode="OBJECT")


def _remove(person: Person, role: str) -> None:
    materials: list[Any] = []
    for item in person.objects(role):
        leave_edit_mode(item)
        materials += [one for one in getattr(item.data, "materials", ()) if one is not None]
        groups = [one.node_group for one in item.modifiers if one.type == "NODES" and one.node_group]
        item.modifiers.clear()
        for group in groups:
            if group.users == 0:
                bpy.data.node_groups.remove(group)
    person.remove(role)
    for material in dict.fromkeys(materials):
        remove_material(material)


def _numbers(name: str, png: bytes | None) -> Any | None:
    return None if png is None else new_image(name, png, is_color=False)
