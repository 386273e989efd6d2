"""Folders of Open3D's reconstruction system and of the Redwood data sets.

    color/ (image/, rgb/)     JPEG or PNG, aligned to the depth pictures; may be missing
    depth/                    16-bit PNG of the same names, or as many in the same order
    camera_intrinsic.json     (intrinsic.json, camera.json) width, height, intrinsic_matrix: 9 numbers, the
                              3 by 3 matrix column after column; depth_scale and device_name where
                              Open3D's recorders wrote them
    config.json               optional; depth_scale
    trajectory.log            optional (also scene/trajectory.log); five lines a frame: three numbers, the
                              first of them the frame's, then the 4 by 4 matrix world_from_camera

Units a metre: `depth_scale`, 1000 (millimetres) where nobody says. The matrix counts pixel centres at
integers (https://www.open3d.org/docs, `create_from_depth_image`; `PrimeSenseDefault` has cx 319.5 for 640
pixels), so that half a pixel is added. Colour and depth are one camera: a colour picture of another size but
the same shape is sampled at the depth's pixels; the matrix belongs to the size that it states.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bodyscan.capture.depth_color import color_on_depth
from bodyscan.capture.depth_frames import (
    LazyFrames,
    check_depths,
    check_sizes,
    digest_files,
    from_integer_centres,
    is_lost,
    numbered_files,
    parse_json,
    parse_matrix,
    parse_numbers,
    read_color,
    read_depth_png,
    read_text,
    rigid_pose,
    scaled_intrinsics,
    tracked,
)
from bodyscan.errors import InputError
from bodyscan.types import F64, DepthCapture, DepthFrame

COLOR_FOLDERS = ("color", "image", "rgb")
INTRINSIC_FILES = ("camera_intrinsic.json", "intrinsic.json", "camera.json")
TRAJECTORIES = ("trajectory.log", "scene/trajectory.log")
MILLIMETRES = 1000.0
SHAPE = 0.01
"""Share by which the shapes of two pictures of one camera may differ: sizes are rounded."""
DEVICES = (("D435", "realsense-d435"), ("Azure", "azure-kinect"), ("K4A", "azure-kinect"))
"""Names of devices in Open3D's `intrinsic.json`, and whose noise they have."""


def detect(path: Path) -> bool:
    """Whether `path` is a folder with `depth/` and a file of intrinsics."""
    return (path / "depth").is_dir() and any((path / name).is_file() for name in INTRINSIC_FILES)


def read(path: Path, *, sensor: str | None = None, depth_scale: float | None = None) -> DepthCapture:
    """Read the folder; arguments as `bodyscan.capture.depth.read_depth`. Raises `InputError`."""
    notes: list[str] = []
    depths = numbered_files(path / "depth", ".png")
    if not depths:
        raise InputError(f"{path.name}/depth holds no PNG files; record the capture again.")
    size = check_sizes(depths)
    folder = next((path / name for name in COLOR_FOLDERS if (path / name).is_dir()), None)
    colors = _colors(depths, folder, notes)
    color_size = check_sizes(colors) if colors else size
    if abs(color_size[0] * size[1] / (color_size[1] * size[0]) - 1) > SHAPE:
        raise InputError(
            f"{path.name}: colour is {color_size[0]} by {color_size[1]} pixels and depth {size[0]} by "
            f"{size[1]}; they must be one camera's picture: align colour to depth when recording."
        )
    source = next(path / name for name in INTRINSIC_FILES if (path / name).is_file())
    described = parse_json(read_text(source), source.name)
    K = _intrinsics(described, source.name, size, color_size)
    scale = depth_scale if depth_scale is not None else _scale(path, described, notes)
    device = f"{described.get('device_name', '')} {described.get('depth_mode', '')}"
    known = next((name for word, name in DEVICES if word in device), "unknown")
    trajectory = next((path / name for name in TRAJECTORIES if (path / name).is_file()), None)
    poses: list[F64 | None] = [None] * len(depths)
    if trajectory is not None:
        poses = _poses(trajectory, len(depths))
    kept = tracked(poses, [depth.name for depth in depths], notes)
    color_K = scaled_intrinsics(K, size, color_size)
    frames = LazyFrames(
        [partial(_frame, depths[k], colors[k] if colors else None, K, color_K, scale, poses[k]) for k in kept]
    )
    check_depths(frames, path.name, scale)
    files = [*depths, *colors, source, *([trajectory] if trajectory else [])]
    files += [p for p in [path / "config.json"] if p.is_file()]
    return DepthCapture(
        frames=frames,
        sensor=sensor or known,
        sha256=digest_files(files, path),
        source=path.name,
        file_format="open3d",
        notes=tuple(notes),
    )


def _frame(
    depth_path: Path, color_path: Path | None, K: F64, color_K: F64, scale: float, pose: F64 | None
) -> DepthFrame:
    depth = read_depth_png(depth_path, scale)
    color = None if color_path is None else color_on_depth(depth, K, read_color(color_path), color_K)[0]
    return DepthFrame(depth, K, color, world_from_camera=pose, name=depth_path.name)


def _colors(depths: list[Path], folder: Path | None, notes: list[str]) -> list[Path]:
    """The colour picture of each depth picture: of the same name, else of the same rank."""
    colors = [] if folder is None else numbered_files(folder, ".png", ".jpg", ".jpeg")
    if folder is None or not colors:
        notes.append("There are no colour pictures.")
        return []
    by_stem = {color.stem: color for color in colors}
    missing = [depth for depth in depths if depth.stem not in by_stem]
    if not missing:
        stems = {depth.stem for depth in depths}
        alone = [color for color in colors if color.stem not in stems]
        if alone:
            raise InputError(
                f"depth/ holds no picture for {folder.name}/{alone[0].name} ({len(alone)} of {len(colors)} "
                "colour pictures have none); copy them there, or take those colour pictures away."
            )
        return [by_stem[depth.stem] for depth in depths]
    if len(missing) == len(depths) and len(colors) == len(depths):
        return colors
    raise InputError(
        f"{folder.name}/ holds no picture for {missing[0].name} ({len(missing)} of {len(depths)} depth "
        "pictures have none); copy them there, or take those depth pictures away."
    )


def _intrinsics(described: Any, name: str, size: tuple[int, int], color_size: tuple[int, int]) -> F64:
    try:
        columns = np.array(described["intrinsic_matrix"], np.float64).reshape(3, 3)
        own = int(described["width"]), int(described["height"])
    except (KeyError, TypeError, ValueError):
        raise InputError(f"{name} must hold width, height and intrinsic_matrix, 9 numbers.") from None
    K = columns.T
    if not np.isfinite(K).all() or tuple(K[2]) != (0.0, 0.0, 1.0):
        raise InputError(f"{name}: intrinsic_matrix must be a 3 by 3 matrix, column after column.")
    if own not in (size, color_size):
        raise InputError(
            f"{name} is for {own[0]} by {own[1]} pixels and the depth pictures are {size[0]} by "
            f"{size[1]}; give the intrinsics of these pictures."
        )
    return scaled_intrinsics(from_integer_centres(K), own, size)


def _scale(path: Path, described: dict[str, Any], notes: list[str]) -> float:
    config = path / "config.json"
    sources = [(described, "the intrinsics")]
    if config.is_file():
        sources.insert(0, (parse_json(read_text(config), config.name), config.name))
    for source, name in sources:
        value = source.get("depth_scale") if isinstance(source, dict) else None
        if isinstance(value, int | float) and value > 0:
            return float(value)
        if value is not None:
            raise InputError(f"{path.name}: depth_scale of {name} is {value!r}; it must be above 0.")
    notes.append("Nothing tells the depths' unit: millimetres were assumed.")
    return MILLIMETRES


def _poses(path: Path, count: int) -> list[F64 | None]:
    """The pose of each frame: one a frame in order, or by the numbers before the matrices."""
    lines = [line for line in read_text(path).splitlines() if line.strip()]
    if len(lines) % 5:
        raise InputError(f"{path.name} has {len(lines)} lines; it must have five a frame: copy it again.")
    numbers, poses = [], []
    for k in range(0, len(lines), 5):
        where = f"{path.name}, pose {k // 5}"
        head = parse_numbers(lines[k], where)
        if not head or head[0] != int(head[0]):
            raise InputError(f"{where}: the first line must begin with the frame's number.")
        matrix = parse_matrix(" ".join(lines[k + 1 : k + 5]), where)
        numbers.append(int(head[0]))
        poses.append(None if is_lost(matrix) else rigid_pose(matrix, where))
    if len(poses) == count:
        return poses
    if len(poses) > count or len(set(numbers)) < len(numbers) or not all(0 <= k < count for k in numbers):
        raise InputError(
            f"{path.name} has {len(poses)} poses and there are {count} frames; there must be one a frame, or "
            "their first lines must begin with the frames' numbers."
        )
    found = dict(zip(numbers, poses, strict=True))
    return [found.get(k) for k in range(count)]
