"""The ledger: uses are appended, never changed.

One object serves one thread; several processes may share the file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from bodyscan.consent.fields import check_text
from bodyscan.consent.policy import check_clock
from bodyscan.errors import InputError
from bodyscan.ledger.append import Again, Writer
from bodyscan.ledger.schema import connect, create_ledger, sqlite_errors
from bodyscan.ledger.use import Receipt, UseEntry

WAIT_S = 30.0
"""How long a process waits for the others."""


@dataclass(frozen=True)
class StoredEntry:
    """A row of the chain, as it stands in the file: not checked here."""

    sequence: int
    body: str
    """Canonical JSON."""
    hash: bytes
    subject: bytes
    number: int
    use_key: bytes | None
    voids: int | None
    latest: str
    """Time of the latest use so far that counts; empty where there is none."""


class Ledger:
    """An open ledger. Use as a context manager, or `close` it."""

    def __init__(self, path: Path, connection: sqlite3.Connection, ledger_id: str) -> None:
        """Take an open file; `Ledger.open` is the way in."""
        self.path = path
        self.ledger_id = ledger_id
        """A UUID: checkpoints name it."""
        self.connection = connection
        """SQLite's own; the other files of this room read with it."""

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        create: bool = True,
        now: datetime | None = None,
        read_only: bool = False,
        wait_s: float = WAIT_S,
    ) -> Ledger:
        """Open the ledger at `path`; where no file is there and `create` holds, make one dated `now`.

        Raises `InputError` where there is none, or the file is empty, damaged, no ledger, changed in its
        tables, or may not be opened.
        """
        path = Path(path)
        if create and not read_only and not path.exists():
            if now is None:
                raise InputError(f"there is no ledger {path}; to make one, give the time.")
            check_clock(now)
            create_ledger(path, now)
        elif not path.exists():
            raise InputError(f"there is no ledger {path}; give its file, or write a use down to begin one.")
        connection = connect(path, read_only=read_only, wait_s=wait_s)
        try:
            with sqlite_errors(path):
                row = connection.execute("SELECT id FROM ledger").fetchone()
            if row is None:
                raise InputError(f"the ledger {path} is damaged: it has no name.")
        except BaseException:
            connection.close()
            raise
        return cls(path, connection, row[0])

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. Everything that was appended is in it already."""
        self.connection.close()

    # Reading

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Let all reads inside see the ledger as it is now, whatever others append meanwhile."""
        if self.connection.in_transaction:
            yield
            return
        with sqlite_errors(self.path):
            self.connection.execute("BEGIN")
            try:
                yield
            finally:
                self.connection.execute("ROLLBACK")

    def __bool__(self) -> bool:
        """True: an empty ledger is one too."""
        return True

    def __len__(self) -> int:
        """Number of entries."""
        with sqlite_errors(self.path):
            return self.connection.execute("SELECT coalesce(max(sequence), 0) FROM entries").fetchone()[0]

    def entries(self, subject: str | None = None) -> Iterator[StoredEntry]:
        """Yield the chain in its order, or the entries of one person's tag."""
        query = "SELECT sequence, body, hash, subject, number, use_key, voids, latest FROM entries"
        values: tuple[Any, ...] = ()
        if subject is not None:
            query, values = f"{query} WHERE subject = ?", (bytes.fromhex(subject),)
        with sqlite_errors(self.path):
            for row in self.connection.execute(f"{query} ORDER BY sequence", values):
                yield StoredEntry(*row)

    def hashes(self) -> Iterator[bytes]:
        """Yield the hashes of the chain in its order."""
        with sqlite_errors(self.path):
            for (value,) in self.connection.execute("SELECT hash FROM entries ORDER BY sequence"):
                yield value

    # Writing

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Hold the ledger for writing; all of it is on the disk afterwards, or nothing where it fails."""
        with sqlite_errors(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    if self.connection.in_transaction:
                        self.connection.execute("ROLLBACK")
                raise

    def append(self, use: UseEntry, *, again: Again = "refuse") -> Receipt:
        """Write one use down. Once this returns it is on the disk; see `append_many` for the errors."""
        return self.append_many((use,), again=again)[0]

    def append_many(self, uses: Iterable[UseEntry], *, again: Again = "refuse") -> tuple[Receipt, ...]:
        """Write a group of uses down, all or none, with one wait for the disk.

        Raises `DoubleUseError` where one stands in the ledger already and was not voided (`again="refuse"`),
        `InputError` where one is dated more than a day before the last, or the file cannot be written.
        """
        uses = tuple(uses)  # made before the ledger is held: others wait meanwhile
        with self.writing() as connection:
            writer = Writer(connection, self.ledger_id)
            receipts = tuple(writer.add(use, again) for use in uses)
            writer.flush()
            return receipts

    def standing(self, use: UseEntry) -> int | None:
        """Return the entry in which this use stands and was not voided; None where there is none.

        Nothing is written, also where the person is not known yet.
        """
        with sqlite_errors(self.path):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                return Writer(self.connection, self.ledger_id).standing(use)
            finally:
                self.connection.execute("ROLLBACK")

    def void(self, sequence: int, at: datetime, reason: str) -> Receipt:
        """Say that an earlier use does not count: it did not take place, or was written by mistake.

        Raises `InputError` where there is no such use, it is voided already, or the reason is no text.
        """
        check_clock(at)
        if not 1 <= len(reason) <= 200:
            raise InputError(f"the reason has {len(reason)} characters; give 1 to 200.")
        try:
            check_text(reason)
        except ValueError as error:
            raise InputError(f"the reason {error}.") from None
        with self.writing() as connection:
            return Writer(connection, self.ledger_id).void(sequence, at, reason)

    def mark_written(self, receipt: Receipt) -> None:
        """Note that a use's outputs are where they should be; `pending` lists the others."""
        with self.writing() as connection:
            connection.execute(
                "UPDATE outputs SET written = 1 WHERE sequence = ? AND written = 0", (receipt.sequence,)
            )
