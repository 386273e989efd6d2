"""All options of `bodyscan twin` as one nest: what its TOML file may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from bodyscan.cli.config import fill, read_toml
from bodyscan.errors import InputError
from bodyscan.gltf import GltfOptions
from bodyscan.pipeline import PipelineOptions
from bodyscan.render import PictureOptions

Axis = Literal["+x", "-x", "+y", "-y", "+z", "-z"]


@dataclass(frozen=True)
class ScanHints:
    """What is known of the scan's file; None is inferred."""

    unit: Literal["m", "cm", "mm", "in"] | None = None
    up: Axis | None = None
    facing: Axis | None = None


@dataclass(frozen=True)
class TwinOptions:
    """Options of one run. In the file, those of `pipeline` stand at the top."""

    pipeline: PipelineOptions = field(default_factory=PipelineOptions)
    scan: ScanHints = field(default_factory=ScanHints)
    gltf: GltfOptions = field(default_factory=GltfOptions)
    pictures: PictureOptions = field(default_factory=PictureOptions)


def load_options(config: Path | None, flags: Mapping[str, Any]) -> TwinOptions:
    """Return the defaults, under what the TOML file says, under the flags. Raises `InputError`."""
    options = TwinOptions()
    if config is not None:
        try:
            options = fill(options, _nested(read_toml(config)))
        except InputError as error:
            raise InputError(_told(str(error), config)) from None
    return fill(options, _nested(flags))


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
