"""Points with normals drawn from a scan, and the tree that finds the nearest ones. Built once a fit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree

from bodyscan.errors import InputError
from bodyscan.types import F64, Bool, ScanMesh


@dataclass(frozen=True, eq=False)
class ScanPoints:
    """Evenly spread points of a scan's surface."""

    points: F64
    """(N, 3) float64, metres, world frame."""
    normals: F64
    """(N, 3) float64 unit, outward."""
    confidence: F64
    """(N,) 0..1."""
    border: Bool
    """(N,) True beside a hole: a nearest point there says nothing about what lies in the hole."""
    spacing_m: float
    """Mean distance between neighbours."""

    @cached_property
    def tree(self) -> cKDTree:
        return cKDTree(self.points)

    def subset(self, count: int, rng: np.random.Generator) -> ScanPoints:
        """At most `count` of the points, drawn without repeats."""
        if count >= len(self.points):
            return self
        chosen = np.sort(rng.choice(len(self.points), count, replace=False))
        return ScanPoints(
            self.points[chosen],
            self.normals[chosen],
            self.confidence[chosen],
            self.border[chosen],
            self.spacing_m * np.sqrt(len(self.points) / count),
        )


def draw_scan_points(scan: ScanMesh, count: int, seed: int) -> ScanPoints:
    """Draw `count` points evenly by area (all points of a cloud up to that number).

    Raises `InputError` where the scan has no area, or a cloud comes without normals.
    """
    rng = np.random.default_rng(seed)
    mesh = scan.mesh
    if mesh.is_cloud:
        if mesh.normals is None:
            raise InputError("A point cloud needs normals for the fit; clean-up sets them.")
        chosen = np.arange(len(mesh.vertices))
        if len(chosen) > count:
            chosen = np.sort(rng.choice(len(chosen), count, replace=False))
        points, normals = mesh.vertices[chosen], mesh.normals[chosen].astype(np.float64)
        tree = cKDTree(points)
        spacing = float(np.median(tree.query(points, k=2, workers=-1)[0][:, 1]))
        return ScanPoints(
            points, normals, scan.confidence[chosen].astype(np.float64), np.zeros(len(chosen), bool), spacing
        )
    corners = mesh.vertices[mesh.faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    double_area = np.linalg.norm(cross, axis=1)
    total = double_area.sum()
    if total <= 0:
        raise InputError("The scan has no surface area: every face is degenerate.")
    # Stratified draws along the running area: even cover with fewer clumps than independent draws.
    steps = (np.arange(count) + rng.random(count)) * (total / count)
    face = np.minimum(np.searchsorted(np.cumsum(double_area), steps), len(corners) - 1)
    u, v = rng.random(count), rng.random(count)
    flip = u + v > 1
    u[flip], v[flip] = 1 - u[flip], 1 - v[flip]
    weights = np.stack([1 - u - v, u, v], axis=1)
    points = np.einsum("nk,nkc->nc", weights, corners[face])
    normals = _smooth_normals(mesh.faces, cross, len(mesh.vertices))[mesh.faces[face]]
    normals = np.einsum("nk,nkc->nc", weights, normals)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    flat = cross[face] / np.maximum(double_area[face], 1e-300)[:, None]
    normals = np.where(length > 0.3, normals / np.maximum(length, 1e-12), flat)
    confidence = np.einsum("nk,nk->n", weights, scan.confidence[mesh.faces[face]].astype(np.float64))
    border = _border_vertices(mesh.faces, len(mesh.vertices))[mesh.faces[face]].any(axis=1)
    return ScanPoints(points, normals, confidence, border, float(np.sqrt(total / 2 / count)))


def _smooth_normals(faces: np.ndarray, cross: F64, num_vertices: int) -> F64:
    normals = np.zeros((num_vertices, 3))
    for axis in range(3):
        for corner in range(3):
            normals[:, axis] += np.bincount(faces[:, corner], cross[:, axis], num_vertices)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-300)


def _border_vertices(faces: np.ndarray, num_vertices: int) -> Bool:
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    keys = edges[:, 0].astype(np.int64) * num_vertices + edges[:, 1]
    unique, counts = np.unique(keys, return_counts=True)
    single = unique[counts == 1]
    border = np.zeros(num_vertices, dtype=bool)
    border[single // num_vertices] = True
    border[single % num_vertices] = True
    return border
