"""Destroying what is personal of one person: their salt, names, record, references and the index of outputs.

The chain stays as it is and its checkpoints hold; the tags in it can no longer be opened by anybody who does
not have a copy of the salt (the person has, in their statements). Deleted bytes are overwritten, the file is
written anew and its log emptied; what a file system or a backup keeps of the old bytes is not in its power.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from bodyscan.consent.policy import check_clock
from bodyscan.errors import InputError
from bodyscan.ledger.append import Writer
from bodyscan.ledger.entry import parse_entry
from bodyscan.ledger.people import IndexedOutput, Person, outputs_of
from bodyscan.ledger.schema import sqlite_errors
from bodyscan.ledger.statement import StatementTotal, money, owed
from bodyscan.ledger.store import Ledger
from bodyscan.ledger.use import Receipt


class OutputState(StrEnum):
    """Where a file of the index is now."""

    THERE = "there"
    """At its path, byte for byte."""
    DELETED = "deleted"
    """Was there and was deleted."""
    CHANGED = "changed"
    """At its path lies something else: look at it."""
    MOVED = "moved"
    """Nothing lies at its path: it was moved or deleted."""
    ELSEWHERE = "elsewhere"
    """At an address (`s3://`), where nobody looked: delete it there."""
    UNPROVED = "unproved"
    """The chain does not name it, so it is not deleted for you: look at it."""
    KEPT = "kept"
    """It could not be deleted; the message says why."""


@dataclass(frozen=True)
class FoundOutput:
    """A file that must go, and where it is."""

    output: IndexedOutput
    state: OutputState
    message: str = ""


@dataclass(frozen=True)
class Erased:
    """What was destroyed."""

    receipt: Receipt
    """The entry that says so."""
    outputs: tuple[FoundOutput, ...]
    owed: tuple[StatementTotal, ...]
    """All that the ledger says was ever owed; payments are not in it."""


def find_outputs(ledger: Ledger, person: Person) -> tuple[FoundOutput, ...]:
    """Return every file that came of a person's uses, and whether it still lies where it was written."""
    proved: dict[int, set[str]] = {}
    for stored in ledger.entries(person.tag):
        try:
            proved[stored.sequence] = parse_entry(stored.body).output_tags
        except ValueError as error:
            raise InputError(f"entry {stored.sequence} cannot be read: {error}.") from None
    blinder = person.blinder
    found = []
    for output in outputs_of(ledger, person):
        named = blinder.tag("output", output.sha256) in proved.get(output.sequence, set())
        found.append(FoundOutput(output, _state_of(output) if named else OutputState.UNPROVED))
    return tuple(found)


def delete_outputs(found: Iterable[FoundOutput]) -> tuple[FoundOutput, ...]:
    """Delete the files that are where they were written, byte for byte; return the new state of each."""
    return tuple(_delete(each) if each.state is OutputState.THERE else each for each in found)


def erase_person(
    ledger: Ledger, person: Person, now: datetime, *, settled: bool, delete: bool = False
) -> Erased:
    """Destroy a person's salt and all personal rows, and append an entry that says so.

    With `delete` the outputs that are still in place and unchanged are deleted first. Afterwards the list of
    the others is in the answer alone: keep it. Raises `InputError` where the ledger says that something is
    owed and `settled` does not say that it was paid, or where another process keeps the ledger open.
    """
    check_clock(now)
    sums = owed(ledger, person, now)
    if sums and not settled:
        amounts = ", ".join(money(total.rounded, total.currency) for total in sums)
        raise InputError(
            f"the ledger says that {amounts} are owed to {person.identity} in all, and does not know what "
            "was paid. Pay what is open and say so with --settled; nothing was erased."
        )
    found = find_outputs(ledger, person)
    if delete:
        found = delete_outputs(found)
    with ledger.writing() as connection:
        receipt = Writer(connection, ledger.ledger_id).erase(person.tag, now)
        for table in ("outputs", "details", "records"):
            connection.execute(f"DELETE FROM {table} WHERE person = ?", (person.row,))
        connection.execute("DELETE FROM people WHERE id = ?", (person.row,))
    scrub(ledger)
    return Erased(receipt, found, sums)


def scrub(ledger: Ledger) -> None:
    """Write the file anew without deleted bytes, and empty its log.

    Raises `InputError` where another process keeps the ledger open, so that old bytes stay in the log.
    """
    with sqlite_errors(ledger.path):
        connection = ledger.connection
        _empty_log(ledger)
        connection.execute("VACUUM")
        _empty_log(ledger)


def _empty_log(ledger: Ledger) -> None:
    busy, _, _ = ledger.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise InputError(
            f"the data are deleted, but another process keeps the ledger {ledger.path} open, so that old "
            "bytes stay in its log. End that process and run `bodyscan consent erase --scrub`."
        )


def _state_of(output: IndexedOutput) -> OutputState:
    if "://" in output.place:
        return OutputState.ELSEWHERE
    path = Path(output.place)
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            return OutputState.CHANGED  # a link or a folder: what it leads to is not ours to delete
        with path.open("rb") as stream:
            same = hashlib.file_digest(stream, "sha256").hexdigest() == output.sha256
    except (FileNotFoundError, NotADirectoryError):
        return OutputState.MOVED
    except (OSError, ValueError):
        return OutputState.CHANGED
    return OutputState.THERE if same else OutputState.CHANGED


def _delete(found: FoundOutput) -> FoundOutput:
    # Looked at again just before: the file may have been replaced since.
    state = _state_of(found.output)
    if state is not OutputState.THERE:
        return FoundOutput(found.output, state)
    try:
        Path(found.output.place).unlink()
    except OSError as error:
        return FoundOutput(found.output, OutputState.KEPT, error.strerror or str(error))
    return FoundOutput(found.output, OutputState.DELETED)
