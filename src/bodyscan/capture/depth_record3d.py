"""Record3D recordings (`.r3d`): a ZIP archive with `metadata` (JSON) and `rgbd/N.jpg`, `N.depth`, `N.conf`.

Recognised by the name, or by a ZIP archive that holds `metadata` and `rgbd/0.depth`. Details, after its
author's answers (GitHub, marek-simonik/record3d 27, 33, 36, 83, 93) and the reader of the viewer viser:

- `N.depth`: `dh` rows of `dw` little-endian float32, metres along the optical axis, NaN where nothing was
  measured, packed with Apple's LZFSE; `N.conf`: one byte each, 0, 1 or 2 (ARKit's confidence), packed the
  same. Rows run as those of the JPEG: an upright phone gives upright pictures (LiDAR 192 by 256, colour 720
  by 960), so nothing is turned. The front (TrueDepth) camera's are 480 by 640, and may have no `.conf`.
- `w`, `h`: the picture that the intrinsics hold for. `K`: column after column, of the first frame;
  `perFrameIntrinsicCoeffs`: [fx, fy, cx, cy] a frame, taken where it is there. ARKit tells the principal
  point from the picture's top-left corner: pixel centres at halves, as here. Depth has the colour camera's
  axes.
- `poses`: [qx, qy, qz, qw, tx, ty, tz] a frame, world from camera, metres, camera axes of OpenGL (+Y up,
  looking along -Z): turned here. Versions of the app set the first pose to the identity, so that the
  direction of gravity is not known: `up` is None. The front camera has no poses and writes identities: then
  none are given.
- Lens distortion is not told; ARKit treats its camera as a pinhole.

Colour is brought to the depth's pixels by averaging. The archive is never unpacked to disk; names that leave
it and contents larger than their header says are refused. Written from these descriptions and tried on
archives of this form; no recording of the app itself was at hand.
"""

from __future__ import annotations

import io
import math
import re
import struct
import threading
import zipfile
import zlib
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image

from bodyscan.capture.depth_frames import (
    LazyFrames,
    check_depths,
    digest_files,
    intrinsics,
    parse_json,
    quaternion_pose,
    scaled_intrinsics,
)
from bodyscan.capture.depth_phones import shrunk_color
from bodyscan.capture.photos_transforms import OPENCV_FROM_OPENGL
from bodyscan.errors import InputError, MissingExtraError
from bodyscan.types import F32, F64, U8, DepthCapture, DepthFrame

LIDAR = 256 * 192
"""Pixels of the depth pictures that ARKit makes of the LiDAR scanner."""
USUAL_SIZES = {LIDAR: (192, 256), 640 * 480: (480, 640)}
"""Pixels -> width and height, for old recordings that tell neither."""
LEVELS = 2
"""ARKit's highest confidence."""
MOST_FRAMES = 100_000
MOST_PIXELS = 16_000_000
MOST_BYTES = 64_000_000
"""The largest entry of an archive that is read."""


def detect(path: Path) -> bool:
    """Whether a path is a Record3D recording."""
    if not path.is_file():
        return False
    if path.suffix.lower() == ".r3d":
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            return {"metadata", "rgbd/0.depth"} <= set(archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def read(path: Path, *, sensor: str | None = None, depth_scale: float | None = None) -> DepthCapture:
    """The frames of a `.r3d` file; each is unpacked when it is asked for.

    `sensor`: a name of `SENSORS`, None for what the depth's size tells. `depth_scale`: units a metre, None
    for the format's metres. Raises `InputError` for a file that is damaged, hostile, incomplete or at odds
    with itself, `MissingExtraError` without the package `lzfse`.
    """
    _lzfse()
    archive = _Archive(path)
    meta = parse_json(archive.read("metadata"), f"{path.name}: metadata")
    if not isinstance(meta, dict):
        raise InputError(f"{path.name}: metadata holds no settings; export the recording again.")
    count = archive.frame_count()
    color_size = _size(meta, "w", "h", path.name)
    if "dw" in meta or "dh" in meta:
        depth_size = _size(meta, "dw", "dh", path.name)
    else:
        pixels = _unpacked_bytes(archive.read("rgbd/0.depth"), f"{path.name}: rgbd/0.depth") // 4
        if pixels not in USUAL_SIZES:
            raise InputError(f"{path.name}: metadata lacks dw and dh, and {pixels} pixels are unusual.")
        depth_size = USUAL_SIZES[pixels]
    cameras = [scaled_intrinsics(K, color_size, depth_size) for K in _cameras(meta, count, path.name)]
    poses, times = _poses(meta, count, path.name), _times(meta, count, path.name)
    scale = 1.0 if depth_scale is None else depth_scale
    loaders = [
        partial(
            _frame, archive, k, depth_size, scale, cameras[k], None if poses is None else poses[k], times[k]
        )
        for k in range(count)
    ]
    frames = LazyFrames(loaders)
    check_depths(frames, path.name, depth_scale)
    lidar = depth_size[0] * depth_size[1] == LIDAR
    notes = [] if lidar else ["The depth is not of the LiDAR scanner: the front camera's noise is not known."]
    if poses is None:
        notes.append("The recording has no camera poses (the front camera tells none).")
    else:
        notes.append("Poses are relative to the first frame: they do not tell which way is up.")
    return DepthCapture(
        frames,
        sensor=sensor or ("iphone-lidar" if lidar else "unknown"),
        sha256=digest_files([path]),
        source=path.name,
        file_format="record3d",
        notes=tuple(notes),
    )


class _Archive:
    """The entries of a ZIP file, read one at a time, never more of them than their header says."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._lock = threading.Lock()
        try:
            self._zip = zipfile.ZipFile(path)
        except (OSError, zipfile.BadZipFile):
            raise InputError(
                f"{path.name} is no .r3d recording, or cut off: it is no ZIP archive. Export it again."
            ) from None
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in self._zip.infolist():
            parts = re.split(r"[/\\]", entry.filename)
            if ".." in parts or parts[0] == "" or ":" in parts[0] or entry.filename in self._entries:
                raise InputError(
                    f"{path.name} holds the entry {entry.filename!r}; Record3D writes none such."
                )
            self._entries[entry.filename] = entry

    def __contains__(self, entry: str) -> bool:
        return entry in self._entries

    def frame_count(self) -> int:
        """The number of frames; they must be numbered from 0 without a gap."""
        matches = (re.fullmatch(r"rgbd/(\d{1,9})\.depth", entry) for entry in self._entries)
        numbers = {int(match[1]) for match in matches if match}
        if not numbers or len(numbers) > MOST_FRAMES:
            raise InputError(f"{self.name} holds {len(numbers)} files rgbd/N.depth; record it again.")
        missing = next((k for k in range(max(numbers) + 1) if k not in numbers), None)
        if missing is not None:
            raise InputError(f"{self.name}: the frame rgbd/{missing}.depth is missing; export it again.")
        return len(numbers)

    def read(self, name: str) -> bytes:
        """The bytes of an entry, or `InputError` that names it."""
        entry = self._entries.get(name)
        if entry is None:
            raise InputError(f"{self.name}: {name} is missing; export the recording again.")
        if entry.file_size > MOST_BYTES:
            raise InputError(f"{self.name}: {name} claims {entry.file_size} bytes; no picture has so many.")
        try:
            with self._lock, self._zip.open(entry) as file:
                return file.read()
        except (
            OSError,
            EOFError,
            RuntimeError,
            NotImplementedError,
            zipfile.BadZipFile,
            zlib.error,
        ) as error:
            raise InputError(
                f"{self.name}: {name} is damaged ({str(error)[:80]}); export the recording again."
            ) from None


def _frame(
    archive: _Archive,
    number: int,
    size: tuple[int, int],
    scale: float,
    K: F64,
    pose: F64 | None,
    time_s: float,
) -> DepthFrame:
    name, (width, height) = f"{archive.name}: rgbd/{number}", size
    packed = archive.read(f"rgbd/{number}.depth")
    values = np.frombuffer(_unpacked(packed, width * height * 4, f"{name}.depth"), "<f4").astype(np.float32)
    known = np.isfinite(values) & (values > 0)
    depth: F32 = np.where(known, values / np.float32(scale), np.float32(0)).reshape(height, width)
    confidence: F32 | None = None
    if f"rgbd/{number}.conf" in archive:
        packed = archive.read(f"rgbd/{number}.conf")
        levels = np.frombuffer(_unpacked(packed, width * height, f"{name}.conf"), np.uint8)
        if levels.max(initial=0) > LEVELS:
            raise InputError(f"{name}.conf holds {levels.max()}; confidence is 0, 1 or 2. Export it again.")
        confidence = (levels / np.float32(LEVELS)).astype(np.float32).reshape(height, width)
    color = shrunk_color(_jpeg(archive.read(f"rgbd/{number}.jpg"), f"{name}.jpg"), size, name)
    return DepthFrame(depth, K, color, confidence, pose, time_s, name=name, camera="phone")


def _jpeg(data: bytes, name: str) -> U8:
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise InputError(
                    f"{name} is {picture.width} by {picture.height} pixels; no camera has so many."
                )
            return np.asarray(picture.convert("RGB"), np.uint8)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"{name} is damaged ({str(error)[:80]}); export the recording again.") from None


def _lzfse() -> ModuleType:
    try:
        import lzfse  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise MissingExtraError(
            "Record3D packs depth with LZFSE; lzfse is not installed: run `pip install 'bodyscan[record3d]'`."
        ) from None
    return lzfse


def _unpacked(data: bytes, expected: int, name: str) -> bytes:
    """The contents of an LZFSE stream that must have `expected` bytes."""
    found = _unpacked_bytes(data, name)
    if found != expected:
        raise InputError(f"{name} holds {found} bytes; by its size it must be {expected}. Export it again.")
    module = _lzfse()
    try:
        plain = module.decompress(data)
    except module.error:
        raise InputError(f"{name} is damaged; export the recording again.") from None
    if len(plain) != expected:
        raise InputError(f"{name} is damaged: {len(plain)} bytes came out, not {expected}. Export it again.")
    return plain


def _unpacked_bytes(data: bytes, name: str) -> int:
    """How many bytes an LZFSE stream unpacks to, by the headers of its blocks: it is not unpacked.

    Layout after Apple's reference implementation (lzfse_internal.h): the package unpacks whatever comes, and
    a hundred kilobytes may hold gigabytes.
    """
    at = total = 0
    try:
        while (kind := data[at : at + 4]) != b"bvx$":
            (plain,) = struct.unpack_from("<I", data, at + 4)
            length = 0
            if kind == b"bvx-":
                length = 8 + plain
            elif kind == b"bvxn":
                length = 12 + struct.unpack_from("<I", data, at + 8)[0]
            elif kind == b"bvx1":
                length = 772 + struct.unpack_from("<I", data, at + 8)[0]
            elif kind == b"bvx2":
                first, second, third = struct.unpack_from("<QQQ", data, at + 8)
                length = (third & 0xFFFFFFFF) + (first >> 20 & 0xFFFFF) + (second >> 40 & 0xFFFFF)
            at += length
            if length < 8:
                raise InputError(f"{name} is no LZFSE stream, or damaged; export the recording again.")
            total += plain
    except struct.error:
        raise InputError(f"{name} is cut off; export the recording again.") from None
    return total


def _size(meta: dict[str, Any], width: str, height: str, name: str) -> tuple[int, int]:
    w, h = meta.get(width), meta.get(height)
    if type(w) is int and type(h) is int and w > 0 and h > 0 and w * h <= MOST_PIXELS:
        return w, h
    raise InputError(
        f"{name}: metadata tells {width} {w!r} and {height} {h!r}; they must be a picture's size."
    )


def _numbers(value: Any, count: int, name: str) -> list[float]:
    fine = isinstance(value, list) and len(value) == count
    if not fine or not all(type(v) in (int, float) and math.isfinite(v) for v in value):
        raise InputError(f"{name} must be {count} numbers; it is {str(value)[:60]}. Export it again.")
    return [float(v) for v in value]


def _cameras(meta: dict[str, Any], count: int, name: str) -> list[F64]:
    """Intrinsics (3, 3) of every frame, for the colour picture."""
    each = meta.get("perFrameIntrinsicCoeffs")
    if each:
        if not isinstance(each, list) or len(each) != count:
            raise InputError(
                f"{name}: perFrameIntrinsicCoeffs are not {count}, one a frame. Export it again."
            )
        named = ((k, _numbers(row, 4, f"{name}: perFrameIntrinsicCoeffs {k}")) for k, row in enumerate(each))
        return [_checked_camera(row, f"{name}: perFrameIntrinsicCoeffs {k}", meta) for k, row in named]
    K = np.array(_numbers(meta.get("K"), 9, f"{name}: K")).reshape(3, 3).T
    if K[0, 1] or K[1, 0] or tuple(K[2]) != (0, 0, 1):
        raise InputError(f"{name}: K is not [fx, 0, 0, 0, fy, 0, cx, cy, 1]; export the recording again.")
    return [_checked_camera([K[0, 0], K[1, 1], K[0, 2], K[1, 2]], f"{name}: K", meta)] * count


def _checked_camera(row: list[float], name: str, meta: dict[str, Any]) -> F64:
    fx, fy, cx, cy = row
    if fx <= 0 or fy <= 0 or not 0 < cx < meta["w"] or not 0 < cy < meta["h"]:
        raise InputError(
            f"{name}: fx, fy, cx, cy = {row} fit no picture of {meta['w']} by {meta['h']} pixels."
        )
    return intrinsics(fx, fy, cx, cy)


def _poses(meta: dict[str, Any], count: int, name: str) -> list[F64] | None:
    """World from camera of every frame, OpenCV axes; None where the camera knew none."""
    poses = meta.get("poses")
    if not poses:
        return None
    if not isinstance(poses, list) or len(poses) != count:
        found = len(poses) if isinstance(poses, list) else poses
        raise InputError(f"{name} has {count} frames and {found} poses; export the recording again.")
    rows = [_numbers(row, 7, f"{name}: pose {k}") for k, row in enumerate(poses)]
    if count > 1 and all(row == [0, 0, 0, 1, 0, 0, 0] for row in rows):
        return None
    return [
        quaternion_pose(row[:4], row[4:], f"{name}: pose {k}") @ OPENCV_FROM_OPENGL
        for k, row in enumerate(rows)
    ]


def _times(meta: dict[str, Any], count: int, name: str) -> list[float]:
    times = meta.get("frameTimestamps")
    if times:
        return _numbers(times, count, f"{name}: frameTimestamps")
    fps = meta.get("fps", 60)
    if type(fps) not in (int, float) or not fps > 0:
        raise InputError(f"{name}: fps is {fps!r}; it must be frames a second.")
    return [k / fps for k in range(count)]
