"""Linear blend skinning as the glTF 2.0 specification writes it, in plain numpy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bodyscan.gltf import GlbBody


def rotation(axis: str, degrees: float) -> NDArray[np.float64]:
    """Return the (3, 3) rotation about `x`, `y` or `z`."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.eye(3)
    matrix[i, i], matrix[i, j], matrix[j, i], matrix[j, j] = c, -s, s, c
    return matrix


def pose_body(
    body: GlbBody,
    rotations: Mapping[str, NDArray[np.float64]],
    morph_weights: Mapping[str, float] | None = None,
) -> NDArray[np.float64]:
    """Return the (V, 3) positions after joint rotations (3, 3), each in its joint's own frame."""
    positions = body.positions.astype(np.float64)
    for morph in body.morphs:
        positions[morph.vertex_ids] += (morph_weights or {}).get(morph.name, 0.0) * morph.deltas
    parents = body.skeleton.parents
    world = np.empty((len(parents), 4, 4))
    for joint, (name, parent) in enumerate(zip(body.skeleton.joint_names, parents, strict=True)):
        above = body.rest_world[parent] if parent >= 0 else np.eye(4)
        local = np.linalg.inv(above) @ body.rest_world[joint]
        turn = np.eye(4)
        turn[:3, :3] = rotations.get(name, np.eye(3))
        world[joint] = (world[parent] if parent >= 0 else np.eye(4)) @ local @ turn
    matrices = world @ body.inverse_binds
    blended = np.einsum("vk,vkij->vij", body.joint_weights.astype(np.float64), matrices[body.joint_indices])
    homogeneous = np.hstack([positions, np.ones((len(positions), 1))])
    return np.einsum("vij,vj->vi", blended, homogeneous)[:, :3]
