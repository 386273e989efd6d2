"""The statement: what a person is owed for a period, and what they need to check it themselves.

It holds the person's salt, which opens the tags of their own entries, and every entry of theirs from the
first to the end of the period, numbered without a gap, each with its proof against the last checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from bodyscan.consent.fields import Sha256Hex, StrictModel, UtcTime
from bodyscan.consent.policy import check_clock
from bodyscan.errors import InputError
from bodyscan.ledger.charges import Line, lines_of, totals_of
from bodyscan.ledger.checkpoint import Checkpoint, last_checkpoint
from bodyscan.ledger.currency import plain
from bodyscan.ledger.entry import Entry, first_hash, parse_entry
from bodyscan.ledger.merkle import Tree, build_tree
from bodyscan.ledger.people import Detail, IndexedOutput, Person, details_of, outputs_of
from bodyscan.ledger.store import Ledger, StoredEntry
from bodyscan.ledger.use import EntryKind

STATEMENT_SCHEMA = "urn:bodyscan:statement:1"


class StatementSubject(StrictModel):
    """Whose statement it is."""

    pseudonyms: tuple[str, ...]
    identity: str
    """Thumbprint of their key; for a child without one a record's id."""
    tag: Sha256Hex
    """By which the ledger's entries know them."""
    salt: Sha256Hex
    """The secret that opens the tags, 32 bytes as hex. Keep it to yourself."""


class StatementRecord(StrictModel):
    """A consent record under which uses were paid."""

    record_id: str
    pseudonym: str
    controller: str
    """Name of who pays."""
    controller_key: str
    """Their public key as JWK text."""
    terms: tuple[str, ...]
    """In words, as they stand in the entries of the record."""
    signed: str
    """The signed record; empty where it was not at hand."""


class StatementLine(StrictModel):
    """One entry of the period, readable."""

    sequence: int
    at: UtcTime
    kind: EntryKind
    purpose: str | None
    territory: str | None
    medium: str | None
    licensee: str | None
    reference: str | None
    output: str | None
    """Name of the main output's file."""
    units: int | None
    revenue: str | None
    revenue_currency: str | None
    amount: str | None
    """What it adds to the bill, exact decimal text; negative where it takes back; None for nothing."""
    currency: str | None
    due: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")] | None
    """UTC date."""
    note: str


class StatementTotal(StrictModel):
    """What is owed in one currency."""

    currency: str
    exact: str
    rounded: str
    """Half to even at the currency's minor unit."""


class StatementOutput(StrictModel):
    """A file that came of a use."""

    sha256: Sha256Hex
    name: str
    kind: str


class ProvedEntry(StrictModel):
    """An entry as it stands in the chain, what its tags stand for, and its proof."""

    sequence: int
    body: str
    previous: Sha256Hex
    """Hash of the entry before it."""
    path: tuple[Sha256Hex, ...] | None
    """Audit path to the checkpoint's root; None where the entry is newer than the checkpoint."""
    record_id: str | None
    reference: str | None
    twin_id: str | None
    reason: str | None
    outputs: tuple[StatementOutput, ...]


class Statement(StrictModel):
    """All of it; `model_dump_json(by_alias=True)` is the file."""

    schema_: Annotated[Literal["urn:bodyscan:statement:1"], Field(alias="schema")]
    ledger_id: str
    made_at: UtcTime
    begin: Annotated[UtcTime, Field(alias="from")]
    """Included."""
    end: Annotated[UtcTime, Field(alias="to")]
    """Excluded."""
    subject: StatementSubject
    records: tuple[StatementRecord, ...]
    lines: tuple[StatementLine, ...]
    totals: tuple[StatementTotal, ...]
    checkpoint: str | None
    """Text of the last checkpoint; None where there is none."""
    entries: tuple[ProvedEntry, ...]

    @property
    def num_unproved(self) -> int:
        """Entries that are newer than the checkpoint."""
        return sum(entry.path is None for entry in self.entries)

    @property
    def billed(self) -> tuple[StatementLine, ...]:
        """Lines that add something."""
        return tuple(line for line in self.lines if line.amount is not None)

    @property
    def listed(self) -> tuple[StatementLine, ...]:
        """Lines that add nothing, each with the reason."""
        return tuple(line for line in self.lines if line.amount is None)


def make_statement(
    ledger: Ledger, person: Person, begin: datetime, end: datetime, now: datetime
) -> Statement:
    """Return what `person` is owed for the uses from `begin` (included) to `end` (excluded), UTC.

    Raises `InputError` where the period is empty, or an entry of the person cannot be read.
    """
    for name, moment in (("the period's begin", begin), ("the period's end", end), ("now", now)):
        check_clock(moment, name)
    if begin >= end:
        raise InputError(f"the period ends ({end.isoformat()}) before it begins ({begin.isoformat()}).")
    with ledger.snapshot():
        stored = _until(tuple(ledger.entries(person.tag)), end)
        previous = _previous(ledger, stored)
        details, outputs = details_of(ledger, person), outputs_of(ledger, person)
        checkpoint = last_checkpoint(ledger)
        tree = _tree(ledger, checkpoint)
    entries = tuple(_entry(each) for each in stored)
    lines = lines_of(entries, begin, end)
    by_entry: dict[int, list[IndexedOutput]] = {}
    for output in outputs:
        by_entry.setdefault(output.sequence, []).append(output)
    return Statement.model_validate(
        {
            "schema": STATEMENT_SCHEMA,
            "ledger_id": ledger.ledger_id,
            "made_at": now.replace(microsecond=0),
            "from": begin.replace(microsecond=0),
            "to": end.replace(microsecond=0),
            "subject": StatementSubject(
                pseudonyms=person.pseudonyms,
                identity=person.identity,
                tag=person.tag,
                salt=person.salt.hex(),
            ),
            "records": _records(person, entries),
            "lines": tuple(_line(each, details, by_entry) for each in lines),
            "totals": statement_totals(lines),
            "checkpoint": checkpoint.text if checkpoint else None,
            "entries": tuple(
                _proved(each, entry, previous, tree, details, by_entry, person)
                for each, entry in zip(stored, entries, strict=True)
            ),
        }
    )


def statement_totals(lines: Iterable[Line]) -> tuple[StatementTotal, ...]:
    """Return the sums of lines, as a statement holds them."""
    return tuple(
        StatementTotal(
            currency=total.currency,
            exact=plain(total.exact, total.currency),
            rounded=plain(total.rounded, total.currency),
        )
        for total in totals_of(lines)
    )


def line_money(line: Line) -> tuple[str | None, str | None, str | None, str]:
    """Return a line's amount, currency, due date and note, as a statement holds them."""
    if line.amount is None:
        return None, None, None, line.note
    due = line.due.isoformat() if line.due else None
    return plain(line.amount, line.currency), line.currency, due, line.note


def owed(ledger: Ledger, person: Person, now: datetime) -> tuple[StatementTotal, ...]:
    """Return all that the ledger says a person was ever owed, paid or not, for the uses until `now`."""
    entries = [_entry(stored) for stored in ledger.entries(person.tag)]
    end = max([now, *(entry.at for entry in entries)]) + timedelta(seconds=1)
    return statement_totals(lines_of(entries, datetime.min.replace(tzinfo=UTC), end))


def _until(stored: Sequence[StoredEntry], end: datetime) -> tuple[StoredEntry, ...]:
    """The person's entries up to the last one before `end`: numbered without a gap."""
    dated = [each.number for each in stored if _entry(each).at < end]
    last = max(dated, default=0)
    return tuple(each for each in stored if each.number <= last)


def _entry(stored: StoredEntry) -> Entry:
    try:
        return parse_entry(stored.body)
    except ValueError as error:
        raise InputError(
            f"entry {stored.sequence} of the ledger cannot be read: {error}. Run `bodyscan ledger verify`."
        ) from None


def _previous(ledger: Ledger, stored: Sequence[StoredEntry]) -> dict[int, bytes]:
    """Sequence -> hash of the entry before."""
    found: dict[int, bytes] = {}
    for each in stored:
        row = ledger.connection.execute(
            "SELECT hash FROM entries WHERE sequence = ?", (each.sequence - 1,)
        ).fetchone()
        found[each.sequence] = row[0] if row else first_hash(ledger.ledger_id)
    return found


def _tree(ledger: Ledger, checkpoint: Checkpoint | None) -> Tree | None:
    """The tree that the checkpoint signed, or `InputError` where the ledger is another one."""
    if checkpoint is None:
        return None
    hashes = [value for number, value in enumerate(ledger.hashes()) if number < checkpoint.size]
    tree = build_tree(hashes)
    if tree.size != checkpoint.size or tree.root != checkpoint.root:
        raise InputError(
            f"the ledger {ledger.path} is not the one of its last checkpoint: entries were changed or cut "
            "off. No statement is made of it; run `bodyscan ledger verify`."
        )
    return tree


def _records(person: Person, entries: Sequence[Entry]) -> tuple[StatementRecord, ...]:
    terms: dict[str, dict[str, None]] = {}
    for entry in entries:
        if entry.record is not None and entry.pay is not None:
            terms.setdefault(entry.record, {})[entry.pay.words()] = None
    return tuple(
        StatementRecord(
            record_id=record.record_id,
            pseudonym=record.pseudonym,
            controller=record.controller,
            controller_key=record.controller_key,
            terms=tuple(terms[record.tag]),
            signed=record.text,
        )
        for record in person.records
        if record.tag in terms
    )


def _line(
    line: Line, details: Mapping[int, Detail], outputs: Mapping[int, Sequence[IndexedOutput]]
) -> StatementLine:
    entry = line.entry
    detail = details.get(entry.sequence)
    names = [Path(output.place).name for output in outputs.get(entry.sequence, ())]
    amount, currency, due, note = line_money(line)
    if entry.kind is EntryKind.VOID and detail is not None and detail.reason:
        note = f"{note} ({detail.reason})"
    return StatementLine(
        sequence=entry.sequence,
        at=entry.at,
        kind=entry.kind,
        purpose=entry.purpose,
        territory=entry.territory,
        medium=entry.medium,
        licensee=entry.licensee,
        reference=detail.reference if detail else None,
        output=names[0] if names else None,
        units=entry.units,
        revenue=entry.revenue,
        revenue_currency=entry.currency,
        amount=amount,
        currency=currency,
        due=due,
        note=note,
    )


def _proved(
    stored: StoredEntry,
    entry: Entry,
    previous: Mapping[int, bytes],
    tree: Tree | None,
    details: Mapping[int, Detail],
    outputs: Mapping[int, Sequence[IndexedOutput]],
    person: Person,
) -> ProvedEntry:
    at = stored.sequence
    detail = details.get(at)
    covered = tree is not None and at <= tree.size
    record_ids = {record.tag: record.record_id for record in person.records}
    return ProvedEntry(
        sequence=at,
        body=stored.body,
        previous=previous[at].hex(),
        path=tuple(node.hex() for node in tree.inclusion_proof(at - 1)) if tree and covered else None,
        record_id=record_ids.get(entry.record or ""),
        reference=detail.reference if detail else None,
        twin_id=detail.twin_id if detail else None,
        reason=detail.reason if detail else None,
        outputs=tuple(
            StatementOutput(sha256=output.sha256, name=Path(output.place).name, kind=output.kind)
            for output in outputs.get(at, ())
        ),
    )


def period_words(begin: datetime, end: datetime) -> str:
    """Return a period in words, as `1 June 2026 to 30 June 2026 (UTC)`: the last day, not the end."""
    if begin.time() == end.time() == datetime.min.time():
        return f"{day_words(begin.date())} to {day_words(end.date() - timedelta(days=1))} (UTC)"
    return f"{begin:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} (UTC)"


def day_words(day: date) -> str:
    """Return a date in English words."""
    months = (
        "January", "February", "March", "April", "May", "June",
        "July", "August", "September", "October", "November", "December",
    )  # fmt: skip
    return f"{day.day} {months[day.month - 1]} {day.year}"


def money(amount: str, currency: str) -> str:
    """Return an amount for a person: the currency, and thousands set apart."""
    return f"{currency} {Decimal(amount):,f}"
