# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""How far the fit's landmarks are from where the scene has them, in millimetres."""

from __future__ import annotations

from typing import Any

import numpy as np

from bodyscan.body.landmarks import detector_points
from bodyscan.types import F64, BodyParams

from ..axes import world_from_blender
from ..people import Person
from .fit_preview import preview
from .fit_state import Shown, present_params, shown_fit
from .landmarks import NAME, by_name
from .latest import Latest


def body_points(person: Person) -> dict[str, F64]:
    """Landmark name -> (3,) metres, world frame, where the body in the scene has it.

    Raises `InputError` where there is no fit.
    """
    shown = shown_fit(person)
    params = present_params(person, shown)
    key = (str(person.folder), shown.result, params.betas.tobytes(), params.pose_rotvec.tobytes())
    return _points.of(key, lambda: _posed_points(shown, params))


def gaps_mm(person: Person) -> dict[str, float]:
    """Landmark name -> distance from the object in the scene to the body's landmark, mm."""
    body = body_points(person)
    return {name: _gap(item, body[name]) for name, item in by_name(person).items() if name in body}


def gap_mm(person: Person, item: Any) -> float | None:
    """The gap of one landmark's object; None for a landmark that the body does not know."""
    place = body_points(person).get(item.get(NAME))
    return None if place is None else _gap(item, place)


def outside_mm(person: Person, item: Any) -> float:
    """How far a joint lies outside of the scan, mm; 0 inside, and for points of the skin."""
    scan = person.object("scan")
    if scan is None or scan.type != "MESH" or not len(scan.data.polygons) or item.constraints:
        return 0.0
    try:
        found, place, normal, _ = scan.closest_point_on_mesh(item.location)
    except RuntimeError:  # a scan that was hidden since the file was opened is not evaluated
        return 0.0
    gap = item.location - place
    return 1e3 * gap.length if found and gap.dot(normal) > 0 else 0.0


def _gap(item: Any, place: F64) -> float:
    return 1e3 * float(np.linalg.norm(seen_place(item) - place))


def seen_place(item: Any) -> F64:
    """(3,) metres, world frame: where a landmark is seen, held on the surface and all.

    That is told by the evaluated matrix, which a hidden object has not: then it is where it was put.
    """
    place = item.location
    if item.constraints and item.visible_get():
        place = item.matrix_world.translation
        if item.parent is not None:
            place = item.parent.matrix_world.inverted_safe() @ place
    return world_from_blender(np.array(place, dtype=np.float64))


def _posed_points(shown: Shown, params: BodyParams) -> dict[str, F64]:
    posed = preview(shown.model, shown.fit, params, "body")
    points = detector_points(shown.model)
    places = points.positions(posed.body_vertices, posed.joints)
    return dict(zip(points.names, places, strict=True))


_points: Latest[dict[str, F64]] = Latest()
