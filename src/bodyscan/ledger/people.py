"""What is personal in a ledger: who stands behind a tag. All of it can be destroyed (`erase`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bodyscan.consent.fields import printable
from bodyscan.errors import InputError
from bodyscan.ledger.schema import sqlite_errors
from bodyscan.ledger.store import Ledger
from bodyscan.ledger.tags import Blinder


@dataclass(frozen=True)
class KnownRecord:
    """A consent record under which uses were written down."""

    tag: str
    record_id: str
    pseudonym: str
    text: str
    """The signed record; empty where it was not at hand."""
    controller: str
    """Name of who pays."""
    controller_key: str
    """Their public key as JWK text; empty where it was not at hand."""


@dataclass(frozen=True, repr=False)
class Person:
    """A person whose data were not destroyed."""

    row: int
    """Key of the personal tables."""
    tag: str
    """By which entries know them."""
    salt: bytes
    identity: str
    """Thumbprint of their key; for a child without one a record's id."""
    records: tuple[KnownRecord, ...]

    @property
    def blinder(self) -> Blinder:
        """Makes the person's tags."""
        return Blinder(self.salt)

    @property
    def pseudonyms(self) -> tuple[str, ...]:
        """The names by which their records call them."""
        return tuple(dict.fromkeys(record.pseudonym for record in self.records))


@dataclass(frozen=True)
class Detail:
    """What is personal of one entry."""

    sequence: int
    twin_id: str | None
    reference: str | None
    reason: str | None


@dataclass(frozen=True)
class IndexedOutput:
    """A file that came of a use."""

    sequence: int
    sha256: str
    place: str
    kind: str
    written: bool
    """False where the run that made it did not come to its end."""


def all_people(ledger: Ledger) -> tuple[Person, ...]:
    """Return everybody whose data are there, in the order in which they came."""
    with sqlite_errors(ledger.path):
        rows = ledger.connection.execute("SELECT id, tag, salt, identity FROM people ORDER BY id").fetchall()
    return tuple(Person(*row, records=_records(ledger, row[0])) for row in rows)


def find_person(ledger: Ledger, name: str) -> Person:
    """Return the person with this pseudonym, key thumbprint, record id or tag.

    Raises `InputError` where there is none, with the names that are known, or where several have it.
    """
    people = all_people(ledger)
    found = [
        person
        for person in people
        if name in (person.identity, person.tag, *person.pseudonyms)
        or name in (record.record_id for record in person.records)
    ]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(person.identity for person in found)
        raise InputError(
            printable(f"{len(found)} people are called {name}; give the key's thumbprint: {names}.")
        )
    known = _some(pseudonym for person in people for pseudonym in person.pseudonyms)
    raise InputError(printable(f"nobody in the ledger is called {name}; known are: {known}."))


def details_of(ledger: Ledger, person: Person) -> dict[int, Detail]:
    """Return what is personal of a person's entries, by sequence."""
    query = "SELECT sequence, twin_id, reference, reason FROM details WHERE person = ?"
    with sqlite_errors(ledger.path):
        return {row[0]: Detail(*row) for row in ledger.connection.execute(query, (person.row,))}


def outputs_of(ledger: Ledger, person: Person) -> tuple[IndexedOutput, ...]:
    """Return every file that came of a person's uses, entry by entry, the main file of each first."""
    query = (
        "SELECT sequence, sha256, place, kind, written FROM outputs WHERE person = ? "
        "ORDER BY sequence, position"
    )
    with sqlite_errors(ledger.path):
        rows = ledger.connection.execute(query, (person.row,)).fetchall()
    return tuple(IndexedOutput(*row[:4], written=bool(row[4])) for row in rows)


def known_twins(ledger: Ledger) -> dict[str, tuple[str, str]]:
    """Return the twins of the ledger's uses: id (16 hex digits) -> record id and pseudonym."""
    query = (
        "SELECT DISTINCT details.twin_id, records.record_id, records.pseudonym FROM details "
        "JOIN entries ON entries.sequence = details.sequence "
        "JOIN records ON records.tag = json_extract(entries.body, '$.record') "
        "WHERE details.twin_id IS NOT NULL ORDER BY details.sequence"
    )
    with sqlite_errors(ledger.path):
        return {row[0]: (row[1], row[2]) for row in ledger.connection.execute(query)}


def pending(ledger: Ledger) -> tuple[IndexedOutput, ...]:
    """Return the outputs of uses that count and whose run did not say that they were written.

    A killed run leaves such a use; where its file is not there, the use can be voided.
    """
    query = (
        "SELECT sequence, sha256, place, kind, written FROM outputs WHERE written = 0 AND NOT EXISTS "
        "(SELECT 1 FROM entries AS void WHERE void.voids = outputs.sequence) ORDER BY sequence, position"
    )
    with sqlite_errors(ledger.path):
        rows = ledger.connection.execute(query).fetchall()
    return tuple(IndexedOutput(*row[:4], written=False) for row in rows if not Path(row[2]).is_file())


def _records(ledger: Ledger, row: int) -> tuple[KnownRecord, ...]:
    query = (
        "SELECT tag, record_id, pseudonym, text, controller, controller_key FROM records "
        "WHERE person = ? ORDER BY record_id"
    )
    with sqlite_errors(ledger.path):
        return tuple(KnownRecord(*found) for found in ledger.connection.execute(query, (row,)))


def _some(names: Iterable[str], limit: int = 12) -> str:
    listed = list(dict.fromkeys(names))
    more = f" and {len(listed) - limit} more" if len(listed) > limit else ""
    return (", ".join(listed[:limit]) or "nobody") + more
