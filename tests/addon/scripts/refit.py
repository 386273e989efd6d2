"""Refit with the quick command: what is asked for, what shows, what stays, undone, refused, cancelled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy  # pyright: ignore[reportMissingImports]
import numpy as np
from bodyscan_blender import task  # pyright: ignore[reportMissingImports]
from bodyscan_blender.edit import before_after, distrust, edits, fit_state, heat_map, landmarks, refit  # pyright: ignore[reportMissingImports]
from bodyscan_blender.edit.vertex_colors import shows  # pyright: ignore[reportMissingImports]
from bodyscan_blender.mesh_points import get_positions  # pyright: ignore[reportMissingImports]
from bodyscan_blender.steps.shown_results import current_results, shown  # pyright: ignore[reportMissingImports]

from addon.edit_people import make_person
from addon.scripts.stepping import Modal, asked, mode, person, run, set_up, undo
from bodyscan.steps.folder import WorkFolder


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    home = set_up(arguments)
    one = make_person(home / "work")
    WorkFolder(one.folder).put_consent(Path(arguments["consent"]).read_text())
    bpy.ops.ed.undo_push(message="start")
    return {
        "nothing": nothing(),
        "edited": edited(),
        "asked": ask(home),
        "shown": is_shown(),
        "undone": undone(),
        "again": again(home),
        "anew": anew(home),
        "failed": failed(home),
        "cancelled": cancelled(home),
        "gone": gone(),
    }


def state() -> dict[str, Any]:
    """What the scene shows, and whether the folder agrees."""
    one = person()
    surface = get_positions(one.object("surface").data)
    fit = fit_state.shown_fit(one).fit
    return {
        "result": shown(one).get("fit"),
        "agrees": current_results(WorkFolder(one.folder)) == shown(one),
        "is_its_surface": float(np.abs(surface - fit.surface.vertices).max()) < 1e-6,
        "edits": edits.edit_words(one),
        "view": before_after.present_view(one),
        "colors": [shows(one.object(role)) for role in ("scan", "surface")],
        "stale": heat_map.is_stale(one),
        "copies": len(before_after.person_copies(one)),
        "left": sorted(p.name for p in one.folder.iterdir() if p.name.startswith(".untrusted")),
    }


def nothing() -> dict[str, Any]:
    """Without corrections there is nothing in the request but the start."""
    return {"fields": edits.request_fields(person()), "words": edits.edit_words(person())}


def edited() -> dict[str, Any]:
    """All kinds of corrections at once."""
    one = person()
    bpy.ops.bodyscan.landmarks_show()
    for name in ("left_knee", "right_knee", "left_hip", "right_hip", "nose"):
        landmarks.by_name(one)[name].location.x += 0.02
    bpy.context.view_layer.update()
    for region in ("left_hand", "head"):
        bpy.ops.bodyscan.pin(region=region)
    item = one.object("scan")
    feet = np.flatnonzero(get_positions(item.data)[:, 1] < 0.1)
    distrust.mark(item, feet, 1.0)
    distrust.count_share(one)
    one.collection.bodyscan_pose.left_arm_raise = np.radians(-20)
    one.collection.bodyscan_shape.component_0 = 0.5
    bpy.ops.bodyscan.heat_map()
    bpy.ops.bodyscan.view(view="beside")
    bpy.ops.ed.undo_push(message="edited")
    knee = landmarks.by_name(one)["left_knee"].location
    return {
        **state(),
        "feet": len(feet),
        "knee": [knee.x, knee.z, -knee.y],
        "painted": edits.edit_words(one, painted=distrust.share_words(one)),
    }


def ask(home: Path) -> dict[str, Any]:
    said = run("refit")
    request = asked(home)[-1]
    return {
        "said": said,
        "step": request["step"],
        "start": request["start"],
        "placed": request["placed"],
        "pinned": request["pinned"],
        "untrusted": Path(request["untrusted"]).name,
        "betas": [len(request["betas"]), request["betas"][0]],
        "pose": np.shape(request["pose_rotvec"]),
        "purpose": request["use"]["purpose"],
    }


def is_shown() -> dict[str, Any]:
    return state()


def undone() -> dict[str, Any]:
    undo()
    return state()


def again(home: Path) -> dict[str, Any]:
    """After an undo the next refit goes on from the fit that the scene shows."""
    before = state()["result"]
    said = run("refit")
    folder = WorkFolder(person().folder)
    return {"said": said, "before": before, "kept": before in folder.results("fit"), **state()}


def anew(home: Path) -> dict[str, Any]:
    """A fit that begins anew takes the placed points and the distrust."""
    said = run("refit", anew=True)
    request = asked(home)[-1]
    named = ("start", "pinned", "betas", "pose_rotvec")
    return {
        "said": said,
        **{name: request[name] for name in named},
        "placed": sorted(request["placed"]),
        "untrusted": request["untrusted"] is not None,
    }


def failed(home: Path) -> dict[str, Any]:
    before = state()
    mode(home, fit="stage")
    said = run("refit")
    mode(home, fit="well")
    return {"said": said, "same": state() == before, "left": state()["left"]}


def cancelled(home: Path) -> dict[str, Any]:
    """In the window: Esc in the middle, and a second refit while one runs."""
    before = state()
    mode(home, fit="hang")
    modal = Modal(refit.BODYSCAN_OT_refit, person=person().id)
    begun = sorted(modal.start(modal.context))
    written = state()["left"]
    modal.tick_until(lambda: task.current().progress.share > 0)
    second = run("refit")
    ended = modal.event("ESC", "PRESS")
    mode(home, fit="well")
    return {
        "begun": begun,
        "written": len(written),
        "second": second,
        "ended": sorted(ended),
        "reports": modal.reports,
        "same": state() == before,
        "current": task.current() is None,
    }


def gone() -> dict[str, Any]:
    """A moved landmark was deleted, the folder cannot be written, the surface is gone."""
    one = person()
    for item in list(landmarks.moved(one).values()):
        bpy.data.objects.remove(item)
    without = edits.edits_of(one).placed
    bpy.data.objects.remove(one.object("surface"))
    said = run("refit")
    back = one.object("surface") is not None
    WorkFolder(one.folder).forget()
    return {"without": without, "said": said, "back": back, "folder": run("refit")}
