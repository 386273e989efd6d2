# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the scan is not to be trusted: painted on it as weights, 0 to trust and 1 not to.

Weights and not colours: one number a vertex, with Blender's own brushes to add, take off, smooth and blend,
and Blender's own scale from blue to red; a colour would have to be read back as a number. What is painted on
the part of a scan that is shown holds for the whole scan of the working folder.
"""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from scipy.spatial import KDTree

from bodyscan.errors import InputError
from bodyscan.types import F32

from ..mesh_data import COLOR, get_values
from ..mesh_points import get_positions, get_triangles
from ..people import Person
from ..scan.scan_object import SCAN_VERTEX
from .fit_state import scan_of
from .vertex_colors import hide_colors, show_colors, shows, write_colors

GROUP = "bodyscan_distrust"
"""Vertex group of the scan."""
COLORS = "bodyscan_distrust_colors"
"""Colour attribute that shows it; Blender wants other names for attributes than for groups."""
SHARE = "bodyscan_distrust_share"
"""Of a person's collection: share of the scan's surface that is painted, as it was last counted."""
LEAST = 1e-3
"""Weights below count as none."""
MARK, PLAIN = np.array([214.0, 39.0, 40.0]), np.array([188.0, 184.0, 178.0])
"""sRGB of what is not trusted, and of a scan without colours."""


def scan_object(person: Person) -> Any:
    """The scan's object. Raises `InputError` where it is not in the scene."""
    item = person.object("scan")
    if item is None or item.type != "MESH":
        raise InputError(f"{person.name}'s scan is not in the scene; run the step Import again.")
    return item


def weights_of(item: Any) -> F32:
    """(N,) 0..1 of the scan's shown vertices."""
    weights = np.zeros(len(item.data.vertices), np.float32)
    group = item.vertex_groups.get(GROUP)
    if group is None:
        return weights
    wanted = group.index
    for index, vertex in enumerate(item.data.vertices):
        for held in vertex.groups:
            if held.group == wanted:
                weights[index] = held.weight
    return np.clip(np.nan_to_num(weights), 0.0, 1.0)


def mark(item: Any, vertices: np.ndarray, weight: float) -> None:
    """Give shown vertices (K,) a weight; 0 takes them out of the group."""
    ids = [int(vertex) for vertex in vertices]
    if weight > LEAST:
        _group(item).add(ids, weight, "REPLACE")
    elif item.vertex_groups.get(GROUP) is not None:
        item.vertex_groups[GROUP].remove(ids)


def clear_weights(item: Any) -> None:
    """Trust all of the scan."""
    group = item.vertex_groups.get(GROUP)
    if group is not None:
        item.vertex_groups.remove(group)


def distrust_of(person: Person) -> F32 | None:
    """(V,) float32 0..1 for each vertex of the working folder's scan, or None where nothing is painted.

    A vertex that is not shown takes the weight of the nearest one that is. Raises `InputError` where the scan
    is not there.
    """
    item = person.object("scan")
    if item is None or item.type != "MESH" or item.vertex_groups.get(GROUP) is None:
        return None
    shown = weights_of(item)
    if not (shown > LEAST).any():
        return None
    return spread_weights(shown, _scan_ids(item), get_positions(item.data), scan_of(person).mesh.vertices)


def spread_weights(shown: F32, ids: np.ndarray | None, places: np.ndarray, vertices: np.ndarray) -> F32:
    """(N,) weights of shown vertices -> (V,) of all.

    `ids` (N,) are their places in `vertices` (V, 3), or None where that is not known any more: then `places`
    (N, 3), in the frame of `vertices`, tell.
    """
    if ids is not None and len(ids) and ids.min() >= 0 and ids.max() < len(vertices):
        if len(ids) == len(vertices) and len(np.unique(ids)) == len(ids):
            spread = np.zeros(len(vertices), np.float32)
            spread[ids] = shown
            return spread
        places = vertices[ids]
    _, nearest = KDTree(places).query(vertices)
    return np.asarray(shown[nearest], np.float32)


def count_share(person: Person) -> float:
    """Count the share of the scan's surface that is painted, note it for the panel, and return it."""
    item = person.object("scan")
    share = painted_share(item.data, weights_of(item)) if item is not None and item.type == "MESH" else 0.0
    person.collection[SHARE] = share
    return share


def painted_share(mesh: Any, weights: F32) -> float:
    """Share of a mesh's surface (of its points, for a cloud) that is painted, 0..1."""
    if not len(weights) or not (weights > LEAST).any():
        return 0.0
    if not len(mesh.polygons):
        return float(weights.mean())
    faces = get_triangles(mesh)
    areas = np.empty(len(faces), np.float32)
    mesh.loop_triangles.foreach_get("area", areas)
    total = float(areas.sum())
    return float((weights[faces].mean(axis=1) * areas).sum()) / total if total > 0 else 0.0


def share_words(person: Person) -> str:
    """How much is painted, in one sentence; of the last count."""
    item = person.object("scan")
    if item is None or item.type != "MESH" or item.vertex_groups.get(GROUP) is None:
        return "All of the scan is trusted."
    share = float(person.collection.get(SHARE, 0.0))
    if share <= 0:
        return "Nothing is painted yet."
    return f"{100 * share:.{0 if share >= 0.1 else 1}f} % of the surface is not trusted."


def show_distrust(context: Any, item: Any) -> None:
    """Show the scan in its own colours, red where it is not trusted."""
    weights = weights_of(item)[:, None]
    own = _own_colors(item.data)
    write_colors(item.data, COLORS, np.round(own * (1 - weights) + MARK * weights).astype(np.uint8))
    show_colors(context, item, COLORS)


def hide_distrust(context: Any, item: Any) -> None:
    """Show the scan as before `show_distrust`."""
    if shows(item) == COLORS:
        hide_colors(context, item)


def begin_painting(context: Any, item: Any) -> None:
    """Make the scan ready to be painted with Blender's weight brushes, at full weight.

    Raises `InputError` for a scan that is hidden in a way that cannot be undone here, or has no faces.
    """
    if not len(item.data.polygons):
        raise InputError(
            "This scan is a cloud of points, which brushes do not meet. Select points in edit mode and mark "
            "them."
        )
    layer = context.view_layer
    if item.name not in layer.objects:
        raise InputError(
            f"{item.name} is in a collection that this view layer leaves out; put it back first."
        )
    if context.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    item.hide_viewport = False
    item.hide_set(False)
    group = _group(item)
    item.vertex_groups.active_index = group.index
    for other in layer.objects:
        other.select_set(other == item)
    layer.objects.active = item
    bpy.ops.object.mode_set(mode="WEIGHT_PAINT")
    _full_weight(context)


def _full_weight(context: Any) -> None:
    """Brushes begin at weight 1: what they touch is not trusted."""
    tools = context.tool_settings
    holders = [tools.weight_paint.brush, getattr(tools, "unified_paint_settings", None)]
    holders.append(getattr(tools.weight_paint, "unified_paint_settings", None))
    for holder in holders:
        if holder is not None and hasattr(holder, "weight"):
            holder.weight = 1.0


def _group(item: Any) -> Any:
    return item.vertex_groups.get(GROUP) or item.vertex_groups.new(name=GROUP)


def _scan_ids(item: Any) -> np.ndarray | None:
    return get_values(item.data, SCAN_VERTEX)


def _own_colors(mesh: Any) -> np.ndarray:
    """(N, 3) sRGB 0..255 of the scan as it was captured."""
    layer = mesh.color_attributes.get(COLOR)
    count = len(mesh.vertices)
    if layer is None or layer.domain != "POINT":
        return np.tile(PLAIN, (count, 1))
    rgba = np.empty(4 * count, np.float32)
    layer.data.foreach_get("color_srgb", rgba)
    return 255.0 * rgba.reshape(-1, 4)[:, :3]
