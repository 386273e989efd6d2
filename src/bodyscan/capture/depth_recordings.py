"""What the readers of recordings share: one file, each frame by its place in it.

Open3D's readers of both kinds are not used: its MKV reader raises `Cannot load libk4arecord.so` (Microsoft's,
with a depth engine that no wheel carries), and its bag reader is a player: it gives a frame after the other
and no frame by its place. Both formats are documented and hold plain pictures, so that `depth_azure` and
`depth_realsense` read them themselves.
"""

from __future__ import annotations

import mmap
import struct
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bodyscan.capture.depth_color import color_on_depth, undistorted_depth
from bodyscan.capture.depth_frames import (
    LazyFrames,
    check_depths,
    digest_files,
)
from bodyscan.capture.undistort import Distortion
from bodyscan.errors import InputError
from bodyscan.types import F64, U8, DepthCapture, DepthFrame

NEAR_S = 0.020
"""Seconds that depth and colour may lie apart."""

Place = tuple[int, int]
"""Where a picture lies in its file; what the two numbers mean is the format's affair."""
Loader = Callable[[mmap.mmap, str, Place], NDArray[np.generic]]
"""File, the frame's name for messages, place -> the picture's values."""


@dataclass(frozen=True, eq=False)
class RecordedCamera:
    """One camera of a recording."""

    size: tuple[int, int]
    """(width, height) of its pictures, pixels."""
    K: F64
    """(3, 3) float64, pixel centres at halves."""
    lens: Distortion = field(default_factory=Distortion)


@dataclass(frozen=True, eq=False)
class Recording:
    """What a recording holds, and where."""

    depth: RecordedCamera
    depths: list[tuple[float, Place]]
    """Seconds and place of each depth picture (H, W) unsigned integers, in order of time."""
    load_depth: Loader
    scale: float
    """Units a metre."""
    color: RecordedCamera | None
    colors: list[tuple[float, Place]]
    load_color: Loader
    """The colour picture (h, w, 3) uint8."""
    color_from_depth: F64
    """(4, 4) rigid, metres."""
    sensor: str
    file_format: str
    notes: list[str]


def recorded_capture(
    path: Path,
    open_recording: Callable[[mmap.mmap, str], Recording],
    sensor: str | None,
    depth_scale: float | None,
) -> DepthCapture:
    """The frames of a recording: each depth picture with the colour nearest in time, within 20 ms.

    Depth pictures that have none are left out with a note, where there is colour at all. Raises `InputError`
    for a recording without depth, or whose colour was taken at other times, and what `open_recording` raises.
    """
    with mapped(path, path.name) as data:
        recording = open_recording(data, path.name)
    if not recording.depths:
        raise InputError(f"{path.name} holds no depth pictures; record with depth switched on.")
    notes, scale = list(recording.notes), depth_scale or recording.scale
    stamps = [stamp for stamp, _ in recording.colors]
    loaders, left_out = [], 0
    for k, (stamp, place) in enumerate(recording.depths):
        near = _nearest(stamps, stamp) if stamps else None
        if stamps and near is None:
            left_out += 1
            continue
        color = None if near is None else recording.colors[near][1]
        seconds = round(stamp - recording.depths[0][0], 6)
        loaders.append(partial(_frame, path, recording, scale, place, color, seconds, k))
    if not loaders:
        raise InputError(f"{path.name}: no depth picture has a colour picture within 20 ms; record again.")
    if left_out:
        notes.append(
            f"{left_out} of {len(recording.depths)} depth pictures have no colour within 20 ms and were left "
            "out."
        )
    frames = LazyFrames(loaders)
    check_depths(frames, path.name, scale)
    return DepthCapture(
        frames=frames,
        sensor=sensor or recording.sensor,
        sha256=digest_files([path]),
        source=path.name,
        file_format=recording.file_format,
        notes=tuple(notes),
    )


def _frame(
    path: Path,
    recording: Recording,
    scale: float,
    place: Place,
    color_place: Place | None,
    seconds: float,
    index: int,
) -> DepthFrame:
    name, camera, beside = f"{path.name}, frame {index}", recording.depth, recording.color
    color: U8 | None = None
    with mapped(path, name) as data:
        raw = recording.load_depth(data, name, place)
        if color_place is not None and beside is not None:
            color = np.asarray(recording.load_color(data, name, color_place), np.uint8)
    depth = (raw.astype(np.float32) / np.float32(scale)).astype(np.float32)
    depth = undistorted_depth(depth, camera.K, camera.lens)
    if color is not None and beside is not None:
        step = recording.color_from_depth
        color = color_on_depth(depth, camera.K, color, beside.K, step, beside.lens)[0]
    return DepthFrame(depth, camera.K, color, time_s=seconds, name=name)


def _nearest(stamps: list[float], wanted: float) -> int | None:
    at = bisect_left(stamps, wanted)
    best = min((k for k in (at - 1, at) if 0 <= k < len(stamps)), key=lambda k: abs(stamps[k] - wanted))
    return best if abs(stamps[best] - wanted) <= NEAR_S else None


@contextmanager
def mapped(path: Path, name: str) -> Iterator[mmap.mmap]:
    """The bytes of a file, read-only; what ends too early inside becomes an `InputError` with `name`."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            yield data
        except (struct.error, IndexError, KeyError, ValueError, StopIteration) as error:
            raise InputError(f"{name} is truncated or damaged; copy or record it again.") from error
