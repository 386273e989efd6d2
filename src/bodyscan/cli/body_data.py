"""`bodyscan body-data`: a person's body as garment software reads it, in one folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from bodyscan.cli.errors import run_guarded
from bodyscan.cli.keys import KEY_VARIABLE
from bodyscan.cli.output import check_output_folder, print_result
from bodyscan.cli.progress import StageProgress
from bodyscan.consent import Medium, Purpose, Use
from bodyscan.errors import ConsentError, InputError

app = typer.Typer()

Unit = Literal["m", "cm", "mm", "in"]
Axis = Literal["+x", "-x", "+y", "-y", "+z", "-z"]
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
    flags: dict[str, Any] = field(default_factory=dict)
    """Options as a table that wins over the file's."""


@app.command(
    epilog="Exit codes: 0 done, 2 usage, 3 input, 4 consent, "
    "5 the fit is below the stated quality, 130 interrupted."
)
@run_guarded
def body_data(
    scan: Annotated[Path, typer.Argument(help="Raw scan: PLY, OBJ, STL, GLB, glTF, OFF, PCD, XYZ.")],
    consent: Annotated[Path, typer.Option(help="The person's signed consent record (JSON).")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder to write; not there yet, or empty.")],
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
    pose: Annotated[
        str, typer.Option(help="a45: arms 45 degrees below the horizontal (0 to 70); or t, or captured.")
    ] = "a45",
    surface: Annotated[
        Literal["skin", "surface"],
        typer.Option(help="The body under cloth and hair, or the surface as scanned."),
    ] = "skin",
    unit: Annotated[Unit | None, typer.Option(help="The scan's unit. Default: inferred.")] = None,
    up: Annotated[Axis | None, typer.Option(help="The scan's up axis. Default: inferred.")] = None,
    facing: Annotated[
        Axis | None, typer.Option(help="Where the person faces in the scan. Default: inferred.")
    ] = None,
    body: Annotated[
        Literal["auto", "adult", "child"] | None, typer.Option(help="Which body model is fitted.")
    ] = None,
    accept_quality: Annotated[
        bool | None, typer.Option("--accept-quality", help="Take a poor fit too.")
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
        flags={
            "scan": {"unit": unit, "up": up, "facing": facing},
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

    from bodyscan.cli.consent_file import read_consent_file
    from bodyscan.cli.keys import controller_key
    from bodyscan.consent import require_consent

    text = read_consent_file(job.consent)
    record = require_consent(text, use=Use(Purpose.MAKE_TWIN, job.use.territory, job.use.medium), now=job.now)
    require_consent(text, use=job.use, now=job.now)
    key = controller_key(record, job.consent.parent, job.controller_key, job.passphrase_file)
    _refuse_twin(job.scan)

    from bodyscan.cli.twin_options import load_options

    options = load_options(job.config, job.flags)
    with progress.stage("read") as remarks:
        # Here the slow imports happen: Open3D and mediapipe, some seconds.
        from bodyscan.capture import read_scan
        from bodyscan.pipeline import SOFTWARE, scan_to_fit

        hints = options.scan
        capture = read_scan(job.scan, unit=hints.unit, up=hints.up, facing=hints.facing)
        remarks.append(f"{capture.source}, {len(capture.mesh.vertices):,} vertices")
    fitted = scan_to_fit(
        capture, consent=text, use=job.use, now=job.now, options=options.pipeline, on_stage=progress.on_stage
    )

    from bodyscan.consent import bind, fingerprint, geometry_digest, require_bound_consent
    from bodyscan.garment import FolderNotes, body_files, garment_body, write_folder
    from bodyscan.garment.folder import skin_positions

    with progress.stage("pose") as remarks:
        posed = garment_body(fitted.model, fitted.fit, stand)
        positions, faces = skin_positions(posed), posed.skin_faces
        digest = geometry_digest(positions, faces)
        bound = bind(
            text,
            digest,
            key,
            created_at=job.now,
            software=SOFTWARE,
            fingerprint=fingerprint(positions, faces),
        )
        require_bound_consent(bound, digest, use=job.use, now=job.now)
        remarks.append(f"{posed.pose}, consent bound")
    notes = FolderNotes(record.subject.pseudonym, record.record_id, SOFTWARE)
    with progress.stage("write") as remarks:
        files = body_files(posed, fitted.measurements, bound, notes)
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


def _refuse_twin(scan: Path) -> None:
    """A twin belongs to the record that it carries, and its rig is not the fit that a new pose needs."""
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
            f"{scan.name} is a twin that carries a consent record of its own; body data are made of the raw "
            "scan. Give the scan that the twin was made from."
        )
