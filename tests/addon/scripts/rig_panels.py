"""What the panels Rig and Face show at each stage of a twin."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import bpy
from bodyscan_blender.rig import face_panel, rig_panel

from addon.scripts.recording import Button, Layout
from addon.scripts.rig_scene import bring, empty


class RigButton(Button):
    """A button with a strength, or with several limbs."""

    def __setattr__(self, name: str, value: Any) -> None:
        known = self.known[name]
        if known.type == "FLOAT" or (known.type == "ENUM" and known.is_enum_flag):
            if known.type == "ENUM" and not value <= set(known.enum_items.keys()):
                raise TypeError(f"{self.name}.{name} has no choices {value}")
            self.said[name] = value
        else:
            super().__setattr__(name, value)


class RigLayout(Layout):
    """With the grids of these panels, and properties that are items of objects."""

    KNOWN = (*Layout.KNOWN, "use_property_decorate")

    def _part(self, **_: Any) -> RigLayout:
        return RigLayout(self.drawn, enabled=self.enabled)

    row = column = box = split = grid_flow = _part

    def prop(self, data: Any, name: str, **options: Any) -> None:
        if name.startswith("["):
            if data.path_resolve(name) is None:
                raise TypeError(f"{data.name} has no {name}")
            self._add("prop", options.get("text", name), name=name)
        else:
            super().prop(data, name, **options)

    def operator(self, name: str, **options: Any) -> Button:
        button = RigButton(name, options.get("text", ""))
        icon, depress = options.get("icon", "NONE"), options.get("depress", False)
        self._add("operator", button.text, icon, button=button, depress=depress)
        return button


def drawn(panel: type) -> list[str] | None:
    """What a panel shows, as words; None where it does not show itself."""
    if hasattr(panel, "poll") and not panel.poll(bpy.context):
        return None
    layout = RigLayout()
    panel.draw(SimpleNamespace(layout=layout, bl_label=panel.bl_label), bpy.context)
    return [
        f"{one.kind}: {one.text}{' (on)' if getattr(one, 'depress', False) else ''}" for one in layout.drawn
    ]


def everything() -> dict[str, list[str] | None]:
    panels = [one for one in (*rig_panel.CLASSES, *face_panel.CLASSES) if issubclass(one, bpy.types.Panel)]
    return {panel.bl_label: drawn(panel) for panel in panels}


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    empty()
    found = {"nobody": everything()}
    person = bring(arguments["twin"])
    found["twin"] = everything()
    bpy.ops.bodyscan.switch_ik(limbs={"left_arm"}, on=True)
    bpy.ops.bodyscan.put_on_shirt()
    bpy.context.window_manager.bodyscan_face.search = "smile"
    bpy.context.window_manager.bodyscan_face.link = False
    found["at work"] = everything()
    bpy.context.window_manager.bodyscan_face.search = ""
    bpy.context.window_manager.bodyscan_face.link = True
    bpy.ops.bodyscan.add_metarig()
    bpy.ops.bodyscan.generate_rig()
    found["rigify"] = everything()
    empty()
    bring(arguments["plain"], collision=False)
    found["plain"] = everything()
    bpy.data.objects.remove(bpy.data.objects["armature"])
    found["no bones"] = everything()
    found["person"] = person is not None
    return found
