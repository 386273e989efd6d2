"""Polycam raw data: `keyframes/` with `cameras`, `images`, `depth`, `confidence` and the `corrected_` two.

Recognised by `keyframes/depth` beside `keyframes/cameras` (the folder `keyframes` itself is taken too).
Details, after Polycam's own description (PolyCam/polyform, README and core/capture_folder.py):

- A keyframe's files bear its time in microseconds: `corrected_cameras/638443502.json`,
  `depth/638443502.png`.
- JSON: `fx, fy, cx, cy` in pixels of a picture of `width` by `height`; `t_00` .. `t_23`, row and column of
  the camera's place in the world, metres. The world is ARKit's, +Y against gravity: `up` is (0, 1, 0).
  Camera axes are ARKit's (+Y up, looking along -Z): turned here. ARKit tells the principal point from the
  picture's top-left corner: pixel centres at halves, as here.
- `corrected_` cameras and images were bettered after the scan (poses optimised, lens distortion taken out).
  Where they are, keyframes without them are left out: the two kinds of poses do not fit. Otherwise ARKit's
  own poses are taken, and the lens's distortion stays.
- Depth: 16-bit PNG, millimetres along the optical axis, 256 by 192 for a picture of 1024 by 768. It stands
  for the picture as it was taken, so that beside a corrected image its edge is off by the distortion.
- Confidence: 8-bit PNG, 0, 127 or 255 (low, medium, high); not each export has it.

Colour is brought to the depth's pixels by averaging. Written from this description and tried on folders of
this form; no export of the app itself was at hand.
"""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bodyscan.capture.depth_frames import (
    LazyFrames,
    check_depths,
    digest_files,
    intrinsics,
    numbered_files,
    parse_json,
    read_color,
    read_depth_png,
    read_text,
    rigid_pose,
)
from bodyscan.capture.depth_phones import phone_frame
from bodyscan.capture.photos_transforms import OPENCV_FROM_OPENGL
from bodyscan.errors import InputError
from bodyscan.types import F64, DepthCapture, DepthFrame

MILLIMETRES = 1000.0
"""Depth units a metre."""
MICROSECONDS = 1e6
LEVELS = 255
"""The highest confidence."""
LENS = ("fx", "fy", "cx", "cy", "width", "height")
POSE = tuple(f"t_{row}{column}" for row in range(3) for column in range(4))


def detect(path: Path) -> bool:
    """Whether a path is a raw export of Polycam with depth."""
    keyframes = _keyframes(path)
    return (keyframes / "depth").is_dir() and (keyframes / "cameras").is_dir()


def read(path: Path, *, sensor: str | None = None, depth_scale: float | None = None) -> DepthCapture:
    """The keyframes of a raw export of Polycam; each is loaded when it is asked for.

    `sensor`: a name of `SENSORS`, None for `iphone-lidar`. `depth_scale`: units a metre, None for 1000.
    Keyframes without depth, camera or picture are left out and counted in the notes. Raises `InputError`
    where none is left, and for files that are missing, damaged or contradict each other.
    """
    keyframes = _keyframes(path)
    depths = _by_stem(keyframes / "depth", ".png")
    cameras = _by_stem(keyframes / "corrected_cameras", ".json")
    images = _by_stem(keyframes / "corrected_images")
    corrected = bool(cameras and images)
    if not corrected:
        cameras, images = _by_stem(keyframes / "cameras", ".json"), _by_stem(keyframes / "images")
    kept = [stem for stem in depths if stem in cameras and stem in images]
    if not kept:
        raise InputError(
            f"{path.name}: none of {len(depths)} keyframes with depth has camera and picture; export again."
        )
    notes = []
    if left := len(depths) - len(kept):
        kind = "corrected camera and picture" if corrected else "camera or picture"
        notes.append(f"{left} of {len(depths)} keyframes lack a {kind} and were left out.")
    if not corrected:
        notes.append("There are no corrected cameras: ARKit's poses are taken, and lens distortion is left.")
    trusts = _by_stem(keyframes / "confidence", ".png")
    scale = MILLIMETRES if depth_scale is None else depth_scale
    start = _time(kept[0])
    loaders = []
    for stem in kept:
        K, size, pose = _camera(cameras[stem])
        found = depths[stem], images[stem], trusts.get(stem)
        name, time_s = f"{path.name}, keyframe {stem}", _time(stem) - start
        loaders.append(partial(_frame, name, *found, K, size, pose, time_s, scale))
    frames = LazyFrames(loaders)
    check_depths(frames, path.name, scale)
    used = [files[stem] for stem in kept for files in (depths, cameras, images, trusts) if stem in files]
    return DepthCapture(
        frames,
        sensor=sensor or "iphone-lidar",
        up=np.array([0.0, 1.0, 0.0]),
        sha256=digest_files(used, keyframes),
        source=path.name,
        file_format="polycam",
        notes=tuple(notes),
    )


def _frame(
    name: str,
    depth_path: Path,
    image_path: Path,
    trust_path: Path | None,
    K: F64,
    size: tuple[int, int],
    pose: F64,
    time_s: float,
    scale: float,
) -> DepthFrame:
    depth = read_depth_png(depth_path, scale, f"{name}, depth")
    color = read_color(image_path, f"{name}, picture")
    return phone_frame(name, depth, color, trust_path, LEVELS, K, size, pose, time_s)


def _keyframes(path: Path) -> Path:
    return path if path.name == "keyframes" else path / "keyframes"


def _by_stem(folder: Path, *endings: str) -> dict[str, Path]:
    if not folder.is_dir():
        return {}
    return {p.stem: p for p in numbered_files(folder, *(endings or (".jpg", ".jpeg", ".png")))}


def _time(stem: str) -> float:
    return int(stem) / MICROSECONDS if stem.isdigit() else 0.0


def _camera(path: Path) -> tuple[F64, tuple[int, int], F64]:
    """Intrinsics, the size that they hold for, and world from camera in OpenCV axes."""
    meta = parse_json(read_text(path), path.name)
    values: dict[str, Any] = meta if isinstance(meta, dict) else {}
    for name in (*LENS, *POSE):
        value = values.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            raise InputError(f"{path.name}: {name} is {value!r}; it must be a number. Export it again.")
    fx, fy, cx, cy, width, height = (float(values[name]) for name in LENS)
    if fx <= 0 or fy <= 0 or not 0 < cx < width or not 0 < cy < height:
        raise InputError(
            f"{path.name}: fx, fy, cx, cy = {fx:g}, {fy:g}, {cx:g}, {cy:g} fit no picture of {width:g} by "
            f"{height:g} pixels; export it again."
        )
    pose = np.eye(4)
    pose[:3] = np.array([values[name] for name in POSE], np.float64).reshape(3, 4)
    return (
        intrinsics(fx, fy, cx, cy),
        (int(width), int(height)),
        rigid_pose(pose, path.name) @ OPENCV_FROM_OPENGL,
    )
