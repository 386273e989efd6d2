# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pose library on a twin in the scene: whole or in part, on the floor, with IK following."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

from bodyscan.errors import InputError
from bodyscan.types import Skeleton

from ..axes import BLENDER_FROM_WORLD, world_from_blender
from ..operator_base import PersonOperator
from ..people import Person, active_person
from . import ik
from .armature import tidy_bones, vrm_bones
from .bone_layout import BoneLayout, bone_layout, group_of
from .pose_arrays import Pose, PoseBody, ground
from .pose_bones import local_rotation, put_rotation, rest_from_parent, rotation_path
from .pose_solver import library, solve_pose
from .twin_data import influences, points, rest_points

FOLLOWS_RIGIFY = "bodyscan Rigify"
"""Begins the names of the constraints by which a twin follows a Rigify rig."""


def pose_body(person: Person) -> PoseBody:
    """Return a person's twin as arrays in the bind pose.

    Raises `InputError` where the twin or its skeleton is gone, or its groups name no bones.
    """
    return _laid_out(person)[0]


def tidy(context: Any, person: Person) -> None:
    """Lay out the bones of a twin that another importer brought. Raises what `tidy_bones` raises."""
    _, skeleton, layout = _laid_out(person)
    tidy_bones(context, twin_and_armature(person)[1], skeleton, layout)


def _laid_out(person: Person) -> tuple[PoseBody, Skeleton, BoneLayout]:
    twin, armature = twin_and_armature(person)
    names = vrm_bones(armature)
    bones = [armature.data.bones[bone] for bone in names.values()]
    place = {bone.name: joint for joint, bone in enumerate(bones)}
    joints, weights = influences(twin, place)
    parents = np.array([place.get(bone.parent.name, -1) if bone.parent else -1 for bone in bones])
    heads = world_from_blender(np.array([bone.head_local for bone in bones], np.float64))
    positions = world_from_blender(rest_points(twin))
    skeleton = Skeleton(tuple(names.values()), parents, heads)
    layout = bone_layout(skeleton, tuple(names), positions.astype(np.float32), joints, weights)
    along = (layout.tails - layout.heads) / layout.lengths[:, None]
    body = PoseBody(
        names=tuple(names),
        parents=parents,
        heads=heads,
        x_axes=np.cross(along, layout.z_axes),
        positions=positions,
        normals=world_from_blender(points(twin.data.vertices, "normal")),
        joints=joints,
        weights=weights,
    )
    return body, skeleton, layout


def twin_and_armature(person: Person) -> tuple[Any, Any]:
    """Return a person's skin and skeleton. Raises `InputError` where one of them is gone."""
    twin, armature = person.object("twin"), person.object("armature")
    if twin is None or armature is None:
        gone = "skeleton" if armature is None else "skin"
        raise InputError(f"{person.name} has no {gone} in this scene any more; import the twin again.")
    return twin, armature


def apply_pose(context: Any, person: Person, name: str, strength: float = 1.0) -> None:
    """Bring a person from the pose that is seen towards one of the library, 0 (not at all) to 1 (all the
    way).

    The lowest sole stands on the floor of the armature afterwards; limbs with IK follow, and their controls
    with them; the face stays. Raises `InputError` where the twin is incomplete or follows another rig.
    """
    _, armature = twin_and_armature(person)
    if follows_rigify(armature):
        raise InputError("This twin follows a Rigify rig: pose that rig, or take the twin off it first.")
    body = pose_body(person)
    target = solve_pose(body, name)
    bones = [armature.pose.bones[bone] for bone in vrm_bones(armature).values()]
    context.view_layer.update()
    wanted = _blended(body, bones, target, float(np.clip(strength, 0.0, 1.0)))
    _write(context, armature, body, bones, wanted)


def put_on_floor(context: Any, person: Person) -> float:
    """Move the hips so that the lowest sole stands on the floor; return by how many metres."""
    _, armature = twin_and_armature(person)
    body = pose_body(person)
    bones = [armature.pose.bones[bone] for bone in vrm_bones(armature).values()]
    context.view_layer.update()
    before = [bone.matrix.copy() for bone in bones]
    after = _grounded(body, bones, before)
    _write(context, armature, body, bones, after)
    return float(after[0].translation.z - before[0].translation.z)


def follows_rigify(armature: Any) -> bool:
    """Whether the bones copy a Rigify rig's."""
    return any(
        constraint.name.startswith(FOLLOWS_RIGIFY)
        for bone in armature.pose.bones
        for constraint in bone.constraints
    )


def _blended(body: PoseBody, bones: list[Any], target: Pose, strength: float) -> list[Matrix]:
    """Pose-space matrices (J) between the pose that is seen and the target; the face's bones stay at rest."""
    wanted: list[Matrix] = []
    for joint, bone in enumerate(bones):
        parent = int(body.parents[joint])
        above = wanted[parent] if parent >= 0 else Matrix.Identity(4)
        here = above @ rest_from_parent(bone)
        seen = local_rotation(bone, bone.matrix)
        if group_of(body.names[joint]) == "Face":
            turned = seen
        else:
            turned = seen.slerp(_local(body, bone, target, joint), strength)
        matrix = here @ turned.to_matrix().to_4x4()
        if parent < 0:
            shift = Vector(BLENDER_FROM_WORLD @ target.root)
            matrix.translation = bone.matrix.translation.lerp(bone.bone.head_local + shift, strength)
        wanted.append(matrix)
    return _grounded(body, bones, wanted)


def _local(body: PoseBody, bone: Any, pose: Pose, joint: int) -> Any:
    """The channel's rotation of a joint in a solved pose."""
    parent = int(body.parents[joint])
    above = pose.turns[parent] if parent >= 0 else np.eye(3)
    between = BLENDER_FROM_WORLD @ above.T @ pose.turns[joint] @ BLENDER_FROM_WORLD.T
    rest = bone.bone.matrix_local.to_3x3()
    return (rest.inverted() @ Matrix(between.tolist()) @ rest).to_quaternion()


def _grounded(body: PoseBody, bones: list[Any], wanted: list[Matrix]) -> list[Matrix]:
    turns = np.stack(
        [
            BLENDER_FROM_WORLD.T
            @ np.array(matrix.to_3x3() @ bone.bone.matrix_local.to_3x3().inverted())
            @ BLENDER_FROM_WORLD
            for bone, matrix in zip(bones, wanted, strict=True)
        ]
    )
    root = BLENDER_FROM_WORLD.T @ np.array(wanted[0].translation - bones[0].bone.head_local)
    pose = Pose(np.asarray(turns, np.float64), np.asarray(root, np.float64))
    before = float(root[1])
    ground(body, pose)
    lift = Matrix.Translation((0.0, 0.0, pose.root[1] - before))
    return [lift @ matrix for matrix in wanted]


def _write(context: Any, armature: Any, body: PoseBody, bones: list[Any], wanted: list[Matrix]) -> None:
    for joint, bone in enumerate(bones):
        parent = int(body.parents[joint])
        put_rotation(bone, local_rotation(bone, wanted[joint], wanted[parent] if parent >= 0 else None))
    rest = bones[0].bone.matrix_local
    bones[0].location = rest.to_3x3().inverted() @ (wanted[0].translation - rest.translation)
    stands = {bone.name: matrix for bone, matrix in zip(bones, wanted, strict=True)}
    for limb in ik.LIMBS:
        if ik.ik_share(armature, limb) > 0:
            ik.resnap(context, armature, limb, [stands[bone] for bone in ik.limb_bones(armature, limb)])
    if context.scene.tool_settings.use_keyframe_insert_auto:
        _key(context, armature, bones)
    context.view_layer.update()


def _key(context: Any, armature: Any, bones: list[Any]) -> None:
    """Key what was posed, where Blender's automatic keying is on."""
    frame = context.scene.frame_current
    controls = [
        armature.pose.bones[name]
        for limb in ik.LIMBS
        if ik.ik_share(armature, limb) > 0
        for name in (ik.LIMBS[limb].control, ik.LIMBS[limb].pole)
    ]
    for bone in [*bones, *controls]:
        bone.keyframe_insert(rotation_path(bone), frame=frame)
    for bone in [bones[0], *controls]:
        bone.keyframe_insert("location", frame=frame)


def posable(cls: Any, context: Any) -> Person | None:
    """The person whose twin may be posed, or None and the reason in the button's tip."""
    person = active_person(context)
    if person is None or person.object("armature") is None:
        cls.poll_message_set("Select a person who has a twin with bones.")
        return None
    if context.mode not in ("OBJECT", "POSE"):
        cls.poll_message_set("Leave the edit mode first.")
        return None
    return person


class PoseOperator(PersonOperator):
    """Mixin: works on a twin that may be posed."""

    @classmethod
    def poll(cls, context: Any) -> bool:
        return posable(cls, context) is not None


class ApplyPose(PoseOperator, bpy.types.Operator):
    """Bring the person into a pose of the library; the soles stand on the floor"""

    bl_idname = "bodyscan.pose"
    bl_label = "Pose"

    pose: bpy.props.EnumProperty(
        name="Pose", items=[(name, said["label"], said["says"]) for name, said in library().items()]
    )
    strength: bpy.props.FloatProperty(
        name="Strength",
        description="How far towards the pose, from what is seen now",
        default=1.0,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )

    @classmethod
    def description(cls, context: Any, properties: Any) -> str:
        return library()[properties.pose]["says"]

    def change(self, context: Any, person: Person) -> str:
        apply_pose(context, person, self.pose, self.strength)
        return ""


class PutOnFloor(PoseOperator, bpy.types.Operator):
    """Move the hips so that the lowest sole stands on the floor"""

    bl_idname = "bodyscan.put_on_floor"
    bl_label = "Soles on the Floor"

    def change(self, context: Any, person: Person) -> str:
        return f"The hips moved by {put_on_floor(context, person) * 100:.1f} cm."


CLASSES = (ApplyPose, PutOnFloor)


register, unregister = bpy.utils.register_classes_factory(CLASSES)
