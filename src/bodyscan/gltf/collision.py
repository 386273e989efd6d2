"""The collision body: the extension EXT_mesh_manifold, and the capsules.

Source: Khronos glTF, extensions/2.0/Vendor/EXT_mesh_manifold (draft): a mesh is declared manifold by a
second primitive with positions alone, in which every half-edge has exactly one opposite. Where vertices were
split, a sparse index accessor names the merged ones; every merge is between equal positions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodyscan.errors import InputError
from bodyscan.gltf.buffer import BufferPacker
from bodyscan.gltf.skeleton_nodes import TargetSkeleton, to_joint_frame
from bodyscan.types import I32, Capsule, Skeleton

MANIFOLD_EXTENSION = "EXT_mesh_manifold"


def merged_vertices(vertices: NDArray[Any]) -> I32:
    """Return for each vertex (V, 3) the first one at the same float32 position, (V,) int32."""
    points = np.ascontiguousarray(vertices, np.float32) + np.float32(0)  # minus zero is zero
    _, first, group = np.unique(points, axis=0, return_index=True, return_inverse=True)
    return first[group.ravel()].astype(np.int32)


def is_manifold(faces: NDArray[np.integer]) -> bool:
    """True where `faces` (F, 3) close: every half-edge has one opposite, and none stands twice."""
    if not len(faces):
        return False
    starts, ends = faces.astype(np.int64).ravel(), np.roll(faces, -1, axis=1).astype(np.int64).ravel()
    size = int(faces.max()) + 1
    forth, back = np.sort(starts * size + ends), np.sort(ends * size + starts)
    return bool((starts != ends).all() and (np.diff(forth) > 0).all() and np.array_equal(forth, back))


def manifold_extension(
    primitive: dict[str, Any], vertices: NDArray[Any], faces: NDArray[np.integer], packer: BufferPacker
) -> dict[str, Any] | None:
    """Return the mesh extension's value, or None where the surface is not closed, as it stands or merged.

    `primitive`: the mesh's one primitive, whose arrays are `vertices` (V, 3) and `faces` (F, 3); further
    index data goes into `packer`.
    """
    indices = primitive["indices"]
    position = {"POSITION": primitive["attributes"]["POSITION"]}
    if is_manifold(faces):
        return {"manifoldPrimitive": {"indices": indices, "mode": 4, "attributes": position}}
    flat = np.asarray(faces).ravel()
    merged = merged_vertices(vertices)[flat]
    if not is_manifold(merged.reshape(-1, 3)):
        return None
    corners = np.flatnonzero(merged != flat)
    joined, places, values = packer.add_merged_indices(
        "manifold triangles", indices, corners, merged[corners]
    )
    return {
        "manifoldPrimitive": {"indices": joined, "mode": 4, "attributes": position},
        "mergeIndices": places,
        "mergeValues": values,
    }


def capsule_extras(
    capsules: Sequence[Capsule], skeleton: Skeleton, target: TargetSkeleton
) -> list[dict[str, Any]]:
    """Return the capsules as JSON values, each in its joint's own frame as the file has it, metres.

    Raises `InputError` where a capsule moves with a joint that the skeleton does not have.
    """
    found = []
    for capsule in capsules:
        if capsule.joint not in skeleton.joint_names:
            raise InputError(
                f"A capsule of the collision body moves with '{capsule.joint}', which is no joint."
            )
        joint = target.first + skeleton.joint_names.index(capsule.joint)
        found.append(
            {
                "joint": target.names[joint],
                "start": to_joint_frame(target, joint, capsule.start),
                "end": to_joint_frame(target, joint, capsule.end),
                "start_radius_m": float(capsule.start_radius_m),
                "end_radius_m": float(capsule.end_radius_m),
            }
        )
    return found
