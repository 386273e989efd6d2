"""Scan to twin: the stages in order, in one go or in two halves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import TypedDict

from bodyscan.body.landmarks import body_landmarks
from bodyscan.body.model import BodyModel
from bodyscan.consent import Evidence, SigningKey, Use, require_making
from bodyscan.errors import ConsentError, InputError
from bodyscan.fit import ExpressionFit
from bodyscan.pipeline.fitted import FittedScan, fit_and_measure
from bodyscan.pipeline.options import PipelineOptions
from bodyscan.pipeline.parts import colored, face_of, has_color, levels_of, skin_textures
from bodyscan.pipeline.stages import SOFTWARE, OnStage, Stages
from bodyscan.pipeline.warnings import quality_warnings
from bodyscan.rig.bind import BindPose, bind_pose
from bodyscan.rig.body_rig import rig_body
from bodyscan.rig.transfer import rig_scan
from bodyscan.twin.assemble import Binder, TwinParts, assemble_twin
from bodyscan.twin.close_lips import close_lips
from bodyscan.twin.split import split_at_seams
from bodyscan.types import (
    BodyFit,
    Capture,
    Measurement,
    Provenance,
    ProvenanceStep,
    ScanMesh,
    SkinTextures,
    Twin,
)


@dataclass(frozen=True, eq=False)
class FittedPerson:
    """A person's scan, fitted, measured and textured: what their twins are made of."""

    capture: Capture
    scan: ScanMesh
    fit: BodyFit
    """Its surface is the one that the twins have, with one colour a vertex where there are no textures."""
    model: BodyModel
    measurements: tuple[Measurement, ...]
    textures: SkinTextures | None
    options: PipelineOptions
    """Those that it was made with."""
    stages: tuple[ProvenanceStep, ...]


@dataclass(frozen=True, eq=False)
class PipelineResult:
    """A twin and everything that led to it."""

    capture: Capture
    scan: ScanMesh
    fit: BodyFit
    twin: Twin
    stages: tuple[ProvenanceStep, ...]
    fitted: FittedPerson
    """What it was made of, and what another twin can be made of."""
    warnings: tuple[str, ...] = ()
    expressions: Mapping[str, ExpressionFit] = field(default_factory=dict)
    """Name of an expression that was scanned -> its fit, for another twin of the same person."""


def scan_to_twin(
    capture: Capture,
    *,
    consent: str | None,
    controller_key: SigningKey | Binder | None,
    use: Use,
    now: datetime,
    evidence: Evidence | None = None,
    options: PipelineOptions | None = None,
    expressions: Mapping[str, Capture] | None = None,
    earlier: Sequence[ProvenanceStep] = (),
    on_stage: OnStage | None = None,
) -> PipelineResult:
    """A twin of the person in `capture`, with the consent bound to its geometry.

    `consent`: the signed record's JSON text; `controller_key`: the key of its controller, who binds it;
    `use`, `now`: what for, and when (UTC). `evidence`: what is known of keys and
    withdrawals. `expressions`: name of a face shape, of a pair (`smile`) or a new
    one -> a scan of the same person with that expression, which replaces the generic shape. `earlier`: steps
    that led to `capture`, which stand first in the provenance. Raises
    `ConsentError` before any work without a record that is valid and covers making a twin and `use`;
    `InputError` for a scan that is no whole person; `QualityError` for a fit below the stated quality,
    unless `accept_quality`. For several twins of one scan: `fit_scan`, then `twin_of_fit` for each.
    """
    options = options or PipelineOptions()
    about: _Consent = {"consent": consent, "use": use, "now": now, "evidence": evidence}
    require_making(consent, use, now, evidence)
    _check_twin(controller_key, expressions, options)
    fitted = fit_scan(capture, **about, options=options, earlier=earlier, on_stage=on_stage)
    return twin_of_fit(
        fitted, **about, controller_key=controller_key, expressions=expressions, on_stage=on_stage
    )


def fit_scan(
    capture: Capture,
    *,
    consent: str | None,
    use: Use,
    now: datetime,
    evidence: Evidence | None = None,
    options: PipelineOptions | None = None,
    earlier: Sequence[ProvenanceStep] = (),
    on_stage: OnStage | None = None,
) -> FittedPerson:
    """Clean, fit, measure and texture a scan: the long part, which all twins of it share.

    Arguments and errors are those of `scan_to_twin`.
    """
    options = options or PipelineOptions()
    require_making(consent, use, now, evidence)
    stages = Stages(on_stage)
    stages.steps.extend(earlier)
    fitted = fit_and_measure(capture, options, stages)
    return textured(fitted, capture, options, stages)


def textured(fitted: FittedScan, capture: Capture, options: PipelineOptions, stages: Stages) -> FittedPerson:
    """Give a fitted scan the surface that the options name, and its textures or colours."""
    scan, fit, model = fitted.scan, fitted.fit, fitted.model
    if options.surface == "skin":
        fit = replace(fit, surface=fit.skin)
    textures = None
    if options.surface != "scan" and options.bake_textures and has_color(scan):
        textures = skin_textures(fit, model, scan, options, stages)
    else:
        fit = colored(fit, model, scan)
    return FittedPerson(
        capture, scan, fit, model, fitted.measurements, textures, options, tuple(stages.steps)
    )


def twin_of_fit(
    fitted: FittedPerson,
    *,
    consent: str | None,
    controller_key: SigningKey | Binder | None,
    use: Use,
    now: datetime,
    evidence: Evidence | None = None,
    options: PipelineOptions | None = None,
    expressions: Mapping[str, Capture | ExpressionFit] | None = None,
    on_stage: OnStage | None = None,
) -> PipelineResult:
    """Make a twin of a fitted person: rigged, with face, levels of detail and the consent bound to it.

    `options`: None for those that the fit was made with; others may differ in the rig (its pose, its
    joints), the levels, the collision body and the visemes. `expressions` may hold fits of an earlier twin
    of this person (`PipelineResult.expressions`) in the place of scans. The consent is checked anew, for
    time may have passed since the fit. Raises as `scan_to_twin`, and `InputError` for options that the fit
    was not made with.
    """
    options, given = options or fitted.options, expressions or {}
    require_making(consent, use, now, evidence)
    _check_twin(controller_key, given, options)
    _check_same(options, fitted.options)
    on_body = options.surface != "scan"
    scan, fit, model, textures = fitted.scan, fitted.fit, fitted.model, fitted.textures
    stages = Stages(on_stage)
    stages.steps.extend(fitted.stages)
    with stages.run("rig", options.rig) as remarks:
        bind, about_lips = _bound(model, fit, options)
        rig = rig_body(model, fit, options.rig, bind=bind) if on_body else None
        remarks += about_lips
    morphs, own = face_of(fit, model, bind, given, options, stages) if on_body else ((), {})
    parts, source = TwinParts(textures), None
    if rig is None:
        # A raw scan has no lids, lips or teeth that could move apart: it carries no face shapes.
        rig = rig_scan(scan, model, fit, options.rig, bind=bind)
    else:
        rig, morphs, source = split_at_seams(model, rig, morphs)
        parts = TwinParts(textures, *levels_of(model, rig, morphs, options, stages))
    with stages.run("twin") as remarks:
        twin = assemble_twin(
            rig,
            morphs,
            fitted.measurements,
            body_landmarks(model, bind.surface, bind.joints),
            _provenance(fitted.capture, fit, stages),
            consent=consent,
            use=use,
            now=now,
            evidence=evidence,
            controller_key=controller_key,
            pose=options.rig.pose,
            vertex_source=source,
            parts=parts,
        )
        remarks.append(
            f"{len(rig.mesh.vertices)} vertices, {len(rig.skeleton.joint_names)} joints, "
            f"{len(morphs)} face shapes, consent bound"
        )
    warnings = quality_warnings(scan, fit, textures, options)
    return PipelineResult(fitted.capture, scan, fit, twin, tuple(stages.steps), fitted, warnings, own)


class _Consent(TypedDict):
    consent: str | None
    use: Use
    now: datetime
    evidence: Evidence | None


def _check_twin(
    controller_key: SigningKey | Binder | None,
    expressions: Mapping[str, Capture | ExpressionFit] | None,
    options: PipelineOptions,
) -> None:
    if controller_key is None:
        raise ConsentError(
            "There is no key to bind the consent to this geometry. Give the private key of the record's "
            "controller."
        )
    if expressions and options.surface == "scan":
        raise InputError("A twin that keeps the scan's surface has no face; leave the expressions out.")


def _check_same(options: PipelineOptions, fitted: PipelineOptions) -> None:
    for name in ("reconstruct", "fit", "texture", "photos", "surface", "bake_textures"):
        if getattr(options, name) != getattr(fitted, name):
            raise InputError(
                f"The option '{name}' differs from the one that the scan was fitted with. A twin of the same "
                "fit may differ in rig, levels, collision body and visemes; for other options fit anew."
            )


def _bound(model: BodyModel, fit: BodyFit, options: PipelineOptions) -> tuple[BindPose, list[str]]:
    """The bind pose, its lips settled, and what was done to them."""
    bind = bind_pose(model, fit, options.rig.pose)
    if options.surface == "scan":
        return bind, []
    surface, report = close_lips(model, bind.surface, bind.world_from_rest)
    about = [f"lips {report.action}"] if report.action not in ("none", "kept") else []
    return replace(bind, surface=surface), about


def _provenance(capture: Capture, fit: BodyFit, stages: Stages) -> Provenance:
    return Provenance(
        software=SOFTWARE,
        input_sha256=capture.sha256,
        input_name=capture.source,
        body_model=f"{fit.model_name}, CC0-1.0",
        steps=tuple(stages.steps),
        quality=asdict(fit.quality),
    )
