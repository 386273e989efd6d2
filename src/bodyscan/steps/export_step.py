"""The step `export`: a copy of the current twin for somebody else, packed as asked."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from bodyscan.errors import InputError
from bodyscan.pipeline import OnStage
from bodyscan.run.export import ExportJob, export_copy
from bodyscan.run.outputs import size_words
from bodyscan.run.progress import Recorder
from bodyscan.steps.folder import StepState
from bodyscan.steps.request import ExportRequest
from bodyscan.steps.session import open_session


def run_export(request: ExportRequest, now: datetime, on_stage: OnStage) -> StepState:
    """Write a copy of the twin; the use is in the ledger before it appears. Nothing is kept in the folder.

    Raises as `export_copy`, and `InputError` where there is no twin or it is out of date.
    """
    session = open_session(request, now, on_stage)
    state = session.folder.state()["twin"]
    if state.state == "stale":
        raise InputError(
            "The twin is out of date: the fit or the textures changed after it was made. Make it again first."
        )
    job = ExportJob(
        file=session.folder.twin_path,
        output=Path(request.output),
        use=session.use,
        now=now,
        evidence=Path(request.evidence) if request.evidence else None,
        profile=request.profile,
        ledger=Path(request.ledger) if request.ledger else None,
        reference=request.reference,
    )
    with Recorder(on_stage).stage("export") as remarks:
        done = export_copy(job)
        size = job.output.stat().st_size
        remarks.append(f"{job.output}, {size_words(size)}")
    return StepState(
        "done",
        summary=(
            f"{job.output.name}, {size_words(size)}; the use is entry {done.receipt.sequence} of the ledger."
        ),
        warnings=done.findings,
        values={
            "path": str(job.output),
            "size_bytes": size,
            "geometry": str(done.status.geometry),
            "moved_mm": done.status.moved_mm,
            "ledger_entry": done.receipt.sequence,
        },
    )
