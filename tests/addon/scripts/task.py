"""Tasks in a stand-in window: a timer drives them, Esc and the button cancel them; with the quick command."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy  # pyright: ignore[reportMissingImports]
from bodyscan_blender import (
    people,  # pyright: ignore[reportMissingImports]
    task,  # pyright: ignore[reportMissingImports]
)
from bodyscan_blender.steps import fit_step, import_capture, steps_session, twin_step  # pyright: ignore[reportMissingImports]

from addon.scripts.stepping import Modal, alive, mode, person, run, seen, set_up, undo
from bodyscan.errors import InputError


def main(arguments: dict[str, Any]) -> dict[str, Any]:
    home = set_up(arguments)
    bpy.ops.ed.undo_push(message="start")
    return {
        "plain": plain(),
        "drained": drained(),
        "in a thread": in_a_thread(),
        "import": window_import(home, arguments),
        "fit": window_fit(home),
        "cancelled": cancelled(home),
        "changed meanwhile": changed_meanwhile(home),
        "ends": ends(home, arguments),
    }


class Counting(task.TaskOperator):
    """An operator of nothing but a generator."""

    def __init__(self, work: Any) -> None:
        self.work = work
        self.reports: list[tuple[str, str]] = []

    def make_task(self, context: Any, wait_s: float) -> task.Task:
        return task.Task("Count", self.work(), person_name="Ada")

    def report(self, kind: set[str], words: str) -> None:
        self.reports.append((next(iter(kind)), words))


def plain() -> dict[str, Any]:
    """The life of a task: advance, progress, end, error, cancel."""
    cleaned: list[str] = []

    def work() -> Iterator[task.Progress]:
        try:
            yield task.Progress(0.5, "half")
        finally:
            cleaned.append("cleaned")
        return "All counted."

    one = task.Task("Count", work(), person_name="Ada")
    task.begin(one)
    found: dict[str, Any] = {"first": one.advance(), "share": one.progress.share}
    try:
        task.begin(task.Task("Other", work()))
    except InputError as error:
        found["second refused"] = str(error)
    found["poll"] = bpy.ops.bodyscan.cancel.poll()
    found["over"], found["message"], found["state"] = one.advance(), one.message, one.state
    found["free"] = task.current() is None
    found["poll after"] = bpy.ops.bodyscan.cancel.poll()
    other = task.Task("Count", work())
    task.begin(other)
    other.advance()
    other.cancel()
    other.cancel()
    found["cancelled"], found["cleaned"] = other.message, cleaned
    return found


def drained() -> dict[str, Any]:
    """Headless: errors are said, and nothing is left under way."""

    def refuses() -> Iterator[task.Progress]:
        yield task.Progress(0.0, "begins")
        raise InputError("This cannot be counted; count something else.")

    def faulty() -> Iterator[task.Progress]:
        yield task.Progress(0.0, "begins")
        raise ZeroDivisionError("by zero")

    def interrupted() -> Iterator[task.Progress]:
        yield task.Progress(0.0, "begins")
        raise KeyboardInterrupt

    found: dict[str, Any] = {}
    for work in (refuses, faulty):
        operator = Counting(work)
        found[work.__name__] = [sorted(operator.execute(bpy.context)), operator.reports]
    try:
        Counting(interrupted).execute(bpy.context)
    except KeyboardInterrupt:
        found["interrupted"] = task.current() is None
    return found


def in_a_thread() -> dict[str, Any]:
    """`in_thread` yields while its function runs, and raises what that raises."""

    def slow() -> str:
        time.sleep(0.3)
        return threading.current_thread().name

    def wrong() -> str:
        raise InputError("It cannot be read.")

    def value_of(function: Any) -> tuple[int, str]:
        work, yields = task.in_thread(function, task.Progress(1.0, "reads"), 0.02), 0
        while True:
            try:
                next(work)
            except StopIteration as end:
                return yields, str(end.value)
            except InputError as error:
                return yields, str(error)
            yields += 1

    yields, name = value_of(slow)
    return {"yields": yields, "name": name, "raised": value_of(wrong)[1]}


def window_import(home: Path, arguments: dict[str, Any]) -> dict[str, Any]:
    """An import in the window, to its end."""
    operator = Modal(import_capture.BODYSCAN_OT_import_capture, filepath=arguments["capture"])
    found: dict[str, Any] = {"begun": sorted(operator.start(operator.context))}
    found["timers"] = operator.context.timers
    found["running"] = task.current().title
    found["another"] = run("import_capture", filepath=arguments["capture"])
    found["other event"] = sorted(operator.event("MOUSEMOVE"))
    found["end"] = sorted(operator.tick_until(lambda: False))
    found["reports"], found["timers after"] = operator.reports, operator.context.timers
    found["status"] = [operator.context.status[0], operator.context.status[-1]]
    found["slowest_s"], found["redrawn"] = operator.slowest_s, operator.context.redrawn
    found["people"] = [one.name for one in people.people_of(bpy.context.scene)]
    bpy.ops.ed.undo_push(message="Import")
    return found


def window_fit(home: Path) -> dict[str, Any]:
    """A fit in the window; one that fails; and one whose person is not meant."""
    operator = Modal(fit_step.BODYSCAN_OT_fit, person=person().id)
    operator.start(operator.context)
    shares = []

    def look() -> bool:
        shares.append(task.current().progress.share if task.current() else None)
        return False

    found: dict[str, Any] = {"end": sorted(operator.tick_until(look)), "reports": operator.reports}
    known = [share for share in shares if share is not None]
    found["never back"] = known == sorted(known)
    found["slowest_s"] = operator.slowest_s
    bpy.ops.ed.undo_push(message="Fit")
    mode(home, fit="stage")
    failed = Modal(fit_step.BODYSCAN_OT_fit, person=person().id)
    failed.start(failed.context)
    found["failed"] = [sorted(failed.tick_until(lambda: False)), failed.reports]
    mode(home)
    nobody = Modal(fit_step.BODYSCAN_OT_fit, person="Nobody")
    found["nobody"] = [sorted(nobody.start(nobody.context)), nobody.reports, nobody.context.timers]
    return found


def cancelled(home: Path) -> dict[str, Any]:
    """Esc, the button, and the end of the operator: each leaves the state before, and no process."""
    found: dict[str, Any] = {}
    before = seen()
    for how in ("escape", "button", "operator ends"):
        mode(home, fit="hang")
        operator = Modal(fit_step.BODYSCAN_OT_fit, person=person().id)
        operator.start(operator.context)
        operator.tick_until(lambda: "made up fit" in task.current().progress.words)
        pid = steps_session._process.pid
        begun = time.perf_counter()
        if how == "escape":
            answer = operator.event("ESC", "PRESS")
        elif how == "button":
            bpy.ops.bodyscan.cancel()
            answer = operator.event("TIMER")
        else:
            operator.cancel(operator.context)
            answer = {"CANCELLED"}
        took = time.perf_counter() - begun
        found[how] = {
            "answer": sorted(answer),
            "reports": operator.reports,
            "timers": operator.context.timers,
            "same": seen() == before,
            "free": task.current() is None,
            "gone": not alive(pid),
            "took_s": took,
        }
    mode(home, twin="hang")
    operator = Modal(twin_step.BODYSCAN_OT_make_twin, person=person().id)
    operator.start(operator.context)
    operator.tick_until(lambda: "made up twin" in task.current().progress.words)
    found["textured in the folder"] = "texture" in next(iter(seen().values()))["folder"]
    operator.event("ESC", "PRESS")
    found["chain"] = {"same": seen() == before, "reports": operator.reports}
    mode(home, scan="hang")
    folders = len(list((home / "people").iterdir()))
    operator = Modal(import_capture.BODYSCAN_OT_import_capture, filepath=str(home / "ada.ply"))
    operator.start(operator.context)
    operator.tick_until(lambda: "made up scan" in task.current().progress.words)
    operator.event("ESC", "PRESS")
    found["import"] = {
        "same": seen() == before,
        "folders": len(list((home / "people").iterdir())) - folders,
    }
    mode(home)
    found["afterwards"] = run("fit")
    return found


def changed_meanwhile(home: Path) -> dict[str, Any]:
    """The person is undone, or deleted, while their step runs."""
    found: dict[str, Any] = {}
    before = seen()
    run("fit")
    operator = Modal(fit_step.BODYSCAN_OT_fit, person=person().id)
    operator.start(operator.context)
    operator.tick_until(lambda: task.current().progress.share > 0)
    undo()
    found["undone"] = [sorted(operator.tick_until(lambda: False)), operator.reports]
    found["as the undo left it"] = seen() == before
    operator = Modal(fit_step.BODYSCAN_OT_fit, person=person().id)
    operator.start(operator.context)
    operator.tick_until(lambda: task.current().progress.share > 0)
    bpy.data.batch_remove([person().collection])
    found["deleted"] = [sorted(operator.tick_until(lambda: False)), operator.reports]
    return found


def ends(home: Path, arguments: dict[str, Any]) -> dict[str, Any]:
    """Another file is opened, or the add-on goes, while a step runs."""
    found: dict[str, Any] = {}
    mode(home, scan="hang")
    operator = Modal(import_capture.BODYSCAN_OT_import_capture, filepath=arguments["capture"])
    operator.start(operator.context)
    operator.tick_until(lambda: "made up scan" in task.current().progress.words)
    pid = steps_session._process.pid
    bpy.ops.wm.read_homefile(app_template="", use_empty=True)
    found["other file"] = [task.current() is None, alive(pid), sorted(operator.event("TIMER"))]
    mode(home)
    run("import_capture", filepath=arguments["capture"])
    pid = steps_session._process.pid
    found["alive before"] = alive(pid)
    import bodyscan_blender  # pyright: ignore[reportMissingImports]

    bodyscan_blender.unregister()
    found["alive after"] = alive(pid)
    bodyscan_blender.register()
    return found
