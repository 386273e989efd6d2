"""How far a surface reconstructed from depth frames lies from the true one.

A person who sways has no one true pose, and which pose a reconstruction settles on says nothing about its
surface. So the truth is measured twice: moved rigidly onto the reconstruction (a person who stood like a
statue), and with its joints moved as well, its shape left as it is (a person who swayed).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import KDTree

from bodyscan.body.model import BodyModel
from bodyscan.fit.linearize import Linearization
from bodyscan.fit.sequence import sequence_unknowns
from bodyscan.fit.sequence_terms import SequenceBody
from bodyscan.geometry.normals import vertex_normals
from bodyscan.geometry.raycast import Raycaster
from bodyscan.geometry.rotations import rotvec_to_matrix
from bodyscan.geometry.sampling import sample_surface
from bodyscan.simulate.depth import DepthTruth
from bodyscan.types import F64, BodyParams, Mesh

SAMPLES = 40_000
FAR_M = 0.05
"""Surface farther than this from the truth is no part of the person; it counts as so far."""


@dataclass(frozen=True)
class SurfaceErrors:
    """Distances in millimetres."""

    mean_mm: float
    p95_mm: float
    bias_mm: float
    """Mean signed distance, outwards positive: a thickened body is above 0."""
    missing: float
    """Share of the true surface, 0..1, with nothing within 10 mm."""


def surface_errors(mesh: Mesh, surface: Mesh, seed: int = 0) -> SurfaceErrors:
    """Distance of points of `mesh`, even by area, to `surface`, and how much of `surface` is missing."""
    points, _, _ = sample_surface(mesh.vertices, mesh.faces, SAMPLES, seed)
    distance, signed = _signed(surface, points)
    back, _, _ = sample_surface(surface.vertices, surface.faces, SAMPLES, seed)
    missing = Raycaster(mesh).closest(back)[0] > 0.010
    capped = np.minimum(distance, FAR_M) * 1000
    near = distance < 0.010
    return SurfaceErrors(
        float(capped.mean()), float(np.percentile(capped, 95)), float(signed[near].mean()) * 1000,
        float(missing.mean()),
    )  # fmt: skip


def rigidly_aligned(mesh: Mesh, surface: Mesh, steps: int = 15) -> Mesh:
    """`mesh` moved rigidly onto `surface` by point-to-plane steps; they must start near each other."""
    caster = Raycaster(surface)
    corners = surface.vertices[surface.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)
    sample, _, _ = sample_surface(mesh.vertices, mesh.faces, 8000, 1)
    rotation, shift = np.eye(3), np.zeros(3)
    for reach in np.geomspace(0.1, 0.01, steps):
        moved = sample @ rotation.T + shift
        distance, face, nearest = caster.closest(moved)
        near = distance < reach
        n, gap = normals[face[near]], moved[near] - nearest[near]
        residual = np.einsum("nk,nk->n", n, gap)
        weight = 1 / (1 + (residual / (reach / 3)) ** 2) ** 2
        jacobian = np.hstack([np.cross(moved[near], n), n])
        step = -np.linalg.solve((jacobian * weight[:, None]).T @ jacobian, jacobian.T @ (weight * residual))
        turn = rotvec_to_matrix(step[:3])
        rotation, shift = turn @ rotation, turn @ shift + step[3:]
    return replace(mesh, vertices=mesh.vertices @ rotation.T + shift)


def posed_truth(mesh: Mesh, truth: DepthTruth, steps: int = 14) -> Mesh:
    """The true visible surface in the pose of `posed_params`."""
    return truth.person.mesh(truth.person.surface(posed_params(mesh, truth, steps)))


def posed_params(mesh: Mesh, truth: DepthTruth, steps: int = 14) -> BodyParams:
    """The true body's parameters, its joints moved onto `mesh`; the shape stays the true one.

    `mesh` must lie near the truth's reference pose: align it rigidly first.
    """
    model = _true_model(truth)
    params = truth.reference
    body = SequenceBody.of(model, params.betas, 4000)
    unknowns = sequence_unknowns(model, 0)
    normals = vertex_normals(mesh.vertices, mesh.faces)
    stretch = 0.02
    tree = KDTree(np.hstack([mesh.vertices, stretch * normals]))
    for sigma in np.geomspace(0.03, 0.003, steps):
        state = Linearization(body.model, params, unknowns)
        facing = np.einsum("vij,vj->vi", state.rotation, body.rest_normals)
        facing /= np.linalg.norm(facing, axis=1, keepdims=True)
        nearest = tree.query(np.hstack([state.vertices, stretch * facing]))[1]
        gap = state.vertices - mesh.vertices[nearest]
        residual = np.einsum("vk,vk->v", gap, normals[nearest])
        kept = (np.linalg.norm(gap, axis=1) < 3 * sigma + 0.005) & (
            np.einsum("vk,vk->v", facing, normals[nearest]) > 0.5
        )
        weight = kept / (1 + (residual / sigma) ** 2) ** 2 / sigma**2
        rows = state.normal_rows(facing).astype(np.float64)
        hessian = (rows * weight[:, None]).T @ rows
        hessian += np.diag(1e-3 * np.diag(hessian) + 1e2)
        params = unknowns.step(params, -np.linalg.solve(hessian, rows.T @ (weight * residual)))
    return params


def _true_model(truth: DepthTruth) -> BodyModel:
    """The body model with the true dressed person for its template; coefficients move nothing more."""
    model, person = truth.person.model, truth.person
    rest = model.rest_vertices(truth.reference.betas)
    return replace(model, template=(model.template + person.rest_outer - rest).astype(np.float32))


def _signed(surface: Mesh, points: F64) -> tuple[F64, F64]:
    distance, face, nearest = Raycaster(surface).closest(points)
    corners = surface.vertices[surface.faces[face]]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    side = np.einsum("nk,nk->n", points - nearest, normal)
    return distance, np.where(side < 0, -distance, distance)
