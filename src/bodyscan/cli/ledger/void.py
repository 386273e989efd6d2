"""`bodyscan ledger void`: a use that does not count."""

from __future__ import annotations

from typing import Annotated

import typer

from bodyscan.cli.consent.common import JsonFlag, NowOption, clock
from bodyscan.cli.errors import run_guarded
from bodyscan.cli.ledger.common import LedgerOption, open_to_write
from bodyscan.cli.output import print_result

app = typer.Typer()


@app.command()
@run_guarded
def void(
    entry: Annotated[int, typer.Argument(metavar="ID", help="Number of the entry.")],
    reason: Annotated[str, typer.Option(help="Why: the person reads it in their statement.")],
    ledger: LedgerOption = None,
    now: NowOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Say that a use does not count: it did not take place, or was written down by mistake.

    The entry stays; a new one takes it back, and statements show both.
    """
    with open_to_write(ledger) as opened:
        receipt = opened.void(entry, clock(now), reason)
    values = {"entry": receipt.sequence, "voids": entry, "hash": receipt.entry_hash}
    print_result(values, [("entry", f"{receipt.sequence}, voids entry {entry}"), ("reason", reason)], as_json)
