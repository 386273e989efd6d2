# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The step Export: the twin's file for somebody else, packed as asked, or made for another reader. Its use is
in the ledger before it appears."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from bodyscan.consent import Purpose
from bodyscan.errors import InputError
from bodyscan.gltf.targets import load_target
from bodyscan.run.outputs import check_output_file

from ..people import Person, chosen_person
from ..settings import preference
from ..task import Task, TaskOperator, Work
from .fit_step import person_property
from .shown_results import align, shown
from .step_events import Done
from .step_run import StepFailed, StepRequest, common_fields, failures, find_person, folder_of, run_all
from .step_settings import (
    ONCE,
    chosen_path,
    key_property,
    passphrase_property,
    profile_property,
    target_property,
)
from .steps_process import StepsProcess
from .steps_session import path_field, steps_process

FILES = "*.glb;*.vrm"
EXPORTED = "bodyscan_exported"
"""Of a person's collection: the `path` that was written last, and the `result` that it is a copy of."""


def export_purpose(scene: Any) -> str:
    """Return what an export is for: what the scene says, or handing it over where it says nothing more."""
    said = str(scene.bodyscan.purpose)
    return str(Purpose.EXPORT) if said == str(Purpose.MAKE_TWIN) else said


class BODYSCAN_OT_export_twin(TaskOperator, bpy.types.Operator):
    bl_idname = "bodyscan.export_twin"
    bl_label = "Export the Twin"
    bl_description = "Write the twin's file for somebody else, where the consent covers the scene's use"

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default=FILES, options={"HIDDEN"})
    person: person_property()  # type: ignore[valid-type]
    profile: profile_property(**ONCE)  # type: ignore[valid-type]
    target: target_property(**ONCE)  # type: ignore[valid-type]
    controller_key: key_property(**ONCE)  # type: ignore[valid-type]
    passphrase: passphrase_property()  # type: ignore[valid-type]
    reference: bpy.props.StringProperty(
        name="Reference", description="Campaign, order or job, for the ledger", options={"SKIP_SAVE"}
    )

    def make_task(self, context: Any, wait_s: float) -> Task:
        person = chosen_person(context, self.person)
        folder = folder_of(person)
        align(person)
        if "twin" not in shown(person):
            raise InputError(f"{person.name} has no twin yet; make the twin first.")
        suffix = load_target(self.target).suffix
        if not self.filepath.strip():
            raise InputError(f"No file was chosen to export to; give a path that ends in {suffix}.")
        output = Path(bpy.path.abspath(self.filepath)).absolute()
        if not output.suffix:
            output = output.with_suffix(suffix)
        check_output_file(output, suffix)
        request = StepRequest(
            "export",
            {
                **common_fields(context, export_purpose(context.scene)),
                "folder": str(folder),
                "output": str(output),
                "profile": self.profile,
                "target": self.target,
                "controller_key": path_field(chosen_path(self.controller_key)),
                "passphrase": self.passphrase or None,
                "ledger": path_field(preference(context, "ledger")),
                "reference": self.reference or None,
            },
        )
        failures.pop((person.id, "export"), None)
        work = _export(steps_process(context), request, person, output, wait_s)
        return Task("Export", work, person_id=person.id, person_name=person.name, step="export")


def _export(process: StepsProcess, request: StepRequest, person: Person, output: Path, wait_s: float) -> Work:
    done: list[Done] = []
    person_id, result = person.id, shown(person)["twin"]
    try:
        yield from run_all(process, [request], wait_s, done)
    except StepFailed as error:
        failures[person_id, "export"] = str(error)
        raise
    find_person(person_id).collection[EXPORTED] = {"path": str(output), "result": result}
    return " ".join([done[0].summary, *done[0].warnings])


class BODYSCAN_OT_choose_export(bpy.types.Operator):
    bl_idname = "bodyscan.choose_export"
    bl_label = "Export the Twin"
    bl_description = BODYSCAN_OT_export_twin.bl_description

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default=FILES, options={"HIDDEN"})
    person: person_property()  # type: ignore[valid-type]
    profile: profile_property(**ONCE)  # type: ignore[valid-type]
    target: target_property(**ONCE)  # type: ignore[valid-type]
    controller_key: key_property(**ONCE)  # type: ignore[valid-type]

    def invoke(self, context: Any, event: Any) -> set[str]:
        if bpy.app.background:
            return self.execute(context)
        if not self.filepath:
            self.filepath = f"twin{load_target(self.target).suffix}"
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Any) -> set[str]:
        how = "EXEC_DEFAULT" if bpy.app.background else "INVOKE_DEFAULT"
        bpy.ops.bodyscan.export_twin(
            how,
            filepath=self.filepath,
            person=self.person,
            profile=self.profile,
            target=self.target,
            controller_key=self.controller_key,
        )
        return {"FINISHED"}


CLASSES = (BODYSCAN_OT_export_twin, BODYSCAN_OT_choose_export)


def exported(person: Person) -> tuple[str, bool]:
    """Return the path that was exported last, empty for none, and whether it is of the twin that is shown."""
    held = person.collection.get(EXPORTED)
    if held is None or not hasattr(held, "get"):
        return "", False
    return str(held.get("path", "")), held.get("result") == shown(person).get("twin")
