"""All options of `bodyscan twin` as one nest: what its TOML file may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from bodyscan.errors import InputError
from bodyscan.gltf import GltfOptions
from bodyscan.gltf.pack.options import PackOptions, profile
from bodyscan.gltf.targets import load_target
from bodyscan.pipeline import PipelineOptions
from bodyscan.pipeline.depth_options import DepthOptions
from bodyscan.render import PictureOptions
from bodyscan.rig.options import POSES
from bodyscan.run.config import fill, read_toml
from bodyscan.run.hints import ScanHints

VRM_JOINTS = "full"
"""A VRM looks with its eye bones and speaks with its jaw."""


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


def for_target(options: TwinOptions, name: str) -> TwinOptions:
    """Return the options of a second file of the same fit, for the target `name`, with nothing beside it.

    The pose is the target's own, whatever the first twin stands in. Raises `InputError` for an unknown one.
    """
    target = load_target(name)
    pipeline = options.pipeline
    pose = target.rest_pose if target.rest_pose in POSES else pipeline.rig.pose
    joints = VRM_JOINTS if target.name == "vrm" else pipeline.rig.joints
    pipeline = replace(
        pipeline,
        rig=replace(pipeline.rig, pose=pose, joints=joints),
        levels=replace(pipeline.levels, count=0),
        collision_body=False,
    )
    return replace(options, pipeline=pipeline, gltf=replace(options.gltf, target=target.name))


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
        rig = replace(rig, joints=VRM_JOINTS)
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
