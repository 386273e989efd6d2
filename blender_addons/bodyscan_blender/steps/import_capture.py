# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""The step Import: a capture and the person's consent -> a person in the scene, with their scan."""

from __future__ import annotations

import contextlib
import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import bpy

from bodyscan.errors import ConsentError, InputError
from bodyscan.run.consent import consent_for
from bodyscan.run.evidence import read_evidence
from bodyscan.steps.folder import WorkFolder

from ..people import new_person
from ..settings import preference, use_of
from ..task import Task, TaskOperator, Work
from .capture_kind import consent_beside, file_filter, kind_of, mesh_of, no_consent
from .show_results import show_results
from .step_events import Done
from .step_run import StepFailed, StepRequest, common_fields, failures, run_all
from .step_settings import ONCE, chosen_path, facing_property, hint, unit_property, up_property
from .steps_process import StepsProcess
from .steps_session import path_field, private_folder, steps_process, work_root

UNFINISHED_S = 86400.0
"""A folder without any result that is older is nobody's: no import takes so long."""
NOBODY = ""
"""In the place of a person's id: the import that failed is of nobody yet."""


class BODYSCAN_OT_import_capture(TaskOperator, bpy.types.Operator):
    bl_idname = "bodyscan.import_capture"
    bl_label = "Import a Capture"
    bl_description = "Read a person's scan and clean it; their consent is checked before"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    filepath: bpy.props.StringProperty(name="Capture", subtype="FILE_PATH", options={"SKIP_SAVE"})
    consent: bpy.props.StringProperty(
        name="Consent",
        description="The person's signed record. Empty: NAME.consent.json beside the capture",
        subtype="FILE_PATH",
        options={"SKIP_SAVE"},
    )
    photos: bpy.props.StringProperty(
        name="Photos",
        description="Photos with solved cameras in the mesh's frame",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"},
    )
    unit: unit_property(**ONCE)  # type: ignore[valid-type]
    up: up_property(**ONCE)  # type: ignore[valid-type]
    facing: facing_property(**ONCE)  # type: ignore[valid-type]

    def invoke(self, context: Any, event: Any) -> set[str]:
        if not self.filepath:
            return set(bpy.ops.bodyscan.choose_capture("INVOKE_DEFAULT"))
        return self._handed_over() or super().invoke(context, event)

    def execute(self, context: Any) -> set[str]:
        return self._handed_over() or super().execute(context)

    def make_task(self, context: Any, wait_s: float) -> Task:
        failures.pop((NOBODY, "scan"), None)
        capture = chosen_path(self.filepath)
        if capture is None:
            raise InputError("No capture was chosen: give the path of a scan, or of a depth camera's folder.")
        photos, consent = chosen_path(self.photos), chosen_path(self.consent) or consent_beside(capture)
        if kind_of(capture) == "photos":
            photos, capture = photos or capture, mesh_of(capture)
        if consent is None:
            raise ConsentError(no_consent(capture))
        now = datetime.now(UTC)
        evidence = read_evidence(preference(context, "evidence"), now=now)
        text, record = consent_for(consent, use_of(context.scene), now, evidence)
        root = private_folder(work_root(context))
        forget_unfinished(root)
        folder = root / secrets.token_hex(8)
        request = StepRequest(
            "scan",
            {
                **common_fields(context),
                "folder": str(folder),
                "capture": str(capture),
                "photos": path_field(photos),
                "consent": str(consent),
                "unit": hint(self.unit),
                "up": hint(self.up),
                "facing": hint(self.facing),
            },
        )
        name = record.subject.pseudonym
        work = _import(steps_process(context), request, folder, name, text, context.scene.name, wait_s)
        return Task("Import", work, person_name=name, step="scan")

    def _handed_over(self) -> set[str]:
        """Hand a twin over to its own importer, and return how that ended; empty for anything else."""
        capture = chosen_path(self.filepath)
        try:
            if capture is None or kind_of(capture) != "twin":
                return set()
            return set(bpy.ops.bodyscan.import_twin(filepath=str(capture)))
        except (InputError, RuntimeError) as error:
            self.report({"ERROR"}, str(error).removeprefix("Error: ").strip())
            return {"CANCELLED"}


def forget_unfinished(root: Path) -> None:
    """Delete the folders of imports that never came to their end: Blender was killed in the midst of them."""
    for path in root.iterdir():
        with contextlib.suppress(OSError, InputError):
            is_old = time.time() - path.stat().st_mtime > UNFINISHED_S
            if is_old and all(state.state == "absent" for state in WorkFolder(path).state().values()):
                WorkFolder(path).forget()


def _import(
    process: StepsProcess,
    request: StepRequest,
    folder: Path,
    name: str,
    consent: str,
    scene_name: str,
    wait_s: float,
) -> Work:
    """Run the import; the person appears at its end. Whatever else happens, nothing of them is left."""
    done: list[Done] = []
    person = None
    try:
        yield from run_all(process, [request], wait_s, done)
        scene = bpy.data.scenes.get(scene_name) or bpy.context.scene
        person = new_person(scene, name, consent=consent, folder=folder)
        yield from show_results(person, ["scan"], wait_s)
    except BaseException as error:
        if isinstance(error, StepFailed):
            failures[NOBODY, "scan"] = str(error)
        if person is not None:
            person.remove("scan")
            bpy.data.collections.remove(person.collection)
        WorkFolder(folder).forget()
        raise
    return f"{name}: {done[0].summary}"


class BODYSCAN_OT_choose_capture(bpy.types.Operator):
    """The file browser for a capture; there are no browsers in browsers: the panel has consent and photos."""

    bl_idname = "bodyscan.choose_capture"
    bl_label = "Choose a Capture"
    bl_description = (
        "Choose a mesh, a point cloud, a depth camera's recording or folder, a folder of photos with their "
        "cameras and mesh, or a finished twin (.glb)"
    )

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    directory: bpy.props.StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default=file_filter(), options={"HIDDEN"})

    def invoke(self, context: Any, event: Any) -> set[str]:
        if bpy.app.background:
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Any) -> set[str]:
        chosen = chosen_path(self.filepath) or chosen_path(self.directory)
        if chosen is None:
            self.report({"ERROR"}, "No capture was chosen.")
            return {"CANCELLED"}
        said = context.scene.bodyscan_steps
        said.capture = str(chosen)
        beside = consent_beside(chosen)
        said.consent = "" if beside is None else str(beside)
        return {"FINISHED"}


CLASSES = (BODYSCAN_OT_import_capture, BODYSCAN_OT_choose_capture)
