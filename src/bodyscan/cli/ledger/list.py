"""`bodyscan ledger list`: what is in the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bodyscan.cli.consent.common import JsonFlag, NowOption, clock
from bodyscan.cli.errors import run_guarded
from bodyscan.cli.ledger.common import LedgerOption, open_to_read
from bodyscan.cli.output import print_result
from bodyscan.errors import InputError

if TYPE_CHECKING:
    from datetime import datetime

    from bodyscan.ledger import Ledger

app = typer.Typer()
Listed = tuple[list[dict[str, Any]], list[tuple[str, str]]]


@app.command(name="list")
@run_guarded
def list_(
    subject: Annotated[
        str | None, typer.Option(help="One person's uses: pseudonym, key thumbprint or record id.")
    ] = None,
    people: Annotated[
        bool, typer.Option("--people", help="The people instead, and what they earned.")
    ] = False,
    pending: Annotated[
        bool, typer.Option("--pending", help="Uses whose run was cut off before their output was written.")
    ] = False,
    last: Annotated[int, typer.Option(min=1, help="How many of the newest uses.")] = 50,
    ledger: LedgerOption = None,
    now: NowOption = None,
    as_json: JsonFlag = False,
) -> None:
    """List the newest uses; or the people; or uses without an output, which can be voided."""
    if people and pending:
        raise InputError("--people and --pending are two lists; give one of them.")
    with open_to_read(ledger) as opened, opened.snapshot():
        if people:
            values, rows = _people(opened, clock(now))
        elif pending:
            values, rows = _pending(opened)
        else:
            values, rows = _uses(opened, subject, last)
    print_result(values, rows or [("nothing", "to list")], as_json)


def _uses(ledger: Ledger, subject: str | None, last: int) -> Listed:
    from bodyscan.consent.fields import format_utc
    from bodyscan.ledger import all_people, find_person
    from bodyscan.ledger.entry import parse_entry
    from bodyscan.ledger.people import details_of

    known = (find_person(ledger, subject),) if subject else all_people(ledger)
    names = {person.tag: ", ".join(person.pseudonyms) for person in known}
    details = {at: each for person in known for at, each in details_of(ledger, person).items()}
    stored = list(ledger.entries(known[0].tag if subject else None))[-last:]
    values, rows = [], []
    for each in stored:
        try:
            entry = parse_entry(each.body)
        except ValueError as error:
            raise InputError(f"entry {each.sequence} cannot be read: {error}. Run `ledger verify`.") from None
        detail = details.get(entry.sequence)
        value = {
            "entry": entry.sequence,
            "at": format_utc(entry.at),
            "kind": str(entry.kind),
            "subject": names.get(entry.subject),
            "purpose": entry.purpose,
            "territory": entry.territory,
            "medium": entry.medium,
            "licensee": entry.licensee,
            "reference": detail.reference if detail else None,
            "voids": entry.voids,
            "hash": each.hash.hex(),
        }
        values.append(value)
        told = [entry.purpose, entry.territory, entry.medium, entry.licensee, value["reference"]]
        told += [f"voids entry {entry.voids}"] if entry.voids else []
        who = names.get(entry.subject, "erased")
        words = ", ".join(str(part) for part in told if part)
        rows.append((str(entry.sequence), f"{value['at']}  {entry.kind:<6}  {who}  {words}".rstrip()))
    return values, rows


def _people(ledger: Ledger, now: datetime) -> Listed:
    from bodyscan.ledger import all_people, owed
    from bodyscan.ledger.statement import money

    values, rows = [], []
    for person in all_people(ledger):
        totals = owed(ledger, person, now)
        count = sum(1 for _ in ledger.entries(person.tag))
        sums = {total.currency: total.rounded for total in totals}
        names = ", ".join(person.pseudonyms)
        values.append({"subject": names, "key": person.identity, "entries": count, "earned": sums})
        earned = ", ".join(money(total.rounded, total.currency) for total in totals) or "nothing"
        rows.append((names, f"{person.identity}  {count:,} entries  earned in all {earned}"))
    return values, rows


def _pending(ledger: Ledger) -> Listed:
    from bodyscan.ledger import pending

    found = pending(ledger)
    values = [{"entry": each.sequence, "place": each.place, "sha256": each.sha256} for each in found]
    return values, [(str(each.sequence), each.place) for each in found]
