"""`bodyscan twin`: a raw scan and a consent in, a twin out."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from bodyscan.cli.errors import run_guarded
from bodyscan.cli.keys import KEY_VARIABLE
from bodyscan.cli.output import check_output_file, check_output_folder, print_result
from bodyscan.cli.progress import StageProgress
from bodyscan.consent import Medium, Purpose, Use
from bodyscan.errors import ConsentError, InputError

if TYPE_CHECKING:
    from bodyscan.cli.twin_options import TwinOptions

app = typer.Typer()

Unit = Literal["m", "cm", "mm", "in"]
Axis = Literal["+x", "-x", "+y", "-y", "+z", "-z"]
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
    photos: Path | None = None
    expressions: dict[str, Path] = field(default_factory=dict)
    """Name of an expression -> a scan that shows it."""
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
    output: Annotated[Path, typer.Option("--output", "-o", help="The twin to write (.glb, or .vrm).")],
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
        photos=photos,
        expressions=_expressions(expression or []),
        flags={
            "profile": profile,
            "gltf": {"target": target},
            "pack": {"compress": compress, "textures": textures},
            "texture": {"size": texture_size},
            "levels": {"count": None if levels is None else levels - 1},
            "collision_body": collision,
            "scan": {"unit": unit, "up": up, "facing": facing},
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

    from bodyscan.cli.consent_file import read_consent_file
    from bodyscan.cli.keys import controller_key
    from bodyscan.consent import require_consent

    text = read_consent_file(job.consent)
    record = require_consent(text, use=Use(Purpose.MAKE_TWIN, job.use.territory, job.use.medium), now=job.now)
    require_consent(text, use=job.use, now=job.now)
    key = controller_key(record, job.consent.parent, job.controller_key, job.passphrase_file)

    from bodyscan.cli.twin_options import load_options

    options = load_options(job.config, job.flags)
    _check_outputs(job, options)
    for scan in (job.scan, *job.expressions.values()):
        _refuse_twin(scan)
    with progress.stage("read") as remarks:
        # Here the slow imports happen: Open3D and mediapipe, some seconds.
        from bodyscan.capture import read_scan
        from bodyscan.pipeline import QualityError, scan_to_twin

        hints = options.scan
        capture = read_scan(job.scan, unit=hints.unit, up=hints.up, facing=hints.facing)
        remarks.append(f"{capture.source}, {len(capture.mesh.vertices):,} vertices")
        if job.photos is not None:
            from bodyscan.capture.photos import read_photos

            capture = replace(capture, photos=read_photos(job.photos))
            remarks.append(f"{len(capture.photos)} photos")
        expressions = {
            name: read_scan(path, unit=hints.unit, up=hints.up, facing=hints.facing)
            for name, path in job.expressions.items()
        }

    from bodyscan.cli import twin_report

    try:
        result = scan_to_twin(
            capture,
            consent=text,
            controller_key=key,
            use=job.use,
            now=job.now,
            options=options.pipeline,
            expressions=expressions,
            on_stage=progress.on_stage,
        )
    except QualityError as error:
        if job.report is not None:
            data = twin_report.refusal_data(
                error, record, job.use, job.now, capture.source, progress.finished, options.pictures
            )
            _write_report(job.report, data, progress)
        raise
    from bodyscan.gltf import export_twin

    with progress.stage("write") as remarks:
        exported = export_twin(result.twin, job.output, options.gltf, options.pack)
        remarks.append(f"{len(exported.files)} files")
    page = None
    if job.report is not None:
        data = twin_report.report_data(
            result, record, job.use, job.now, progress.finished, exported, options.pictures
        )
        page = _write_report(job.report, data, progress)
    return twin_report.summary(result, record, exported, page, progress.finished)


def _write_report(folder: Path, data: Any, progress: StageProgress) -> Path:
    from bodyscan.render import write_report

    with progress.stage("report") as remarks:
        page = write_report(folder, data)
        remarks.append(str(page))
    return page


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
