"""Landmarks as objects: made, dragged, put back, added; hidden, deleted, renamed, undone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy  # pyright: ignore[reportMissingImports]
import numpy as np
from bodyscan_blender.axes import blender_from_world  # pyright: ignore[reportMissingImports]
from bodyscan_blender.edit import edits, landmarks  # pyright: ignore[reportMissingImports]
from bodyscan_blender.edit.edit_refresh import on_results  # pyright: ignore[reportMissingImports]
from bodyscan_blender.edit.fit_state import scan_of  # pyright: ignore[reportMissingImports]
from bodyscan_blender.edit.landmark_gaps import gaps_mm  # pyright: ignore[reportMissingImports]
from bodyscan_blender.edit.landmark_tools import landmark_words  # pyright: ignore[reportMissingImports]
from bodyscan_blender.people import people_of  # pyright: ignore[reportMissingImports]
from bodyscan_blender.scan.scan_object import show_scan  # pyright: ignore[reportMissingImports]
from bodyscan_blender.scan.scan_view import view_scan  # pyright: ignore[reportMissingImports]
from bodyscan_blender.steps.shown_results import RESULTS, shown  # pyright: ignore[reportMissingImports]

from addon.edit_people import landmarks_of, make_person, said, truth


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    person = make_person(Path(arguments["folder"]))
    model, params = truth()
    found = landmarks_of(model, params)
    answer: dict[str, Any] = {"shown": said("landmarks_show")}
    items = landmarks.by_name(person)
    place = dict(zip(found.names, found.positions, strict=True))
    bpy.context.view_layer.update()
    answer |= {
        "names": sorted(items),
        "parts": {part: len(c.objects) for part, c in landmarks.part_collections(person)},
        "words": items["left_wrist"].name,
        "worst_place_mm": max(
            apart_mm(item.location, blender_from_world(place[name])) for name, item in items.items()
        ),
        "states": {name: landmarks.state_of(items[name]) for name in ("left_wrist", "nose", "right_knee")},
        "in_front": [items["left_knee"].show_in_front, items["nose"].show_in_front],
        "in_renders": any(not item.hide_render for item in items.values()),
        "moved_at_first": list(landmarks.moved(person)),
    }
    bpy.ops.ed.undo_push(message="shown")
    answer |= drag(person)
    answer |= after_undo()
    person = people_of(bpy.context.scene)[0]
    answer |= restore(person)
    answer |= add(person)
    answer |= other_side(person)
    answer |= face(person)
    answer |= new_scan(person)
    answer |= abuse(person)
    return answer


def apart_mm(one: Any, other: Any) -> float:
    return 1e3 * float(np.linalg.norm(np.subtract(one, other)))


def drag(person: Any) -> dict[str, Any]:
    """A joint is moved freely; a point of the skin is moved off and stays on the surface."""
    items = landmarks.by_name(person)
    person.object("scan").hide_set(True)  # as after the step Fit
    knee, nose = items["left_knee"], items["nose"]
    knee.location.x += 0.15
    nose.location.y -= 0.03
    bpy.context.view_layer.update()
    where = landmarks.places(person, landmarks.moved(person))
    seen_nose = np.array(nose.matrix_world.translation)
    scan = person.object("scan")
    scan.hide_set(False)
    bpy.context.view_layer.update()
    on_scan = scan.closest_point_on_mesh(blender_from_world(np.array(where["nose"])).tolist())
    answer = {
        "moved": sorted(landmarks.moved(person)),
        "moved_states": [landmarks.state_of(knee), landmarks.state_of(nose)],
        "colored": [i.material_slots[0].material.name for i in (knee, nose, items["right_knee"])],
        "knee_gap_mm": apart_mm(blender_from_world(np.array(where["left_knee"])), knee.location),
        "nose_told_is_seen_mm": apart_mm(blender_from_world(np.array(where["nose"])), seen_nose),
        "nose_to_surface_mm": apart_mm(blender_from_world(np.array(where["nose"])), on_scan[1]),
        "knee_words": landmark_words(knee),
        "inside_words": landmark_words(items["right_knee"]),
        "gap_mm": gaps_mm(person)["left_knee"],
    }
    # Hidden objects have no evaluated place; what is told of them must not change.
    landmarks.person_landmarks(person).hide_viewport = True
    bpy.context.view_layer.update()
    answer["hidden_same"] = landmarks.places(person, landmarks.moved(person)) == where
    landmarks.person_landmarks(person).hide_viewport = False
    # The scan is put aside with its landmarks: their places in its frame stay.
    scan.location.x += 2.0
    bpy.context.view_layer.update()
    answer["aside_same"] = landmarks.places(person, landmarks.moved(person)) == where
    answer["aside_follows"] = float(knee.matrix_world.translation.x - knee.location.x)
    scan.location.x -= 2.0
    bpy.context.view_layer.update()
    bpy.ops.ed.undo_push(message="dragged")
    return answer


def after_undo() -> dict[str, Any]:
    bpy.ops.ed.undo()
    person = people_of(bpy.context.scene)[0]
    items = landmarks.by_name(person)
    undone = sorted(landmarks.moved(person)), items["left_knee"].material_slots[0].material.name
    bpy.ops.ed.redo()
    person = people_of(bpy.context.scene)[0]
    return {"undone": list(undone), "redone": sorted(landmarks.moved(person))}


def restore(person: Any) -> dict[str, Any]:
    items = landmarks.by_name(person)
    bpy.ops.bodyscan.landmark_select(name="nose")
    one = said("landmark_restore")
    after_one = sorted(landmarks.moved(person))
    every = said("landmark_restore", all=True)
    nothing = bpy.ops.bodyscan.landmark_restore.poll()
    bpy.ops.bodyscan.landmark_select(name="left_knee")
    bpy.ops.bodyscan.landmark_select(name="nose", extend=True)
    items["nose"].location.z += 0.1
    ignored = [said("landmark_ignore"), sorted(landmarks.ignored(person)), sorted(landmarks.moved(person))]
    ignored += [edits.request_fields(person, anew=True)["ignored"], edits.edit_words(person)]
    ignored += [landmarks.state_of(items["nose"]), items["nose"].material_slots[0].material.name]
    again = [said("landmark_ignore"), sorted(landmarks.ignored(person)), sorted(landmarks.moved(person))]
    said("landmark_ignore")
    again += [said("landmark_restore", all=True), landmarks.ignored(person), sorted(landmarks.moved(person))]
    return {
        "ignored": ignored,
        "looked_at_again": again,
        "restored": [one, after_one, every, sorted(landmarks.moved(person)), nothing],
        "restored_color": items["left_knee"].material_slots[0].material.name,
    }


def add(person: Any) -> dict[str, Any]:
    added = said("landmark_add", name="left_heel")
    state = landmarks.state_of(landmarks.by_name(person)["left_heel"])
    where = landmarks.places(person, landmarks.moved(person))
    again = ""
    try:
        bpy.ops.bodyscan.landmark_add(name="left_heel")
    except TypeError as error:
        again = "not found" if "left_heel" in str(error) else str(error)
    gap = gaps_mm(person)["left_heel"]
    bpy.ops.bodyscan.landmark_restore(all=True)
    return {
        "added": [added, state, sorted(where), again],
        "added_gap_mm": gap,
        "added_gone": "left_heel" not in landmarks.by_name(person),
    }


def other_side(person: Any) -> dict[str, Any]:
    bpy.ops.bodyscan.landmark_select(name="left_hand_8")
    done = said("landmark_counterpart")
    active = bpy.context.view_layer.objects.active[landmarks.NAME]
    selected = [item[landmarks.NAME] for item in bpy.context.selected_objects]
    bpy.ops.bodyscan.landmark_select(name="nose")
    middle = said("landmark_counterpart")
    return {"other": [done, active, selected, middle]}


def face(person: Any) -> dict[str, Any]:
    bpy.ops.bodyscan.landmarks_show(face=True)
    parts = dict(landmarks.part_collections(person))
    shown = not parts["Face"].hide_viewport
    bpy.ops.bodyscan.landmarks_show(face=False)
    return {"face": [len(parts["Face"].objects), shown, parts["Face"].hide_viewport]}


def new_scan(person: Any) -> dict[str, Any]:
    """The same scan shown anew keeps what was placed on it; another scan does not."""
    landmarks.by_name(person)["nose"].location.z += 0.02
    before = landmarks.places(person, landmarks.moved(person))
    show_scan(person, view_scan(scan_of(person)))
    on_results(person, ("scan",))
    nose = landmarks.by_name(person)["nose"]
    same = landmarks.places(person, landmarks.moved(person)) == before
    hangs = [nose.parent == person.object("scan"), nose.constraints[0].target == person.object("scan")]
    results = dict(shown(person))
    person.collection[RESULTS] = {**results, "scan": "scan-another"}
    on_results(person, ("scan",))
    gone = len(person.objects("landmark"))
    person.collection[RESULTS] = results
    bpy.ops.bodyscan.landmarks_show()
    return {"new_scan": [same, *hangs, gone, len(person.objects("landmark"))]}


def abuse(person: Any) -> dict[str, Any]:
    items = landmarks.by_name(person)
    items["left_knee"].name = "renamed by a person"
    items["right_knee"].location.x += 0.02
    bpy.data.objects.remove(items["left_elbow"])
    copy = items["right_knee"].copy()
    person.collection.objects.link(copy)
    left = landmarks.by_name(person)
    renamed = left["left_knee"].name
    where = landmarks.places(person, landmarks.moved(person))
    bpy.data.objects.remove(person.object("scan"))
    without_scan = landmarks.places(person, landmarks.moved(person))
    bpy.ops.bodyscan.landmarks_show()
    back = "left_elbow" in landmarks.by_name(person)
    landmarks.remove_landmarks(person)
    return {
        "abuse": [renamed, sorted(where), where["right_knee"] == without_scan["right_knee"], back],
        "left_over": [
            len(person.objects("landmark")),
            [m.name for m in bpy.data.meshes if "landmark" in m.name],
            [m.name for m in bpy.data.materials if "landmark" in m.name],
            [c.name for c in bpy.data.collections if landmarks.NAME in c],
        ],
    }
