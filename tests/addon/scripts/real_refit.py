"""The real command: an arm that went astray is put right by two points, then the other is not trusted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import bpy  # pyright: ignore[reportMissingImports]
import numpy as np
from bodyscan_blender.axes import blender_from_world  # pyright: ignore[reportMissingImports]
from bodyscan_blender.edit import distrust, landmarks  # pyright: ignore[reportMissingImports]
from bodyscan_blender.edit.fit_state import shown_fit  # pyright: ignore[reportMissingImports]
from bodyscan_blender.edit.landmark_gaps import gaps_mm  # pyright: ignore[reportMissingImports]
from bodyscan_blender.mesh_points import get_positions  # pyright: ignore[reportMissingImports]

from addon.edit_people import make_person, truth
from addon.scripts.stepping import run
from bodyscan.body.landmarks import detector_points
from bodyscan.steps.folder import WorkFolder

PLACED = ("left_elbow", "left_wrist")


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    home = Path(arguments["home"])
    os.environ["PATH"] = os.pathsep.join([arguments["programs"], os.environ["PATH"]])
    person = make_person(home / "work")
    folder = WorkFolder(person.folder)
    folder.put_consent(Path(arguments["consent"]).read_text())
    model, true = truth()
    posed = model.pose(true)

    def gap_mm(joint: str) -> float:
        index = model.joint_index(joint)
        found = shown_fit(person).fit.skeleton.positions[index]
        return 1e3 * float(np.linalg.norm(found - posed.joints[index]))

    before = gap_mm("leftHand")
    bpy.ops.bodyscan.landmarks_show()
    places = detector_points(model).subset(PLACED).positions(posed.vertices, posed.joints)
    for name, place in zip(PLACED, places, strict=True):
        landmarks.by_name(person)[name].location = blender_from_world(np.add(place, [0, 0.001, 0]))
    said = [run("refit")]
    after, points = gap_mm("leftHand"), [gaps_mm(person)[name] for name in PLACED]
    item = person.object("scan")
    arm = get_positions(item.data)[:, 0] < -0.25
    distrust.mark(item, np.flatnonzero(arm), 1.0)
    said.append(run("refit"))
    return {
        "said": said,
        "before_mm": before,
        "after_mm": after,
        "points_mm": max(points),
        "painted_mm": gap_mm("leftHand"),
        "untrusted": folder.state()["fit"].values["untrusted"],
        "painted": float(arm.mean()),
    }
