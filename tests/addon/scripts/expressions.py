"""Expressions on a twin: presets, both sides at once, mirror, keys, undo, and twins without a face."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from bodyscan_blender.rig import expressions
from bodyscan_blender.rig.expression_words import presets

from addon.scripts.rig_scene import attempt, bring, empty, seen


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    empty()
    person = bring(arguments["twin"])
    item = person.object("twin")
    found: dict[str, Any] = {"shapes": list(expressions.shapes_of(item))}
    found["presets"] = {name: shown(item, name) for name in presets()}
    found["blend"] = blend(item)
    found["link"] = link(item)
    found["mirror"] = mirror(item)
    found["keys"] = keys(item)
    found["undo"] = undone()
    found["refused"] = refused(arguments["twin"], arguments["small"])
    return found


def values(item: Any) -> dict[str, float]:
    return {name: round(key.value, 4) for name, key in expressions.shapes_of(item).items() if key.value}


def shown(item: Any, name: str) -> dict[str, Any]:
    """What a preset sets, and how far the skin moves."""
    bpy.ops.bodyscan.reset_face()
    before = seen(item)
    told = attempt(lambda: bpy.ops.bodyscan.expression(expression=name))
    return {"told": told, "values": values(item), "moved": float(np.abs(seen(item) - before).max())}


def blend(item: Any) -> dict[str, Any]:
    bpy.ops.bodyscan.expression(expression="smile", strength=0.5)
    found = {"half": values(item)}
    bpy.ops.bodyscan.expression(expression="eyes_closed", strength=0.4, add=True)
    found["added"] = values(item)
    bpy.ops.bodyscan.expression(expression="smile", strength=1.0, add=True)
    found["full"] = values(item)
    bpy.ops.bodyscan.reset_face()
    found["reset"] = values(item)
    return found


def link(item: Any) -> dict[str, Any]:
    """One slider for both sides; sides that differ show their mean."""
    item.bodyscan_face.browDown = 0.3
    found = {"both": values(item), "shown": item.bodyscan_face.browDown}
    expressions.shapes_of(item)["browDownLeft"].value = 0.9
    found["mean"] = item.bodyscan_face.browDown
    bpy.ops.bodyscan.reset_face()
    return found


def mirror(item: Any) -> list[dict[str, float]]:
    keys = expressions.shapes_of(item)
    keys["mouthSmileLeft"].value, keys["jawRight"].value, keys["eyeLookInLeft"].value = 0.7, 0.5, 0.2
    keys["jawOpen"].value = 0.1
    found = [values(item)]
    for _ in range(2):
        bpy.ops.bodyscan.mirror_face()
        found.append(values(item))
    bpy.ops.bodyscan.reset_face()
    return found


def keys(item: Any) -> dict[str, Any]:
    scene = bpy.context.scene
    scene.frame_set(1)
    found = {"at rest": attempt(lambda: bpy.ops.bodyscan.key_face())}
    bpy.ops.bodyscan.expression(expression="surprise")
    found["keyed"] = attempt(lambda: bpy.ops.bodyscan.key_face())
    scene.frame_set(11)
    bpy.ops.bodyscan.reset_face()
    found["again"] = attempt(lambda: bpy.ops.bodyscan.key_face())
    scene.frame_set(6)
    found["between"] = values(item)
    scene.frame_set(1)
    found["first"] = values(item)
    found["all"] = attempt(lambda: bpy.ops.bodyscan.key_face(everything=True))
    item.data.shape_keys.animation_data_clear()
    bpy.ops.bodyscan.reset_face()
    return found


def undone() -> list[int]:
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.bodyscan.expression(expression="sad")
    bpy.ops.ed.undo_push(message="sad")
    found = [len(values(bpy.data.objects["body"]))]
    bpy.ops.ed.undo()
    return [*found, len(values(bpy.data.objects["body"]))]


def refused(twin: str, small: str) -> dict[str, str]:
    empty()
    found = {"nobody": attempt(lambda: bpy.ops.bodyscan.expression(expression="smile"))}
    item = bring(small).object("twin")
    found["lacks"] = attempt(lambda: bpy.ops.bodyscan.expression(expression="smile"))
    item.shape_key_clear()
    found["none"] = attempt(lambda: bpy.ops.bodyscan.expression(expression="smile"))
    return found
