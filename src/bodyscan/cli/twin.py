"""`bodyscan twin`: a raw scan and a consent in, a twin out."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from bodyscan.cli.consent.common import ask_passphrase, warn
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
from bodyscan.run.twin import TwinJob, run_twin

app = typer.Typer()


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
    job = TwinJob(
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
    with StageProgress(job.stages, quiet=quiet) as progress:
        done = run_twin(job, progress, passphrase=ask_passphrase, warn=warn)

    from bodyscan.cli.twin_rows import twin_rows

    print_result(done.values, twin_rows(done), as_json)


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
