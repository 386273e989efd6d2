"""Surface detail: what the scan shows beyond the parametric body.

Each body vertex gets an offset, so that the triangles of the body lie on the scan: a least-squares surface
(Hoppe et al., "Mesh optimization", 1993) whose measurements are all points of the scan, each against the
place of the triangle under it, and whose prior is a thin plate. How far the plate bends to a point depends on
how noisy the scan is and how many vertices it has: the noisier, the smoother. Where there is no data the
plate is held at the parametric body. One matrix, factorised once a round, serves the three coordinates. Faces
that an offset would turn over are relaxed until none is left.
Tried: offsets along the normal only cross in armpits and between fingers; a free offset to the nearest point
slides along the surface; taking each vertex to the scan points nearest to it follows their noise (0.9 mm at
2 mm noise) and puts flat faces inside round skin.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu
from scipy.spatial import KDTree

from bodyscan.body.model import BodyModel
from bodyscan.fit.crossings import take_back_crossings
from bodyscan.fit.ears import lay_ears_flat
from bodyscan.fit.scan_points import ScanPoints
from bodyscan.fit.start import seen_faces
from bodyscan.geometry.barycentric import closest_barycentric
from bodyscan.geometry.normals import vertex_areas, vertex_normals
from bodyscan.geometry.raycast import Raycaster
from bodyscan.threads import usable_threads
from bodyscan.types import F64, Mesh

ROUNDS = 2
"""A third moves the surface by 0.003 mm on skin; cloth, which lies farther off, gets it."""
CLOTHED = 0.3
"""Share of the scan from which a person is clothed."""
MIN_COSINE = 0.5
HOLD = 1e-3
"""Pull towards zero where no data speaks, against a data weight of 1."""
REFERENCE_INFORMATION = 1.7e11
"""Vertices on a square metre over their variance (square metres) at which `detail_length_m` is what it says:
35,000 vertices with 0.45 mm of noise."""
FLOOR_NOISE_M = 0.0003
"""Errors of a scan that no number of vertices averages away, over `FLOOR_PATCH_M`."""
FLOOR_PATCH_M = 0.005
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
    bare_offsets: F64
    """(V, 3) metres, the same from what shows skin alone; equal to `offsets` where nothing is covered."""
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

    `limit_m`: farthest target; `smooth_length_m`: on a clean scan details smaller than this are smoothed
    away, metres; on a noisy one more (`information`).
    """
    normals = vertex_normals(vertices, model.faces)
    folds = foldedness(vertices, normals)
    trust = information(scan) / REFERENCE_INFORMATION
    areas = np.maximum(vertex_areas(vertices, model.faces), 1e-9)
    prior = _plate(model, vertices, folds, areas, smooth_length_m) + sparse.diags(HOLD * areas)

    def solved(measured: Measured, believed: F64) -> F64:
        weight = measured.weights * (1 - FOLD_DOUBT * measured.at(folds[:, None])[:, 0]) * trust * believed
        rows = measured.matrix(len(vertices))
        system = (rows.T @ sparse.diags(weight) @ rows + prior).tocsc()
        factor = splu(system, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
        offsets = factor.solve(rows.T @ (weight[:, None] * measured.targets))
        length = np.linalg.norm(offsets, axis=1, keepdims=True)
        return offsets * np.minimum(1, limit_m / np.maximum(length, 1e-12))

    everything = np.ones(len(scan.points))
    measured = measure(model, vertices, np.zeros_like(vertices), scan, limit_m)
    for _ in range(1, ROUNDS + (scan.covered.mean() > CLOTHED)):
        measured = measure(model, vertices, solved(measured, everything), scan, limit_m / 2)
    # At the end also without what cloth and hair show: two factorisations side by side.
    beliefs = [everything, 1 - scan.covered] if scan.covered.any() else [everything]
    with ThreadPoolExecutor(usable_threads()) as pool:
        offsets, *bare = pool.map(
            lambda believed: unfold(model, vertices, solved(measured, believed)), beliefs
        )
    offsets = take_back_crossings(vertices, offsets, model.faces[seen_faces(model)])
    offsets = lay_ears_flat(model, vertices, offsets, normals, folds)
    backed = coverage(model, vertices + offsets, scan, limit_m / 2)
    return Detail(offsets, bare[0] if bare else offsets, backed)


def information(scan: ScanPoints) -> float:
    """Vertices on a square metre over the variance of one: what a patch of the scan knows of its height."""
    measured = scan.vertex_density / max(scan.noise_m, 1e-6) ** 2
    most = 1 / (FLOOR_NOISE_M * FLOOR_PATCH_M) ** 2
    return 1 / (1 / measured + 1 / most)


@dataclass(frozen=True, eq=False)
class Measured:
    """Scan points against the places of the body's triangles under them."""

    corners: np.ndarray
    """(N, 3) vertices of the triangle."""
    shares: F64
    """(N, 3) barycentric."""
    targets: F64
    """(N, 3) metres: wanted offset of that place."""
    weights: F64
    """(N,) square metres that speak, 0 where a point is not believed."""

    def at(self, values: F64) -> F64:
        """(V, K) values of vertices -> (N, K) at the points."""
        return np.einsum("nk,nkc->nc", self.shares, values[self.corners])

    def matrix(self, num_vertices: int) -> sparse.csr_matrix:
        """(N, V): takes values of vertices to the points."""
        count = len(self.corners)
        return sparse.csr_matrix(
            (self.shares.reshape(-1), self.corners.reshape(-1), 3 * np.arange(count + 1)),
            shape=(count, num_vertices),
        )


def measure(model: BodyModel, vertices: F64, offsets: F64, scan: ScanPoints, reach_m: float) -> Measured:
    """Each scan point against the nearest place of the surface `vertices + offsets` (V, 3).

    A place moves along the body's own normal: the scan's normals carry its noise.
    """
    current = vertices + offsets
    faces = model.faces[seen_faces(model)]
    _, face, nearest = Raycaster(Mesh(current, faces)).closest(scan.points)
    corners = faces[face]
    shares = closest_barycentric(nearest, current[corners])
    normal = np.einsum("nk,nkc->nc", shares, vertex_normals(current, model.faces)[corners])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    gap = scan.points - nearest
    along = np.einsum("nc,nc->n", gap, normal)
    beside = np.linalg.norm(gap - along[:, None] * normal, axis=1)
    cosine = np.einsum("nc,nc->n", normal, scan.normals)
    weight = np.clip((cosine - MIN_COSINE) / (0.85 - MIN_COSINE), 0, 1) * scan.confidence * scan.areas
    weight *= 1 / (1 + (along / (0.5 * reach_m)) ** 2) ** 2
    # The foot of the perpendicular lies in the triangle, but for points over an edge or a hollow.
    weight *= (np.abs(along) < reach_m) & (beside < 0.002 + 0.5 * np.abs(along))
    held = np.einsum("nk,nkc->nc", shares, offsets[corners])
    return Measured(corners, shares, held + along[:, None] * normal, weight)


def _plate(model: BodyModel, vertices: F64, folds: F64, areas: F64, length_m: float) -> sparse.csr_matrix:
    """(V, V) bending energy of a thin plate that follows data down to `length_m`, square metres.

    The discrete energy grows with the fourth power of that length over the local edge, so that the dense face
    is as smooth as the coarse torso.
    """
    laplacian, edge_m = edge_laplacian(model, vertices)
    bend = (length_m * _stiffness(model) * (1 + FOLD_STIFFNESS * folds) / edge_m) ** 4
    return laplacian.T @ sparse.diags(np.clip(bend, *BEND_RANGE) * areas) @ laplacian


def foldedness(vertices: F64, normals: F64) -> F64:
    """(V,) 0..1: how far the normals within a centimetre of a vertex cancel out; 0 on smooth skin."""
    tree = KDTree(vertices)
    gap, near = tree.query(vertices, k=48, distance_upper_bound=FOLD_RADIUS_M, workers=usable_threads())
    inside = np.isfinite(gap)
    mean = (normals[np.where(inside, near, 0)] * inside[:, :, None]).sum(axis=1)
    cancelled = 1 - np.linalg.norm(mean, axis=1) / inside.sum(axis=1)
    ramp = np.clip((cancelled - 0.10) / 0.25, 0, 1)
    # The whole of an ear is one fold, its flat parts too.
    return np.where(inside, ramp[np.where(inside, near, 0)], 0).max(axis=1)


def coverage(model: BodyModel, surface: F64, scan: ScanPoints, reach_m: float) -> F64:
    """(V,) 0..1: how far the scan speaks at each vertex of the fitted `surface` (V, 3).

    It falls with the angle between the normals, towards borders, and with the distance.
    """
    normals = vertex_normals(surface, model.faces)
    gap, near = scan.tree.query(surface, workers=usable_threads())
    normal = scan.normals[near]
    cosine = np.einsum("vc,vc->v", normals, normal)
    along = np.einsum("vc,vc->v", scan.points[near] - surface, normal)
    beside = np.sqrt(np.maximum(gap**2 - along**2, 0))
    believed = np.clip((cosine - MIN_COSINE) / (0.85 - MIN_COSINE), 0, 1)
    believed *= scan.confidence[near] * ~scan.border[near]
    believed *= beside < 2.5 * scan.spacing_m + 0.3 * np.abs(along)
    believed *= 1 / (1 + (along / (0.5 * reach_m)) ** 2) ** 2
    believed[model.inner] = 0
    return believed


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
