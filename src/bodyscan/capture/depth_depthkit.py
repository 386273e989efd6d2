"""DepthKit's "combined per pixel" still: a PNG, colour above and depth as hue below, and a JSON text beside
it.

Recognised by the text (its `format` is `perpixel` and it has `depthFocalLength`), named as the PNG or the
text, or as a folder that holds one such pair. The layout is that of DepthKit's shader
(juniorxsound/Depthkit.js, src/shaders/rgbd.vert), held against the sample of that repository:

- Hue h (0 red, 1/3 green, 2/3 blue) of a pixel of the lower half is depth nearClip + h (farClip - nearClip)
  along the optical axis. Pixels under half of full brightness or saturation hold none. Which half is which
  is read off the colours: depth is saturated. 8 bits give 1,530 hues, so the step is (farClip - nearClip) /
  1530: 0.5 mm in the sample.
- nearClip, farClip, the extrinsics' translation and the bounds are millimetres in older files and metres in
  newer ones of the same version number. A farClip above 50 is millimetres: neither a camera that measures to
  50 mm nor one that measures to 50 m films people.
- Column c of W shows column (crop.x + crop.z c / W) depthImageSize.x of the camera's own picture, rows the
  same with crop.y and crop.w; the intrinsics are of that picture. Pixels so become oblong. The shader counts
  from the pixel's corner, so that centres lie at integers: moved by a half here.
- Extrinsics e00 .. e33, row and column. Programs do not agree in which direction they lead. In the sample
  they lead from the world to the camera: then the person fills boundsCenter and boundsSize. So the direction
  is taken in which the points lie in the file's own bounds, and if neither does, the file is refused. The
  sample's rotation is off by 2.5 % (it is no rotation): the nearest one is taken, and the notes say so.
  Where they are not the identity, the world is DepthKit's stage, +Y up; the identity tells nothing of
  gravity.
- One frame of one camera; files with more `numAngles` or `perspectives` are refused. No confidence.
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
    parse_json,
    read_color,
    read_text,
)
from bodyscan.errors import InputError
from bodyscan.types import F32, F64, U8, Bool, DepthCapture, DepthFrame

MOST_METRES = 50.0
"""A farClip above this is in millimetres."""
BRIGHT, SATURATED = 0.5, 0.5
"""Least brightness and saturation of a hue that is depth, as in DepthKit's shader."""
PURE, HUED = 0.8, 0.9
"""A half is depth where this share (second) of its lit pixels has that much of the purest colour (first)."""
INSIDE = 0.5
"""Share of the points that must lie in the file's bounds."""
MOST_UNSQUARE = 0.05
"""How far the extrinsics may be from a rotation."""
SUFFIXES = (".txt", ".json")


def detect(path: Path) -> bool:
    """Whether a path is a DepthKit still: its picture, its text, or a folder with one such pair."""
    try:
        return len(_pairs(path)) == 1
    except InputError:
        return False


def read(path: Path, *, sensor: str | None = None, depth_scale: float | None = None) -> DepthCapture:
    """The one frame of a DepthKit still.

    `sensor`: a name of `SENSORS`, None for `unknown`. `depth_scale`: units a metre of clip distances, None
    for what the file's numbers tell. Raises `InputError` for files that are damaged, incomplete, of another
    layout, or contradict each other.
    """
    pairs = _pairs(path)
    if len(pairs) != 1:
        raise InputError(f"{path.name} holds {len(pairs)} DepthKit stills; give one, the PNG or the text.")
    picture, text = pairs[0]
    meta = parse_json(read_text(text), text.name)
    if meta.get("numAngles", 1) != 1 or "perspectives" in meta or "numPerspectives" in meta:
        raise InputError(f"{text.name} is of several cameras; export each by itself, combined per pixel.")
    far = _number(meta, "farClip", text.name)
    scale = depth_scale or (1000.0 if far > MOST_METRES else 1.0)
    color, depth = _halves(picture, _number(meta, "nearClip", text.name) / scale, far / scale)
    K = _camera(meta, depth.shape, text.name)
    pose, notes = _pose(meta, depth, K, scale, text.name)
    if depth_scale is None:
        notes.insert(0, f"The clip distances are taken to be {'millimetres' if scale > 1 else 'metres'}.")
    frame = DepthFrame(depth, K, color, None, pose, None, name=picture.name, camera="depthkit")
    frames = LazyFrames([partial(_itself, frame)])
    check_depths(frames, path.name, scale)
    staged = pose is not None and not np.allclose(pose, np.eye(4))
    return DepthCapture(
        frames,
        sensor=sensor or "unknown",
        up=np.array([0.0, 1.0, 0.0]) if staged else None,
        sha256=digest_files([picture, text]),
        source=path.name,
        file_format="depthkit",
        notes=tuple(notes),
    )


def _itself(frame: DepthFrame) -> DepthFrame:
    return frame


def _pairs(path: Path) -> list[tuple[Path, Path]]:
    """Pictures and texts of the DepthKit stills at a path."""
    if path.is_dir():
        texts = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
    elif path.suffix.lower() in SUFFIXES:
        texts = [path]
    else:
        texts = [path.with_suffix(suffix) for suffix in SUFFIXES]
    return [
        (text.with_suffix(".png"), text)
        for text in texts
        if text.is_file() and text.with_suffix(".png").is_file() and _is_depthkit(text)
    ]


def _is_depthkit(text: Path) -> bool:
    if text.stat().st_size > 1_000_000:
        return False
    content = read_text(text)
    if '"depthFocalLength"' not in content:
        return False
    meta = parse_json(content, text.name)
    return isinstance(meta, dict) and meta.get("format") == "perpixel"


def _halves(path: Path, near: float, far: float) -> tuple[U8, F32]:
    """Colour (H, W, 3) and depth (H, W) metres of a picture (2 H, W)."""
    if not 0 < near < far:
        raise InputError(f"{path.name}: nearClip {near:g} and farClip {far:g} must be positive and in order.")
    image = read_color(path)
    if image.shape[0] % 2:
        raise InputError(
            f"{path.name} has {image.shape[0]} rows; colour and depth must have the same number."
        )
    upper, lower = np.split(image, 2)
    hued = _is_hued(upper), _is_hued(lower)
    if hued[0] == hued[1]:
        found = "both" if hued[0] else "none"
        raise InputError(
            f"{path.name}: {found} of its halves holds depth as hue; export it combined per pixel, as a PNG."
        )
    color, coded = (lower, upper) if hued[0] else (upper, lower)
    hue, known = _hue(coded)
    depth = np.where(known, near + hue * (far - near), 0).astype(np.float32)
    return np.ascontiguousarray(color), depth


def _is_hued(half: U8) -> bool:
    most, least = half.max(axis=2).astype(np.int16), half.min(axis=2).astype(np.int16)
    lit = most > 255 * BRIGHT
    return bool(lit.any()) and float((most - least > 255 * PURE)[lit].mean()) > HUED


def _hue(half: U8) -> tuple[F64, Bool]:
    """Hue (H, W) 0..1 of a picture, and where it is bright and saturated enough to mean something."""
    r, g, b = (half[..., k].astype(np.float64) for k in range(3))
    most, least = np.maximum(np.maximum(r, g), b), np.minimum(np.minimum(r, g), b)
    spread = np.where(most > least, most - least, 1.0)
    hue = np.where(
        most == r, (g - b) / spread, np.where(most == g, 2 + (b - r) / spread, 4 + (r - g) / spread)
    )
    return np.mod(hue / 6, 1.0), (most > 255 * BRIGHT) & (most - least > SATURATED * most)


def _camera(meta: dict[str, Any], shape: tuple[int, ...], name: str) -> F64:
    """Intrinsics of a half of the picture."""
    fx, fy = _vector(meta, "depthFocalLength", "xy", name)
    px, py = _vector(meta, "depthPrincipalPoint", "xy", name)
    width, height = _vector(meta, "depthImageSize", "xy", name)
    left, top, across, down = (0.0, 0.0, 1.0, 1.0)
    if "crop" in meta:
        left, top, across, down = _vector(meta, "crop", "xyzw", name)
    if min(fx, fy, width, height, across, down) <= 0:
        raise InputError(f"{name}: focal length, image size and crop must be positive; export it again.")
    sx, sy = shape[1] / (across * width), shape[0] / (down * height)
    return intrinsics(fx * sx, fy * sy, (px - left * width) * sx + 0.5, (py - top * height) * sy + 0.5)


def _pose(meta: dict[str, Any], depth: F32, K: F64, scale: float, name: str) -> tuple[F64 | None, list[str]]:
    """World from camera, metres, and notes on it."""
    if "extrinsics" not in meta:
        return None, []
    keys = [f"e{row}{column}" for row in range(4) for column in range(4)]
    given = np.array([_number(meta["extrinsics"], key, f"{name}: extrinsics") for key in keys]).reshape(4, 4)
    rotation = given[:3, :3]
    error = float(np.abs(rotation @ rotation.T - np.eye(3)).max())
    if error > MOST_UNSQUARE or np.linalg.det(rotation) < 0 or tuple(given[3]) != (0, 0, 0, 1):
        raise InputError(
            f"{name}: the extrinsics are not rigid (off by {error:.2g}); calibrate and export again."
        )
    notes = []
    if error > 1e-3:
        notes.append(f"The extrinsics' rotation is off by {error:.1%}; the nearest rotation was taken.")
    left, _, right = np.linalg.svd(rotation)
    rigid = np.eye(4)
    rigid[:3, :3], rigid[:3, 3] = left @ right, given[:3, 3] / scale
    back = np.eye(4)
    back[:3, :3], back[:3, 3] = rigid[:3, :3].T, -rigid[:3, :3].T @ rigid[:3, 3]
    if np.allclose(rigid, np.eye(4), atol=1e-9) or "boundsCenter" not in meta:
        if "boundsCenter" not in meta:
            notes.append(
                "There are no bounds: the extrinsics are taken to lead from the world to the camera."
            )
        return back, notes
    centre = np.array(_vector(meta, "boundsCenter", "xyz", name)) / scale
    size = np.array(_vector(meta, "boundsSize", "xyz", name)) / scale
    row, column = np.nonzero(depth)
    z = depth[row, column].astype(np.float64)
    points = np.stack(
        [(column + 0.5 - K[0, 2]) / K[0, 0] * z, (row + 0.5 - K[1, 2]) / K[1, 1] * z, z], axis=1
    )
    shares = []
    for pose in (back, rigid):
        placed = points @ pose[:3, :3].T + pose[:3, 3]
        shares.append(float((np.abs(placed - centre) <= size / 2).all(axis=1).mean()) if len(points) else 1.0)
    if max(shares) < INSIDE:
        raise InputError(
            f"{name}: only {max(shares):.0%} of the points lie in the file's own bounds; its extrinsics or "
            "units are not those of DepthKit."
        )
    return (back if shares[0] >= shares[1] else rigid), notes


def _number(values: Any, key: str, name: str) -> float:
    value = values.get(key) if isinstance(values, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InputError(f"{name}: {key} is {value!r}; it must be a number. Export it again.")
    return float(value)


def _vector(meta: dict[str, Any], key: str, axes: str, name: str) -> list[float]:
    return [_number(meta.get(key), axis, f"{name}: {key}") for axis in axes]
