"""Commands whose module is imported only when they run.

`bodyscan --help` must answer at once; the stages behind the commands take seconds to import.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup


class LazyCommand(TyperCommand):
    """Stands for a command in the list; becomes the real one when its arguments are read."""

    def __init__(self, name: str, module: str, summary: str) -> None:
        super().__init__(name, help=summary, short_help=summary)
        self.module = module

    def load(self) -> Any:
        """Import the module and return the command that its `app` defines."""
        command = typer.main.get_command(import_module(self.module).app)
        command.name = self.name
        return command

    def make_context(self, info_name: Any, args: Any, parent: Any = None, **extra: Any) -> Any:
        """Read the arguments with the real command; the context then belongs to it."""
        return self.load().make_context(info_name, args, parent, **extra)


class LazyGroup(TyperGroup):
    """A group whose commands are named in a table: name -> (module with an `app`, summary)."""

    table: ClassVar[dict[str, tuple[str, str]]] = {}

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the table's order."""
        return list(self.table)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the stand-in of a command, or None where there is none of that name."""
        if cmd_name not in self.table:
            return None
        return LazyCommand(cmd_name, *self.table[cmd_name])
