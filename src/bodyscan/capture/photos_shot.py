"""A photo's camera as a file tells it, before the picture is opened."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from bodyscan.capture.undistort import Distortion
from bodyscan.errors import InputError
from bodyscan.types import F64

MOST_SKEW = 0.01
"""How far the axes of a pose may be from perpendicular and of equal length; text files round."""


@dataclass(frozen=True, eq=False)
class Lens:
    """Intrinsics of a camera, pixels; the centre of the first pixel lies at (0.5, 0.5)."""

    fx: float
    fy: float
    cx: float | None = None
    """None: the middle of the picture."""
    cy: float | None = None
    size: tuple[int, int] | None = None
    """(width, height), or None where the file does not say."""
    distortion: Distortion = field(default_factory=Distortion)
    angle_x: float | None = None
    """Radians, the picture's whole horizontal angle, in place of `fx` and `fy`, which are 0 then."""


@dataclass(frozen=True, eq=False)
class Shot:
    """One photo: which picture, with which lens, from where."""

    source: str
    """The file that says so, for messages."""
    picture: Path
    lens: Lens
    camera_from_world: F64
    """(4, 4) rigid, OpenCV axes."""
    mask: Path | None = None


def rigid_pose(rotation: ArrayLike, translation: ArrayLike, where: str) -> F64:
    """(4, 4) float64 of a rotation (3, 3) and a translation (3,), the rotation freed of rounding.

    Raises `InputError` that begins with `where` for NaN, a mirrored pose or axes that are no rotation's.
    """
    rotation, translation = np.asarray(rotation, np.float64), np.asarray(translation, np.float64)
    if not (np.isfinite(rotation).all() and np.isfinite(translation).all()):
        raise InputError(f"{where}: its pose holds NaN or infinity; leave the photo out or solve it again.")
    left, lengths, right = np.linalg.svd(rotation)
    if lengths.min() < 1 - MOST_SKEW or lengths.max() > 1 + MOST_SKEW:
        raise InputError(
            f"{where}: its pose is no rotation (axes of length {lengths.min():.3g} to {lengths.max():.3g}); "
            "write rigid poses, and scale only where the cameras stand."
        )
    if np.linalg.det(rotation) < 0:
        raise InputError(
            f"{where}: its pose mirrors the world (determinant -1); a camera cannot. Flip one axis of the "
            "whole reconstruction, or write the poses with right-handed axes."
        )
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = left @ right, translation
    return pose


def inside_folder(folder: Path, reference: str, where: str) -> Path:
    """The path that `reference` names in `folder`, whether it exists or not.

    Raises `InputError` for one that leads out of the folder: photos from a stranger must not be able to
    name any file of this machine.
    """
    root = folder.resolve()
    path = (root / reference.replace("\\", "/")).resolve()
    if not path.is_relative_to(root):
        raise InputError(f"{where}: {reference} lies outside of {folder.name}; put it inside that folder.")
    return path
