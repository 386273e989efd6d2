# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Long work without a frozen window: one generator a task.

In the window a modal timer asks the generator for its next piece of work and shows how far it is; in
background mode, and where a script calls the operator, `execute` drains it. One task at a time: a second one
is refused. An operator for long work is a `TaskOperator` that makes its task in `make_task`; whatever the
task changes in the scene, it changes at its end, so that a cancelled one leaves the scene as it was.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, TypeVar

import bpy

from bodyscan.errors import BodyscanError, InputError

PERIOD_S = 0.1
"""Between two looks at the work, in the window."""
WAIT_S = 0.05
"""How long a drained task may wait for its next event."""

T = TypeVar("T")


@dataclass(frozen=True)
class Progress:
    """How far a task is."""

    share: float
    """0..1"""
    words: str
    """What it is at."""
    step: str = ""
    """The step that it is at, where it runs steps."""


Work = Generator[Progress, None, str]
"""Yields wherever there is nothing to do but to wait; returns one sentence on what came of it."""


class Task:
    """Work under way, for one person."""

    def __init__(self, title: str, work: Work, *, person_id: str = "", person_name: str = "", step: str = ""):
        """`step` is the first step that it runs, where it runs steps."""
        self.title = title
        self.person_id = person_id
        self.person_name = person_name
        self.progress = Progress(0.0, "begins", step)
        self.state = "running"
        """`running`, then `done`, `failed` or `cancelled`."""
        self.message = ""
        """What came of it: one sentence."""
        self.changed_scene = False
        """Whether a failed task has changed the scene: what was done before it failed stays."""
        self.is_cancel_wanted = False
        self._work = work

    def advance(self) -> bool:
        """Do the next piece of work; True where the task is over."""
        try:
            self.progress = next(self._work)
        except StopIteration as end:
            self.state, self.message = "done", str(end.value or f"{self.title}: done.")
        except BodyscanError as error:
            self.state, self.message = "failed", str(error)
            self.changed_scene = bool(getattr(error, "changed_scene", False))
        except Exception as error:
            traceback.print_exc()
            self.state = "failed"
            self.message = f"{self.title} failed by a fault of the add-on ({type(error).__name__}: {error})."
        except BaseException:
            self.cancel()
            raise
        if self.state != "running":
            end_of(self)
        return self.state != "running"

    def cancel(self) -> None:
        """Stop the work; its own clean-up runs now."""
        if self.state != "running":
            return
        self.state, self.message = "cancelled", f"{self.title} was cancelled; all is as it was before."
        try:
            self._work.close()
        finally:
            end_of(self)


_current: Task | None = None


def current() -> Task | None:
    """Return the task that is under way, or None."""
    return _current


def begin(task: Task) -> None:
    """Make a task the one that is under way. Raises `InputError` while there is another."""
    global _current
    if _current is not None:
        whose = f" for {_current.person_name}" if _current.person_name else ""
        raise InputError(f"'{_current.title}'{whose} is under way; wait for its end, or cancel it.")
    _current = task


def end_of(task: Task) -> None:
    """Take note that a task is over."""
    global _current
    if _current is task:
        _current = None


def drain(task: Task) -> None:
    """Run a task to its end, however long it takes. An interrupt cancels it."""
    begin(task)
    while not task.advance():
        pass


def in_thread(function: Callable[[], T], progress: Progress, wait_s: float) -> Generator[Progress, None, T]:
    """Run a function that touches nothing of Blender's in a thread, yielding while it runs; return its value.

    What it raises is raised here.
    """
    found: list[T] = []
    raised: list[BaseException] = []

    def run() -> None:
        try:
            found.append(function())
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, name="bodyscan load", daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(wait_s)
        if thread.is_alive():
            yield progress
    if raised:
        raise raised[0]
    return found[0]


class TaskOperator:
    """Mixin for operators of long work: modal in the window, drained elsewhere; Esc cancels."""

    _task: Task | None = None
    _timer: Any = None

    def make_task(self, context: Any, wait_s: float) -> Task:
        """Return the task; nothing has begun. Raises `BodyscanError` where it makes no sense.

        `wait_s` is how long its work may wait for an event at a time: 0 in the window.
        """
        raise NotImplementedError

    def invoke(self, context: Any, event: Any) -> set[str]:
        return self.execute(context) if bpy.app.background else self.start(context)

    def start(self, context: Any) -> set[str]:
        """Begin the task in the window; a timer goes on with it."""
        try:
            task = self.make_task(context, 0.0)
            begin(task)
        except BodyscanError as error:
            self.report({"ERROR"}, str(error))  # type: ignore[attr-defined]
            return {"CANCELLED"}
        self._task = task
        self._timer = context.window_manager.event_timer_add(PERIOD_S, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Any, event: Any) -> set[str]:
        task = self._task
        if task is None or task.state != "running":  # cancelled from elsewhere: another file was opened
            return self._over(context)
        if task.is_cancel_wanted or (event.type == "ESC" and event.value == "PRESS"):
            task.cancel()
            return self._over(context)
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        if task.advance():
            return self._over(context)
        show_progress(context, task)
        return {"PASS_THROUGH"}

    def execute(self, context: Any) -> set[str]:
        try:
            task = self._task = self.make_task(context, WAIT_S)
            drain(task)
        except BodyscanError as error:
            self.report({"ERROR"}, str(error))  # type: ignore[attr-defined]
            return {"CANCELLED"}
        return self._said()

    def cancel(self, context: Any) -> None:
        """Blender ends the operator: its window closes, or another file is opened."""
        if self._task is not None:
            self._task.cancel()
        self._over(context)

    def _over(self, context: Any) -> set[str]:
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None
        show_progress(context, None)
        return self._said()

    def _said(self) -> set[str]:
        """Report how the task ended. What changed the scene is FINISHED, so that it can be undone."""
        task = self._task
        if task is None:
            return {"CANCELLED"}
        kind = {"done": "INFO", "failed": "ERROR"}.get(task.state, "WARNING")
        self.report({kind}, task.message)  # type: ignore[attr-defined]
        return {"FINISHED"} if task.state == "done" or task.changed_scene else {"CANCELLED"}


class BODYSCAN_OT_cancel(bpy.types.Operator):
    bl_idname = "bodyscan.cancel"
    bl_label = "Cancel"
    bl_description = "Stop the step that runs; all stays as it was before it (Esc does the same)"

    @classmethod
    def poll(cls, context: Any) -> bool:
        return _current is not None

    def execute(self, context: Any) -> set[str]:
        task = current()
        if task is None:
            self.report({"WARNING"}, "Nothing runs.")
            return {"CANCELLED"}
        if task.is_cancel_wanted:
            task.cancel()  # asked twice: its operator is gone
        task.is_cancel_wanted = True  # its own timer ends it, where its operator can clean up
        return {"FINISHED"}


def show_progress(context: Any, task: Task | None) -> None:
    """Show how far a task is in the status bar, and have the side panels drawn again; None: it is over."""
    if task is not None:
        words = f"{task.title}: {task.progress.words} ({int(100 * task.progress.share)} %); Esc cancels"
        context.workspace.status_text_set(words)
    else:
        for workspace in (context.workspace, *bpy.data.workspaces):  # it may have been changed meanwhile
            workspace.status_text_set(None)
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            for region in area.regions if area.type == "VIEW_3D" else ():
                if region.type == "UI":  # the view itself, with a scan in it, is slow to draw
                    region.tag_redraw()


@bpy.app.handlers.persistent
def _cancel_before_load(*_: Any) -> None:
    """Another file is opened: what runs was for the scene that goes."""
    if _current is not None:
        _current.cancel()


def register() -> None:
    bpy.utils.register_class(BODYSCAN_OT_cancel)
    bpy.app.handlers.load_pre.append(_cancel_before_load)


def unregister() -> None:
    _cancel_before_load()
    bpy.app.handlers.load_pre.remove(_cancel_before_load)
    bpy.utils.unregister_class(BODYSCAN_OT_cancel)
