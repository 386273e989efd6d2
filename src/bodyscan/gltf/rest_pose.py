"""The surfaces that a glTF file shows when its joints stand as the file has them.

Tools that quantise a skinned mesh store its positions in a box of their own and put the way back into the
inverse bind matrices (a skinned mesh's own node is ignored, glTF 2.0 section 3.7.3.3). What a person sees is
therefore `world_from_joint @ inverse_bind` applied to the stored positions, blended by the weights, and not
the positions themselves. Where these matrices are the identity the stored bits are passed on untouched, so
that an exact digest of a plain file holds to the bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodyscan.errors import InputError
from bodyscan.gltf.accessors import AccessorReader
from bodyscan.gltf.nodes import NodeTree
from bodyscan.gltf.primitives import PrimitiveReader
from bodyscan.types import F32, F64

INSTANCING = "EXT_mesh_gpu_instancing"
SAME_M = 1e-5
"""Metres; joints that move the surface by less stand in the bind pose: float32 leaves that much."""


@dataclass(frozen=True, eq=False)
class Surface:
    """One primitive of one mesh as one node shows it, in the rest pose."""

    mesh: int
    """Index into the document's meshes."""
    node: int | None
    """Index of the node that shows it; None where no node does, and the positions are as stored."""
    positions: F32
    """(V, 3) float32, metres, world frame."""
    faces: NDArray[np.int64]
    """(F, 3) int64."""


def rest_surfaces(document: Mapping[str, Any], reader: AccessorReader) -> tuple[Surface, ...]:
    """Return every primitive of every mesh, once for each node that shows it.

    Meshes that no node shows stand among them with their stored positions, so that no body can hide. Raises
    `InputError` where the file is damaged, draws other things than triangles, or instances of a mesh.
    """
    tree = NodeTree(document)
    users: dict[int, list[int]] = {}
    for index, node in enumerate(tree.nodes):
        if INSTANCING in node.get("extensions", {}):
            raise InputError(
                f"The file shows a mesh many times, each at another size ({INSTANCING}); a twin stands there "
                "once, so its geometry cannot be compared with the consent."
            )
        if "mesh" in node:
            users.setdefault(node["mesh"], []).append(index)
    skins: dict[int, F64] = {}
    result = []
    for mesh_index, mesh in enumerate(document.get("meshes", [])):
        for primitive in mesh["primitives"]:
            read = PrimitiveReader(primitive, reader, str(mesh.get("name", "?")))
            stored = positions_of(read)
            faces = read.faces(len(stored))
            for node_index in users.get(mesh_index) or [None]:
                shown = _shown(stored, node_index, tree, document, reader, read, skins)
                result.append(Surface(mesh_index, node_index, shown, faces))
    return tuple(result)


def positions_of(read: PrimitiveReader) -> F32:
    """Return the stored positions, (V, 3) float32. Raises `InputError` for another shape."""
    stored = read.attribute("POSITION").astype(np.float32)
    if stored.ndim != 2 or stored.shape[1] != 3:
        raise InputError(f"The file's positions are damaged: their shape is {stored.shape}, not (V, 3).")
    return stored


def _shown(
    stored: F32,
    node_index: int | None,
    tree: NodeTree,
    document: Mapping[str, Any],
    reader: AccessorReader,
    read: PrimitiveReader,
    skins: dict[int, F64],
) -> F32:
    if node_index is None:
        return stored
    node = tree.nodes[node_index]
    if "skin" not in node or not read.has("JOINTS_0"):
        return move_points(stored, tree.world_matrix(node_index))
    if node["skin"] not in skins:
        skins[node["skin"]] = skin_matrices(document, tree, node["skin"], reader)
    matrices = skins[node["skin"]]
    common = common_matrix(matrices, extent_of(stored))
    if common is not None:
        return move_points(stored, common)
    joints, weights = influences(read, len(matrices))
    return _blend(stored, matrices, joints, weights)


def influences(read: PrimitiveReader, num_joints: int) -> tuple[NDArray[np.int64], F64]:
    """Return all joints (V, 4 n) and weights (V, 4 n). Raises `InputError` where a joint is not there."""
    joints, weights = [], []
    index = 0
    while read.has(f"JOINTS_{index}"):
        joints.append(read.attribute(f"JOINTS_{index}").astype(np.int64))
        weights.append(read.attribute(f"WEIGHTS_{index}").astype(np.float64))
        index += 1
    all_joints, all_weights = np.hstack(joints), np.hstack(weights)
    if all_joints.shape != all_weights.shape:
        raise InputError(f"The file has {all_joints.shape} joints and {all_weights.shape} weights.")
    if all_joints.size and all_joints.max() >= num_joints:
        raise InputError(f"A vertex names joint {int(all_joints.max())}; the skin has {num_joints}.")
    return all_joints, all_weights


def inverse_bind_matrices(document: Mapping[str, Any], skin_index: int, reader: AccessorReader) -> F64:
    """Return (J, 4, 4) float64, joint_from_mesh, as stored; identity where the file has none."""
    skin = document["skins"][skin_index]
    count = len(skin["joints"])
    if "inverseBindMatrices" not in skin:
        return np.tile(np.eye(4), (count, 1, 1))
    stored = reader.read(skin["inverseBindMatrices"])
    if stored.shape != (count, 16):
        raise InputError(f"The skin has {count} joints and inverse bind matrices {stored.shape}.")
    return stored.reshape(-1, 4, 4).transpose(0, 2, 1).astype(np.float64)


def skin_matrices(
    document: Mapping[str, Any], tree: NodeTree, skin_index: int, reader: AccessorReader
) -> F64:
    """Return (J, 4, 4) float64, world_from_mesh by each joint as the joints stand in the file."""
    joints = document["skins"][skin_index]["joints"]
    inverse_binds = inverse_bind_matrices(document, skin_index, reader)
    world = np.stack([tree.world_matrix(joint) for joint in joints])
    with np.errstate(over="ignore", invalid="ignore"):
        matrices = world @ inverse_binds
    if not np.isfinite(matrices).all():
        raise InputError("A joint node of the file stands at no finite place.")
    return matrices


def extent_of(points: F32) -> float:
    """Return the largest coordinate, at least 1e-9: what a matrix's linear part is multiplied with."""
    return max(float(np.abs(points).max(initial=0.0)), 1e-9)


def common_matrix(matrices: F64, extent: float) -> F64 | None:
    """Return the one matrix that all joints share within `SAME_M` on points up to `extent`, or None.

    That is the dequantisation where the mesh is bound in its rest pose. The identity is returned as the
    exact identity.
    """
    if _distance(matrices, np.eye(4), extent) <= SAME_M:
        return np.eye(4)
    mean = matrices.mean(axis=0)
    return mean if _distance(matrices, mean, extent) <= SAME_M else None


def _distance(matrices: F64, one: F64, extent: float) -> float:
    difference = np.abs(matrices - one)[:, :3]
    return float((difference[:, :, :3].sum(axis=2) * extent + difference[:, :, 3]).max(initial=0.0))


def move_points(points: F32, matrix: F64) -> F32:
    """Return (V, 3) float32 points moved by a (4, 4) matrix; the same bits for the exact identity."""
    if np.array_equal(matrix, np.eye(4)):
        return points
    with np.errstate(over="ignore", invalid="ignore"):
        moved = (points.astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]).astype(np.float32)
    if not np.isfinite(moved).all():
        raise InputError("A mesh of the file stands at no finite place.")
    return moved


def _blend(points: F32, matrices: F64, joints: NDArray[np.int64], weights: F64) -> F32:
    moved = np.zeros((len(points), 3))
    wide = points.astype(np.float64)
    for column in range(joints.shape[1]):
        chosen = matrices[joints[:, column]]
        each = np.einsum("vij,vj->vi", chosen[:, :3, :3], wide) + chosen[:, :3, 3]
        moved += weights[:, column : column + 1] * each
    with np.errstate(over="ignore"):
        result = moved.astype(np.float32)
    if not np.isfinite(result).all():
        raise InputError("A mesh of the file stands at no finite place.")
    return result
