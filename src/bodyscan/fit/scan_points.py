"""Points with normals drawn from a scan, and the tree that finds the nearest ones. Built once a fit."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial import KDTree

from bodyscan.errors import InputError
from bodyscan.geometry.edges import border_vertices, edge_table
from bodyscan.geometry.normals import areas_and_normals, vertex_normals
from bodyscan.geometry.sampling import sample_surface
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
    def tree(self) -> KDTree:
        return KDTree(self.points)

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
    mesh = scan.mesh
    if mesh.is_cloud:
        if mesh.normals is None:
            raise InputError("A point cloud needs normals for the fit; clean-up sets them.")
        chosen = np.arange(len(mesh.vertices))
        if len(chosen) > count:
            chosen = np.sort(np.random.default_rng(seed).choice(len(chosen), count, replace=False))
        points, normals = mesh.vertices[chosen], mesh.normals[chosen].astype(np.float64)
        tree = KDTree(points)
        spacing = float(np.median(tree.query(points, k=2, workers=-1)[0][:, 1]))
        return ScanPoints(
            points, normals, scan.confidence[chosen].astype(np.float64), np.zeros(len(chosen), bool), spacing
        )
    areas, flat = areas_and_normals(mesh.vertices, mesh.faces)
    if not areas.sum() > 0:
        raise InputError("The scan has no surface area: every face is degenerate.")
    points, face, weights = sample_surface(mesh.vertices, mesh.faces, count, seed)
    corners = mesh.faces[face]
    normals = np.einsum("nk,nkc->nc", weights, vertex_normals(mesh.vertices, mesh.faces)[corners])
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    # Where sheets meet in a vertex their mean normal means nothing: the face's own is taken.
    normals = np.where(length > 0.3, normals / np.maximum(length, 1e-12), flat[face])
    confidence = np.einsum("nk,nk->n", weights, scan.confidence[corners].astype(np.float64))
    border = border_vertices(edge_table(mesh.faces), len(mesh.vertices))[corners].any(axis=1)
    return ScanPoints(points, normals, confidence, border, float(np.sqrt(areas.sum() / count)))
