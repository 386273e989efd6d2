# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a consent is bound to, read out of Blender: a twin's surface at rest, and how far it is changed."""

from __future__ import annotations

import hashlib
from threading import current_thread, main_thread
from typing import Any

import numpy as np

from bodyscan.consent.record import Modification

from .. import people
from ..axes import world_from_blender
from ..mesh_points import get_triangles
from .verdicts import Act, Body, Change

SAME_SIZE = 1e-3
"""By what share an object may be scaled before it shows another body."""
STILL = 1e-6
"""By how much a bone's own matrix may differ from the identity at rest."""


def rest_body(item: Any, *, edited: bool = False) -> Body | None:
    """Return the rest surface of a mesh object, None without triangles.

    With face shapes that is their basis. `edited`: what was done in edit mode so far counts, though the mode
    was not left.
    """
    if edited and item.mode == "EDIT" and current_thread() is main_thread():
        # A render in a window runs in a thread of its own, before which Blender takes over what was edited.
        item.update_from_editmode()
    mesh = item.data
    faces = _triangles(mesh)
    if not len(faces):
        return None
    keys = mesh.shape_keys
    positions = np.empty(len(mesh.vertices) * 3, np.float32)
    if keys is not None:
        keys.reference_key.points.foreach_get("co", positions)
    elif mesh.is_editmode:  # its attributes are those of the edit
        mesh.vertices.foreach_get("co", positions)
    else:
        mesh.attributes["position"].data.foreach_get("vector", positions)
    return Body(world_from_blender(positions.reshape(-1, 3)), faces)


def _triangles(mesh: Any) -> np.ndarray:
    """(F, 3) int32. Where all faces have three corners these are the corners as they lie, which is the fast
    way; others are cut as Blender draws them."""
    if len(mesh.loops) == 3 * len(mesh.polygons):
        faces = np.empty(len(mesh.loops), np.int32)
        if mesh.is_editmode:
            mesh.loops.foreach_get("vertex_index", faces)
        elif len(faces):
            mesh.attributes[".corner_vert"].data.foreach_get("value", faces)
        return faces.reshape(-1, 3)
    return get_triangles(mesh)


def fingerprint(body: Body | None) -> bytes:
    """Return a digest of a surface by which a verdict is known again; 16 bytes."""
    digest = hashlib.blake2b(digest_size=16)
    if body is not None:
        digest.update(body.positions.tobytes())
        digest.update(body.faces.tobytes())
    return digest.digest()


def change_of(item: Any, act: Act) -> Change | None:
    """Return how far a twin is changed by an act, None where no act is asked about."""
    if act is Act.SHOW:
        return None
    scale = item.matrix_world.to_scale()
    if any(abs(abs(factor) - 1) > SAME_SIZE for factor in scale):
        return Change(Modification.APPEARANCE, "scaling the body")
    if act in (Act.SAVE, Act.EXPORT):
        return Change(Modification.FORMAT, "another file format")
    person = people.person_of(item)
    if person is not None and any(not cloth.hide_render for cloth in person.objects("garment")):
        return Change(Modification.GARMENTS, "clothes")
    if is_posed(item):
        return Change(Modification.POSE, "a pose or an expression")
    return Change()


def is_posed(item: Any) -> bool:
    """Return whether a twin's bones or face shapes stand otherwise than at rest, or are animated."""
    keys = item.data.shape_keys
    if keys is not None:
        if _is_animated(keys):
            return True
        if any(key.value != 0 and not key.mute for key in keys.key_blocks if key != keys.reference_key):
            return True
    for armature in armatures_of(item):
        if armature.data.pose_position == "REST":
            continue
        if _is_animated(armature):
            return True
        for bone in armature.pose.bones:
            matrix = np.array(bone.matrix_basis)
            if np.abs(matrix - np.eye(4)).max() > STILL or any(map(_pulls, bone.constraints)):
                return True
    return False


def armatures_of(item: Any) -> list[Any]:
    """Return the armatures that move a mesh object."""
    return [m.object for m in item.modifiers if m.type == "ARMATURE" and m.object is not None]


def _pulls(constraint: Any) -> bool:
    return not constraint.mute and constraint.influence > 0


def _is_animated(data: Any) -> bool:
    about = data.animation_data
    return about is not None and (about.action is not None or len(about.nla_tracks) > 0)
