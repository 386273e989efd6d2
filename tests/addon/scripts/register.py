"""The add-on comes and goes: by its own functions, by the preferences, and with a new file."""

from __future__ import annotations

from typing import Any

import bpy

from addon import inside
from addon.scripts.traces import Watch, modules, traces


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    watch = Watch()
    before = traces(watch)
    untouched = modules()
    inside.enable()
    enabled = traces(watch)
    own = difference(before, enabled)
    addon = inside.addon()
    for _ in range(10):
        addon.unregister()
        addon.register()
    again = traces(watch)
    addon.unregister()
    left = traces(watch)
    addon.register()
    inside.disable()
    disabled = traces(watch)
    inside.enable()
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    new_file = traces(watch)
    purpose = bpy.context.scene.bodyscan.purpose
    bpy.ops.wm.read_factory_settings(use_empty=True)
    factory = traces(watch)  # Blender's own add-ons leave some
    return {
        "untouched": untouched,
        "own": own,
        "left": difference(before, left),
        "again": difference(enabled, again),
        "after_disabling": difference(before, disabled),
        "after_a_new_file": difference(enabled, new_file),
        "after_factory_settings": [item for item in difference(before, factory) if item in own],
        "purpose": purpose,
    }


def difference(one: list[str], other: list[str]) -> list[str]:
    """What is in one list and not, or less often, in the other: `+` is new, `-` is gone."""
    counts: dict[str, int] = {}
    for item in one:
        counts[item] = counts.get(item, 0) - 1
    for item in other:
        counts[item] = counts.get(item, 0) + 1
    return [f"{'+' if count > 0 else '-'} {item}" for item, count in sorted(counts.items()) if count]
