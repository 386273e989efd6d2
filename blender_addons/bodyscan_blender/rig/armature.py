# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A twin's joints -> an armature: bones where the joints are, tidy, coloured, and safe to take hold of.

The rest pose is the file's bind pose. Names are the file's too: an export must find its joints again, and
Blender takes `leftHand` and `rightHand` for a pair as it takes `hand.L` and `hand.R`.
"""

from __future__ import annotations

from typing import Any

import bpy
from mathutils import Vector

from bodyscan.errors import InputError
from bodyscan.gltf.read_skin import vrm_joint_names
from bodyscan.types import Skeleton

from ..axes import blender_from_world
from ..rollback import editing
from .bone_layout import GROUPS, BoneLayout, group_of, is_hinge, side_of
from .bone_shapes import give_shapes
from .pose_bones import local_rotation, put_rotation

TIDY = "bodyscan_tidy"
"""Of an armature object: its bones are laid out as `bone_layout` says."""
SIDE_COLORS = {"left": "THEME04", "right": "THEME01", "": "THEME09"}
"""Blue, red and yellow of Blender's themes: left, right and middle."""
HINGE_ORDER, FREE_ORDER = "YZX", "QUATERNION"
"""A hinge twists about itself (Y) first and bends (X) last: its curves read as bend, and nothing locks up
until it is bent aside by a right angle. Free joints turn every way, which only quaternions do without
locking."""
ROOT = "hips"
"""The one bone that may be moved; all others only turn, so that no limb changes its length."""


def armature_object(
    context: Any, collection: Any, name: str, skeleton: Skeleton, names: tuple[str, ...], layout: BoneLayout
) -> Any:
    """Return a new armature object in `collection`, which must be in the view layer.

    `names` (J): the VRM name of each joint. Raises `InputError` for joint names that Blender cannot hold.
    """
    data = bpy.data.armatures.new(name)
    item = bpy.data.objects.new(name, data)
    collection.objects.link(item)
    item.show_in_front = True
    with editing(context, item):
        _add_bones(data, skeleton, layout)
    _dress(item, skeleton, names, layout)
    return item


def is_tidy(armature: Any) -> bool:
    """Whether the bones were laid out here: those of another importer bend about other axes."""
    return bool(armature.get(TIDY))


def tidy_bones(context: Any, armature: Any, skeleton: Skeleton, layout: BoneLayout) -> None:
    """Lay out the bones that another importer made; the pose that is seen stays.

    `skeleton`: the armature's own joints and names. Raises `InputError` for an animated armature, whose keys
    hold turns about the old axes.
    """
    about = armature.animation_data
    if about is not None and (about.action is not None or len(about.nla_tracks)):
        raise InputError(
            "This armature is animated, about the axes that its bones have: tidy it before that."
        )
    context.view_layer.update()
    turned = {
        bone.name: bone.matrix @ bone.bone.matrix_local.inverted()
        for bone in armature.pose.bones
        if bone.name in skeleton.joint_names
    }
    with editing(context, armature) as data:
        for name in skeleton.joint_names:
            data.edit_bones[name].use_connect = False
        for joint, name in enumerate(skeleton.joint_names):
            _shape_bone(data.edit_bones[name], layout, joint)
        for joint, name in enumerate(skeleton.joint_names):
            data.edit_bones[name].use_connect = bool(layout.connected[joint])
    _dress(armature, skeleton, vrm_joint_names(skeleton.joint_names), layout)
    stands = {name: turned[name] @ armature.data.bones[name].matrix_local for name in turned}
    for name, matrix in stands.items():
        bone = armature.pose.bones[name]
        put_rotation(
            bone, local_rotation(bone, matrix, stands.get(bone.parent.name) if bone.parent else None)
        )
        if bone.parent is None:
            bone.location = bone.bone.matrix_local.inverted() @ matrix.translation
    context.view_layer.update()


def vrm_bones(armature: Any) -> dict[str, str]:
    """VRM humanoid name -> name of the bone of the skin, for the bones that have one."""
    bones = [bone.name for bone in armature.data.bones if bone.use_deform]
    return dict(zip(vrm_joint_names(tuple(bones)), bones, strict=True))


def _dress(item: Any, skeleton: Skeleton, names: tuple[str, ...], layout: BoneLayout) -> None:
    """Collections, colours, wires, locks."""
    _sort(item.data, skeleton, names)
    for joint, vrm_name in zip(skeleton.joint_names, names, strict=True):
        _steady(item.pose.bones[joint], vrm_name)
    give_shapes(item, skeleton.joint_names, names, layout)
    item[TIDY] = True


def _shape_bone(bone: Any, layout: BoneLayout, joint: int) -> None:
    bone.head = Vector(blender_from_world(layout.heads[joint]))
    bone.tail = Vector(blender_from_world(layout.tails[joint]))
    bone.align_roll(Vector(blender_from_world(layout.z_axes[joint])))


def _add_bones(data: Any, skeleton: Skeleton, layout: BoneLayout) -> None:
    for joint, name in enumerate(skeleton.joint_names):
        bone = data.edit_bones.new(name)
        if bone.name != name:
            raise InputError(
                f"Blender cannot hold the joint name '{name}': it stands twice or is longer than 63 bytes."
            )
        _shape_bone(bone, layout, joint)
        parent = int(skeleton.parents[joint])
        if parent >= 0:
            bone.parent = data.edit_bones[skeleton.joint_names[parent]]
            bone.use_connect = bool(layout.connected[joint])


def _sort(data: Any, skeleton: Skeleton, names: tuple[str, ...]) -> None:
    """Put bones into collections and colour them by their side."""
    groups = [group_of(name) for name in names]
    made = {
        group: data.collections.get(group) or data.collections.new(group)
        for group in GROUPS
        if group in groups
    }
    for joint, name, group in zip(skeleton.joint_names, names, groups, strict=True):
        bone = data.bones[joint]
        made[group].assign(bone)
        bone.color.palette = SIDE_COLORS[side_of(name)[0]]


def _steady(bone: Any, name: str) -> None:
    """Set how a bone turns, and lock what it must not do."""
    bone.rotation_mode = HINGE_ORDER if is_hinge(name) else FREE_ORDER
    bone.lock_location = (bone.parent is not None,) * 3
    bone.lock_scale = (True, True, True)
