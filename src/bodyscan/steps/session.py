"""What every step needs: the folder, the person's consent for the use, the options, who is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bodyscan.consent import ConsentRecord, Evidence, Use, require_making
from bodyscan.pipeline import OnStage, PipelineOptions
from bodyscan.pipeline.stages import Stages
from bodyscan.run.evidence import read_evidence
from bodyscan.run.options import TwinOptions, load_options
from bodyscan.run.text_files import read_text
from bodyscan.steps.folder import StepState, WorkFolder
from bodyscan.steps.request import Common
from bodyscan.types import ProvenanceStep


@dataclass(frozen=True, eq=False)
class Session:
    """One step's run. The consent was checked for making a twin and for the use that was asked for."""

    folder: WorkFolder
    consent: str
    record: ConsentRecord
    use: Use
    evidence: Evidence
    now: datetime
    on_stage: OnStage

    def stages(self, earlier: list[ProvenanceStep] | None = None) -> Stages:
        """Return a recorder that goes on from earlier steps."""
        stages = Stages(self.on_stage)
        stages.steps.extend(earlier or [])
        return stages


def open_session(
    request: Common, now: datetime, on_stage: OnStage, *, consent: Path | None = None
) -> Session:
    """Check the folder's consent; or that of a file, and make the folder for it.

    Raises `ConsentError` before anything is made where it does not cover making a twin and the use;
    `InputError` for a file or a folder that cannot be used.
    """
    use = request.use.as_use()
    evidence = read_evidence(Path(request.evidence) if request.evidence else None, now=now)
    folder = WorkFolder(request.folder)
    text = folder.consent() if consent is None else read_text(consent)
    record = require_making(text, use, now, evidence)
    if consent is not None:
        folder = WorkFolder.create(request.folder)
    return Session(folder, text, record, use, evidence, now, on_stage)


def options_of(config: str | None, flags: Mapping[str, Any]) -> TwinOptions:
    """Return the options of a file, under what the request says. Raises `InputError`."""
    return load_options(Path(config) if config else None, flags)


def kept(
    session: Session,
    step: str,
    made_of: str,
    write: Callable[[Path], None],
    *,
    summary: str,
    warnings: tuple[str, ...],
    values: Mapping[str, Any],
    steps: tuple[ProvenanceStep, ...],
    options: PipelineOptions,
) -> StepState:
    """Keep a result with what it says of itself. Raises `InputError` where the folder cannot be written."""
    told = {
        "summary": summary,
        "warnings": list(warnings),
        "values": dict(values),
        "steps": [asdict(one) for one in steps],
        "options": asdict(options),
    }
    return session.folder.keep(step, told, made_of, write)


def earlier_steps(told: Mapping[str, Any]) -> list[ProvenanceStep]:
    """Return the steps that led to a result, as its `result.json` has them."""
    return [
        ProvenanceStep(one["stage"], one["version"], one["seconds"], one["options"], tuple(one["notes"]))
        for one in told.get("steps", [])
    ]
