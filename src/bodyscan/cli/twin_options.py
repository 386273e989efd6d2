"""All options of `bodyscan twin` as one nest: what its TOML file may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from bodyscan.cli.config import fill, read_toml
from bodyscan.cli.depth_scan import Sensor
from bodyscan.cli.scan_job import Axis, Unit
from bodyscan.errors import InputError
from bodyscan.gltf import GltfOptions
from bodyscan.gltf.pack.options import PackOptions, profile
from bodyscan.gltf.targets import load_target
from bodyscan.pipeline import PipelineOptions
from bodyscan.pipeline.depth_options import DepthOptions
from bodyscan.render import PictureOptions
from bodyscan.rig.options import POSES


@dataclass(frozen=True)
class ScanHints:
    """What is known of the scan's file; None is inferred."""

    unit: Unit | None = None
    up: Axis | None = None
    facing: Axis | None = None
    sensor: Sensor | None = None
    """Kind of a depth capture's camera."""
    depth_scale: float | None = None
    """Units a metre of a depth capture's pictures."""


@dataclass(frozen=True)
class TwinOptions:
    """Options of one run. In the file, those of `pipeline` stand at the top."""

    pipeline: PipelineOptions = field(default_factory=PipelineOptions)
    scan: ScanHints = field(default_factory=ScanHints)
    depth: DepthOptions = field(default_factory=DepthOptions)
    """How a depth capture becomes a scan."""
    profile: str = "master"
    """Where `pack` begins: `master` (as it was made), `web` (below 5 MB) or `mobile` (below 3 MB)."""
    gltf: GltfOptions = field(default_factory=GltfOptions)
    pack: PackOptions = field(default_factory=PackOptions)
    pictures: PictureOptions = field(default_factory=PictureOptions)


def load_options(config: Path | None, flags: Mapping[str, Any]) -> TwinOptions:
    """Return the defaults, under what the TOML file says, under the flags. Raises `InputError`.

    The profile says where the packing begins; what the target wants of pose and joints holds where nobody
    said otherwise.
    """
    table = {} if config is None else read_toml(config)
    name = flags.get("profile") or table.get("profile") or TwinOptions.profile
    options = TwinOptions(pack=profile(str(name)))
    if config is not None:
        try:
            options = fill(options, _nested(table))
        except InputError as error:
            raise InputError(_told(str(error), config)) from None
    return _for_target(fill(options, _nested(flags)), table, flags)


def _for_target(options: TwinOptions, *said: Mapping[str, Any]) -> TwinOptions:
    """Return the options with pose and joints as the target wants them, where nobody said which."""
    target = load_target(options.gltf.target)
    rig = options.pipeline.rig

    def free(name: str) -> bool:
        return all((table.get("rig") or {}).get(name) is None for table in said)

    if target.rest_pose in POSES and rig.pose != target.rest_pose:
        if not free("pose"):
            raise InputError(
                f"The target {target.name} wants the twin in the pose '{target.rest_pose}', and "
                f"'{rig.pose}' was asked for. Leave the pose out, or take another target."
            )
        rig = replace(rig, pose=target.rest_pose)
    if target.name == "vrm" and free("joints"):
        # A VRM looks with its eye bones and speaks with its jaw.
        rig = replace(rig, joints="full")
    return replace(options, pipeline=replace(options.pipeline, rig=rig))


def _nested(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the file's flat layout as `TwinOptions` has it."""
    own = {f.name for f in fields(TwinOptions)} - {"pipeline"}
    known = own | {f.name for f in fields(PipelineOptions)}
    if unknown := [name for name in table if name not in known]:
        raise InputError(f"{unknown[0]} is not a known option; known are: {', '.join(sorted(known))}.")
    nested = {name: value for name, value in table.items() if name in own}
    return {**nested, "pipeline": {name: value for name, value in table.items() if name not in own}}


def _told(message: str, config: Path) -> str:
    message = message.replace("pipeline.", "", 1) if message.startswith("pipeline.") else message
    return message if config.name in message else f"{config.name}: {message}"
