"""The points that GarmentCode's measurements are taken between, on the packaged body's topology.

Places of the topology: each is a point of one triangle, so that it moves with the person's shape. They were
found by fitting GarmentCode's three mean bodies (all people, women, men) and taking the mean of where
their landmarks came to lie, left and right mirrored into one; over the three bodies and both sides a point
varies by 2 to 8 mm, the bust points by 10 mm (theirs are not symmetric). Points whose place the anatomy
already gives (`bodyscan.body.landmarks`) are not in the table.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bodyscan.body.landmarks import body_points
from bodyscan.body.model import BodyModel
from bodyscan.types import F64

_Place = tuple[tuple[int, int, int], tuple[float, float, float]]

_LEFT: dict[str, tuple[tuple[int, int, int], tuple[int, int, int], tuple[float, float, float]]] = {
    "bum": ((10815, 10814, 10821), (4194, 4193, 4201), (0.213, 0.481, 0.306)),
    "bust": ((8455, 8439, 8438), (1799, 1783, 1782), (0.265, 0.649, 0.086)),
    "bust_side": ((10570, 10558, 10571), (3922, 3909, 3923), (0.821, 0.151, 0.028)),
    "hips_side": ((10879, 10882, 10888), (4265, 4268, 4274), (0.107, 0.013, 0.880)),
    "neck": ((8169, 8168, 7523), (1501, 1500, 828), (0.067, 0.503, 0.430)),
    "shoulder": ((8259, 8258, 8219), (1603, 1602, 1557), (0.021, 0.148, 0.831)),
    "underarm": ((8092, 8320, 8309), (1420, 1664, 1653), (0.403, 0.579, 0.018)),
    "waist_side": ((10658, 10648, 10754), (4017, 4006, 4127), (0.089, 0.033, 0.878)),
    "wrist": ((10517, 10516, 10178), (3868, 3867, 3526), (0.187, 0.067, 0.746)),
}
"""Name -> the triangle on the left side, its mirror image on the right, and the corners' weights."""
_MIDDLE: dict[str, _Place] = {
    "nape": ((1496, 1017, 858), (0.817, 0.068, 0.115)),
    "mid_waist_back": ((4029, 4132, 4131), (0.735, 0.242, 0.023)),
}
NAMES: tuple[str, ...] = (
    "crotch",
    *_MIDDLE,
    *(f"{side}_{name}" for name in _LEFT for side in ("left", "right")),
)
"""All points that `garment_points` gives."""


def garment_points(model: BodyModel, vertices: F64, joints: F64) -> Mapping[str, F64]:
    """Name of `NAMES` -> place (3,) in metres, on a posed body: (V, 3) vertices and (J, 3) joints.

    Raises `InputError` for a model of another topology than the packaged one.
    """
    crotch = body_points(model).subset(("crotch",)).positions(vertices, joints)[0]
    found: dict[str, F64] = {"crotch": crotch}
    for name, (corners, weights) in _MIDDLE.items():
        found[name] = _at(vertices, corners, weights)
    for name, (left, right, weights) in _LEFT.items():
        found[f"left_{name}"] = _at(vertices, left, weights)
        found[f"right_{name}"] = _at(vertices, right, weights)
    return found


def _at(vertices: F64, corners: tuple[int, int, int], weights: tuple[float, float, float]) -> F64:
    share = np.array(weights)
    return share @ vertices[list(corners)] / share.sum()
