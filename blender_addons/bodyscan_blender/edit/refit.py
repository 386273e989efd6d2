# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refit: the fit goes on from what was corrected, in seconds, and shows in the scene.

What was corrected stays: the next refit holds to it again. Sliders are back at zero after it, for the new fit
has what they said. Undo brings back the earlier fit, in the scene and in the working folder.
"""

from __future__ import annotations

import contextlib
from typing import Any, ClassVar

import bpy

from bodyscan.errors import BodyscanError, InputError

from ..people import chosen_person
from ..scan.scan_object import leave_edit_mode
from ..steps.step_run import StepRequest, find_person, steps_task
from ..task import Task, TaskOperator, Work, current
from .before_after import present_view, show_view
from .edit_tool import why_not
from .edits import request_fields, tidy
from .fit_state import has_fit


class BODYSCAN_OT_refit(TaskOperator, bpy.types.Operator):
    bl_idname = "bodyscan.refit"
    bl_label = "Refit"
    bl_description = "Fit again from here: placed points and pinned parts hold, painted places are left out"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    person: bpy.props.StringProperty(
        name="Person", description="Name of the person. Empty: whose object is active", options={"SKIP_SAVE"}
    )
    anew: bpy.props.BoolProperty(
        name="Anew",
        description="Forget the present fit and begin with a first guess; pins and sliders are not used",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: Any) -> bool:
        missing = why_not(context, needs_fit=False)
        if missing:
            cls.poll_message_set(missing)
        return not missing

    def make_task(self, context: Any, wait_s: float) -> Task:
        person = chosen_person(context, self.person)
        if current() is not None:
            raise InputError("Another step is under way; wait for its end, or cancel it.")
        if not self.anew and not has_fit(person):
            raise InputError(f"{person.name} has no fit to go on from yet: fit anew.")
        for item in (*person.objects("scan"), *person.objects("surface")):
            leave_edit_mode(item)
        tidy(person)
        try:
            fields = request_fields(person, anew=self.anew)
            task = steps_task(context, person, [StepRequest("fit", fields)], wait_s, title="Refit")
        except BodyscanError:
            tidy(person)
            raise
        task._work = _and_look_as_before(task._work, person.id, present_view(person))
        return task


def _and_look_as_before(work: Work, person_id: str, view: str) -> Work:
    """Run the work, and show the person as before; what was written for the step goes, however it ends."""
    try:
        summary = yield from work
        with contextlib.suppress(BodyscanError):  # what the view needs is not there any more
            if view:
                show_view(bpy.context, find_person(person_id), view)
        return summary
    finally:
        with contextlib.suppress(BodyscanError):  # the person was deleted meanwhile
            tidy(find_person(person_id))


def register() -> None:
    bpy.utils.register_class(BODYSCAN_OT_refit)


def unregister() -> None:
    bpy.utils.unregister_class(BODYSCAN_OT_refit)
