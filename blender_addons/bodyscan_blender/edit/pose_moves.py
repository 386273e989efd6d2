# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves of the body in words (raise an arm, bend a knee), and the pose that they make of a fitted one.

Arms and legs move about the directions of the part that they hang on (the chest's front, the hips' side),
elbows and knees about their hinge, and what turns along a bone about that bone; so a move means the same
however the person stands. A move of the back or of the neck is shared among its joints.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bodyscan.body.model import BodyModel
from bodyscan.geometry.rotations import matrix_to_rotvec, rotvec_to_matrix
from bodyscan.types import F64, BodyParams

SIDE, UP, FRONT = np.eye(3)
"""Axes of a part of the unposed body: to the person's left, up, forward."""
BONE, HINGE, KNUCKLES = "bone", "hinge", "knuckles"
"""Axes of a joint itself: along its bone, of its hinge, along the knuckles of the hand."""


@dataclass(frozen=True, eq=False)
class Move:
    """One slider."""

    name: str
    part: str
    """What it belongs to, in words."""
    words: str
    joints: tuple[str, ...]
    """The angle is shared among them; the model's names."""
    axis: F64 | str
    """(3,) in the frame of the joint's parent, or one of `bone`, `hinge`, `knuckles`."""
    low_deg: float
    high_deg: float
    sign: float = 1.0
    """-1 where the right side turns the other way about its own axis."""

    @property
    def is_of_parent(self) -> bool:
        """Whether the turn comes after the joint's own, in the parent's frame."""
        return not isinstance(self.axis, str)


def _arm(side: str, sign: float) -> tuple[Move, ...]:
    part, upper = f"{side.capitalize()} arm", (f"{side}UpperArm",)
    lower, hand = (f"{side}LowerArm",), (f"{side}Hand",)
    return (
        Move(f"{side}_arm_raise", part, "Raise sideways", upper, sign * FRONT, -90, 120),
        Move(f"{side}_arm_swing", part, "Swing forward", upper, -SIDE, -60, 120),
        Move(f"{side}_arm_turn", part, "Turn inwards", upper, BONE, -90, 90, sign),
        Move(f"{side}_elbow", part, "Bend the elbow", lower, HINGE, -45, 140),
        Move(f"{side}_forearm_turn", part, "Turn the forearm inwards", lower, BONE, -90, 90, sign),
        Move(f"{side}_hand_bend", part, "Bend the hand to the palm", hand, KNUCKLES, -80, 80, -sign),
        Move(f"{side}_shoulder", part, "Lift the shoulder", (f"{side}Shoulder",), sign * FRONT, -20, 40),
    )


def _leg(side: str, sign: float) -> tuple[Move, ...]:
    part, upper, lower, foot = (
        f"{side.capitalize()} leg",
        (f"{side}UpperLeg",),
        (f"{side}LowerLeg",),
        (f"{side}Foot",),
    )
    return (
        Move(f"{side}_leg_spread", part, "Spread", upper, sign * FRONT, -30, 70),
        Move(f"{side}_leg_swing", part, "Swing forward", upper, -SIDE, -40, 110),
        Move(f"{side}_leg_turn", part, "Turn outwards", upper, sign * UP, -50, 50),
        Move(f"{side}_knee", part, "Bend the knee", lower, HINGE, -20, 130),
        Move(f"{side}_foot", part, "Lift the toes", foot, -SIDE, -50, 35),
    )


_BACK, _NECK = ("spine", "chest", "upperChest"), ("neck", "head")
MOVES: tuple[Move, ...] = (
    Move("body_turn", "Whole body", "Turn to the left", ("hips",), UP, -180, 180),
    Move("body_lean", "Whole body", "Lean forward", ("hips",), SIDE, -45, 45),
    Move("body_tilt", "Whole body", "Lean to the left", ("hips",), -FRONT, -45, 45),
    Move("back_bend", "Back", "Bend forward", _BACK, SIDE, -30, 70),
    Move("back_side", "Back", "Bend to the left", _BACK, -FRONT, -40, 40),
    Move("back_turn", "Back", "Turn to the left", _BACK, UP, -50, 50),
    Move("head_nod", "Head", "Nod", _NECK, SIDE, -45, 45),
    Move("head_tilt", "Head", "Tilt to the left", _NECK, -FRONT, -40, 40),
    Move("head_turn", "Head", "Turn to the left", _NECK, UP, -70, 70),
    *_arm("left", 1.0),
    *_arm("right", -1.0),
    *_leg("left", 1.0),
    *_leg("right", -1.0),
)
"""All moves, in the order in which they are shown."""


def move_named(name: str) -> Move:
    """Raises `KeyError` for a name that is none."""
    return next(move for move in MOVES if move.name == name)


def moves_of(model: BodyModel) -> tuple[Move, ...]:
    """The moves whose joints the model has."""
    known = set(model.joint_names)
    return tuple(move for move in MOVES if known.issuperset(move.joints))


def moved_pose(model: BodyModel, params: BodyParams, degrees: Mapping[str, float]) -> F64:
    """(J, 3) rotation vectors: the pose of `params`, with moves (name -> degrees) on top.

    Names that the model does not know as moves are left out.
    """
    chosen = [move for move in moves_of(model) if degrees.get(move.name)]
    pose = params.pose_rotvec.copy()
    if not chosen:
        return pose
    from bodyscan.fit.prior import build_pose_prior  # takes a third of a second to import

    joints = model.rest_joints(params.betas)
    hinges = {hinge.joint: hinge.axis for hinge in build_pose_prior(model, joints, pose).hinges}
    for name in {name for move in chosen for name in move.joints}:
        j = model.joint_index(name)
        rotation = rotvec_to_matrix(pose[j])
        for move in chosen:
            if name not in move.joints:
                continue
            axis = move.axis if move.is_of_parent else _own_axis(model, joints, hinges, j, str(move.axis))
            angle = move.sign * np.radians(degrees[move.name]) / len(move.joints)
            turn = rotvec_to_matrix(angle * np.asarray(axis))
            rotation = turn @ rotation if move.is_of_parent else rotation @ turn
        pose[j] = matrix_to_rotvec(rotation)
    return pose


def _own_axis(model: BodyModel, joints: F64, hinges: Mapping[int, F64], j: int, kind: str) -> F64:
    from bodyscan.fit.prior import bone_direction

    if kind == HINGE:
        return hinges[j]
    bone = bone_direction(model, joints, j)
    if kind == BONE:
        return bone
    side = "left" if model.joint_names[j].startswith("left") else "right"
    index, little = (joints[model.joint_index(f"{side}{f}Proximal")] for f in ("Index", "Little"))
    row = index - little - bone * (bone @ (index - little))
    return row / np.linalg.norm(row)
