"""What the panel "Edit the Fit" draws while a person works with it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy  # pyright: ignore[reportMissingImports]
import numpy as np
from bodyscan_blender.edit import distrust, edit_panel, landmark_tools, landmarks  # pyright: ignore[reportMissingImports]

from addon.edit_people import make_person
from addon.scripts import recording
from addon.scripts.recording import buttons, words

PARTS = edit_panel.CLASSES


class Layout(recording.Layout):
    """With what this panel draws beside the other's."""

    KNOWN = (*recording.Layout.KNOWN, "use_property_decorate")

    def _part(self, **_: Any) -> Layout:
        part = Layout(self.drawn, enabled=self.enabled)
        part.alert = self.alert
        return part

    row = column = box = split = grid_flow = _part

    def label(self, *, text: str = "", icon: str = "NONE", icon_value: int = 0) -> None:
        self._add("label", text, icon)

    def template_list(
        self, kind: str, name: str, data: Any, items: str, owner: Any, index: str, **_: Any
    ) -> None:
        getattr(bpy.types, kind)
        getattr(owner, index)
        self._add("list", kind, items=[item.name for item in getattr(data, items)])


def context() -> Any:
    held = bpy.context
    return SimpleNamespace(
        scene=held.scene,
        active_object=held.view_layer.objects.active,
        region=SimpleNamespace(width=320),
        preferences=held.preferences,
        mode=held.mode,
        tool_settings=held.tool_settings,
    )


def look() -> dict[str, Any]:
    """All parts that show themselves: their words, buttons and fields."""
    found: dict[str, Any] = {}
    held = context()
    for panel in PARTS:
        if not panel.poll(held):
            continue
        layout = Layout()
        panel.draw(
            SimpleNamespace(layout=layout, draw_tools=lambda *a, p=panel: p.draw_tools(None, *a)), held
        )
        drawn = layout.drawn
        found[panel.bl_label] = {
            "words": words(drawn),
            "buttons": buttons(drawn),
            "pressed": [one.text for one in drawn if one.kind == "operator" and one.depress],
            "fields": [one.text for one in drawn if one.kind == "prop"],
            "lists": [one.items for one in drawn if one.kind == "list"],
            "longest": max((len(one.text) for one in drawn if one.kind == "label"), default=0),
        }
    return found


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    folder = Path(arguments["folder"])
    answer: dict[str, Any] = {"nobody": look()}
    make_person(folder / "bob", name="Bob", with_fit=False)
    answer["no fit"] = look()
    person = make_person(folder / "ada")
    answer["fitted"] = look()
    bpy.context.view_layer.objects.active = None
    answer["two people"] = look()
    bpy.context.view_layer.objects.active = person.object("surface")
    bpy.ops.bodyscan.landmarks_show()
    bpy.ops.bodyscan.landmark_select(name="left_wrist")
    landmarks.by_name(person)["left_wrist"].location.z += 0.05
    bpy.context.view_layer.update()
    bpy.ops.bodyscan.pin(region="torso")
    distrust.mark(person.object("scan"), np.arange(2000), 1.0)
    distrust.count_share(person)
    bpy.ops.bodyscan.heat_map()
    bpy.ops.bodyscan.shape_ready()
    person.collection.bodyscan_pose.left_elbow = 0.3
    bpy.ops.bodyscan.view(view="wipe")
    answer["edited"] = look()
    answer["list"] = listed(person)
    bpy.ops.bodyscan.distrust_paint()
    answer["painting"] = look()
    bpy.ops.bodyscan.distrust_done()
    person.folder.joinpath("state.json").unlink()
    for path in person.folder.glob("results/fit-*/fit.npz"):
        path.write_bytes(b"damaged")
    from bodyscan_blender.edit import fit_state  # pyright: ignore[reportMissingImports]

    fit_state._read.cache_clear()
    answer["damaged"] = look()
    return answer


def listed(person: Any) -> dict[str, Any]:
    """The rows of the list, its order and its search."""
    holder = landmarks.person_landmarks(person)
    items = list(holder.all_objects)
    rows = []
    for item in items:
        layout = Layout()
        landmark_tools.BODYSCAN_UL_landmarks.draw_item(
            SimpleNamespace(), None, layout, holder, item, 0, None, ""
        )
        rows.append([one.text for one in layout.drawn])
    search = SimpleNamespace(filter_name="KNEE", bitflag_filter_item=1 << 30)
    flags, order = landmark_tools.BODYSCAN_UL_landmarks.filter_items(search, None, holder, "all_objects")
    first = [items[order.index(place)].name for place in range(3)]
    settings = person.collection.bodyscan_landmarks
    settings.index = next(k for k, item in enumerate(items) if item[landmarks.NAME] == "right_knee")
    picked = bpy.context.view_layer.objects.active.name
    settings.size = 2.0
    scale = landmarks.by_name(person)["nose"].scale.x
    return {
        "wrist": next(row for row in rows if row[0] == "Left wrist"),
        "nose": next(row for row in rows if row[0] == "Nose"),
        "found": [items[k].name for k, flag in enumerate(flags) if flag],
        "first": first,
        "picked": picked,
        "scale": scale / landmarks.RADIUS_M["Head"],
    }
