"""`capture.json`: depth pictures of one calibrated camera or several; bodyscan's own, general manifest.

    {
      "format": "bodyscan-depth-capture",
      "version": 1,
      "sensor": "azure-kinect",             a name of bodyscan.types.SENSORS; may be left out: unknown
      "depth_scale": 1000,                  units a metre of the 16-bit PNG files; 0 and 65535 are none
      "up": [0, 1, 0],                      against gravity, in the world of the poses; may be left out
      "cameras": {
        "front": {
          "width": 640, "height": 576,      pixels of the depth pictures
          "fx": 504.1, "fy": 504.2, "cx": 320.5, "cy": 288.0,
          "pixel_centre": 0.5,              the centre of the first pixel lies at 0.5 or at 0
          "distortion": {"k1": 0.1},        may be left out; k1 k2 p1 p2 k3 k4 k5 k6 as OpenCV has them
          "world_from_camera": [[..], ..],  4 by 4, metres, OpenCV axes; may be left out
          "color": {                        a colour camera beside the depth camera; left out where colour is
            "width": 1920, "height": 1080,  aligned to depth (of any size of the same shape)
            "fx": 900.0, "fy": 900.0, "cx": 960.0, "cy": 540.0, "pixel_centre": 0.5,
            "distortion": {},               may be left out
            "color_from_depth": [[..], ..]  4 by 4, metres; may be left out: the same place and axes
          }
        }
      },
      "frames": [                           in the order in which they were taken
        {
          "camera": "front",
          "depth": "depth/front_0000.png",
          "color": "color/front_0000.jpg",  may be left out, as all that follows
          "confidence": "confidence/front_0000.png",   8-bit grey, 255 is full trust
          "time_s": 0.0,
          "world_from_camera": [[..], ..]   in place of the camera's
        }
      ]
    }

fx, fy, cx and cy are pixels. Paths are relative to the folder of `capture.json` and stay inside of it, with
`/` between folders. Every other key is refused, so that no misspelt one is passed over; `version` counts up
when a key changes its meaning. Either all frames have a pose or none has.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path, PureWindowsPath
from typing import Any

import numpy as np

from bodyscan.capture.depth_color import color_on_depth, undistorted_depth
from bodyscan.capture.depth_frames import (
    LazyFrames,
    check_depths,
    check_sizes,
    digest_files,
    from_integer_centres,
    intrinsics,
    parse_json,
    read_color,
    read_depth_png,
    read_text,
    rigid_pose,
    scaled_intrinsics,
)
from bodyscan.capture.photos_shot import inside_folder
from bodyscan.capture.undistort import Distortion
from bodyscan.errors import InputError
from bodyscan.types import F64, SENSORS, DepthCapture, DepthFrame

MANIFEST = "capture.json"
FORMAT, VERSION = "bodyscan-depth-capture", 1
LENS_KEYS = ("width", "height", "fx", "fy", "cx", "cy", "pixel_centre")
MOST_PIXELS = 16384
"""A side of a picture is never longer."""


@dataclass(frozen=True, eq=False)
class _Lens:
    size: tuple[int, int]
    K: F64
    """(3, 3), pixel centres at halves."""
    distortion: Distortion


@dataclass(frozen=True, eq=False)
class _Camera:
    name: str
    lens: _Lens
    color: _Lens | None
    color_from_depth: F64 | None
    world_from_camera: F64 | None


@dataclass(frozen=True, eq=False)
class _Shot:
    camera: _Camera
    name: str
    depth: Path
    color: Path | None
    confidence: Path | None
    time_s: float | None
    world_from_camera: F64 | None
    color_lens: _Lens | None = None


def detect(path: Path) -> bool:
    """Whether `path` is a `capture.json` or a folder that holds one."""
    return (path.name == MANIFEST and path.is_file()) or (path / MANIFEST).is_file()


def read(path: Path, *, sensor: str | None = None, depth_scale: float | None = None) -> DepthCapture:
    """Read the manifest; arguments as `bodyscan.capture.depth.read_depth`. Raises `InputError`."""
    folder = path.parent if path.is_file() else path
    document = parse_json(read_text(folder / MANIFEST), MANIFEST)
    top = _object(
        document, MANIFEST, ("format", "version", "depth_scale", "cameras", "frames"), ("sensor", "up")
    )
    if top["format"] != FORMAT or top["version"] != VERSION:
        raise InputError(
            f"{MANIFEST}: format and version are {top['format']!r} and {top['version']!r}; they must be "
            f"{FORMAT!r} and {VERSION}."
        )
    named = top.get("sensor", "unknown")
    if named not in SENSORS:
        raise InputError(f"{MANIFEST}: sensor is {named!r}; it must be one of {', '.join(SENSORS)}.")
    scale = depth_scale or _number(top["depth_scale"], f"{MANIFEST}, depth_scale", above=0)
    if not isinstance(top["cameras"], dict) or not top["cameras"]:
        raise InputError(f"{MANIFEST}: cameras must be an object with at least one camera.")
    cameras = {name: _camera(name, value) for name, value in top["cameras"].items()}
    if not isinstance(top["frames"], list) or not top["frames"]:
        raise InputError(f"{MANIFEST}: frames must be a list of at least one frame.")
    shots = [_shot(folder, k, value, cameras) for k, value in enumerate(top["frames"])]
    posed = [shot.world_from_camera is not None for shot in shots]
    if any(posed) and not all(posed):
        raise InputError(
            f"{MANIFEST}, frame {posed.index(False)} ({shots[posed.index(False)].name}) has no pose, and "
            "others have one; give all of them or none."
        )
    shots = _checked_sizes(shots)
    frames = LazyFrames([partial(_frame, shot, scale) for shot in shots])
    check_depths(frames, folder.name, scale)
    files = {folder / MANIFEST}
    for shot in shots:
        files |= {file for file in (shot.depth, shot.color, shot.confidence) if file is not None}
    return DepthCapture(
        frames=frames,
        sensor=sensor or named,
        up=None if top.get("up") is None else _up(top["up"]),
        sha256=digest_files(files, folder),
        source=folder.name,
        file_format="cameras",
    )


def _frame(shot: _Shot, scale: float) -> DepthFrame:
    lens = shot.camera.lens
    depth = undistorted_depth(read_depth_png(shot.depth, scale, shot.name), lens.K, lens.distortion)
    color = confidence = None
    if shot.color is not None and shot.color_lens is not None:
        own = shot.color_lens
        picture, step = read_color(shot.color), shot.camera.color_from_depth
        color = color_on_depth(depth, lens.K, picture, own.K, step, own.distortion)[0]
    if shot.confidence is not None:
        grey = (read_color(shot.confidence)[..., 0] / np.float32(255)).astype(np.float32)
        confidence = undistorted_depth(grey, lens.K, lens.distortion)
    return DepthFrame(
        depth, lens.K, color, confidence, shot.world_from_camera, shot.time_s, shot.name, shot.camera.name
    )


def _checked_sizes(shots: list[_Shot]) -> list[_Shot]:
    """The shots with the lens of their colour picture; `InputError` where a picture has another size."""
    done: dict[str, _Lens | None] = {}
    for camera in {shot.camera.name: shot.camera for shot in shots}.values():
        own = [shot for shot in shots if shot.camera is camera]
        expected = [("depth", [shot.depth for shot in own], camera.lens.size)]
        expected.append(("confidence", [s.confidence for s in own if s.confidence], camera.lens.size))
        colors = [shot.color for shot in own if shot.color is not None]
        done[camera.name] = camera.color
        if colors and camera.color is None:  # aligned: the same lens at the colour pictures' size
            size, wanted = check_sizes(colors, camera.name), camera.lens.size
            if abs(size[0] * wanted[1] / (size[1] * wanted[0]) - 1) > 0.01:
                raise InputError(
                    f"{MANIFEST}: the colour pictures of {camera.name} are {size[0]} by {size[1]} pixels and "
                    f"its depth pictures {wanted[0]} by {wanted[1]}; describe its colour camera in `color`."
                )
            K = scaled_intrinsics(camera.lens.K, wanted, size)
            done[camera.name] = _Lens(size, K, camera.lens.distortion)
        elif camera.color is not None:
            expected.append(("colour", colors, camera.color.size))
        for kind, files, size in expected:
            found = check_sizes(files, camera.name) if files else size
            if found != size:
                raise InputError(
                    f"{MANIFEST}: the {kind} pictures of {camera.name} are {found[0]} by {found[1]} pixels, "
                    f"and it says {size[0]} by {size[1]}."
                )
    return [replace(shot, color_lens=done[shot.camera.name]) for shot in shots]


def _camera(name: str, value: Any) -> _Camera:
    where = f"{MANIFEST}, camera {name}"
    given = _object(value, where, LENS_KEYS, ("distortion", "world_from_camera", "color"))
    color = color_from_depth = None
    if "color" in given:
        inner = _object(given["color"], f"{where}, color", LENS_KEYS, ("distortion", "color_from_depth"))
        color = _lens(inner, f"{where}, color")
        color_from_depth = _pose(inner.get("color_from_depth"), f"{where}, color_from_depth")
    pose = _pose(given.get("world_from_camera"), f"{where}, world_from_camera")
    return _Camera(name, _lens(given, where), color, color_from_depth, pose)


def _lens(given: dict[str, Any], where: str) -> _Lens:
    size = tuple(given[key] for key in ("width", "height"))
    if any(type(side) is not int or not 0 < side <= MOST_PIXELS for side in size):
        raise InputError(f"{where}: width and height must be whole numbers from 1 to {MOST_PIXELS}.")
    focal = [_number(given[key], f"{where}, {key}", above=0) for key in ("fx", "fy")]
    K = intrinsics(*focal, *(_number(given[key], f"{where}, {key}") for key in ("cx", "cy")))
    if given["pixel_centre"] not in (0, 0.5) or isinstance(given["pixel_centre"], bool):
        raise InputError(f"{where}: pixel_centre is {given['pixel_centre']!r}; it must be 0.5 or 0.")
    if given["pixel_centre"] == 0:
        K = from_integer_centres(K)
    bent = _object(
        given.get("distortion", {}), f"{where}, distortion", (), [f.name for f in fields(Distortion)]
    )
    lens = Distortion(**{key: _number(v, f"{where}, distortion, {key}") for key, v in bent.items()})
    return _Lens((size[0], size[1]), K, lens)


def _shot(folder: Path, index: int, value: Any, cameras: dict[str, _Camera]) -> _Shot:
    where = f"{MANIFEST}, frame {index}"
    more = ("color", "confidence", "time_s", "world_from_camera")
    given = _object(value, where, ("camera", "depth"), more)
    camera = cameras.get(given["camera"]) if isinstance(given["camera"], str) else None
    if camera is None:
        known = ", ".join(cameras)
        raise InputError(f"{where}: there is no camera {given['camera']!r}; the cameras are {known}.")
    paths = [_inside(folder, given.get(key), where) for key in ("depth", "color", "confidence")]
    if paths[0] is None:
        raise InputError(f"{where}: depth must be the path of a picture.")
    pose = _pose(given.get("world_from_camera"), f"{where}, world_from_camera")
    time_s = None if given.get("time_s") is None else _number(given["time_s"], f"{where}, time_s")
    own = camera.world_from_camera if pose is None else pose
    return _Shot(camera, str(given["depth"]), paths[0], paths[1], paths[2], time_s, own)


def _inside(folder: Path, reference: Any, where: str) -> Path | None:
    if reference is None:
        return None
    if not isinstance(reference, str) or not reference:
        raise InputError(f"{where}: {reference!r} is no path of a picture.")
    windows = PureWindowsPath(reference)
    if windows.drive or windows.root or ".." in windows.parts:
        raise InputError(
            f"{where}: the path {reference} leads out of the folder; paths must be relative and without '..'."
        )
    inside_folder(folder, reference, where)  # a link may lead out of it too
    return folder / reference


def _object(value: Any, where: str, required: Collection[str], optional: Collection[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{where} must be an object with the keys {', '.join([*required, *optional])}.")
    for key in required:
        if key not in value:
            raise InputError(f"{where} has no {key}; it must be there.")
    for key in value:
        if key not in required and key not in optional:
            known = ", ".join([*required, *optional])
            raise InputError(f"{where} has the key {key!r}, which is not known. Known are: {known}.")
    return value


def _number(value: Any, where: str, above: float = -np.inf) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(float(value)):
        raise InputError(f"{where} is {value!r}; it must be a finite number.")
    if not value > above:
        raise InputError(f"{where} is {value!r}; it must be above {above:g}.")
    return float(value)


def _pose(value: Any, where: str) -> F64 | None:
    if value is None:
        return None
    if not isinstance(value, list) or [len(r) if isinstance(r, list) else 0 for r in value] != [4] * 4:
        raise InputError(f"{where} must be a 4 by 4 matrix, a list of four rows.")
    return rigid_pose([[_number(number, where) for number in row] for row in value], where)


def _up(value: Any) -> F64:
    if not isinstance(value, list) or len(value) != 3:
        raise InputError(f"{MANIFEST}: up must be a list of three numbers.")
    up = np.array([_number(number, f"{MANIFEST}, up") for number in value])
    if not np.linalg.norm(up) > 1e-6:
        raise InputError(f"{MANIFEST}: up is {value}; it must have a direction.")
    return up / np.linalg.norm(up)
