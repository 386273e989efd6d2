"""The unit, axes and place in which a scanner writes its file."""

from __future__ import annotations

import numpy as np

from bodyscan.simulate.options import UNITS, RawScanOptions
from bodyscan.types import F64


def axis_vector(name: str) -> F64:
    """`+x`, `-z` ... -> (3,) unit vector."""
    vector = np.zeros(3)
    vector["xyz".index(name[1])] = 1.0 if name[0] == "+" else -1.0
    return vector


def draw_world_from_input(rng: np.random.Generator, options: RawScanOptions) -> F64:
    """(4, 4) similarity from file coordinates to the world frame: unit, axes, random yaw and translation."""
    yaw = np.radians(options.yaw_deg) * rng.uniform(-1, 1)
    moved = options.translation_m * rng.uniform(-1, 1, 3)
    up, facing = axis_vector(options.up), axis_vector(options.facing)
    # Rows: the world's X, Y and Z axis written in the file's axes.
    world_from_axes = np.stack([np.cross(up, facing), up, facing])
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    scale = UNITS[options.unit]
    transform = np.eye(4)
    transform[:3, :3] = scale * turn @ world_from_axes
    transform[:3, 3] = moved
    return transform
