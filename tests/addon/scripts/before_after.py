"""Before and after: what is seen in each view, and that nothing else changes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bodyscan_blender.edit import before_after  # pyright: ignore[reportMissingImports]
from bodyscan_blender.edit.edit_refresh import on_results  # pyright: ignore[reportMissingImports]
from bodyscan_blender.edit.fit_state import shown_fit  # pyright: ignore[reportMissingImports]
from bodyscan_blender.edit.pose_sliders import set_move  # pyright: ignore[reportMissingImports]
from bodyscan_blender.guards import guard_withhold  # pyright: ignore[reportMissingImports]
from bodyscan_blender.mesh_points import get_positions  # pyright: ignore[reportMissingImports]
from bodyscan_blender.people import people_of  # pyright: ignore[reportMissingImports]

from addon.edit_people import make_person, said

OVERLAP_M = 0.04
"""Three times an edge of the body's mesh: no look into the body between the two."""


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    folder = Path(arguments["folder"])
    person = make_person(folder / "ada")
    for role in ("scan", "surface"):
        person.object(role).select_set(True)
    before, found = untouched(person), {}
    for view in before_after.NAMES:
        if view != "twin":
            found[view] = [said("view", view=view), *seen(person), untouched(person) == before]
    answer: dict[str, Any] = {"views": found}
    answer |= bodies(person)
    answer |= wipe(person)
    answer |= selection(person)
    answer |= toggle(person)
    answer |= undone(person)
    person = people_of(bpy.context.scene)[0]
    answer |= twin(person, arguments["twin"])
    answer |= refused(person)
    answer |= without_fit(make_person(folder / "bob", name="Bob", with_fit=False))
    return answer


def untouched(person: Any) -> list[str]:
    """Geometry, materials and place of scan and surface."""
    found = []
    for role in ("scan", "surface"):
        item = person.object(role)
        points = hashlib.sha256(get_positions(item.data).tobytes()).hexdigest()
        looks = [m.name for m in item.modifiers], [m.name for m in item.data.materials]
        found.append(f"{points} {looks} {item.matrix_world}")
    return found


def seen(person: Any) -> list[Any]:
    """What is visible, in views and in renders."""
    bpy.context.view_layer.update()
    items = [o for o in person.collection.all_objects if o.visible_get()]
    named = sorted(str(o.get("bodyscan_role") or o.get(before_after.COPY)) for o in items)
    rendered = sorted(
        str(o.get("bodyscan_role") or o.get(before_after.COPY))
        for o in person.collection.all_objects
        if not o.hide_render
    )
    return [named, rendered == named, person.object("surface").display_type]


def evaluated(item: Any) -> np.ndarray:
    mesh = item.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    return get_positions(mesh)


def copy_of(person: Any, kind: str) -> Any:
    return next(o for o in person.collection.all_objects if o.get(before_after.COPY) == kind)


def bodies(person: Any) -> dict[str, Any]:
    """The other bodies are the fit's own, follow the sliders, and go."""
    fit = shown_fit(person).fit
    gaps = []
    for view, mesh in (("body", fit.body), ("skin", fit.skin)):
        bpy.ops.bodyscan.view(view=view)
        gaps.append(float(np.abs(get_positions(copy_of(person, view).data) - mesh.vertices).max()))
    meshes = len(bpy.data.meshes)
    set_move(person, "left_arm_raise", 20.0)
    moved = float(np.abs(get_positions(copy_of(person, "skin").data) - fit.skin.vertices).max())
    bpy.ops.bodyscan.pose_reset()
    bpy.ops.bodyscan.view(view="surface")
    return {
        "bodies_mm": [1e3 * gap for gap in gaps],
        "bodies_follow": moved,
        "bodies_go": meshes - len(bpy.data.meshes),
    }


def wipe(person: Any) -> dict[str, Any]:
    """Left of the line is one, right of it the other; the mesh itself is shared and whole."""
    bpy.ops.bodyscan.view(view="wipe")
    found = []
    for share in (0.5, 0.0, 1.0):
        person.collection.bodyscan_compare.wipe = share
        bpy.context.view_layer.update()
        one, two = (evaluated(copy_of(person, kind))[:, 0] for kind in ("before", "after"))
        found.append(
            [len(one), len(two), bool(not len(one) or not len(two) or one.max() <= two.min() + OVERLAP_M)]
        )
    shared = copy_of(person, "before").data == person.object("surface").data
    whole = len(person.object("scan").data.vertices), len(person.object("surface").data.vertices)
    bpy.ops.bodyscan.view(view="scan")
    groups = [g.name for g in bpy.data.node_groups if "wipe" in g.name]
    return {"wipe": found, "wipe_whole": list(whole), "wipe_shared": shared, "wipe_left": groups}


def selection(person: Any) -> dict[str, Any]:
    bpy.ops.bodyscan.view(view="both")
    both = [person.object(role).select_get() for role in ("scan", "surface")]
    person.object("scan").select_set(False)
    bpy.ops.bodyscan.view(view="body")
    bpy.ops.bodyscan.view(view="both")
    one = [person.object(role).select_get() for role in ("scan", "surface")]
    active = bpy.context.view_layer.objects.active == person.object("surface")
    return {"selection": [both, one, active]}


def toggle(person: Any) -> dict[str, Any]:
    found = []
    for _ in range(3):
        bpy.ops.bodyscan.view_next()
        found.append(seen(person)[0])
    bpy.ops.bodyscan.view(view="beside")
    person.object("scan")["bodyscan_was_selected"] = True
    on_results(person, ("fit",))
    after = seen(person)
    return {"toggle": found, "new_results": [before_after.present_view(person), *after]}


def undone(person: Any) -> dict[str, Any]:
    bpy.ops.bodyscan.view(view="both")
    bpy.ops.ed.undo_push(message="both")
    bpy.ops.bodyscan.view(view="skin")
    bpy.ops.ed.undo_push(message="skin")
    bpy.ops.ed.undo()
    person = people_of(bpy.context.scene)[0]
    return {"undone": [before_after.present_view(person), *seen(person)]}


def twin(person: Any, path: str) -> dict[str, Any]:
    """A twin is seen alone; one that is withheld stays out of sight."""
    said("import_twin", filepath=path)
    guest = people_of(bpy.context.scene)[-1]
    item = guest.object("twin")
    item.parent = None
    person.consent = guest.consent
    person.add(item, "twin")
    bpy.context.view_layer.objects.active = person.object("surface")
    done, found = said("view", view="twin"), seen(person)
    bpy.ops.bodyscan.view(view="both")
    hidden = seen(person)[0]
    bpy.context.scene.bodyscan.purpose = "ai_training"
    guard_withhold.withhold()
    withheld = said("view", view="twin"), item.hide_viewport, item.hide_render
    on_results(person, ("fit",))
    kept = item.hide_viewport, item.hide_render
    bpy.data.objects.remove(item)
    bpy.data.collections.remove(guest.collection)
    bpy.context.scene.bodyscan.purpose = "make_twin"
    return {"twin": [done, *found, hidden], "withheld": [*withheld, *kept]}


def refused(person: Any) -> dict[str, Any]:
    found = []
    bpy.ops.bodyscan.view(view="both")
    for view, broken in (("twin", None), ("wipe", "scan"), ("body", "surface")):
        item = person.object(broken) if broken else None
        if item is not None:
            bpy.data.objects.remove(item)
        found.append(said("view", view=view))
    return {"refused": found, "refused_kept": before_after.present_view(person)}


def without_fit(person: Any) -> dict[str, Any]:
    bpy.context.view_layer.objects.active = person.object("scan")
    poll = bpy.ops.bodyscan.view_next.poll()
    found = said("view", view="surface")
    return {"without_fit": [poll, found, said("view", view="scan")]}
