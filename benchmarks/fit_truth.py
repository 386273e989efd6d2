"""What is true about a scanned person, in the form that the errors of a fit are taken against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from bodyscan.body.model import BodyModel
from bodyscan.geometry.edges import border_vertices, edge_table
from bodyscan.geometry.normals import areas_and_normals
from bodyscan.geometry.raycast import Raycaster
from bodyscan.geometry.sampling import sample_surface
from bodyscan.simulate.scene import Scene
from bodyscan.simulate.surface import FineTopology, fine_topology, round_positions
from bodyscan.types import F64, I32, Bool, Mesh

POINTS = 24_000
"""Drawn evenly by area on the visible surface, and as many on the skin."""
FINE_FACES = 16
"""Faces of the rounded surface to each face of the body."""
HANGING = -1
"""Stands for the body's face at points of hanging hair."""
OVER_M = 0.06
"""Hair farther above a point than this does not cover it."""
OFF_M = 0.0004
ESCAPES = 40


@dataclass(frozen=True, eq=False)
class Truth:
    """The person in the truth's own world frame: metres, +Y up, facing +Z, soles at Y = 0."""

    pose_rotvec: F64
    """(J, 3) of the person's own model."""
    translation: F64
    """(3,)."""
    joints: F64
    """(J, 3)."""
    skin: F64
    """(V, 3) the body's vertices on the true skin."""
    outer: F64
    """(V, 3) the same pushed out to cloth and hair: the visible surface."""
    flat_skin: F64
    """(V, 3) where the vertices must lie so that the flat faces between them follow the rounded skin best."""
    flat_outer: F64
    """(V, 3) the same for the visible surface: what a tape is laid around."""
    points: F64
    """(N, 3) spread evenly by area over the rounded visible surface."""
    body_face: I32
    """(N,) row of the body's faces that a point lies on, `HANGING` on hanging hair."""
    seen: Bool
    """(N,) True where the scan has data."""
    skin_points: F64
    """(M, 3) spread evenly by area over the rounded skin."""
    skin_face: I32
    """(M,) row of the body's faces."""
    cover: np.ndarray
    """(V,) uint8: 0 skin, 1 cloth, 2 hair."""


def flat_vertices(model: BodyModel, topology: FineTopology, rounded: F64, vertices: F64) -> F64:
    """(N, 3) rounded surface, (V, 3) its vertices -> (V, 3): least squares of flat faces to the surface.

    Vertices on a round surface have their flat faces inside it, half a centimetre in a girth: this takes
    that out of the truth, so that a fit is not blamed for having it right.
    """
    matrix = topology.from_body
    weight = np.zeros(len(rounded))
    areas, _ = areas_and_normals(rounded, topology.faces)
    np.add.at(weight, topology.faces.reshape(-1), np.repeat(areas / 3, 3))
    weight /= weight[weight > 0].mean()
    normal = matrix.T @ sparse.diags(weight) @ matrix + 1e-3 * sparse.identity(model.num_vertices)
    right = matrix.T @ (weight[:, None] * rounded) + 1e-3 * vertices
    return splu(sparse.csc_matrix(normal)).solve(right)


def visible_points(model: BodyModel, scene: Scene, seed: int) -> tuple[F64, I32]:
    """(N, 3) points on what can be seen of the dressed person from outside, (N,) the body's face of each.

    Left out: what lies inside another part of the body, behind hanging hair, or in a hollow that no
    straight line leaves (mouth, nostrils, behind the eyes).
    """
    meshes = [scene.person] if scene.hanging is None else [scene.person, scene.hanging]
    areas = [areas_and_normals(mesh.vertices, mesh.faces)[0].sum() for mesh in meshes]
    caster, person = Raycaster(_joined(meshes)), Raycaster(scene.person)
    base = np.flatnonzero(~model.inner[model.faces].all(axis=1)).astype(np.int32)
    points, faces = [], []
    for mesh, area in zip(meshes, areas, strict=True):
        count = round(POINTS * area / sum(areas))
        found, face, _ = sample_surface(mesh.vertices, mesh.faces, count, seed)
        normals = areas_and_normals(mesh.vertices, mesh.faces)[1][face]
        if mesh is scene.person:
            kept = person.signed_distance(found + OFF_M * normals) > 0
            kept &= _escapes(caster, found, normals)
            if scene.hanging is not None:
                over = Raycaster(scene.hanging).cast(found + OFF_M * normals, normals).distance
                kept &= ~(over < OVER_M)
            body_face = base[face // FINE_FACES]
        else:
            kept = person.signed_distance(found) > 0.001
            kept &= _escapes(caster, found, normals) | _escapes(caster, found, -normals)
            body_face = np.full(len(found), HANGING, np.int32)
        points.append(found[kept])
        faces.append(body_face[kept])
    return np.concatenate(points), np.concatenate(faces)


def skin_points(model: BodyModel, skin: F64, seed: int) -> tuple[F64, I32, F64]:
    """(M, 3) points on the rounded skin, (M,) the body's face of each, and `flat_vertices` of the skin."""
    topology = fine_topology(model)
    rounded = round_positions(topology, skin)
    points, face, _ = sample_surface(rounded, topology.faces, POINTS, seed)
    base = np.flatnonzero(~model.inner[model.faces].all(axis=1)).astype(np.int32)
    body_face = base[face // FINE_FACES]
    outside = ~model.inner[model.faces[body_face]].any(axis=1)
    return points[outside], body_face[outside], flat_vertices(model, topology, rounded, skin)


def flat_outer(model: BodyModel, scene: Scene) -> F64:
    """(V, 3) `flat_vertices` of the visible surface; under hanging hair its sheet stays as it is."""
    own = scene.person.vertices[: model.num_vertices]
    flat = flat_vertices(model, fine_topology(model), scene.person.vertices, own)
    moved = np.linalg.norm(scene.outer - own, axis=1) > 0
    return np.where(moved[:, None], scene.outer, flat)


def seen_by_scan(points: F64, scan: Mesh, reach_m: float) -> Bool:
    """(N,) True where the scan (same frame) passes within `reach_m`, and not only at the rim of a hole."""
    distance, face, _ = Raycaster(scan).closest(points)
    rim = border_vertices(edge_table(scan.faces), len(scan.vertices))[scan.faces[face]].any(axis=1)
    return (distance < reach_m) & ~(rim & (distance > reach_m / 4))


def _escapes(caster: Raycaster, points: F64, normals: F64) -> Bool:
    """(N,) True where a ray into the half space outside gets away."""
    k = np.arange(ESCAPES) + 0.5
    up, turn = 1 - 2 * k / ESCAPES, np.pi * (1 + 5**0.5) * k
    sphere = np.stack([np.sqrt(1 - up**2) * np.cos(turn), up, np.sqrt(1 - up**2) * np.sin(turn)], axis=1)
    free = np.zeros(len(points), bool)
    for direction in sphere:
        ids = np.flatnonzero(~free & (normals @ direction > 0.05))
        hits = caster.cast(points[ids] + OFF_M * normals[ids], np.broadcast_to(direction, (len(ids), 3)))
        free[ids] = ~np.isfinite(hits.distance)
    return free


def _joined(meshes: list[Mesh]) -> Mesh:
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])[:-1]
    faces = [mesh.faces + np.int32(start) for mesh, start in zip(meshes, starts, strict=True)]
    return Mesh(np.concatenate([mesh.vertices for mesh in meshes]), np.concatenate(faces))
