"""The step `twin`: the person rigged, with face shapes and levels of detail, and the consent bound to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from bodyscan.consent import SigningKey
from bodyscan.errors import InputError
from bodyscan.gltf.export import export_twin, part_kinds
from bodyscan.ledger import EntryKind
from bodyscan.mark.twin_id import mark_under
from bodyscan.pipeline import SOFTWARE, FittedPerson, OnStage, PipelineResult, QualityError, twin_of_fit
from bodyscan.run.keys import controller_key
from bodyscan.run.options import TwinOptions
from bodyscan.run.uses import UseWriter
from bodyscan.steps.folder import StepState, WorkFolder
from bodyscan.steps.person import textured_person
from bodyscan.steps.request import ExportRequest, TwinRequest
from bodyscan.steps.session import Session, kept, open_session, options_of
from bodyscan.types import Twin


def run_twin_step(request: TwinRequest, now: datetime, on_stage: OnStage) -> StepState:
    """Make the twin of the current fit and textures; the use is in the ledger before its file appears.

    Raises `ConsentError` where the record does not cover the use or there is no key, `QualityError` for a
    fit below the stated quality unless it is accepted, `InputError` where there is no fit.
    """
    session = open_session(request, now, on_stage)
    folder = session.folder
    states = folder.state()
    source = folder.source_of("twin", states)
    if source is None:
        raise InputError("There is no fit of the current scan; run the step 'fit' first.")
    key = signing_key(session, request.controller_key, request.passphrase)
    options = _options(request, folder)
    stages = session.stages()
    person = textured_person(folder, options.pipeline, stages)
    quality = person.fit.quality
    if not quality.acceptable and not request.accept_quality:
        raise QualityError(
            f"The fit is below the stated quality: {'; '.join(quality.reasons)}. Correct it and fit again, "
            "or accept it as it is.",
            person.scan,
            person.fit,
            person.stages,
        )
    result = bound_twin(session, person, key)

    def write(place: Path) -> None:
        _write(session, request, options, result, place)

    twin = result.twin
    return kept(
        session,
        "twin",
        source.result,
        write,
        summary=(
            f"{len(twin.rig.mesh.faces):,} triangles, {len(twin.rig.skeleton.joint_names)} joints, "
            f"{len(twin.morphs)} face shapes, consent of {session.record.subject.pseudonym} bound."
        ),
        warnings=result.warnings,
        values={"pose": twin.pose, "surface": request.surface, "levels": len(twin.levels)},
        steps=result.stages,
        options=options.pipeline,
    )


def signing_key(session: Session, path: str | None, passphrase: str | None) -> SigningKey:
    """Return the controller's key: of a file, or as it lies beside the consent that the scan came with.

    Raises `ConsentError` where there is none or it is not the controller's.
    """
    beside = Path(str(session.folder.told("scan")["values"]["consent_file"])).parent
    file = Path(path) if path else None
    return controller_key(
        session.consent, beside, file, None, session.now, passphrase=lambda asked: passphrase
    )


def bound_twin(session: Session, person: FittedPerson, key: SigningKey) -> PipelineResult:
    """Make a twin of a person and bind the session's consent to it. Raises as `twin_of_fit`."""
    return twin_of_fit(
        person,
        consent=session.consent,
        controller_key=key,
        use=session.use,
        now=session.now,
        evidence=session.evidence,
        on_stage=session.on_stage,
    )


def uses_of(
    session: Session,
    request: TwinRequest | ExportRequest,
    twin: Twin,
    kind: EntryKind,
    kinds: Mapping[str, str],
) -> UseWriter:
    """Return what writes a twin's files after their use; `kinds`: path -> what the file is."""
    return UseWriter(
        place=Path(request.ledger) if request.ledger else None,
        record=session.record,
        text=session.consent,
        use=session.use,
        kind=kind,
        now=session.now,
        reference=request.reference,
        twin_id=mark_under(twin.consent, str(session.use.purpose), SOFTWARE).twin_id,
        kinds=kinds,
    )


def _options(request: TwinRequest, folder: WorkFolder) -> TwinOptions:
    options = options_of(request.config, {"surface": request.surface, "rig": {"pose": request.pose}})
    if folder.state()["texture"].state == "done":
        baked = folder.told("texture")["values"]["surface"]
        if baked != request.surface:
            raise InputError(
                f"The textures show the surface '{baked}', and the twin is to have '{request.surface}': run "
                f"the step 'texture' for '{request.surface}' first."
            )
    return replace(options, pipeline=replace(options.pipeline, accept_quality=request.accept_quality))


def _write(
    session: Session, request: TwinRequest, options: TwinOptions, result: PipelineResult, place: Path
) -> None:
    """Write the twin's files and, before that, the use."""
    path = place / "twin.glb"
    kinds = {str(part): kind for part, kind in part_kinds(result.twin, path).items()}
    uses = uses_of(session, request, result.twin, EntryKind.TWIN, kinds)
    export_twin(result.twin, path, options.gltf, options.pack, write=uses)
