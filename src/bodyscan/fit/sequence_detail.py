"""A body model that has a scanned person's own surface for its template.

Frames are aligned with a surface that is right to a millimetre only by one that is itself right to a
millimetre; shape coefficients alone stop at some four.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy import sparse

from bodyscan.body.model import BodyModel
from bodyscan.fit.detail import refine_surface
from bodyscan.fit.options import FitOptions
from bodyscan.fit.scan_points import draw_scan_points
from bodyscan.geometry.normals import vertex_normals
from bodyscan.geometry.raycast import Raycaster
from bodyscan.types import F64, BodyParams, Mesh, ScanMesh

POINTS = 40_000
SNAP_M = 0.004
"""Vertices farther than this from the scan have no scan beside them."""
BLUR_STEPS = 3
FADE_STEPS = 6


def detailed_model(
    model: BodyModel,
    params: BodyParams,
    scan: ScanMesh,
    limit_m: float = 0.06,
    but: tuple[str, ...] = (),
    seed: int = 0,
) -> BodyModel:
    """`model`, its template moved so that at `params` its vertices lie on `scan` (world frame, metres).

    `limit_m`: farthest that the surface may leave the model's own. `but`: regions that keep it. Skeleton,
    weights and shape space stay: other poses of the same person follow. Raises `InputError` where the scan
    has no area.

    A surface whose flat faces lie on round skin has its vertices outside of it, by a quarter of a millimetre.
    Frames that are aligned with such vertices move outwards, and so does the next surface made of them: each
    round inflated the trunk by that much. So the vertices are taken back onto the scan.
    """
    posed = model.pose(params)
    points = draw_scan_points(scan, POINTS, seed)
    detail = refine_surface(
        model, posed.vertices, points, limit_m=limit_m, smooth_length_m=FitOptions.detail_length_m
    )
    surface = posed.vertices + detail.offsets
    surface = _onto(model, surface, scan.mesh)
    if but:
        around = _neighbours(model)
        own: F64 = model.region(*but).astype(np.float64)
        for _ in range(FADE_STEPS):
            own = np.asarray(around @ own)
        surface = posed.vertices + (1 - own)[:, None] * (surface - posed.vertices)
    rest = model.unskin(surface, posed.world_from_rest)
    moved = rest - model.rest_vertices(params.betas, params.expression)
    return replace(model, template=(model.template + moved).astype(np.float32))


def _onto(model: BodyModel, vertices: F64, scan: Mesh) -> F64:
    """(V, 3) moved along their normals by what they lie off the scan, on average over their neighbours."""
    normals = vertex_normals(vertices, model.faces)
    distance, face, nearest = Raycaster(scan).closest(vertices)
    corners = scan.vertices[scan.faces[face]]
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    beside = (distance < SNAP_M) & (np.einsum("vk,vk->v", facing, normals) > 0)
    off = np.where(beside, np.einsum("vk,vk->v", nearest - vertices, normals), 0.0)
    share = beside.astype(np.float64)
    around = _neighbours(model)
    for _ in range(BLUR_STEPS):
        off, share = around @ off, around @ share
    return vertices + (off / np.maximum(share, 0.2))[:, None] * normals


def _neighbours(model: BodyModel) -> sparse.csr_matrix:
    """(V, V) rows sum to 1: the mean over each vertex and those that share an edge with it."""
    faces, count = model.faces, model.num_vertices
    i, j = faces[:, [0, 1, 2]].reshape(-1), faces[:, [1, 2, 0]].reshape(-1)
    ones = np.ones(2 * len(i))
    linked = sparse.coo_matrix((ones, (np.r_[i, j], np.r_[j, i])), (count, count)).tocsr()
    linked.data[:] = 1.0
    linked = linked + sparse.identity(count, format="csr")
    return sparse.csr_matrix(sparse.diags(1 / np.asarray(linked.sum(axis=1)).reshape(-1)) @ linked)
