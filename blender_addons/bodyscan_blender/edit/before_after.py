# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before and after: the scan, the fitted surface, both, or the bodies behind them, at one click.

Scan and surface themselves are only hidden, or shown as wires. Whatever else is to be seen (side by side, a
wipe, the body under the clothes) is a copy of the object for looking at: it shares the mesh where it shows
the same, and goes with the next click. What was selected is selected again when it comes back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bpy

from bodyscan.errors import InputError
from bodyscan.types import F64

from ..guards.guard_withhold import WITHHELD
from ..mesh_data import new_mesh, set_positions
from ..mesh_points import get_positions
from ..people import PERSON, ROLE, Person
from .distrust import scan_object
from .edit_tool import EditTool
from .fit_preview import preview
from .fit_state import fitted_surface, present_params, shown_fit
from .vertex_colors import BEFORE, SHOWS
from .wipe import add_wipe, remove_wipe, set_wipe

COPY = "bodyscan_comparison"
"""Of an object: it is a copy for looking at, and of what."""
SELECTED = "bodyscan_was_selected"
"""Of an object that a view hides: it was selected."""
DISPLAY = "bodyscan_was_displayed"
"""Of an object that a view shows as wires: how it was shown before."""
VIEW = "bodyscan_view"
"""Of a person's collection: name of the view."""
ASIDE = 1.15
"""Widths of the person between two that stand side by side."""
MARGIN_M = 0.03
"""How far beyond the person the wipe's line goes: more than both sides overlap at it."""
VIEWS: tuple[tuple[str, str, str], ...] = (
    ("scan", "Scan", "The scan as it came"),
    ("surface", "Fit", "The surface that was fitted to it"),
    ("both", "Both", "The scan, and the fitted surface as wires over it"),
    ("beside", "Side by Side", "The scan, and the fitted surface to its left"),
    ("wipe", "Wipe", "The fitted surface up to a line, the scan from there on"),
    ("body", "Parametric Body", "The body model alone, without the scan's detail"),
    ("skin", "Under the Clothes", "The body as it is estimated under cloth and hair"),
    ("twin", "Twin", "The rigged twin"),
)
NAMES = tuple(name for name, _, _ in VIEWS)
NEEDS_SCAN = frozenset(("scan", "both", "beside", "wipe"))
NEEDS_FIT = frozenset(NAMES) - {"scan", "twin"}


def show_view(context: Any, person: Person, view: str) -> None:
    """Show a person as one of `VIEWS` says; geometry, materials and selection stay.

    Raises `InputError` for an unknown view, or where what it needs is not there: then nothing changes.
    """
    if view not in NAMES:
        raise InputError(f"'{view}' is no view; there are {', '.join(NAMES)}.")
    scan = scan_object(person) if view in NEEDS_SCAN else person.object("scan")
    twin = person.object("twin")
    if view == "twin" and twin is None:
        raise InputError(f"{person.name} has no twin in the scene yet; make it with the step Rig.")
    if view == "twin" and twin is not None and WITHHELD in twin:
        raise InputError(f"{person.name}'s twin is withheld: their consent does not cover this scene's use.")
    surface = fitted_surface(person) if view in NEEDS_FIT else person.object("surface")
    body = _other_body(person, view) if view in ("body", "skin") else None
    clear_copies(person)
    _as_wires(surface, view == "both")
    _show(context, scan, view in ("scan", "both", "beside"))
    _show(context, surface, view in ("surface", "both"))
    _show(context, twin, view == "twin")
    if view == "beside":
        low, high = _sides(scan)
        _copy(person, surface, "beside").location.x += ASIDE * (high - low)
    elif view == "wipe":
        for item, side in ((surface, "before"), (scan, "after")):
            add_wipe(_copy(person, item, side), side)
        set_wipe(person_copies(person), _line(scan, person.collection.bodyscan_compare.wipe))
    elif body is not None and surface is not None:
        item = person_copy(person, bpy.data.objects.new(f"{person.name} {view}", body), view)
        item.matrix_world = surface.matrix_world
        for material in surface.data.materials:
            body.materials.append(material)
    person.collection[VIEW] = view


def forget_view(person: Person) -> None:
    """New results are shown: no view that was chosen before holds any more."""
    clear_copies(person)
    for role in ("scan", "surface", "twin"):
        for item in person.objects(role):
            _as_wires(item, False)
            if WITHHELD not in item:
                item.hide_render = False
            if SELECTED in item:
                del item[SELECTED]
    if VIEW in person.collection:
        del person.collection[VIEW]


def refresh_bodies(person: Person) -> None:
    """Bring the copies of other bodies to what the sliders say now."""
    for item in person_copies(person):
        if item[COPY] in ("body", "skin"):
            set_positions(item.data, _other_points(person, item[COPY]))


@contextmanager
def copies_made_anew(context: Any, person: Person) -> Iterator[None]:
    """Take the copies for looking at away while the objects' looks change, and make them again after."""
    view = present_view(person) if person_copies(person) else ""
    clear_copies(person)
    try:
        yield
    finally:
        if view:
            show_view(context, person, view)


def present_view(person: Person) -> str:
    """Name of the view that was chosen last, or an empty text."""
    return str(person.collection.get(VIEW, ""))


def move_wipe(person: Person) -> None:
    """Bring the wipe's line to where its slider is."""
    scan = person.object("scan")
    if present_view(person) == "wipe" and scan is not None:
        set_wipe(person_copies(person), _line(scan, person.collection.bodyscan_compare.wipe))


def clear_copies(person: Person) -> None:
    """Delete the copies for looking at, and the meshes that are theirs alone."""
    for item in person_copies(person):
        mesh = item.data
        remove_wipe(item)
        bpy.data.objects.remove(item, do_unlink=True)
        if mesh is not None and mesh.users == 0:
            bpy.data.meshes.remove(mesh)


def person_copies(person: Person) -> list[Any]:
    """The copies for looking at, by name."""
    return sorted((o for o in person.collection.all_objects if COPY in o), key=lambda o: o.name)


def person_copy(person: Person, item: Any, kind: str) -> Any:
    """Put a copy for looking at into the person's collection, where it is no scan, surface or twin."""
    for key in (ROLE, SELECTED, DISPLAY, SHOWS, BEFORE):
        if key in item:
            del item[key]
    item[COPY] = kind
    item[PERSON] = person.id
    item.hide_select = True
    person.collection.objects.link(item)
    item.hide_set(False)
    item.hide_viewport = item.hide_render = False
    return item


def _copy(person: Person, item: Any, kind: str) -> Any:
    """A copy that shares the mesh, with the colours that the object shows."""
    made = item.copy()
    made.name = f"{item.name} {kind}"
    made.animation_data_clear()
    return person_copy(person, made, kind)


def _other_body(person: Person, view: str) -> Any:
    """A new mesh of the parametric body, or of the body under the clothes, as the sliders have it."""
    faces = shown_fit(person).fit.surface.faces
    return new_mesh(f"{person.name} {view}", _other_points(person, view), faces)


def _other_points(person: Person, view: str) -> F64:
    shown = shown_fit(person)
    return preview(shown.model, shown.fit, present_params(person, shown), view).vertices


def _show(context: Any, item: Any | None, is_shown: bool) -> None:
    """Show or hide an object in views and renders; the selection, which hiding takes, comes back with it."""
    if item is None or item.name not in context.view_layer.objects:
        return
    if not is_shown and item.select_get():
        item[SELECTED] = True
    item.hide_set(not is_shown)
    if WITHHELD not in item:  # else its consent keeps it from sight, whatever the view
        if is_shown:
            item.hide_viewport = False
        item.hide_render = not is_shown
    if is_shown and SELECTED in item:
        item.select_set(bool(item[SELECTED]))
        del item[SELECTED]


def _as_wires(item: Any | None, is_on: bool) -> None:
    if item is None:
        return
    if is_on and DISPLAY not in item:
        item[DISPLAY] = item.display_type
        item.display_type = "WIRE"
    elif not is_on and DISPLAY in item:
        item.display_type = item[DISPLAY]
        del item[DISPLAY]


def _line(scan: Any, share: float) -> float:
    """X of the wipe's line in the mesh's frame: from the person's right (0) to their left (1)."""
    low, high = _sides(scan)
    return low - MARGIN_M + share * (high - low + 2 * MARGIN_M)


def _sides(scan: Any) -> tuple[float, float]:
    """The scan's least and greatest X, metres, in its own frame."""
    across = get_positions(scan.data)[:, 0]
    return float(across.min(initial=0.0)), float(across.max(initial=0.0))


class BODYSCAN_OT_view(EditTool, bpy.types.Operator):
    bl_idname = "bodyscan.view"
    bl_label = "Show"

    view: bpy.props.EnumProperty(name="View", items=VIEWS, default="surface")

    @classmethod
    def ready(cls, context: Any, person: Person) -> str:
        return "" if context.mode == "OBJECT" else "Leave the edit or paint mode first"

    @classmethod
    def description(cls, context: Any, properties: Any) -> str:
        return next(words for name, _, words in VIEWS if name == properties.view)

    def change(self, context: Any, person: Person) -> str:
        show_view(context, person, self.view)
        return ""


class BODYSCAN_OT_view_next(EditTool, bpy.types.Operator):
    bl_idname = "bodyscan.view_next"
    bl_label = "Before / After"
    bl_description = "Show the scan where the fit is seen, and the fit where the scan is seen"
    needs_fit = True

    @classmethod
    def ready(cls, context: Any, person: Person) -> str:
        return BODYSCAN_OT_view.ready(context, person)

    def change(self, context: Any, person: Person) -> str:
        scan = person.object("scan")
        is_seen = scan is not None and scan.visible_get() and present_view(person) == "scan"
        show_view(context, person, "surface" if is_seen else "scan")
        return ""


class BodyscanCompare(bpy.types.PropertyGroup):
    """How a person is compared with the fit."""

    def _moved(self, context: Any) -> None:
        move_wipe(Person(self.id_data))

    wipe: bpy.props.FloatProperty(
        name="Wipe",
        description="Where the line is, from the person's right to their left",
        default=0.5,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
        update=_moved,
    )


CLASSES = (BODYSCAN_OT_view, BODYSCAN_OT_view_next, BodyscanCompare)


def register() -> None:
    for item in CLASSES:
        bpy.utils.register_class(item)
    bpy.types.Collection.bodyscan_compare = bpy.props.PointerProperty(type=BodyscanCompare)


def unregister() -> None:
    del bpy.types.Collection.bodyscan_compare
    for item in reversed(CLASSES):
        bpy.utils.unregister_class(item)
