"""Azure Kinect recordings, `.mkv` files of Microsoft's recorder.

Matroska (RFC 9559; https://learn.microsoft.com/azure/kinect-dk/record-file-format) with a track `DEPTH` of
16-bit big-endian millimetres, 0 is none, a track `COLOR`, of which MJPG is read, and the attachment
`calibration.json` with both lenses and the step between them. Intrinsics are shares of the sensor's size,
counted from the corner of the first pixel as here; crop and binning of each mode are those of the Sensor
SDK's `transformation.c`. Distortion is taken out of depth (the nearest pixel) and colour, and colour comes to
the depth's pixels through its points. There are no poses.

Tried on files made after these documents, not yet on a camera's own file.
"""

from __future__ import annotations

import io
import mmap
import struct
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bodyscan.capture.depth_frames import intrinsics, parse_json, rigid_pose
from bodyscan.capture.depth_recordings import Place, RecordedCamera, Recording, recorded_capture
from bodyscan.capture.undistort import Distortion
from bodyscan.errors import InputError
from bodyscan.types import F64, U8, DepthCapture

MAGIC = b"\x1a\x45\xdf\xa3"
MILLIMETRES = 1000.0
DEPTH_MODES = {
    (320, 288): (512, (96, 90)),
    (640, 576): (1024, (192, 180)),
    (512, 512): (512, (0, 0)),
    (1024, 1024): (1024, (0, 0)),
}
"""Size of the depth picture -> side of the binned sensor, first column and row of the picture."""


def detect(path: Path) -> bool:
    """Whether `path` is an `.mkv` file that begins as Matroska does."""
    if path.suffix.lower() != ".mkv" or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def read(path: Path, *, sensor: str | None = None, depth_scale: float | None = None) -> DepthCapture:
    """Read the recording; arguments as `bodyscan.capture.depth.read_depth`.

    Raises `InputError` for a truncated file, one without depth or calibration, and an unknown depth mode.
    """
    return recorded_capture(path, _open, sensor, depth_scale)


_SEGMENT, _CLUSTER, _GROUP, _TRACKS, _ATTACHMENTS = 0x18538067, 0x1F43B675, 0xA0, 0x1654AE6B, 0x1941A469
_ENTERED = (_SEGMENT, _CLUSTER, _GROUP, _TRACKS, _ATTACHMENTS, 0x1549A966)
_UNKNOWN = -1


def _elements(data: Any, at: int, end: int, entered: tuple[int, ...]) -> Iterator[tuple[int, int, int]]:
    """Id, first byte and end of each element; those of `entered` are walked into, whatever size they state.

    A recorder that was cut off leaves their sizes unknown.
    """
    while at < end:
        first = data[at]
        length = 9 - first.bit_length()
        if length > 4:
            raise struct.error("no element")
        identity = int.from_bytes(data[at : at + length], "big")
        at += length
        length = 9 - data[at].bit_length()
        size = int.from_bytes(data[at : at + length], "big") & ((1 << 7 * length) - 1)
        unknown = size == (1 << 7 * length) - 1
        at += length
        if identity in entered:
            yield identity, at, _UNKNOWN
            continue
        if unknown or length > 8 or at + size > end:
            raise struct.error("an element ends behind the file")
        yield identity, at, at + size
        at += size


def _open(data: mmap.mmap, name: str) -> Recording:
    tracks: dict[int, tuple[str, bytes, tuple[int, int]]] = {}
    blocks: dict[int, list[tuple[float, Place]]] = {}
    calibration, tick_s, cluster = None, 1e-3, 0
    for identity, start, end in _elements(data, 0, len(data), _ENTERED):
        if identity == 0x2AD7B1:  # nanoseconds a tick
            tick_s = int.from_bytes(data[start:end], "big") * 1e-9
        elif identity == 0xE7:
            cluster = int.from_bytes(data[start:end], "big")
        elif identity == 0xAE:
            number, label, codec, size = _track(data, start, end)
            tracks[number] = label, codec, size
        elif identity == 0x61A7:
            inner = {i: data[a:b] for i, a, b in _elements(data, start, end, ())}
            if inner.get(0x466E) == b"calibration.json":
                calibration = parse_json(inner.get(0x465C, b"").rstrip(b"\0"), f"{name}, calibration.json")
        elif identity in (0xA3, 0xA1):
            if data[start] < 0x80:
                raise InputError(f"{name} numbers its tracks in a way that no Azure Kinect does.")
            (shift, flags) = struct.unpack_from(">hB", data, start + 1)
            if flags & 0x06:
                raise InputError(f"{name} packs several pictures into one block; no Azure Kinect does.")
            place = start + 4, end - start - 4
            blocks.setdefault(data[start] & 0x7F, []).append(((cluster + shift) * tick_s, place))
    numbers = {track[0]: number for number, track in tracks.items()}
    if "DEPTH" not in numbers or calibration is None:
        raise InputError(
            f"{name} has no track DEPTH or no calibration.json; it is no Azure Kinect recording."
        )
    notes: list[str] = []
    _, _, size = tracks[numbers["DEPTH"]]
    depth, depth_pose = _azure_camera(calibration, "D0", size, name)
    color, color_pose, colors = None, depth_pose, []
    if "COLOR" in numbers and tracks[numbers["COLOR"]][1] == b"MJPG":
        color, color_pose = _azure_camera(calibration, "PV0", tracks[numbers["COLOR"]][2], name)
        colors = sorted(blocks.get(numbers["COLOR"], []))
    else:
        notes.append("There is no colour track of the kind MJPG: no colour was read.")
    return Recording(
        depth=depth,
        depths=sorted(blocks.get(numbers["DEPTH"], [])),
        load_depth=partial(_depth, size=size),
        scale=MILLIMETRES,
        color=color,
        colors=colors,
        load_color=partial(_jpeg, size=size if color is None else color.size),
        color_from_depth=color_pose @ np.linalg.inv(depth_pose),
        sensor="azure-kinect",
        file_format="azure-kinect",
        notes=notes,
    )


def _track(data: mmap.mmap, start: int, end: int) -> tuple[int, str, bytes, tuple[int, int]]:
    """Number, name, four letters of the codec, width and height of a track."""
    inner = {i: data[a:b] for i, a, b in _elements(data, start, end, ())}
    video = inner.get(0xE0, b"")
    sizes = {i: int.from_bytes(video[a:b], "big") for i, a, b in _elements(video, 0, len(video), ())}
    name = inner.get(0x536E, b"").rstrip(b"\0").decode("utf-8", "replace")
    number = int.from_bytes(inner.get(0xD7, b""), "big")
    return number, name, inner.get(0x63A2, b"")[16:20], (sizes.get(0xB0, 0), sizes.get(0xBA, 0))


def _azure_camera(
    calibration: Any, place: str, size: tuple[int, int], name: str
) -> tuple[RecordedCamera, F64]:
    """A camera of `calibration.json` in the mode that has pictures of this size, and camera_from_depth."""
    where = f"{name}, calibration.json"
    try:
        cameras = calibration["CalibrationInformation"]["Cameras"]
        found = next(c for c in cameras if c["Location"] == f"CALIBRATION_CameraLocation{place}")
        model, values = found["Intrinsics"]["ModelType"], found["Intrinsics"]["ModelParameters"]
        cx, cy, fx, fy, k1, k2, k3, k4, k5, k6, _, _, p2, p1 = (float(v) for v in values[:14])
        pose = np.eye(4)
        pose[:3, :3] = np.reshape(found["Rt"]["Rotation"], (3, 3))
        pose[:3, 3] = found["Rt"]["Translation"]
        tall = found["SensorHeight"] / found["SensorWidth"]
    except (KeyError, TypeError, ValueError, StopIteration, ZeroDivisionError):
        raise InputError(f"{where} does not describe the camera {place}; record again.") from None
    if model != "CALIBRATION_LensDistortionModelBrownConrady":
        raise InputError(f"{where}: the lens model {model} is not known.")
    if place == "D0":
        if size not in DEPTH_MODES:
            raise InputError(f"{name}: depth of {size[0]} by {size[1]} pixels is no mode of an Azure Kinect.")
        side, crop = DEPTH_MODES[size]
        sensor = side, side
    else:
        sensor = size[0], size[0] * 3 // 4
        crop = 0, (sensor[1] - size[1]) // 2
        if abs(tall - 9 / 16) < 1e-3:  # an old calibration, of the picture's 16:9 part
            cy, fy = (cy * 2304 + 384) / 3072, fy * 2304 / 3072
    K = intrinsics(fx * sensor[0], fy * sensor[1], cx * sensor[0] - crop[0], cy * sensor[1] - crop[1])
    return RecordedCamera(size, K, Distortion(k1, k2, p1, p2, k3, k4, k5, k6)), rigid_pose(pose, where)


def _depth(data: mmap.mmap, name: str, place: Place, size: tuple[int, int]) -> np.ndarray:
    width, height = size
    if place[1] != 2 * width * height:
        raise InputError(f"{name}: its depth picture has {place[1]} bytes, not {2 * width * height}.")
    return np.frombuffer(data[place[0] : place[0] + place[1]], ">u2").reshape(height, width)


def _jpeg(data: mmap.mmap, name: str, place: Place, size: tuple[int, int]) -> U8:
    try:
        with Image.open(io.BytesIO(data[place[0] : place[0] + place[1]]), formats=("JPEG",)) as picture:
            if picture.size != size:
                raise InputError(f"{name}: its colour picture has another size than the track says.")
            return np.array(picture.convert("RGB"), np.uint8)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise InputError(f"{name}: its colour picture is damaged ({str(error)[:80]}).") from None
