"""Scan to twin: the stages in order. No files are read or written here."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, is_dataclass, replace
from datetime import datetime

import numpy as np

from bodyscan import __version__
from bodyscan.body.asset import load_body_model
from bodyscan.body.landmarks import body_landmarks
from bodyscan.body.measurements import measure_surface
from bodyscan.body.model import BodyModel
from bodyscan.consent import Purpose, SigningKey, Use, require_consent
from bodyscan.errors import ConsentError, InputError, StageError
from bodyscan.fit import FitOptions, fit_body
from bodyscan.geometry.normals import vertex_areas
from bodyscan.reconstruct import ReconstructOptions, reconstruct_scan
from bodyscan.rig.bind import BindPose, bind_pose
from bodyscan.rig.body_rig import rig_body
from bodyscan.rig.options import RigOptions
from bodyscan.rig.transfer import rig_scan
from bodyscan.twin.assemble import Binder, assemble_twin
from bodyscan.twin.colors import bake_vertex_colors
from bodyscan.twin.face_shapes import face_shapes
from bodyscan.types import (
    BodyFit,
    Capture,
    Measurement,
    Morph,
    Provenance,
    ProvenanceStep,
    Rig,
    ScanMesh,
    Twin,
)

SURFACES = ("body", "skin", "scan")
MUCH_CLOTH = 0.5
"""0..1, share of the surface below the neck from which a warning says that the person is clothed."""
FULL_COVERAGE = 0.75
"""0..1, below which a warning says that much of the twin is guessed. Scans of a whole person reach 0.85."""
SOFTWARE = f"bodyscan {__version__}"


@dataclass(frozen=True)
class PipelineOptions:
    """Options of all stages."""

    reconstruct: ReconstructOptions = field(default_factory=ReconstructOptions)
    fit: FitOptions = field(default_factory=FitOptions)
    rig: RigOptions = field(default_factory=RigOptions)
    surface: str = "body"
    """`body`: the twin is the fitted surface on the body's topology, cloth and hair as scanned. `skin`: the
    body as estimated under them, on the same topology. `scan`: the scan itself, rigged."""
    accept_quality: bool = False
    """Make the twin even where the fit is below the stated quality; the report says so."""

    def __post_init__(self) -> None:
        if self.surface not in SURFACES:
            raise InputError(f"PipelineOptions.surface is '{self.surface}'; possible: {', '.join(SURFACES)}.")


@dataclass(frozen=True)
class StageEvent:
    """A stage began or ended."""

    stage: str
    """`reconstruct`, `fit`, `measure`, `rig` or `twin`."""
    state: str
    """`start` or `done`."""
    seconds: float = 0.0
    remark: str = ""
    """What came of it, in a few words."""


OnStage = Callable[[StageEvent], None]


@dataclass(frozen=True, eq=False)
class PipelineResult:
    """A twin and everything that led to it."""

    capture: Capture
    scan: ScanMesh
    fit: BodyFit
    twin: Twin
    stages: tuple[ProvenanceStep, ...]
    warnings: tuple[str, ...] = ()


class QualityError(StageError):
    """The fit is below the stated quality; scan and fit are kept for a report."""

    def __init__(
        self, message: str, scan: ScanMesh, fit: BodyFit, stages: tuple[ProvenanceStep, ...]
    ) -> None:
        super().__init__(message)
        self.scan = scan
        self.fit = fit
        self.stages = stages


class _Stages:
    """Times the stages and tells the listener."""

    def __init__(self, on_stage: OnStage | None) -> None:
        self.steps: list[ProvenanceStep] = []
        self._tell = on_stage or (lambda event: None)

    @contextmanager
    def run(self, name: str, options: object = None) -> Iterator[list[str]]:
        """The block appends its remarks to the list it is given."""
        self._tell(StageEvent(name, "start"))
        remarks: list[str] = []
        start = time.perf_counter()
        yield remarks
        seconds = time.perf_counter() - start
        values = asdict(options) if is_dataclass(options) and not isinstance(options, type) else {}
        self.steps.append(ProvenanceStep(name, __version__, round(seconds, 3), values, tuple(remarks)))
        self._tell(StageEvent(name, "done", seconds, "; ".join(remarks)))


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
    options: PipelineOptions | None = None,
    on_stage: OnStage | None = None,
) -> FittedScan:
    """Clean, fit and measure a scan. No twin is made, but it is a person's body: consent is needed.

    Raises `ConsentError` before any work where the record is not valid at `now` or does not cover `use`;
    `InputError` for a scan that is no whole person; `QualityError` for a fit below the stated quality.
    """
    options = options or PipelineOptions()
    require_consent(consent, use=use, now=now)
    return _fit_and_measure(capture, options, _Stages(on_stage))


def scan_to_twin(
    capture: Capture,
    *,
    consent: str | None,
    controller_key: SigningKey | Binder | None,
    use: Use,
    now: datetime,
    options: PipelineOptions | None = None,
    on_stage: OnStage | None = None,
) -> PipelineResult:
    """A twin of the person in `capture`, with the consent bound to its geometry.

    `consent`: the signed record's JSON text; `controller_key`: the key of its controller, who binds it;
    `use`, `now`: what for, and when (UTC). Raises `ConsentError` before any work without a record that is
    valid and covers making a twin and `use`; `InputError` for a scan that is no whole person;
    `QualityError` for a fit below the stated quality, unless `accept_quality`.
    """
    options = options or PipelineOptions()
    require_consent(consent, use=replace(use, purpose=Purpose.MAKE_TWIN), now=now)
    require_consent(consent, use=use, now=now)
    if controller_key is None:
        raise ConsentError(
            "There is no key to bind the consent to this geometry. Give the private key of the record's "
            "controller."
        )
    stages = _Stages(on_stage)
    fitted = _fit_and_measure(capture, options, stages)
    fit, model = fitted.fit, fitted.model
    if options.surface == "skin":
        fit = replace(fit, surface=fit.skin)
    fit = _colored(fit, model, fitted.scan)
    with stages.run("rig", options.rig) as remarks:
        bind = bind_pose(model, fit, options.rig.pose)
        rig, morphs = _rigged(model, fit, fitted.scan, bind, options)
        remarks.append(f"{len(rig.skeleton.joint_names)} joints, {len(morphs)} face shapes")
    with stages.run("twin") as remarks:
        twin = assemble_twin(
            rig,
            morphs,
            fitted.measurements,
            body_landmarks(model, bind.surface, bind.joints),
            _provenance(capture, fit, stages),
            consent=consent,
            use=use,
            now=now,
            controller_key=controller_key,
            pose=options.rig.pose,
            model=None if options.surface == "scan" else model,
        )
        remarks.append(f"{len(twin.rig.mesh.vertices)} vertices, consent bound")
    return PipelineResult(
        capture, fitted.scan, fit, twin, tuple(stages.steps), _warnings(fitted.scan, fit, options)
    )


def _fit_and_measure(capture: Capture, options: PipelineOptions, stages: _Stages) -> FittedScan:
    with stages.run("reconstruct", options.reconstruct) as remarks:
        scan = reconstruct_scan(capture, options.reconstruct)
        kind, count = (
            ("points", len(scan.mesh.vertices)) if scan.mesh.is_cloud else ("faces", len(scan.mesh.faces))
        )
        remarks.append(f"{count} {kind}, unit {scan.unit}, up {scan.up}, facing {scan.facing}")
    with stages.run("fit", options.fit) as remarks:
        fit = fit_body(scan, options.fit)
        q = fit.quality
        remarks.append(
            f"surface {q.surface_mean_mm:.2f} mm from the scan on average, "
            f"{100 * q.coverage:.0f} % of the body covered"
        )
    if not fit.quality.acceptable and not options.accept_quality:
        reasons = "; ".join(fit.quality.reasons)
        raise QualityError(
            f"The fit is below the stated quality: {reasons}. Look at the report (--report), mend the scan, "
            "or accept it with --accept-quality.",
            scan,
            fit,
            tuple(stages.steps),
        )
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


def _colored(fit: BodyFit, model: BodyModel, scan: ScanMesh) -> BodyFit:
    if scan.mesh.colors is None and scan.texture is None:
        return fit
    colors = bake_vertex_colors(model, fit.surface.vertices, scan)
    return replace(fit, surface=replace(fit.surface, colors=colors))


def _rigged(
    model: BodyModel, fit: BodyFit, scan: ScanMesh, bind: BindPose, options: PipelineOptions
) -> tuple[Rig, tuple[Morph, ...]]:
    if options.surface == "scan":
        # A raw scan has no lids, lips or teeth that could move apart: it carries no face shapes.
        return rig_scan(scan, model, fit, options.rig, bind=bind), ()
    return rig_body(model, fit, options.rig, bind=bind), face_shapes(model, fit.params, bind.world_from_rest)


def _provenance(capture: Capture, fit: BodyFit, stages: _Stages) -> Provenance:
    return Provenance(
        software=SOFTWARE,
        input_sha256=capture.sha256,
        input_name=capture.source,
        body_model=f"{fit.model_name}, CC0-1.0",
        steps=tuple(stages.steps),
        quality=asdict(fit.quality),
    )


def _clothed_share(fit: BodyFit) -> float:
    """0..1, share of the surface below the neck that cloth covers, by area."""
    model = model_of(fit)
    below = ~model.region("head", "neck", "left_eye", "right_eye", "teeth", "tongue")
    areas = vertex_areas(fit.surface.vertices, fit.surface.faces)
    return float(np.average(fit.clothing[below], weights=areas[below]))


def _warnings(scan: ScanMesh, fit: BodyFit, options: PipelineOptions) -> tuple[str, ...]:
    warnings = [f"Below the stated quality: {reason}." for reason in fit.quality.reasons]
    if scan.unit == "unknown":
        warnings.append("The scan's unit is unknown: sizes are relative to an assumed stature.")
    if scan.landmarks is None:
        warnings.append("No detector saw the person: the first guess came from the shape alone.")
    if fit.quality.coverage < FULL_COVERAGE:
        warnings.append(
            f"Only {100 * fit.quality.coverage:.0f} % of the body has scan data: the rest of the twin is "
            "what the body model expects there, not what this person looks like."
        )
    if fit.quality.shape_plausibility < 0.5:
        warnings.append("The body's shape is far from every body the model was made from.")
    if fit.quality.pose_plausibility < 0.5:
        warnings.append("The pose is near or beyond what joints can do; look at it.")
    warnings += [
        f"The {side} hand could not be made out in the scan: it is put at rest and may lie wrong. Look at it."
        for side in fit.guessed_hands
    ]
    if options.surface != "skin" and _clothed_share(fit) > MUCH_CLOTH:
        warnings.append(
            "The person is clothed: the twin's surface shows the cloth, its measurements are those of the "
            "body as estimated under it. --surface skin makes a twin of that body."
        )
    return tuple(warnings)
