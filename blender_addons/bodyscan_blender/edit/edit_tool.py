# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the operators that edit a fit have in common: whom they work on, and how they say what is wrong."""

from __future__ import annotations

from typing import Any, ClassVar

from ..operator_base import PersonOperator
from ..people import Person, active_person, chosen_person
from .fit_state import has_fit


class EditTool(PersonOperator):
    """Mixin: works on a person's scan or fit. An operator that needs more than a scan defines `ready`."""

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
