"""A twin of the size of a real one, from the packaged body: the mean person in a pose of the model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bodyscan.body.asset import load_body_model
from bodyscan.body.poses import standard_pose
from bodyscan.types import Mesh, Morph, Rig, Skeleton, Twin
from gltf.shapes import small_twin


def full_size_twin(pose: str | None = None) -> Twin:
    """Return the packaged body with its UVs, 52 shapes, full skeleton and a made-up skin tone.

    `pose`: `a` or `t`; None is the pose that the model itself rests in. Soles at Y = 0.
    """
    body = load_body_model()
    source = body.split_source
    params = body.zero_params()
    if pose is not None:
        params = replace(params, pose_rotvec=standard_pose(body, params.betas, pose))
    posed = body.pose(params)
    floor = posed.vertices[:, 1].min() if pose is not None else 0.0
    vertices = (posed.vertices - (0.0, floor, 0.0))[source]
    turn = (body.skin_weights @ posed.world_from_rest[:, :, :3].reshape(-1, 9)).reshape(-1, 3, 3)[source]
    weights = np.asarray(body.skin_weights.todense())
    strongest = np.argsort(-weights, axis=1, kind="stable")[:, :4]
    kept = np.take_along_axis(weights, strongest, axis=1)
    kept /= kept.sum(axis=1, keepdims=True)
    morphs = []
    for name, ids in body.expression_ids.items():
        deltas = np.zeros((body.num_vertices, 3), np.float32)
        deltas[ids] = body.expression_deltas[name]
        moved = np.flatnonzero(np.isin(source, ids)).astype(np.int32)
        morphs.append(Morph(name, moved, np.einsum("kij,kj->ki", turn[moved], deltas[source[moved]])))
    tone = np.array((190.0, 140.0, 115.0)) * (0.6 + 0.4 * vertices[:, 1:2] / vertices[:, 1].max())
    rig = Rig(
        mesh=Mesh(vertices, body.split_faces, body.split_uvs, tone.astype(np.uint8)),
        skeleton=Skeleton(body.joint_names, body.parents, posed.joints - (0.0, floor, 0.0)),
        joint_indices=strongest[source].astype(np.uint16),
        joint_weights=kept[source].astype(np.float32),
    )
    return replace(small_twin(), rig=rig, vertex_source=source, morphs=tuple(morphs), pose=pose or "captured")
