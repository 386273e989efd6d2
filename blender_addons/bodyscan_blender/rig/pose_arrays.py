# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A skinned body and a pose of it as arrays, and the moves that poses are made of. No `bpy` here.

World of bodyscan: metres, +Y up, facing +Z. All rotations are of the joints' frames against the bind pose.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodyscan.types import F64

from .bone_layout import FORWARD, SIDES, shortest_turn, side_of

CHILD = {
    "UpperArm": "LowerArm",
    "LowerArm": "Hand",
    "UpperLeg": "LowerLeg",
    "LowerLeg": "Foot",
}
"""Part of a limb -> the joint that it ends at."""


@dataclass(frozen=True, eq=False)
class PoseBody:
    """A skinned body in its bind pose."""

    names: tuple[str, ...]
    """(J) VRM names; a parent stands before its children."""
    parents: np.ndarray
    """(J,) int, -1 for the root."""
    heads: F64
    """(J, 3)"""
    x_axes: F64
    """(J, 3): the axis about which each bone bends."""
    positions: F64
    """(V, 3)"""
    normals: F64
    """(V, 3)"""
    joints: np.ndarray
    """(V, K) int"""
    weights: F64
    """(V, K), rows sum to 1."""

    def index(self, name: str) -> int:
        return self.names.index(name)


@dataclass(eq=False)
class Pose:
    """What the joints do."""

    turns: F64
    """(J, 3, 3) world rotation of each joint's frame against the bind pose."""
    root: F64
    """(3,) metres: how far the root joint is moved."""


def places(body: PoseBody, pose: Pose) -> F64:
    """(J, 3) where the joints stand in the pose."""
    out = np.empty_like(body.heads)
    for joint, parent in enumerate(body.parents):
        if parent < 0:
            out[joint] = body.heads[joint] + pose.root
        else:
            out[joint] = out[parent] + pose.turns[parent] @ (body.heads[joint] - body.heads[parent])
    return out


def skin(body: PoseBody, pose: Pose, vertices: np.ndarray | None = None) -> tuple[F64, F64]:
    """(N, 3) positions and unit normals of the vertices (all without a list) in the pose."""
    chosen = slice(None) if vertices is None else vertices
    joints, weights = body.joints[chosen], body.weights[chosen]
    shift = places(body, pose) - np.einsum("jik,jk->ji", pose.turns, body.heads)
    turn = np.einsum("vk,vkij->vij", weights, pose.turns[joints])
    moved = np.einsum("vij,vj->vi", turn, body.positions[chosen])
    moved += np.einsum("vk,vki->vi", weights, shift[joints])
    normals = np.einsum("vij,vj->vi", turn, body.normals[chosen])
    return moved, normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)


def owned_by(body: PoseBody, *parts: str) -> np.ndarray:
    """(N,) vertices that hang most on joints whose names, without their side, begin with one of `parts`."""
    strongest = body.joints[np.arange(len(body.joints)), np.argmax(body.weights, axis=1)]
    wanted = [
        j for j, name in enumerate(body.names) if side_of(name)[1].startswith(parts) or name.startswith(parts)
    ]
    return np.flatnonzero(np.isin(strongest, wanted))


def descendants(body: PoseBody, joint: int) -> list[int]:
    """A joint's descendants, parents first."""
    found: list[int] = []
    for other in range(joint + 1, len(body.names)):
        if body.parents[other] == joint or body.parents[other] in found:
            found.append(other)
    return found


def turn_joint(body: PoseBody, pose: Pose, joint: int, rotation: F64) -> None:
    """Turn a joint, with all that hangs on it, by a rotation of the world."""
    for other in (joint, *descendants(body, joint)):
        pose.turns[other] = rotation @ pose.turns[other]


def aim(body: PoseBody, pose: Pose, bone: str, direction: F64) -> None:
    """Turn a bone the shortest way to a direction; what hangs on it comes along."""
    joint = body.index(bone)
    side, part = side_of(bone)
    tip = body.index(side + CHILD[part])
    turn_joint(
        body, pose, joint, shortest_turn(pose.turns[joint] @ (body.heads[tip] - body.heads[joint]), direction)
    )


def bend_to(body: PoseBody, pose: Pose, bones: tuple[str, str], target: F64, toward: F64) -> None:
    """Turn two bones so that the second ends at `target` (or as near as they reach), bent to `toward`."""
    at = places(body, pose)
    upper, lower = (body.index(bone) for bone in bones)
    side, part = side_of(bones[1])
    tip = body.index(side + CHILD[part])
    first = float(np.linalg.norm(body.heads[lower] - body.heads[upper]))
    second = float(np.linalg.norm(body.heads[tip] - body.heads[lower]))
    line = target - at[upper]
    distance = float(np.clip(np.linalg.norm(line), abs(first - second) + 1e-4, first + second - 1e-6))
    along = line / np.linalg.norm(line)
    aside = toward - (toward @ along) * along
    aside = aside / np.linalg.norm(aside) if np.linalg.norm(aside) > 1e-6 else FORWARD
    share = (first**2 + distance**2 - second**2) / (2 * distance)
    middle = at[upper] + share * along + np.sqrt(max(first**2 - share**2, 0.0)) * aside
    aim(body, pose, bones[0], middle - at[upper])
    aim(body, pose, bones[1], at[upper] + distance * along - middle)


def sole_height(body: PoseBody, pose: Pose, side: str) -> float:
    """The height of a sole."""
    vertices = owned_by(body, f"{side}Foot", f"{side}Toes")
    if not len(vertices):
        return float(places(body, pose)[body.index(f"{side}Foot"), 1])
    return float(skin(body, pose, vertices)[0][:, 1].min())


def ground(body: PoseBody, pose: Pose) -> None:
    """Move the hips so that the lowest sole stands on the floor, Y = 0."""
    pose.root[1] -= min(sole_height(body, pose, side) for side in SIDES)
