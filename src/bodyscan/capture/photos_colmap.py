"""Cameras of a COLMAP model, text (`cameras.txt`, `images.txt`) or binary (`cameras.bin`, `images.bin`).

The layout is that of COLMAP's documentation ("Output format"). A pose there takes the world to the camera,
with OpenCV axes, and the centre of the first pixel lies at (0.5, 0.5), as here.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bodyscan.capture.photos_shot import Lens, Shot, inside_folder, rigid_pose
from bodyscan.capture.undistort import Distortion
from bodyscan.errors import InputError
from bodyscan.geometry.rotations import rotvec_to_matrix
from bodyscan.types import F64

_Sizes = tuple[int, int]


def _one_focal(p: list[float], size: _Sizes) -> Lens:
    return Lens(p[0], p[0], p[1], p[2], size, Distortion(*p[3:]))


def _two_focals(p: list[float], size: _Sizes) -> Lens:
    return Lens(p[0], p[1], p[2], p[3], size, Distortion(*p[4:]))


LENSES: dict[str, tuple[int, Callable[[list[float], _Sizes], Lens]]] = {
    "SIMPLE_PINHOLE": (3, _one_focal),
    "PINHOLE": (4, _two_focals),
    "SIMPLE_RADIAL": (4, _one_focal),
    "RADIAL": (5, _one_focal),
    "OPENCV": (8, _two_focals),
    "FULL_OPENCV": (12, _two_focals),
}
"""Camera model -> number of its parameters, and what they mean: those after the middle are `Distortion`'s."""
NUMBERS = {
    0: "SIMPLE_PINHOLE", 1: "PINHOLE", 2: "SIMPLE_RADIAL", 3: "RADIAL", 4: "OPENCV", 5: "OPENCV_FISHEYE",
    6: "FULL_OPENCV", 7: "FOV", 8: "SIMPLE_RADIAL_FISHEYE", 9: "RADIAL_FISHEYE", 10: "THIN_PRISM_FISHEYE",
}  # fmt: skip
"""The numbers that stand for models in binary files."""
POINT_BYTES = 24
MOST_PIXELS = 100_000
"""A side longer than this is a damaged file, not a camera."""


def read_colmap(model: Path, pictures: Path) -> list[Shot]:
    """Return the shots of the model in the folder `model`; pictures are named relative to `pictures`.

    Raises `InputError` for an unknown camera model, a truncated file, or a pose that is none.
    """
    binary = (model / "images.bin").is_file()
    cameras_path = model / ("cameras.bin" if binary else "cameras.txt")
    images_path = model / ("images.bin" if binary else "images.txt")
    if not cameras_path.is_file():
        raise InputError(f"{images_path.name} is there and {cameras_path.name} is not; copy both.")
    lenses = _binary_cameras(cameras_path) if binary else _text_cameras(cameras_path)
    entries = _binary_images(images_path) if binary else _text_images(images_path)
    shots = []
    for name, camera, quaternion, translation in entries:
        where = f"{images_path.name}, {name}"
        if camera not in lenses:
            raise InputError(f"{where}: its camera {camera} is not in {cameras_path.name}; copy both again.")
        pose = rigid_pose(_rotation(quaternion, where), translation, where)
        shots.append(Shot(images_path.name, inside_folder(pictures, name, where), lenses[camera], pose))
    return shots


def _lens(model: str, size: _Sizes, parameters: list[float], where: str) -> Lens:
    if model not in LENSES:
        raise InputError(
            f"{where}: the camera model {model} is not known; known are {', '.join(LENSES)}. "
            "Let COLMAP's image_undistorter write pinhole cameras."
        )
    count, build = LENSES[model]
    if len(parameters) != count:
        raise InputError(f"{where}: {model} has {count} parameters; here are {len(parameters)}.")
    if not 0 < size[0] < MOST_PIXELS or not 0 < size[1] < MOST_PIXELS or not np.isfinite(parameters).all():
        raise InputError(f"{where}: its size or parameters make no sense; the file is damaged.")
    lens = build(parameters, size)
    if min(lens.fx, lens.fy) <= 0:
        raise InputError(f"{where}: its focal length is {min(lens.fx, lens.fy):g}; it must be above 0.")
    return lens


def _rotation(quaternion: list[float], where: str) -> F64:
    """(3, 3) of a quaternion w, x, y, z."""
    length = float(np.linalg.norm(quaternion))
    if not np.isfinite(length) or abs(length - 1) > 0.01:
        raise InputError(f"{where}: its quaternion has length {length:.3g}; it must be 1. Solve it again.")
    w, vector = quaternion[0] / length, np.array(quaternion[1:]) / length
    sine = float(np.linalg.norm(vector))
    angle = 2 * np.arctan2(sine, w)
    return rotvec_to_matrix((vector / sine * angle if sine > 0 else np.zeros(3))[None])[0]


_Entry = tuple[str, int, list[float], list[float]]


def _text_lines(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return [line for line in lines if not line.startswith("#")]


def _text_cameras(path: Path) -> dict[int, Lens]:
    lenses = {}
    for line in _text_lines(path):
        words = line.split()
        if not words:
            continue
        where = f"{path.name}, camera {words[0]}"
        try:
            number, size = int(words[0]), (int(words[2]), int(words[3]))
            parameters = [float(word) for word in words[4:]]
        except (ValueError, IndexError):
            raise InputError(f"{where}: the line is no ID, MODEL, WIDTH, HEIGHT and parameters.") from None
        lenses[number] = _lens(words[1], size, parameters, where)
    return lenses


def _text_images(path: Path) -> list[_Entry]:
    """Two lines a photo; the second, its points, may be empty and is not read."""
    lines = _text_lines(path)
    while lines and not lines[0].strip():
        lines.pop(0)
    entries: list[_Entry] = []
    for line in lines[::2]:
        if not line.strip():
            continue
        words = line.split(None, 9)
        try:
            numbers = [float(word) for word in words[1:8]]
            entries.append((words[9].strip(), int(words[8]), numbers[:4], numbers[4:]))
        except (ValueError, IndexError):
            raise InputError(
                f"{path.name}: the line '{line[:40]}' is no ID, QW, QX, QY, QZ, TX, TY, TZ, CAMERA_ID and "
                "NAME; each photo has two lines, the second of which may be empty."
            ) from None
    return entries


class _Bytes:
    """A binary file that is read from its beginning to its end."""

    def __init__(self, path: Path) -> None:
        self.name, self.data, self.at = path.name, path.read_bytes(), 0

    def take(self, layout: str) -> tuple:
        """Return the next values; `InputError` where the file ends before them."""
        size = struct.calcsize(layout)
        self.skip(size)
        return struct.unpack_from(layout, self.data, self.at - size)

    def skip(self, size: int) -> None:
        if self.at + size > len(self.data):
            raise InputError(f"{self.name} is truncated: it ends inside of an entry. Copy it again.")
        self.at += size

    def text(self) -> str:
        end = self.data.find(b"\0", self.at)
        if end < 0:
            raise InputError(f"{self.name} is truncated: it ends inside of a name. Copy it again.")
        found = self.data[self.at : end].decode("utf-8", "replace")
        self.at = end + 1
        return found


def _binary_cameras(path: Path) -> dict[int, Lens]:
    file, lenses = _Bytes(path), {}
    (count,) = file.take("<Q")
    for _ in range(count):
        number, model_number, width, height = file.take("<IiQQ")
        where = f"{path.name}, camera {number}"
        model = NUMBERS.get(model_number, f"with the number {model_number}")
        if model not in LENSES:
            _lens(model, (width, height), [], where)
        parameters = list(file.take(f"<{LENSES[model][0]}d"))
        lenses[number] = _lens(model, (width, height), parameters, where)
    return lenses


def _binary_images(path: Path) -> list[_Entry]:
    file, entries = _Bytes(path), []
    (count,) = file.take("<Q")
    for _ in range(count):
        _, *numbers, camera = file.take("<I7dI")
        name = file.text()
        (points,) = file.take("<Q")
        file.skip(points * POINT_BYTES)
        entries.append((name, camera, list(numbers[:4]), list(numbers[4:])))
    return entries
