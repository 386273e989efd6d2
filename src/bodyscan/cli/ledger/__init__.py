"""`bodyscan ledger`: one file a command, imported only when it runs."""

from __future__ import annotations

from typing import ClassVar

import typer

from bodyscan.cli.lazy import LazyGroup


class LedgerCommands(LazyGroup):
    """All commands about uses and pay."""

    table: ClassVar[dict[str, tuple[str, str]]] = {
        "use": ("bodyscan.cli.ledger.use", "Write a use of a twin down, where its consent allows it."),
        "void": ("bodyscan.cli.ledger.void", "Say that a use does not count."),
        "list": ("bodyscan.cli.ledger.list", "List uses, people, or outputs that were never written."),
        "statement": ("bodyscan.cli.ledger.statement", "What a person is owed for a period."),
        "checkpoint": ("bodyscan.cli.ledger.checkpoint", "Sign the ledger as it is, to be handed out."),
        "verify": ("bodyscan.cli.ledger.verify", "Was the ledger edited, cut off or written anew?"),
        "check": ("bodyscan.cli.ledger.check", "Check a statement against a checkpoint."),
    }


app = typer.Typer(
    cls=LedgerCommands, help="Uses and pay: written down, proved, billed.", no_args_is_help=True
)


@app.callback()
def ledger() -> None:
    """Uses and pay: every twin, render and export is written down, proved and billed."""
