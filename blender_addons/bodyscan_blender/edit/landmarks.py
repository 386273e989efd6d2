# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Landmarks as objects that are dragged to their place.

A landmark is a child of the scan, so that its location is in the scan's own frame, whatever is done with the
scan; it remembers where it was found, and counts as moved where its location is another. A point of the skin
is held on the scan's surface by a constraint; a joint is free, and drawn in front of all. Nothing here reads
an evaluated matrix: those of hidden objects are out of date.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bpy
import numpy as np
from mathutils import Vector
from mathutils.bvhtree import BVHTree
from mathutils.kdtree import KDTree

from bodyscan.body.landmarks import detector_points
from bodyscan.body.model import BodyModel
from bodyscan.types import F64, Landmarks

from ..axes import blender_from_world, world_from_blender
from ..mesh_points import get_positions, get_triangles
from ..people import Person
from .landmark_looks import marker_material, marker_mesh, remove_unused, show_state
from .landmark_words import FACE_LANDMARKS, PARTS, SURE, is_inside, part_of, words_of

NAME = "bodyscan_landmark"
"""Of a landmark's object: its name in `LANDMARK_NAMES`. Of a collection: which part's landmarks it holds."""
FOUND = "bodyscan_found"
"""Of a landmark's object: (3,) where the detector found it, Blender's axes, in the scan's frame; a landmark
that a person added has none."""
CONFIDENCE = "bodyscan_confidence"
IGNORED = "bodyscan_ignored"
"""Of a landmark's object that the fit is not to look at: True."""
SCAN = "bodyscan_landmarks_scan"
"""Of the collection of all landmarks: name of the scan's result that they were found in."""
SNAP = "bodyscan on the surface"
MOVED_M = 1e-4
"""Less than a tenth of a millimetre is no move."""
RADIUS_M = {"Head": 0.006, "Left hand": 0.0035, "Right hand": 0.0035, "Face": 0.0014}
USUAL_RADIUS_M = 0.013


def show_landmarks(
    person: Person, found: Landmarks | None, model: BodyModel, *, face: bool = False, scan: str = ""
) -> int:
    """Make an object of each landmark that has none; return how many were made.

    `found` are the scan's, in the world frame. The points of the face only with `face`. Landmarks of another
    scan (`scan` names the result) are deleted before.
    """
    holder = person_landmarks(person)
    if holder is not None and holder.get(SCAN, scan) != scan:
        remove_landmarks(person)
    holder = _collection(person, None)
    holder[SCAN] = scan
    if found is None:
        return 0
    there = set(by_name(person))
    count = 0
    for name, place, sure in zip(found.names, found.positions, found.confidence, strict=True):
        if name in there or (name in FACE_LANDMARKS and not face) or not np.isfinite(place).all():
            continue
        make_landmark(person, name, place, model, confidence=float(sure))
        count += 1
    return count


def make_landmark(
    person: Person, name: str, place: F64, model: BodyModel, *, confidence: float | None = None
) -> Any:
    """Make one landmark at (3,) metres of the world frame; without `confidence` it is one that was added."""
    inside = is_inside(name, model)
    item = bpy.data.objects.new(words_of(name), marker_mesh("joint" if inside else "skin"))
    item[NAME] = name
    person.add(item, "landmark")
    part = _collection(person, part_of(name))
    part.objects.link(item)
    person.collection.objects.unlink(item)
    item.location = blender_from_world(np.asarray(place, dtype=np.float64))
    if confidence is not None:
        item[FOUND], item[CONFIDENCE] = list(item.location), confidence
    item.parent = person.object("scan")
    radius = RADIUS_M.get(part_of(name), USUAL_RADIUS_M)
    item.scale = (radius, radius, radius)
    item.lock_rotation, item.lock_scale = (True, True, True), (True, True, True)
    item.show_in_front = inside
    item.hide_render = True
    if not inside:
        _snap(item, item.parent)
    show_state(item, state_of(item))
    return item


def state_of(item: Any) -> str:
    """`sure`, `unsure`, `moved`, `added` or `ignored`."""
    if item.get(IGNORED):
        return "ignored"
    if FOUND not in item:
        return "added"
    if is_moved(item):
        return "moved"
    return "sure" if item.get(CONFIDENCE, 0.0) >= SURE else "unsure"


def is_moved(item: Any) -> bool:
    """Whether a person put it elsewhere than the detector; an added one counts."""
    found = item.get(FOUND)
    # What is no number is no place where it was found.
    return found is None or not (Vector(found) - item.location).length <= MOVED_M


def by_name(person: Person) -> dict[str, Any]:
    """Landmark name -> its object. Of copies with one name the first counts."""
    known: dict[str, Any] = {}
    for item in person.objects("landmark"):
        if isinstance(item.get(NAME), str):
            known.setdefault(item[NAME], item)
    return known


def moved(person: Person) -> dict[str, Any]:
    """The landmarks that a person moved or added, by name."""
    return {n: item for n, item in by_name(person).items() if is_moved(item) and not item.get(IGNORED)}


def ignored(person: Person) -> list[str]:
    """The names of the landmarks that the fit is not to look at."""
    return [name for name, item in by_name(person).items() if item.get(IGNORED)]


def ignore(items: Iterable[Any], wanted: bool) -> int:
    """Let landmarks be ignored, or looked at again; return how many changed. One that a person added goes
    when it is ignored: nothing was found there."""
    count = 0
    for item in list(items):
        if bool(item.get(IGNORED)) == wanted:
            continue
        count += 1
        if wanted and FOUND not in item:
            bpy.data.objects.remove(item, do_unlink=True)
            continue
        item[IGNORED] = wanted
        show_state(item, state_of(item))
    remove_unused()
    return count


def places(person: Person, items: dict[str, Any]) -> dict[str, tuple[float, float, float]]:
    """Name -> (x, y, z) metres of the world frame, points of the skin on the scan's surface."""
    skin = [name for name, item in items.items() if _snapping(item) is not None]
    found = {name: item.location.copy() for name, item in items.items()}
    scan = person.object("scan")
    if skin and scan is not None and len(scan.data.vertices):
        nearest = _nearest(scan.data)
        found |= {name: nearest(found[name]) for name in skin}
    points = {name: world_from_blender(np.array(place, dtype=np.float64)) for name, place in found.items()}
    return {name: (float(x), float(y), float(z)) for name, (x, y, z) in points.items()}


def model_places(model: BodyModel, vertices: F64, joints: F64, names: Iterable[str]) -> dict[str, F64]:
    """Name -> (3,) metres: where the posed body has the landmarks that it knows."""
    points = detector_points(model)
    known = tuple(name for name in names if name in points.names)
    return dict(zip(known, points.subset(known).positions(vertices, joints), strict=True))


def put_back(person: Person, items: Iterable[Any]) -> int:
    """Move landmarks to where they were found, and look at them again; return how many changed.

    Those that were added go.
    """
    count = 0
    for item in list(items):
        if not is_moved(item) and not item.get(IGNORED):
            continue
        count += 1
        item.pop(IGNORED, None)
        if FOUND not in item:
            bpy.data.objects.remove(item, do_unlink=True)
            continue
        item.location = item[FOUND]
        show_state(item, state_of(item))
    remove_unused()
    return count


def remove_landmarks(person: Person) -> None:
    """Delete all landmarks of a person, and the collections that hold them."""
    person.remove("landmark")
    holder = person_landmarks(person)
    if holder is not None:
        for part in list(holder.children):
            bpy.data.collections.remove(part)
        bpy.data.collections.remove(holder)
    remove_unused()


def follow_scan(person: Person, result: str) -> None:
    """The scan's object was made anew: hang the landmarks on it, or delete those of another `result`."""
    holder = person_landmarks(person)
    if holder is None:
        return
    if holder.get(SCAN) != result:
        remove_landmarks(person)
        return
    scan = person.object("scan")
    for item in person.objects("landmark"):
        item.parent = scan
        for hold in item.constraints:
            if hold.type == "SHRINKWRAP":
                hold.target = scan


def resize(person: Person, factor: float) -> None:
    """Make all landmarks `factor` times their usual size."""
    for name, item in by_name(person).items():
        radius = factor * RADIUS_M.get(part_of(name), USUAL_RADIUS_M)
        item.scale = (radius, radius, radius)


def person_landmarks(person: Person) -> Any | None:
    """The collection of a person's landmarks, or None."""
    return next((c for c in person.collection.children if c.get(NAME) == ""), None)


def part_collections(person: Person) -> list[tuple[str, Any]]:
    """The parts of the body that have landmarks, in their order, with their collections."""
    holder = person_landmarks(person)
    parts = {c.get(NAME): c for c in holder.children} if holder is not None else {}
    return [(part, parts[part]) for part in PARTS if part in parts and len(parts[part].objects)]


def _collection(person: Person, part: str | None) -> Any:
    """The collection of all landmarks (None) or of those of a part, made where it is not there."""
    parent = person.collection if part is None else _collection(person, None)
    key = part or ""
    for child in parent.children:
        if child.get(NAME) == key:
            return child
    made = bpy.data.collections.new(part or "Landmarks")
    made[NAME] = key
    parent.children.link(made)
    return made


def _snap(item: Any, scan: Any | None) -> None:
    """Hold a point of the skin on the scan's surface while it is dragged."""
    if scan is None:
        return
    hold = item.constraints.new("SHRINKWRAP")
    hold.name = SNAP
    hold.target = scan
    hold.shrinkwrap_type = "NEAREST_SURFACE" if len(scan.data.polygons) else "NEAREST_VERTEX"


def _snapping(item: Any) -> Any | None:
    return next((c for c in item.constraints if c.type == "SHRINKWRAP" and c.target and not c.mute), None)


def _nearest(mesh: Any) -> Any:
    """A function from a point to the nearest one of a mesh's surface, or of its vertices for a cloud."""
    corners = blender_from_world(get_positions(mesh)).tolist()
    if len(mesh.polygons):
        tree = BVHTree.FromPolygons(corners, get_triangles(mesh).tolist())
        return lambda point: tree.find_nearest(point)[0]
    points = KDTree(len(corners))
    for k, corner in enumerate(corners):
        points.insert(corner, k)
    points.balance()
    return lambda point: points.find(point)[0]


@bpy.app.handlers.persistent
def _show_moves(scene: Any, graph: Any) -> None:
    """Colour the landmarks that were just moved; what has its colour is left alone: so this comes to rest."""
    for update in graph.updates:
        if update.is_updated_transform and isinstance(update.id, bpy.types.Object):
            item = update.id.original
            if isinstance(item.get(NAME), str):
                show_state(item, state_of(item))


def register() -> None:
    bpy.app.handlers.depsgraph_update_post.append(_show_moves)


def unregister() -> None:
    bpy.app.handlers.depsgraph_update_post.remove(_show_moves)


__all__ = [
    "by_name",
    "ignore",
    "ignored",
    "make_landmark",
    "marker_material",
    "model_places",
    "moved",
    "part_collections",
    "person_landmarks",
    "places",
    "put_back",
    "remove_landmarks",
    "resize",
    "show_landmarks",
    "state_of",
]
