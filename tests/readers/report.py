"""What a reader saw of a twin's file, told in the same words for all readers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from bodyscan.consent import ConsentState, verify_surface
from bodyscan.errors import BodyscanError
from bodyscan.gltf import read_consent

NOW = datetime(2026, 7, 1, tzinfo=UTC)
"""When the consent is asked about; the made-up record holds from 2025 to 2125."""
ARM_DEGREES = 60.0
"""How far a reader that can pose lifts the left arm, about the axis that the person faces along."""
SHAPE = "jawOpen"
"""The face shape that is driven to 1."""


@dataclass(frozen=True)
class TextureSeen:
    """An image as the reader had it after decoding."""

    use: str
    """What the material takes it for: `albedo`, `normal`, `roughness`, or the reader's own word."""
    width: int
    height: int
    mean: tuple[float, ...]
    """Mean of each channel over all texels, 0..255 as stored; empty where the reader does not give texels."""


@dataclass(frozen=True, eq=False)
class ReaderReport:
    """What one reader saw of one file. A part that the reader cannot show is None."""

    reader: str
    """Name and version."""
    loaded: bool
    """False where the reader refuses the file; `problems` says why."""
    problems: tuple[str, ...] = ()
    """Errors and warnings, in the reader's words."""
    joints: tuple[str, ...] | None = None
    """Names of the bones that the body is bound to."""
    morphs: tuple[str, ...] | None = None
    """Names of the face shapes."""
    textures: tuple[TextureSeen, ...] | None = None
    triangles: int | None = None
    height_m: float | None = None
    """Extent of the person upwards as shown at rest, metres."""
    arm_m: float | None = None
    """Farthest way of a vertex when the left upper arm is lifted by `ARM_DEGREES`, metres."""
    jaw_m: float | None = None
    """Farthest way of a vertex when `SHAPE` is driven to 1, metres."""
    silhouettes: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)
    """`rest` and `arm`: the person's pixels as drawn, (480, 480), row 0 at the top; see `silhouette.py`."""
    extras: bool | None = None
    """Whether the reader hands on what stands in the body node's `extras`."""
    again: bytes | None = None
    """The file as the reader writes it again; None where it cannot."""


def refused(reader: str, *problems: str) -> ReaderReport:
    """Return the report of a reader that does not take the file."""
    return ReaderReport(reader=reader, loaded=False, problems=problems)


def consent_verdict(source: bytes) -> str:
    """Return what is left of the consent in a file: `exact`, `repacked 0.12 mm`, `lost`, or what is wrong."""
    try:
        text, positions, faces = read_consent(source)
    except BodyscanError as error:
        return f"unreadable: {error}"
    if text is None:
        return "lost"
    status = verify_surface(text, positions, faces, NOW)
    if status.state is not ConsentState.VALID or status.geometry is None:
        return f"{status.state}: {status.reason}"
    return str(status.geometry) + (f" {status.moved_mm:.2f} mm" if status.moved_mm else "")
