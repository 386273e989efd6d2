"""A stand-in for Blender's layouts: what a panel draws is kept, and what Blender would refuse is refused."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any

import bpy  # pyright: ignore[reportMissingImports]


@cache
def icons() -> frozenset[str]:
    label = bpy.types.UILayout.bl_rna.functions["label"]
    return frozenset(item.identifier for item in label.parameters["icon"].enum_items)


class Button:
    """An operator's button; properties and values that the operator does not have are refused."""

    def __init__(self, name: str, text: str) -> None:
        kind = getattr(bpy.ops.bodyscan, name.removeprefix("bodyscan.")).get_rna_type()
        vars(self).update(name=name, text=text or kind.name, said={}, known=kind.properties)

    def __setattr__(self, name: str, value: Any) -> None:
        known = self.known[name]
        if known.type == "ENUM" and value not in known.enum_items:
            raise TypeError(f"{self.name}.{name} has no choice {value!r}")
        kinds = {"STRING": str, "BOOLEAN": bool, "ENUM": str}
        if not isinstance(value, kinds[known.type]):
            raise TypeError(f"{self.name}.{name} cannot be {value!r}")
        self.said[name] = value


class Layout:
    """Keeps what is drawn into it and into its parts, in the order of the drawing."""

    KNOWN = ("alert", "scale_x", "scale_y", "enabled", "active", "use_property_split", "alignment")

    def __init__(self, drawn: list[SimpleNamespace] | None = None, *, enabled: bool = True) -> None:
        vars(self).update(drawn=[] if drawn is None else drawn, enabled=enabled, alert=False, icons=icons())

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.KNOWN:
            raise AttributeError(f"UILayout has no {name}")
        vars(self)[name] = value

    def _part(self, **_: Any) -> Layout:
        part = Layout(self.drawn, enabled=self.enabled)
        part.alert = self.alert
        return part

    row = column = box = split = _part

    def separator(self, **_: Any) -> None: ...

    def _add(self, kind: str, text: str, icon: str = "NONE", **more: Any) -> SimpleNamespace:
        if icon not in self.icons:
            raise TypeError(f"there is no icon {icon}")
        if not isinstance(text, str):
            raise TypeError(f"{text!r} is no text")
        one = SimpleNamespace(kind=kind, text=text, icon=icon, alert=self.alert, enabled=self.enabled, **more)
        self.drawn.append(one)
        return one

    def label(self, *, text: str = "", icon: str = "NONE") -> None:
        self._add("label", text, icon)

    def progress(self, *, factor: float, text: str = "", type: str = "BAR") -> None:
        if not 0 <= factor <= 1:
            raise ValueError(f"a progress of {factor}")
        self._add("progress", text, factor=factor)

    def prop(self, data: Any, name: str, *, text: str | None = None, icon: str = "NONE", **_: Any) -> None:
        known = data.bl_rna.properties[name]
        self._add("prop", known.name if text is None else text, icon, name=name)

    def operator(
        self, name: str, *, text: str = "", icon: str = "NONE", depress: bool = False, **_: Any
    ) -> Button:
        button = Button(name, text)
        self._add("operator", button.text, icon, button=button, depress=depress)
        return button


def draw(panel: type, context: Any) -> list[SimpleNamespace] | None:
    """What a panel draws, or None where it does not show itself."""
    if hasattr(panel, "poll") and not panel.poll(context):
        return None
    layout = Layout()
    panel.draw(SimpleNamespace(layout=layout), context)
    return layout.drawn


def words(drawn: list[SimpleNamespace]) -> str:
    """All sentences that are drawn, as one text: lines are joined again."""
    return " ".join(one.text for one in drawn if one.kind in ("label", "progress"))


def buttons(drawn: list[SimpleNamespace]) -> dict[str, dict[str, Any]]:
    """Operator and text -> what the button says, and whether it can be pressed."""
    return {
        f"{one.button.name.removeprefix('bodyscan.')}: {one.text}": {
            **one.button.said,
            "enabled": one.enabled,
        }
        for one in drawn
        if one.kind == "operator"
    }
