"""Organised point clouds: PCD or PLY files whose points lie in the rows and columns of a depth picture.

Recognised by their headers: PCD with HEIGHT above 1 (PCL's file format 0.7; ascii, binary,
binary_compressed); PLY with `num_cols` and `num_rows`, or `width` and `height`, in `obj_info` or `comment`
lines (Stanford's range grids, whose element `range_grid` names the vertex of each cell, or one vertex a
cell). A path is one such file, or a folder of them: frames of one camera, in the order of the numbers in
their names.

The file holds points, not the camera: the picture is got back from them. For a pinhole, column = fx x / z +
cx and row = fy y / z + cy, two lines that least squares find. Where the worst hundredth of the points misses
its pixel by more than 1 px, the cloud is no picture of a pinhole (a laser scan, a cloud that was turned or
filtered) and is refused. PCL's clouds of a Kinect gave 525 px, centres at integers about 319.5 and 239.5,
and misses under 0.001 px.

Axes: +X right, +Y down, +Z ahead (PCL's), or +Y up and -Z ahead (OpenGL's), told by the sign of z. Unit:
metres, or millimetres where the median depth is above 200. Cells with NaN or z = 0 hold nothing. Colour:
PCD's `rgb` or `rgba`, PLY's red, green, blue. Poses: PCD's VIEWPOINT where the files' differ; where all are
one (PCL's grabbers write a constant turn for the viewer), none are known. Gravity is not told: `up` is None.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bodyscan.capture.colors import to_srgb_u8
from bodyscan.capture.depth_frames import (
    LazyFrames,
    check_depths,
    digest_files,
    numbered_files,
    parse_numbers,
    quaternion_pose,
)
from bodyscan.capture.pcd import pcd_header, read_pcd
from bodyscan.capture.ply import RGB, pick, ply_columns
from bodyscan.errors import InputError
from bodyscan.types import F32, F64, U8, Bool, DepthCapture, DepthFrame

MOST_PX = 1.0
"""How far from its pixel a point may lie."""
WORST = 0.99
"""The share of points that must lie within it."""
FEWEST_POINTS = 100
LEAST_SPREAD = 0.02
"""Of the picture's width and height, that the points must fill for a camera to be found."""
MOST_POINTS = 20_000_000
FARTHEST, NEAREST = 1e6, 1e-3
"""Largest coordinate, in whatever unit, and least depth of a point."""
METRES_TO_MM = 200.0
"""Median depth above which the unit is millimetres: no depth camera sees 200 m."""
FLIP = np.array([1.0, -1.0, -1.0])
"""OpenGL's axes in OpenCV's."""
KINECT = (640, 480, 525.0)
"""Width, height and focal length (px) that PCL assumes for a Kinect v1 or an Xtion."""


@dataclass(frozen=True, eq=False)
class _Grid:
    """Points in rows and columns, as the file has them."""

    points: F64
    """(H, W, 3), NaN for nothing."""
    colors: U8 | None


def detect(path: Path) -> bool:
    """Whether a path is an organised cloud, or a folder that holds one."""
    return any(_organised(p) is not None for p in _files(path))


def read(path: Path, *, sensor: str | None = None, depth_scale: float | None = None) -> DepthCapture:
    """The depth pictures of organised clouds; each is loaded when it is asked for.

    `sensor`: a name of `SENSORS`, None for what the camera tells. `depth_scale`: units a metre, None for what
    the numbers tell. Raises `InputError` for a file that is damaged, not organised, of another size or camera
    than the first, or no picture of a pinhole.
    """
    files = _files(path)
    sizes = [_organised(p) for p in files]
    if not files or sizes[0] is None:
        name = files[0].name if files else path.name
        raise InputError(f"{name} is no organised cloud: it has no rows and columns. Give depth pictures.")
    for file, size in zip(files, sizes, strict=True):
        if size != sizes[0]:
            told = "no rows and columns" if size is None else f"{size[0]} by {size[1]} points"
            raise InputError(
                f"{file.name} has {told}, {files[0].name} {sizes[0][0]} by {sizes[0][1]}; all must have "
                "one size: put the others in a folder of their own."
            )
    first = _load(files[0], sizes[0])
    points, flipped = _upright(first.points, files[0].name)
    K = _camera(points, files[0].name)
    median = float(np.nanmedian(points[..., 2]))
    scale = depth_scale or (1000.0 if median > METRES_TO_MM else 1.0)
    notes = [f"Intrinsics were found from the points: fx {K[0, 0]:.2f}, fy {K[1, 1]:.2f} px."]
    if depth_scale is None and scale > 1:
        notes.append("The points are taken to be in millimetres.")
    if flipped:
        notes.append("The points have OpenGL's axes (Y up, looking along -Z) and were turned.")
    poses = _poses(files, scale)
    loaders = [
        partial(_frame, file, sizes[0], K, scale, pose) for file, pose in zip(files, poses, strict=True)
    ]
    frames = LazyFrames(loaders)
    check_depths(frames, path.name, scale)
    if sensor is None and (sizes[0] == KINECT[:2] and abs(K[0, 0] / KINECT[2] - 1) < 1e-3):
        sensor = "kinect-v1"
        notes.append("640 by 480 points at 525 px are PCL's camera for a Kinect v1: its noise is assumed.")
    return DepthCapture(
        frames,
        sensor=sensor or "unknown",
        sha256=digest_files(files, path if path.is_dir() else path.parent),
        source=path.name,
        file_format="clouds",
        notes=tuple(notes),
    )


def _frame(path: Path, size: tuple[int, int], K: F64, scale: float, pose: F64 | None) -> DepthFrame:
    grid = _load(path, size)
    points, _ = _upright(grid.points, path.name)
    _require_pinhole(points, K, path.name)
    depth: F32 = np.where(_known(points), points[..., 2] / scale, 0).astype(np.float32)
    return DepthFrame(depth, K, grid.colors, None, pose, None, name=path.name, camera="cloud")


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return numbered_files(path, ".pcd", ".ply")
    return [path] if path.is_file() and path.suffix.lower() in (".pcd", ".ply") else []


def _organised(path: Path) -> tuple[int, int] | None:
    """Columns and rows that a header tells; None where it tells none, or one row."""
    head = pcd_header(path)  # a PLY file's is text as well
    if path.suffix.lower() == ".pcd":
        width, height = re.search(r"(?m)^WIDTH\s+(\d+)", head), re.search(r"(?m)^HEIGHT\s+(\d+)", head)
    else:
        head = head.partition("end_header")[0]
        line = r"(?m)^(?:obj_info|comment)\s+(?:{})\s*[:=]?\s*(\d+)\s*$"
        width = re.search(line.format("num_cols|width"), head)
        height = re.search(line.format("num_rows|height"), head)
    if width is None or height is None or int(height[1]) < 2 or int(width[1]) < 2:
        return None
    return int(width[1]), int(height[1])


def _load(path: Path, size: tuple[int, int]) -> _Grid:
    width, height = size
    if width * height > MOST_POINTS:
        raise InputError(f"{path.name} claims {width} by {height} points; no depth camera has so many.")
    grid = _load_pcd(path) if path.suffix.lower() == ".pcd" else _load_ply(path, width * height)
    if len(grid.points) != width * height:
        raise InputError(
            f"{path.name} has {len(grid.points)} points and not {width} by {height}, as its header says; "
            "export it again."
        )
    points = np.where(np.isfinite(grid.points).all(axis=1, keepdims=True), grid.points, np.nan)
    if np.abs(np.nan_to_num(points)).max(initial=0) > FARTHEST:
        raise InputError(f"{path.name} holds points beyond {FARTHEST:g}; it is damaged: export it again.")
    colors = None if grid.colors is None else grid.colors.reshape(height, width, 3)
    return _Grid(points.reshape(height, width, 3), colors)


def _load_pcd(path: Path) -> _Grid:
    (part,) = read_pcd(path).parts
    return _Grid(part.vertices, part.colors)


def _load_ply(path: Path, cells: int) -> _Grid:
    try:
        columns, _ = ply_columns(path)
    except (KeyError, IndexError, ValueError, TypeError, OverflowError) as error:
        raise InputError(
            f"{path.name} is no PLY file that can be read ({str(error)[:60]}); export it again."
        ) from None
    vertex = columns.get("vertex", {})
    points = pick(vertex, ("x", "y", "z"))
    if points is None:
        raise InputError(f"{path.name} has no vertex positions: the properties x, y, z are missing.")
    rgb = pick(vertex, *RGB)
    points, colors = points.astype(np.float64), None if rgb is None else to_srgb_u8(rgb)
    cell = columns.get("range_grid", {}).get("vertex_indices")
    if cell is None:
        return _Grid(points, colors)
    counts, flat = np.asarray(cell.counts), np.asarray(cell.flat, np.int64)
    inside = bool(((flat >= 0) & (flat < len(points))).all())
    if len(counts) != cells or counts.max(initial=0) > 1 or not inside:
        raise InputError(
            f"{path.name}: the range grid must have {cells} cells of at most one vertex; export again."
        )
    spread: F64 = np.full((cells, 3), np.nan)
    spread[counts == 1] = points[flat]
    painted = None
    if colors is not None:
        painted = np.zeros((cells, 3), np.uint8)
        painted[counts == 1] = colors[flat]
    return _Grid(spread, painted)


def _known(points: F64) -> Bool:
    """(H, W) cells that hold a point ahead of the camera."""
    return points[..., 2] > NEAREST


def _upright(points: F64, name: str) -> tuple[F64, bool]:
    """Points in OpenCV's axes, NaN for nothing, and whether they were in OpenGL's."""
    z = points[..., 2]
    points = np.where((z != 0)[..., None], points, np.nan)
    ahead, behind = int((z > 0).sum()), int((z < 0).sum())
    if ahead and behind:
        raise InputError(
            f"{name}: {min(ahead, behind)} of {ahead + behind} points lie behind the camera; the cloud was "
            "turned or moved. Give it as the camera saw it."
        )
    return (points * FLIP, True) if behind else (points, False)


def _camera(points: F64, name: str) -> F64:
    """Intrinsics (3, 3), pixel centres at halves, of the pinhole that saw the points (H, W, 3)."""
    row, column = np.nonzero(_known(points))
    seen = points[row, column]
    height, width = points.shape[:2]
    if (
        len(seen) < FEWEST_POINTS
        or np.ptp(row) < LEAST_SPREAD * height
        or np.ptp(column) < LEAST_SPREAD * width
    ):
        raise InputError(f"{name} has too few points ({len(seen)}) to find its camera; record it again.")
    K = np.eye(3)
    for axis, place in ((0, column + 0.5), (1, row + 0.5)):
        slope = np.stack([seen[:, axis] / seen[:, 2], np.ones(len(seen))], axis=1)
        K[axis, axis], K[axis, 2] = np.linalg.lstsq(slope, place, rcond=None)[0]
    if K[0, 0] <= 0 or K[1, 1] <= 0:
        raise InputError(
            f"{name}: its points are mirrored in its rows or columns (fx {K[0, 0]:.4g}, fy {K[1, 1]:.4g}); "
            "give it as the camera saw it, +X right and +Y down."
        )
    _require_pinhole(points, K, name)
    return K


def _require_pinhole(points: F64, K: F64, name: str) -> None:
    row, column = np.nonzero(_known(points))
    if not len(row):
        return
    seen = points[row, column]
    miss_x = K[0, 0] * seen[:, 0] / seen[:, 2] + K[0, 2] - (column + 0.5)
    miss_y = K[1, 1] * seen[:, 1] / seen[:, 2] + K[1, 2] - (row + 0.5)
    miss = float(np.quantile(np.maximum(np.abs(miss_x), np.abs(miss_y)), WORST))
    if not miss <= MOST_PX:
        raise InputError(
            f"{name} is no depth picture of a pinhole camera, or of another than the first: its points miss "
            f"their pixels by {miss:.3g} px. Give the cloud as the camera saw it, or a fused one as a scan."
        )


def _poses(files: list[Path], scale: float) -> list[F64] | list[None]:
    """World from camera by PCD's VIEWPOINT (tx ty tz qw qx qy qz), where the files' differ."""
    found: list[Any] = []
    for file in files:
        line = (
            re.search(r"(?m)^VIEWPOINT\s+([^\r\n]+)", pcd_header(file))
            if file.suffix.lower() == ".pcd"
            else None
        )
        if line is None:
            return [None] * len(files)
        found.append(parse_numbers(line[1], f"{file.name}: VIEWPOINT", 7))
    if len({tuple(values) for values in found}) < 2:
        return [None] * len(files)
    return [
        quaternion_pose([*v[4:], v[3]], np.array(v[:3]) / scale, f"{file.name}: VIEWPOINT")
        for v, file in zip(found, files, strict=True)
    ]
