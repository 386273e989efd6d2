# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators that change a person have in common: whom they are about, and how they tell the outcome."""

from __future__ import annotations

from typing import Any, ClassVar

from bodyscan.errors import BodyscanError

from .people import Person, chosen_person
from .rollback import UNDOABLE


class PersonOperator:
    """Mixin: works on the person that is chosen, and can be undone. An operator defines `change`."""

    bl_options: ClassVar[set[str]] = UNDOABLE

    def change(self, context: Any, person: Person) -> str:
        """Do the work and return what came of it, a sentence a line, or nothing; raises `BodyscanError`."""
        raise NotImplementedError

    def execute(self, context: Any) -> set[str]:
        try:
            words = self.change(context, chosen_person(context))
        except BodyscanError as error:
            self.report({"ERROR"}, str(error))  # type: ignore[attr-defined]
            return {"CANCELLED"}
        for sentence in words.splitlines():
            self.report({"INFO"}, sentence)  # type: ignore[attr-defined]
        return {"FINISHED"}
