# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Heat map: how far the scan lies from the fitted surface, as colours on both, with a legend in words.

Colours, sign and legend are those of bodyscan's reports: blue where the scan lies inside of the surface, red
outside. The numbers are kept as an attribute, so that another range only means other colours. What draws for
the reports is imported when it is needed: it takes a third of a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zlib import crc32

import bpy
import numpy as np

from bodyscan.errors import InputError
from bodyscan.types import F32

from ..mesh_data import get_values, set_values
from ..mesh_points import get_positions
from ..people import Person
from ..scan.scan_object import SCAN_VERTEX
from .before_after import copies_made_anew
from .distrust import scan_object
from .edit_tool import EditTool
from .fit_state import adjustments, fitted_surface, scan_of, shown_fit
from .surface_distance import onto_surface, signed_distance_mm
from .vertex_colors import hide_colors, show_colors, shows, write_colors

if TYPE_CHECKING:
    from bodyscan.render.heatmap import ColorScale

COLORS = "bodyscan_distance"
"""Colour attribute of scan and surface."""
VALUES = "bodyscan_distance_mm"
"""Attribute of scan and surface: the signed distance, mm; NaN where there is nothing to measure."""
MEASURED = "bodyscan_distance_of"
"""Of a person's collection: the state of the fit that was measured."""
FINE_MM = 0.05
LEGEND = "Blue: the scan lies inside of the fitted surface. Red: outside of it."


def measure(person: Person) -> dict[str, F32]:
    """Measure scan and surface as the scene has them, and keep the numbers on both; role -> (N,) mm.

    Raises `InputError` where one of them is missing or was cut.
    """
    scan, surface = scan_object(person), fitted_surface(person)
    shown = shown_fit(person)
    vertices, points = get_positions(surface.data), get_positions(scan.data)
    if len(vertices) != shown.model.num_vertices:
        raise InputError(
            f"The surface in the scene has {len(vertices)} vertices and the body has "
            f"{shown.model.num_vertices}: it was cut or subdivided. Run the step Fit again to get it back."
        )
    distance = _kept_distance(person, scan, vertices)
    if distance is None:
        from bodyscan.fit.start import seen_faces

        outer = shown.model.faces[seen_faces(shown.model)]
        distance = signed_distance_mm(vertices, outer, points)
    found = {"scan": distance, "surface": onto_surface(vertices, points, distance)}
    set_values(scan.data, VALUES, found["scan"])
    set_values(surface.data, VALUES, found["surface"])
    person.collection[MEASURED] = state_of_fit(person)
    return found


def state_of_fit(person: Person) -> str:
    """What changes when the fitted surface in the scene changes."""
    betas, moves = adjustments(person)
    shape = 0 if betas is None else crc32(betas.tobytes())
    return f"{shown_fit(person).result} {shape} {sorted(moves.items())}"


def is_stale(person: Person) -> bool:
    """Whether the fit was changed since the distances were measured."""
    try:
        return person.collection.get(MEASURED) != state_of_fit(person)
    except InputError:
        return True


def is_on(person: Person) -> bool:
    """Whether scan or surface shows the heat map."""
    return any(shows(item) == COLORS for item in _both(person))


def show_heat_map(context: Any, person: Person, *, range_mm: float | None = None) -> dict[str, F32]:
    """Measure, and colour scan and surface. The range is found where none is given. Raises as `measure`."""
    from bodyscan.render.heatmap import distance_scale

    found = measure(person)
    settings = person.collection.bodyscan_heat
    if range_mm is None:
        range_mm = distance_scale(found["scan"]).high
    settings.range_mm = float(np.clip(range_mm, 0.5, 200.0))
    for item in (scan_object(person), fitted_surface(person)):
        _paint(item, settings.range_mm)
        show_colors(context, item, COLORS)
    return found


def hide_heat_map(context: Any, person: Person) -> None:
    """Take the colours off again, and the numbers."""
    for item in _both(person):
        if shows(item) == COLORS:
            hide_colors(context, item)
        layer = item.data.attributes.get(VALUES)
        if layer is not None:
            item.data.attributes.remove(layer)
    if MEASURED in person.collection:
        del person.collection[MEASURED]


def paint_again(person: Person) -> None:
    """Colour what shows the heat map by the range as it is now; nothing is measured."""
    for item in _both(person):
        if shows(item) == COLORS:
            _paint(item, person.collection.bodyscan_heat.range_mm)


def scale_of(range_mm: float) -> ColorScale:
    """The scale of the colours, from -range to +range."""
    from bodyscan.render.heatmap import ColorScale

    return ColorScale(-range_mm, range_mm, "mm", "scan to fitted surface", "diverging", "inside", "outside")


def legend(range_mm: float) -> list[tuple[tuple[int, int, int], str]]:
    """Colour (sRGB) and words of each step of the scale, from the inside out."""
    from bodyscan.render.heatmap import heat_colors

    scale = scale_of(range_mm)
    words = {
        0: f"{range_mm:g} mm or more inside",
        1: f"{range_mm / 2:g} mm inside",
        2: "on the surface",
        3: f"{range_mm / 2:g} mm outside",
        4: f"{range_mm:g} mm or more outside",
    }
    colors = heat_colors(np.array(scale.ticks), scale).tolist()
    none = heat_colors(np.array([np.nan]), scale).tolist()[0]
    return [*((tuple(color), words[k]) for k, color in enumerate(colors)), (tuple(none), "no scan there")]


def numbers_words(values: F32) -> str:
    """The distances in one sentence."""
    known = np.abs(values[np.isfinite(values)])
    if not len(known):
        return "There is nothing to measure."
    return (
        f"Half of the scan lies within {np.median(known):.1f} mm of the surface, 95 % within "
        f"{np.percentile(known, 95):.1f} mm."
    )


def _both(person: Person) -> list[Any]:
    items = [person.object("scan"), person.object("surface")]
    return [item for item in items if item is not None and item.type == "MESH"]


def _paint(item: Any, range_mm: float) -> None:
    from bodyscan.render.heatmap import heat_colors

    values = get_values(item.data, VALUES)
    if values is None:
        raise InputError(f"{item.name} has no distances any more; measure again.")
    write_colors(item.data, COLORS, heat_colors(values, scale_of(range_mm)))


def _kept_distance(person: Person, scan: Any, vertices: np.ndarray) -> F32 | None:
    """The distances that the fit itself measured, where the scene shows that fit and that scan unchanged."""
    fit = shown_fit(person).fit
    ids = get_values(scan.data, SCAN_VERTEX)
    betas, moves = adjustments(person)
    if betas is not None or moves or ids is None or not len(ids):
        return None
    points = scan_of(person).mesh.vertices
    if len(fit.distance_mm) != len(points) or ids.min() < 0 or ids.max() >= len(points):
        return None
    same_surface = np.abs(vertices - fit.surface.vertices).max() < FINE_MM / 1e3
    same_scan = np.abs(get_positions(scan.data) - points[ids]).max() < FINE_MM / 1e3
    return np.asarray(fit.distance_mm[ids]) if same_surface and same_scan else None


class BODYSCAN_OT_heat_map(EditTool, bpy.types.Operator):
    bl_idname = "bodyscan.heat_map"
    bl_label = "Heat Map"
    bl_description = "Colour scan and fitted surface by their distance; again: show them as before"
    needs_fit = True

    def change(self, context: Any, person: Person) -> str:
        if is_on(person):
            with copies_made_anew(context, person):
                hide_heat_map(context, person)
            return ""
        return _measured(context, person, None)


class BODYSCAN_OT_heat_map_again(EditTool, bpy.types.Operator):
    bl_idname = "bodyscan.heat_map_again"
    bl_label = "Measure Again"
    bl_description = "Measure the distances of the surface as it is now"
    needs_fit = True

    @classmethod
    def ready(cls, context: Any, person: Person) -> str:
        return "" if is_on(person) else "The heat map is off"

    def change(self, context: Any, person: Person) -> str:
        return _measured(context, person, person.collection.bodyscan_heat.range_mm)


def _measured(context: Any, person: Person, range_mm: float | None) -> str:
    if context.mode != "OBJECT":
        bpy.ops.object.mode_set(mode="OBJECT")
    with copies_made_anew(context, person):
        found = show_heat_map(context, person, range_mm=range_mm)
    return numbers_words(found["scan"])


class BodyscanHeat(bpy.types.PropertyGroup):
    """How a person's heat map is shown."""

    def _changed(self, context: Any) -> None:
        paint_again(Person(self.id_data))

    range_mm: bpy.props.FloatProperty(
        name="Range",
        description="Distance at which the colours end, millimetres",
        default=5.0,
        min=0.5,
        max=200.0,
        soft_max=30.0,
        step=50,
        precision=1,
        update=_changed,
    )


CLASSES = (BODYSCAN_OT_heat_map, BODYSCAN_OT_heat_map_again, BodyscanHeat)


def register() -> None:
    for item in CLASSES:
        bpy.utils.register_class(item)
    bpy.types.Collection.bodyscan_heat = bpy.props.PointerProperty(type=BodyscanHeat)


def unregister() -> None:
    del bpy.types.Collection.bodyscan_heat
    for item in reversed(CLASSES):
        bpy.utils.unregister_class(item)
