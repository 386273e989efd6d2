"""`bodyscan mark`: one file a command, imported only when it runs."""

from __future__ import annotations

from typing import ClassVar

import typer

from bodyscan.cli.lazy import LazyGroup


class MarkCommands(LazyGroup):
    """All commands about marks on pictures."""

    table: ClassVar[dict[str, tuple[str, str]]] = {
        "detect": ("bodyscan.cli.mark.detect", "Tell which twin a picture shows, and how sure that is."),
    }


app = typer.Typer(
    cls=MarkCommands, help="Marks on pictures: tell which twin a picture shows.", no_args_is_help=True
)


@app.callback()
def mark() -> None:
    """Marks on pictures of twins: labels, metadata and watermarks."""
