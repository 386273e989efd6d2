"""What was corrected, kind by kind, as the request's fields; with values that are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy  # pyright: ignore[reportMissingImports]
import numpy as np
from bodyscan_blender.edit import distrust, edits, fit_state, landmarks, pins  # pyright: ignore[reportMissingImports]
from bodyscan_blender.edit.pose_moves import moved_pose  # pyright: ignore[reportMissingImports]

from addon.edit_people import make_person
from bodyscan.errors import BodyscanError


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    folder = Path(arguments["folder"])
    person = make_person(folder / "ada")
    model = fit_state.shown_fit(person).model
    answer: dict[str, Any] = {"listed": [edits.listed("abcdef"[:count]) for count in (1, 2, 4, 6)]}
    pins.pin(person, ["head"], model=model)
    answer["pinned"] = edits.request_fields(person)
    pins.pin(person, [], model=model)
    answer |= posed(person)
    answer |= painted(person)
    answer |= placed(person)
    answer |= two_people(person, make_person(folder / "bob", name="Bob"))
    answer["no_fit"] = no_fit(make_person(folder / "eve", name="Eve", with_fit=False))
    return answer


def posed(person: Any) -> dict[str, Any]:
    """A pose alone: the shape is not said, and the pose is the fit's with the moves on top."""
    person.collection.bodyscan_pose.left_elbow = 0.5
    fields = edits.request_fields(person)
    shown = fit_state.shown_fit(person)
    wanted = moved_pose(shown.model, shown.fit.params, {"left_elbow": np.degrees(0.5)})
    bpy.ops.bodyscan.pose_reset()
    return {"posed": [fields["betas"], float(np.abs(np.array(fields["pose_rotvec"]) - wanted).max())]}


def painted(person: Any) -> dict[str, Any]:
    """What is painted lies in a private file, in the scan's own order, and is deleted after."""
    item = person.object("scan")
    distrust.mark(item, np.arange(100), 1.0)
    path = Path(edits.request_fields(person)["untrusted"])
    values = np.load(path)
    mode = path.stat().st_mode & 0o777
    again = Path(edits.request_fields(person, anew=True)["untrusted"]) != path
    edits.tidy(person)
    left = sorted(p.name for p in person.folder.iterdir())
    distrust.clear_weights(item)
    return {
        "painted": [values.dtype.name, len(values), float(values.sum()), mode, again, path.exists(), left],
        "cleared": edits.request_fields(person)["untrusted"],
    }


def placed(person: Any) -> dict[str, Any]:
    """A landmark at no number is refused before the step is asked; one that lies far away is not."""
    bpy.ops.bodyscan.landmarks_show()
    items = landmarks.by_name(person)
    items["left_knee"].location = (50.0, 0.0, 0.0)
    far = edits.request_fields(person)["placed"]
    items["left_knee"].location.x = float("nan")
    try:
        edits.request_fields(person)
        refused = ""
    except BodyscanError as error:
        refused = str(error)
    bpy.ops.bodyscan.landmark_restore(all=True)
    return {"far": far, "nan": refused, "restored": edits.request_fields(person)["placed"]}


def two_people(ada: Any, bob: Any) -> dict[str, Any]:
    """Each has their own corrections, whoever is active."""
    bpy.context.view_layer.objects.active = bob.object("surface")
    bpy.ops.bodyscan.landmarks_show()
    bpy.ops.bodyscan.pin(region="torso")
    landmarks.by_name(bob)["nose"].location.z += 0.1
    return {
        "ada": [edits.edit_words(ada), sorted(landmarks.moved(ada))],
        "bob": [edits.edit_words(bob), sorted(landmarks.moved(bob))],
    }


def no_fit(person: Any) -> list[Any]:
    anew = edits.request_fields(person, anew=True)
    try:
        edits.request_fields(person)
        refused = ""
    except BodyscanError as error:
        refused = str(error)
    return [anew["start"], refused]
