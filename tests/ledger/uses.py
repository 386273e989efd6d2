"""Uses of two made-up people, with fixed times; and a way past the ledger's guards."""

from __future__ import annotations

import hashlib
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bodyscan.consent.record import PayKind, PayUnit, Purpose
from bodyscan.ledger.entry import entry_hash, first_hash, parse_entry, use_text, utc_text
from bodyscan.ledger.schema import _GUARDS
from bodyscan.ledger.store import Ledger
from bodyscan.ledger.tags import Blinder
from bodyscan.ledger.terms import PayTerms, canonical_text
from bodyscan.ledger.use import Agreement, EntryKind, OutputRef, UseEntry
from consent.people import ANNA, record, signed

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
PER_USE = PayTerms(kind=PayKind.PER_USE, amount="12.50", currency="EUR", unit=PayUnit.USE, due_days=30)
ANNAS = Agreement(record().record_id, ANNA.thumbprint, "Anna 7", PER_USE, signed())
BENS = Agreement("00000000-0000-4000-8000-000000000002", "B" * 43, "Ben 3", PER_USE)


def sha(name: object) -> str:
    return hashlib.sha256(str(name).encode()).hexdigest()


def use(name: object = "a", agreement: Agreement = ANNAS, **changes: Any) -> UseEntry:
    """Return a use whose output is told by `name`."""
    values: dict[str, Any] = {
        "agreement": agreement,
        "kind": EntryKind.RENDER,
        "purpose": Purpose.VIRTUAL_TRY_ON,
        "at": NOW,
        "outputs": (OutputRef(f"/pictures/{name}.png", sha(name), "picture"),),
        "territory": "DE",
        "medium": "web",
        **changes,
    }
    return UseEntry(**values)


def text_of(made: UseEntry, sequence: int, blinder: Blinder, number: int | None = None) -> str:
    """Return the text of a use's entry."""
    return use_text(made, utc_text(made.at), sequence, number or sequence, blinder)[0]


def open_new(folder: Path) -> Ledger:
    """Return a new ledger in a folder."""
    return Ledger.open(folder / "ledger.sqlite", now=NOW)


def without_guards(path: Path) -> sqlite3.Connection:
    """Open the file as somebody does who wants to change it; `guard` puts the triggers back."""
    connection = sqlite3.connect(path, isolation_level=None)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    return connection


def guard(connection: sqlite3.Connection) -> None:
    """Put the triggers back, so that the file looks untouched, and close it."""
    connection.executescript(_GUARDS)
    connection.close()


def chain_anew(connection: sqlite3.Connection) -> None:
    """Compute every hash again, as a skilled forger does."""
    (ledger_id,) = connection.execute("SELECT id FROM ledger").fetchone()
    last = first_hash(ledger_id)
    for sequence, body in connection.execute(
        "SELECT sequence, body FROM entries ORDER BY sequence"
    ).fetchall():
        last = entry_hash(last, body)
        connection.execute("UPDATE entries SET hash = ? WHERE sequence = ?", (last, sequence))


def rewrite(connection: sqlite3.Connection, at: int, /, **changes: Any) -> None:
    """Change members of an entry's text; None removes one. Its hash stays as it was."""
    (body,) = connection.execute("SELECT body FROM entries WHERE sequence = ?", (at,)).fetchone()
    members = parse_entry(body).model_dump(mode="json", exclude_none=True)
    members = {name: value for name, value in {**members, **changes}.items() if value not in (None, [])}
    connection.execute("UPDATE entries SET body = ? WHERE sequence = ?", (canonical_text(members), at))
