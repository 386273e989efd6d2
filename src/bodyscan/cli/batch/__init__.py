"""`bodyscan batch`: one file a command, imported only when it runs."""

from __future__ import annotations

from typing import Any, ClassVar

import typer

from bodyscan.cli.lazy import LazyGroup


class BatchCommands(LazyGroup):
    """All commands about batches; a manifest in the place of a command's name means `run`."""

    table: ClassVar[dict[str, tuple[str, str]]] = {
        "run": ("bodyscan.cli.batch.run", "Make a twin of every scan in a manifest or folder."),
        "status": ("bodyscan.cli.batch.status", "Tell how far a batch is, from any terminal."),
    }

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `run` before a manifest: a file that is called like a command is given as ./status."""
        if args and args[0] not in (*self.table, *self.get_help_option_names(ctx)):
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=BatchCommands, help="Many scans: one outcome each, nothing lost.", no_args_is_help=True)


@app.callback(epilog="`bodyscan batch MANIFEST -o OUT` is short for `bodyscan batch run MANIFEST -o OUT`.")
def batch() -> None:
    """Many scans: `bodyscan batch MANIFEST -o OUT` makes them, and goes on where it was stopped."""
