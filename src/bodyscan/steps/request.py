"""What a front end asks for: one dataclass a step, read from JSON with the checks of any options file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bodyscan.consent import Medium, Purpose, Use
from bodyscan.errors import InputError
from bodyscan.gltf.targets import target_names
from bodyscan.run.config import build

STARTS = ("anew", "earlier")
POSES = ("captured", "a", "t")
OWN_TARGET = "gltf"
"""Of the twin that the folder keeps."""


@dataclass(frozen=True)
class UseRequest:
    """What the result is for, as the consent is asked."""

    purpose: str = "make_twin"
    territory: str | None = None
    medium: str | None = None
    licensee: str | None = None
    product_line: str | None = None

    def as_use(self) -> Use:
        """Raises `InputError` for a purpose, medium or territory that is none."""
        try:
            return Use(
                Purpose(self.purpose),
                territory=self.territory,
                medium=Medium(self.medium) if self.medium else None,
                licensee=self.licensee,
                product_line=self.product_line,
            )
        except ValueError:
            raise InputError(
                f"The use '{self.purpose}' in '{self.medium}' is not known. Purposes: {', '.join(Purpose)}; "
                f"media: {', '.join(Medium)}."
            ) from None


@dataclass(frozen=True)
class Common:
    """What every request says."""

    step: ClassVar[str] = ""
    folder: str = ""
    """Path of the working folder."""
    evidence: str | None = None
    """Folder of what is known of keys and withdrawals."""
    use: UseRequest = field(default_factory=UseRequest)

    def __post_init__(self) -> None:
        if not self.folder:
            raise InputError(f"The request '{self.step}' names no working folder; give its path as 'folder'.")


@dataclass(frozen=True)
class ScanRequest(Common):
    """Read a capture and clean it."""

    step: ClassVar[str] = "scan"
    capture: str = ""
    """Path of a raw scan or of a depth capture."""
    consent: str = ""
    """Path of the signed record."""
    photos: str | None = None
    """Folder of photos whose cameras are known in the scan's frame."""
    config: str | None = None
    """TOML file with options."""
    unit: str | None = None
    up: str | None = None
    facing: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.capture or not self.consent:
            raise InputError(
                "The step 'scan' needs a capture and the person's consent record: give both paths."
            )


@dataclass(frozen=True)
class FitRequest(Common):
    """Fit the body, anew or from an earlier fit that was corrected."""

    step: ClassVar[str] = "fit"
    start: str = "anew"
    """`anew`, or `earlier`: go on from the current fit."""
    placed: Any = field(default_factory=dict)
    """Landmark -> [x, y, z], metres, world frame."""
    ignored: tuple[str, ...] = ()
    """Landmarks that the detector put in a wrong place: the fit does not look at them."""
    pinned: tuple[str, ...] = ()
    """Regions of the body that stay as the earlier fit has them."""
    untrusted: str | None = None
    """Path of a .npy, (V,) 0..1 for each vertex of the scan: 1 where it is not to be trusted."""
    betas: tuple[float, ...] | None = None
    """(S,) shape to go on from in the place of the earlier fit's."""
    pose_rotvec: tuple[tuple[float, ...], ...] | None = None
    """(J, 3) radians, pose to go on from in the place of the earlier fit's."""
    config: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.start not in STARTS:
            raise InputError(f"'start' is '{self.start}'; possible: {', '.join(STARTS)}.")
        if self.start == "anew" and (self.pinned or self.betas is not None or self.pose_rotvec is not None):
            raise InputError(
                "Pinned regions, a shape or a pose go on from an earlier fit: say start 'earlier'."
            )


@dataclass(frozen=True)
class TextureRequest(Common):
    """Bake the scan's colours."""

    step: ClassVar[str] = "texture"
    size: int = 2048
    """Pixels of a side."""
    surface: str = "body"
    """`body` or `skin`: what the twin is to show."""
    config: str | None = None


@dataclass(frozen=True)
class TwinRequest(Common):
    """Rig the person, make the face shapes, bind the consent."""

    step: ClassVar[str] = "twin"
    controller_key: str | None = None
    """Path of the private key; None: looked for beside the consent's own file."""
    passphrase: str | None = field(default=None, repr=False)
    pose: str = "a"
    surface: str = "body"
    accept_quality: bool = False
    ledger: str | None = None
    reference: str | None = None
    config: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pose not in POSES:
            raise InputError(f"'pose' is '{self.pose}'; possible: {', '.join(POSES)}.")


@dataclass(frozen=True)
class ExportRequest(Common):
    """Hand a copy of the twin over."""

    step: ClassVar[str] = "export"
    output: str = ""
    profile: str = "master"
    target: str = OWN_TARGET
    """Whom the file is for, see `bodyscan.gltf.targets`. For `gltf` it is a copy of the twin; for another
    reader a twin is made of the same fit and bound anew, in the pose and with the joints that it wants."""
    controller_key: str | None = None
    """As for the step `twin`; asked for where a twin is bound anew."""
    passphrase: str | None = field(default=None, repr=False)
    config: str | None = None
    """Where a twin is made anew: the options file of the step `twin`."""
    ledger: str | None = None
    reference: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.output:
            raise InputError("The step 'export' needs a file to write: give its path as 'output'.")
        if self.target not in target_names():
            raise InputError(f"'target' is '{self.target}'; possible: {', '.join(target_names())}.")


Request = ScanRequest | FitRequest | TextureRequest | TwinRequest | ExportRequest
KINDS: dict[str, type[Common]] = {
    kind.step: kind for kind in (ScanRequest, FitRequest, TextureRequest, TwinRequest, ExportRequest)
}


def read_request(values: Mapping[str, Any]) -> Request:
    """Return the request that a JSON object states.

    Raises `InputError` for an unknown step, an unknown field or a value of another type.
    """
    kind = KINDS.get(str(values.get("step")))
    if kind is None:
        raise InputError(f"The step '{values.get('step')}' is not known; known are: {', '.join(KINDS)}.")
    said = {name: value for name, value in values.items() if name not in ("id", "step")}
    return build(kind, said)  # type: ignore[return-value]


def placed_points(request: FitRequest) -> dict[str, tuple[float, float, float]]:
    """Return the placed landmarks as numbers. Raises `InputError` for what is no point."""
    found: dict[str, tuple[float, float, float]] = {}
    if not isinstance(request.placed, Mapping):
        raise InputError("'placed' must be a table: the name of a landmark and where it is.")
    for name, value in request.placed.items():
        try:
            x, y, z = (float(part) for part in value)
        except (TypeError, ValueError):
            raise InputError(
                f"The landmark {name} was put at {value!r}; give three numbers in metres."
            ) from None
        found[name] = (x, y, z)
    return found


def untrusted_share(request: FitRequest, num_vertices: int) -> np.ndarray | None:
    """Read (V,) float64 0..1, or return None where nothing is said. Raises `InputError`."""
    if request.untrusted is None:
        return None
    path = Path(request.untrusted)
    try:
        share = np.asarray(np.load(path, allow_pickle=False), dtype=np.float64)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path} cannot be read as an array ({type(error).__name__}).") from None
    if share.shape != (num_vertices,):
        raise InputError(
            f"{path.name} has the shape {share.shape}; the scan has {num_vertices} vertices, one value each."
        )
    if not np.isfinite(share).all():
        raise InputError(f"{path.name} holds values that are no numbers; give 0 (trust) to 1 (do not).")
    return np.clip(share, 0.0, 1.0)
