# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps Fit and Texture: the body fitted to the scan, and its colours."""

from __future__ import annotations

from typing import Any, ClassVar

import bpy

from ..people import chosen_person
from ..task import Task, TaskOperator
from .step_run import StepRequest, steps_task
from .step_settings import ONCE, size_property, surface_property


def person_property() -> Any:
    return bpy.props.StringProperty(
        name="Person",
        description="Name of the person. Empty: whose object is active, or the only one",
        options={"SKIP_SAVE"},
    )


class BODYSCAN_OT_fit(TaskOperator, bpy.types.Operator):
    bl_idname = "bodyscan.fit"
    bl_label = "Fit the Body"
    bl_description = (
        "Find the person's shape and pose in the scan, anew; what was corrected by hand is not used"
    )
    bl_options: ClassVar[set[str]] = {"UNDO"}

    person: person_property()  # type: ignore[valid-type]

    def make_task(self, context: Any, wait_s: float) -> Task:
        person = chosen_person(context, self.person)
        return steps_task(context, person, [StepRequest("fit", {"start": "anew"})], wait_s)


class BODYSCAN_OT_texture(TaskOperator, bpy.types.Operator):
    bl_idname = "bodyscan.texture"
    bl_label = "Bake the Texture"
    bl_description = "Bring the scan's colours, or those of its photos, onto the fitted body"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    person: person_property()  # type: ignore[valid-type]
    size: size_property(**ONCE)  # type: ignore[valid-type]
    surface: surface_property(**ONCE)  # type: ignore[valid-type]

    def make_task(self, context: Any, wait_s: float) -> Task:
        person = chosen_person(context, self.person)
        fields = {"size": int(self.size), "surface": self.surface}
        return steps_task(context, person, [StepRequest("texture", fields)], wait_s)


CLASSES = (BODYSCAN_OT_fit, BODYSCAN_OT_texture)
