# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a landmark looks: a ball for a joint inside the body, a diamond for a point of the skin, and a colour
that says what is known of it.

Blender draws empties in one colour; a small mesh has one of its own in solid, material and rendered views.
The meshes and materials are shared by all landmarks, found by their mark and not by their names.
"""

from __future__ import annotations

from typing import Any

import bmesh
import bpy

LOOK = "bodyscan_landmark_look"
"""Of a shared mesh or material: what it is for."""
COLORS: dict[str, tuple[float, float, float]] = {
    "sure": (0.0, 0.62, 0.45),
    "unsure": (0.90, 0.62, 0.0),
    "moved": (0.0, 0.45, 0.70),
    "added": (0.80, 0.47, 0.65),
    "ignored": (0.35, 0.35, 0.35),
}
"""State -> sRGB 0..1, told apart by eyes of every kind (Okabe and Ito, 2008)."""
WORDS = {
    "sure": "found",
    "unsure": "found, but not sure",
    "moved": "moved by hand",
    "added": "added by hand",
    "ignored": "ignored",
}


def marker_mesh(kind: str) -> Any:
    """The shared mesh of a `joint` or of a point of the `skin`, of radius 1."""
    for mesh in bpy.data.meshes:
        if mesh.get(LOOK) == kind:
            return mesh
    mesh = bpy.data.meshes.new(f"landmark {kind}")
    mesh[LOOK] = kind
    made = bmesh.new()
    bmesh.ops.create_icosphere(made, subdivisions=2 if kind == "joint" else 0, radius=1.0)
    if kind == "skin":
        made.clear()
        corners = [made.verts.new(c) for c in ((1, 0, 0), (0, 1, 0), (-1, 0, 0), (0, -1, 0))]
        for z in (1, -1):
            top = made.verts.new((0, 0, z))
            for k in range(4):
                pair = (corners[k], corners[(k + 1) % 4])
                made.faces.new((*(pair if z > 0 else reversed(pair)), top))
    made.to_mesh(mesh)
    made.free()
    if kind == "joint":
        mesh.shade_smooth()
    mesh.materials.append(None)  # each object brings its own
    return mesh


def marker_material(state: str) -> Any:
    """The shared material of a state, one of `COLORS`."""
    for material in bpy.data.materials:
        if material.get(LOOK) == state:
            return material
    material = bpy.data.materials.new(f"landmark {WORDS[state]}")
    material[LOOK] = state
    color = (*(_linear(part) for part in COLORS[state]), 1.0)
    material.diffuse_color = color
    material.use_nodes = True
    shader = next(node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = color
    shader.inputs["Emission Color"].default_value = color
    shader.inputs["Emission Strength"].default_value = 0.6
    return material


def show_state(item: Any, state: str) -> bool:
    """Give a marker the colour of a state; False where it had it."""
    material = marker_material(state)
    slot = item.material_slots[0] if item.material_slots else None
    if slot is None or slot.material == material:
        return False
    slot.link = "OBJECT"
    slot.material = material
    item.color = material.diffuse_color
    return True


def remove_unused() -> None:
    """Delete the shared meshes and materials that no landmark uses any more."""
    for group in (bpy.data.meshes, bpy.data.materials):
        unused = [one for one in group if one.get(LOOK) is not None and one.users == 0]
        bpy.data.batch_remove(unused)


def _linear(srgb: float) -> float:
    return srgb / 12.92 if srgb <= 0.04045 else ((srgb + 0.055) / 1.055) ** 2.4
