# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's Rigify for a twin: its human metarig on the twin's joints, and the twin on the rig made of it.

The twin keeps its own bones, names and weights: each of its bones follows a bone of the Rigify rig by a
constraint, as a game's skeleton does. An export finds the twin as it was; taking it off the rig keeps the
pose.
"""

from __future__ import annotations

from typing import Any

import addon_utils
import bpy
import numpy as np
from mathutils import Matrix, Vector

from bodyscan.errors import InputError

from ..axes import blender_from_world
from ..operator_base import PersonOperator
from ..people import PERSON, Person
from ..rollback import all_or_nothing, editing
from . import ik
from .armature import is_tidy, vrm_bones
from .pose_arrays import owned_by
from .pose_bones import local_rotation, put_rotation
from .poses import FOLLOWS_RIGIFY, follows_rigify, posable, pose_body, twin_and_armature
from .rigify_places import LIMBS, RIGIFY_NAMES, SIDES, TRUNK, Place, places

KIND = "bodyscan_rigify"
"""Of an object of Rigify's: `metarig` or `rig`."""
MODULE = "rigify"
ORIGINAL = "ORG-"
"""Begins the names of a rig's bones that stand where the metarig's stood."""
STRETCH = "IK_Stretch"
"""Of the rig's limbs: how far they may be drawn out."""
CARRIED = "_carried"
"""Ends the names of bones that the rig carries for the twin's own."""
SAME_REST = 1e-5
"""Largest difference of the matrices of two bones that rest alike."""
HEEL_HEIGHT_M, HEEL_DEPTH_M = 0.04, 0.05
"""The part of the foot's skin that is heel: near the floor, and so far from its back."""


def rigify_object(person: Person, kind: str) -> Any | None:
    """A person's `metarig` or `rig`, or None."""
    return next((item for item in person.collection.all_objects if item.get(KIND) == kind), None)


def add_metarig(context: Any, person: Person) -> tuple[Any, list[str]]:
    """Put Rigify's human metarig on the twin's joints; one that the person had is replaced.

    Returns it, and what the animator should know. Raises `InputError` where Rigify is missing or the twin has
    no whole human skeleton.
    """
    _, armature = twin_and_armature(person)
    if not is_tidy(armature):
        raise InputError("Another importer laid out these bones; press Tidy Bones first.")
    human = _human_metarig()
    bones = _twin_bones(armature)
    if missing := [name for name in (*TRUNK, "leftUpperArm", "leftUpperLeg") if name not in bones]:
        raise InputError(f"The twin's skeleton has no {missing[0]}; Rigify's human needs a whole one.")
    stand, backward = places(bones, _heels(person))
    with all_or_nothing():
        metarig = bpy.data.objects.new("metarig", bpy.data.armatures.new("metarig"))
        person.collection.objects.link(metarig)
        context.view_layer.update()
        with editing(context, metarig) as data:
            human.create(metarig)
            if metarig.mode != "EDIT":
                bpy.ops.object.mode_set(mode="EDIT")
            _place(data, stand)
        _set_axes(metarig)
    _remove(person, "metarig")
    metarig[PERSON], metarig[KIND] = person.id, "metarig"
    metarig.name, metarig.show_in_front = "metarig", True
    return metarig, [
        f"The {limb} is bent back a little in the bind pose; look at the way its IK bends after generating."
        for limb in backward
    ]


def generate_rig(context: Any, person: Person) -> Any:
    """Have Rigify make its rig of the metarig, and let the twin follow it; return the rig.

    Raises `InputError` with Rigify's own words where it cannot.
    """
    metarig = rigify_object(person, "metarig")
    if metarig is None:
        raise InputError("The person has no metarig; add it first.")
    _human_metarig()
    _, armature = twin_and_armature(person)
    if follows_rigify(armature):
        leave_rig(context, person)
    old = rigify_object(person, "rig")
    if old is not None:
        _remove(person, "rig")
    with all_or_nothing():
        rig = _generated(context, metarig)
    rig[PERSON], rig[KIND] = person.id, "rig"
    for home in rig.users_collection:
        home.objects.unlink(rig)
    person.collection.objects.link(rig)
    for bone in rig.pose.bones:
        bone.ik_stretch = 0.0  # a person's limbs keep their length
        if STRETCH in bone:
            bone[STRETCH] = 0.0
    metarig.hide_set(True)
    follow_rig(context, person, rig)
    return rig


def follow_rig(context: Any, person: Person, rig: Any) -> list[str]:
    """Let each bone of the twin follow the rig's bone at its joint; return the bones that have none there.

    Where both rest alike the twin's bone copies the rig's; where they do not (Rigify's toes look up), it
    copies a hidden bone that rests as it does and is carried by the rig's. IK of this add-on is removed: two
    mechanisms on one limb would fight.
    """
    _, armature = twin_and_armature(person)
    ik.remove_ik(context, armature)
    known = vrm_bones(armature)
    targets = {
        bone: ORIGINAL + RIGIFY_NAMES[name]
        for name, bone in known.items()
        if name in RIGIFY_NAMES and ORIGINAL + RIGIFY_NAMES[name] in rig.data.bones
    }
    carried = [
        bone for bone, target in targets.items() if _apart(armature.data.bones[bone], rig.data.bones[target])
    ]
    _add_carried(context, armature, carried)
    for bone, target in targets.items():
        pose_bone = armature.pose.bones[bone]
        pose_bone.matrix_basis = Matrix.Identity(4)
        copy = pose_bone.constraints.new("COPY_TRANSFORMS")
        copy.name = FOLLOWS_RIGIFY
        if bone in carried:
            carry = armature.pose.bones[bone + CARRIED].constraints.new("ARMATURE")
            entry = carry.targets.new()
            entry.target, entry.subtarget = rig, target
            copy.target, copy.subtarget = armature, bone + CARRIED
        else:
            copy.target, copy.subtarget = rig, target
    context.view_layer.update()
    return [bone for bone in known.values() if bone not in targets]


def _apart(bone: Any, other: Any) -> bool:
    return float(np.abs(np.array(bone.matrix_local) - np.array(other.matrix_local)).max()) > SAME_REST


def _add_carried(context: Any, armature: Any, bones: list[str]) -> None:
    """Add hidden bones that rest as `bones` do and have no parent."""
    if not bones:
        return
    with editing(context, armature) as data:
        for name in bones:
            source = data.edit_bones[name]
            bone = data.edit_bones.new(name + CARRIED)
            bone.head, bone.tail, bone.roll = source.head, source.tail, source.roll
            bone.use_deform = False
    home = armature.data.collections.get(ik.MECHANISM) or armature.data.collections.new(ik.MECHANISM)
    home.is_visible = False
    for name in bones:
        home.assign(armature.data.bones[name + CARRIED])


def leave_rig(context: Any, person: Person) -> None:
    """Take the twin off the rig; the pose that is seen stays, as far as bones that only turn can hold it."""
    _, armature = twin_and_armature(person)
    context.view_layer.update()
    bones = [armature.pose.bones[bone] for bone in vrm_bones(armature).values()]
    seen = {bone.name: bone.matrix.copy() for bone in bones}
    for bone in bones:
        for constraint in [one for one in bone.constraints if one.name.startswith(FOLLOWS_RIGIFY)]:
            bone.constraints.remove(constraint)
        parent = seen.get(bone.parent.name) if bone.parent is not None else None
        put_rotation(bone, local_rotation(bone, seen[bone.name], parent))
    root = bones[0]
    rest = root.bone.matrix_local
    root.location = rest.to_3x3().inverted() @ (seen[root.name].translation - rest.translation)
    if any(bone.name.endswith(CARRIED) for bone in armature.data.bones):
        with editing(context, armature) as data:
            for bone in [bone for bone in data.edit_bones if bone.name.endswith(CARRIED)]:
                data.edit_bones.remove(bone)
    ik.drop_empty_collections(armature)
    context.view_layer.update()


def remove_rigify(context: Any, person: Person) -> None:
    """Take the twin off the rig and delete rig and metarig."""
    leave_rig(context, person)
    for kind in ("rig", "metarig"):
        _remove(person, kind)


def _human_metarig() -> Any:
    """Rigify's module that makes the human metarig; the add-on is enabled. Raises `InputError` without it."""
    try:
        loaded = addon_utils.check(MODULE)[1]
        if not loaded:
            bpy.ops.preferences.addon_enable(module=MODULE)
        from rigify.metarigs import human
    except (ImportError, RuntimeError) as error:
        raise InputError(
            "Blender's add-on Rigify is missing or cannot be enabled "
            f"({error}); look for it under Preferences > Add-ons."
        ) from None
    return human


def _twin_bones(armature: Any) -> dict[str, Place]:
    return {
        name: Place(
            np.array(armature.data.bones[bone].head_local),
            np.array(armature.data.bones[bone].tail_local),
            np.array(armature.data.bones[bone].matrix_local.to_3x3().col[2]),
        )
        for name, bone in vrm_bones(armature).items()
    }


def _heels(person: Person) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Side -> outer and inner end of the heel on the floor, from the skin; Blender's axes."""
    body = pose_body(person)
    out = {}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        foot = blender_from_world(body.positions[owned_by(body, f"{side}Foot", f"{side}Toes")])
        if not len(foot):
            continue
        back = foot[:, 1].max()
        heel = foot[(foot[:, 1] > back - HEEL_DEPTH_M) & (foot[:, 2] < foot[:, 2].min() + HEEL_HEIGHT_M)]
        ends = [heel[:, 0].min(), heel[:, 0].max()]
        inner, outer = ends if sign > 0 else ends[::-1]
        y, z = float(back - HEEL_DEPTH_M / 2), float(foot[:, 2].min())
        out[side] = (np.array([inner, y, z]), np.array([outer, y, z]))
    return out


def _place(data: Any, stand: dict[str, Place]) -> None:
    """Move the metarig's bones onto the twin; those that a twin has no joint for go."""
    for bone in [bone for bone in data.edit_bones if bone.name not in stand]:
        data.edit_bones.remove(bone)
    for name, place in stand.items():
        bone = data.edit_bones.get(name)
        if bone is None:
            continue
        connected, bone.use_connect = bone.use_connect, False
        bone.head, bone.tail = Vector(place.head), Vector(place.tail)
        bone.align_roll(Vector(place.z_axis))
        touches = bone.parent is not None and (bone.parent.tail - bone.head).length < 1e-6
        bone.use_connect = connected and touches


def _set_axes(metarig: Any) -> None:
    """Say which axis limbs and fingers bend about: X, as the twin's own bones have it."""
    for end in SIDES.values():
        for name in ("upper_arm", "thigh"):
            bone = metarig.pose.bones.get(name + end)
            if bone is not None:
                bone.rigify_parameters.rotation_axis = "x"
        for part in LIMBS.values():
            bone = metarig.pose.bones.get(part + end)
            if part.endswith(".01") and bone is not None:
                bone.rigify_parameters.primary_rotation_axis = "X"


def _generated(context: Any, metarig: Any) -> Any:
    layer = context.view_layer
    metarig.hide_set(False)
    for item in layer.objects:
        item.select_set(item is metarig)
    layer.objects.active = metarig
    try:
        done = bpy.ops.pose.rigify_generate()
    except RuntimeError as error:
        raise InputError(f"Rigify could not generate the rig: {_last_line(error)}") from None
    rig = layer.objects.active
    if "FINISHED" not in done or rig is None or rig == metarig:
        raise InputError("Rigify could not generate the rig; its report says why.")
    return rig


def _remove(person: Person, kind: str) -> None:
    for item in [one for one in person.collection.all_objects if one.get(KIND) == kind]:
        data = item.data
        if kind == "metarig":
            _remove_parts(data)
        bpy.data.objects.remove(item, do_unlink=True)
        if data is not None and data.users == 0:
            bpy.data.armatures.remove(data)


def _remove_parts(metarig: Any) -> None:
    """Delete the widgets and the script that Rigify made for the rig."""
    widgets = getattr(metarig, "rigify_widgets_collection", None)
    if widgets is not None:
        bpy.data.batch_remove([*widgets.objects, widgets])
    script = getattr(metarig, "rigify_rig_ui", None)
    if script is not None:
        bpy.data.texts.remove(script)


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


class _RigifyOperator(PersonOperator):
    needs = ""

    @classmethod
    def poll(cls, context: Any) -> bool:
        person = posable(cls, context)
        if person is None:
            return False
        if cls.needs and rigify_object(person, cls.needs) is None:
            cls.poll_message_set(f"The person has no {cls.needs} yet.")  # type: ignore[attr-defined]
            return False
        return True


class AddMetarig(_RigifyOperator, bpy.types.Operator):
    """Put Rigify's human metarig on the twin's joints, ready to be generated"""

    bl_idname = "bodyscan.add_metarig"
    bl_label = "Add Metarig"

    def change(self, context: Any, person: Person) -> str:
        return "\n".join(add_metarig(context, person)[1])


class GenerateRig(_RigifyOperator, bpy.types.Operator):
    """Generate Rigify's rig of the metarig and let the twin follow it; the twin keeps its bones and
    weights"""

    bl_idname = "bodyscan.generate_rig"
    bl_label = "Generate and Follow"
    needs = "metarig"

    def change(self, context: Any, person: Person) -> str:
        rig = generate_rig(context, person)
        return f"The twin follows {rig.name}; animate that."


class RemoveRigify(_RigifyOperator, bpy.types.Operator):
    """Take the twin off Rigify's rig, in the pose that you see, and delete rig and metarig"""

    bl_idname = "bodyscan.remove_rigify"
    bl_label = "Remove Rigify"
    needs = "metarig"

    def change(self, context: Any, person: Person) -> str:
        remove_rigify(context, person)
        return ""


CLASSES = (AddMetarig, GenerateRig, RemoveRigify)


register, unregister = bpy.utils.register_classes_factory(CLASSES)
