"""Which point of the fitted body a scan vertex belongs to, and whether that can be trusted.

The closest point is right nearly everywhere. It is wrong where limbs touch: there the surface that belongs to
the vertex looks the same way as the vertex does, so the closest point among those is tried. Scans also have
patches and whole pieces inside out: a patch of faces that agree with each other is turned as a whole where
most of it disagrees with the body, and a vertex very near the body that finds nothing better is trusted
whichever way it looks.

A fit is off by some millimetres, and a closest point corrects only what stands across the surface: on fingers
and at the crotch that is not enough. So the scan is first drawn onto the body in a few steps, each moving it
by the smoothed way to the closest points, as non-rigid registration does; neighbours on a finger see all its
sides, so that their mean way is the finger's. `docs/rig.md` has what it brings.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.spatial import KDTree

from bodyscan.geometry.components import link_components
from bodyscan.geometry.edges import edge_table, inner_pairs
from bodyscan.geometry.normals import area_vectors, vertex_normals
from bodyscan.geometry.raycast import Raycaster, cloud_normals
from bodyscan.rig.inpaint import smooth
from bodyscan.rig.options import RigOptions
from bodyscan.rig.surface_graph import SurfaceGraph
from bodyscan.types import F64, I32, Bool, Mesh

NORMAL_SCALE_M = 0.05
"""In the search for a point that looks the same way, 1 radian counts as so many metres."""
SECOND_REACH_M = 0.025
"""How far that point may be, metres."""
SETTLING_STEPS = 10
SETTLING_ROUNDS = 60
"""How often the scan is drawn nearer, and how often each time the way is averaged over neighbours."""
TOUCHING_M = 0.010
"""A match nearer than this needs no agreement of normals where nothing better is near, metres."""


@dataclass(frozen=True, eq=False)
class Match:
    """For each of N nodes."""

    weights: F64
    """(N, J) weights of the matched point of the body."""
    distance: F64
    """(N,) metres to it."""
    trusted: Bool
    """(N,) True where the match may be held."""


def match(
    scan: Mesh,
    graph: SurfaceGraph,
    body: Mesh,
    body_faces: I32,
    body_weights: sparse.csr_matrix,
    options: RigOptions,
) -> Match:
    """Match the scan's nodes with the body (same place, same pose)."""
    points = scan.vertices[graph.first_vertex]
    oriented = not scan.is_cloud or scan.normals is not None
    outside = vertex_normals(body.vertices, body_faces)
    found = _Closest(body, body_faces, outside)
    distance, corners, shares, facing, nearest = found(points)
    vote = np.where((distance < SECOND_REACH_M)[:, None], facing, 0)
    normals = _cloud_normals(scan, graph, vote) if scan.is_cloud else _mesh_normals(scan, graph, vote)
    moved = np.array(points)
    for _ in range(SETTLING_STEPS):
        pull = nearest - moved
        usable = np.linalg.norm(pull, axis=1) <= options.max_distance_m
        if oriented:
            usable &= np.einsum("nc,nc->n", normals, facing) > 0
        pull[~usable] = 0
        moved += smooth(graph, pull, np.full(len(points), 0.5), SETTLING_ROUNDS)
        distance, corners, shares, facing, nearest = found(moved)
    agreement = np.einsum("nc,nc->n", normals, facing)
    if not oriented:
        agreement = np.abs(agreement)
    weights = _mix(body_weights, corners, shares)
    limit = np.cos(np.radians(options.max_normal_angle_deg))
    trusted = (agreement >= limit) & (distance <= options.max_distance_m)
    if oriented and not trusted.all():
        again = np.flatnonzero(~trusted)
        second = _same_way(moved[again], normals[again], body.vertices, outside, limit, options)
        found = second >= 0
        weights[again[found]] = body_weights[second[found]].toarray()
        gap = moved[again[found]] - body.vertices[second[found]]
        distance[again[found]] = np.linalg.norm(gap, axis=1)
        trusted[again[found]] = True
    trusted |= distance <= min(TOUCHING_M, options.max_distance_m)
    return Match(weights, distance, trusted)


class _Closest:
    """Closest points of the body: distance, corners of the face, weights, normal, position."""

    def __init__(self, body: Mesh, faces: I32, outside: F64) -> None:
        self.body, self.faces, self.outside = body, faces, outside
        self.caster = Raycaster(Mesh(body.vertices, faces))

    def __call__(self, points: F64) -> tuple[F64, I32, F64, F64, F64]:
        distance, face_ids, nearest = self.caster.closest(points)
        corners = self.faces[face_ids]
        shares = barycentric(nearest, self.body.vertices[corners])
        facing = _unit(np.einsum("nk,nkc->nc", shares, self.outside[corners]))
        return np.array(distance), corners, shares, facing, nearest


def _same_way(
    points: F64, normals: F64, body: F64, outside: F64, limit: float, options: RigOptions
) -> np.ndarray:
    """(N,) the body vertex that is near and looks the same way, -1 where there is none."""
    usable = np.flatnonzero(np.linalg.norm(outside, axis=1) > 0.5)
    tree = KDTree(np.hstack([body[usable], NORMAL_SCALE_M * outside[usable]]))
    _, near = tree.query(np.hstack([points, NORMAL_SCALE_M * normals]))
    found = usable[near]
    reach = min(SECOND_REACH_M, options.max_distance_m)
    good = np.linalg.norm(points - body[found], axis=1) <= reach
    good &= np.einsum("nc,nc->n", normals, outside[found]) >= limit
    return np.where(good, found, -1)


def barycentric(points: F64, triangles: F64) -> F64:
    """(N, 3) points on triangles (N, 3, 3) -> (N, 3) weights, at least 0, summing to 1."""
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    e1, e2, p = b - a, c - a, points - a
    d11, d12, d22 = (np.einsum("nc,nc->n", x, y) for x, y in ((e1, e1), (e1, e2), (e2, e2)))
    p1, p2 = np.einsum("nc,nc->n", p, e1), np.einsum("nc,nc->n", p, e2)
    area = np.maximum(d11 * d22 - d12 * d12, 1e-30)
    v, w = (d22 * p1 - d12 * p2) / area, (d11 * p2 - d12 * p1) / area
    shares = np.clip(np.stack([1 - v - w, v, w], axis=1), 0, 1)
    return shares / shares.sum(axis=1, keepdims=True)


def _mix(weights: sparse.csr_matrix, corners: I32, shares: F64) -> F64:
    """(N, J): the weights of three vertices each, mixed."""
    count, width = len(corners), weights.shape[1]  # pyright: ignore[reportOptionalSubscript]
    out = np.zeros((count, width))
    for corner in range(3):
        out += shares[:, corner : corner + 1] * weights[corners[:, corner]].toarray()
    return out


def _cloud_normals(scan: Mesh, graph: SurfaceGraph, vote: F64) -> F64:
    """(N, 3) unit normals; where the cloud brought its own, turned as a whole to agree with the body."""
    if scan.normals is None:
        return cloud_normals(scan.vertices[graph.first_vertex])[0]
    own = scan.normals[graph.first_vertex].astype(np.float64)
    return own if np.einsum("nc,nc->", own, vote) >= 0 else -own


def _mesh_normals(scan: Mesh, graph: SurfaceGraph, vote: F64) -> F64:
    """(N, 3) unit normals from faces, each consistent patch turned so that it agrees with `vote` (N, 3)."""
    faces = graph.node[scan.faces]
    vectors = area_vectors(scan.vertices, scan.faces)
    first, second, agree = inner_pairs(edge_table(faces))
    patch = link_components(first[agree], second[agree], len(faces))
    agreement = np.einsum("fc,fc->f", vectors, vote[faces].sum(axis=1))
    sign = np.where(np.bincount(patch, agreement) < 0, -1.0, 1.0)[patch]
    return _unit(_gather(faces, sign[:, None] * vectors, len(graph.first_vertex)))


def _gather(faces: np.ndarray, vectors: F64, count: int) -> F64:
    corner = faces.reshape(-1)
    out = np.empty((count, 3))
    for axis in range(3):
        out[:, axis] = np.bincount(corner, np.repeat(vectors[:, axis], 3), minlength=count)
    return out


def _unit(vectors: F64) -> F64:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 1e-15)
