"""glTF nodes: where each stands in the scene, and skinned vertices in that pose."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def _local(node: dict[str, Any]) -> NDArray[np.float64]:
    if "matrix" in node:
        return np.asarray(node["matrix"], np.float64).reshape(4, 4).T  # stored column by column
    matrix = np.eye(4)
    x, y, z, w = np.asarray(node.get("rotation", [0, 0, 0, 1]), np.float64)
    norm = float(np.sqrt(x * x + y * y + z * z + w * w)) or 1.0
    x, y, z, w = x / norm, y / norm, z / norm, w / norm
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    matrix[:3, :3] = rotation * np.asarray(node.get("scale", [1, 1, 1]), np.float64)
    matrix[:3, 3] = node.get("translation", [0, 0, 0])
    return matrix


def world_matrices(doc: dict[str, Any]) -> dict[int, NDArray[np.float64]]:
    """Return `scene_from_node` (4, 4) of every node of the default scene, of all nodes without a scene.

    A node that is its own ancestor, or stands under two parents, is visited once.
    """
    nodes = doc.get("nodes", [])
    scenes = doc.get("scenes", [])
    if scenes:
        roots = scenes[doc.get("scene", 0)].get("nodes", [])
    else:
        children = {c for node in nodes for c in node.get("children", [])}
        roots = [i for i in range(len(nodes)) if i not in children]
    worlds: dict[int, NDArray[np.float64]] = {}
    waiting = [(root, np.eye(4)) for root in reversed(roots)]
    while waiting:
        index, parent = waiting.pop()
        if index in worlds:
            continue
        worlds[index] = parent @ _local(nodes[index])
        waiting += [(child, worlds[index]) for child in reversed(nodes[index].get("children", []))]
    return worlds


def skinned(
    vertices: NDArray[np.float64],
    joints: NDArray[Any],
    weights: NDArray[Any],
    joint_nodes: list[int],
    inverse_binds: NDArray[np.float64] | None,
    worlds: dict[int, NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return vertices (N, 3) by linear blend skinning with the joints where the nodes put them.

    `inverse_binds` (J, 4, 4) as stored, column by column. The mesh node's own transform plays no part
    (glTF 2.0, section 3.7.3.3).
    """
    matrices = np.stack([worlds.get(node, np.eye(4)) for node in joint_nodes])
    if inverse_binds is not None:
        matrices = matrices @ inverse_binds.transpose(0, 2, 1)
    weights = weights.astype(np.float64)
    total = weights.sum(axis=1, keepdims=True)
    weights = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    ids = joints.astype(np.int64)
    out = np.zeros_like(vertices)
    for column in range(ids.shape[1]):
        m = matrices[ids[:, column]]
        moved = np.einsum("nij,nj->ni", m[:, :3, :3], vertices) + m[:, :3, 3]
        out += weights[:, column : column + 1] * moved
    return np.where(total > 0, out, vertices)
