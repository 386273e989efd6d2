"""The node tree of a glTF document: where each node stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bodyscan.errors import InputError
from bodyscan.types import F64


class NodeTree:
    """World matrices of the nodes of one document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.nodes: list[Mapping[str, Any]] = document.get("nodes", [])
        self.parents = {child: i for i, node in enumerate(self.nodes) for child in node.get("children", [])}

    def world_matrix(self, node: int) -> F64:
        """Return (4, 4) float64, world_from_node, metres. Raises `InputError` where the tree has a cycle."""
        matrix = local_matrix(self.nodes[node])
        for _ in range(len(self.nodes)):
            if node not in self.parents:
                return matrix
            node = self.parents[node]
            with np.errstate(over="ignore", invalid="ignore"):
                matrix = local_matrix(self.nodes[node]) @ matrix
        raise InputError("The file's node tree has a cycle.")

    def nearest_ancestor(self, node: int, among: Mapping[int, int]) -> int:
        """Return `among[a]` for the nearest ancestor `a` of `node` that it holds, or -1."""
        seen = {node}
        while node in self.parents:
            node = self.parents[node]
            if node in seen:
                raise InputError("The file's node tree has a cycle.")
            seen.add(node)
            if node in among:
                return among[node]
        return -1


def local_matrix(node: Mapping[str, Any]) -> F64:
    """Return (4, 4) float64, parent_from_node, of a node's matrix or translation, rotation and scale."""
    if "matrix" in node:
        return np.array(node["matrix"], dtype=np.float64).reshape(4, 4).T
    x, y, z, w = node.get("rotation", (0.0, 0.0, 0.0, 1.0))
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * np.asarray(node.get("scale", (1.0, 1.0, 1.0)), dtype=np.float64)
    matrix[:3, 3] = node.get("translation", (0.0, 0.0, 0.0))
    return matrix
