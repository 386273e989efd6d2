"""How sure the fit is of itself."""

from __future__ import annotations

import numpy as np

from bodyscan.body.model import BodyModel
from bodyscan.fit.detail import information
from bodyscan.fit.options import FitOptions
from bodyscan.fit.prior import PosePrior
from bodyscan.fit.scan_points import ScanPoints
from bodyscan.geometry.raycast import Raycaster
from bodyscan.types import F32, F64, BodyParams, FitQuality, Mesh, ScanMesh

EXPLAINED_M = 0.020
AVERAGED_OVER_MM = 10.0
"""Side of the patch that noise averages out over."""
EXPECTED = np.array([0.28, 0.25, 0.30, 0.25])
"""Shares of floor (mm), misfit, averaged noise and uncovered body in the expected error: least squares on 20
of the 40 cases of `benchmarks/fit.py`. On the 20 others the correlation with the true error was 0.77
(Pearson), and 0.82 with the halves exchanged."""
TRUSTED = 0.5
"""Scan vertices with at least this confidence are judged."""


def signed_distance_mm(surface: Mesh, points: F64, chunk: int = 500_000) -> F32:
    """(N,) float32: distance of points to a surface, positive outside by the nearest face's normal, mm."""
    caster = Raycaster(surface)
    corners = surface.vertices[surface.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    signed = np.empty(len(points), dtype=np.float32)
    for start in range(0, len(points), chunk):
        part = points[start : start + chunk]
        distance, face, nearest = caster.closest(part)
        side = np.einsum("nc,nc->n", part - nearest, normals[face])
        signed[start : start + chunk] = 1e3 * distance * np.where(side < 0, -1, 1)
    return signed


def expected_error_mm(
    points: ScanPoints, surface_mm: F32, body_mean_mm: float, coverage: F64, area: F64
) -> float:
    """How far the person's true surface is expected to lie from the fitted one on average, mm.

    Where there is data: what is left of the distances once the noise of the scan's own vertices is taken out
    of them, the noise that averaging leaves, and a floor. Where there is none: the body model, whose misfit
    elsewhere says how well it guesses. The shares are fitted to people whose truth is known
    (`benchmarks/fit.py` shows how well they foresee the error of others).
    """
    spread = float(np.sqrt(np.mean(np.minimum(np.abs(surface_mm), 1e3 * EXPLAINED_M) ** 2)))
    noise = 1e3 * points.noise_m
    misfit = float(np.sqrt(max(spread**2 - noise**2, 0.0)))
    averaged = 1e6 / np.sqrt(information(points)) / AVERAGED_OVER_MM
    without = 1 - float(np.average(np.clip(coverage, 0, 1), weights=area))
    features = np.array([1.0, misfit, averaged, without * body_mean_mm])
    return float(features @ EXPECTED)


def judge(
    model: BodyModel,
    scan: ScanMesh,
    params: BodyParams,
    prior: PosePrior,
    points: ScanPoints,
    body_mm: F32,
    surface_mm: F32,
    coverage: F64,
    area: F64,
    options: FitOptions,
) -> FitQuality:
    """The numbers, and whether they are inside the limits of `options`.

    `surface_mm` (N,): signed distances of the scan's vertices; `body_mm` (P,): of `points` to the parametric
    body; `coverage`, `area` (V,).
    """
    trusted = scan.confidence >= TRUSTED
    if not trusted.any():
        trusted = np.ones(len(surface_mm), dtype=bool)
    gap = np.abs(surface_mm[trusted])
    explained = float(np.mean(np.abs(surface_mm[trusted]) < 1e3 * EXPLAINED_M))
    near = gap < 1e3 * EXPLAINED_M
    surface_mean = float(gap[near].mean()) if near.any() else float(gap.mean())
    covered = float(np.average(coverage > 0.3, weights=area))
    shape = float(np.sqrt(np.mean(params.betas[: model.num_body_components] ** 2)))
    sure = points.confidence >= TRUSTED
    body_mean = float(np.abs(body_mm[sure] if sure.any() else body_mm).mean())
    per_joint = np.einsum(
        "ji,jik,jk->j", params.pose_rotvec - prior.mean, prior.precision, params.pose_rotvec - prior.mean
    )
    reasons = []
    if surface_mean > options.max_surface_mean_mm:
        reasons.append(
            f"the scan lies {surface_mean:.1f} mm from the fitted surface on average; "
            f"at most {options.max_surface_mean_mm:g} mm is accepted"
        )
    if explained < options.min_explained:
        reasons.append(
            f"only {100 * explained:.0f} % of the scan lies within {1e3 * EXPLAINED_M:.0f} mm of the fitted "
            f"surface; at least {100 * options.min_explained:.0f} % is accepted"
        )
    if covered < options.min_coverage:
        reasons.append(
            f"only {100 * covered:.0f} % of the body has scan data; "
            f"at least {100 * options.min_coverage:.0f} % is accepted"
        )
    return FitQuality(
        surface_mean_mm=surface_mean,
        surface_p95_mm=float(np.percentile(gap, 95)),
        body_mean_mm=body_mean,
        coverage=covered,
        explained=explained,
        pose_plausibility=float(np.exp(-0.5 * max(0.0, float(per_joint.max()) / 9 - 1))),
        shape_plausibility=float(np.exp(-0.5 * max(0.0, shape - 1))),
        noise_mm=1e3 * points.noise_m,
        expected_error_mm=expected_error_mm(points, surface_mm[trusted], body_mean, coverage, area),
        acceptable=not reasons,
        reasons=tuple(reasons),
    )
