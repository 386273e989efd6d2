"""`bodyscan simulate raw`: the raw scan of a person who does not exist, with the truth beside it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from bodyscan.cli.errors import run_guarded
from bodyscan.cli.simulate.person_options import (
    AgeOption,
    BuildOption,
    ClothingOption,
    HairOption,
    HandsOption,
    HeightOption,
    LegsOption,
    PoseOption,
    SeedOption,
    SexOption,
    SkinToneOption,
    TruthOption,
)
from bodyscan.cli.simulate.set_options import parsed_options
from bodyscan.errors import InputError
from bodyscan.simulate.options import CHOICES, HOLE_PLACES, RawScanOptions

app = typer.Typer()

_DEFAULTS = RawScanOptions()


@app.command()
@run_guarded
def raw(
    output: Annotated[Path, typer.Option("--output", "-o", help="Scan to write: .ply, .obj, .stl or .glb.")],
    truth: TruthOption = None,
    seed: SeedOption = _DEFAULTS.seed,
    age: AgeOption = _DEFAULTS.age,
    sex: SexOption = _DEFAULTS.sex,
    build: BuildOption = _DEFAULTS.build,
    height_m: HeightOption = None,
    pose: PoseOption = _DEFAULTS.pose,
    legs: LegsOption = _DEFAULTS.legs,
    hands: HandsOption = _DEFAULTS.hands,
    hair: HairOption = _DEFAULTS.hair,
    clothing: ClothingOption = _DEFAULTS.clothing,
    skin_tone: SkinToneOption = None,
    faces: Annotated[int, typer.Option(help="Triangles of the surface.")] = _DEFAULTS.target_faces,
    noise_mm: Annotated[float, typer.Option(help="Standard deviation of noise.")] = _DEFAULTS.noise_mm,
    drift_mm: Annotated[float, typer.Option(help="Root mean square of slow bumps.")] = _DEFAULTS.drift_mm,
    hole: Annotated[
        list[str] | None, typer.Option(help=f"{', '.join(HOLE_PLACES)} or none; may be repeated.")
    ] = None,
    floor: Annotated[str, typer.Option(help=", ".join(CHOICES["floor"]))] = _DEFAULTS.floor,
    crumbs: Annotated[int, typer.Option(help="Small floating pieces.")] = _DEFAULTS.crumbs,
    unit: Annotated[str, typer.Option(help=", ".join(CHOICES["unit"]))] = _DEFAULTS.unit,
    up: Annotated[str, typer.Option(help="Axis of the file that points up, for example +z.")] = _DEFAULTS.up,
    facing: Annotated[
        str, typer.Option(help="Axis that the person faces, for example -y.")
    ] = _DEFAULTS.facing,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="Any other option as NAME=VALUE, for example sway_deg=2; may be repeated."
        ),
    ] = None,
    photos: Annotated[
        Path | None, typer.Option(help="Folder to write photos of the same person to, with their cameras.")
    ] = None,
    cameras: Annotated[int, typer.Option(help="Photos, where there are any.", min=1)] = 24,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Simulate the raw scan of a made-up person. The same options give the same bytes."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before Open3D is loaded, see `scanner.fuse`
    from bodyscan.simulate.raw import simulate_raw_scan
    from bodyscan.simulate.write import check_scan_path, check_truth_path, write_scan, write_truth

    holes = _DEFAULTS.holes if hole is None else tuple(place for place in hole if place != "none")
    values: dict[str, Any] = {
        "seed": seed, "age": age, "sex": sex, "build": build, "height_m": height_m, "pose": pose,
        "legs": legs, "hands": hands, "hair": hair, "clothing": clothing,
        "skin_tone": skin_tone, "target_faces": faces, "noise_mm": noise_mm,
        "drift_mm": drift_mm, "holes": holes, "floor": floor, "crumbs": crumbs,
        "unit": unit, "up": up, "facing": facing,
    }  # fmt: skip
    options = RawScanOptions(**{**values, **parsed_options(option or [], values)})
    # Say what is wrong with a path before a minute of work, not after it.
    check_scan_path(output)
    if truth is not None:
        check_truth_path(truth)
    if photos is not None and photos.exists() and (not photos.is_dir() or any(photos.iterdir())):
        raise InputError(f"{photos} is there already and not empty; give a new folder for the photos.")
    scan = simulate_raw_scan(options)
    write_scan(scan, output)
    if truth is not None:
        write_truth(scan, truth)
    if photos is not None:
        from bodyscan.simulate.photo_options import PhotoRigOptions
        from bodyscan.simulate.photos import photo_scene, take_photos
        from bodyscan.simulate.write_photos import write_photos

        rig = PhotoRigOptions(seed=seed, num_cameras=cameras)
        pictures = take_photos(photo_scene(options, rig.detail), rig)
        write_photos(pictures, photos, rig, scan.truth.world_from_input, masks=True)
    told = {
        "scan": str(output),
        "truth": str(truth) if truth else None,
        "photos": str(photos) if photos else None,
        "vertices": len(scan.mesh.vertices),
        "faces": len(scan.mesh.faces),
        "unit": options.unit,
        "skin_tone": scan.truth.skin_tone,
    }
    if as_json:
        typer.echo(json.dumps(told))
        return
    for name, value in told.items():
        if value is not None:
            typer.echo(f"{name:10} {value}")
