"""The step `export`: the current twin for somebody else, packed as asked, or made for another reader."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bodyscan.consent.modification import require_modification
from bodyscan.consent.record import Modification
from bodyscan.errors import InputError
from bodyscan.gltf.export import export_twin
from bodyscan.gltf.targets import load_target
from bodyscan.ledger import EntryKind
from bodyscan.pipeline import OnStage
from bodyscan.run.export import ExportJob, export_copy
from bodyscan.run.options import for_target
from bodyscan.run.outputs import check_output_file, size_words
from bodyscan.run.progress import Recorder
from bodyscan.steps.folder import StepState
from bodyscan.steps.person import textured_person
from bodyscan.steps.request import OWN_TARGET, ExportRequest
from bodyscan.steps.session import Session, open_session, options_of
from bodyscan.steps.twin_step import bound_twin, signing_key, uses_of


def run_export(request: ExportRequest, now: datetime, on_stage: OnStage) -> StepState:
    """Write the twin for somebody else; the use is in the ledger before it appears. The folder keeps nothing.

    Raises `InputError` where there is no twin or it is out of date; as `export_copy` for a copy, and as
    `twin_of_fit` and `export_twin` where it is made for another reader.
    """
    session = open_session(request, now, on_stage)
    state = session.folder.state()["twin"]
    if state.state == "absent":
        raise InputError("There is no twin to export; run the step 'twin' first.")
    if state.state == "stale":
        raise InputError(
            "The twin is out of date: the fit or the textures changed after it was made. Make it again first."
        )
    if request.target == OWN_TARGET:
        return _copied(request, session, on_stage)
    return _made(request, session, on_stage, state.values)


def _copied(request: ExportRequest, session: Session, on_stage: OnStage) -> StepState:
    job = ExportJob(
        file=session.folder.twin_path,
        output=Path(request.output),
        use=session.use,
        now=session.now,
        evidence=Path(request.evidence) if request.evidence else None,
        profile=request.profile,
        ledger=Path(request.ledger) if request.ledger else None,
        reference=request.reference,
    )
    with Recorder(on_stage).stage("export") as remarks:
        done = export_copy(job)
        size = job.output.stat().st_size
        remarks.append(f"{job.output}, {size_words(size)}")
    about = {"geometry": str(done.status.geometry), "moved_mm": done.status.moved_mm}
    return _told(job.output, size, done.receipt.sequence, done.findings, about)


def _made(request: ExportRequest, session: Session, on_stage: OnStage, twin: Mapping[str, Any]) -> StepState:
    """Make a second twin of the same fit, as the target wants it, with the consent bound to it."""
    output, target = Path(request.output), load_target(request.target)
    check_output_file(output, target.suffix)
    require_modification(session.record, Modification.FORMAT, f"a file for {target.reader}")
    key = signing_key(session, request.controller_key, request.passphrase)
    own = options_of(
        request.config,
        {"profile": request.profile, "surface": twin["surface"], "rig": {"pose": twin["pose"]}},
    )
    options = for_target(own, target.name)
    stages = session.stages()
    person = textured_person(session.folder, options.pipeline, stages)
    # A twin of this fit was made, and so its quality accepted.
    accepted = replace(person, options=replace(options.pipeline, accept_quality=True))
    made = bound_twin(session, accepted, key).twin
    uses = uses_of(session, request, made, EntryKind.EXPORT, {str(output): target.name})
    receipts = []
    with Recorder(on_stage).stage("export") as remarks:
        exported = export_twin(
            made, output, options.gltf, options.pack, write=lambda files: receipts.append(uses(files))
        )
        size = exported.main.size_bytes
        remarks.append(f"{output}, {size_words(size)}")
    about = {"target": target.name, "pose": made.pose, "joints": len(made.rig.skeleton.joint_names)}
    return _told(output, size, receipts[0].sequence, exported.findings, about)


def _told(
    output: Path, size: int, entry: int, findings: tuple[str, ...], about: Mapping[str, Any]
) -> StepState:
    return StepState(
        "done",
        summary=f"{output.name}, {size_words(size)}; the use is entry {entry} of the ledger.",
        warnings=findings,
        values={"path": str(output), "size_bytes": size, "ledger_entry": entry, **about},
    )
