"""`bodyscan twin`: a raw scan and a consent in, a twin out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from bodyscan.cli.errors import run_guarded
from bodyscan.cli.keys import KEY_VARIABLE
from bodyscan.cli.output import check_output_file, check_output_folder, print_result
from bodyscan.cli.progress import StageProgress
from bodyscan.consent import Medium, Purpose, Use
from bodyscan.errors import ConsentError, InputError

app = typer.Typer()

Unit = Literal["m", "cm", "mm", "in"]
Axis = Literal["+x", "-x", "+y", "-y", "+z", "-z"]
STAGES = ("read", "reconstruct", "fit", "measure", "rig", "twin", "write", "report")


@dataclass(frozen=True)
class Job:
    """What one run reads, writes and is for."""

    scan: Path
    consent: Path
    output: Path
    report: Path | None
    controller_key: Path | None
    passphrase_file: Path | None
    config: Path | None
    use: Use
    now: datetime
    flags: dict[str, Any] = field(default_factory=dict)
    """Options as a table that wins over the file's."""


@app.command(
    epilog="Exit codes: 0 done, 2 usage, 3 input, 4 consent, "
    "5 the fit is below the stated quality, 130 interrupted."
)
@run_guarded
def twin(
    scan: Annotated[Path, typer.Argument(help="Raw scan: PLY, OBJ, STL, GLB, glTF, OFF, PCD, XYZ.")],
    consent: Annotated[Path, typer.Option(help="The person's signed consent record (JSON).")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The twin to write (.glb).")],
    controller_key: Annotated[
        Path | None,
        typer.Option(
            envvar=KEY_VARIABLE,
            help="Private key of the record's controller. Default: looked for beside the consent.",
        ),
    ] = None,
    passphrase_file: Annotated[
        Path | None, typer.Option(help="File whose first line is the key's passphrase. Default: asked for.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Folder for a report with pictures.")] = None,
    unit: Annotated[Unit | None, typer.Option(help="The file's unit. Default: inferred.")] = None,
    up: Annotated[Axis | None, typer.Option(help="The file's up axis. Default: inferred.")] = None,
    facing: Annotated[
        Axis | None, typer.Option(help="Where the person faces in the file. Default: inferred.")
    ] = None,
    pose: Annotated[
        Literal["captured", "a", "t"] | None, typer.Option(help="Pose that the twin stands in.")
    ] = None,
    joints: Annotated[
        Literal["body", "hands", "full"] | None,
        typer.Option(help="How many joints: with fingers, with face."),
    ] = None,
    surface: Annotated[
        Literal["body", "skin", "scan"] | None,
        typer.Option(help="The fitted surface, the body under cloth and hair, or the scan itself."),
    ] = None,
    body: Annotated[
        Literal["auto", "adult", "child"] | None, typer.Option(help="Which body model is fitted.")
    ] = None,
    accept_quality: Annotated[
        bool | None, typer.Option("--accept-quality", help="Make a twin of a poor fit too.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file with options; flags win over it.")] = None,
    purpose: Annotated[
        Purpose, typer.Option(help="The use that the consent must cover.")
    ] = Purpose.MAKE_TWIN,
    territory: Annotated[str | None, typer.Option(help="Where the use is: worldwide, DE, US-CA ...")] = None,
    medium: Annotated[Medium | None, typer.Option(help="In which medium the use is.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Make a person's twin (.glb) from a raw scan and their consent."""
    job = Job(
        scan=scan,
        consent=consent,
        output=output,
        report=report,
        controller_key=controller_key,
        passphrase_file=passphrase_file,
        config=config,
        use=Use(purpose, territory, medium),
        now=datetime.now(UTC),
        flags={
            "scan": {"unit": unit, "up": up, "facing": facing},
            "fit": {"body": body},
            "rig": {"pose": pose, "joints": joints},
            "surface": surface,
            "accept_quality": accept_quality,
        },
    )
    with StageProgress(STAGES if report else STAGES[:-1], quiet=quiet) as progress:
        values, rows = _run(job, progress)
    print_result(values, rows, as_json)


def _run(job: Job, progress: StageProgress) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Cheap checks first: nobody waits for a fit to hear of a missing key or folder."""
    _check_paths(job)

    from bodyscan.cli.consent_file import read_consent_file
    from bodyscan.cli.keys import controller_key
    from bodyscan.consent import require_consent

    text = read_consent_file(job.consent)
    record = require_consent(text, use=Use(Purpose.MAKE_TWIN, job.use.territory, job.use.medium), now=job.now)
    require_consent(text, use=job.use, now=job.now)
    key = controller_key(record, job.consent.parent, job.controller_key, job.passphrase_file)

    from bodyscan.cli.twin_options import load_options

    options = load_options(job.config, job.flags)
    _refuse_twin(job.scan)
    with progress.stage("read") as remarks:
        # Here the slow imports happen: Open3D and mediapipe, some seconds.
        from bodyscan.capture import read_scan
        from bodyscan.pipeline import QualityError, scan_to_twin

        hints = options.scan
        capture = read_scan(job.scan, unit=hints.unit, up=hints.up, facing=hints.facing)
        remarks.append(f"{capture.source}, {len(capture.mesh.vertices):,} vertices")

    from bodyscan.cli import twin_report

    try:
        result = scan_to_twin(
            capture,
            consent=text,
            controller_key=key,
            use=job.use,
            now=job.now,
            options=options.pipeline,
            on_stage=progress.on_stage,
        )
    except QualityError as error:
        if job.report is not None:
            data = twin_report.refusal_data(
                error, record, job.use, job.now, capture.source, progress.finished, options.pictures
            )
            _write_report(job.report, data, progress)
        raise
    from bodyscan.gltf import write_glb

    with progress.stage("write") as remarks:
        written = write_glb(result.twin, job.output, options.gltf)
        remarks.append(str(written.path))
    page = None
    if job.report is not None:
        data = twin_report.report_data(
            result, record, job.use, job.now, progress.finished, written, options.pictures
        )
        page = _write_report(job.report, data, progress)
    return twin_report.summary(result, record, written, page, progress.finished)


def _write_report(folder: Path, data: Any, progress: StageProgress) -> Path:
    from bodyscan.render import write_report

    with progress.stage("report") as remarks:
        page = write_report(folder, data)
        remarks.append(str(page))
    return page


def _check_paths(job: Job) -> None:
    if not job.scan.exists():
        raise InputError(f"There is no file {job.scan}. Give the path of a scan.")
    inputs = (job.scan, job.consent, job.config, job.controller_key, job.passphrase_file)
    check_output_file(job.output, ".glb", [path for path in inputs if path])
    if job.report is not None:
        check_output_folder(job.report)


def _refuse_twin(scan: Path) -> None:
    """A twin belongs to the record that it carries: made again as a scan, it would pass under another."""
    if scan.suffix.lower() != ".glb":
        return
    from bodyscan.gltf.container import unpack_glb
    from bodyscan.gltf.metadata import consent_copies

    try:
        document, _ = unpack_glb(scan)
    except InputError:
        return  # no GLB of ours; the scan's own reader says what is wrong with it
    if consent_copies(document):
        raise ConsentError(
            f"{scan.name} is a twin that carries a consent record of its own; it cannot be put under "
            "another. Give the raw scan that it was made from."
        )
