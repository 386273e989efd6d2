"""The options of commands that write a use into the ledger, and what they tell of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bodyscan.ledger import Receipt

LEDGER_VARIABLE = "BODYSCAN_LEDGER"

LedgerOption = Annotated[
    Path | None,
    typer.Option(
        "--ledger", envvar=LEDGER_VARIABLE, help="Ledger of uses. Default: one in the user's data folder."
    ),
]
ReferenceOption = Annotated[
    str | None, typer.Option(help="Campaign, order or job, as the statement will name it.")
]


def receipt_row(receipt: Receipt) -> tuple[str, str]:
    """Return where a use stands in the ledger, as a row for a person."""
    again = "" if receipt.new else ", where this very use stood already: it is billed once"
    return "ledger", f"entry {receipt.sequence}{again}"
