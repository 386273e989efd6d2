"""The collision body of a twin: what cloth and other things collide with.

A closed surface of about 2,200 triangles that was designed once for the packaged topology
(`bodyscan.body.levels`): its places are sparse means of the person's own vertices, moved outwards so that
hardly any skin lies outside. Hands are mittens, toes are joined, mouth, nostrils and eyes are shut.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from bodyscan.body.levels import CollisionTopology, collision_topology
from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError
from bodyscan.geometry.normals import vertex_normals
from bodyscan.twin.capsules import bone_capsules
from bodyscan.types import F32, F64, I32, U16, CollisionBody, Mesh, Rig

INFLUENCES = 4
LEAST_WEIGHT = 1e-3
PART_STEP_M = 0.002
PART_STEPS = 12
"""Where the person touches themself, both sides draw in by so much a step, and so many steps at most."""


@dataclass(frozen=True)
class CollisionOptions:
    """What a twin's collision body holds."""

    capsules: bool = True
    """Fit a capsule to each main bone too."""
    part: bool = True
    """Draw the surface in where the person touches themself (thighs, arms that rest on the trunk), so that it
    does not run through itself in the bind pose."""


def collision_body(model: BodyModel, rig: Rig, options: CollisionOptions | None = None) -> CollisionBody:
    """Return the collision body around a person, in the rig's bind pose, on the rig's skeleton.

    `rig`: on the body's topology, or on its vertices split at UV seams; any joint set and bind pose. Raises
    `InputError` where the model is not the packaged one or the rig not on its topology.
    """
    options = options or CollisionOptions()
    topology = collision_topology(model)
    first = body_vertices(model, rig)
    vertices = topology.surface(rig.mesh.vertices[first])
    if options.part:
        vertices = _parted(vertices, topology.faces)
    indices, weights = _weights(topology, rig, first)
    mesh = Mesh(vertices, topology.faces)
    return CollisionBody(
        rig=Rig(mesh, rig.skeleton, indices, weights),
        capsules=bone_capsules(model, rig) if options.capsules else (),
    )


def body_vertices(model: BodyModel, rig: Rig) -> I32:
    """(V,) int32: for each body vertex a vertex of the rig at its place.

    `InputError` where the rig is neither on the body's topology nor on its split vertices.
    """
    count = len(rig.mesh.vertices)
    if count == model.num_vertices:
        return np.arange(count, dtype=np.int32)
    if count == len(model.split_source):
        return np.unique(model.split_source, return_index=True)[1].astype(np.int32)
    raise InputError(
        f"The rig has {count} vertices; the body model has {model.num_vertices}, or "
        f"{len(model.split_source)} split at texture seams. A rig of a raw scan has no collision body: give "
        "the one that rig_body made of the same person."
    )


def _weights(topology: CollisionTopology, rig: Rig, first: I32) -> tuple[U16, F32]:
    """Indices and weights (C, 4): the means of the body's, cut to the four largest."""
    num_joints = len(rig.skeleton.joint_names)
    rows = np.repeat(np.arange(len(first)), rig.joint_weights.shape[1])
    plain = sparse.csr_matrix(
        (
            rig.joint_weights[first].astype(np.float64).ravel(),
            (rows, rig.joint_indices[first].astype(np.int64).ravel()),
        ),
        shape=(len(first), max(num_joints, INFLUENCES)),
    )
    dense = sparse.csr_matrix(topology.over_vertices @ plain).toarray()
    indices = np.argsort(-dense, axis=1, kind="stable")[:, :INFLUENCES]
    kept = np.take_along_axis(dense, indices, axis=1)
    kept[kept < LEAST_WEIGHT * kept.sum(axis=1, keepdims=True)] = 0
    single = (kept / kept.sum(axis=1, keepdims=True)).astype(np.float32)
    single[:, 0] = (1 - single[:, 1:].astype(np.float64).sum(axis=1)).astype(np.float32)
    return np.where(single > 0, indices, 0).astype(np.uint16), single


def _parted(vertices: F64, faces: I32) -> F64:
    """(C, 3) drawn in along the normals where triangles cross, until none do or `PART_STEPS` are done."""
    out = np.array(vertices)
    for _ in range(PART_STEPS):
        crossing = crossing_faces(out, faces)
        if not len(crossing):
            break
        touched = np.zeros(len(out))
        touched[faces[crossing]] = 1.0
        # The ring around follows by half, so that no step is left in the surface.
        ring = np.zeros(len(out))
        ring[faces[touched[faces].any(axis=1)]] = 0.5
        out -= PART_STEP_M * np.maximum(touched, ring)[:, None] * vertex_normals(out, faces)
    return out


def crossing_faces(vertices: F64, faces: I32) -> I32:
    """(K,) int32, ascending: the triangles that cross another one without sharing a vertex with it."""
    import open3d as o3d

    mesh = o3d.geometry.TriangleMesh(
        o3d.utility.Vector3dVector(np.array(vertices)), o3d.utility.Vector3iVector(np.array(faces))
    )
    return np.unique(np.asarray(mesh.get_self_intersecting_triangles()).reshape(-1)).astype(np.int32)
