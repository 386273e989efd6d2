"""What an add-on can leave behind in Blender, as words that can be compared before and after."""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy

from addon.inside import NAME


def _called_by_the_addon() -> bool:
    """Whether the add-on is on the stack: Blender's own scripts use the same functions."""
    frame: Any = sys._getframe(2)
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith(NAME):
            return True
        frame = frame.f_back
    return False


class Watch:
    """Counts what Blender does not list: the add-on's timers, draw handlers and message bus owners.

    It stands between the add-on and Blender's functions, so it has to be there before the add-on is imported.
    """

    def __init__(self) -> None:
        self.timers: list[Callable[..., Any]] = []
        self.drawers: list[Any] = []
        self.owners: list[Any] = []
        self._watch_timers()
        self._watch_draw_handlers()
        self._watch_message_bus()

    def left(self) -> Iterator[str]:
        yield from (f"timer {_name(item)}" for item in self.timers if bpy.app.timers.is_registered(item))
        yield from (f"draw handler {item}" for item in self.drawers)
        yield from (f"message bus owner {_name(type(item))}" for item in self.owners)

    def _watch_timers(self) -> None:
        register = bpy.app.timers.register

        def watched(function: Callable[..., Any], **options: Any) -> None:
            if _called_by_the_addon():
                self.timers[:] = [item for item in self.timers if item is not function] + [function]
            register(function, **options)

        bpy.app.timers.register = watched

    def _watch_draw_handlers(self) -> None:
        named = [getattr(bpy.types, name) for name in dir(bpy.types) if name.startswith("Space")]
        kinds = [item for item in named if issubclass(item, bpy.types.Space)]
        # All are read before any is replaced: a subclass finds the function of `Space`, bound to itself.
        own = [(kind, kind.draw_handler_add, kind.draw_handler_remove) for kind in kinds]
        for kind, add, remove in own:
            kind.draw_handler_add = staticmethod(self._adding(add))
            kind.draw_handler_remove = staticmethod(self._removing(remove))

    def _adding(self, add: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*given: Any) -> Any:
            handle = add(*given)
            if _called_by_the_addon():
                self.drawers.append(handle)
            return handle

        return watched

    def _removing(self, remove: Callable[..., Any]) -> Callable[..., Any]:
        def watched(handle: Any, *given: Any) -> Any:
            self.drawers[:] = [item for item in self.drawers if item is not handle]
            return remove(handle, *given)

        return watched

    def _watch_message_bus(self) -> None:
        subscribe, clear = bpy.msgbus.subscribe_rna, bpy.msgbus.clear_by_owner

        def subscribing(*given: Any, **named: Any) -> None:
            known = any(
                item is named["owner"] for item in self.owners
            )  # loading a file forgets subscriptions
            if _called_by_the_addon() and not known:
                self.owners.append(named["owner"])
            subscribe(*given, **named)

        def clearing(owner: Any) -> None:
            self.owners[:] = [item for item in self.owners if item is not owner]
            clear(owner)

        bpy.msgbus.subscribe_rna, bpy.msgbus.clear_by_owner = subscribing, clearing


def traces(watch: Watch) -> list[str]:
    """All that could have been left, one line each, sorted."""
    gc.collect()
    return sorted(
        [
            *watch.left(),
            *_handlers(),
            *_types(),
            *_classes(),
            *_keymaps(),
            *_previews(),
            *_gltf_panels(),
            *_operators(),
            *(f"thread {item.name}" for item in threading.enumerate()),
            *(f"child process {item}" for item in _children()),
            *(f"path {item}" for item in sys.path if "site-packages" not in item),
            *(f"manual {_name(item)}" for item in bpy.utils._manual_map),
        ]
    )


def modules() -> list[str]:
    """The modules of the add-on that Python holds."""
    return sorted(name for name in sys.modules if name.startswith(NAME))


def _name(item: Any) -> str:
    return f"{getattr(item, '__module__', '')}.{getattr(item, '__qualname__', item)}"


def _handlers() -> Iterator[str]:
    for name in dir(bpy.app.handlers):
        held = getattr(bpy.app.handlers, name)
        if isinstance(held, list):
            yield from (f"handler {name}: {_name(item)}" for item in held)


def _types() -> Iterator[str]:
    """Types, their properties (`bpy.props` on a Blender's own type adds to them) and what menus draw."""
    for name in dir(bpy.types):
        kind = getattr(bpy.types, name)
        yield f"type {name}"
        if hasattr(kind, "bl_rna"):
            yield from (f"property {name}.{key}" for key in kind.bl_rna.properties.keys())  # noqa: SIM118
            yield from (f"attribute {name}.{key}" for key in vars(kind) if not key.startswith("__"))
        drawn = getattr(getattr(kind, "draw", None), "_draw_funcs", [])
        yield from (f"drawn in {name}: {_name(item)}" for item in drawn)


def _classes() -> Iterator[str]:
    """Python's classes that Blender knows."""
    todo = list(bpy.types.bpy_struct.__subclasses__())
    while todo:
        kind = todo.pop()
        todo += kind.__subclasses__()
        if kind.__module__.startswith(NAME) and kind.is_registered:
            yield f"class {_name(kind)}"


def _keymaps() -> Iterator[str]:
    for config in bpy.context.window_manager.keyconfigs:
        for keymap in config.keymaps:
            yield from (f"key {config.name}, {keymap.name}: {item.idname}" for item in keymap.keymap_items)


def _previews() -> Iterator[str]:
    previews = sys.modules.get("bpy.utils.previews")
    yield from ("preview" for _ in getattr(previews, "_uuid_open", ()))


def _gltf_panels() -> Iterator[str]:
    """What add-ons show in the windows of Blender's own glTF reader and writer."""
    gltf = sys.modules.get("io_scene_gltf2")
    for name in ("exporter_extension_layout_draw", "importer_extension_layout_draw"):
        yield from (f"{name} {item}" for item in getattr(gltf, name, ()))


def _operators() -> Iterator[str]:
    for group in dir(bpy.ops):
        yield from (f"operator {group}.{name}" for name in dir(getattr(bpy.ops, group)))


def _children() -> Iterator[str]:
    for task in Path(f"/proc/{os.getpid()}/task").iterdir():
        yield from (task / "children").read_text().split()
