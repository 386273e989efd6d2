"""Points with normals drawn from a scan, and the tree that finds the nearest ones. Built once a fit.

A coarse scan is sampled evenly by area. A scan with many more vertices than points is averaged: every vertex
speaks, its noise with it, and the cost of the fit does not grow with the scan.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.spatial import KDTree

from bodyscan.errors import InputError
from bodyscan.fit.scan_noise import estimate_noise_m
from bodyscan.geometry.edges import rim_vertices
from bodyscan.geometry.normals import areas_and_normals
from bodyscan.geometry.sampling import sample_surface
from bodyscan.geometry.steady_normals import steady_normals
from bodyscan.geometry.weld import used_vertices
from bodyscan.threads import usable_threads
from bodyscan.types import F64, Bool, Mesh, ScanMesh

DENSE = 2.0
"""Scans with more than so many vertices for each point are averaged."""
MANY = 1.25
"""More than so many times the points that were asked for cost time and say no more."""


@dataclass(frozen=True, eq=False)
class ScanPoints:
    """Points of a scan's surface."""

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
    areas: F64
    """(N,) square metres of the scan that a point stands for."""
    noise_m: float = 0.0
    """Standard deviation of one vertex of the scan along its normal, metres."""
    vertex_density: float = 3e4
    """Vertices of the scan on a square metre: independent measurements."""
    colors: F64 | None = None
    """(N, 3) sRGB 0..1, or None."""
    cover: F64 | None = None
    """(N,) 0..1, how likely a point shows cloth or hair and not skin; None where nobody asked."""

    @property
    def covered(self) -> F64:
        """(N,) `cover`, or zeros."""
        return np.zeros(len(self.points)) if self.cover is None else self.cover

    @cached_property
    def tree(self) -> KDTree:
        return KDTree(self.points)

    def with_cover(self, cover: F64) -> ScanPoints:
        """The same points with another `cover`, and the tree that they have."""
        told = replace(self, cover=cover)
        told.__dict__["tree"] = self.tree
        return told

    def take(self, chosen: np.ndarray) -> ScanPoints:
        """The points `chosen` (indices or mask), with their areas as they are."""
        return replace(
            self,
            points=self.points[chosen],
            normals=self.normals[chosen],
            confidence=self.confidence[chosen],
            border=self.border[chosen],
            areas=self.areas[chosen],
            colors=None if self.colors is None else self.colors[chosen],
            cover=None if self.cover is None else self.cover[chosen],
        )

    def subset(self, count: int, rng: np.random.Generator) -> ScanPoints:
        """At most `count` of the points, drawn without repeats by their area."""
        if count >= len(self.points):
            return self
        share = self.areas / self.areas.sum()
        # Weighted draws without repeats: Efraimidis and Spirakis, "Weighted random sampling", 2006.
        keys = rng.exponential(size=len(share)) / np.maximum(share, 1e-12)
        chosen = np.sort(np.argpartition(keys, count)[:count])
        part = self.take(chosen)
        stretch = len(self.points) / count
        return replace(part, spacing_m=self.spacing_m * float(np.sqrt(stretch)), areas=part.areas * stretch)


def draw_scan_points(scan: ScanMesh, count: int, seed: int) -> ScanPoints:
    """About `count` points, evenly spread (all points of a cloud up to that number).

    Raises `InputError` where the scan has no area, or a cloud comes without normals.
    """
    mesh = scan.mesh
    if mesh.is_cloud:
        return _of_cloud(scan, count, seed)
    if len(mesh.vertices) > DENSE * count:
        points = _averaged(scan, count)
    else:
        points = _sampled(mesh, scan.confidence, count, seed)
    return _with_noise(points, mesh, seed)


def draw_near(scan: ScanMesh, base: ScanPoints, boxes: F64, count: int, seed: int) -> ScanPoints:
    """`base`, with about `count` finer points in place of its own in `boxes` (K, 2, 3), low and high corners.

    For parts whose shape is finer than the points are apart. A cloud, or a scan that shows no more there, is
    returned as it is.
    """
    mesh = scan.mesh
    if mesh.is_cloud or not len(boxes):
        return base

    def near(points: F64) -> Bool:
        return np.any([((points >= low) & (points <= high)).all(axis=1) for low, high in boxes], axis=0)

    faces = mesh.faces[near(mesh.vertices)[mesh.faces].all(axis=1)]
    if not len(faces):
        return base
    used, small = used_vertices(faces, len(mesh.vertices))
    part = replace(
        scan,
        mesh=Mesh(mesh.vertices[used], small, colors=None if mesh.colors is None else mesh.colors[used]),
        confidence=scan.confidence[used],
        texture=None,
    )
    rim = rim_vertices(mesh.faces, len(mesh.vertices))[used]
    if len(used) > DENSE * count:
        fine = _averaged(part, count, rim)
    else:
        fine = _sampled(part.mesh, part.confidence, count, seed, rim)
    if fine.areas.mean() >= 0.8 * base.areas.mean():
        return base
    rest = base.take(~near(base.points))
    names = ("points", "normals", "confidence", "border", "areas")
    joined = {name: np.concatenate([getattr(rest, name), getattr(fine, name)]) for name in names}
    colors = None
    if rest.colors is not None and fine.colors is not None:
        colors = np.concatenate([rest.colors, fine.colors])
    return replace(base, **joined, colors=colors, cover=None)


def _of_cloud(scan: ScanMesh, count: int, seed: int) -> ScanPoints:
    mesh = scan.mesh
    if mesh.normals is None:
        raise InputError("A point cloud needs normals for the fit; clean-up sets them.")
    chosen = np.arange(len(mesh.vertices))
    if len(chosen) > count:
        chosen = np.sort(np.random.default_rng(seed).choice(len(chosen), count, replace=False))
    points, normals = mesh.vertices[chosen], mesh.normals[chosen].astype(np.float64)
    tree = KDTree(points)
    spacing = float(np.median(tree.query(points, k=2, workers=usable_threads())[0][:, 1]))
    found = ScanPoints(
        points, normals, scan.confidence[chosen].astype(np.float64), np.zeros(len(chosen), bool), spacing,
        np.full(len(chosen), spacing**2), colors=_unit_colors(mesh, chosen),
    )  # fmt: skip
    return _with_noise(found, mesh, seed)


def _with_noise(points: ScanPoints, mesh: Mesh, seed: int) -> ScanPoints:
    density = len(mesh.vertices) / max(float(points.areas.sum()), 1e-9)
    return replace(points, noise_m=estimate_noise_m(mesh.vertices, points, seed), vertex_density=density)


def _sampled(mesh: Mesh, vertex_confidence, count: int, seed: int, rim: Bool | None = None) -> ScanPoints:
    areas, flat = areas_and_normals(mesh.vertices, mesh.faces)
    if not areas.sum() > 0:
        raise InputError("The scan has no surface area: every face is degenerate.")
    points, face, weights = sample_surface(mesh.vertices, mesh.faces, count, seed)
    corners = mesh.faces[face]
    if rim is None:
        rim = rim_vertices(mesh.faces, len(mesh.vertices))
    at_vertices, _ = steady_normals(mesh.vertices, mesh.faces)
    normals = np.einsum("nk,nkc->nc", weights, at_vertices[corners])
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    # Where sheets meet in a vertex their mean normal means nothing: the face's own is taken.
    normals = np.where(length > 0.3, normals / np.maximum(length, 1e-12), flat[face])
    confidence = np.einsum("nk,nk->n", weights, vertex_confidence[corners].astype(np.float64))
    each = float(areas.sum()) / count
    colors = None
    if mesh.colors is not None:
        colors = np.einsum("nk,nkc->nc", weights, mesh.colors[corners] / 255.0)
    return ScanPoints(
        points, normals, confidence, rim[corners].any(axis=1), float(np.sqrt(each)), np.full(count, each),
        colors=colors,
    )  # fmt: skip


def _averaged(scan: ScanMesh, count: int, rim: Bool | None = None) -> ScanPoints:
    """One point for each cell and side of the surface: the mean of its vertices, by their areas."""
    mesh = scan.mesh
    normals, areas = steady_normals(mesh.vertices, mesh.faces)
    total = float(areas.sum())
    if not total > 0:
        raise InputError("The scan has no surface area: every face is degenerate.")
    # A surface cuts about one and a half cells for each square of a cell's side.
    cell = float(np.sqrt(1.5 * total / count))
    axis = np.abs(normals).argmax(axis=1)
    # Skin of both sides of a finger may share a cell: it is told apart by where it faces.
    side = 2 * axis + (np.take_along_axis(normals, axis[:, None], axis=1)[:, 0] < 0)
    cluster, number = _cells_and_sides(mesh.vertices, cell, side)
    if number > MANY * count:  # noise makes the surface a thick one, that cuts more cells
        cluster, number = _cells_and_sides(mesh.vertices, cell * float(np.sqrt(number / count)), side)
    weight = np.bincount(cluster, areas, number).astype(np.float64)

    def mean(values) -> F64:
        summed = [np.bincount(cluster, areas * values[:, k], number) for k in range(values.shape[1])]
        return np.stack(summed, axis=1) / np.maximum(weight, 1e-300)[:, None]

    kept = weight > 0
    facing = mean(normals)
    length = np.linalg.norm(facing, axis=1)
    kept &= length > 0.3
    if rim is None:
        rim = rim_vertices(mesh.faces, len(mesh.vertices))
    found = ScanPoints(
        mean(mesh.vertices),
        facing / np.maximum(length, 1e-12)[:, None],
        mean(scan.confidence[:, None].astype(np.float64))[:, 0],
        np.bincount(cluster, rim, number) > 0,
        float(np.sqrt(total / number)),
        weight,
        colors=None if mesh.colors is None else mean(mesh.colors) / 255.0,
    )
    return found.take(kept)


def _cells_and_sides(vertices: F64, cell: float, side: np.ndarray) -> tuple[np.ndarray, int]:
    """(V,) number of the cell and `side` (V,) 0..5 that a vertex belongs to, and how many there are."""
    place = np.floor((vertices - vertices.min(axis=0)) / cell).astype(np.int64)
    size = place.max(axis=0) + 1
    key = ((place[:, 0] * size[1] + place[:, 1]) * size[2] + place[:, 2]) * 6 + side
    _, cluster = np.unique(key, return_inverse=True)
    return cluster, int(cluster.max()) + 1


def _unit_colors(mesh: Mesh, chosen: np.ndarray) -> F64 | None:
    return None if mesh.colors is None else mesh.colors[chosen] / 255.0
