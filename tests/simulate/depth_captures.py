"""One dressed person that the depth tests share, and small pictures of them."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from bodyscan.simulate.depth import SimulatedDepth, simulate_depth
from bodyscan.simulate.depth_options import DepthRigOptions
from bodyscan.simulate.depth_person import MovingPerson, moving_person
from bodyscan.simulate.options import RawScanOptions
from bodyscan.types import F64, DepthFrame

PERSON = RawScanOptions(seed=11, clothing="tshirt", hair="bob", skin_tone=4)


@cache
def person() -> MovingPerson:
    return moving_person(PERSON)


def capture(**rig: Any) -> SimulatedDepth:
    """Pictures of 160 by 144 pixels, eight of them, unless told otherwise."""
    return simulate_depth(person(), DepthRigOptions(**{"width": 160, "height": 144, "frames": 8, **rig}))


def world_points(frame: DepthFrame, world_from_camera: F64) -> F64:
    """(N, 3) metres: the frame's pixels, row after row, through a pose."""
    rows, columns = np.nonzero(frame.depth_m > 0)
    z = frame.depth_m[rows, columns].astype(np.float64)
    K = frame.K
    x, y = (columns + 0.5 - K[0, 2]) / K[0, 0] * z, (rows + 0.5 - K[1, 2]) / K[1, 1] * z
    return np.stack([x, y, z], axis=1) @ world_from_camera[:3, :3].T + world_from_camera[:3, 3]
