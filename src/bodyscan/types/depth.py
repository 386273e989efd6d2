"""What depth cameras deliver, and a person's pixels in it.

Cameras have OpenCV axes (+X right, +Y down, +Z into the picture); the centre of pixel (row, column) lies at
(column + 0.5, row + 0.5). Depth is measured along +Z, not along the ray.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bodyscan.errors import InputError
from bodyscan.types.arrays import (
    F32,
    F64,
    I32,
    U8,
    Bool,
    checked_intrinsics,
    checked_pose,
    frozen_array,
    set_fields,
)


@dataclass(frozen=True, eq=False)
class DepthFrame:
    """One picture of a depth camera, its colour brought to the same pixels."""

    depth_m: F32
    """(H, W) float32, metres along the camera's +Z; 0 where nothing was measured."""
    K: F64
    """(3, 3) float64, pixels: [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]; no lens distortion is left."""
    color: U8 | None = None
    """(H, W, 3) uint8 sRGB of the same pixels, or None."""
    confidence: F32 | None = None
    """(H, W) float32, 0..1, the sensor's own trust, or None where it tells none."""
    world_from_camera: F64 | None = None
    """(4, 4) float64, rigid, metres: into a world where the person stands still; None: not known."""
    time_s: float | None = None
    """Seconds since some start, or None."""
    name: str = ""
    """The file or frame that it came from, for messages."""
    camera: str = ""
    """Which of several cameras took it; one name for all frames of one camera."""

    def __post_init__(self) -> None:
        depth = frozen_array(f"{self.name} depth_m", self.depth_m, np.float32, (None, None))
        if depth.size and float(depth.min()) < 0:
            raise InputError(f"{self.name}: the depth picture holds negative depths.")
        shape = depth.shape
        set_fields(self, depth_m=depth, K=checked_intrinsics(f"{self.name} K", self.K))
        if self.color is not None:
            set_fields(self, color=frozen_array(f"{self.name} color", self.color, np.uint8, (*shape, 3)))
        if self.confidence is not None:
            trust = frozen_array(f"{self.name} confidence", self.confidence, np.float32, shape)
            set_fields(self, confidence=trust)
        if self.world_from_camera is not None:
            set_fields(self, world_from_camera=checked_pose(f"{self.name} pose", self.world_from_camera))


@dataclass(frozen=True, eq=False)
class DepthCapture:
    """Frames of one person, by one depth camera or several."""

    frames: Sequence[DepthFrame]
    """In the order in which they were taken. May load each frame when it is asked for, and then raise
    `InputError` that names it."""
    sensor: str = "unknown"
    """Kind of sensor, a name of `SENSORS` in `bodyscan.types.depth`: how its noise grows with distance."""
    up: F64 | None = None
    """(3,) float64 unit vector against gravity, in the world of the given poses; None: not known."""
    sha256: str = ""
    """Hex digest over the names and bytes of the input's files."""
    source: str = ""
    """The file's or folder's name."""
    file_format: str = ""
    """Name of the format: `open3d`, `tum`, `seven-scenes`, `record3d` ..."""
    notes: tuple[str, ...] = ()
    """What the reader saw that a person should know (dropped frames, an assumed calibration ...)."""

    def __post_init__(self) -> None:
        if self.sensor not in SENSORS:
            raise InputError(f"DepthCapture.sensor is {self.sensor!r}; possible: {', '.join(SENSORS)}.")
        if self.up is not None:
            set_fields(self, up=frozen_array("DepthCapture.up", self.up, np.float64, (3,)))


SENSORS = ("unknown", "ideal", "kinect-v1", "kinect-v2", "azure-kinect", "realsense-d435", "iphone-lidar")
"""Kinds of sensors whose noise is known; `unknown` is treated as a poor one."""


@dataclass(frozen=True, eq=False)
class FramePoints:
    """The person's pixels of one frame, as points in the camera's axes."""

    points: F32
    """(N, 3) float32, metres, camera axes."""
    normals: F32
    """(N, 3) float32 unit, towards the camera."""
    sigma_m: F32
    """(N,) float32, standard deviation of the depth's noise, metres."""
    trust: F32
    """(N,) float32, 0..1: low at edges, at grazing incidence, and where the sensor was unsure."""
    index: I32
    """(h, w) int32 over the part of the picture that holds the person: row of `points`, or -1."""
    corner: tuple[int, int]
    """Row and column of the picture at which `index` begins."""
    K: F64
    """(3, 3) float64, pixels of the whole picture."""
    colors: U8 | None = None
    """(N, 3) uint8 sRGB, or None."""
    world_from_camera: F64 | None = None
    """(4, 4) float64 as given with the frame, or None."""
    time_s: float | None = None
    name: str = ""
    camera: str = ""

    def __post_init__(self) -> None:
        count = len(self.points)
        set_fields(
            self,
            points=frozen_array("FramePoints.points", self.points, np.float32, (count, 3)),
            normals=frozen_array("FramePoints.normals", self.normals, np.float32, (count, 3)),
            sigma_m=frozen_array("FramePoints.sigma_m", self.sigma_m, np.float32, (count,)),
            trust=frozen_array("FramePoints.trust", self.trust, np.float32, (count,)),
            index=frozen_array("FramePoints.index", self.index, np.int32, (None, None)),
            K=checked_intrinsics("FramePoints.K", self.K),
        )
        if self.colors is not None:
            set_fields(self, colors=frozen_array("FramePoints.colors", self.colors, np.uint8, (count, 3)))
        if self.world_from_camera is not None:
            set_fields(self, world_from_camera=checked_pose("FramePoints pose", self.world_from_camera))

    def spread_rows(self, count: int, least_trust: float, seed: int) -> I32:
        """At most `count` rows of `points` with `least_trust`, evenly over what the camera sees, ascending.

        Every k-th in the order of the pixels, from a start that `seed` draws.
        """
        rows = np.flatnonzero(self.trust >= least_trust)
        if len(rows) > count:
            start = np.random.default_rng(seed).random()
            places = ((np.arange(count) + start) * len(rows) / count).astype(np.int64)
            rows = rows[places.clip(0, len(rows) - 1)]
        return rows.astype(np.int32)

    def lookup(self, points: F64 | F32) -> tuple[I32, Bool]:
        """The pixel that each of `points` (M, 3) (camera axes) falls into.

        Returns (M,) the row of `self.points` there, -1 for none, and (M,) where there is one.
        """
        ahead = points[:, 2] > 1e-6
        depth = np.where(ahead, points[:, 2], 1.0)
        column = np.floor(self.K[0, 0] * points[:, 0] / depth + self.K[0, 2]).astype(np.int64)
        row = np.floor(self.K[1, 1] * points[:, 1] / depth + self.K[1, 2]).astype(np.int64)
        column, row = column - self.corner[1], row - self.corner[0]
        height, width = self.index.shape
        inside = ahead & (row >= 0) & (row < height) & (column >= 0) & (column < width)
        found = np.full(len(points), -1, np.int32)
        found[inside] = self.index[row[inside], column[inside]]
        return found, found >= 0


SAME_TIME_S = 0.01
"""Frames of several cameras whose times differ by less show one instant."""


def instants(frames: Sequence[FramePoints]) -> list[list[int]]:
    """The frames that were taken at one time by several cameras, together, in order; else each alone."""
    if len({frame.camera for frame in frames}) < 2 or any(frame.time_s is None for frame in frames):
        return [[k] for k in range(len(frames))]
    groups: dict[int, list[int]] = {}
    for k, frame in enumerate(frames):
        groups.setdefault(round(float(frame.time_s or 0.0) / SAME_TIME_S), []).append(k)
    return [groups[time] for time in sorted(groups)]
