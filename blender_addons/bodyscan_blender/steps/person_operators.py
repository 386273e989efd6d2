# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choosing a person, bringing back what was deleted from the scene, and having them forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import bpy

from bodyscan.errors import BodyscanError, InputError
from bodyscan.steps.folder import WorkFolder

from ..people import chosen_person
from ..task import Task, TaskOperator, Work
from .command import pip_command
from .fit_step import person_property
from .show_results import ROLES, show_results
from .shown_results import align, shown
from .step_run import find_person, folder_of


class BODYSCAN_OT_choose_person(bpy.types.Operator):
    bl_idname = "bodyscan.choose_person"
    bl_label = "Choose a Person"
    bl_description = "Work on this person: the steps and panels are about them"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    person: person_property()  # type: ignore[valid-type]

    def execute(self, context: Any) -> set[str]:
        try:
            person = chosen_person(context, self.person)
            item = next(
                (one for one in person.collection.all_objects if one.name in context.view_layer.objects), None
            )
            if item is None:
                raise InputError(
                    f"{person.name} has nothing in this view layer; choose 'Show again', or make the "
                    "collection visible."
                )
        except BodyscanError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        context.view_layer.objects.active = item
        return {"FINISHED"}


class BODYSCAN_OT_show_again(TaskOperator, bpy.types.Operator):
    bl_idname = "bodyscan.show_again"
    bl_label = "Show Again"
    bl_description = "Bring scan, surface and twin back from the working folder, as their steps left them"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    person: person_property()  # type: ignore[valid-type]

    def make_task(self, context: Any, wait_s: float) -> Task:
        person = chosen_person(context, self.person)
        folder_of(person)
        lost = align(person)
        steps = [step for step in shown(person) if step not in lost]
        if not steps:
            raise InputError(f"The working folder of {person.name} holds no result; import the scan again.")
        return Task("Show again", _again(person.id, steps, wait_s), person_id=person.id, step=steps[0])


def _again(person_id: str, steps: list[str], wait_s: float) -> Work:
    person = find_person(person_id)
    yield from show_results(person, steps, wait_s)
    found = [role for role in dict.fromkeys(ROLES.values()) if person.object(role) is not None]
    return f"{person.name}: {', '.join(found)} shown."


def forget_folder(path: Path, root: Path) -> None:
    """Delete a person's working folder and all in it; nothing happens where it is gone.

    A path comes from a .blend file, which anybody may have written: a folder outside of `root` is deleted
    only where it is a working folder. Raises `InputError` for any other.
    """
    if not path.exists():
        return
    folder = WorkFolder(path)
    if path.is_symlink() or path.resolve().parent != root.resolve():
        folder.state()
    folder.forget()
    if path.exists():
        raise InputError(f"{path} could not be deleted; close what uses it, and delete it by hand.")


class BODYSCAN_OT_copy_install_command(bpy.types.Operator):
    bl_idname = "bodyscan.copy_install_command"
    bl_label = "Copy What to Type"
    bl_description = "Put the line that installs the bodyscan command into the clipboard, for a terminal"

    def execute(self, context: Any) -> set[str]:
        context.window_manager.clipboard = pip_command()
        self.report({"INFO"}, f"In the clipboard: {pip_command()}")
        return {"FINISHED"}


CLASSES = (BODYSCAN_OT_choose_person, BODYSCAN_OT_show_again, BODYSCAN_OT_copy_install_command)
