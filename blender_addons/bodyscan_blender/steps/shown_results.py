# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which results of the working folder a scene shows, and how the two are kept in step.

The folder keeps several results of each step. The person's collection says which of them the scene's objects
show; that is undone and saved with the scene. So the scene leads: after an undo, a redo, or another file, the
folder is told which results are current again.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy

from bodyscan.errors import BodyscanError, InputError
from bodyscan.steps.folder import StepState, WorkFolder
from bodyscan.steps.names import STEPS

from ..people import PERSON, Person

RESULTS = "bodyscan_results"
"""Of a person's collection: step -> name of the result that the scene shows."""


def shown(person: Person) -> dict[str, str]:
    """Return step -> name of the result that the scene shows; without those that it does not show."""
    held = person.collection.get(RESULTS)
    if held is None or not hasattr(held, "items"):
        return {}
    return {step: str(name) for step, name in held.items() if step in STEPS and name}


def note(person: Person, states: Mapping[str, StepState]) -> None:
    """Take note that the scene shows what is current in the folder."""
    person.collection[RESULTS] = {step: state.result for step, state in states.items() if state.result}


def align(person: Person) -> tuple[str, ...]:
    """Make the results that the scene shows current in the folder; return the steps whose result is gone.

    Nothing is written where they are current already. Raises `InputError` for a folder that is gone or
    damaged.
    """
    if person.folder is None:
        return ()
    folder, wanted = WorkFolder(person.folder), shown(person)
    try:
        now = current_results(folder)
    except InputError:
        now = None  # one of them is damaged, or it is no folder: `choose` tells them apart
    lost: list[str] = []
    for step in STEPS:
        name = wanted.get(step)
        if name is not None and name not in folder.results(step):
            lost.append(step)
            name = None
        if now is None or name != now.get(step):
            folder.choose(step, name)
        if now is None and name is not None and not _is_readable(folder, step):
            lost.append(step)
            folder.choose(step, None)
    return tuple(lost)


def _is_readable(folder: WorkFolder, step: str) -> bool:
    try:
        folder.told(step)
    except InputError:
        return False
    return True


def current_results(folder: WorkFolder) -> dict[str, str]:
    """Return step -> name of the folder's current result. Raises `InputError` for a folder that is none."""
    return {step: state.result for step, state in folder.state().items() if state.result}


def folder_stamp(path: Path) -> tuple[int, ...]:
    """Return what changes with a folder's state and results; empty where it is gone. Cheap: panels ask it."""
    try:
        return tuple((path / name).stat().st_mtime_ns for name in ("state.json", "results"))
    except OSError:
        return ()


@bpy.app.handlers.persistent
def _align_all(*_: Any) -> None:
    for collection in bpy.data.collections:
        if isinstance(collection.get(PERSON), str):
            try:
                align(Person(collection))
            except BodyscanError:
                continue  # the panel says what is wrong with the folder


HANDLERS = ("undo_post", "redo_post", "load_post")


def register() -> None:
    for name in HANDLERS:
        getattr(bpy.app.handlers, name).append(_align_all)


def unregister() -> None:
    for name in HANDLERS:
        getattr(bpy.app.handlers, name).remove(_align_all)
