# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A line that one object is shown up to, and another from there on: a modifier of geometry nodes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bpy
import numpy as np

from ..mesh_points import get_positions

NAME = "bodyscan wipe"
LINE = "bodyscan line"
"""Name of the node that holds the X up to which, or from which, an object is shown, metres, its own frame."""
OVERLAP = "bodyscan overlap"
"""Of an object with a wipe: how far it is shown beyond the line, metres. Whole faces go: without it both
sides would end before the line, and between them one looks into the body."""


def add_wipe(item: Any, side: str) -> None:
    """Show only the part of an object `before` the line (smaller X) or `after` it."""
    item.modifiers.new(NAME, "NODES").node_group = _nodes(side)
    item[OVERLAP] = 1.5 * _edge(item.data) * (1 if side == "before" else -1)


def set_wipe(items: Iterable[Any], x: float) -> None:
    """Put the line of the objects that have one at `x` metres."""
    for item in items:
        for group in _groups(item):
            group.nodes[LINE].outputs[0].default_value = x + float(item.get(OVERLAP, 0.0))


def remove_wipe(item: Any) -> None:
    """Take the line from an object, with its nodes."""
    for modifier in [m for m in item.modifiers if m.name.startswith(NAME)]:
        group = modifier.node_group
        item.modifiers.remove(modifier)
        if group is not None and group.users == 0:
            bpy.data.node_groups.remove(group)


def _edge(mesh: Any) -> float:
    """The mean length of a mesh's edges, metres; 0 for a cloud."""
    if not len(mesh.edges):
        return 0.0
    ends = np.empty(2 * len(mesh.edges), np.int32)
    mesh.edges.foreach_get("vertices", ends)
    corners = get_positions(mesh)[ends.reshape(-1, 2)]
    return float(np.linalg.norm(corners[:, 0] - corners[:, 1], axis=1).mean())


def _groups(item: Any) -> list[Any]:
    groups = [m.node_group for m in item.modifiers if m.type == "NODES" and m.node_group is not None]
    return [group for group in groups if LINE in group.nodes]


def _nodes(side: str) -> Any:
    group = bpy.data.node_groups.new(f"{NAME} {side}", "GeometryNodeTree")
    group.interface.new_socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    group.interface.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")
    nodes, links = group.nodes, group.links
    start, end = nodes.new("NodeGroupInput"), nodes.new("NodeGroupOutput")
    place, axes = nodes.new("GeometryNodeInputPosition"), nodes.new("ShaderNodeSeparateXYZ")
    line, beyond = nodes.new("ShaderNodeValue"), nodes.new("ShaderNodeMath")
    cut = nodes.new("GeometryNodeDeleteGeometry")
    line.name = LINE
    beyond.operation = "GREATER_THAN" if side == "before" else "LESS_THAN"
    cut.domain = "POINT"
    for column, row, node in (
        (0, 0, start), (0, -200, place), (1, -200, axes), (1, -400, line), (2, -200, beyond),
        (3, 0, cut), (4, 0, end),
    ):  # fmt: skip
        node.location = (200 * column, row)
    links.new(place.outputs["Position"], axes.inputs["Vector"])
    links.new(axes.outputs["X"], beyond.inputs[0])
    links.new(line.outputs[0], beyond.inputs[1])
    links.new(start.outputs[0], cut.inputs["Geometry"])
    links.new(beyond.outputs[0], cut.inputs["Selection"])
    links.new(cut.outputs[0], end.inputs[0])
    return group
