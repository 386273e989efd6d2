"""For scripts that run the steps' operators in Blender with the quick command."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy  # pyright: ignore[reportMissingImports]
from bodyscan_blender import (
    people,  # pyright: ignore[reportMissingImports]
    task,  # pyright: ignore[reportMissingImports]
)
from bodyscan_blender.steps import shown_results  # pyright: ignore[reportMissingImports]

from addon.inside import NAME


def set_up(arguments: dict[str, Any]) -> Path:
    """Point the preferences at the quick command and into its home; return that."""
    home = Path(arguments["home"])
    preferences = bpy.context.preferences.addons[NAME].preferences
    preferences.command = arguments["command"]
    preferences.work_root = str(home / "people")
    preferences.ledger = str(home / "ledger.sqlite")
    return home


def mode(home: Path, **steps: str) -> None:
    """Say how the next steps go: `fit="hang"`."""
    (home / "mode").write_text("".join(f"{step} {how}\n" for step, how in steps.items()))


def asked(home: Path) -> list[dict[str, Any]]:
    """All requests so far."""
    path = home / "asked"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def run(name: str, *, undo: bool = True, **properties: Any) -> str:
    """Run an operator as a button does, with its undo step; return what it raised, empty for nothing."""
    try:
        getattr(bpy.ops.bodyscan, name)("EXEC_DEFAULT", undo, **properties)
    except RuntimeError as error:
        return str(error).removeprefix("Error: ").strip()
    return ""


def undo() -> None:
    assert bpy.ops.ed.undo() == {"FINISHED"}


def redo() -> None:
    assert bpy.ops.ed.redo() == {"FINISHED"}


def person(number: int = 0) -> Any:
    return people.people_of(bpy.context.scene)[number]


def seen() -> dict[str, Any]:
    """What the scene and the folder of each person say, in values that can be compared."""
    found: dict[str, Any] = {}
    for one in people.people_of(bpy.context.scene):
        folder = shown_results.WorkFolder(one.folder) if one.folder else None
        found[one.name] = {
            "roles": sorted(str(item[people.ROLE]) for item in one.collection.all_objects),
            "shown": shown_results.shown(one),
            "folder": {k: [v.state, v.result] for k, v in folder.state().items()} if folder else None,
        }
    return found


class Window:
    """Stands in for Blender's window while an operator is modal."""

    def __init__(self) -> None:
        self.timers = 0
        self.status: list[str | None] = []
        self.redrawn = 0
        panel = SimpleNamespace(type="UI", tag_redraw=self._redraw)
        view = SimpleNamespace(type="WINDOW")  # not to be drawn again: that is slow
        screen = SimpleNamespace(areas=[SimpleNamespace(type="VIEW_3D", regions=[view, panel])])
        self.scene = bpy.context.scene
        self.preferences = bpy.context.preferences
        self.view_layer = bpy.context.view_layer
        self.active_object = bpy.context.active_object
        self.window = SimpleNamespace(screen=screen)
        self.window_manager = SimpleNamespace(
            windows=[self.window],
            event_timer_add=self._add,
            event_timer_remove=self._remove,
            modal_handler_add=lambda operator: None,
        )
        self.workspace = SimpleNamespace(status_text_set=self.status.append)

    def _add(self, period_s: float, *, window: Any) -> object:
        self.timers += 1
        return object()

    def _remove(self, timer: object) -> None:
        self.timers -= 1

    def _redraw(self) -> None:
        self.redrawn += 1


class Modal(task.TaskOperator):
    """An operator as Blender's window would drive it: `tick` is a timer's event, `press` a key's."""

    def __init__(self, operator: type, **properties: Any) -> None:
        self.context = Window()
        self.reports: list[tuple[str, str]] = []
        self.slowest_s = 0.0
        self._operator = operator
        kind = getattr(bpy.ops.bodyscan, operator.bl_idname.split(".")[1]).get_rna_type()
        for one in kind.properties:
            setattr(self, one.identifier, getattr(one, "default", None))
        for name, value in properties.items():
            setattr(self, name, value)

    def __getattr__(self, name: str) -> Any:
        """What the operator has beside its task: its own helpers and words."""
        held = vars(self._operator)[name]
        return held.__get__(self) if callable(held) else held

    def make_task(self, context: Any, wait_s: float) -> Any:
        return self._operator.make_task(self, context, wait_s)

    def report(self, kind: set[str], words: str) -> None:
        self.reports.append((next(iter(kind)), words))

    def event(self, kind: str, value: str = "NOTHING") -> set[str]:
        begun = time.perf_counter()
        answer = self.modal(self.context, SimpleNamespace(type=kind, value=value))
        self.slowest_s = max(self.slowest_s, time.perf_counter() - begun)
        return answer

    def tick_until(self, true: Callable[[], bool], patience_s: float = 60.0) -> set[str]:
        """Let the timer tick until something is so, or the operator has ended; return its last answer."""
        until = time.monotonic() + patience_s
        answer = {"PASS_THROUGH"}
        while not true() and answer == {"PASS_THROUGH"}:
            assert time.monotonic() < until, (
                f"it goes on and on: {task.current() and task.current().progress}"
            )
            time.sleep(0.02)
            answer = self.event("TIMER")
        return answer


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
