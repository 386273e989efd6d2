"""`bodyscan body-data`: a person's body as garment software reads it, in one folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from bodyscan.cli.consent.common import ask_passphrase, warn
from bodyscan.cli.depth_scan import AcceptOpenOption
from bodyscan.cli.errors import run_guarded
from bodyscan.cli.evidence import EvidenceOption
from bodyscan.cli.output import print_result
from bodyscan.cli.progress import StageProgress
from bodyscan.cli.scan_job import (
    FIT_EXIT_CODES,
    BodyOption,
    ConfigOption,
    ConsentOption,
    ControllerKeyOption,
    FacingOption,
    JsonOption,
    MediumOption,
    PassphraseFileOption,
    PurposeOption,
    QuietOption,
    ScanArgument,
    TerritoryOption,
    UnitOption,
    UpOption,
)
from bodyscan.cli.uses import LedgerOption, ReferenceOption
from bodyscan.consent import Purpose, Use
from bodyscan.errors import InputError
from bodyscan.run.consent import consent_for, refuse_twin
from bodyscan.run.evidence import read_evidence
from bodyscan.run.outputs import check_output_folder
from bodyscan.run.scan import read_person
from bodyscan.run.uses import UseWriter

app = typer.Typer()

STAGES = ("read", "reconstruct", "fit", "measure", "pose", "write")


@dataclass(frozen=True)
class Job:
    """What one run reads, writes and is for."""

    scan: Path
    consent: Path
    folder: Path
    pose: str
    surface: str
    controller_key: Path | None
    passphrase_file: Path | None
    config: Path | None
    use: Use
    now: datetime
    evidence: Path | None = None
    ledger: Path | None = None
    reference: str | None = None
    flags: dict[str, Any] = field(default_factory=dict)
    """Options as a table that wins over the file's."""


@app.command(epilog=FIT_EXIT_CODES)
@run_guarded
def body_data(
    scan: ScanArgument,
    consent: ConsentOption,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write; not there yet, or empty.")],
    controller_key: ControllerKeyOption = None,
    passphrase_file: PassphraseFileOption = None,
    pose: Annotated[
        str, typer.Option(help="a45: arms 45 degrees below the horizontal (0 to 70); or t, or captured.")
    ] = "a45",
    surface: Annotated[
        Literal["skin", "surface"],
        typer.Option(help="The body under cloth and hair, or the surface as scanned."),
    ] = "skin",
    unit: UnitOption = None,
    up: UpOption = None,
    facing: FacingOption = None,
    accept_open: AcceptOpenOption = None,
    body: BodyOption = None,
    accept_quality: Annotated[
        bool | None, typer.Option("--accept-quality", help="Take a poor fit too.")
    ] = None,
    config: ConfigOption = None,
    purpose: PurposeOption = Purpose.MAKE_TWIN,
    territory: TerritoryOption = None,
    medium: MediumOption = None,
    evidence: EvidenceOption = None,
    ledger: LedgerOption = None,
    reference: ReferenceOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write a folder for garment software: the posed skin, its measurements, landmarks and parts.

    The folder is one that GarmentCode reads. It holds the consent record, bound to the skin that is written.
    """
    job = Job(
        scan=scan,
        consent=consent,
        folder=output,
        pose=pose,
        surface=surface,
        controller_key=controller_key,
        passphrase_file=passphrase_file,
        config=config,
        use=Use(purpose, territory, medium),
        now=datetime.now(UTC),
        evidence=evidence,
        ledger=ledger,
        reference=reference,
        flags={
            "scan": {"unit": unit, "up": up, "facing": facing},
            "depth": {"accept_open": accept_open},
            "fit": {"body": body},
            "accept_quality": accept_quality,
        },
    )
    with StageProgress(STAGES, quiet=quiet) as progress:
        values, rows = _run(job, progress)
    print_result(values, rows, as_json)


def _run(job: Job, progress: StageProgress) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Cheap checks first: nobody waits for a fit to hear of a missing key or a full folder."""
    if not job.scan.exists():
        raise InputError(f"There is no file {job.scan}. Give the path of a scan.")

    from bodyscan.garment import pose_options
    from bodyscan.garment.folder import check_empty

    stand = pose_options(job.pose, job.surface)
    check_empty(job.folder)
    check_output_folder(job.folder)

    from bodyscan.run.keys import controller_key

    known = read_evidence(job.evidence, now=job.now)
    text, record = consent_for(job.consent, job.use, job.now, known)
    key = controller_key(
        text,
        job.consent.parent,
        job.controller_key,
        job.passphrase_file,
        job.now,
        passphrase=ask_passphrase,
        warn=warn,
    )
    # A twin's rig is not the fit that a new pose needs.
    refuse_twin(job.scan, "body data are made of the raw scan. Give the scan that the twin was made from.")

    from bodyscan.run.options import load_options

    options = load_options(job.config, job.flags)
    capture = read_person(job.scan, options, progress).capture

    from bodyscan.pipeline import SOFTWARE, scan_to_fit

    fitted = scan_to_fit(
        capture,
        consent=text,
        use=job.use,
        now=job.now,
        evidence=known,
        options=options.pipeline,
        on_stage=progress.on_stage,
    )

    from bodyscan.consent import BodyContent, bind, require_bound_consent, seal
    from bodyscan.garment import FolderNotes, body_files, garment_body, write_folder
    from bodyscan.garment.folder import skin_positions
    from bodyscan.ledger import EntryKind

    with progress.stage("pose") as remarks:
        posed = garment_body(fitted.model, fitted.fit, stand)
        about = seal(BodyContent(skin_positions(posed), posed.skin_faces))
        bound = bind(text, about, key, created_at=job.now, software=SOFTWARE, scan_sha256=capture.sha256)
        require_bound_consent(bound, about.geometry, use=job.use, now=job.now, evidence=known)
        remarks.append(f"{posed.pose}, consent bound")
    notes = FolderNotes(record.subject.pseudonym, record.record_id, SOFTWARE)
    with progress.stage("write") as remarks:
        files = body_files(posed, fitted.measurements, bound, notes)
        uses = UseWriter(
            place=job.ledger,
            record=record,
            text=text,
            use=job.use,
            kind=EntryKind.EXPORT,
            now=job.now,
            reference=job.reference,
        )
        with uses.recorded({job.folder / name: data for name, data in files.items()}):
            write_folder(job.folder, files)
        remarks.append(str(job.folder))
    quality = fitted.fit.quality
    values = {
        "folder": str(job.folder),
        "files": {name: len(data) for name, data in files.items()},
        "pose": posed.pose,
        "surface": job.surface,
        "body_model": fitted.fit.model_name,
        "record_id": record.record_id,
        "acceptable": quality.acceptable,
        "reasons": list(quality.reasons),
    }
    rows = [("folder", str(job.folder)), ("pose", posed.pose), ("consent", record.record_id)]
    rows += [(name, f"{len(data):,} bytes") for name, data in files.items()]
    return values, rows
