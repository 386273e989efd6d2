"""Which points of a scan show a hand, and not the thigh beside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from bodyscan.body.model import BodyModel
from bodyscan.fit.hand_chain import HandChain, HandPose
from bodyscan.fit.scan_points import ScanPoints
from bodyscan.geometry.normals import vertex_normals
from bodyscan.types import F64, Bool

STRETCH_M = 0.008
"""Metres for a difference of normals of 1, so that a finger does not take its neighbour's skin."""
ARM_M, REACH_M = 0.30, 0.04
"""Scan points farther from the hand, or from all of its candidates, belong to other parts."""
SLANT = 0.3
"""How much a metre beside a vertex counts against a metre above its skin."""
MIN_POINTS = 50
SMOOTHED = 7
"""Normals are averaged over so many nearest points."""


@dataclass(frozen=True, eq=False)
class HandScan:
    """The scan's points around one hand."""

    points: F64
    """(N, 3) metres."""
    normals: F64
    """(N, 3) unit, smoothed over a few neighbours."""
    trust: F64
    """(N,) 0..1."""
    border: Bool
    """(N,) True beside a hole."""
    elsewhere: F64
    """(N,) metres to the nearest other part of the body, which may be what a point shows."""
    spacing_m: float
    """Mean distance between neighbours in the whole scan's draw."""
    tree: KDTree
    """Over points and stretched normals."""
    around: KDTree
    """Over all of the scan's points about the hand, other parts' as well."""
    around_normals: F64
    """(M, 3) unit, outward."""


def points_of_hand(
    model: BodyModel, body: F64, chain: HandChain, candidates: list[HandPose], scan: ScanPoints
) -> HandScan | None:
    """The scan's points near any of the candidates and not nearer to another part of the `body` (V, 3).

    None where the scan shows next to nothing of the hand.
    """
    states = [chain.state(pose).vertices for pose in candidates]
    middle = states[0][chain.in_hand].mean(axis=0)
    close = np.flatnonzero(np.linalg.norm(scan.points - middle, axis=1) < ARM_M)
    if len(close) < MIN_POINTS:
        return None
    points = scan.points[close]
    around = KDTree(points)
    normals = _smoothed(around, scan.normals[close], scan.spacing_m)
    facing = np.concatenate([vertex_normals(vertices, chain.faces) for vertices in states])
    gap = _sheet_distance(points, normals, np.concatenate(states), facing)
    other = np.linalg.norm(body - middle, axis=1) < ARM_M + REACH_M
    other[chain.vertex_ids] = False
    other &= ~model.inner
    elsewhere = np.full(len(points), np.inf)
    if other.any():
        elsewhere = _sheet_distance(points, normals, body[other], vertex_normals(body, model.faces)[other])
    kept = np.flatnonzero((gap < REACH_M) & (gap < elsewhere))
    if len(kept) < MIN_POINTS:
        return None
    return HandScan(
        points[kept],
        normals[kept],
        scan.confidence[close[kept]],
        scan.border[close[kept]],
        elsewhere[kept],
        scan.spacing_m,
        KDTree(np.hstack([points[kept], STRETCH_M * normals[kept]])),
        around,
        normals,
    )


def _smoothed(tree: KDTree, normals: F64, spacing_m: float) -> F64:
    """(N, 3) unit normals averaged with those of neighbours that face the same way."""
    away, near = map(np.asarray, tree.query(tree.data, k=SMOOTHED))
    share = np.einsum("nkc,nc->nk", normals[near], normals) > 0
    share &= away < 2.2 * spacing_m
    mean = np.einsum("nk,nkc->nc", share, normals[near])
    return mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-9)


def _sheet_distance(points: F64, normals: F64, vertices: F64, facing: F64) -> F64:
    """(N,) metres from points to the skin around their nearest vertices, more where normals disagree.

    The thigh beside a hand has so few vertices that a point on its skin may lie nearer to one of the hand's.
    """
    tree = KDTree(np.hstack([vertices, STRETCH_M * facing]))
    nearest = np.asarray(tree.query(np.hstack([points, STRETCH_M * normals]))[1])
    gap = points - vertices[nearest]
    height = np.abs(np.sum(gap * facing[nearest], axis=1))
    beside = np.sqrt(np.maximum(np.sum(gap**2, axis=1) - height**2, 0))
    turned = np.linalg.norm(normals - facing[nearest], axis=1)
    return height + SLANT * beside + STRETCH_M * turned
