"""Folders of the TUM RGB-D benchmark (Sturm et al., IROS 2012) and what imitates them.

    depth.txt, rgb.txt     a line a picture: seconds, file; `#` begins a comment. rgb.txt may be missing
    associations.txt       in their place: seconds, file, seconds, file; one file has `depth` in its path
    groundtruth.txt        optional: seconds, tx ty tz, qx qy qz qw: world_from_camera
    camera.txt             (calibration.txt, intrinsics.txt) optional: fx fy cx cy, then k1 k2 p1 p2 (k3) of
                           the lens where it bends; or the 3 by 3 matrix

16-bit PNG, 5000 units a metre, 0 is none; depth is registered to colour pixel by pixel, so that both are one
camera (https://cvg.cit.tum.de/data/datasets/rgbd-dataset/file_formats). Pixel centres are counted at
integers: half a pixel is added. Each depth picture takes the colour and the pose nearest in time, within
20 ms; frames that miss one while others have it are left out, with a note.

Without a file of intrinsics the folder's name decides: freiburg1 and freiburg2 have the published
calibration, its distortion taken out of both pictures (the nearest pixel for depth); freiburg3 was published
straightened. Any other folder has the drivers' default of 525, 525, 319.5, 239.5 for 640 by 480 pixels, with
a note.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import partial
from pathlib import Path

import numpy as np

from bodyscan.capture.depth_color import color_on_depth, undistorted_depth
from bodyscan.capture.depth_frames import (
    LazyFrames,
    check_depths,
    check_sizes,
    digest_files,
    from_integer_centres,
    intrinsics,
    is_lost,
    parse_numbers,
    quaternion_pose,
    read_color,
    read_depth_png,
    read_text,
    scaled_intrinsics,
    tracked,
)
from bodyscan.capture.photos_shot import inside_folder
from bodyscan.capture.undistort import Distortion
from bodyscan.errors import InputError
from bodyscan.types import F64, DepthCapture, DepthFrame

UNITS = 5000.0
NEAR_S = 0.020
"""Seconds that two entries may lie apart and still belong together, as in the benchmark's `associate.py`."""
INTRINSIC_FILES = ("camera.txt", "calibration.txt", "intrinsics.txt")
DEFAULT = (525.0, 525.0, 319.5, 239.5)
DEFAULT_SIZE = (640, 480)
PUBLISHED = {
    "freiburg1": ((517.3, 516.5, 318.6, 255.3), Distortion(0.2624, -0.9531, -0.0054, 0.0026, 1.1633)),
    "freiburg2": ((520.9, 521.0, 325.1, 249.7), Distortion(0.2312, -0.7849, -0.0033, -0.0001, 0.9172)),
    "freiburg3": ((535.4, 539.2, 320.1, 247.6), Distortion()),
}
"""fx, fy, cx, cy and the lens, of the benchmark's page on file formats."""

_Stamped = tuple[float, Path]


def detect(path: Path) -> bool:
    """Whether `path` is a folder with `depth.txt` or `associations.txt`."""
    return any((path / name).is_file() for name in ("depth.txt", "associations.txt"))


def read(path: Path, *, sensor: str | None = None, depth_scale: float | None = None) -> DepthCapture:
    """Read the folder; arguments as `bodyscan.capture.depth.read_depth`. Raises `InputError`."""
    notes: list[str] = []
    used = [path / name for name in ("depth.txt", "rgb.txt", "associations.txt", "groundtruth.txt")]
    if (path / "associations.txt").is_file():
        depths, colors = _associations(path)
    else:
        depths = _listed(path / "depth.txt")
        colors = _listed(path / "rgb.txt") if (path / "rgb.txt").is_file() else []
    if not depths:
        raise InputError(f"{path.name} lists no depth pictures; record the capture again.")
    if not colors:
        notes.append("There are no colour pictures.")
    depths, pairs = _with_colors(depths, colors, notes)
    poses: list[F64 | None] = [None] * len(depths)
    if (path / "groundtruth.txt").is_file():
        poses = _poses(path / "groundtruth.txt", [stamp for stamp, _ in depths], notes)
    kept = tracked(poses, [file.name for _, file in depths], notes)
    size = check_sizes(file for _, file in depths)
    color_size = check_sizes(file for file in pairs if file is not None) if colors else size
    K, lens = _camera(path, size, notes)
    used += [path / name for name in INTRINSIC_FILES]
    color_K, scale = scaled_intrinsics(K, size, color_size), depth_scale or UNITS
    frames = LazyFrames(
        [partial(_frame, depths[k], depths[0][0], pairs[k], K, color_K, lens, scale, poses[k]) for k in kept]
    )
    check_depths(frames, path.name, scale)
    files = {file for _, file in depths} | {file for file in pairs if file is not None}
    return DepthCapture(
        frames=frames,
        sensor=sensor or "kinect-v1",
        sha256=digest_files([*files, *(file for file in used if file.is_file())], path),
        source=path.name,
        file_format="tum",
        notes=tuple(notes),
    )


def _frame(
    depth: _Stamped,
    start: float,
    color_path: Path | None,
    K: F64,
    color_K: F64,
    lens: Distortion,
    scale: float,
    pose: F64 | None,
) -> DepthFrame:
    depth_m = undistorted_depth(read_depth_png(depth[1], scale), K, lens)
    color = None
    if color_path is not None:
        color = color_on_depth(depth_m, K, read_color(color_path), color_K, lens=lens)[0]
    stamp = round(depth[0] - start, 6)
    return DepthFrame(depth_m, K, color, world_from_camera=pose, time_s=stamp, name=depth[1].name)


def _rows(path: Path) -> list[tuple[str, list[str]]]:
    """Words of each line that is no comment, and what to call it."""
    lines = enumerate(read_text(path).splitlines(), start=1)
    return [
        (f"{path.name}, line {k}", line.replace(",", " ").split())
        for k, line in lines
        if line.strip() and not line.lstrip().startswith("#")
    ]


def _stamped(folder: Path, stamp: str, file: str, where: str) -> _Stamped:
    (seconds,) = parse_numbers(stamp, where, 1)
    if not np.isfinite(seconds):
        raise InputError(f"{where}: {stamp} is no time in seconds; write the list again.")
    inside_folder(folder, file, where)
    return seconds, folder / file


def _listed(path: Path) -> list[_Stamped]:
    found = []
    for where, words in _rows(path):
        if len(words) != 2:
            raise InputError(f"{where}: a line must be a time in seconds and a file; write the list again.")
        found.append(_stamped(path.parent, words[0], words[1], where))
    return sorted(found)


def _associations(path: Path) -> tuple[list[_Stamped], list[_Stamped]]:
    depths, colors = [], []
    for where, words in _rows(path / "associations.txt"):
        named = ["depth" in word.lower() for word in words[1::2]]
        if len(words) != 4 or named[0] == named[1]:
            raise InputError(
                f"{where}: a line must be seconds, file, seconds, file, one file with `depth` in its path."
            )
        first, second = (_stamped(path, words[k], words[k + 1], where) for k in (0, 2))
        depths.append(first if named[0] else second)
        colors.append(second if named[0] else first)
    return sorted(depths), sorted(colors)


def _nearest(stamps: list[float], wanted: float) -> int | None:
    """The place in sorted `stamps` of the one nearest to `wanted`, None beyond `NEAR_S`."""
    at = bisect_left(stamps, wanted)
    best = min((k for k in (at - 1, at) if 0 <= k < len(stamps)), key=lambda k: abs(stamps[k] - wanted))
    return best if abs(stamps[best] - wanted) <= NEAR_S else None


def _with_colors(
    depths: list[_Stamped], colors: list[_Stamped], notes: list[str]
) -> tuple[list[_Stamped], list[Path | None]]:
    if not colors:
        return depths, [None] * len(depths)
    stamps = [stamp for stamp, _ in colors]
    found = [_nearest(stamps, stamp) for stamp, _ in depths]
    kept = [(depth, colors[k][1]) for depth, k in zip(depths, found, strict=True) if k is not None]
    if not kept:
        raise InputError(
            f"No depth picture has a colour picture within {1000 * NEAR_S:.0f} ms; the lists of times do not "
            "belong together."
        )
    if len(kept) < len(depths):
        first = next(depth[1].name for depth, k in zip(depths, found, strict=True) if k is None)
        notes.append(
            f"{len(depths) - len(kept)} of {len(depths)} depth pictures have no colour within "
            f"{1000 * NEAR_S:.0f} ms and were left out, {first} first."
        )
    return [depth for depth, _ in kept], [color for _, color in kept]


def _poses(path: Path, wanted: list[float], notes: list[str]) -> list[F64 | None]:
    rows = []
    for where, words in _rows(path):
        stamp, *numbers = parse_numbers(" ".join(words), where, 8)
        rows.append((stamp, numbers, where))
    rows.sort(key=lambda row: row[0])
    stamps = [row[0] for row in rows]
    if not np.isfinite(stamps).all():
        raise InputError(f"{path.name} holds a time that is no number of seconds; write it again.")
    poses: list[F64 | None] = []
    for stamp in wanted:
        k = _nearest(stamps, stamp) if stamps else None
        if k is None or is_lost(np.array(rows[k][1][3:])):
            poses.append(None)
            continue
        poses.append(quaternion_pose(rows[k][1][3:], rows[k][1][:3], rows[k][2]))
    if not any(pose is not None for pose in poses):
        notes.append(f"{path.name} has no pose within {1000 * NEAR_S:.0f} ms of a depth picture.")
    return poses


def _camera(path: Path, size: tuple[int, int], notes: list[str]) -> tuple[F64, Distortion]:
    """Intrinsics, pixel centres at halves, and the lens."""
    file = next((path / name for name in INTRINSIC_FILES if (path / name).is_file()), None)
    if file is not None:
        numbers = parse_numbers(" ".join(word for _, words in _rows(file) for word in words), file.name)
        lens = Distortion()
        if len(numbers) == 9 and numbers[6:] == [0.0, 0.0, 1.0]:
            numbers = [numbers[0], numbers[4], numbers[2], numbers[5]]
        elif len(numbers) in (8, 9):
            lens = Distortion(*numbers[4:])
        elif len(numbers) != 4:
            raise InputError(f"{file.name} must hold fx fy cx cy, and k1 k2 p1 p2 k3 where the lens bends.")
        return from_integer_centres(intrinsics(*numbers[:4])), lens
    resolved = path.resolve().name.lower()
    name = next((name for name in PUBLISHED if name in resolved), None)
    numbers, lens = PUBLISHED[name] if name is not None else (DEFAULT, Distortion())
    whose = f"the published ones of {name}" if name is not None else "the drivers' default"
    notes.append(f"There is no camera.txt: the intrinsics are {whose} ({', '.join(map(str, numbers))}).")
    if abs(size[0] * DEFAULT_SIZE[1] / (size[1] * DEFAULT_SIZE[0]) - 1) > 0.01:
        raise InputError(
            f"{path.name} has no camera.txt, and its pictures of {size[0]} by {size[1]} pixels are no "
            "Kinect's; write fx fy cx cy into camera.txt."
        )
    return scaled_intrinsics(from_integer_centres(intrinsics(*numbers)), DEFAULT_SIZE, size), lens
