# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The step Rig: the twin made of the fit, after whatever step before it is missing or out of date."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import bpy

from bodyscan.errors import InputError
from bodyscan.steps.folder import StepState, WorkFolder

from ..people import Person, chosen_person
from ..settings import preference
from ..task import Task, TaskOperator
from .fit_step import person_property
from .shown_results import align
from .step_run import StepRequest, folder_of, steps_task
from .step_settings import (
    ONCE,
    accept_property,
    chosen_path,
    key_property,
    passphrase_property,
    pose_property,
    size_property,
    surface_property,
)
from .steps_session import path_field


def missing_steps(states: Mapping[str, StepState], surface: str, size: int | None = None) -> list[str]:
    """Return the steps before the twin that are absent or out of date, in their order.

    A texture of the other surface, or where `size` says one of another size, is to be baked anew. Raises
    `InputError` where there is no scan.
    """
    if states["scan"].state != "done":
        raise InputError("There is no scan in the working folder; import the capture again.")
    if states["fit"].state != "done":
        return ["fit", "texture"]
    texture = states["texture"]
    baked = texture.values.get("surface", surface), texture.values.get("size")
    is_other = baked[0] != surface or (size is not None and baked[1] not in (size, 0))
    return ["texture"] if texture.state != "done" or is_other else []


class BODYSCAN_OT_make_twin(TaskOperator, bpy.types.Operator):
    bl_idname = "bodyscan.make_twin"
    bl_label = "Make the Twin"
    bl_description = (
        "Fit, texture and rig what is not done yet, bind the consent, and bring the twin into the scene"
    )
    bl_options: ClassVar[set[str]] = {"UNDO"}

    person: person_property()  # type: ignore[valid-type]
    controller_key: key_property(**ONCE)  # type: ignore[valid-type]
    passphrase: passphrase_property()  # type: ignore[valid-type]
    pose: pose_property(**ONCE)  # type: ignore[valid-type]
    surface: surface_property(**ONCE)  # type: ignore[valid-type]
    size: size_property(**ONCE)  # type: ignore[valid-type]
    accept_quality: accept_property(**ONCE)  # type: ignore[valid-type]
    reference: bpy.props.StringProperty(
        name="Reference", description="Campaign, order or job, for the ledger", options={"SKIP_SAVE"}
    )
    alone: bpy.props.BoolProperty(
        name="This step alone",
        description="Do not run the steps before it, and refuse where they are not done",
        options={"SKIP_SAVE"},
    )

    def make_task(self, context: Any, wait_s: float) -> Task:
        person = chosen_person(context, self.person)
        before = self._before(person)
        fields = {
            "controller_key": path_field(chosen_path(self.controller_key)),
            "passphrase": self.passphrase or None,
            "pose": self.pose,
            "surface": self.surface,
            "accept_quality": self.accept_quality,
            "ledger": path_field(preference(context, "ledger")),
            "reference": self.reference or None,
        }
        asked = {"fit": {"start": "anew"}, "texture": {"size": int(self.size), "surface": self.surface}}
        requests = [*(StepRequest(step, asked[step]) for step in before), StepRequest("twin", fields)]
        return steps_task(context, person, requests, wait_s, title=self.bl_label if before else "Rig")

    def _before(self, person: Person) -> list[str]:
        folder = WorkFolder(folder_of(person))
        align(person)
        states = folder.state()
        if not self.alone:
            return missing_steps(states, self.surface)
        if states["fit"].state != "done":
            raise InputError("There is no fit of the current scan; run the step Fit first.")
        return []


CLASSES = (BODYSCAN_OT_make_twin,)
