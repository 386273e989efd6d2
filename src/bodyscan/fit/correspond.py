"""Which point of the scan belongs to which point of the body, both ways.

From the scan to the body: the nearest body vertex at first, the nearest point of the nearest triangle at
the end. From the body to the scan: the nearest drawn point. Pairs are dropped when the normals disagree,
when they are farther apart than the kernel can see, or when the nearest point lies on the border of a hole.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from bodyscan.body.model import BodyModel
from bodyscan.fit.scan_points import ScanPoints
from bodyscan.geometry.barycentric import closest_barycentric
from bodyscan.threads import usable_threads
from bodyscan.types import F64, Bool

MIN_NORMAL_COSINE = 0.4
REACH, REACH_MORE_M = 4.0, 0.02
"""Pairs farther apart than so many kernel scales, and so many metres more, are dropped."""
CLOTH_REACH_M = 0.04
"""Cloth hangs so much farther off and still belongs to the body under it."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of a weighted body point and a plane of the scan."""

    corners: np.ndarray
    """(N, K) body vertices."""
    weights: F64
    """(N, K) their weights, rows sum to 1."""
    normals: F64
    """(N, 3) unit normal along which the distance counts."""
    targets: F64
    """(N, 3) points on the scan, metres."""
    trust: F64
    """(N,) 0..1."""
    cover: F64
    """(N,) 0..1, how likely the scan shows cloth or hair there: the body may lie inside it, not outside."""

    def residuals(self, vertices: F64) -> F64:
        """(N,) signed metres: body point minus target, along the normal."""
        points = np.einsum("nk,nkc->nc", self.weights, vertices[self.corners])
        return np.einsum("nc,nc->n", points - self.targets, self.normals)


def scan_to_vertices(scan: ScanPoints, vertices: F64, normals: F64, seen: Bool, sigma_m: float) -> Pairs:
    """Each scan point with its nearest body vertex among `seen` (V,) whose normal agrees.

    Nearest is meant in position and normal together, so that a finger does not take its neighbour's skin.
    """
    ids = np.flatnonzero(seen)
    stretch = min(2.0 * sigma_m, 0.03)
    nearest = ids[nearest_alike(scan, vertices[ids], normals[ids], stretch)]
    gap = np.linalg.norm(vertices[nearest] - scan.points, axis=1)
    cosine = np.einsum("nc,nc->n", normals[nearest], scan.normals)
    keep = (gap < _reach(sigma_m, scan.covered)) & (cosine > MIN_NORMAL_COSINE)
    nearest = nearest[keep]
    return Pairs(
        nearest[:, None],
        np.ones((len(nearest), 1)),
        normals[nearest],
        scan.points[keep],
        scan.confidence[keep] * cosine[keep],
        scan.covered[keep],
    )


def nearest_alike(scan: ScanPoints, vertices: F64, normals: F64, stretch_m: float) -> np.ndarray:
    """(N,) the vertex nearest to each scan point; normals that differ by 1 count as `stretch_m` metres."""
    tree = KDTree(np.hstack([vertices, stretch_m * normals]))
    return np.asarray(
        tree.query(np.hstack([scan.points, stretch_m * scan.normals]), workers=usable_threads())[1]
    )


def vertices_to_scan(
    scan: ScanPoints, vertices: F64, normals: F64, chosen: np.ndarray, sigma_m: float
) -> Pairs:
    """Each chosen body vertex with its nearest scan point, where that is not the border of a hole."""
    gap, nearest = map(np.asarray, scan.tree.query(vertices[chosen], workers=usable_threads()))
    cosine = np.einsum("nc,nc->n", normals[chosen], scan.normals[nearest])
    along = np.abs(np.einsum("nc,nc->n", vertices[chosen] - scan.points[nearest], scan.normals[nearest]))
    # A drawn point may lie beside the foot of the perpendicular, but not farther than the draws are apart.
    beside = np.sqrt(np.maximum(gap**2 - along**2, 0))
    on_surface = beside < 2.0 * scan.spacing_m + 0.5 * along
    keep = (gap < _reach(sigma_m, scan.covered[nearest])) & (cosine > MIN_NORMAL_COSINE)
    keep &= ~scan.border[nearest] & on_surface
    ids, hit = chosen[keep], nearest[keep]
    return Pairs(
        ids[:, None],
        np.ones((len(ids), 1)),
        scan.normals[hit],
        scan.points[hit],
        scan.confidence[hit] * cosine[keep],
        scan.covered[hit],
    )


def scan_to_triangles(
    scan: ScanPoints, model: BodyModel, vertices: F64, normals: F64, face_ids: np.ndarray, sigma_m: float
) -> Pairs:
    """Each scan point with the nearest point of the nearest triangle around its nearest vertices.

    The candidates are the triangles of the nearest triangle centres: exact for all but slivers, and
    without a second ray tracer in the loop.
    """
    faces = model.faces[face_ids]
    corners = vertices[faces]
    centre = corners.mean(axis=1)
    face_normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    face_normal /= np.maximum(np.linalg.norm(face_normal, axis=1, keepdims=True), 1e-300)
    stretch = min(2.0 * sigma_m, 0.03)
    tree = KDTree(np.hstack([centre, stretch * face_normal]))
    candidates = np.asarray(
        tree.query(np.hstack([scan.points, stretch * scan.normals]), k=6, workers=usable_threads())[1]
    )
    best = np.full(len(scan.points), np.inf)
    chosen = np.zeros(len(scan.points), dtype=np.int64)
    weights = np.zeros((len(scan.points), 3))
    for k in range(candidates.shape[1]):
        face = candidates[:, k]
        bary = closest_barycentric(scan.points, corners[face])
        gap = np.linalg.norm(np.einsum("nk,nkc->nc", bary, corners[face]) - scan.points, axis=1)
        better = gap < best
        best[better], chosen[better], weights[better] = gap[better], face[better], bary[better]
    normal = np.einsum("nk,nkc->nc", weights, normals[faces[chosen]])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-300)
    cosine = np.einsum("nc,nc->n", normal, scan.normals)
    keep = (best < _reach(sigma_m, scan.covered)) & (cosine > MIN_NORMAL_COSINE)
    return Pairs(
        faces[chosen[keep]],
        weights[keep],
        normal[keep],
        scan.points[keep],
        scan.confidence[keep] * cosine[keep],
        scan.covered[keep],
    )


def _reach(sigma_m: float, cover: F64) -> F64:
    """(N,) metres that body and scan may be apart where the scan is covered by `cover` (N,)."""
    return REACH * sigma_m + REACH_MORE_M + CLOTH_REACH_M * cover
