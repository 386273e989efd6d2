"""`bodyscan twin`: a raw scan and a consent in, a twin out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bodyscan.cli.depth_scan import (
    AcceptOpenOption,
    DepthScaleOption,
    MotionOption,
    PosesOption,
    SensorOption,
    as_scan,
    input_words,
    read_input,
)
from bodyscan.cli.errors import run_guarded
from bodyscan.cli.evidence import EvidenceOption, read_evidence
from bodyscan.cli.output import check_output_file, check_output_folder, print_result
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
    consent_for,
    read_hinted,
    refuse_twin,
)
from bodyscan.cli.uses import LedgerOption, ReferenceOption, UseWriter, receipt_row
from bodyscan.consent import Purpose, Use
from bodyscan.errors import InputError

if TYPE_CHECKING:
    from bodyscan.cli.twin_options import TwinOptions
    from bodyscan.ledger import Receipt
    from bodyscan.types import Capture, DepthCapture

app = typer.Typer()

STAGES = (
    "read",
    "reconstruct",
    "fit",
    "measure",
    "texture",
    "rig",
    "expressions",
    "levels",
    "twin",
    "write",
    "report",
)


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
    evidence: Path | None = None
    ledger: Path | None = None
    reference: str | None = None
    photos: Path | None = None
    expressions: dict[str, Path] = field(default_factory=dict)
    """Name of an expression -> a scan that shows it."""
    flags: dict[str, Any] = field(default_factory=dict)
    """Options as a table that wins over the file's."""


@app.command(epilog=FIT_EXIT_CODES)
@run_guarded
def twin(
    scan: ScanArgument,
    consent: ConsentOption,
    output: Annotated[Path, typer.Option("--output", "-o", help="The twin to write (.glb, or .vrm).")],
    controller_key: ControllerKeyOption = None,
    passphrase_file: PassphraseFileOption = None,
    report: Annotated[Path | None, typer.Option(help="Folder for a report with pictures.")] = None,
    unit: UnitOption = None,
    up: UpOption = None,
    facing: FacingOption = None,
    sensor: SensorOption = None,
    depth_scale: DepthScaleOption = None,
    poses: PosesOption = None,
    motion: MotionOption = None,
    accept_open: AcceptOpenOption = None,
    photos: Annotated[
        Path | None,
        typer.Option(help="Folder of photos with solved cameras in the scan's frame: colour for the twin."),
    ] = None,
    expression: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=SCAN", help="A scan of the same person smiling: smile=scan2.ply. May be repeated."
        ),
    ] = None,
    target: Annotated[
        Literal["gltf", "vrm", "mixamo", "unreal", "unity"] | None,
        typer.Option(help="Whom the file is for: names of joints, hierarchy and rest pose."),
    ] = None,
    profile: Annotated[
        Literal["master", "web", "mobile"] | None,
        typer.Option(help="How small: as made, below 5 MB, below 3 MB. Default: master."),
    ] = None,
    compress: Annotated[
        Literal["none", "meshopt", "draco"] | None, typer.Option(help="Geometry; wins over the profile's.")
    ] = None,
    textures: Annotated[
        Literal["png", "jpeg", "webp", "ktx2"] | None, typer.Option(help="Images; wins over the profile's.")
    ] = None,
    texture_size: Annotated[
        int | None, typer.Option(help="Texels a side that are baked: 1024, 2048 or 4096.")
    ] = None,
    levels: Annotated[
        int | None, typer.Option(min=1, max=3, help="Levels of detail, one file each. Default: 3.")
    ] = None,
    collision: Annotated[
        bool | None, typer.Option("--collision/--no-collision", help="Write the collision body beside it.")
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
    body: BodyOption = None,
    accept_quality: Annotated[
        bool | None, typer.Option("--accept-quality", help="Make a twin of a poor fit too.")
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
        evidence=evidence,
        ledger=ledger,
        reference=reference,
        photos=photos,
        expressions=_expressions(expression or []),
        flags={
            "profile": profile,
            "gltf": {"target": target},
            "pack": {"compress": compress, "textures": textures},
            "texture": {"size": texture_size},
            "levels": {"count": None if levels is None else levels - 1},
            "collision_body": collision,
            "scan": {
                "unit": unit,
                "up": up,
                "facing": facing,
                "sensor": sensor,
                "depth_scale": depth_scale,
            },
            "depth": {"poses": poses, "motion": motion, "accept_open": accept_open},
            "fit": {"body": body},
            "rig": {"pose": pose, "joints": joints},
            "surface": surface,
            "accept_quality": accept_quality,
        },
    )
    left_out = {"report"} if report is None else set()
    left_out |= set() if expression else {"expressions"}
    with StageProgress(tuple(name for name in STAGES if name not in left_out), quiet=quiet) as progress:
        values, rows = _run(job, progress)
    print_result(values, rows, as_json)


def _run(job: Job, progress: StageProgress) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Cheap checks first: nobody waits for a fit to hear of a missing key or folder."""
    _check_inputs(job)

    from bodyscan.cli.keys import controller_key

    known = read_evidence(job.evidence, now=job.now)
    text, record = consent_for(job.consent, job.use, job.now, known)
    key = controller_key(text, job.consent.parent, job.controller_key, job.passphrase_file, job.now)

    from bodyscan.cli.twin_options import load_options

    options = load_options(job.config, job.flags)
    _check_outputs(job, options)
    for scan in (job.scan, *job.expressions.values()):
        # Made again as a scan, it would pass under another record.
        refuse_twin(scan, "it cannot be put under another. Give the raw scan that it was made from.")
    with progress.stage("read") as remarks:
        found = read_input(job.scan, options)
        remarks.append(input_words(found))
        if job.photos is not None:
            found = _with_photos(found, job.photos)
            remarks.append(f"{len(found.photos)} photos")
        expressions = {name: read_hinted(path, options.scan) for name, path in job.expressions.items()}
    scanned = as_scan(found, options, progress)

    from bodyscan.cli import twin_pages, twin_report
    from bodyscan.pipeline import SOFTWARE, QualityError, scan_to_twin

    try:
        result = scan_to_twin(
            scanned.capture,
            consent=text,
            controller_key=key,
            use=job.use,
            now=job.now,
            evidence=known,
            options=options.pipeline,
            expressions=expressions,
            earlier=scanned.steps,
            on_stage=progress.on_stage,
        )
    except QualityError as error:
        if job.report is not None:
            mark = twin_report.scan_mark(record, job.use)
            origin = twin_pages.capture_data(scanned, options, record, mark, job.now, progress)
            data = twin_report.refusal_data(
                error,
                record,
                mark,
                job.now,
                scanned.capture.source,
                progress.finished,
                options.pictures,
                twin_pages.CAPTURE_PAGE if origin else "",
            )
            twin_pages.write_pages(job.report, data, origin, progress)
        raise
    from bodyscan.gltf.export import export_twin, part_kinds
    from bodyscan.ledger import EntryKind
    from bodyscan.mark.twin_id import mark_under

    mark = mark_under(result.twin.consent, str(job.use.purpose), SOFTWARE)
    uses = UseWriter(
        place=job.ledger,
        record=record,
        text=text,
        use=job.use,
        kind=EntryKind.TWIN,
        now=job.now,
        reference=job.reference,
        twin_id=mark.twin_id,
        kinds={str(place): kind for place, kind in part_kinds(result.twin, job.output).items()},
    )
    receipts: list[Receipt] = []
    with progress.stage("write") as remarks:
        exported = export_twin(
            result.twin,
            job.output,
            options.gltf,
            options.pack,
            write=lambda contents: receipts.append(uses(contents)),
        )
        remarks.append(f"{len(exported.files)} files, the use is in the ledger")
    page = None
    if job.report is not None:
        origin = twin_pages.capture_data(scanned, options, record, mark, job.now, progress)
        data = twin_report.report_data(
            result,
            record,
            job.use,
            job.now,
            progress.finished,
            exported,
            options.pictures,
            twin_pages.CAPTURE_PAGE if origin else "",
        )
        # The studio's own check: written down, and not billed.
        check = replace(uses, kind=EntryKind.RENDER, use=replace(job.use, purpose=Purpose.MAKE_TWIN))
        page = twin_pages.write_pages(job.report, data, origin, progress, check)
    values, rows = twin_report.summary(result, record, exported, page, progress.finished)
    (receipt,) = receipts
    return values | {"ledger_entry": receipt.sequence}, [*rows, receipt_row(receipt)]


def _with_photos(found: Capture | DepthCapture, folder: Path) -> Capture:
    from bodyscan.capture.photos import read_photos
    from bodyscan.types import Capture

    if not isinstance(found, Capture):
        raise InputError(
            f"{found.source} is a depth capture: no photo's camera is known in the frame of its scan. Make "
            "the scan with `bodyscan reconstruct` and solve the cameras in its frame, or leave --photos out."
        )
    return replace(found, photos=read_photos(folder))


def _expressions(texts: list[str]) -> dict[str, Path]:
    """`smile=scan2.ply` -> name and path."""
    found: dict[str, Path] = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if not (name and equals and path):
            raise InputError(f"--expression {text} is not understood; give NAME=SCAN, as smile=scan2.ply.")
        if name in found:
            raise InputError(f"--expression {name} was given twice; one scan an expression.")
        found[name] = Path(path)
    return found


def _check_inputs(job: Job) -> None:
    for scan in (job.scan, *job.expressions.values()):
        if not scan.exists():
            raise InputError(f"There is no file {scan}. Give the path of a scan.")
    if job.photos is not None and not job.photos.exists():
        raise InputError(f"There is no folder {job.photos}. Give the folder of photos with their cameras.")


def _check_outputs(job: Job, options: TwinOptions) -> None:
    from bodyscan.gltf.targets import load_target

    inputs = (job.scan, job.consent, job.config, job.controller_key, job.passphrase_file)
    suffix = load_target(options.gltf.target).suffix
    check_output_file(job.output, suffix, [path for path in (*inputs, *job.expressions.values()) if path])
    if job.report is not None:
        check_output_folder(job.report)
