# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""A twin's file has the twin's joints and no others: hidden bones of IK and Rigify are not exported.

Blender's glTF exporter writes every bone unless it is told to write those alone that move the skin. A file
with several root joints is no twin any more.
"""

from __future__ import annotations

import sys
from typing import Any

from .. import people
from ..settings import PACKAGE

HOOK = "glTF2ExportUserExtensions"
"""Where Blender looks for further extensions of its exporter, in an add-on's main module."""


class SkinBonesAlone:
    """Made by Blender for each export."""

    def vtree_before_filter_hook(self, vtree: Any, settings: dict[str, Any]) -> None:
        """Everything that may be exported is gathered, and nothing left out yet."""
        items = [node.blender_object for node in vtree.nodes.values() if node.blender_object is not None]
        if any(item.get(people.ROLE) == "armature" and has_mechanism(item) for item in items):
            settings["gltf_def_bones"] = True


def has_mechanism(armature: Any) -> bool:
    """Whether an armature has bones that move no skin."""
    return any(not bone.use_deform for bone in armature.data.bones)


def register() -> None:
    setattr(sys.modules[PACKAGE], HOOK, [SkinBonesAlone])


def unregister() -> None:
    delattr(sys.modules[PACKAGE], HOOK)
