"""Heat map and pins: colours that come, tell the distance, and go without a trace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bodyscan_blender.edit import heat_map, pins  # pyright: ignore[reportMissingImports]
from bodyscan_blender.edit.edit_refresh import on_results  # pyright: ignore[reportMissingImports]
from bodyscan_blender.edit.fit_state import adjust, shown_fit  # pyright: ignore[reportMissingImports]
from bodyscan_blender.edit.surface_distance import signed_distance_mm  # pyright: ignore[reportMissingImports]
from bodyscan_blender.edit.vertex_colors import shows  # pyright: ignore[reportMissingImports]
from bodyscan_blender.mesh_data import get_values  # pyright: ignore[reportMissingImports]
from bodyscan_blender.mesh_points import get_positions  # pyright: ignore[reportMissingImports]
from bodyscan_blender.people import people_of  # pyright: ignore[reportMissingImports]
from bodyscan_blender.scan.scan_object import show_textures  # pyright: ignore[reportMissingImports]

from addon.edit_people import make_person, said, seen, truth
from bodyscan.render.heatmap import heat_colors


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    folder = Path(arguments["folder"])
    _, params = truth()
    person = make_person(folder / "ada", fitted=params)
    answer: dict[str, Any] = {"before": looks(person)}
    answer |= on(person)
    answer |= ranges(person)
    answer |= off_and_on(person)
    person = people_of(bpy.context.scene)[0]
    answer |= pinned(person)
    answer |= switched(person)
    answer |= new_results(person)
    answer |= reopened(person, folder)
    person = people_of(bpy.context.scene)[0]
    answer |= broken(person)
    answer |= cloud(make_person(folder / "bob", name="Bob", cloud=True, fitted=params))
    answer["left"] = [m.name for m in bpy.data.materials if "colours of" in m.name]
    return answer


def looks(person: Any) -> dict[str, Any]:
    """All that a heat map changes of what is seen."""
    found: dict[str, Any] = {}
    for role in ("scan", "surface"):
        item = person.object(role)
        mesh = item.data
        found[role] = [
            [slot.link for slot in item.material_slots],
            [slot.material.name if slot.material else None for slot in item.material_slots],
            [material.name if material else None for material in mesh.materials],
            mesh.color_attributes.active_color_name or "",
            mesh.color_attributes.render_color_index,
            sorted(a.name for a in mesh.attributes if not a.name.startswith(".")),
            sorted(item.keys()),
        ]
    spaces = [(w.name, s) for w in bpy.data.screens for a in w.areas for s in a.spaces]
    found["views"] = [[name, s.shading.color_type] for name, s in spaces if s.type == "VIEW_3D"]
    return found


def colors_of(item: Any, name: str) -> np.ndarray:
    rgba = np.empty(4 * len(item.data.vertices), np.float32)
    item.data.color_attributes[name].data.foreach_get("color_srgb", rgba)
    return np.round(255 * rgba.reshape(-1, 4)[:, :3])


def on(person: Any) -> dict[str, Any]:
    """The fit's own numbers are shown where nothing was changed; else they are measured."""
    model, _ = truth()
    scan, surface = person.object("scan"), person.object("surface")
    bpy.ops.ed.undo_push(message="before")
    outer = seen(model)
    true_mm = signed_distance_mm(get_positions(surface.data), outer, get_positions(scan.data))
    kept = heat_map.measure(person)["scan"]
    adjust(person, moves={"head_turn": 1e-3})  # now the fit's own numbers do not hold
    done = said("heat_map")
    values = get_values(scan.data, heat_map.VALUES)
    on_surface = get_values(surface.data, heat_map.VALUES)
    navel = np.argmin(values)
    near = np.argmin(np.linalg.norm(get_positions(surface.data) - get_positions(scan.data)[navel], axis=1))
    scale = heat_map.scale_of(person.collection.bodyscan_heat.range_mm)
    bpy.ops.ed.undo_push(message="on")
    return {
        "on": [done, shows(scan), shows(surface), heat_map.is_on(person), heat_map.is_stale(person)],
        "kept_is_the_fits": float(np.abs(kept - shown_fit(person).fit.distance_mm).max()),
        "measured_mm": float(np.abs(values - true_mm).max()),
        "deepest_mm": float(values.min()),
        "on_surface": [float(on_surface[near]), float(np.isnan(on_surface[model.inner]).mean())],
        "colors": float(np.abs(colors_of(scan, heat_map.COLORS) - heat_colors(values, scale)).max()),
        "active": [item.data.color_attributes.active_color_name for item in (scan, surface)],
        "slots": [slot.material.name for item in (scan, surface) for slot in item.material_slots],
        "own_kept": [m.name for item in (scan, surface) for m in item.data.materials],
        "views": looks(person)["views"],
        "range_mm": person.collection.bodyscan_heat.range_mm,
    }


def ranges(person: Any) -> dict[str, Any]:
    """Another range is other colours of the same numbers."""
    scan = person.object("scan")
    before = get_values(scan.data, heat_map.VALUES)
    person.collection.bodyscan_heat.range_mm = 20.0
    scale = heat_map.scale_of(20.0)
    colors = colors_of(scan, heat_map.COLORS)
    after = get_values(scan.data, heat_map.VALUES)
    adjust(person, moves={"left_elbow": 5.0})
    stale = heat_map.is_stale(person)
    return {
        "range": [
            float(np.abs(colors - heat_colors(after, scale)).max()),
            bool((before == after).all()),
            stale,
        ],
        "legend": [[list(color), words] for color, words in heat_map.legend(20.0)],
        "numbers": heat_map.numbers_words(after),
    }


def off_and_on(person: Any) -> dict[str, Any]:
    bpy.ops.bodyscan.heat_map()
    off = looks(person)
    bpy.ops.bodyscan.heat_map()
    bpy.ops.bodyscan.heat_map()
    twice = looks(person)
    bpy.ops.ed.undo()  # to before "on"
    person = people_of(bpy.context.scene)[0]
    return {"off": off, "twice": twice, "undone": shows(person.object("scan"))}


def pinned(person: Any) -> dict[str, Any]:
    model, _ = truth()
    surface = person.object("surface")
    before = looks(person)
    one = said("pin", region="left_hand")
    bpy.ops.bodyscan.pin(region="head")
    colors = colors_of(surface, pins.COLORS)
    orange = (colors == pins.PINNED_COLOR).all(axis=1)
    marked = [bool((orange == model.region("left_hand", "head")).all()), pins.pin_words(person)]
    bpy.ops.bodyscan.pin(region="head")
    after = list(pins.pinned(person))
    wrong = said("pin", region="tail")
    bpy.ops.bodyscan.pins_clear()
    return {
        "pinned": [one, *marked, after, wrong, list(pins.pinned(person)), bpy.ops.bodyscan.pins_clear.poll()],
        "pins_gone": looks(person) == before,
        "pinnable": list(pins.pinnable(model)),
    }


def switched(person: Any) -> dict[str, Any]:
    """From pins to distances and back to nothing: what stood there first comes back."""
    before = looks(person)
    bpy.ops.bodyscan.pin(region="neck")
    bpy.ops.bodyscan.heat_map()
    one = shows(person.object("surface"))
    bpy.ops.bodyscan.pins_show()
    two = shows(person.object("surface")), shows(person.object("scan"))
    bpy.ops.bodyscan.pins_show()
    bpy.ops.bodyscan.heat_map()
    after = looks(person)
    for role in ("scan", "surface"):  # the attribute of what was shown before stays with the mesh
        after[role][5] = [a for a in after[role][5] if not a.startswith("bodyscan_pins")]
    bpy.ops.bodyscan.pins_clear()
    return {"switched": [one, *two], "switched_back": [before, after]}


def new_results(person: Any) -> dict[str, Any]:
    """A new fit is measured and coloured again; a texture is seen, and not the colours."""
    scan, surface = person.object("scan"), person.object("surface")
    before = looks(person)
    bpy.ops.bodyscan.heat_map()
    show_textures(person, None)
    on_results(person, ("fit",))
    fit = shows(scan), shows(surface), [slot.material.name for slot in surface.material_slots]
    show_textures(person, None)
    on_results(person, ("texture",))
    after = looks(person)
    thin = signed_distance_mm(
        get_positions(surface.data), seen(truth()[0]), get_positions(scan.data), most=5000
    )
    whole = signed_distance_mm(get_positions(surface.data), seen(truth()[0]), get_positions(scan.data))
    return {"new_fit": fit, "texture": [before, after], "thinned_mm": float(np.abs(thin - whole).max())}


def reopened(person: Any, folder: Path) -> dict[str, Any]:
    """Saved with the colours on, opened, and off: as before."""
    before = looks(person)
    bpy.ops.bodyscan.heat_map()
    saved = bpy.ops.wm.save_as_mainfile(filepath=str(folder / "coloured.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(folder / "coloured.blend"))
    person = people_of(bpy.context.scene)[0]
    on = shows(person.object("scan")), shows(person.object("surface"))
    bpy.context.view_layer.objects.active = person.object("surface")
    bpy.ops.bodyscan.heat_map()
    return {"reopened": [list(saved), *on], "reopened_off": [before, looks(person)]}


def broken(person: Any) -> dict[str, Any]:
    """A renamed object, a material that was deleted, a surface that was cut."""
    scan, surface = person.object("scan"), person.object("surface")
    bpy.ops.bodyscan.heat_map()
    scan.name = "renamed"
    bpy.data.materials.remove(surface.data.materials[0])
    bpy.ops.bodyscan.heat_map()
    renamed = [shows(scan), [slot.link for slot in surface.material_slots]]
    surface.data.vertices.add(1)
    cut = said("heat_map")
    return {"broken": [*renamed, cut, shows(scan)]}


def cloud(person: Any) -> dict[str, Any]:
    item = person.object("scan")
    bpy.context.view_layer.objects.active = item
    node = next(n for n in item.modifiers[0].node_group.nodes if n.bl_idname == "GeometryNodeSetMaterial")
    own = node.inputs["Material"].default_value.name
    bpy.ops.bodyscan.heat_map()
    shown = node.inputs["Material"].default_value.name
    bpy.ops.bodyscan.heat_map()
    return {"cloud": [own == node.inputs["Material"].default_value.name, shown]}
