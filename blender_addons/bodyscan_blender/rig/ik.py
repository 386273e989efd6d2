# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Inverse kinematics for arms and legs, switched on and off without a jump.

For each limb hidden bones stand in the triangle of its three joints: one looks from the shoulder or hip to
the control, its front to the pole; two as long as the limb's own are bent in it by the law of cosines, which
drivers work out. So elbows and knees bend one way only, also from an exactly straight arm, and the same
control gives the same pose whatever came before. The limb's own bones copy the two's rotation through two
more, which hold what the pose has beyond a triangle: its twist. When a limb is switched to IK, control, pole
and twist are set from the pose that is seen; when it is switched back, the bones get the pose that is seen.
Toggling moves nothing.

The limb's own bones keep their names, rest pose and weights; the mechanism does not deform and can be
removed. Tried and left: Blender's own solver. On the limb's bones it did not bend an exactly straight limb (a
T-pose) at all, and left one bent back that was bent back by 2 cm, wherever the pole stood. On a bent chain
beside them it stopped 0.1 to 0.2 degrees short of straight, so that after a toggle hands and feet missed
their control by 1 to 2 mm.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import radians
from typing import Any

from mathutils import Matrix, Vector

from bodyscan.errors import InputError

from ..rollback import editing
from .armature import vrm_bones
from .bone_shapes import put_shape
from .pose_bones import local_rotation, put_rotation

CONTROLS, MECHANISM = "IK", "Mechanism"
"""Names of the bone collections."""
MARK = "bodyscan IK"
"""Begins the name of every constraint of ours."""
PROPERTY = "bodyscan_ik_"
"""Of the armature object, followed by the limb: 0 for FK, 1 for IK; drives the constraints, may be keyed."""
PALETTE = "THEME03"
NEAR_STRAIGHT_DEG, BEYOND_M = 0.5, 2e-5
"""A limb that is straighter than this has its control so far beyond its reach: the triangle is then exactly
flat, where the law of cosines would make hundredths of degrees of the last bits of a distance."""
STRAIGHT_DEG, BENT_DEG = 1.0, 4.0
"""Below the first, the bones' own axes say where the joint points; above the second, the bend itself."""
POLE_DISTANCE = 1.2
"""From the elbow or knee, in lengths of the upper bone."""


@dataclass(frozen=True)
class Limb:
    """An arm or a leg, by the VRM names of its bones."""

    side: str
    upper: str
    lower: str
    end: str
    joint: str

    @property
    def bones(self) -> tuple[str, str, str]:
        """VRM names: upper, lower, end."""
        return self.side + self.upper, self.side + self.lower, self.side + self.end

    @property
    def control(self) -> str:
        return f"{self.side}{self.end}_IK"

    @property
    def pole(self) -> str:
        return f"{self.side}{self.joint}_pole"

    @property
    def aim(self) -> str:
        return f"{self.side}{self.joint}_aim"

    @property
    def chain(self) -> tuple[str, str]:
        return f"{self.side}{self.upper}_chain", f"{self.side}{self.lower}_chain"

    @property
    def twist(self) -> tuple[str, str]:
        return f"{self.side}{self.upper}_twist", f"{self.side}{self.lower}_twist"

    @property
    def made(self) -> tuple[str, ...]:
        """Every bone that IK adds."""
        return (self.control, self.pole, self.aim, *self.chain, *self.twist)


ARM, LEG = ("UpperArm", "LowerArm", "Hand", "Elbow"), ("UpperLeg", "LowerLeg", "Foot", "Knee")
LIMBS = {
    f"{side}_{what}": Limb(side, *parts)
    for what, parts in (("arm", ARM), ("leg", LEG))
    for side in ("left", "right")
}
"""`left_arm`, `right_arm`, `left_leg`, `right_leg`. All names of bones begin with the side, so that Blender
mirrors them as it mirrors the twin's own."""


def limb_bones(armature: Any, limb: str) -> tuple[str, str, str]:
    """The twin's own bones of a limb. Raises `InputError` where the twin lacks one."""
    known = vrm_bones(armature)
    missing = [bone for bone in LIMBS[limb].bones if bone not in known]
    if missing:
        raise InputError(f"The twin's skeleton has no {missing[0]}, so that this limb can have no IK.")
    upper, lower, end = (known[bone] for bone in LIMBS[limb].bones)
    return upper, lower, end


def has_ik(armature: Any, limb: str) -> bool:
    """Whether a limb has a mechanism, switched on or not."""
    return LIMBS[limb].control in armature.data.bones


def ik_share(armature: Any, limb: str) -> float:
    """0 where the limb is posed bone by bone, 1 where it follows its control."""
    return float(armature.get(PROPERTY + limb, 0.0)) if has_ik(armature, limb) else 0.0


def switch_ik(context: Any, armature: Any, limb: str, on: bool) -> None:
    """Switch a limb to IK or back; the pose that is seen stays. Builds the mechanism where there is none.

    Raises `InputError` where the limb or its mechanism is incomplete.
    """
    bones = limb_bones(armature, limb)
    if on and not has_ik(armature, limb):
        _build(context, armature, limb, bones)
    if not has_ik(armature, limb):
        return
    _check_whole(armature, limb)
    context.view_layer.update()
    seen = [armature.pose.bones[bone].matrix.copy() for bone in bones]
    _sleep(armature, LIMBS[limb], False)
    if on:
        _snap_to(context, armature, LIMBS[limb], bones, seen)
    else:
        _keep_pose(armature, bones, seen)
    armature[PROPERTY + limb] = 1.0 if on else 0.0
    armature.update_tag()
    for bone in (LIMBS[limb].control, LIMBS[limb].pole):
        armature.data.bones[bone].hide = not on
    if not on and not _is_animated(armature):
        _sleep(armature, LIMBS[limb], True)
    context.view_layer.update()


def resnap(context: Any, armature: Any, limb: str, wanted: list[Matrix]) -> None:
    """Bring a limb that follows its control to pose-space matrices (3) of its bones."""
    _snap_to(context, armature, LIMBS[limb], limb_bones(armature, limb), wanted)
    context.view_layer.update()


def _sleep(armature: Any, names: Limb, asleep: bool) -> None:
    """Let a mechanism rest that drives nothing: nothing of it may look like a pose, or cost time."""
    for constraint in armature.pose.bones[names.aim].constraints:
        constraint.mute = asleep
    paths = {armature.pose.bones[bone].path_from_id("rotation_euler") for bone in names.chain}
    for curve in armature.animation_data.drivers:
        if curve.data_path in paths:
            curve.mute = asleep
    if asleep:
        for bone in names.made:
            armature.pose.bones[bone].matrix_basis = Matrix.Identity(4)


def _is_animated(armature: Any) -> bool:
    about = armature.animation_data
    return about is not None and (about.action is not None or len(about.nla_tracks) > 0)


def remove_ik(context: Any, armature: Any) -> list[str]:
    """Take the whole mechanism away; the pose that is seen stays. Returns the limbs that had one."""
    had = [limb for limb in LIMBS if any(bone in armature.data.bones for bone in LIMBS[limb].made)]
    for limb in had:
        bones = limb_bones(armature, limb)
        context.view_layer.update()
        _keep_pose(armature, bones, [armature.pose.bones[bone].matrix.copy() for bone in bones])
        for bone in bones:
            _remove_constraints(armature, bone)
        for bone in LIMBS[limb].chain:
            if bone in armature.pose.bones:
                armature.pose.bones[bone].driver_remove("rotation_euler", 0)
        if PROPERTY + limb in armature:
            del armature[PROPERTY + limb]
    made = {bone for limb in had for bone in LIMBS[limb].made}
    if made:
        with editing(context, armature) as data:
            for bone in [bone for bone in data.edit_bones if bone.name in made]:
                data.edit_bones.remove(bone)
    drop_empty_collections(armature)
    context.view_layer.update()
    return had


def drop_empty_collections(armature: Any) -> None:
    """Remove the bone collections of mechanisms that hold no bone any more."""
    for name in (CONTROLS, MECHANISM):
        found = armature.data.collections.get(name)
        if found is not None and not found.bones:
            armature.data.collections.remove(found)


def _check_whole(armature: Any, limb: str) -> None:
    gone = [bone for bone in LIMBS[limb].made if bone not in armature.data.bones]
    if gone:
        raise InputError(
            f"The IK of the {limb.replace('_', ' ')} lacks its bone {gone[0]}, which was deleted or renamed. "
            "Remove the IK and switch it on again."
        )


def _build(context: Any, armature: Any, limb: str, bones: tuple[str, str, str]) -> None:
    names = LIMBS[limb]
    with editing(context, armature) as data:
        edit = data.edit_bones
        upper, lower, end = (edit[bone] for bone in bones)
        lengths = upper.length, lower.length
        start, along = upper.head.copy(), (lower.tail - upper.head).normalized()
        toward = _aside(-upper.z_axis, along)
        control = _new(edit, names.control, end.head, end.tail, end.z_axis)
        _new(edit, names.pole, *_pole_bone(lower.head, toward, upper.length), Vector((0, -1, 0)))
        above = _new(edit, names.aim, start, start + along * lengths[0], -toward)
        above.parent = upper.parent
        for chain, twist, length in zip(names.chain, names.twist, lengths, strict=True):
            above, parent = _new(edit, chain, start, start + along * length, -toward), above
            above.parent = parent
            start = start + along * length
            _new(edit, twist, above.head, above.tail, -toward).parent = above
        size = control.length
    _sort(armature, names)
    _bend_chain(armature, names, lengths)
    _constrain(armature, limb, bones)
    _draw(armature, names, size)


def _new(edit: Any, name: str, head: Vector, tail: Vector, z_axis: Vector) -> Any:
    bone = edit.new(name)
    bone.head, bone.tail = head, tail
    bone.align_roll(z_axis)
    bone.use_deform = False
    return bone


def _pole_bone(joint: Vector, toward: Vector, length: float) -> tuple[Vector, Vector]:
    head = joint + toward * length * POLE_DISTANCE
    return head, head + Vector((0, 0, 0.1 * length))


def _sort(armature: Any, names: Limb) -> None:
    data = armature.data
    for collection, members in (
        (CONTROLS, (names.control, names.pole)),
        (MECHANISM, (names.aim, *names.chain, *names.twist)),
    ):
        home = data.collections.get(collection) or data.collections.new(collection)
        home.is_visible = collection == CONTROLS
        for bone in members:
            home.assign(data.bones[bone])
            data.bones[bone].color.palette = PALETTE
    for bone in names.made:
        pose_bone = armature.pose.bones[bone]
        pose_bone.lock_scale = (True, True, True)
        pose_bone.lock_rotation = (bone == names.pole,) * 3
        pose_bone.lock_rotation_w = bone == names.pole


def _bend_chain(armature: Any, names: Limb, lengths: tuple[float, float]) -> None:
    """Aim the triangle at the control and the pole, and bend the chain in it."""
    aim = armature.pose.bones[names.aim]
    for kind, target, axes in (
        ("DAMPED_TRACK", names.control, {"track_axis": "TRACK_Y"}),
        ("LOCKED_TRACK", names.pole, {"track_axis": "TRACK_NEGATIVE_Z", "lock_axis": "LOCK_Y"}),
    ):
        look = aim.constraints.new(kind)
        look.name = f"{MARK} {kind.lower()}"
        look.target, look.subtarget = armature, target
        for name, value in axes.items():
            setattr(look, name, value)
    first, second = lengths
    sides = 2 * first * second
    half, rest = 1 / (2 * first), (first**2 - second**2) / (2 * first)
    near = f"acos(clamp(d/s*{half:.9g}{rest:+.9g}*s/max(d,0.0001),-1,1))"
    bend = f"acos(clamp(d*d/s/s*{1 / sides:.9g}-{(first**2 + second**2) / sides:.9g},-1,1))"
    for bone, angle in zip(names.chain, (f"-{near}", bend), strict=True):
        pose_bone = armature.pose.bones[bone]
        pose_bone.rotation_mode = "XYZ"
        driver = pose_bone.driver_add("rotation_euler", 0).driver
        driver.type = "SCRIPTED"
        _add_distance(driver, armature, names)
        # Blender works such a short expression out itself: no script that a file's reader must allow.
        driver.expression = angle


def _add_distance(driver: Any, armature: Any, names: Limb) -> None:
    """`d`: from the limb's first joint to its control; `s`: the armature's scale, which `d` is seen in."""
    distance = driver.variables.new()
    distance.name, distance.type = "d", "LOC_DIFF"
    for target, bone in zip(distance.targets, (names.aim, names.control), strict=True):
        target.id, target.bone_target = armature, bone
    scale = driver.variables.new()
    scale.name, scale.type = "s", "SINGLE_PROP"
    scale.targets[0].id, scale.targets[0].data_path = armature, "scale[0]"


def _constrain(armature: Any, limb: str, bones: tuple[str, str, str]) -> None:
    names = LIMBS[limb]
    armature[PROPERTY + limb] = 0.0
    armature.id_properties_ui(PROPERTY + limb).update(
        min=0.0, max=1.0, soft_min=0.0, soft_max=1.0, description="0: posed bone by bone; 1: follows IK"
    )
    for bone, source in zip(bones, (*names.twist, names.control), strict=True):
        _remove_constraints(armature, bone)
        copy = armature.pose.bones[bone].constraints.new("COPY_ROTATION")
        copy.name = f"{MARK} {limb}"
        copy.target, copy.subtarget = armature, source
        copy.target_space = copy.owner_space = "POSE"
        driver = copy.driver_add("influence").driver
        driver.type = "AVERAGE"  # of one value: no script that a file's reader would have to allow
        value = driver.variables.new()
        value.targets[0].id = armature
        value.targets[0].data_path = f'["{PROPERTY}{limb}"]'


def _remove_constraints(armature: Any, bone: str) -> None:
    pose_bone = armature.pose.bones[bone]
    for constraint in [one for one in pose_bone.constraints if one.name.startswith(MARK)]:
        constraint.driver_remove("influence")
        pose_bone.constraints.remove(constraint)


def _draw(armature: Any, names: Limb, length: float) -> None:
    control, pole = armature.pose.bones[names.control], armature.pose.bones[names.pole]
    put_shape(control, "box", (0.5, 0.65, 0.4), (0.0, 0.5 * length, 0.0))
    put_shape(pole, "ball", (0.8, 0.8, 0.8))


def _snap_to(
    context: Any, armature: Any, names: Limb, bones: tuple[str, str, str], wanted: list[Matrix]
) -> None:
    """Set control, pole and twist so that the limb's bones come to stand at `wanted`, in pose space."""
    pose = armature.pose.bones
    upper, lower, end = wanted
    control, pole = pose[names.control], pose[names.pole]
    control.rotation_mode = "QUATERNION"
    reach = end.translation - upper.translation
    straight = (lower.translation - upper.translation).angle(end.translation - lower.translation, 0.0)
    beyond = BEYOND_M if straight < radians(NEAR_STRAIGHT_DEG) else 0.0
    control.matrix_basis = (
        control.bone.matrix_local.inverted() @ Matrix.Translation(reach.normalized() * beyond) @ end
    )
    toward = _pointing(upper, lower, end)
    length = pose[bones[0]].bone.length
    place = lower.translation + toward * length * POLE_DISTANCE
    pole.matrix_basis = Matrix.Translation(
        pole.bone.matrix_local.to_3x3().inverted() @ (place - pole.bone.head_local)
    )
    for twist in names.twist:
        pose[twist].matrix_basis = Matrix.Identity(4)
    context.view_layer.update()
    for twist, target in zip(names.twist, (upper, lower), strict=True):
        bone = pose[twist]
        bone.rotation_mode = "QUATERNION"
        bone.rotation_quaternion = bone.matrix.to_quaternion().inverted() @ target.to_quaternion()


def _pointing(upper: Matrix, lower: Matrix, end: Matrix) -> Vector:
    """Where elbow or knee points: at right angles to the line from the limb's first joint to its last."""
    first, middle, last = upper.translation, lower.translation, end.translation
    along = (last - first).normalized()
    own = _aside(-upper.to_3x3().col[2], along)
    normal = (middle - first).cross(last - middle)
    bend = (middle - first).angle(last - middle, 0.0)
    share = (bend - radians(STRAIGHT_DEG)) / radians(BENT_DEG - STRAIGHT_DEG)
    if share <= 0 or normal.dot(lower.to_3x3().col[0]) <= 0:
        return own  # straight, or bent back: the bones' axes say where it would point
    shown = _aside(middle - first, along)
    return _aside(own.lerp(shown, min(share, 1.0)), along)


def _aside(vector: Vector, along: Vector) -> Vector:
    rest = vector - vector.dot(along) * along
    return rest.normalized() if rest.length > 1e-9 else along.orthogonal().normalized()


def _keep_pose(armature: Any, bones: tuple[str, ...], seen: list[Matrix]) -> None:
    """Give the bones of a chain the pose-space matrices `seen`."""
    above = None
    for bone, matrix in zip(bones, seen, strict=True):
        put_rotation(armature.pose.bones[bone], local_rotation(armature.pose.bones[bone], matrix, above))
        above = matrix
