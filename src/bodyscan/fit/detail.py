"""Surface detail: what the scan shows beyond the parametric body.

Each body vertex gets an offset. The offsets follow the scan along the body's normals where the scan can be
trusted, are as smooth as a thin plate elsewhere, and are held at zero where there is no data at all (mouth,
eyes, between toes). One matrix, factorised once a round, serves the three coordinates. Faces that an
offset would turn over are relaxed until none is left.
Tried: offsets along the normal only cross in armpits and between fingers; a free 3D offset to the nearest
point slides along the surface. The normal target with a smooth 3D offset does neither.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu
from scipy.spatial import KDTree

from bodyscan.body.model import BodyModel
from bodyscan.fit.correspond import closest_barycentric
from bodyscan.fit.crossings import take_back_crossings
from bodyscan.fit.ears import lay_ears_flat
from bodyscan.fit.scan_points import ScanPoints
from bodyscan.fit.start import seen_faces
from bodyscan.geometry.normals import vertex_normals
from bodyscan.geometry.raycast import Raycaster
from bodyscan.types import F64, Mesh

ROUNDS = 5
FIRST_BULGE_ROUND = 3
MAX_BULGE_M = 0.004
"""Only distances below this are taken for the bulge of skin over a flat face."""
MIN_COSINE = 0.6
HOLD = 1e-3
"""Pull towards zero where no data speaks, against a data weight of 1."""
STIFF_REGIONS = {"left_hand": 1.6, "right_hand": 1.6, "left_foot": 1.6, "right_foot": 1.6}
"""Factor on the smoothing length: hands and feet keep their anatomy where scans are poor."""
BEND_RANGE = (0.02, 3000.0)
FOLD_RADIUS_M = 0.010
FOLD_STIFFNESS = 3.0
"""In folds (ears, lids, lips, nostrils, nails) the smoothing length is up to 1 + this times longer."""
FOLD_DOUBT = 0.9
"""And the scan is trusted less by up to this share: nearest points there often lie on another sheet."""
MAX_UNFOLD_ROUNDS = 12
MIN_FACE_COSINE = 0.2
"""A face may turn by no more than this (about 78 degrees) from the parametric body."""


@dataclass(frozen=True, eq=False)
class Detail:
    """The refined surface."""

    offsets: F64
    """(V, 3) metres, to be added to the posed parametric body."""
    coverage: F64
    """(V,) 0..1, how far each vertex is backed by data."""


def refine_surface(
    model: BodyModel,
    vertices: F64,
    scan: ScanPoints,
    *,
    limit_m: float,
    smooth_length_m: float,
) -> Detail:
    """Offsets that take the posed body's `vertices` (V, 3) onto the scan.

    `limit_m`: farthest target; `smooth_length_m`: details smaller than
    this are smoothed away, metres.
    """
    laplacian, edge_m = edge_laplacian(model, vertices)
    # A plate of one bending length everywhere: the discrete energy grows with the fourth power of
    # that length over the local edge, so that the dense face is as smooth as the coarse torso.
    normals = vertex_normals(vertices, model.faces)
    folds = foldedness(vertices, normals)
    length_m = smooth_length_m * _stiffness(model) * (1 + FOLD_STIFFNESS * folds)
    bend = (length_m / edge_m) ** 4
    bending = laplacian.T @ sparse.diags(np.clip(bend, *BEND_RANGE)) @ laplacian
    offsets = np.zeros_like(vertices)
    weight = np.zeros(len(vertices))
    bulge = np.zeros_like(vertices)
    for round_ in range(ROUNDS):
        reach = limit_m if round_ < 2 else limit_m / 2
        current = vertices + offsets
        target, weight = scan_targets(model, vertices, current, scan, reach)
        if round_ >= FIRST_BULGE_ROUND:
            bulge += facet_bulge(model, current, scan)
            target += bulge
        weight *= 1 - FOLD_DOUBT * folds
        system = (sparse.diags(weight + HOLD) + bending).tocsc()
        factor = splu(system, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
        offsets = factor.solve(weight[:, None] * target)
    length = np.linalg.norm(offsets, axis=1, keepdims=True)
    offsets *= np.minimum(1, limit_m / np.maximum(length, 1e-12))
    offsets = unfold(model, vertices, offsets)
    offsets = take_back_crossings(vertices, offsets, model.faces[seen_faces(model)])
    offsets = lay_ears_flat(model, vertices, offsets, normals, folds)
    return Detail(offsets, weight)


def facet_bulge(model: BodyModel, current: F64, scan: ScanPoints) -> F64:
    """(V, 3) metres: how far the scan bulges over the flat faces around each vertex, along its normal.

    Vertices that lie on round skin put the faces between them inside it (about 1 mm on the coarse thighs and
    torso, and half a centimetre of girth). Moving them out by the mean gap centres the faces on the scan.
    """
    faces = model.faces[seen_faces(model)]
    _, face, nearest = Raycaster(Mesh(current, faces)).closest(scan.points)
    corners = faces[face]
    weights = closest_barycentric(nearest, current[corners])
    normals = vertex_normals(current, model.faces)
    normal = np.einsum("nk,nkc->nc", weights, normals[corners])
    gap = np.einsum("nc,nc->n", scan.points - nearest, normal)
    good = (np.abs(gap) < MAX_BULGE_M) & (np.einsum("nc,nc->n", normal, scan.normals) > MIN_COSINE)
    share = weights * (good * scan.confidence)[:, None]
    count = model.num_vertices
    total = np.bincount(corners.reshape(-1), share.reshape(-1), count)
    summed = np.bincount(corners.reshape(-1), (share * gap[:, None]).reshape(-1), count)
    return (summed / (total + 1.0))[:, None] * normals


def foldedness(vertices: F64, normals: F64) -> F64:
    """(V,) 0..1: how far the normals within a centimetre of a vertex cancel out; 0 on smooth skin."""
    tree = KDTree(vertices)
    gap, near = tree.query(vertices, k=48, distance_upper_bound=FOLD_RADIUS_M, workers=-1)
    inside = np.isfinite(gap)
    mean = (normals[np.where(inside, near, 0)] * inside[:, :, None]).sum(axis=1)
    cancelled = 1 - np.linalg.norm(mean, axis=1) / inside.sum(axis=1)
    ramp = np.clip((cancelled - 0.10) / 0.25, 0, 1)
    # The whole of an ear is one fold, its flat parts too.
    return np.where(inside, ramp[np.where(inside, near, 0)], 0).max(axis=1)


def scan_targets(
    model: BodyModel, base: F64, current: F64, scan: ScanPoints, limit_m: float
) -> tuple[F64, F64]:
    """(V, 3) wanted offsets from `base` and (V,) their weights 0..1.

    A vertex looks at the plane through the scan points around its nearest one. Its weight falls with the
    angle between the normals, towards borders, and with the distance.
    """
    normals = vertex_normals(current, model.faces)
    gap, near = map(np.asarray, scan.tree.query(current, k=4, workers=-1))
    share = 1 / (gap**2 + (0.5 * scan.spacing_m) ** 2)
    share /= share.sum(axis=1, keepdims=True)
    point = np.einsum("vk,vkc->vc", share, scan.points[near])
    normal = np.einsum("vk,vkc->vc", share, scan.normals[near])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    cosine = np.einsum("vc,vc->v", normals, normal)
    along = np.einsum("vc,vc->v", point - current, normal)
    beside = np.sqrt(np.maximum(gap[:, 0] ** 2 - along**2, 0))
    weight = np.clip((cosine - MIN_COSINE) / (0.9 - MIN_COSINE), 0, 1)
    weight *= scan.confidence[near[:, 0]] * ~scan.border[near[:, 0]]
    weight *= beside < 2.5 * scan.spacing_m + 0.3 * np.abs(along)
    weight *= 1 / (1 + (along / (0.5 * limit_m)) ** 2) ** 2
    weight *= np.abs(along) < limit_m
    if len(model.inner):
        weight[model.inner] = 0
    return current - base + along[:, None] * normal, weight


def edge_laplacian(model: BodyModel, vertices: F64) -> tuple[sparse.csr_matrix, F64]:
    """Row-normalised Laplacian (V, V), weights one over edge length, and mean edge lengths (V,) metres."""
    faces = model.faces
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = np.unique(np.sort(edges, axis=1), axis=0)
    length = np.maximum(np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1), 1e-5)
    count = len(vertices)
    row = np.concatenate([edges[:, 0], edges[:, 1]])
    column = np.concatenate([edges[:, 1], edges[:, 0]])
    both = np.concatenate([length, length])
    adjacency = sparse.csr_matrix((1 / both, (row, column)), shape=(count, count))
    degree = np.asarray(adjacency.sum(axis=1)).reshape(-1)
    laplacian = sparse.identity(count) - sparse.diags(1 / np.maximum(degree, 1e-12)) @ adjacency
    mean = np.bincount(row, both, count) / np.maximum(np.bincount(row, minlength=count), 1)
    return sparse.csr_matrix(laplacian), np.maximum(mean, 1e-4)


def _stiffness(model: BodyModel) -> F64:
    stiffness = np.ones(model.num_vertices)
    for name, factor in STIFF_REGIONS.items():
        if name in model.region_names:
            stiffness[model.region(name)] = factor
    return stiffness


def unfold(model: BodyModel, vertices: F64, offsets: F64) -> F64:
    """Offsets shrunk where they turn faces over, smoothly, until no face is."""
    faces = model.faces
    before = face_normals(vertices, faces)
    offsets = offsets.copy()
    hit = np.zeros(len(vertices))
    for _ in range(MAX_UNFOLD_ROUNDS):
        after = face_normals(vertices + offsets, faces)
        turned = np.einsum("fc,fc->f", before, after) < MIN_FACE_COSINE
        if not turned.any():
            return offsets
        hit = np.zeros(len(vertices))
        hit[faces[turned].reshape(-1)] = 1
        spread = np.zeros(len(vertices))
        np.maximum.at(spread, faces.reshape(-1), np.repeat(hit[faces].max(axis=1), 3))
        offsets *= 1 - 0.5 * spread[:, None]
    offsets[hit > 0] = 0
    return offsets


def face_normals(vertices: F64, faces: np.ndarray) -> F64:
    """(F, 3) unit normals."""
    corners = vertices[faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return cross / np.maximum(np.linalg.norm(cross, axis=1, keepdims=True), 1e-300)
