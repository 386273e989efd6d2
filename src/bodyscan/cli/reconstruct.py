"""`bodyscan reconstruct`: frames of a depth camera and a consent in, a metric scan of the person out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from bodyscan.cli.depth_scan import (
    AcceptOpenOption,
    DepthScaleOption,
    MotionOption,
    PosesOption,
    SensorOption,
)
from bodyscan.cli.errors import run_guarded
from bodyscan.cli.evidence import EvidenceOption
from bodyscan.cli.output import print_result
from bodyscan.cli.progress import StageProgress
from bodyscan.cli.scan_job import (
    ConfigOption,
    ConsentOption,
    JsonOption,
    MediumOption,
    PurposeOption,
    QuietOption,
    TerritoryOption,
)
from bodyscan.cli.uses import LedgerOption, ReferenceOption, receipt_row
from bodyscan.consent import Purpose, Use
from bodyscan.errors import InputError
from bodyscan.run.consent import consent_for
from bodyscan.run.evidence import read_evidence
from bodyscan.run.outputs import check_output_file, check_output_folder, size_words
from bodyscan.run.scan import DEPTH_STAGES, depth_scan, input_words, is_depth, read_depth_hinted
from bodyscan.run.uses import UseWriter

app = typer.Typer()

EXIT_CODES = (
    "Exit codes: 0 done, 2 usage, 3 input, 4 consent, 5 tracking is lost or the loop does not close, "
    "130 interrupted."
)


@dataclass(frozen=True)
class Job:
    """What one run reads, writes and is for."""

    capture: Path
    consent: Path
    output: Path
    report: Path | None
    config: Path | None
    use: Use
    now: datetime
    evidence: Path | None = None
    ledger: Path | None = None
    reference: str | None = None
    flags: dict[str, Any] = field(default_factory=dict)
    """Options as a table that wins over the file's."""


@app.command(epilog=EXIT_CODES)
@run_guarded
def reconstruct(
    capture: Annotated[
        Path, typer.Argument(help="Depth capture: a folder of pictures, a recording, or an app's export.")
    ],
    consent: ConsentOption,
    output: Annotated[Path, typer.Option("--output", "-o", help="The scan to write (.ply).")],
    report: Annotated[Path | None, typer.Option(help="Folder for a report with pictures.")] = None,
    sensor: SensorOption = None,
    depth_scale: DepthScaleOption = None,
    poses: PosesOption = None,
    motion: MotionOption = None,
    voxel_mm: Annotated[
        float | None,
        typer.Option(help="Side of the surface's cells, 1 to 10 mm. Default: as the points lie."),
    ] = None,
    accept_open: AcceptOpenOption = None,
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
    """Make a metric scan (.ply) of a person from the frames of a depth camera.

    A scan is a person's body in a file: the person's consent to a twin is needed, and the use is written into
    the ledger before the file appears.
    """
    job = Job(
        capture=capture,
        consent=consent,
        output=output,
        report=report,
        config=config,
        use=Use(purpose, territory, medium),
        now=datetime.now(UTC),
        evidence=evidence,
        ledger=ledger,
        reference=reference,
        flags={
            "scan": {"sensor": sensor, "depth_scale": depth_scale},
            "depth": {"poses": poses, "motion": motion, "voxel_mm": voxel_mm, "accept_open": accept_open},
        },
    )
    stages = ("read", *DEPTH_STAGES, "write", *(() if report is None else ("report",)))
    with StageProgress(stages, quiet=quiet) as progress:
        values, rows = _run(job, progress)
    print_result(values, rows, as_json)


def _run(job: Job, progress: StageProgress) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Cheap checks first: nobody waits for a reconstruction to hear of a missing folder."""
    if not job.capture.exists():
        raise InputError(f"There is no file or folder {job.capture}. Give a depth capture.")
    known = read_evidence(job.evidence, now=job.now)
    text, record = consent_for(job.consent, job.use, job.now, known)
    check_output_file(job.output, ".ply", [path for path in (job.capture, job.consent, job.config) if path])
    if job.report is not None:
        check_output_folder(job.report)
    if not is_depth(job.capture):
        raise InputError(
            f"{job.capture.name} is no depth capture. If it is a raw scan, give it to "
            "`bodyscan twin` or `bodyscan measure` as it is."
        )

    from bodyscan.run.options import load_options

    options = load_options(job.config, job.flags)
    with progress.stage("read") as remarks:
        frames = read_depth_hinted(job.capture, options.scan)
        remarks.append(input_words(frames))
    scan = depth_scan(frames, options, progress)

    from bodyscan.cli.reconstruct_rows import scan_rows
    from bodyscan.ledger import EntryKind
    from bodyscan.mark.twin_id import mark_under
    from bodyscan.pipeline import SOFTWARE
    from bodyscan.run.reconstruct_report import Made, report_data, scan_file, scan_values

    mark = mark_under(text, str(job.use.purpose), SOFTWARE)
    data = scan_file(scan.capture, record.record_id)
    made = Made(frames, scan, options)
    uses = UseWriter(
        place=job.ledger,
        record=record,
        text=text,
        use=job.use,
        # No twin was made, and none is billed: the body leaves as a file that any software reads, as the
        # body data do.
        kind=EntryKind.EXPORT,
        now=job.now,
        reference=job.reference,
        twin_id=mark.twin_id,
        kinds={str(job.output): "scan"},
    )
    with progress.stage("write") as remarks:
        receipt = uses({job.output: data})
        remarks.append(f"{job.output}, the use is in the ledger")
    page = None
    if job.report is not None:
        from bodyscan.render.depth_report import write_depth_report

        # The studio's own check: written down, and not billed.
        check = replace(uses, kind=EntryKind.RENDER, use=replace(job.use, purpose=Purpose.MAKE_TWIN))
        with progress.stage("report") as remarks:
            outputs = {job.output.name: f"scan, {size_words(len(data))}"}
            shown = report_data(made, outputs, record, mark, job.now, progress.finished)
            page = write_depth_report(job.report, shown, write=check)
            remarks.append(str(page))
    values = scan_values(made, job.output, len(data), record, page, progress.finished)
    rows = scan_rows(made, job.output, len(data), record, page)
    return values | {"ledger_entry": receipt.sequence}, [*rows, receipt_row(receipt)]
