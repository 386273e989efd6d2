"""`bodyscan simulate depth`: a person who does not exist before depth cameras, with the truth beside it."""

from __future__ import annotations

import json
import os
from dataclasses import fields
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
from bodyscan.simulate.depth_options import CHOICES as RIG_CHOICES
from bodyscan.simulate.depth_options import DepthRigOptions
from bodyscan.simulate.options import RawScanOptions

app = typer.Typer()

_PERSON, _RIG = RawScanOptions(), DepthRigOptions()
PERSON_OPTIONS = (
    "shape_spread", "extra_shape_mm", "arms_down_deg", "joint_sd_deg", "head_turn_deg", "sway_deg",
    "lighting",
)  # fmt: skip
"""What `--set` may name: what is left of the person's options. A scanner's have no meaning here."""


@app.command()
@run_guarded
def depth(
    output: Annotated[Path, typer.Option("--output", "-o", help="New folder to write the capture to.")],
    truth: TruthOption = None,
    file_format: Annotated[
        str | None,
        typer.Option("--format", help="open3d or cameras (capture.json). Default: as the rig needs it."),
    ] = None,
    sensor: Annotated[str, typer.Option(help=", ".join(RIG_CHOICES["sensor"]))] = _RIG.sensor,
    rig: Annotated[str, typer.Option(help=", ".join(RIG_CHOICES["rig"]))] = _RIG.rig,
    frames: Annotated[int, typer.Option(help="Pictures in all.")] = _RIG.frames,
    width: Annotated[int | None, typer.Option(help="Pixels. Default: the sensor's own.")] = None,
    height: Annotated[int | None, typer.Option(help="Pixels. Default: the sensor's own.")] = None,
    portrait: Annotated[
        bool | None, typer.Option("--portrait/--level", help="Default: as people use the sensor.")
    ] = None,
    distance_m: Annotated[
        float | None, typer.Option(help="To the camera. Default: as near as the person fits in.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="Length of the capture.")] = _RIG.seconds,
    turns: Annotated[float, typer.Option(help="Share of a full turn.")] = _RIG.turns,
    sway_mm: Annotated[float, typer.Option(help="Greatest way of the head.")] = _RIG.sway_mm,
    arm_drift_mm: Annotated[float, typer.Option(help="Greatest way of the wrists.")] = _RIG.arm_drift_mm,
    breath_mm: Annotated[float, typer.Option(help="Greatest way of the chest.")] = _RIG.breath_mm,
    background: Annotated[str, typer.Option(help=", ".join(RIG_CHOICES["background"]))] = _RIG.background,
    give_poses: Annotated[
        bool, typer.Option("--poses/--no-poses", help="Write where the camera stood.")
    ] = _RIG.give_poses,
    pose_noise_mm: Annotated[float, typer.Option(help="Error of the poses written.")] = _RIG.pose_noise_mm,
    pose_noise_deg: Annotated[float, typer.Option(help="Error of the poses written.")] = _RIG.pose_noise_deg,
    noise: Annotated[float, typer.Option(help="Factor on the sensor's noise.")] = _RIG.noise,
    seed: SeedOption = _RIG.seed,
    rig_seed: Annotated[
        int | None, typer.Option(help="Another seed for motion and noise. Default: the person's.", min=0)
    ] = None,
    age: AgeOption = _PERSON.age,
    sex: SexOption = _PERSON.sex,
    build: BuildOption = _PERSON.build,
    height_m: HeightOption = None,
    pose: PoseOption = _PERSON.pose,
    legs: LegsOption = _PERSON.legs,
    hands: HandsOption = _PERSON.hands,
    hair: HairOption = _PERSON.hair,
    clothing: ClothingOption = _PERSON.clothing,
    skin_tone: SkinToneOption = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any other option of the person as NAME=VALUE; may be repeated."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Simulate a made-up person before depth cameras. The same options give the same bytes."""
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # before Open3D is loaded
    from bodyscan.simulate.depth import simulate_depth
    from bodyscan.simulate.write import check_truth_path
    from bodyscan.simulate.write_depth import check_depth_folder, check_depth_format, write_depth

    others = [field.name for field in fields(RawScanOptions) if field.name not in PERSON_OPTIONS]
    values: dict[str, Any] = {
        "seed": seed, "age": age, "sex": sex, "build": build, "height_m": height_m, "pose": pose,
        "legs": legs, "hands": hands, "hair": hair, "clothing": clothing, "skin_tone": skin_tone,
    }  # fmt: skip
    person = RawScanOptions(**values, **parsed_options(option or [], others))
    options = DepthRigOptions(
        seed=seed if rig_seed is None else rig_seed, sensor=sensor, rig=rig, frames=frames, width=width,
        height=height, portrait=portrait, distance_m=distance_m, seconds=seconds, turns=turns,
        sway_mm=sway_mm, arm_drift_mm=arm_drift_mm, breath_mm=breath_mm, background=background,
        give_poses=give_poses, pose_noise_mm=pose_noise_mm, pose_noise_deg=pose_noise_deg, noise=noise,
    )  # fmt: skip
    # Say what is wrong with a path before a minute of work, not after it.
    check_depth_folder(output)
    if truth is not None:
        check_truth_path(truth)
    file_format = check_depth_format(file_format, options)
    written = write_depth(simulate_depth(person, options), output, truth, file_format=file_format)
    told = {
        "capture": str(output),
        "format": file_format,
        "truth": str(truth) if truth else None,
        "frames": frames,
        "sensor": sensor,
        "bytes": sum(file.size_bytes for file in written),
    }
    if as_json:
        typer.echo(json.dumps(told))
        return
    for name, value in told.items():
        if value is not None:
            typer.echo(f"{name:10} {value}")
