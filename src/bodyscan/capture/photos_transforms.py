"""Cameras of a `transforms.json`, as nerfstudio and instant-ngp write it.

Each frame's `transform_matrix` takes the camera to the world, with OpenGL camera axes (+X right, +Y up, the
camera looks along -Z). Intrinsics stand in the frame or, for all frames, beside `frames`. Poses are taken as
they are written: `applied_transform`, `scale`, `offset` and `aabb_scale` change nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bodyscan.capture.photos_shot import Lens, Shot, inside_folder, rigid_pose
from bodyscan.capture.undistort import Distortion
from bodyscan.errors import InputError
from bodyscan.types import F64

MODELS = ("SIMPLE_PINHOLE", "PINHOLE", "SIMPLE_RADIAL", "RADIAL", "OPENCV")
COEFFICIENTS = ("k1", "k2", "p1", "p2", "k3")
OPENCV_FROM_OPENGL = np.diag([1.0, -1.0, -1.0, 1.0])
PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff")


def read_transforms(path: Path) -> list[Shot]:
    """Return the shots of a `transforms.json`; pictures are named relative to its folder.

    Raises `InputError` for a file that is no JSON, frames without pose or focal length, an unknown camera
    model, or a pose that is none.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, ValueError) as error:
        raise InputError(f"{path.name} is no JSON file ({str(error)[:80]}); write it again.") from None
    frames = document.get("frames") if isinstance(document, dict) else None
    if not isinstance(frames, list):
        raise InputError(f"{path.name} has no list `frames`; it is no transforms.json of nerfstudio's kind.")
    return [_shot(path, document, frame, k) for k, frame in enumerate(frames)]


def _shot(path: Path, document: Mapping[str, Any], frame: Any, number: int) -> Shot:
    where = f"{path.name}, frame {number}"
    if not isinstance(frame, dict) or not isinstance(frame.get("file_path"), str):
        raise InputError(f"{where} has no `file_path`; name the photo there.")
    where = f"{where} ({frame['file_path']})"
    picture = _picture(path.parent, frame["file_path"], where)
    mask = frame.get("mask_path")
    return Shot(
        source=path.name,
        picture=picture,
        lens=_lens({**document, **frame}, where),
        camera_from_world=_pose(frame.get("transform_matrix"), where),
        mask=inside_folder(path.parent, mask, where) if isinstance(mask, str) else None,
    )


def _picture(folder: Path, reference: str, where: str) -> Path:
    picture = inside_folder(folder, reference, where)
    if not picture.suffix:  # the first of these files named no ending
        for ending in PICTURE_ENDINGS:
            if picture.with_suffix(ending).is_file():
                return picture.with_suffix(ending)
    return picture


def _pose(matrix: Any, where: str) -> F64:
    try:
        world_from_camera = np.asarray(matrix, np.float64)
        if world_from_camera.shape == (3, 4):
            world_from_camera = np.vstack([world_from_camera, [0, 0, 0, 1]])
        if world_from_camera.shape != (4, 4):
            raise ValueError
    except (TypeError, ValueError):
        raise InputError(f"{where}: `transform_matrix` must hold 4 rows of 4 numbers.") from None
    world_from_camera = world_from_camera @ OPENCV_FROM_OPENGL
    turned = rigid_pose(world_from_camera[:3, :3], world_from_camera[:3, 3], where)
    rotation = turned[:3, :3].T
    return rigid_pose(rotation, -rotation @ turned[:3, 3], where)


def _lens(values: Mapping[str, Any], where: str) -> Lens:
    model = values.get("camera_model", "OPENCV")
    if model not in MODELS:
        raise InputError(
            f"{where}: the camera model {model} is not known; known are {', '.join(MODELS)}. "
            "Undistort the photos to pinhole cameras first."
        )
    if values.get("is_fisheye"):
        raise InputError(f"{where}: fisheye lenses are not known; undistort the photos to pinholes first.")
    if _number(values, "k4", where, 0.0):
        raise InputError(
            f"{where}: k4 is not 0; programs do not agree what it means. Undistort the photos first."
        )
    lens = Distortion(**{name: _number(values, name, where, 0.0) for name in COEFFICIENTS})
    width, height = _number(values, "w", where, 0.0), _number(values, "h", where, 0.0)
    size = (int(width), int(height)) if width and height else None
    cx, cy = (_number(values, name, where, None) for name in ("cx", "cy"))
    fx = _number(values, "fl_x", where, None)
    angle = _number(values, "camera_angle_x", where, None)
    if fx is None and angle is not None and 0 < angle < math.pi:
        return Lens(0.0, 0.0, cx, cy, size, lens, angle)
    if fx is None or fx <= 0:
        raise InputError(f"{where}: there is no focal length; write `fl_x` (pixels) or `camera_angle_x`.")
    return Lens(fx, _number(values, "fl_y", where, fx), cx, cy, size, lens)


def _number(values: Mapping[str, Any], name: str, where: str, missing: Any) -> Any:
    value = values.get(name)
    if value is None:
        return missing
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{where}: `{name}` is {value!r}; it must be a number.")
    return float(value)
