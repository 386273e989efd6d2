"""What one depth picture asks of the body that stood before the camera at that instant.

Pairs are made both ways. A body vertex is looked up in the picture (its pixel says which point it should lie
on): quick, and it knows what hides what. A drawn point of the picture takes the nearest vertex that faces the
same way: slower, and it finds an arm that has left its own outline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np
from scipy.sparse import csr_matrix
from scipy.spatial import KDTree

from bodyscan.body.model import BodyModel
from bodyscan.fit.linearize import Linearization, Unknowns
from bodyscan.fit.start import seen_area_weights
from bodyscan.geometry.normals import vertex_normals
from bodyscan.types import F32, F64, BodyParams, FramePoints

FRAME_POINTS_WORTH = 600.0
"""So many independent measurements is a picture worth: neighbouring pixels err alike."""
MIN_COSINE = 0.5
LEAST_FACING = 0.35
"""Cosine between a vertex's normal and the ray along which it is seen. Flatter, at a limb's rim, points lie
too near: pixels that saw two surfaces lie before it, and of scattered ones those are kept whose normals come
out facing (`benchmarks/depth_slant.py`: nothing up to 70 degrees, 0.4 mm at 75 to 80, for an Azure Kinect).
How thick a limb is that moved between the frames is known by what its sides look like: by these views.
"""
REACH, REACH_MORE_M = 3.0, 0.008
"""Pairs farther apart than so many kernel scales and metres are dropped."""
LEAST_TRUST = 0.2


class RangeCurve(Protocol):
    """A sensor's error over the distance, linear in C coefficients: `RangeError` of `reconstruct` is one."""

    @property
    def values_m(self) -> F64:
        """(C,) the coefficients, metres."""
        ...

    def basis(self, distance_m: F64) -> F64:
        """(N, C) what each coefficient adds to the error at distances (N,) in metres."""
        ...

    def prior(self, distance_m: F64) -> F64:
        """(C, C) what holds the coefficients, for points at distances (N,), as a share of their evidence."""
        ...

    def changed(self, step_m: F64) -> Self:
        """With (C,) added to the coefficients."""
        ...

    def corrected(self, frame: FramePoints) -> FramePoints:
        """The frame with the error taken off its points."""
        ...


@dataclass(frozen=True, eq=False)
class FrameView:
    """One picture with its pose, ready to be asked."""

    frame: FramePoints
    world_from_camera: F64
    """(4, 4) metres."""
    points: F64
    """(M, 3) metres, world: points drawn evenly from the picture."""
    normals: F64
    """(M, 3) unit, outward, world."""
    trust: F64
    """(M,) 0..1."""

    @property
    def distances(self) -> F64:
        """(M,) metres from the camera."""
        return np.linalg.norm(self.points - self.world_from_camera[:3, 3], axis=1)


def frame_view(frame: FramePoints, world_from_camera: F64, count: int, seed: int = 0) -> FrameView:
    """Draw about `count` points of `frame`."""
    rows = frame.spread_rows(count, LEAST_TRUST, seed)
    pose = np.asarray(world_from_camera, np.float64)
    return FrameView(
        frame,
        pose,
        frame.points[rows] @ pose[:3, :3].T + pose[:3, 3],
        frame.normals[rows] @ pose[:3, :3].T,
        frame.trust[rows].astype(np.float64),
    )


@dataclass(frozen=True, eq=False)
class SequenceBody:
    """The body at a few thousand of its vertices, those that a camera can see."""

    model: BodyModel
    rest_normals: F64
    """(K, 3) of the unposed body."""
    ids: np.ndarray
    """(K,) which of the model's vertices they are."""

    @classmethod
    def of(cls, model: BodyModel, betas: F64, count: int, seed: int = 0) -> SequenceBody:
        """`count` vertices, drawn by the area around them."""
        areas = seen_area_weights(model)
        seen = np.flatnonzero(areas > 0)
        rng = np.random.default_rng(seed)
        if len(seen) > count:
            seen = np.sort(rng.choice(seen, count, replace=False, p=areas[seen] / areas[seen].sum()))
        normals = vertex_normals(model.rest_vertices(betas), model.faces)[seen]
        return cls(model.at_vertices(seen), normals, seen)


@dataclass(frozen=True, eq=False)
class Bends:
    """What the sensor's range error has to do with one picture."""

    of_vertex: F64
    """(K, C) of each vertex that met points: sums of weight times the way along its normal of one of each
    coefficient, 1/m2."""
    hessian: F64
    """(C, C)."""
    gradient: F64
    """(C,)."""


@dataclass(frozen=True, eq=False)
class FrameEquations:
    """Normal equations of one picture over `Unknowns` of its instant."""

    hessian: F64
    gradient: F64
    squares: float
    """Weighted sum of squared distances, m^2, and the sum of those weights."""
    weight: float
    vertices: np.ndarray
    """(K,) which of the body's vertices met points."""
    rows: F32
    """(K, U) metres that each goes along its normal by one of each unknown."""
    weights: F64
    """(K,) 1/m^2, sums over the points that each met."""
    pulls: F64
    """(K,) 1/m, sums of weight times distance from point to vertex."""
    bends: Bends | None = None
    """Where the range error is asked for."""


def frame_equations(
    body: SequenceBody,
    params: BodyParams,
    unknowns: Unknowns,
    views: list[FrameView],
    sigma_m: float,
    curve: RangeCurve | None = None,
) -> FrameEquations:
    """Linearise all `views` of one instant at `params`; `sigma_m` is the scale of the robust kernel.

    `curve`: how the points, which it was taken off already, depend on the sensor's range error as well.
    """
    state = Linearization(body.model, params, unknowns)
    vertices = state.vertices
    normals = np.einsum("vij,vj->vi", state.rotation, body.rest_normals)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    sums = np.zeros((2, len(vertices)))
    squares = weight = 0.0
    of_curve = None if curve is None else _CurveSums(curve, len(vertices))
    for view in views:
        for found in (
            _looked_up(view, vertices, normals, sigma_m),
            _nearest(view, vertices, normals, sigma_m),
        ):
            if not len(found.vertex):
                continue
            robust = 1 / (1 + (found.residual / sigma_m) ** 2) ** 2
            each = found.trust * robust * (0.5 * FRAME_POINTS_WORTH / len(found.vertex)) / sigma_m**2
            sums[0] += np.bincount(found.vertex, each, len(vertices))
            sums[1] += np.bincount(found.vertex, each * found.residual, len(vertices))
            squares += float((robust * found.trust) @ found.residual**2)
            weight += float((robust * found.trust).sum())
            if of_curve is not None:
                of_curve.add(found, each)
    rows = state.normal_rows(normals)
    used = np.flatnonzero(sums[0])
    rows, weights, pulls = rows[used], sums[0][used], sums[1][used]
    scaled = rows * np.sqrt(weights).astype(np.float32)[:, None]
    hessian = (scaled.T @ scaled).astype(np.float64)
    gradient = rows.T.astype(np.float64) @ pulls
    bends = None if of_curve is None else of_curve.of(used)
    return FrameEquations(hessian, gradient, squares, weight, used, rows, weights, pulls, bends)


@dataclass(frozen=True, eq=False)
class _Found:
    """N pairs of a vertex and a point of one picture."""

    vertex: np.ndarray
    """(N,) ids."""
    residual: F64
    """(N,) metres along the normal from point to vertex."""
    trust: F64
    """(N,) 0..1."""
    way: F64
    """(N, 3) metres from the camera to the point,"""
    normal: F64
    """(N, 3) and the vertex's unit normal, in the same axes."""


class _CurveSums:
    """Adds up what the pairs of one picture tell of the range error."""

    def __init__(self, curve: RangeCurve, vertices: int) -> None:
        size = len(curve.values_m)
        self._curve = curve
        self._of_vertex = np.zeros((vertices, size))
        self._hessian, self._gradient = np.zeros((size, size)), np.zeros(size)

    def add(self, found: _Found, weight: F64) -> None:
        """Pairs with their weights (N,): the point is nearer by the error, the vertex farther from it."""
        distance = np.linalg.norm(found.way, axis=1)
        along = np.einsum("nk,nk->n", found.way, found.normal) / distance
        bend = self._curve.basis(distance) * along[:, None]
        heavy = bend * weight[:, None]
        starts = np.arange(len(found.vertex) + 1)
        pick = csr_matrix(
            (np.ones(len(found.vertex)), found.vertex, starts), (len(starts) - 1, len(self._of_vertex))
        )
        self._of_vertex += pick.T @ heavy
        self._hessian += heavy.T @ bend
        self._gradient += heavy.T @ found.residual

    def of(self, used: np.ndarray) -> Bends:
        return Bends(self._of_vertex[used], self._hessian, self._gradient)


def _looked_up(view: FrameView, vertices: F64, normals: F64, sigma_m: float) -> _Found:
    """Vertices with the points in their pixels."""
    rotation, eye = view.world_from_camera[:3, :3], view.world_from_camera[:3, 3]
    local = (vertices - eye) @ rotation
    facing = -np.einsum("vk,vk->v", local, normals @ rotation) / np.linalg.norm(local, axis=1)
    ids = np.flatnonzero(facing > LEAST_FACING)
    hit, there = view.frame.lookup(local[ids])
    ids, hit = ids[there], hit[there]
    gap = local[ids] - view.frame.points[hit]
    turned = normals[ids] @ rotation
    cosine = np.einsum("nk,nk->n", turned, view.frame.normals[hit])
    kept = (np.linalg.norm(gap, axis=1) < REACH * sigma_m + REACH_MORE_M) & (cosine > MIN_COSINE)
    kept &= view.frame.trust[hit] >= LEAST_TRUST
    hit, turned = hit[kept], turned[kept]
    along = _between_planes(gap[kept], view.frame.normals[hit].astype(np.float64), turned)
    way = view.frame.points[hit].astype(np.float64)
    return _Found(ids[kept], along, view.frame.trust[hit] * cosine[kept], way, turned)


def _nearest(view: FrameView, vertices: F64, normals: F64, sigma_m: float) -> _Found:
    """The same for drawn points with the vertices nearest to them in place and direction."""
    stretch = min(2.0 * sigma_m, 0.03)
    tree = KDTree(np.hstack([vertices, stretch * normals]))
    found = np.asarray(tree.query(np.hstack([view.points, stretch * view.normals]))[1])
    gap = vertices[found] - view.points
    cosine = np.einsum("nk,nk->n", normals[found], view.normals)
    kept = (np.linalg.norm(gap, axis=1) < REACH * sigma_m + REACH_MORE_M + 0.01) & (cosine > MIN_COSINE)
    way = view.points - view.world_from_camera[:3, 3]
    facing = -np.einsum("nk,nk->n", way, normals[found]) / np.linalg.norm(way, axis=1)
    kept &= facing > LEAST_FACING
    turned = normals[found[kept]]
    along = _between_planes(gap[kept], view.normals[kept], turned)
    return _Found(found[kept], along, view.trust[kept] * cosine[kept], way[kept], turned)


def _between_planes(gap: F64, one: F64, other: F64) -> F64:
    """(N,) metres that two oriented points lie apart across the surface, `gap` (N, 3) from one to the other.

    Along the mean of both normals, as in Rusinkiewicz, "A symmetric objective function for ICP", 2019: two
    points of one round surface are not apart then. Along one normal alone the other seems to lie inside, by
    half a millimetre on a limb, and every frame is drawn inwards.
    """
    mean = one + other
    mean /= np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)
    return np.einsum("nk,nk->n", gap, mean)
