"""`bodyscan ledger check`: a person checks their statement."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bodyscan.cli.consent.common import JsonFlag, NowOption, clock, consent_text
from bodyscan.cli.errors import run_guarded
from bodyscan.cli.ledger.common import (
    EXIT_CODES,
    WRONG,
    HistoryOption,
    KeysOption,
    key_histories,
    public_keys,
    read_bytes,
)
from bodyscan.cli.output import print_result
from bodyscan.run.text_files import read_text

app = typer.Typer()


@app.command(epilog=EXIT_CODES)
@run_guarded
def check(
    file: Annotated[Path, typer.Argument(metavar="STATEMENT", help="The statement's JSON form.")],
    checkpoint: Annotated[Path, typer.Option(help="The checkpoint that you were handed.")],
    key: KeysOption = None,
    keys: HistoryOption = None,
    record: Annotated[
        Path | None, typer.Option(help="Your signed record or twin, which names the controller's key.")
    ] = None,
    now: NowOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Check that every entry of a statement stands in the signed ledger, and that the amounts follow.

    No ledger is needed. Without --key or --record the key counts that the statement names: compare it.
    """
    from bodyscan.consent import open_consent
    from bodyscan.ledger import check_statement, keys_named, parse_checkpoint, parse_statement, signers_of
    from bodyscan.ledger.check import MAX_STATEMENT_BYTES
    from bodyscan.ledger.statement import money, period_words

    statement = parse_statement(read_bytes(file, MAX_STATEMENT_BYTES), file.name)
    handed = parse_checkpoint(read_text(checkpoint), checkpoint.name)
    given = public_keys(key)
    if record is not None:
        given += (open_consent(consent_text(record)).record.controller.public_key,)
    moment = clock(now)
    histories = key_histories(keys, moment)
    known = bool(given or histories)
    signers = signers_of(given if known else keys_named(statement), histories, moment)
    checked = check_statement(statement, handed, signers.current)
    totals = {total.currency: total.rounded for total in statement.totals}
    values = {
        "ok": checked.ok,
        "problems": list(checked.problems),
        "proved": checked.num_proved,
        "entries": len(statement.entries),
        "totals": totals,
        "signed_by": handed.kid,
        "key_given": known,
    }
    rows = [("wrong", problem) for problem in checked.problems]
    rows.append(
        (
            "holds" if checked.ok else "DOES NOT HOLD",
            f"{checked.num_proved} of {len(statement.entries)} entries are proved by the checkpoint",
        )
    )
    rows.append(("period", period_words(statement.begin, statement.end)))
    owed = ", ".join(money(amount, currency) for currency, amount in totals.items()) or "nothing"
    rows.append(("owed", owed))
    source = "" if known else "; the statement named that key: compare it with your record"
    rows.append(("signed by", f"{handed.kid}{source}"))
    print_result(values, rows, as_json)
    if not checked.ok:
        raise typer.Exit(WRONG)
