# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Arms and hands of a pose, by what they touch: palms, fingers, thighs, the trunk. No `bpy` here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.spatial import KDTree

from bodyscan.geometry.rotations import rotvec_to_matrix
from bodyscan.types import F64

from .bone_layout import FINGERS, SIDES, UP, shortest_turn
from .pose_arrays import Pose, PoseBody, bend_to, owned_by, places, skin, turn_joint

FOREARM_SHARE = 0.5
"""How much of a palm's roll the forearm makes, as in a living arm; the wrist makes the rest."""
THIGH_ROUNDS = 4
NEAR_M = 0.06
"""Skin further below a surface than this is on the other side of the limb."""
COLUMN_M = 0.012
"""Around a point of a hand, looked down from: what of the thigh lies below it."""
GAP_M = 0.004
"""Kept between a hand and what it lies on or hangs beside."""
CLEAR_STEP_DEG, CLEAR_MOST_DEG = 2.0, 40.0


def set_hands(body: PoseBody, pose: Pose, said: Mapping[str, Any]) -> None:
    hands = said.get("hands", {})
    for side, sign in SIDES.items():
        if "curl" in said:
            _curl(body, pose, side, float(said["curl"]))
        if not hands:
            continue
        palm = np.asarray(hands["palm"], np.float64) * (sign, 1, 1)
        if "on_thigh" in hands:
            _lay_on_thigh(body, pose, side, float(hands["on_thigh"]), palm)
        else:
            roll_palm(body, pose, side, palm)


def roll_palm(body: PoseBody, pose: Pose, side: str, palm: F64) -> None:
    """Roll forearm and hand about the forearm's line until the palm looks as much to `palm` as it can."""
    lower, hand = body.index(f"{side}LowerArm"), body.index(f"{side}Hand")
    if f"{side}MiddleProximal" in body.names:
        along = pose.turns[lower] @ (body.heads[hand] - body.heads[lower])
        roll, axis = _palm_roll(body, pose, side, along, palm)
        turn_joint(body, pose, lower, rotvec_to_matrix(FOREARM_SHARE * roll * axis))
        turn_joint(body, pose, hand, rotvec_to_matrix((1 - FOREARM_SHARE) * roll * axis))


def _palm_roll(body: PoseBody, pose: Pose, side: str, along: F64, palm: F64) -> tuple[float, F64]:
    """The angle, radians, and unit axis of the roll about `along` that turns the palm towards `palm`."""
    hand, middle = body.index(f"{side}Hand"), body.index(f"{side}MiddleProximal")
    axis = along / np.linalg.norm(along)
    now = pose.turns[hand] @ np.cross(body.x_axes[hand], body.heads[middle] - body.heads[hand])
    now, wanted = (v - (v @ axis) * axis for v in (now, palm))
    return float(np.arctan2(np.cross(now, wanted) @ axis, now @ wanted)), axis


def _curl(body: PoseBody, pose: Pose, side: str, degrees: float) -> None:
    for finger in FINGERS[1:]:
        for segment in ("Proximal", "Intermediate", "Distal"):
            name = f"{side}{finger}{segment}"
            if name in body.names:
                joint = body.index(name)
                axis = pose.turns[joint] @ body.x_axes[joint]
                turn_joint(body, pose, joint, rotvec_to_matrix(np.radians(degrees) * axis))


def _lay_on_thigh(body: PoseBody, pose: Pose, side: str, along: float, palm: F64) -> None:
    """Lay a hand flat on the thigh: the wrist over it, as high as the thigh's skin asks."""
    thigh = owned_by(body, f"{side}UpperLeg", f"{side}LowerLeg")
    fingers = owned_by(body, f"{side}Hand", *(f"{side}{finger}" for finger in FINGERS))
    at = places(body, pose)
    hip, knee = at[body.index(f"{side}UpperLeg")], at[body.index(f"{side}LowerLeg")]
    target = hip + along * (knee - hip) + 0.1 * UP
    elbow = np.array([SIDES[side] * 0.8, -0.3, -0.6])
    below, _ = skin(body, pose, thigh)
    tree = KDTree(below[:, [0, 2]])
    for _ in range(THIGH_ROUNDS):
        bend_to(body, pose, (f"{side}UpperArm", f"{side}LowerArm"), target, elbow)
        _lay_flat(body, pose, side, knee - hip, palm)
        above, _ = skin(body, pose, fingers)
        columns = tree.query_ball_point(above[:, [0, 2]], COLUMN_M)
        apart = [y - below[found, 1].max() for y, found in zip(above[:, 1], columns, strict=True) if found]
        if not apart:
            return
        target = target + (GAP_M - min(apart)) * UP


def _lay_flat(body: PoseBody, pose: Pose, side: str, direction: F64, palm: F64) -> None:
    """Point a hand in a direction, its palm to `palm`: half of the roll is the forearm's."""
    hand, tip = body.index(f"{side}Hand"), f"{side}MiddleProximal"
    if tip not in body.names:
        return
    roll_palm(body, pose, side, palm)
    now = pose.turns[hand] @ (body.heads[body.index(tip)] - body.heads[hand])
    turn_joint(body, pose, hand, shortest_turn(now, direction))
    roll, axis = _palm_roll(body, pose, side, direction, palm)
    turn_joint(body, pose, hand, rotvec_to_matrix(roll * axis))


def clear_arms(body: PoseBody, pose: Pose) -> None:
    """Lead each arm away from the trunk until no skin of forearm and hand is inside."""
    trunk = owned_by(body, "hips", "spine", "chest", "UpperLeg")
    for side, sign in SIDES.items():
        arm = owned_by(body, f"{side}LowerArm", f"{side}Hand", *(f"{side}{finger}" for finger in FINGERS))
        if not len(arm) or not len(trunk):
            continue
        joint = body.index(f"{side}UpperArm")
        out = rotvec_to_matrix(np.radians([0.0, 0.0, sign * CLEAR_STEP_DEG]))
        surface, normals = skin(body, pose, trunk)
        tree = KDTree(surface)
        for _ in range(int(CLEAR_MOST_DEG / CLEAR_STEP_DEG)):
            points, _ = skin(body, pose, arm)
            apart, near = tree.query(points)
            depth = np.einsum("vi,vi->v", points - surface[near], normals[near])
            if not ((depth < GAP_M) & (apart < NEAR_M)).any():
                break
            turn_joint(body, pose, joint, out)
