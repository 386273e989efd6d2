"""`read_depth`: what a depth camera or a scanning app wrote -> `DepthCapture`. One file a format."""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bodyscan.errors import BodyscanError, InputError
from bodyscan.types import SENSORS, DepthCapture


@dataclass(frozen=True)
class DepthFormat:
    """A format of depth captures and the file that reads it."""

    name: str
    """As in `DepthCapture.file_format`."""
    module: str
    """Module of `bodyscan.capture` with `detect(path) -> bool` and `read(path, *, sensor, depth_scale)`."""
    holds: str
    """What it is known by, for people."""


FORMATS: tuple[DepthFormat, ...] = (
    DepthFormat("cameras", "depth_cameras", "a folder with capture.json"),
    DepthFormat("open3d", "depth_open3d", "color/, depth/ and camera_intrinsic.json"),
    DepthFormat("tum", "depth_tum", "depth.txt and rgb.txt, or associations.txt"),
    DepthFormat("seven-scenes", "depth_seven_scenes", "frame-000000.depth.png, .color.png, .pose.txt"),
    DepthFormat("record3d", "depth_record3d", "a .r3d file"),
    DepthFormat("stray", "depth_stray", "rgb.mp4, depth/, camera_matrix.csv, odometry.csv"),
    DepthFormat("polycam", "depth_polycam", "keyframes/depth and keyframes/cameras"),
    DepthFormat("depthkit", "depth_depthkit", "a DepthKit .png with its .txt"),
    DepthFormat("clouds", "depth_clouds", "organised .pcd or .ply clouds"),
    DepthFormat("azure-kinect", "depth_azure", "an Azure Kinect .mkv"),
    DepthFormat("realsense", "depth_realsense", "a RealSense .bag"),
)
"""Every known format. A path must be of exactly one."""


def is_depth_capture(path: str | Path) -> bool:
    """Whether a file or folder is recognised as a depth capture; nothing is loaded, no error is raised."""
    return bool(_fitting(Path(path)))


def read_depth(
    path: str | Path, *, sensor: str | None = None, depth_scale: float | None = None
) -> DepthCapture:
    """Read a depth capture: a folder of pictures, a recording, or an app's export.

    `sensor` is a name of `bodyscan.types.SENSORS`, `depth_scale` the number of the depth pictures' units a
    metre (1000 for millimetres); None takes what the format says or usually means. The frames load when they
    are asked for, and raise `InputError` then where their file is damaged. Files are opened for reading only.

    Raises `InputError` for a path that is missing, empty, of no known format or of two at once; for a unit
    that cannot be; and for all that the format's own reader refuses.
    """
    path = Path(path)
    if sensor is not None and sensor not in SENSORS:
        raise InputError(f"sensor is {sensor!r}; it must be one of {', '.join(SENSORS)}.")
    if depth_scale is not None and not (math.isfinite(depth_scale) and depth_scale > 0):
        raise InputError(f"depth_scale is {depth_scale}; it must be the number of units a metre, above 0.")
    if not path.exists():
        raise InputError(f"There is no file or folder {path}. Give a depth capture: {_known()}.")
    if path.is_dir() and not any(path.iterdir()):
        raise InputError(f"The folder {path} is empty. Give a depth capture: {_known()}.")
    found = _fitting(path)
    if not found:
        raise InputError(f"{path} is no depth capture that is known{_hint(path)}. Known are: {_known()}.")
    if len(found) > 1:
        both = " and ".join(f"{one.name} ({one.holds})" for one in found)
        raise InputError(f"{path} holds captures of {len(found)} formats: {both}; leave one in the folder.")
    try:
        return _reader(found[0]).read(path, sensor=sensor, depth_scale=depth_scale)
    except BodyscanError:
        raise
    except Exception as error:  # a parser met what its format does not allow
        detail = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise InputError(
            f"{path.name} could not be read as a capture of the format {found[0].name} ({detail}); it is "
            "damaged or incomplete: export it again."
        ) from error


def _fitting(path: Path) -> list[DepthFormat]:
    try:
        return [one for one in FORMATS if path.exists() and _reader(one).detect(path)]
    except OSError:
        return []


def _reader(one: DepthFormat) -> Any:
    return importlib.import_module(f"bodyscan.capture.{one.module}")


def _known() -> str:
    return "; ".join(f"{one.name}: {one.holds}" for one in FORMATS)


def _hint(path: Path) -> str:
    """What is missing where a folder nearly is a capture."""
    if (path / "depth").is_dir():
        return ": it has depth/, and beside it no camera_intrinsic.json, depth.txt or camera_matrix.csv"
    inner = [p.name for p in sorted(path.iterdir()) if p.is_dir() and _fitting(p)] if path.is_dir() else []
    return f": give the folder {inner[0]} in it" if inner else ""
