"""A Blender that starts with a user's preferences, in which the add-on is enabled."""

from __future__ import annotations

from typing import Any

import bpy

from addon import inside


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    before = inside.NAME in bpy.context.preferences.addons
    bpy.ops.wm.read_userpref()  # a Blender with a window does so of itself
    return {
        "before": before,
        "after": inside.NAME in bpy.context.preferences.addons,
        "purpose": bpy.context.scene.bodyscan.purpose,
    }
