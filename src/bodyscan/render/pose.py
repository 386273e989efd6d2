"""The twin in other poses and expressions: linear blend skinning in plain numpy, for pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from bodyscan.errors import InputError
from bodyscan.geometry.rotations import rotvec_to_matrix
from bodyscan.types import F64, Mesh, Morph, Rig, Skeleton


def pose_rig(
    rig: Rig,
    rotations: Mapping[str, ArrayLike] | None = None,
    *,
    morphs: Sequence[Morph] = (),
    weights: Mapping[str, float] | None = None,
) -> Mesh:
    """Return the rig's mesh in a pose and expression.

    `rotations`: joint name -> rotation vector (3,), radians, about axes that are the world's in the bind
    pose; joints that are not named stay as they are. `weights`: morph name -> 0..1; morphs are added in
    the bind pose, before skinning, as glTF orders it. Raises `InputError` for names that are not there.
    """
    vertices = apply_morphs(rig.mesh.vertices, morphs, weights or {})
    matrices = skinning_matrices(rig.skeleton, rotations or {})
    posed = np.zeros_like(vertices)
    for place in range(rig.joint_indices.shape[1]):
        share = rig.joint_weights[:, place : place + 1].astype(np.float64)
        moved = matrices[rig.joint_indices[:, place]]
        posed += share * (np.einsum("vij,vj->vi", moved[:, :, :3], vertices) + moved[:, :, 3])
    # float32 weights sum to 1 within 1e-7 only; without this a body far from the origin would shrink.
    posed /= rig.joint_weights.astype(np.float64).sum(axis=1, keepdims=True)
    return replace(rig.mesh, vertices=posed)


def apply_morphs(vertices: F64, morphs: Sequence[Morph], weights: Mapping[str, float]) -> F64:
    """Vertices (V, 3) with the weighted sum of sparse displacements added, a copy."""
    known = {morph.name: morph for morph in morphs}
    unknown = sorted(set(weights) - set(known))
    if unknown:
        raise InputError(f"The morph {unknown[0]!r} is unknown; there are {_listed(known)}.")
    out = np.array(vertices, np.float64)
    for name, weight in weights.items():
        out[known[name].vertex_ids] += weight * known[name].deltas.astype(np.float64)
    return out


def skinning_matrices(skeleton: Skeleton, rotations: Mapping[str, ArrayLike]) -> F64:
    """(J, 3, 4) posed-from-bind transform of each joint, world frame."""
    unknown = sorted(set(rotations) - set(skeleton.joint_names))
    if unknown:
        raise InputError(f"The joint {unknown[0]!r} is unknown; there are {_listed(skeleton.joint_names)}.")
    count = len(skeleton.joint_names)
    turn = np.empty((count, 3, 3))
    place = np.empty((count, 3))
    for joint, name in enumerate(skeleton.joint_names):
        local = rotation_matrix(rotations.get(name, (0, 0, 0)))
        parent = int(skeleton.parents[joint])
        if parent < 0:
            turn[joint], place[joint] = local, skeleton.positions[joint]
        else:
            bone = skeleton.positions[joint] - skeleton.positions[parent]
            turn[joint] = turn[parent] @ local
            place[joint] = place[parent] + turn[parent] @ bone
    shift = place - np.einsum("jik,jk->ji", turn, skeleton.positions)
    return np.concatenate([turn, shift[:, :, None]], axis=2)


def posed_joints(skeleton: Skeleton, rotations: Mapping[str, ArrayLike]) -> F64:
    """(J, 3) joint positions in the pose, metres."""
    matrices = skinning_matrices(skeleton, rotations)
    return np.einsum("jik,jk->ji", matrices[:, :, :3], skeleton.positions) + matrices[:, :, 3]


def rotation_matrix(rotvec: ArrayLike) -> F64:
    """(3, 3) of a rotation vector (3,), radians; `InputError` for anything else."""
    vector = np.asarray(rotvec, np.float64)
    if vector.shape != (3,) or not np.isfinite(vector).all():
        raise InputError(f"A rotation must be three finite numbers (radians); {rotvec!r} was given.")
    return rotvec_to_matrix(vector)


def _listed(names: Sequence[str] | Mapping[str, object]) -> str:
    names = list(names)
    return (", ".join(names[:80]) + (" ..." if len(names) > 80 else "")) or "none"
