"""A body model that has a scanned person's own surface for its template.

Frames are aligned with a surface that is right to a millimetre only by one that is itself right to a
millimetre; shape coefficients alone stop at some four.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bodyscan.body.model import BodyModel
from bodyscan.fit.detail import refine_surface
from bodyscan.fit.options import FitOptions
from bodyscan.fit.scan_points import draw_scan_points
from bodyscan.types import BodyParams, ScanMesh

POINTS = 40_000


def detailed_model(
    model: BodyModel, params: BodyParams, scan: ScanMesh, options: FitOptions | None = None
) -> BodyModel:
    """`model`, its template moved so that at `params` it lies on `scan` (world frame, metres).

    Skeleton, weights and shape space stay: other poses of the same person follow. Raises `InputError` where
    the scan has no area.
    """
    options = options or FitOptions()
    posed = model.pose(params)
    points = draw_scan_points(scan, POINTS, options.seed)
    detail = refine_surface(
        model,
        posed.vertices,
        points,
        limit_m=options.detail_limit_m,
        smooth_length_m=options.detail_length_m,
    )
    rest = model.unskin(posed.vertices + detail.offsets, posed.world_from_rest)
    moved = rest - model.rest_vertices(params.betas, params.expression)
    return replace(model, template=(model.template + moved).astype(np.float32))
