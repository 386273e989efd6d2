# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""All or nothing: what a failed step made is taken away again, and Blender stands as it stood."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bpy

UNDOABLE = {"REGISTER", "UNDO"}
"""Of operators that change the scene."""
KINDS = ("objects", "meshes", "armatures", "shape_keys", "materials", "node_groups", "images", "collections")
"""What the add-on makes; owners stand before what they own."""


@contextmanager
def all_or_nothing() -> Iterator[None]:
    """Remove every object, mesh, armature, material, image and collection that was added, on any error."""
    known = {kind: {item.session_uid for item in getattr(bpy.data, kind)} for kind in KINDS}
    try:
        yield
    except BaseException:
        for kind in KINDS:
            added = [item for item in getattr(bpy.data, kind) if item.session_uid not in known[kind]]
            if added and kind != "shape_keys":  # those go with their meshes
                bpy.data.batch_remove(added)
        raise


@contextmanager
def editing(context: Any, item: Any, mode: str = "EDIT") -> Iterator[Any]:
    """Yield the data of `item` in a mode; afterwards active object, selection and mode are as they were.

    Raises `RuntimeError` where Blender does not let the object be active: it is in no collection of the view
    layer, or hidden.
    """
    layer = context.view_layer
    active, selected = layer.objects.active, [one for one in layer.objects if one.select_get()]
    before = active.mode if active is not None else "OBJECT"
    if before != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    hidden = item.hide_get(), item.hide_viewport
    try:
        item.hide_viewport = False
        item.hide_set(False)
        layer.objects.active = item
        bpy.ops.object.mode_set(mode=mode)
        yield item.data
    finally:
        if item.mode != "OBJECT":
            bpy.ops.object.mode_set(mode="OBJECT")
        item.hide_set(hidden[0])
        item.hide_viewport = hidden[1]
        for one in layer.objects:
            one.select_set(one in selected)
        layer.objects.active = active
        if active is not None and before != "OBJECT":
            bpy.ops.object.mode_set(mode=before)
