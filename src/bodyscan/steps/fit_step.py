"""The step `fit`: the body fitted to the scan, anew or from an earlier fit that a person corrected."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from bodyscan.errors import InputError
from bodyscan.fit import Corrections, with_placed, without_ignored
from bodyscan.pipeline import OnStage, model_of
from bodyscan.pipeline.fitted import fitted, measured
from bodyscan.pipeline.warnings import quality_warnings
from bodyscan.steps.arrays import fit_arrays, write_arrays
from bodyscan.steps.folder import StepState
from bodyscan.steps.person import trusted
from bodyscan.steps.request import FitRequest, placed_points, untrusted_share
from bodyscan.steps.session import earlier_steps, kept, open_session, options_of
from bodyscan.types import BodyFit, BodyParams
from bodyscan.types.twin import measurement_values


def run_fit(request: FitRequest, now: datetime, on_stage: OnStage) -> StepState:
    """Fit the body. A fit below the stated quality is kept, and says so; no twin is made of it unasked.

    Raises `ConsentError` where the folder's record does not cover the use, `InputError` for corrections
    that the body does not have, `StageError` where nothing came near the scan.
    """
    session = open_session(request, now, on_stage)
    folder = session.folder
    options = options_of(request.config, {})
    scan, told = folder.scan(), folder.told("scan")
    share = untrusted_share(request, len(scan.mesh.vertices))
    if share is not None and (share >= 1).all():
        raise InputError("All of the scan is marked as not to be trusted; leave some of it.")
    placed = placed_points(request)
    if both := [name for name in request.ignored if name in placed]:
        raise InputError(f"The landmark {both[0]} was placed and is to be ignored; say one of the two.")
    scan = trusted(scan, share)
    scan = replace(scan, landmarks=without_ignored(scan.landmarks, request.ignored))
    stages = session.stages(earlier_steps(told))
    corrections = model = None
    if request.start == "earlier":
        earlier = folder.fit()
        model = model_of(earlier)
        corrections = Corrections(_start(earlier, request), placed, request.pinned)
    elif placed:
        scan = replace(scan, landmarks=with_placed(scan.landmarks, placed))
    fit = fitted(scan, options.pipeline, stages, model=model, corrections=corrections)
    measurements: list[dict[str, Any]] = []
    if fit.quality.acceptable:
        measurements = measurement_values(measured(scan, fit, stages).measurements)

    def write(place: Path) -> None:
        write_arrays(place / "fit.npz", *fit_arrays(fit))
        if share is not None:
            write_arrays(place / "untrusted.npz", {"share": share.astype(np.float32)}, {})

    return kept(
        session,
        "fit",
        folder.state()["scan"].result,
        write,
        summary=_summary(fit),
        warnings=quality_warnings(scan, fit, None, options.pipeline),
        values={
            "quality": asdict(fit.quality),
            "guessed_hands": list(fit.guessed_hands),
            "notes": list(fit.notes),
            "measurements": measurements,
            "placed": {name: list(point) for name, point in placed.items()},
            "ignored": list(request.ignored),
            "pinned": list(request.pinned),
            "start": request.start,
            "untrusted": 0.0 if share is None else float(share.mean()),
        },
        steps=tuple(stages.steps),
        options=options.pipeline,
    )


def _start(earlier: BodyFit, request: FitRequest) -> BodyParams:
    """The parameters to go on from: the earlier fit's, with the shape and pose that were set by hand."""
    params = earlier.params
    betas = params.betas if request.betas is None else np.array(request.betas, dtype=np.float64)
    pose = params.pose_rotvec
    if request.pose_rotvec is not None:
        pose = np.array(request.pose_rotvec, dtype=np.float64)
    return BodyParams(betas, pose, params.translation, params.expression)


def _summary(fit: BodyFit) -> str:
    quality = fit.quality
    sure = "" if quality.acceptable else " Below the stated quality."
    return (
        f"The surface lies {quality.surface_mean_mm:.1f} mm from the scan on average; "
        f"{100 * quality.coverage:.0f} % of the body has scan data.{sure}"
    )
