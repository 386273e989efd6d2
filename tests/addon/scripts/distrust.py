"""Distrust: painted as weights, counted, shown, spread to the whole scan, undone, cleared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bodyscan_blender.edit import distrust  # pyright: ignore[reportMissingImports]
from bodyscan_blender.edit.fit_state import scan_of  # pyright: ignore[reportMissingImports]
from bodyscan_blender.edit.vertex_colors import shows  # pyright: ignore[reportMissingImports]
from bodyscan_blender.people import people_of  # pyright: ignore[reportMissingImports]
from bodyscan_blender.scan.scan_object import show_scan  # pyright: ignore[reportMissingImports]
from bodyscan_blender.scan.scan_view import view_scan  # pyright: ignore[reportMissingImports]

from addon.edit_people import make_person, said


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    folder = Path(arguments["folder"])
    person = make_person(folder / "ada")
    answer: dict[str, Any] = {
        "at_first": [distrust.share_words(person), distrust.distrust_of(person) is None]
    }
    answer |= paint(person)
    person = people_of(bpy.context.scene)[0]
    answer |= thinned(person)
    answer |= edited(person)
    answer |= selected(person)
    answer |= shown(person)
    answer |= cleared(person)
    answer |= cloud(make_person(folder / "bob", name="Bob", cloud=True))
    return answer


def head(item: Any) -> np.ndarray:
    """Vertices of the head: the upper 12 % of the body."""
    high = np.array([v.co.z for v in item.data.vertices])
    return np.flatnonzero(high > 0.88 * high.max())


def paint(person: Any) -> dict[str, Any]:
    item = person.object("scan")
    active = person.object("surface")
    item.hide_set(True)
    begun = said("distrust_paint")
    mode, group = item.mode, item.vertex_groups.active.name
    seen = item.visible_get(), bpy.context.view_layer.objects.active == item
    again = bpy.ops.bodyscan.view.poll()
    bpy.ops.ed.undo_push(message="begun")
    distrust.mark(item, head(item), 0.75)  # what a stroke does
    done = said("distrust_done")
    bpy.ops.ed.undo_push(message="painted")
    whole = distrust.distrust_of(person)
    upper = scan_of(person).mesh.vertices[:, 1]
    answer = {
        "paint": [begun, mode, group, *seen, again, done, item.mode, active.select_get()],
        "share": person.collection[distrust.SHARE],
        "words": distrust.share_words(person),
        "whole": [len(whole), float(whole[upper > 0.9 * upper.max()].min()), float(whole[upper < 1.0].max())],
    }
    bpy.ops.ed.undo()
    person = people_of(bpy.context.scene)[0]
    answer["undone"] = [distrust.distrust_of(person) is None, distrust.share_words(person)]
    bpy.ops.ed.redo()
    person = people_of(bpy.context.scene)[0]
    answer["redone"] = float(distrust.distrust_of(person).max())
    return answer


def thinned(person: Any) -> dict[str, Any]:
    """Of a scan that is shown in part, every vertex of the whole takes the weight of its neighbour."""
    whole = distrust.distrust_of(person)
    show_scan(person, view_scan(scan_of(person), 6000))
    item = person.object("scan")
    nothing = distrust.distrust_of(person) is None
    distrust.mark(item, head(item), 0.75)
    spread = distrust.distrust_of(person)
    return {
        "thinned": [len(item.data.vertices) < len(whole), nothing, len(spread) == len(whole)],
        "thinned_differs": float(np.mean(np.abs(spread - whole) > 0.1)),
    }


def edited(person: Any) -> dict[str, Any]:
    """Vertices of the shown scan are deleted, its object is moved: the rest keeps its place in the whole."""
    show_scan(person, view_scan(scan_of(person)))
    item = person.object("scan")
    distrust.mark(item, head(item), 0.75)
    before = distrust.distrust_of(person)
    bpy.context.view_layer.objects.active = item
    item.select_set(True)
    feet = np.array([v.co.z for v in item.data.vertices]) < 0.1
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="DESELECT")
    bpy.ops.object.mode_set(mode="OBJECT")
    item.data.vertices.foreach_set("select", feet)
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.delete(type="VERT")
    bpy.ops.object.mode_set(mode="OBJECT")
    item.location.x += 3.0
    after = distrust.distrust_of(person)
    item.data.attributes.remove(item.data.attributes[distrust.SCAN_VERTEX])
    by_place = distrust.distrust_of(person)
    return {
        "edited": [len(after) == len(before), float(np.abs(after - by_place).max())],
        "edited_differs": float(np.mean(np.abs(after - before) > 0.1)),
    }


def selected(person: Any) -> dict[str, Any]:
    show_scan(person, view_scan(scan_of(person)))
    item = person.object("scan")
    bpy.context.view_layer.objects.active = person.object("surface")
    wrong_object = bpy.ops.bodyscan.distrust_selected.poll()
    bpy.context.view_layer.objects.active = item
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="DESELECT")
    nothing = said("distrust_selected")
    bpy.ops.mesh.select_all(action="SELECT")
    some = said("distrust_selected", weight=0.5)
    weights = distrust.weights_of(item)
    mode = item.mode
    bpy.ops.bodyscan.distrust_selected(weight=0.0)
    bpy.ops.object.mode_set(mode="OBJECT")
    left = distrust.distrust_of(person) is None
    return {"selected": [wrong_object, nothing, some, float(weights.min()), float(weights.max()), mode, left]}


def shown(person: Any) -> dict[str, Any]:
    item = person.object("scan")
    distrust.mark(item, head(item), 1.0)
    own = [slot.material.name for slot in item.material_slots]
    bpy.ops.bodyscan.distrust_show()
    layer = item.data.color_attributes[distrust.COLORS]
    rgba = np.empty(4 * len(item.data.vertices), np.float32)
    layer.data.foreach_get("color_srgb", rgba)
    colors = rgba.reshape(-1, 4)[:, :3] * 255
    marked = head(item)
    answer = {
        "shown": [shows(item), np.abs(colors[marked] - distrust.MARK).max().item()],
        "shown_own": float(np.std(colors[np.setdiff1d(np.arange(len(colors)), marked)][:, 1])),
    }
    bpy.ops.bodyscan.distrust_show()
    answer["hidden"] = [shows(item), own == [slot.material.name for slot in item.material_slots]]
    return answer


def cleared(person: Any) -> dict[str, Any]:
    cleared = said("distrust_clear")
    again = bpy.ops.bodyscan.distrust_clear.poll()
    without = distrust.distrust_of(person) is None, distrust.share_words(person)
    bpy.data.objects.remove(person.object("scan"))
    gone = said("distrust_paint")
    return {"cleared": [cleared, again, *without, gone]}


def cloud(person: Any) -> dict[str, Any]:
    item = person.object("scan")
    bpy.context.view_layer.objects.active = item
    painted = said("distrust_paint")
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.bodyscan.distrust_selected(weight=1.0)
    bpy.ops.object.mode_set(mode="OBJECT")
    return {"cloud": [painted, float(distrust.distrust_of(person).min()), person.collection[distrust.SHARE]]}
