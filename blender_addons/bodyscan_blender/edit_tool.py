# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operators that edit a fit have in common: whom they work on, and how they say what is wrong."""

from __future__ import annotations

from typing import Any, ClassVar

from bodyscan.errors import BodyscanError

from .fit_state import has_fit
from .people import Person, active_person
from .step_run import chosen_person


class EditTool:
    """Mixin: works on the person of the active object, and can be undone.

    An operator defines `edit`, which may raise `BodyscanError`, and where it needs more than a scan `ready`.
    """

    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}
    needs_fit: ClassVar[bool] = False

    @classmethod
    def poll(cls, context: Any) -> bool:
        missing = why_not(context, needs_fit=cls.needs_fit)
        if not missing:
            missing = cls.ready(context, chosen_person(context))
        if missing:
            cls.poll_message_set(missing)  # type: ignore[attr-defined]
        return not missing

    @classmethod
    def ready(cls, context: Any, person: Person) -> str:
        """Why the operator makes no sense now, in words; empty where it does."""
        return ""

    def edit(self, context: Any, person: Person) -> str:
        """Do the work and return what came of it in words, or nothing; raises `BodyscanError`."""
        raise NotImplementedError

    def execute(self, context: Any) -> set[str]:
        try:
            words = self.edit(context, chosen_person(context))
        except BodyscanError as error:
            self.report({"ERROR"}, str(error))  # type: ignore[attr-defined]
            return {"CANCELLED"}
        if words:
            self.report({"INFO"}, words)  # type: ignore[attr-defined]
        return {"FINISHED"}


def why_not(context: Any, *, needs_fit: bool) -> str:
    """Why nothing can be edited, in words; empty where it can."""
    person = active_person(context)
    if person is None:
        return "Select an object of a scanned person first"
    if person.folder is None:
        return "This person came as a finished twin; there is no scan to edit"
    if needs_fit and not has_fit(person):
        return "There is no fit yet: run the step Fit first"
    return ""
