"""Scan to fit: cleaned, fitted and measured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bodyscan.body.asset import load_body_model
from bodyscan.body.measurements import measure_surface
from bodyscan.body.model import BodyModel
from bodyscan.consent import Evidence, Use, require_consent
from bodyscan.errors import InputError, StageError
from bodyscan.fit import Corrections, fit_body
from bodyscan.pipeline.options import PipelineOptions
from bodyscan.pipeline.stages import OnStage, Stages
from bodyscan.reconstruct import reconstruct_scan
from bodyscan.types import BodyFit, Capture, Measurement, ProvenanceStep, ScanMesh


class QualityError(StageError):
    """The fit is below the stated quality; scan and fit are kept for a report."""

    def __init__(
        self, message: str, scan: ScanMesh, fit: BodyFit, stages: tuple[ProvenanceStep, ...]
    ) -> None:
        super().__init__(message)
        self.scan = scan
        self.fit = fit
        self.stages = stages


@dataclass(frozen=True, eq=False)
class FittedScan:
    """A scan, the body fitted to it, and its measurements: what `bodyscan measure` needs."""

    scan: ScanMesh
    fit: BodyFit
    model: BodyModel
    measurements: tuple[Measurement, ...]
    stages: tuple[ProvenanceStep, ...]


def scan_to_fit(
    capture: Capture,
    *,
    consent: str | None,
    use: Use,
    now: datetime,
    evidence: Evidence | None = None,
    options: PipelineOptions | None = None,
    on_stage: OnStage | None = None,
) -> FittedScan:
    """Clean, fit and measure a scan. No twin is made, but it is a person's body: consent is needed.

    Raises `ConsentError` before any work where the record is not valid at `now` or does not cover `use`;
    `InputError` for a scan that is no whole person; `QualityError` for a fit below the stated quality.
    """
    options = options or PipelineOptions()
    require_consent(consent, use=use, now=now, evidence=evidence)
    return fit_and_measure(capture, options, Stages(on_stage))


def fit_and_measure(capture: Capture, options: PipelineOptions, stages: Stages) -> FittedScan:
    """Run the stages up to the measurements. Consent is the caller's to check; raises as `scan_to_fit`."""
    scan = reconstructed(capture, options, stages)
    fit = fitted(scan, options, stages)
    require_quality(scan, fit, options, stages)
    return measured(scan, fit, stages)


def reconstructed(capture: Capture, options: PipelineOptions, stages: Stages) -> ScanMesh:
    """Clean a scan and bring it into the world frame. Raises `InputError` for no whole person."""
    with stages.run("reconstruct", options.reconstruct) as remarks:
        scan = reconstruct_scan(capture, options.reconstruct)
        kind, count = (
            ("points", len(scan.mesh.vertices)) if scan.mesh.is_cloud else ("faces", len(scan.mesh.faces))
        )
        remarks.append(f"{count} {kind}, unit {scan.unit}, up {scan.up}, facing {scan.facing}")
    return scan


def fitted(
    scan: ScanMesh,
    options: PipelineOptions,
    stages: Stages,
    *,
    model: BodyModel | None = None,
    corrections: Corrections | None = None,
) -> BodyFit:
    """Fit the body to a clean scan, whatever comes of it (see `require_quality`). Raises as `fit_body`.

    `corrections` go on from an earlier fit, made with `model`.
    """
    with stages.run("fit", options.fit) as remarks:
        fit = fit_body(scan, options.fit, model, corrections)
        q = fit.quality
        remarks.append(
            f"surface {q.surface_mean_mm:.2f} mm from the scan on average, "
            f"{100 * q.coverage:.0f} % of the body covered"
        )
    return fit


def require_quality(scan: ScanMesh, fit: BodyFit, options: PipelineOptions, stages: Stages) -> None:
    """Raise `QualityError` for a fit below the stated quality, unless the options accept it."""
    if fit.quality.acceptable or options.accept_quality:
        return
    reasons = "; ".join(fit.quality.reasons)
    raise QualityError(
        f"The fit is below the stated quality: {reasons}. Look at the report (--report), mend the scan, "
        "or accept it with --accept-quality.",
        scan,
        fit,
        tuple(stages.steps),
    )


def measured(scan: ScanMesh, fit: BodyFit, stages: Stages) -> FittedScan:
    """Measure a fitted person. Raises `InputError` where the fit was made with a user's own body."""
    model = model_of(fit)
    with stages.run("measure") as remarks:
        measurements = measure_surface(model, fit.params, fit.skin.vertices)
        height = next((m.value_cm for m in measurements if m.name == "stature"), None)
        remarks.append(f"{len(measurements)} measurements" + (f", {height:.1f} cm tall" if height else ""))
    return FittedScan(scan, fit, model, measurements, tuple(stages.steps))


def model_of(fit: BodyFit) -> BodyModel:
    """The packaged body model that a fit was made with. `InputError` where it was a user's own."""
    for age in ("adult", "child"):
        model = load_body_model(age)
        if model.name == fit.model_name:
            return model
    raise InputError(
        f"The fit was made with the body model '{fit.model_name}'; a twin needs the packaged body, because "
        "only it has face shapes, landmarks and measurements."
    )
