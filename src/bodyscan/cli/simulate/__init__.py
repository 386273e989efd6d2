"""`bodyscan simulate`: one file a command, imported only when it runs."""

from __future__ import annotations

from typing import ClassVar

import typer

from bodyscan.cli.lazy import LazyGroup


class SimulateCommands(LazyGroup):
    """All commands that make captures of people who do not exist."""

    table: ClassVar[dict[str, tuple[str, str]]] = {
        "raw": ("bodyscan.cli.simulate.raw", "Simulate the raw scan of a made-up person."),
        "depth": ("bodyscan.cli.simulate.depth", "Simulate a made-up person before depth cameras."),
    }


app = typer.Typer(cls=SimulateCommands, help="Simulated captures with known truth.", no_args_is_help=True)


@app.callback()
def simulate() -> None:
    """Simulated captures with known truth."""
