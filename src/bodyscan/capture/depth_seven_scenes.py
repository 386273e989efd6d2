"""Folders as Microsoft's 7-Scenes has them, with the `info.txt` of BundleFusion, ScanNet's reader and 3RScan.

    frame-000000.depth.png    16-bit PNG, millimetres (or `m_depthShift` units a metre), 0 and 65535 are none
    frame-000000.color.png    (.jpg) colour; may be missing
    frame-000000.pose.txt     4 by 4 matrix world_from_camera, metres, of the depth camera; may be missing
    info.txt                  (_info.txt) optional, `name = value`: m_depthWidth, m_depthHeight, m_colorWidth,
                              m_colorHeight, m_depthShift, m_calibrationDepthIntrinsic,
                              m_calibrationColorIntrinsic, m_calibrationDepthExtrinsic and
                              m_calibrationColorExtrinsic, 4 by 4 matrices, row after row

With `info.txt` colour is looked up by its calibration; an extrinsic matrix takes points of its camera to what
both have in common. Without it the data set's own statement holds (Shotton et al., CVPR 2013, README): the
depth camera has 585, 585, 320, 240 for 640 by 480 pixels, and colour was not calibrated. Colour is then put
on the depth by a Kinect's nominal geometry, 525 pixels and 25 mm to the right, a few pixels off; a note says
so. All numbers count pixel centres at integers: half a pixel is added.

A tracker that lost its place wrote NaN or infinity as the pose: those frames are left out with a note, or,
where no frame has a pose, all frames count as without.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from bodyscan.capture.depth_color import color_on_depth
from bodyscan.capture.depth_frames import (
    LazyFrames,
    check_depths,
    check_sizes,
    digest_files,
    from_integer_centres,
    intrinsics,
    is_lost,
    numbered_files,
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

DEPTH, POSE, COLORS = ".depth.png", ".pose.txt", (".color.png", ".color.jpg", ".color.jpeg")
INFO_FILES = ("info.txt", "_info.txt")
MILLIMETRES = 1000.0
NOMINAL_SIZE = (640, 480)
NOMINAL_DEPTH = (585.0, 585.0, 320.0, 240.0)
NOMINAL_COLOR = (525.0, 525.0, 320.0, 240.0)
NOMINAL_BASELINE_M = 0.025
"""Metres from a Kinect's infrared camera to its colour camera, along +X."""

_Cameras = tuple[F64, F64, F64 | None]


def detect(path: Path) -> bool:
    """Whether `path` is a folder with `frame-*.depth.png`."""
    return path.is_dir() and next(path.glob(f"frame-*{DEPTH}"), None) is not None


def read(path: Path, *, sensor: str | None = None, depth_scale: float | None = None) -> DepthCapture:
    """Read the folder; arguments as `bodyscan.capture.depth.read_depth`. Raises `InputError`."""
    notes: list[str] = []
    depths = [file for file in numbered_files(path, DEPTH) if file.name.startswith("frame-")]
    stems = [file.name[: -len(DEPTH)] for file in depths]
    alone = [f for f in numbered_files(path, POSE, *COLORS) if f.name.split(".")[0] not in stems]
    if alone:
        raise InputError(f"{alone[0].name} has no depth picture beside it; copy it there, or take it away.")
    colors = _beside(path, stems, COLORS, "colour")
    poses_at = _beside(path, stems, (POSE,), "pose")
    if not colors:
        notes.append("There are no colour pictures.")
    size = check_sizes(depths)
    color_size = check_sizes(colors) if colors else size
    info_file = next((path / name for name in INFO_FILES if (path / name).is_file()), None)
    scale = MILLIMETRES
    if info_file is None:
        cameras = _nominal(path.name, size, color_size, notes)
    else:
        info = _info(info_file)
        cameras = _calibrated(info, info_file.name, size, color_size)
        if "m_depthShift" in info:
            (scale,) = parse_numbers(info["m_depthShift"], f"{info_file.name}, m_depthShift", 1)
            if not scale > 0:
                raise InputError(f"{info_file.name}: m_depthShift is {scale:g}; it must be above 0.")
    scale = depth_scale or scale
    poses: list[F64 | None] = [None] * len(depths)
    for k, file in enumerate(poses_at):
        matrix = parse_matrix(read_text(file), file.name)
        poses[k] = None if is_lost(matrix) else rigid_pose(matrix, file.name)
    kept = tracked(poses, stems, notes)
    if poses_at and poses[kept[0]] is None:
        notes.append("The tracker lost its place in every frame: no pose is known.")
    frames = LazyFrames(
        [partial(_frame, depths[k], colors[k] if colors else None, cameras, scale, poses[k]) for k in kept]
    )
    check_depths(frames, path.name, scale)
    files = [*depths, *colors, *poses_at, *([info_file] if info_file else [])]
    return DepthCapture(
        frames=frames,
        sensor=sensor or ("kinect-v1" if info_file is None else "unknown"),
        sha256=digest_files(files, path),
        source=path.name,
        file_format="seven-scenes",
        notes=tuple(notes),
    )


def _frame(
    depth_path: Path, color_path: Path | None, cameras: _Cameras, scale: float, pose: F64 | None
) -> DepthFrame:
    K, color_K, color_from_depth = cameras
    depth = read_depth_png(depth_path, scale)
    color = None
    if color_path is not None:
        color = color_on_depth(depth, K, read_color(color_path), color_K, color_from_depth)[0]
    return DepthFrame(depth, K, color, world_from_camera=pose, name=depth_path.name)


def _beside(path: Path, stems: list[str], endings: tuple[str, ...], kind: str) -> list[Path]:
    """The file of each frame, or none at all; `InputError` where only some frames have theirs."""
    found = [
        next((file for ending in endings if (file := path / f"{stem}{ending}").is_file()), None)
        for stem in stems
    ]
    files = [file for file in found if file is not None]
    if files and len(files) < len(stems):
        first = stems[found.index(None)]
        raise InputError(
            f"{first} has no {kind} ({first}{endings[0]}), and {len(files)} other frames have one; copy it "
            "there, or take that frame away."
        )
    return files


def _nominal(name: str, size: tuple[int, int], color_size: tuple[int, int], notes: list[str]) -> _Cameras:
    for one, kind in ((size, "depth"), (color_size, "colour")):
        if abs(one[0] * NOMINAL_SIZE[1] / (one[1] * NOMINAL_SIZE[0]) - 1) > 0.01:
            raise InputError(
                f"{name} has no info.txt, and its {kind} pictures of {one[0]} by {one[1]} pixels are no "
                "Kinect's; put an info.txt with m_calibrationDepthIntrinsic there."
            )
    notes.append(
        "There is no info.txt: a Kinect's nominal cameras were assumed (depth 585, colour 525 pixels); "
        "colours lie a few pixels off."
    )
    shift = np.eye(4)
    shift[0, 3] = -NOMINAL_BASELINE_M
    return (
        scaled_intrinsics(from_integer_centres(intrinsics(*NOMINAL_DEPTH)), NOMINAL_SIZE, size),
        scaled_intrinsics(from_integer_centres(intrinsics(*NOMINAL_COLOR)), NOMINAL_SIZE, color_size),
        shift,
    )


def _info(path: Path) -> dict[str, str]:
    pairs = (line.split("=", 1) for line in read_text(path).splitlines() if "=" in line)
    return {key.strip(): value.strip() for key, value in pairs}


def _calibrated(
    info: dict[str, str], source: str, size: tuple[int, int], color_size: tuple[int, int]
) -> _Cameras:
    K = _intrinsics(info, source, "Depth", size)
    if "m_calibrationColorIntrinsic" in info:
        color_K = _intrinsics(info, source, "Color", color_size)
    else:
        color_K = scaled_intrinsics(K, size, color_size)
    common = [
        rigid_pose(parse_matrix(info[key], f"{source}, {key}"), f"{source}, {key}") if key in info else None
        for key in ("m_calibrationColorExtrinsic", "m_calibrationDepthExtrinsic")
    ]
    color, depth = (np.eye(4) if matrix is None else matrix for matrix in common)
    relative = np.linalg.inv(color) @ depth
    return K, color_K, None if np.allclose(relative, np.eye(4), atol=1e-9) else relative


def _intrinsics(info: dict[str, str], source: str, kind: str, size: tuple[int, int]) -> F64:
    key = f"m_calibration{kind}Intrinsic"
    if key not in info:
        raise InputError(f"{source} must hold {key}; export it again.")
    values = parse_numbers(info[key], f"{source}, {key}")
    side = {9: 3, 16: 4}.get(len(values))
    if side is None:
        raise InputError(f"{source}: {key} must hold a 4 by 4 matrix, 16 numbers; it holds {len(values)}.")
    K = np.array(values).reshape(side, side)[:3, :3]
    own = size
    names = f"m_{kind.lower()}Width", f"m_{kind.lower()}Height"
    if all(name in info for name in names):
        width, height = (parse_numbers(info[name], f"{source}, {name}", 1)[0] for name in names)
        own = int(width), int(height)
    if own != size:
        raise InputError(
            f"{source} says that {kind.lower()} pictures are {own[0]} by {own[1]} pixels, and they are "
            f"{size[0]} by {size[1]}; give the info.txt of these pictures."
        )
    return from_integer_centres(intrinsics(K[0, 0], K[1, 1], K[0, 2], K[1, 2]))
