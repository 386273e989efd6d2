# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs steps for a person: requests to the process, progress while they run, and the scene at the end.

The scene is changed at the very end, by whole steps. A cancelled run leaves scene and folder as they were;
one that fails keeps the steps that were done before the one that failed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy

from bodyscan.errors import BodyscanError, InputError

from ..people import PERSON, Person
from ..settings import preference
from ..task import Progress, Task, Work
from .show_results import show_results
from .shown_results import align, shown
from .step_events import Done, Failed, Stage
from .step_progress import StepClock
from .step_words import TITLES, in_panel_words
from .steps_process import StepsProcess
from .steps_session import path_field, steps_process, use_fields


class StepFailed(BodyscanError):
    """A step was not done."""

    def __init__(self, step: str, kind: str, message: str) -> None:
        super().__init__(message)
        self.step = step
        self.kind = kind
        """As in `step_events.Failed`."""
        self.changed_scene = False
        """Whether steps before it were done, and are shown."""


@dataclass(frozen=True)
class StepRequest:
    """One step to be run."""

    step: str
    fields: dict[str, Any] = field(default_factory=dict)
    """What it is asked beside folder, use and evidence."""


failures: dict[tuple[str, str], str] = {}
"""Person's id and step -> why it failed the last time, until it is run again."""


def run_request(
    process: StepsProcess, request: StepRequest, clock: StepClock, wait_s: float
) -> Generator[Progress, None, Done]:
    """Run one step, yielding while it runs; closed before its end, it kills the process.

    Raises `StepFailed`.
    """
    clock.begin_step(request.step)
    process.request(request.step, **request.fields)
    try:
        while True:
            for event in process.poll(wait_s):
                if isinstance(event, Stage):
                    clock.take(event)
                elif isinstance(event, Failed):
                    raise StepFailed(request.step, event.kind, in_panel_words(event.message))
                else:
                    clock.end_step()
                    return event
            yield Progress(clock.share, clock.words, request.step)
    finally:
        if process.is_busy:
            process.kill()


def run_all(
    process: StepsProcess, requests: Sequence[StepRequest], wait_s: float, done: list[Done]
) -> Generator[Progress, None, None]:
    """Run steps one after the other, adding what came of each to `done`. Raises as `run_request`."""
    clock = StepClock([request.step for request in requests])
    for request in requests:
        done.append((yield from run_request(process, request, clock, wait_s)))


def steps_task(
    context: Any, person: Person, requests: Sequence[StepRequest], wait_s: float, *, title: str = ""
) -> Task:
    """Return a task that runs steps in a person's folder and shows their results in the scene.

    The folder, the scene's use and the evidence are said here. Raises `InputError` where the person has no
    working folder, or there is no command.
    """
    folder = folder_of(person)
    common = {**common_fields(context), "folder": str(folder)}
    whole = [StepRequest(one.step, {**common, **one.fields}) for one in requests]
    work = _person_work(steps_process(context), person.id, whole, wait_s)
    name = title or TITLES[requests[0].step]
    return Task(name, work, person_id=person.id, person_name=person.name, step=requests[0].step)


def _person_work(
    process: StepsProcess, person_id: str, requests: Sequence[StepRequest], wait_s: float
) -> Work:
    person = find_person(person_id)
    align(person)
    before, done = shown(person), list[Done]()
    for request in requests:
        failures.pop((person_id, request.step), None)
    try:
        yield from run_all(process, requests, wait_s, done)
        yield from _shown_steps(person_id, before, requests, wait_s)
    except StepFailed as error:
        failures[person_id, error.step] = str(error)
        if done:
            yield from _shown_steps(person_id, before, requests[: len(done)], wait_s)
            error.changed_scene = True
        raise
    except BaseException:  # cancelled, or the result cannot be shown
        _put_back(person_id)
        raise
    return " ".join(one.summary for one in done)


def _shown_steps(
    person_id: str, before: dict[str, str], requests: Sequence[StepRequest], wait_s: float
) -> Generator[Progress, None, None]:
    """Show what was done, unless the person was changed in the scene meanwhile."""
    person = find_person(person_id)
    if shown(person) != before:
        raise InputError(
            f"{person.name} was changed in the scene while the step ran; its result is not shown. Run it "
            "again."
        )
    yield from show_results(person, [one.step for one in requests], wait_s)


def _put_back(person_id: str) -> None:
    """Make the results that the scene shows current again, where the person is still there."""
    with contextlib.suppress(BodyscanError):
        align(find_person(person_id))


def folder_of(person: Person) -> Path:
    """Return a person's working folder. Raises `InputError` where there is none, or it is gone."""
    if person.folder is None:
        raise InputError(
            f"{person.name} came as a finished twin and has no scan here; import the scan to work on it."
        )
    if not person.folder.is_dir():
        raise InputError(
            f"The working folder of {person.name} is gone ({person.folder}); import the scan again."
        )
    return person.folder


def common_fields(context: Any, purpose: str | None = None) -> dict[str, Any]:
    """Return what every request says beside its folder. Raises `InputError` for a use that is none."""
    return {
        "use": use_fields(context.scene, purpose),
        "evidence": path_field(preference(context, "evidence")),
    }


def find_person(person_id: str) -> Person:
    """Return the person with an id. Raises `InputError` where they are not in the file any more."""
    for collection in bpy.data.collections:
        if collection.get(PERSON) == person_id:
            return Person(collection)
    raise InputError("The person is not in this file any more; what was made for them was not shown.")
