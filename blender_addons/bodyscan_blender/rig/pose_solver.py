# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pose of the library for one person's body: how each joint turns, and where the hips go. No `bpy` here.

Directions alone do not stand a person on the floor: heavy thighs push the arms out, one leg is a centimetre
longer, a sole is thicker. So the skin is looked at: feet are planted by bending a knee or lowering the hips,
hands are laid on top of the thighs, arms are led out of the trunk.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from bodyscan.body.poses import standard_pose
from bodyscan.errors import InputError
from bodyscan.geometry.rotations import matrix_to_rotvec, rotvec_to_matrix
from bodyscan.rig.skeleton import BODY_JOINTS
from bodyscan.types import F64

from .bone_layout import FORWARD, SIDES, UP, shortest_turn, side_of
from .pose_arrays import (
    CHILD,
    Pose,
    PoseBody,
    aim,
    bend_to,
    descendants,
    ground,
    places,
    sole_height,
    turn_joint,
)
from .pose_hands import clear_arms, set_hands

SHOULDER_SHARE = 0.2
"""How much of an arm's swing the collar bone makes."""
FLOOR_ROUNDS = 3
ON_FLOOR_M = 1e-4
STRAIGHT_M = 0.01
"""A knee nearer to the line from hip to ankle than this shows no plane to bend in."""
LIBRARY = Path(__file__).with_name("poses.toml")


@cache
def library() -> Mapping[str, Mapping[str, Any]]:
    """Name -> what `poses.toml` says of the pose."""
    return tomllib.loads(LIBRARY.read_text(encoding="utf-8"))


def solve_pose(body: PoseBody, name: str) -> Pose:
    """Return a pose of the library for this body.

    Raises `InputError` for an unknown pose, or a skeleton without the joints of a human body.
    """
    if name not in library():
        raise InputError(f"There is no pose '{name}'; the library has {', '.join(library())}.")
    if missing := sorted(BODY_JOINTS - set(body.names)):
        raise InputError(f"The twin's skeleton has no {', '.join(missing[:4])}; poses need a whole body.")
    said = library()[name]
    pose = Pose(np.tile(np.eye(3), (len(body.names), 1, 1)), np.zeros(3))
    if len(said) <= 2:
        return pose
    if "standard" in said:
        pose.turns = _standard(body, said["standard"])
    _turn_trunk(body, pose, said.get("turns", {}))
    _aim_limbs(body, pose, said)
    _set_feet(body, pose, said)
    _plant(body, pose, said)
    set_hands(body, pose, said)
    if said.get("clear"):
        clear_arms(body, pose)
    ground(body, pose)
    return pose


def _standard(body: PoseBody, name: str) -> F64:
    """A pose of `bodyscan.body.poses`, whose rotations are made from where joints stand in any pose."""
    joints = SimpleNamespace(
        joint_names=body.names,
        num_joints=len(body.names),
        parents=body.parents,
        joint_index=body.index,
        rest_joints=lambda betas: body.heads,
    )
    local = rotvec_to_matrix(standard_pose(cast(Any, joints), np.zeros(0), name))
    world = local.copy()
    for joint, parent in enumerate(body.parents):
        if parent >= 0:
            world[joint] = world[parent] @ local[joint]
    return world


def _degrees(bow: float, turn: float, lean: float) -> F64:
    """Bow forward, turn left, lean left, one after the other about the world's axes."""
    about = [(0.0, 0.0, -lean), (bow, 0.0, 0.0), (0.0, turn, 0.0)]
    matrices = [rotvec_to_matrix(np.radians(np.array(axis))) for axis in about]
    return matrices[2] @ matrices[1] @ matrices[0]


def _turn_trunk(body: PoseBody, pose: Pose, turns: Mapping[str, Any]) -> None:
    for name in ("hips", "spine", "chest", "upperChest", "neck", "head"):
        if name in turns and name in body.names:
            joint = body.index(name)
            above = pose.turns[body.parents[joint]] if body.parents[joint] >= 0 else np.eye(3)
            turn_joint(body, pose, joint, above @ _degrees(*turns[name]) @ above.T)


def _directions(said: Mapping[str, Any]) -> dict[str, F64]:
    """Bone -> unit direction, from both sources; the library's own go before the shared ones."""
    given: dict[str, Any] = {}
    if "directions_of" in said:
        from bodyscan.render.poses import POSES

        given |= POSES[said["directions_of"]]
    for bone, direction in said.get("directions", {}).items():
        if side_of(bone)[0]:
            given[bone] = direction
        else:
            given |= {
                f"{side}{bone}": (sign * direction[0], direction[1], direction[2])
                for side, sign in SIDES.items()
            }
    vectors = {bone: np.asarray(value, np.float64) for bone, value in given.items()}
    return {
        bone: v / np.linalg.norm(v) for bone, v in vectors.items() if v.any() and side_of(bone)[1] in CHILD
    }


def _aim_limbs(body: PoseBody, pose: Pose, said: Mapping[str, Any]) -> None:
    directions = _directions(said)
    for part in CHILD:
        for side in SIDES:
            if side + part in directions:
                if part == "UpperArm":
                    _swing_shoulder(body, pose, side, directions[side + part])
                aim(body, pose, side + part, directions[side + part])


def _swing_shoulder(body: PoseBody, pose: Pose, side: str, direction: F64) -> None:
    joint, arm = body.index(f"{side}Shoulder"), body.index(f"{side}UpperArm")
    now = pose.turns[arm] @ (body.heads[body.index(f"{side}LowerArm")] - body.heads[arm])
    whole = shortest_turn(now, direction)
    turn_joint(body, pose, joint, _part_of(whole, SHOULDER_SHARE))


def _part_of(rotation: F64, share: float) -> F64:
    return rotvec_to_matrix(share * matrix_to_rotvec(rotation))


def _set_feet(body: PoseBody, pose: Pose, said: Mapping[str, Any]) -> None:
    """Feet stand as in the bind pose, but for what is said of them."""
    if "standard" in said:
        return
    for side, sign in SIDES.items():
        foot = said.get("feet", {}).get(side, {})
        out = rotvec_to_matrix(np.radians([0.0, sign * foot.get("toes_out", 0.0), 0.0]))
        down = rotvec_to_matrix(np.radians([foot.get("toes_down", 0.0), 0.0, 0.0]))
        joint = body.index(f"{side}Foot")
        for other in (joint, *descendants(body, joint)):
            pose.turns[other] = out @ down
        if foot.get("heel_up"):
            toes = body.index(f"{side}Toes")
            for other in (toes, *descendants(body, toes)):
                pose.turns[other] = out


def _plant(body: PoseBody, pose: Pose, said: Mapping[str, Any]) -> None:
    """Bring both soles to one height.

    The first foot of `planted` carries the weight: its leg stays as it is as long as the other knee can make
    up for it. With `level` the hips tip instead, as they do over legs of two lengths.
    """
    if said.get("level"):
        _tip_hips(body, pose)
    if "planted" not in said:
        return
    stance, free = said["planted"]
    for _ in range(FLOOR_ROUNDS):
        _lift_ankle(body, pose, free, sole_height(body, pose, stance) - sole_height(body, pose, free))
    for _ in range(FLOOR_ROUNDS):
        short = sole_height(body, pose, free) - sole_height(body, pose, stance)
        if short > ON_FLOOR_M:
            _lift_ankle(body, pose, stance, short)


def _tip_hips(body: PoseBody, pose: Pose) -> None:
    """Tip the hips alone, sideways, until both soles are at one height; legs and trunk keep their
    directions."""
    hips = body.index("hips")
    for _ in range(FLOOR_ROUNDS):
        at = places(body, pose)
        wide = at[body.index("leftUpperLeg"), 0] - at[body.index("rightUpperLeg"), 0]
        angle = np.arctan2(sole_height(body, pose, "right") - sole_height(body, pose, "left"), wide)
        pose.turns[hips] = rotvec_to_matrix(np.array([0.0, 0.0, angle])) @ pose.turns[hips]


def _lift_ankle(body: PoseBody, pose: Pose, side: str, lift: float) -> None:
    """Raise an ankle, or lower it for a negative `lift`, by the knee; the foot keeps its direction."""
    foot = body.index(f"{side}Foot")
    kept = [(other, pose.turns[other].copy()) for other in (foot, *descendants(body, foot))]
    at = places(body, pose)
    hip, knee, ankle = (at[body.index(side + part)] for part in ("UpperLeg", "LowerLeg", "Foot"))
    line = (ankle - hip) / np.linalg.norm(ankle - hip)
    aside = (knee - hip) - ((knee - hip) @ line) * line
    toward = aside if np.linalg.norm(aside) > STRAIGHT_M and aside @ FORWARD > 0 else FORWARD
    bend_to(body, pose, (f"{side}UpperLeg", f"{side}LowerLeg"), ankle + lift * UP, toward)
    for other, turn in kept:
        pose.turns[other] = turn
