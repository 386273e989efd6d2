"""What a user may say of a scan's file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["m", "cm", "mm", "in"]
Axis = Literal["+x", "-x", "+y", "-y", "+z", "-z"]
Sensor = Literal[
    "unknown", "ideal", "kinect-v1", "kinect-v2", "azure-kinect", "realsense-d435", "iphone-lidar"
]


@dataclass(frozen=True)
class ScanHints:
    """What is known of the scan's file; None is inferred."""

    unit: Unit | None = None
    up: Axis | None = None
    facing: Axis | None = None
    sensor: Sensor | None = None
    """Kind of a depth capture's camera."""
    depth_scale: float | None = None
    """Units a metre of a depth capture's pictures."""
