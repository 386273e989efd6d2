# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pose bones by where they stand: the rotation that brings a bone to a place, in the bone's own mode."""

from __future__ import annotations

from typing import Any

from mathutils import Matrix, Quaternion


def rest_from_parent(pose_bone: Any) -> Matrix:
    """(4, 4): a bone at rest, seen from its parent; from the armature where it has none."""
    bone = pose_bone.bone
    if pose_bone.parent is None:
        return bone.matrix_local.copy()
    return pose_bone.parent.bone.matrix_local.inverted() @ bone.matrix_local


def local_rotation(pose_bone: Any, matrix: Matrix, parent: Matrix | None = None) -> Quaternion:
    """The channel's rotation that turns a bone to a pose-space `matrix`.

    `parent`: where its parent will stand; where it stands now, without.
    """
    above = Matrix.Identity(4)
    if pose_bone.parent is not None:
        above = parent if parent is not None else pose_bone.parent.matrix
    frame = (above @ rest_from_parent(pose_bone)).to_3x3()
    return (frame.inverted() @ matrix.to_3x3()).to_quaternion()


def put_rotation(pose_bone: Any, quaternion: Quaternion) -> None:
    """Write a rotation into the channel of the bone's rotation mode."""
    if pose_bone.rotation_mode == "QUATERNION":
        near = pose_bone.rotation_quaternion
        pose_bone.rotation_quaternion = -quaternion if near.dot(quaternion) < 0 else quaternion
    elif pose_bone.rotation_mode == "AXIS_ANGLE":
        axis, angle = quaternion.to_axis_angle()
        pose_bone.rotation_axis_angle = (angle, *axis)
    else:
        pose_bone.rotation_euler = quaternion.to_euler(pose_bone.rotation_mode, pose_bone.rotation_euler)


def rotation_path(pose_bone: Any) -> str:
    """The property that a bone's rotation is keyed as."""
    return {"QUATERNION": "rotation_quaternion", "AXIS_ANGLE": "rotation_axis_angle"}.get(
        pose_bone.rotation_mode, "rotation_euler"
    )
