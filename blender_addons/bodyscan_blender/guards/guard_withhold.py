# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose consent does not allow the scene's use is withheld, twin, scan and fit: nothing shows or writes them.

It is switched off for viewports and renders, which exporters written in C++ follow too (OBJ, STL, PLY,
Alembic), and nothing of it is changed or lost. What it was set to before comes back when a record covers it.
A twin that is being edited stays until the edit mode is left.

Bodies are looked at when Blender reports a change, when a file is opened, at undo and redo, and in a window
every second, by which time and settings are seen. A script that takes a record away and exports in the same
breath is seen by the exporters that ask (`guard_export`, `gltf_hooks`), not by those in C++.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bpy
from bpy.app.handlers import persistent

from .. import people
from . import guard
from .guard_tell import forget, tell
from .verdicts import Act, Verdict, refusal

WITHHELD = "bodyscan_withheld"
"""Of a twin that is withheld: `hide_viewport` and `hide_render` as they were, `00` to `11`."""
EVERY_S = 1.0

_busy: list[bool] = []
_told: set[int] = set()
"""Session ids of the twins whose withholding was told of."""
held_back: set[str] = set()
"""Reasons that hold for all twins at the moment: an exporter that cannot carry a record is open."""


def withhold(items: Iterable[Any] | None = None, *, bodies: bool = True, fresh: bool = True) -> list[Verdict]:
    """Withhold or give back the twins among `items`, by default all of the file; return what is refused now.

    Those that were not withheld before are told of. Not `bodies`: the surfaces count as they were last seen.
    Not `fresh`: as in `guard.verdict_of`.
    """
    if _busy:
        return []
    _busy.append(True)
    try:
        scenes = {scene: guard.likenesses_in(scene) for scene in bpy.data.scenes}
        wanted = None if items is None else {item.name_full for item in items}
        found: dict[str, tuple[Any, list[Verdict]]] = {}
        for scene, twins in scenes.items():
            for item in twins:
                if wanted is None or item.name_full in wanted:
                    verdicts = found.setdefault(item.name_full, (item, []))[1]
                    verdicts.append(_verdict(item, scene, bodies, fresh))
        return _apply(found.values())
    finally:
        _busy.clear()


def _verdict(item: Any, scene: Any, bodies: bool, fresh: bool) -> Verdict:
    """Of what is withheld Blender reports no change, so its body is looked at in any case."""
    if bodies or WITHHELD in item:
        return guard.verdict_of(item, scene, fresh=fresh)
    return guard.seen(item, scene)


def _apply(found: Iterable[tuple[Any, list[Verdict]]]) -> list[Verdict]:
    refused, fresh = [], []
    for item, verdicts in found:
        against = [verdict for verdict in verdicts if not verdict.is_allowed]
        refused += against
        if against or held_back:
            if item.mode != "OBJECT":
                continue
            hide(item)
            if against and item.session_uid not in _told:
                _told.add(item.session_uid)
                fresh.append(against[0])
        else:
            _told.discard(item.session_uid)
            show(item)
    if fresh:
        tell(refusal(Act.SHOW, guard.once(fresh), "It is withheld until a record covers this use."))
    return refused


def hide(item: Any) -> None:
    """Switch a twin off, and the empties that show it where it belongs to a linked file."""
    for one in [item, *_instances(item)]:
        if WITHHELD not in one:
            one[WITHHELD] = f"{int(one.hide_viewport)}{int(one.hide_render)}"
        if not one.hide_viewport:
            one.hide_viewport = True
        if not one.hide_render:
            one.hide_render = True


def show(item: Any) -> None:
    """Give back a twin that was withheld, as it was."""
    for one in [item, *_instances(item)]:
        if WITHHELD in one:
            was = str(one[WITHHELD])
            del one[WITHHELD]
            one.hide_viewport, one.hide_render = was[:1] == "1", was[1:2] == "1"


def _instances(item: Any) -> list[Any]:
    """The empties that show a linked twin, whose own switches come with the linked file."""
    if item.library is None:
        return []
    return [
        one
        for one in bpy.data.objects
        if one.instance_type == "COLLECTION"
        and one.instance_collection is not None
        and item.name_full in {other.name_full for other in one.instance_collection.all_objects}
    ]


@persistent
def on_load(*ignored: object) -> None:
    """Judge every twin of a file that was opened."""
    forget()
    _told.clear()
    guard.forget_verdicts()
    withhold()


@persistent
def on_undo(*ignored: object) -> None:
    """Judge again what came back."""
    withhold()


@persistent
def on_change(scene: Any, depsgraph: Any = None) -> None:
    """Judge the twins that Blender reports as changed."""
    if _busy or depsgraph is None:
        return
    changed = []
    meshes = set()
    for update in depsgraph.updates:
        data = update.id.original
        if isinstance(data, bpy.types.Object):
            if people.is_likeness(data):
                changed.append(data)
        elif isinstance(data, bpy.types.Mesh) and people.BODY_VERTEX in data.attributes:
            meshes.add(data.name_full)
    if meshes:
        changed += [o for o in bpy.data.objects if o.type == "MESH" and o.data.name_full in meshes]
    if changed:
        withhold(changed, fresh=False)


def look() -> float:
    """In a window: look at the clock, the settings and the evidence."""
    withhold(bodies=False, fresh=False)
    return EVERY_S


_HANDLERS = (
    ("load_post", on_load),
    ("undo_post", on_undo),
    ("redo_post", on_undo),
    ("depsgraph_update_post", on_change),
)


def register() -> None:
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)
    if not bpy.app.background:
        bpy.app.timers.register(look, first_interval=EVERY_S, persistent=True)


def unregister() -> None:
    held_back.clear()
    _told.clear()
    for name, handler in _HANDLERS:
        getattr(bpy.app.handlers, name).remove(handler)
    if bpy.app.timers.is_registered(look):
        bpy.app.timers.unregister(look)
