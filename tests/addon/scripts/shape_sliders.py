"""Sliders of shape and pose: what they show, what they do to the surface, how quick they are."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bodyscan_blender.edit import fit_state, pose_sliders, shape_sliders  # pyright: ignore[reportMissingImports]
from bodyscan_blender.edit.pose_moves import MOVES  # pyright: ignore[reportMissingImports]
from bodyscan_blender.edit.shape_measures import MEASURES  # pyright: ignore[reportMissingImports]
from bodyscan_blender.mesh_points import get_positions  # pyright: ignore[reportMissingImports]
from bodyscan_blender.people import people_of  # pyright: ignore[reportMissingImports]
from bodyscan_blender.scan.scan_object import show_fit  # pyright: ignore[reportMissingImports]

from addon.edit_people import fit_of, keep_fit, make_person, said, truth
from bodyscan.body.measurements import measure_surface
from bodyscan.steps.folder import WorkFolder


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    folder = Path(arguments["folder"])
    person = make_person(folder / "ada")
    answer = {"first": first(person)}
    answer |= measures(person)
    answer |= components(person)
    person = people_of(bpy.context.scene)[0]
    answer |= pose(person)
    answer |= limits(person)
    answer |= timing(person)
    answer |= new_fit(person)
    answer |= broken(person)
    return answer


def surface(person: Any) -> np.ndarray:
    return get_positions(person.object("surface").data)


def measured(person: Any) -> dict[str, float]:
    return dict(zip((m.name for m in MEASURES), shape_sliders.measures_of(person).tolist(), strict=True))


def first(person: Any) -> dict[str, Any]:
    """Nothing is changed: the sliders tell the fit, and setting what is there moves nothing."""
    fit = fit_state.shown_fit(person).fit
    ready = shape_sliders.are_ready(person)
    bpy.ops.bodyscan.shape_ready()
    model, _ = truth()
    told = {m.name: m.value_cm for m in measure_surface(model, fit.params, fit.skin.vertices)}
    ours = measured(person)
    before = surface(person)
    sliders = person.collection.bodyscan_shape
    sliders.stature = ours["stature"]
    return {
        "ready": [ready, shape_sliders.are_ready(person)],
        "as_measured_cm": max(abs(told[m.name] - ours[m.name]) for m in MEASURES if m.name != "volume"),
        "litres": ours["volume"],
        "slider": [sliders.stature - ours["stature"], sliders.component_3 - float(fit.params.betas[3])],
        "moved_mm": 1e3 * float(np.abs(surface(person) - before).max()),
        "names": list(shape_sliders.names_of_components(person)),
    }


def measures(person: Any) -> dict[str, Any]:
    """Each measure reaches what is set, and the others stay."""
    sliders = person.collection.bodyscan_shape
    found = {}
    for measure in MEASURES:
        if bpy.ops.bodyscan.shape_reset.poll():
            bpy.ops.bodyscan.shape_reset()
        before = measured(person)
        setattr(sliders, measure.name, before[measure.name] * 1.03)
        after = measured(person)
        wanted = before[measure.name] * 1.03
        others = {n: after[n] - before[n] for n in before if n != measure.name}
        found[measure.name] = [after[measure.name] - wanted, others]
    bpy.ops.bodyscan.shape_reset()
    moved = 1e3 * float(np.abs(surface(person) - fit_state.shown_fit(person).fit.surface.vertices).max())
    by_operator = said("shape_set", measure="waist_girth", value=90.0)
    waist = measured(person)["waist_girth"]
    beyond = said("shape_set", measure="stature", value=299.0)
    tallest = measured(person)["stature"]
    bpy.ops.bodyscan.shape_reset()
    return {"measures": found, "reset_mm": moved, "operator": [by_operator, waist, beyond, tallest]}


def components(person: Any) -> dict[str, Any]:
    sliders = person.collection.bodyscan_shape
    before, stature = surface(person), measured(person)["stature"]
    bpy.ops.ed.undo_push(message="before")
    sliders.component_0 = sliders.component_0 + 1.0
    bpy.ops.ed.undo_push(message="slid")
    params = fit_state.present_params(person, fit_state.shown_fit(person))
    changed = measured(person)["stature"] - stature
    bpy.ops.ed.undo()
    person = people_of(bpy.context.scene)[0]
    undone = float(np.abs(surface(person) - before).max()), fit_state.adjustments(person)[0] is None
    bpy.ops.ed.redo()
    person = people_of(bpy.context.scene)[0]
    redone = float(np.abs(surface(person) - before).max())
    bpy.ops.bodyscan.shape_reset()
    return {
        "component": [changed, float(params.betas[0]), len(params.betas)],
        "component_undone": list(undone),
        "component_redone": redone,
    }


def pose(person: Any) -> dict[str, Any]:
    """The fit's arm hangs 20 degrees too high: a slider brings it down; the mirror does the same right."""
    model, true = truth()
    target = model.pose(true).joints[model.joint_index("leftHand")]
    shown = fit_state.shown_fit(person)

    def hand() -> float:
        joints = model.pose(fit_state.present_params(person, shown)).joints
        return 1e3 * float(np.linalg.norm(joints[model.joint_index("leftHand")] - target))

    before = hand()
    sliders = person.collection.bodyscan_pose
    sliders.left_arm_raise = np.radians(-20.0)
    after, degrees = hand(), np.degrees(sliders.left_arm_raise)
    mirrored = said("pose_mirror", source="left")
    right = np.degrees(sliders.right_arm_raise)
    person.collection.bodyscan_shape.component_0 = 1.0
    bpy.ops.bodyscan.pose_reset()
    kept = person.collection.bodyscan_shape.component_0
    reset = [bpy.ops.bodyscan.pose_reset.poll(), np.degrees(sliders.left_arm_raise), kept]
    bpy.ops.bodyscan.shape_reset()
    same = float(np.abs(surface(person) - shown.fit.surface.vertices).max())
    return {"pose": [before, after, float(degrees), mirrored, float(right), reset, same]}


def limits(person: Any) -> dict[str, Any]:
    sliders = person.collection.bodyscan_pose
    sliders.left_knee = np.radians(500.0)
    bent = float(np.degrees(sliders.left_knee))
    sliders.left_knee = 0.0
    person.collection.bodyscan_shape.component_1 = 50.0
    most = person.collection.bodyscan_shape.component_1
    bpy.ops.bodyscan.shape_reset()
    try:
        pose_sliders.set_moves(person, {"left_tail": 3.0})
        unknown = ""
    except Exception as error:
        unknown = str(error)
    return {"limits": [bent, most, unknown], "clean": fit_state.ADJUSTED in person.collection}


def timing(person: Any) -> dict[str, Any]:
    """Milliseconds of a change of a slider, the surface in the scene and the live measures included."""
    sliders, angles = person.collection.bodyscan_shape, person.collection.bodyscan_pose
    found = {}
    for name, change in (
        ("component", lambda k: setattr(sliders, "component_2", 0.1 * k)),
        ("measure", lambda k: setattr(sliders, "waist_girth", 85.0 + k)),
        ("pose", lambda k: setattr(angles, "left_elbow", 0.02 * k)),
    ):
        times = []
        for k in range(1, 8):
            start = time.perf_counter()
            change(k)
            shape_sliders.measures_of(person)
            times.append(time.perf_counter() - start)
        found[name] = 1e3 * float(np.median(times))
    bpy.ops.bodyscan.pose_reset()
    bpy.ops.bodyscan.shape_reset()
    return {"ms": found}


def new_fit(person: Any) -> dict[str, Any]:
    """Sliders count for the fit that they were moved on, and for no other."""
    from bodyscan_blender.steps.shown_results import note  # pyright: ignore[reportMissingImports]

    person.collection.bodyscan_pose.left_elbow = 0.5
    model, params = truth()
    folder = WorkFolder(person.folder)
    fit = fit_of(model, params, len(folder.scan().mesh.vertices))
    keep_fit(folder, fit)
    show_fit(person, fit)
    note(person, folder.state())
    betas, moves = fit_state.adjustments(person)
    return {"new_fit": [betas is None, moves, person.collection.bodyscan_pose.left_elbow]}


def broken(person: Any) -> dict[str, Any]:
    """A surface that was cut: the slider changes nothing, and says so; an unreadable fit too."""
    item = person.object("surface")
    item.data.vertices.add(1)
    person.collection.bodyscan_pose.left_elbow = 0.5
    kept = fit_state.adjustments(person)[1]
    cut = said("shape_set", measure="stature", value=170.0)
    bpy.data.objects.remove(item)
    bpy.context.view_layer.objects.active = person.object("scan")
    gone = said("shape_set", measure="stature", value=170.0)
    return {"broken": [kept, cut, gone], "moves": len(MOVES)}
