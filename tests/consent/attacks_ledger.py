"""Attacks on the ledger, on a statement of pay and on a record's conditions of work."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bodyscan.consent.record import ConsentRecord, record_from_values
from bodyscan.ledger.checkpoint import Checkpoint, add_checkpoint
from bodyscan.ledger.entry import parse_entry
from bodyscan.ledger.verify import Problem
from consent.attacks_base import record_values
from consent.people import STRANGER, STUDIO
from ledger.bills import june_statement
from ledger.uses import BENS, NOW, chain_anew, guard, open_new, rewrite, use, without_guards

Tamper = Callable[[sqlite3.Connection], object]


@dataclass(frozen=True)
class LedgerAttack:
    """One row: what is done to a sound ledger of nine entries, and what a check must find."""

    name: str
    tamper: Tamper
    expected: frozenset[Problem]
    """All that is found with the checkpoint that the person was handed."""
    reason: str = ""
    """A piece of one finding."""


@dataclass(frozen=True)
class StatementAttack:
    """One row: what is done to a true statement of pay, and a piece of the problem that must be told."""

    name: str
    tamper: Callable[[dict[str, Any]], object]
    reason: str
    by_stranger: bool = False
    """True where the check is asked about another controller's key."""


@dataclass(frozen=True)
class LintAttack:
    """One row: a record that can be signed and holds, and the rule of a law or agreement that it breaks."""

    name: str
    changes: dict[str, Any]
    profile: str
    rule: str

    def record(self) -> ConsentRecord:
        """Return the record."""
        return record_from_values({**record_values(), **self.changes})


def sound_ledger(folder: Path) -> Checkpoint:
    """Make a ledger with eight uses of two people and a void; return the checkpoint that was handed out."""
    with open_new(folder) as ledger:
        ledger.append_many([use(number) if number % 2 else use(number, BENS) for number in range(8)])
        ledger.void(2, NOW, "a mistake")
        return add_checkpoint(ledger, STUDIO, NOW)


def tamper_with(folder: Path, change: Tamper) -> None:
    """Change the ledger past its guards and put them back, so that the file looks untouched."""
    connection = without_guards(folder / "ledger.sqlite")
    change(connection)
    guard(connection)


def _nothing(file: sqlite3.Connection) -> None:
    """The sound ledger."""


def _edit(file: sqlite3.Connection) -> None:
    rewrite(file, 4, units=2)


def _written_anew(file: sqlite3.Connection) -> None:
    rewrite(file, 4, territory="US-CA")
    chain_anew(file)
    (body,) = file.execute("SELECT body FROM entries WHERE sequence = 4").fetchone()
    file.execute("UPDATE entries SET use_key = ? WHERE sequence = 4", (parse_entry(body).use_key(),))
    file.execute("DELETE FROM checkpoints")


def _truncate(file: sqlite3.Connection) -> None:
    file.execute("DELETE FROM entries WHERE sequence > 6")
    file.execute("DELETE FROM checkpoints")


def _delete(file: sqlite3.Connection) -> None:
    file.execute("DELETE FROM entries WHERE sequence = 4")


def _swap(file: sqlite3.Connection) -> None:
    for old, new in ((4, -4), (5, 4), (-4, 5)):
        file.execute("UPDATE entries SET sequence = ? WHERE sequence = ?", (new, old))


def _void_other(file: sqlite3.Connection) -> None:
    rewrite(file, 9, voids=3)
    file.execute("UPDATE entries SET voids = 3 WHERE sequence = 9")
    chain_anew(file)


def _backdate(file: sqlite3.Connection) -> None:
    rewrite(file, 8, at="2026-04-01T00:00:00Z")
    chain_anew(file)


def _forget(file: sqlite3.Connection) -> None:
    file.execute("DELETE FROM people WHERE id = 1")


def _other_file(file: sqlite3.Connection) -> None:
    """A file of the verifier's machine is put on the list of what an erasure deletes."""
    file.execute("UPDATE outputs SET sha256 = 'x', place = '../../../etc/passwd' WHERE sequence = 4")


LEDGERS: tuple[LedgerAttack, ...] = (
    LedgerAttack("The sound ledger.", _nothing, frozenset()),
    LedgerAttack("Ledger edit: the units of one entry.", _edit, frozenset({Problem.EDIT, Problem.FORK})),
    LedgerAttack(
        "Ledger truncation: the last three entries and all checkpoints in it.",
        _truncate,
        frozenset({Problem.TRUNCATION}),
        "3 were cut off",
    ),
    LedgerAttack(
        "Written anew: an entry is changed and every hash computed again.",
        _written_anew,
        frozenset({Problem.FORK}),
        "some were changed since",
    ),
    LedgerAttack(
        "An entry is taken out of the middle.",
        _delete,
        frozenset({Problem.ORDER, Problem.EDIT, Problem.TRUNCATION}),
        "entry 4 is missing",
    ),
    LedgerAttack(
        "Two entries change places.",
        _swap,
        frozenset({Problem.ORDER, Problem.EDIT, Problem.FORK, Problem.PERSONAL}),
    ),
    LedgerAttack(
        "A void is turned to another person's use, so that it is not paid.",
        _void_other,
        frozenset({Problem.BAD_VOID, Problem.FORK}),
        "no use of this person",
    ),
    LedgerAttack(
        "A use is dated back by two months.", _backdate, frozenset({Problem.DATE, Problem.FORK}), "is dated"
    ),
    LedgerAttack(
        "A person's data vanish without an erasure.", _forget, frozenset({Problem.PERSONAL}), "are missing"
    ),
    LedgerAttack(
        "Path traversal: `../../../etc/passwd` stands on the list of a use's files.",
        _other_file,
        frozenset({Problem.PERSONAL}),
        "was changed",
    ),
)


def statement_of(folder: Path) -> tuple[dict[str, Any], Checkpoint]:
    """Return the values of a true statement of June and the checkpoint that the person was handed."""
    statement, handed = june_statement(folder)
    return json.loads(statement.model_dump_json()), handed


def _fewer(values: dict[str, Any]) -> None:
    del values["entries"][2], values["lines"][-1]


def _cheaper(values: dict[str, Any]) -> None:
    line = next(line for line in values["lines"] if line["amount"])
    line["amount"] = "0.01"


def _lower(values: dict[str, Any]) -> None:
    values["totals"][0]["rounded"] = "0.01"


def _entry(values: dict[str, Any]) -> None:
    item = values["entries"][0]
    item["body"] = item["body"].replace('"purpose":"make_twin"', '"purpose":"research"')


def _plain(values: dict[str, Any]) -> None:
    values["entries"][1]["record_id"] = "00000000-0000-4000-8000-00000000000f"


STATEMENTS: tuple[StatementAttack, ...] = (
    StatementAttack("The true statement.", lambda values: None, ""),
    StatementAttack("A use is left out of a statement.", _fewer, "not numbered without a gap"),
    StatementAttack("A line of a statement is lower than it is.", _cheaper, "do not follow from the entries"),
    StatementAttack("The sum of a statement is lower than it is.", _lower, "totals do not follow"),
    StatementAttack(
        "The purpose of a use is changed in a statement.", _entry, "does not stand in the ledger"
    ),
    StatementAttack("A use is put under another record in a statement.", _plain, "is not what it holds"),
    StatementAttack(
        "A statement under somebody else's key.",
        lambda values: None,
        "not signed by the controller's key",
        by_stranger=True,
    ),
)

AGENCY = {"name": "Agency", "contact": "mailto:a@agency.example.org"}
LINTS: tuple[LintAttack, ...] = (
    LintAttack(
        "Commission over 20 %.",
        {"agency": {**AGENCY, "commission_percent": "20.01"}},
        "new-york",
        "NYFWA-7",
    ),
    LintAttack("Power of attorney.", {"power_of_attorney": True}, "new-york", "NYFWA-6"),
    LintAttack("The consent stands in a contract.", {"separate_document": False}, "new-york", "NYFWA-1"),
    LintAttack("Unpaid.", {"pay": {"kind": "unpaid"}}, "new-york", "NYFWA-3"),
)


def keys_of(row: StatementAttack) -> tuple[Any, ...]:
    """Return the key that the check is asked about."""
    return ((STRANGER if row.by_stranger else STUDIO).public,)
