# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A T-shirt out of a twin's own skin: trunk and upper arms, cut by planes, eased outwards and smoothed.

It is made in the bind pose and takes the skin's weights, so that it follows the bones until the cloth is
simulated. Nothing of it is inside of the body that the cloth collides with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bmesh
import numpy as np
from mathutils import Vector
from mathutils.bvhtree import BVHTree
from scipy import sparse
from scipy.spatial import KDTree

from bodyscan.errors import InputError

from ..mesh_points import get_triangles
from ..people import BODY_VERTEX
from .twin_data import influences, rest_points

SLEEVE = 0.62
"""Share of the upper arm that the sleeve covers."""
NECK_DROP, NECK_TILT = 0.0, 0.45
"""How far below the neck's joint the neckline lies, in lengths of the neck, and how much lower in front."""
HEM_M = 0.03
"""How far above the crotch the shirt ends, metres."""
EASE_M = 0.009
"""How far the cloth begins from the skin."""
SMOOTHING = 25
EDGE_M = 0.019
"""Edges longer than this are halved."""
TORSO = ("hips", "spine", "chest", "upperChest", "leftShoulder", "rightShoulder")
AROUND = ("neck", "leftUpperLeg", "rightUpperLeg")
"""Joints whose skin may belong to the shirt before it is cut."""


@dataclass(frozen=True, eq=False)
class GarmentMesh:
    """Arrays in Blender's axes, bind pose, metres."""

    vertices: np.ndarray
    """(N, 3)"""
    faces: list[tuple[int, ...]]
    joints: np.ndarray
    """(N, K) indices of bones."""
    weights: np.ndarray
    """(N, K)"""


def t_shirt(twin: Any, armature: Any, bones: dict[str, str], collider: BVHTree) -> GarmentMesh:
    """Cut a T-shirt out of a twin's skin. `bones`: VRM name -> bone; `collider`: the collision body at rest.

    Raises `InputError` where the skeleton has no arms or legs to cut by, or the skin is no whole trunk.
    """
    needed = ("hips", "neck", "leftUpperArm", "leftLowerArm", "rightUpperArm", "leftUpperLeg")
    if missing := [name for name in needed if name not in bones]:
        raise InputError(f"The twin's skeleton has no {missing[0]}; a shirt cannot be cut for it.")
    place = {bone: index for index, bone in enumerate(bones.values())}
    joints, weights = influences(twin, place)
    mesh = _cut(twin, armature, bones, joints, weights)
    try:
        _subdivide(mesh)
        vertices = np.array([vertex.co for vertex in mesh.verts])
        faces = [tuple(vertex.index for vertex in face.verts) for face in mesh.faces]
        rim = np.array([vertex.is_boundary for vertex in mesh.verts])
    finally:
        mesh.free()
    if len(vertices) < 100:
        raise InputError("The twin's skin is no whole trunk; a shirt cannot be cut of it.")
    skin = BVHTree.FromPolygons(rest_points(twin).tolist(), get_triangles(twin.data).tolist())
    vertices = _eased(vertices, faces, rim, (skin, collider))
    nearest = KDTree(rest_points(twin)).query(vertices)[1]
    return GarmentMesh(vertices, faces, joints[nearest], weights[nearest])


def _cut(twin: Any, armature: Any, bones: dict[str, str], joints: np.ndarray, weights: np.ndarray) -> Any:
    """The part of the welded skin that becomes cloth, as a bmesh."""
    names = list(bones)
    strongest = joints[np.arange(len(joints)), weights.argmax(axis=1)]
    owner = np.array(names)[strongest]
    first = _weld(twin)
    mesh = bmesh.new()
    coordinates = rest_points(twin)
    kept = np.unique(first)
    made = {int(vertex): mesh.verts.new(coordinates[vertex]) for vertex in kept}
    arms = {side: (f"{side}UpperArm", f"{side}LowerArm") for side in ("left", "right")}
    wanted = np.isin(owner, [*TORSO, *AROUND, *arms["left"], *arms["right"]])
    arm_faces: dict[str, list[Any]] = {"left": [], "right": []}
    for corners in first[get_triangles(twin.data)]:
        if not wanted[corners].all() or len(set(corners.tolist())) < 3:
            continue
        face = mesh.faces.new([made[int(corner)] for corner in corners])
        for side, parts in arms.items():
            if np.isin(owner[corners], parts).any():
                arm_faces[side].append(face)
    for side, faces in arm_faces.items():
        start, end = (_head(armature, bones[f"{side}{part}"]) for part in ("UpperArm", "LowerArm"))
        _slice(mesh, faces, start.lerp(end, SLEEVE), end - start)
    neck = armature.data.bones[bones["neck"]]
    along = neck.tail_local - neck.head_local
    up = (along.normalized() + Vector((0.0, -NECK_TILT, 0.0))).normalized()
    _slice(mesh, mesh.faces[:], neck.head_local - along * NECK_DROP, up)
    _slice(mesh, mesh.faces[:], Vector((0.0, 0.0, _crotch(coordinates, owner) + HEM_M)), Vector((0, 0, -1)))
    _largest_alone(mesh)
    bmesh.ops.triangulate(mesh, faces=mesh.faces[:])
    return mesh


def _weld(twin: Any) -> np.ndarray:
    """(V,) for each vertex the first at its place on the body: seams of the texture are closed."""
    source = twin.data.attributes.get(BODY_VERTEX)
    count = len(twin.data.vertices)
    if source is not None and source.domain == "POINT":
        values = np.empty(count, np.float32)
        source.data.foreach_get("value", values)
        _, first, group = np.unique(values, return_index=True, return_inverse=True)
    else:
        _, first, group = np.unique(rest_points(twin), axis=0, return_index=True, return_inverse=True)
    return first[group.ravel()]


def _head(armature: Any, bone: str) -> Vector:
    return armature.data.bones[bone].head_local.copy()


def _slice(mesh: Any, faces: list[Any], at: Vector, away: Vector) -> None:
    """Cut faces by a plane and drop what lies in the direction `away`."""
    faces = [face for face in faces if face.is_valid]
    edges = {edge for face in faces for edge in face.edges}
    vertices = {vertex for face in faces for vertex in face.verts}
    bmesh.ops.bisect_plane(
        mesh, geom=[*vertices, *edges, *faces], plane_co=at, plane_no=away, clear_outer=True, dist=1e-5
    )


def _crotch(coordinates: np.ndarray, owner: np.ndarray) -> float:
    """Height of the lowest skin of the trunk in the middle of the body."""
    trunk = np.isin(owner, ["hips", "spine"])
    middle = np.abs(coordinates[:, 0] - coordinates[trunk, 0].mean()) < 0.02
    return float(coordinates[trunk & middle, 2].min())


def _largest_alone(mesh: Any) -> None:
    """Drop loose bits, and faces that no longer hang together with the trunk."""
    left, parts = set(mesh.verts), []
    while left:
        part, front = set(), [next(iter(left))]
        while front:
            vertex = front.pop()
            if vertex in part:
                continue
            part.add(vertex)
            front += [edge.other_vert(vertex) for edge in vertex.link_edges]
        left -= part
        parts.append(part)
    largest = max(parts, key=len, default=set())
    bmesh.ops.delete(mesh, geom=[v for v in mesh.verts if v not in largest], context="VERTS")
    mesh.verts.index_update()


def _subdivide(mesh: Any) -> None:
    """Halve long edges, so that the cloth can fold."""
    long = [edge for edge in mesh.edges if edge.calc_length() > EDGE_M]
    bmesh.ops.subdivide_edges(mesh, edges=long, cuts=1, use_grid_fill=True)
    bmesh.ops.triangulate(mesh, faces=[face for face in mesh.faces if len(face.verts) > 3])
    bmesh.ops.beautify_fill(mesh, faces=mesh.faces[:], edges=[e for e in mesh.edges if not e.is_boundary])
    mesh.verts.index_update()


def _eased(vertices: np.ndarray, faces: list, rim: np.ndarray, bodies: tuple[BVHTree, ...]) -> np.ndarray:
    """Move the cloth off the body and smooth its details away; it stays outside by `EASE_M`."""
    around = _neighbours(len(vertices), faces, rim)
    for step in range(SMOOTHING + 1):
        if step:
            vertices = 0.5 * vertices + 0.5 * (around @ vertices)
        for body in bodies:
            vertices = pushed_out(vertices, body, EASE_M)
    return vertices


def _neighbours(count: int, faces: list, rim: np.ndarray) -> sparse.csr_matrix:
    """(N, N) rows of means over neighbours; a vertex of a rim only looks along the rim."""
    triples = np.array(faces)
    pairs = np.concatenate([triples[:, [0, 1]], triples[:, [1, 2]], triples[:, [2, 0]]])
    ordered = np.sort(pairs, axis=1)
    edges, uses = np.unique(ordered, axis=0, return_counts=True)
    open_edges = edges[uses == 1]
    inner = edges[~rim[edges].any(axis=1)]
    half = edges[rim[edges].any(axis=1)]
    ones = np.concatenate([inner[:, 0], inner[:, 1], open_edges[:, 0], open_edges[:, 1]])
    others = np.concatenate([inner[:, 1], inner[:, 0], open_edges[:, 1], open_edges[:, 0]])
    # What lies inside looks at the rim too; the rim does not look back.
    for a, b in ((0, 1), (1, 0)):
        seen = half[~rim[half[:, a]]]
        ones, others = np.concatenate([ones, seen[:, a]]), np.concatenate([others, seen[:, b]])
    matrix = sparse.csr_matrix((np.ones(len(ones)), (ones, others)), shape=(count, count))
    total = np.asarray(matrix.sum(axis=1)).ravel()
    lonely = total == 0
    scale = sparse.diags(1 / np.where(lonely, 1, total))
    return sparse.csr_matrix(scale @ matrix + sparse.diags(lonely.astype(float)))


def pushed_out(vertices: np.ndarray, body: BVHTree, gap: float) -> np.ndarray:
    """Vertices (N, 3), those nearer to a body than `gap` or inside it moved out to that distance."""
    out = vertices.copy()
    for index, vertex in enumerate(vertices):
        place, normal, _, _ = body.find_nearest(vertex)
        if place is None:
            continue
        depth = (Vector(vertex) - place).dot(normal)
        distance = (Vector(vertex) - place).length
        if depth < 0 or distance < gap:
            away = normal if depth <= 1e-6 else (Vector(vertex) - place).normalized()
            out[index] = place + away * gap
    return out


def inside_share(vertices: np.ndarray, body: BVHTree) -> float:
    """The share of points (N, 3) that lie inside a closed surface."""
    inside = 0
    for vertex in vertices:
        place, normal, _, _ = body.find_nearest(vertex)
        inside += place is not None and (Vector(vertex) - place).dot(normal) < 0
    return inside / max(len(vertices), 1)
