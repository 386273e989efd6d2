"""Stray Scanner folders: `odometry.csv`, `depth/`, `rgb.mp4`, `confidence/`, `camera_matrix.csv`.

Recognised by `odometry.csv` beside a folder `depth`. Details, after the app's source and its description of
the format (strayrobots/scanner, docs/format.md and StrayScanner/Helpers) and its viewer
(kekeblom/StrayVisualizer):

- `odometry.csv`: a line a frame: timestamp (s), frame, x, y, z (m), qx, qy, qz, qw; newer versions go on
  with fx, fy, cx, cy and the distortion's centre, the oldest had no header and began with x. World from
  camera. The app turns ARKit's camera by half a turn about X before it writes: OpenCV axes, as here. The
  world is ARKit's, +Y against gravity: `up` is (0, 1, 0).
- `frame` names `depth/000000.png`, `confidence/000000.png` and the picture's place in `rgb.mp4`.
- Depth: 16-bit PNG, millimetres along the optical axis, 256 by 192; in 2021 `.npy` of millimetres.
  Confidence: 0, 1 or 2 (ARKit's).
- Intrinsics are for the pictures of `rgb.mp4` (1920 by 1440), by frame or, in `camera_matrix.csv`, the last
  frame's, row after row. ARKit tells the principal point from the picture's top-left corner: pixel centres
  at halves, as here. Depth has the colour camera's axes; its lens is taken as a pinhole, as ARKit does.
- The first picture of `rgb.mp4` is hidden by an edit list; `capture.video` counts it.

Colour is brought to the depth's pixels by averaging; without `rgb.mp4` there is none, and
`camera_matrix.csv` or the columns then hold for 1920 by 1440 pixels. Written from these sources and tried on
folders of this form; no recording of the app itself was at hand.
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from bodyscan.capture.depth_frames import (
    LazyFrames,
    check_depths,
    digest_files,
    intrinsics,
    numbered_files,
    parse_numbers,
    quaternion_pose,
    read_depth_png,
    read_text,
)
from bodyscan.capture.depth_phones import phone_frame
from bodyscan.capture.video import VideoFrames
from bodyscan.errors import InputError
from bodyscan.types import F32, F64, DepthCapture, DepthFrame

MILLIMETRES = 1000.0
"""Depth units a metre."""
COLUMNS = ("timestamp", "frame", "x", "y", "z", "qx", "qy", "qz", "qw")
LENS = ("fx", "fy", "cx", "cy")
VIDEO_SIZE = (1920, 1440)
"""Of ARKit's pictures with LiDAR depth, where there is no video to ask."""
LEVELS = 2
"""ARKit's highest confidence."""
MOST_NPY_BYTES = 64_000_000


@dataclass(frozen=True)
class _Row:
    """A line of `odometry.csv`."""

    number: int
    time_s: float
    pose: F64
    lens: tuple[float, ...] | None


def detect(path: Path) -> bool:
    """Whether a path is a folder that Stray Scanner wrote."""
    return (path / "odometry.csv").is_file() and (path / "depth").is_dir()


def read(path: Path, *, sensor: str | None = None, depth_scale: float | None = None) -> DepthCapture:
    """The frames of a Stray Scanner folder; each is loaded when it is asked for: ask in ascending order.

    `sensor`: a name of `SENSORS`, None for `iphone-lidar`. `depth_scale`: units a metre, None for 1000.
    Frames without depth, or past the video's end, are left out and counted in the notes. Raises `InputError`
    where nothing is left, and for files that are missing, damaged or contradict each other.
    """
    rows = _odometry(path / "odometry.csv")
    depths = {int(p.stem): p for p in numbered_files(path / "depth", ".png", ".npy") if p.stem.isdigit()}
    trusts = {}
    if (path / "confidence").is_dir():
        trusts = {int(p.stem): p for p in numbered_files(path / "confidence", ".png") if p.stem.isdigit()}
    video = VideoFrames(path / "rgb.mp4") if (path / "rgb.mp4").is_file() else None
    kept = [row for row in rows if row.number in depths and (video is None or row.number < len(video))]
    if not kept:
        raise InputError(
            f"{path.name}: none of {len(rows)} frames of odometry.csv has depth and a picture in rgb.mp4; "
            "copy the whole folder again."
        )
    notes = []
    if left := len(rows) - len(kept):
        notes.append(f"{left} of {len(rows)} frames lack depth or colour and were left out.")
    if video is None:
        notes.append(f"There is no rgb.mp4: no colour, and intrinsics are taken to hold for {VIDEO_SIZE}.")
    size = VIDEO_SIZE if video is None else (video.width, video.height)
    common = None
    if not all(row.lens for row in kept):
        common = _camera_matrix(path / "camera_matrix.csv")
    scale = MILLIMETRES if depth_scale is None else depth_scale
    loaders, colorless = [], []
    for row in kept:
        K = _camera(row.lens or common, size, f"{path.name}, frame {row.number}")
        load = partial(
            _frame, path.name, row, depths[row.number], trusts.get(row.number), K=K, size=size, scale=scale
        )
        loaders.append(partial(load, video=video))
        colorless.append(partial(load, video=None))
    check_depths(LazyFrames(colorless), path.name, scale)  # so that the video is not decoded for it
    frames = LazyFrames(loaders)
    used = [path / "odometry.csv", *depths.values(), *trusts.values()]
    used += [p for p in (path / "rgb.mp4", path / "camera_matrix.csv") if p.is_file()]
    return DepthCapture(
        frames,
        sensor=sensor or "iphone-lidar",
        up=np.array([0.0, 1.0, 0.0]),
        sha256=digest_files(used, path),
        source=path.name,
        file_format="stray",
        notes=tuple(notes),
    )


def _frame(
    source: str,
    row: _Row,
    depth_path: Path,
    trust_path: Path | None,
    *,
    video: VideoFrames | None,
    K: F64,
    size: tuple[int, int],
    scale: float,
) -> DepthFrame:
    name = f"{source}, frame {row.number}"
    depth = (
        _npy(depth_path, scale) if depth_path.suffix == ".npy" else read_depth_png(depth_path, scale, name)
    )
    color = None if video is None else video[row.number]
    return phone_frame(name, depth, color, trust_path, LEVELS, K, size, row.pose, row.time_s)


def _npy(path: Path, scale: float) -> F32:
    try:
        if path.stat().st_size > MOST_NPY_BYTES:
            raise InputError(f"{path.name} has {path.stat().st_size} bytes; no depth picture is so large.")
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        raise InputError(f"{path.name} is damaged ({str(error)[:60]}); copy it again.") from None
    if not isinstance(values, np.ndarray) or values.ndim != 2 or values.dtype.kind not in "uif":
        raise InputError(f"{path.name} is no depth picture: it must hold numbers in rows and columns.")
    depth = values.astype(np.float32) / np.float32(scale)
    return np.where(np.isfinite(depth) & (depth > 0), depth, np.float32(0))


def _odometry(path: Path) -> list[_Row]:
    lines = [[field.strip() for field in line] for line in csv.reader(read_text(path).splitlines()) if line]
    if not lines:
        raise InputError(f"{path.name} is empty; copy the folder again.")
    names = [field.lower() for field in lines[0]]
    if "qw" in names:
        lines = lines[1:]
    elif len(names) in (7, 9) and not any(map(str.isalpha, names)):
        # Before 2021 there was no header, at first no time and number either.
        names = list(COLUMNS[-len(names) :])
    missing = [name for name in COLUMNS[2:] if name not in names]
    if missing or not lines:
        raise InputError(f"{path.name} has no column {', '.join(missing)} or no line; copy the folder again.")
    rows = []
    for k, line in enumerate(lines):
        where = f"{path.name}, line {k + 1}"
        field = dict(zip(names, line, strict=False))
        try:
            value = {name: float(field[name]) for name in COLUMNS if name in names}
            lens = (
                tuple(float(field[name]) for name in LENS) if all(field.get(name) for name in LENS) else None
            )
        except (KeyError, ValueError) as error:
            raise InputError(f"{where} is cut off or damaged ({str(error)[:60]}); copy it again.") from None
        if not all(math.isfinite(v) for v in (*value.values(), *(lens or ()))):
            raise InputError(f"{where} holds a number that is not finite; record it again.")
        quaternion, place = [value[q] for q in COLUMNS[5:]], [value[q] for q in COLUMNS[2:5]]
        pose = quaternion_pose(quaternion, place, where)
        rows.append(_Row(int(value.get("frame", k)), value.get("timestamp", k / 60), pose, lens))
    numbers = [row.number for row in rows]
    if len(set(numbers)) < len(numbers):
        twice = max(numbers, key=numbers.count)
        raise InputError(f"{path.name} tells frame {twice} twice; copy the folder again.")
    return rows


def _camera(lens: tuple[float, ...] | None, size: tuple[int, int], where: str) -> F64:
    fx, fy, cx, cy = lens or (0.0, 0.0, 0.0, 0.0)
    if fx <= 0 or fy <= 0 or not 0 < cx < size[0] or not 0 < cy < size[1]:
        raise InputError(
            f"{where}: fx, fy, cx, cy = {fx:g}, {fy:g}, {cx:g}, {cy:g} fit no picture of "
            f"{size[0]} by {size[1]} pixels; copy the folder again."
        )
    return intrinsics(fx, fy, cx, cy)


def _camera_matrix(path: Path) -> tuple[float, ...]:
    """fx, fy, cx, cy of `camera_matrix.csv`."""
    values = parse_numbers(read_text(path), path.name, 9)
    if values[1] or values[3] or values[6:] != [0, 0, 1]:
        raise InputError(f"{path.name} must hold fx, 0, cx; 0, fy, cy; 0, 0, 1; it holds {values}.")
    return values[0], values[4], values[2], values[5]
