"""What the editing tools say where they make no sense."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bodyscan_blender.people import new_person  # pyright: ignore[reportMissingImports]

from addon.edit_people import make_person, said


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    answer = {"nobody": said("landmarks_show")}
    twin = new_person(bpy.context.scene, "Eve")
    item = bpy.data.objects.new("twin", bpy.data.meshes.new("twin"))
    twin.add(item, "twin")
    bpy.context.view_layer.objects.active = item
    answer["twin"] = said("heat_map")
    make_person(Path(arguments["folder"]), with_fit=False, landmarks=False)
    answer["no_fit"] = said("pin", region="head")
    answer["nothing_moved"] = said("landmark_restore")
    answer["no_landmark"] = said("landmark_counterpart")
    answer["refit"] = said("refit")
    reports: list[str] = []
    from bodyscan_blender.edit.landmark_tools import BODYSCAN_OT_landmarks_show  # pyright: ignore[reportMissingImports]

    class Reporting:
        face = False

        def report(self, kind: set[str], words: str) -> None:
            reports.append(words)

    reports.append(
        BODYSCAN_OT_landmarks_show.change(
            Reporting(), bpy.context, make_person(Path(arguments["folder"] + "2"), landmarks=False)
        )
    )
    answer["no_landmarks"] = " ".join(reports)
    return answer
