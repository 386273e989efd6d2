# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simple shirt on a twin, by Blender's own cloth: to see how a pose drapes, not to make fashion.

The cloth collides with the twin's collision body. Draping brings the body from its bind pose to the pose that
is seen while the cloth falls, and keeps the end of it as a shape of the shirt that follows the bones; so
nothing depends on a cache, and another pose can be draped anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bpy
import numpy as np
from mathutils import Quaternion, Vector
from mathutils.bvhtree import BVHTree

from bodyscan.errors import InputError

from ..mesh_points import get_triangles
from ..operator_base import PersonOperator
from ..people import Person, active_person, chosen_person
from ..rollback import UNDOABLE, all_or_nothing
from ..task import Progress, Task, TaskOperator, Work
from .armature import vrm_bones
from .garment_mesh import GarmentMesh, inside_share, pushed_out, t_shirt
from .pose_bones import local_rotation, put_rotation
from .poses import twin_and_armature
from .twin_data import points, rest_points

FOLLOWS, CLOTH, THICK, ROUND = "Skeleton", "Cloth", "Thickness", "Smooth"
COLLIDES = "bodyscan Collision"
DRAPED, FLAT = "Draped", "Basis"
SHIRT = "T-shirt"
FRAMES = 40
"""Of a preview: the body moves in the first half, the cloth comes to rest in the second."""
MOVING = 0.55
THICKNESS_M = 0.0015
GAP_M = 0.004
"""Between cloth and collision body, which the skin may stand out of by a millimetre or two."""
OFF_SKIN_M = 0.002
FABRIC = (0.16, 0.27, 0.42, 1.0)
"""Linear colour: washed blue."""


def shirt_of(person: Person) -> Any | None:
    """The shirt that a person wears, or None."""
    return person.object("garment")


def put_on_shirt(context: Any, person: Person) -> Any:
    """Make a T-shirt of a person's own skin, with cloth; all or nothing. One that is worn is replaced.

    Raises `InputError` where the twin has no collision body or cannot be cut.
    """
    twin, armature = twin_and_armature(person)
    body = _collision_body(person)
    bones = vrm_bones(armature)
    made = t_shirt(twin, armature, bones, _tree(rest_points(body), get_triangles(body.data)))
    with all_or_nothing():
        shirt = _shirt_object(made, list(bones.values()))
        shirt.data.materials.append(_fabric())
    take_off(person)
    person.add(shirt, "garment")
    shirt.name = SHIRT
    shirt.parent = armature
    follows = shirt.modifiers.new(FOLLOWS, "ARMATURE")
    follows.object, follows.use_deform_preserve_volume = armature, False
    _set_cloth(shirt.modifiers.new(CLOTH, "CLOTH"), context.scene)
    thick = shirt.modifiers.new(THICK, "SOLIDIFY")
    thick.thickness, thick.offset = THICKNESS_M, 1.0
    smooth = shirt.modifiers.new(ROUND, "SUBSURF")
    smooth.levels, smooth.render_levels = 0, 1
    _set_collision(body)
    context.view_layer.update()
    return shirt


def take_off(person: Person) -> bool:
    """Remove the shirt, and the collision where nothing else of the person needs it; False without a
    shirt."""
    had = bool(person.objects("garment"))
    person.remove("garment")
    for body in person.objects("collision"):
        found = body.modifiers.get(COLLIDES)
        if found is not None:
            body.modifiers.remove(found)
    return had


def drape(context: Any, person: Person, frames: int = FRAMES) -> Work:
    """Let the shirt fall while the body goes from its bind pose to the pose that is seen.

    Yields after every frame. At its end the shirt has the draped shape and follows the bones. Where it is
    stopped, scene and pose are as they were. Raises `InputError` where no shirt is worn, or Blender's cloth
    broke.
    """
    shirt = shirt_of(person)
    if shirt is None or shirt.modifiers.get(CLOTH) is None:
        raise InputError("The person wears no shirt of this add-on; put one on first.")
    twin, armature = twin_and_armature(person)
    _collision_body(person)
    with _simulating(context, armature, shirt) as move:
        for frame in range(1, frames + 1):
            move(min(1.0, (frame - 1) / max(1.0, MOVING * frames)))
            context.scene.frame_set(frame)
            yield Progress(frame / frames, f"frame {frame} of {frames}")
        fallen = _evaluated(context, shirt)
        if not np.isfinite(fallen).all():
            raise InputError("Blender's cloth broke in this pose; drape a calmer pose, or more frames.")
        skin = _tree(_evaluated(context, twin), get_triangles(twin.data))
        for _ in range(2):  # skin stands out of the collision body here and there
            fallen = pushed_out(fallen, skin, OFF_SKIN_M)
        bones = {
            bone.name: np.array(bone.matrix @ bone.bone.matrix_local.inverted())
            for bone in armature.pose.bones
        }
    _keep(shirt, _unposed(shirt, fallen, bones))
    context.view_layer.update()
    share = cloth_inside_share(context, person)
    return f"The shirt is draped; {share:.1%} of its points are inside the skin."


def cloth_inside_share(context: Any, person: Person) -> float:
    """The share of the shirt's points that lie inside the skin, as both are seen now."""
    shirt, twin = shirt_of(person), person.object("twin")
    if shirt is None or twin is None:
        raise InputError("There is no shirt on a twin to measure.")
    skin = _tree(_evaluated(context, twin), get_triangles(twin.data))
    return inside_share(_evaluated(context, shirt), skin)


def _collision_body(person: Person) -> Any:
    body = person.object("collision")
    if body is None:
        raise InputError(
            f"{person.name} has no collision body, which cloth must not pass; import the twin again with it: "
            "its file `.collision.glb` lies beside the twin's."
        )
    return body


def _tree(vertices: np.ndarray, faces: np.ndarray) -> BVHTree:
    return BVHTree.FromPolygons(vertices.tolist(), faces.tolist())


def _shirt_object(made: GarmentMesh, bones: list[str]) -> Any:
    mesh = bpy.data.meshes.new(SHIRT)
    mesh.from_pydata(made.vertices.tolist(), [], made.faces)
    mesh.shade_smooth()
    shirt = bpy.data.objects.new(SHIRT, mesh)
    used = np.unique(made.joints[made.weights > 0])
    groups = {int(joint): shirt.vertex_groups.new(name=bones[joint]) for joint in used}
    for vertex, (joints, weights) in enumerate(zip(made.joints, made.weights, strict=True)):
        for joint, weight in zip(joints, weights, strict=True):
            if weight > 0:
                groups[int(joint)].add((vertex,), float(weight), "ADD")
    return shirt


def _fabric() -> Any:
    material = bpy.data.materials.new("cotton")
    material.use_nodes = True
    material.diffuse_color = FABRIC
    shader = material.node_tree.nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = FABRIC
    shader.inputs["Roughness"].default_value = 0.9
    shader.inputs["Specular IOR Level"].default_value = 0.2
    return material


def _set_cloth(cloth: Any, scene: Any) -> None:
    """Cotton jersey, about 0.15 kg a square metre."""
    settings, collision = cloth.settings, cloth.collision_settings
    settings.quality = 8
    settings.mass = 0.15
    settings.air_damping = 1.0
    settings.tension_stiffness = settings.compression_stiffness = 15.0
    settings.shear_stiffness = 5.0
    settings.bending_stiffness = 0.05
    settings.tension_damping = settings.compression_damping = settings.shear_damping = 5.0
    collision.use_collision = True
    collision.collision_quality = 4
    collision.distance_min = GAP_M
    collision.use_self_collision = False
    cloth.point_cache.frame_start, cloth.point_cache.frame_end = 1, max(FRAMES, scene.frame_end)


def _set_collision(body: Any) -> None:
    if body.modifiers.get(COLLIDES) is None:
        body.modifiers.new(COLLIDES, "COLLISION")
    body.collision.thickness_outer = 0.002
    body.collision.thickness_inner = 0.02
    body.collision.cloth_friction = 8.0
    body.collision.damping = 0.9
    body.collision.use_culling = True


@contextmanager
def _simulating(context: Any, armature: Any, shirt: Any) -> Iterator[Any]:
    """Yield what moves the body from rest (0) to the pose that is seen (1); afterwards all is as it was.

    Constraints and keys are put aside meanwhile: what is seen counts, however it came about.
    """
    context.view_layer.update()
    scene, frame, subframe = context.scene, context.scene.frame_current, context.scene.frame_subframe
    bones = list(armature.pose.bones)
    seen = [(local_rotation(bone, bone.matrix), _location(bone)) for bone in bones]
    kept = [(bone.matrix_basis.copy(), [(c, c.mute) for c in bone.constraints]) for bone in bones]
    animation: Any = armature.animation_data
    played = (animation.action, getattr(animation, "action_slot", None)) if animation is not None else None
    layered = animation.use_nla if animation is not None else False
    shapes, shown = _shape_values(shirt), [(m, m.show_viewport) for m in shirt.modifiers]

    def move(share: float) -> None:
        for bone, (rotation, location) in zip(bones, seen, strict=True):
            put_rotation(bone, Quaternion().slerp(rotation, share))
            bone.location = location * share

    try:
        if animation is not None and played is not None:
            animation.action, animation.use_nla = None, False
        for _, constraints in kept:
            for constraint, _ in constraints:
                constraint.mute = True
        for key in shapes:
            key.value = 0.0
        for modifier, _ in shown:
            modifier.show_viewport = modifier.name in (FOLLOWS, CLOTH)
        yield move
    finally:
        for bone, (basis, constraints) in zip(bones, kept, strict=True):
            bone.matrix_basis = basis
            for constraint, mute in constraints:
                constraint.mute = mute
        if animation is not None and played is not None:
            animation.action, animation.use_nla = played[0], layered
            if played[1] is not None:
                animation.action_slot = played[1]
        for key, value in shapes.items():
            key.value = value
        for modifier, value in shown:
            modifier.show_viewport = value
        scene.frame_set(frame, subframe=subframe)


def _location(bone: Any) -> Vector:
    """The channel's location that a bone is seen at; 0 for those that hang on another."""
    if bone.parent is not None:
        return Vector()
    rest = bone.bone.matrix_local
    return rest.to_3x3().inverted() @ (bone.matrix.translation - rest.translation)


def _shape_values(shirt: Any) -> dict[Any, float]:
    keys = shirt.data.shape_keys
    return {} if keys is None else {key: key.value for key in keys.key_blocks[1:]}


def _evaluated(context: Any, item: Any) -> np.ndarray:
    """(V, 3) where the vertices of an object stand, before what makes more of them; Blender's world."""
    evaluated = item.evaluated_get(context.evaluated_depsgraph_get())
    mesh = evaluated.to_mesh()
    try:
        found = points(mesh.vertices, "co")
    finally:
        evaluated.to_mesh_clear()
    return found


def _unposed(shirt: Any, fallen: np.ndarray, bones: dict[str, np.ndarray]) -> np.ndarray:
    """Bind-pose places from which the bones bring the cloth to where it fell."""
    names = {group.index: group.name for group in shirt.vertex_groups}
    out = np.empty_like(fallen)
    for vertex in shirt.data.vertices:
        matrix = np.zeros((4, 4))
        for entry in vertex.groups:
            matrix += entry.weight * bones[names[entry.group]]
        matrix /= matrix[3, 3]
        out[vertex.index] = np.linalg.solve(matrix[:3, :3], fallen[vertex.index] - matrix[:3, 3])
    return out


def _keep(shirt: Any, places: np.ndarray) -> None:
    """Show the draped shape; the cloth itself rests until it is draped again."""
    for name in (FLAT, DRAPED):
        if shirt.data.shape_keys is None or name not in shirt.data.shape_keys.key_blocks:
            shirt.shape_key_add(name=name, from_mix=False)
    keys: Any = shirt.data.shape_keys
    key = keys.key_blocks[DRAPED]
    key.points.foreach_set("co", places.astype(np.float32).ravel())
    key.value = 1.0
    cloth = shirt.modifiers[CLOTH]
    cloth.show_viewport = cloth.show_render = False
    shirt.data.update()


def _wearable(cls: Any, context: Any) -> Person | None:
    person = active_person(context)
    if person is None or person.object("twin") is None:
        cls.poll_message_set("Select a person who has a twin.")
    elif person.object("collision") is None:
        cls.poll_message_set(
            "This twin has no collision body; import it again with the body beside its file."
        )
    elif context.mode not in ("OBJECT", "POSE"):
        cls.poll_message_set("Leave the edit mode first.")
    else:
        return person
    return None


class PutOnShirt(PersonOperator, bpy.types.Operator):
    """Put a simple T-shirt on the twin, cut of its own skin, to see how cloth falls on it"""

    bl_idname = "bodyscan.put_on_shirt"
    bl_label = "Put On a T-Shirt"

    @classmethod
    def poll(cls, context: Any) -> bool:
        return _wearable(cls, context) is not None

    def change(self, context: Any, person: Person) -> str:
        shirt = put_on_shirt(context, person)
        return f"A T-shirt of {len(shirt.data.vertices):,} points. Drape it to see it fall."


class Drape(TaskOperator, bpy.types.Operator):
    """Let the shirt fall while the body moves from its bind pose to the pose that you see"""

    bl_idname = "bodyscan.drape"
    bl_label = "Drape"
    bl_options = UNDOABLE

    frames: bpy.props.IntProperty(
        name="Frames", description="How long the cloth is simulated", default=FRAMES, min=5, max=500
    )

    @classmethod
    def poll(cls, context: Any) -> bool:
        person = _wearable(cls, context)
        if person is not None and shirt_of(person) is None:
            cls.poll_message_set("Put on the T-shirt first.")
            return False
        return person is not None

    def make_task(self, context: Any, wait_s: float) -> Task:
        person = chosen_person(context)
        return Task(
            self.bl_label, drape(context, person, self.frames), person_id=person.id, person_name=person.name
        )


class TakeOff(PersonOperator, bpy.types.Operator):
    """Remove the shirt and everything that was made for it"""

    bl_idname = "bodyscan.take_off_shirt"
    bl_label = "Take Off"

    @classmethod
    def poll(cls, context: Any) -> bool:
        person = active_person(context)
        if person is None or shirt_of(person) is None:
            cls.poll_message_set("The person wears no shirt.")
            return False
        return True

    def change(self, context: Any, person: Person) -> str:
        take_off(person)
        return ""


CLASSES = (PutOnShirt, Drape, TakeOff)


register, unregister = bpy.utils.register_classes_factory(CLASSES)
