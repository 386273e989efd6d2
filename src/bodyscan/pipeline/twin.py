"""Scan to twin: the stages in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from bodyscan.body.landmarks import body_landmarks
from bodyscan.body.model import BodyModel
from bodyscan.consent import Evidence, Purpose, SigningKey, Use, require_consent
from bodyscan.errors import ConsentError, InputError
from bodyscan.pipeline.fitted import fit_and_measure
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
    Provenance,
    ProvenanceStep,
    ScanMesh,
    Twin,
)


@dataclass(frozen=True, eq=False)
class PipelineResult:
    """A twin and everything that led to it."""

    capture: Capture
    scan: ScanMesh
    fit: BodyFit
    twin: Twin
    stages: tuple[ProvenanceStep, ...]
    warnings: tuple[str, ...] = ()


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
    unless `accept_quality`.
    """
    options, expressions = options or PipelineOptions(), expressions or {}
    require_consent(consent, use=replace(use, purpose=Purpose.MAKE_TWIN), now=now, evidence=evidence)
    require_consent(consent, use=use, now=now, evidence=evidence)
    if controller_key is None:
        raise ConsentError(
            "There is no key to bind the consent to this geometry. Give the private key of the record's "
            "controller."
        )
    on_body = options.surface != "scan"
    if expressions and not on_body:
        raise InputError("A twin that keeps the scan's surface has no face; leave the expressions out.")
    stages = Stages(on_stage)
    stages.steps.extend(earlier)
    fitted = fit_and_measure(capture, options, stages)
    scan, fit, model = fitted.scan, fitted.fit, fitted.model
    if options.surface == "skin":
        fit = replace(fit, surface=fit.skin)
    textures = None
    if on_body and options.bake_textures and has_color(scan):
        textures = skin_textures(fit, model, scan, options, stages)
    else:
        fit = colored(fit, model, scan)
    with stages.run("rig", options.rig) as remarks:
        bind, about_lips = _bound(model, fit, options)
        rig = rig_body(model, fit, options.rig, bind=bind) if on_body else None
        remarks += about_lips
    morphs = face_of(fit, model, bind, expressions, options, stages) if on_body else ()
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
            _provenance(capture, fit, stages),
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
    return PipelineResult(capture, scan, fit, twin, tuple(stages.steps), warnings)


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
