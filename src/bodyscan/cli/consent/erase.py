"""`bodyscan consent erase`: forget a person, and list what must go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bodyscan.cli.consent.common import JsonFlag, NowOption, clock
from bodyscan.cli.errors import run_guarded
from bodyscan.cli.ledger.common import LedgerOption, open_to_write
from bodyscan.cli.output import print_result
from bodyscan.errors import InputError

if TYPE_CHECKING:
    from bodyscan.ledger import Erased, Ledger
    from bodyscan.ledger.people import IndexedOutput

app = typer.Typer()


@app.command(epilog="Exit codes: 0 done, 2 usage, 3 input, or pay is open.")
@run_guarded
def erase(
    subject: Annotated[
        str | None, typer.Option(help="The person: pseudonym, key thumbprint or record id.")
    ] = None,
    settled: Annotated[bool, typer.Option("--settled", help="Everything that was owed is paid.")] = False,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete the outputs that are still in place and unchanged.")
    ] = False,
    scrub: Annotated[
        bool, typer.Option("--scrub", help="Only overwrite what was deleted before, where that was held up.")
    ] = False,
    ledger: LedgerOption = None,
    now: NowOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Destroy a person's salt and names in the ledger, and list every file that must go.

    The chain and its checkpoints still hold; nobody can tie an entry to the person any more. The list is
    printed once: keep it. Scans, statements, backups and copies that the ledger does not know are yours to
    find.
    """
    with open_to_write(ledger) as opened:
        if scrub:
            _scrub(opened, subject)
            return
        if subject is None:
            raise InputError("give the person: --subject PSEUDONYM, a key's thumbprint or a record's id.")

        from bodyscan.ledger import erase_person, find_person

        done = erase_person(opened, find_person(opened, subject), clock(now), settled=settled, delete=delete)
    values, rows = _told(done)
    print_result(values, rows, as_json)


def _scrub(ledger: Ledger, subject: str | None) -> None:
    from bodyscan.ledger.erase import scrub

    if subject is not None:
        raise InputError("--scrub erases nobody; leave --subject out, or leave --scrub out.")
    scrub(ledger)
    typer.echo("the ledger's file was written anew, and its log emptied")


def _told(done: Erased) -> tuple[dict[str, object], list[tuple[str, str]]]:
    from bodyscan.ledger.statement import money

    values: dict[str, object] = {
        "entry": done.receipt.sequence,
        "earned": {total.currency: total.rounded for total in done.owed},
        "outputs": [
            {
                "entry": each.output.sequence,
                "place": each.output.place,
                "sha256": each.output.sha256,
                "kind": each.output.kind,
                "state": str(each.state),
                "message": each.message,
            }
            for each in done.outputs
        ],
    }
    rows = [(str(each.state), _words(each.output, each.message)) for each in done.outputs]
    counts: dict[str, int] = {}
    for each in done.outputs:
        counts[str(each.state)] = counts.get(str(each.state), 0) + 1
    rows.append(("outputs", ", ".join(f"{count} {state}" for state, count in counts.items()) or "none"))
    earned = ", ".join(money(total.rounded, total.currency) for total in done.owed)
    rows.append(("settled", earned or "nothing was owed"))
    rows.append(
        ("erased", f"entry {done.receipt.sequence} says so; the chain and its checkpoints still hold")
    )
    return values, rows


def _words(output: IndexedOutput, message: str) -> str:
    told = f"{output.kind}, SHA-256 {output.sha256}"
    return f"{output.place}  ({told}){f': {message}' if message else ''}"
