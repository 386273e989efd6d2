"""Named poses for pictures, given as the directions that bones point in, so that they fit every bind pose."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.transform import Rotation

from bodyscan.errors import InputError
from bodyscan.types import F64, Skeleton

Direction = tuple[float, float, float]

_ENDS = {
    "UpperArm": "LowerArm",
    "LowerArm": "Hand",
    "UpperLeg": "LowerLeg",
    "LowerLeg": "Foot",
    "Foot": "Toes",
}
"""VRM bone -> the joint that it ends at."""

_ARM, _LEG = ("UpperArm", "LowerArm"), ("UpperLeg", "LowerLeg")


def _both(bones: tuple[str, ...], direction: Direction) -> dict[str, Direction]:
    x, y, z = direction
    return {
        f"{side}{bone}": (sign * x, y, z) for side, sign in (("left", 1), ("right", -1)) for bone in bones
    }


KEEP: Direction = (0.0, 0.0, 0.0)
"""The direction that the bone has in the bind pose."""

POSES: Mapping[str, Mapping[str, Direction]] = MappingProxyType(
    {
        "captured": {},
        "a": _both(_ARM, (0.72, -0.69, 0.0)),
        "t": _both(_ARM, (1.0, 0.0, 0.0)),
        "relaxed": {
            **_both(("UpperArm",), (0.36, -0.93, -0.04)),
            **_both(("LowerArm",), (0.22, -0.96, 0.14)),
        },
        "arms_up": {**_both(("UpperArm",), (0.62, 0.78, 0.05)), **_both(("LowerArm",), (0.34, 0.94, 0.08))},
        "walk": {
            "leftUpperArm": (0.26, -0.86, -0.44),
            "leftLowerArm": (0.20, -0.97, -0.02),
            "rightUpperArm": (-0.24, -0.90, 0.36),
            "rightLowerArm": (-0.10, -0.72, 0.69),
            "leftUpperLeg": (0.05, -0.91, 0.41),
            "leftLowerLeg": (0.02, -0.98, 0.18),
            "leftFoot": KEEP,
            "rightUpperLeg": (-0.05, -0.96, -0.26),
            "rightLowerLeg": (-0.02, -0.73, -0.68),
            "rightFoot": (-0.06, -0.86, 0.50),
        },
    }
)
"""Pose name -> VRM bone -> the direction it points in, world frame (unit length is not needed)."""


def named_pose(skeleton: Skeleton, name: str) -> dict[str, F64]:
    """Rotation vectors (3,), radians, by joint name, that bring `skeleton` from its bind pose into a pose.

    For `pose_rig`. Each bone takes the shortest way, so that it does not twist. Raises `InputError` for
    an unknown pose or a skeleton without the pose's VRM bones.
    """
    if name not in POSES:
        raise InputError(f"The pose {name!r} is unknown; possible are {', '.join(POSES)}.")
    return aim_bones(skeleton, POSES[name])


def aim_bones(skeleton: Skeleton, directions: Mapping[str, ArrayLike]) -> dict[str, F64]:
    """Rotation vectors that make VRM bones point in the given directions (3,), world frame."""
    names = skeleton.joint_names
    index = {joint: number for number, joint in enumerate(names)}
    ends: dict[str, int] = {}
    for bone in directions:
        side = "left" if bone.startswith("left") else "right"
        end = side + _ENDS.get(bone.removeprefix(side), "?")
        if bone not in index or (end not in index and not bone.endswith("Foot")):
            raise InputError(
                f"The skeleton has no bone {bone!r} with its end {end!r}; it has {', '.join(names[:60])}."
            )
        if end in index:
            ends[bone] = index[end]
    turns: list[Rotation] = []
    out: dict[str, F64] = {}
    for joint, name in enumerate(names):
        parent = int(skeleton.parents[joint])
        turn = turns[parent] if parent >= 0 else Rotation.identity()
        if name in ends:
            bound = skeleton.positions[ends[name]] - skeleton.positions[joint]
            wanted = np.asarray(directions[name], np.float64)
            extra = _shortest(turn.apply(bound), wanted if np.any(wanted) else bound)
            out[name] = (turn.inv() * extra * turn).as_rotvec()
            turn = extra * turn
        turns.append(turn)
    return out


def _shortest(start: F64, end: F64) -> Rotation:
    """The smallest rotation that turns the direction `start` (3,) into `end` (3,)."""
    start, end = start / np.linalg.norm(start), end / np.linalg.norm(end)
    axis, cosine = np.cross(start, end), float(start @ end)
    sine = float(np.linalg.norm(axis))
    if sine < 1e-12:
        if cosine > 0:
            return Rotation.identity()
        axis = np.cross(start, np.eye(3)[np.abs(start).argmin()])
        return Rotation.from_rotvec(np.pi * axis / np.linalg.norm(axis))
    return Rotation.from_rotvec(axis / sine * np.arctan2(sine, cosine))
