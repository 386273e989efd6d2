"""Appending inside one transaction: the chain's tip, a person's salt, no use twice."""

from __future__ import annotations

import secrets
import sqlite3
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

from bodyscan.consent.fields import format_utc, parse_utc
from bodyscan.errors import InputError
from bodyscan.ledger.entry import entry_hash, first_hash, use_text, utc_text
from bodyscan.ledger.tags import SALT_BYTES, Blinder, subject_tag
from bodyscan.ledger.terms import canonical_text
from bodyscan.ledger.use import Agreement, DoubleUseError, EntryKind, Receipt, UseEntry

MAX_BACKDATE = timedelta(days=1)
"""How far before the last entry a use may be dated: time enough for a long batch beside short jobs, and too
little to slip a use into a period whose statement was given."""

Again = Literal["refuse", "return"]
"""What a second append of the same use does: raise `DoubleUseError`, or return the entry that is there."""


class _Tip(NamedTuple):
    """The end of the chain within one group of appends."""

    sequence: int
    hash: bytes
    latest: str
    """Time of the latest use that counts, as it stands in entries; empty where there is none."""


class _Holder(NamedTuple):
    """A person's row, within one group of appends."""

    row: int
    blinder: Blinder
    tag: str


class Writer:
    """Appends to the chain inside one transaction."""

    def __init__(self, connection: sqlite3.Connection, ledger_id: str) -> None:
        self.connection = connection
        self.holders: dict[str, _Holder] = {}
        self.records: set[tuple[str, str]] = set()
        self.numbers: dict[str, int] = {}
        self.details: list[tuple[Any, ...]] = []
        self.outputs: list[tuple[Any, ...]] = []
        self.tip = self._read_tip(ledger_id)

    def _read_tip(self, ledger_id: str) -> _Tip:
        row = self.connection.execute(
            "SELECT sequence, hash, latest FROM entries ORDER BY sequence DESC LIMIT 1"
        ).fetchone()
        return _Tip(*row) if row else _Tip(0, first_hash(ledger_id), "")

    def add(self, use: UseEntry, again: Again) -> Receipt:
        """Append a use."""
        holder = self._holder(use.agreement)
        tag = holder.tag
        number = self._count(tag) + 1
        at, latest = utc_text(use.at), self.tip.latest
        text, key = use_text(use, at, self.tip.sequence + 1, number, holder.blinder)
        try:
            receipt = self._append(text, tag, number, max(at, latest), key)
        except sqlite3.IntegrityError:
            # The file's own guard against double billing; asking it first would cost every use a look-up.
            found = self._standing(key)
            if found is None:
                raise
            if again == "refuse":
                raise _double(found[0], use) from None
            receipt = Receipt(found[0], found[1].hex(), new=False)
        else:
            if at < latest and use.at < parse_utc(latest) - MAX_BACKDATE:
                raise _too_early(at, latest)  # leaves the transaction, and with it takes the whole group back
            if use.twin_id is not None or use.reference is not None:
                self.details.append((holder.row, receipt.sequence, use.twin_id, use.reference, None))
        sequence = receipt.sequence
        self.outputs += [(holder.row, sequence, out.sha256, out.place, out.kind) for out in use.outputs]
        return receipt

    def standing(self, use: UseEntry) -> int | None:
        """Return the entry in which a use stands and was not voided, or None; take it all back afterwards."""
        _, key = use_text(use, utc_text(use.at), 1, 1, self._holder(use.agreement).blinder)
        found = self._standing(key)
        return found and found[0]

    def flush(self) -> None:
        """Write what is personal of the uses that were added; the last thing in the transaction."""
        self.connection.executemany(
            "INSERT INTO details (person, sequence, twin_id, reference, reason) VALUES (?, ?, ?, ?, ?)",
            self.details,
        )
        self.connection.executemany(
            # Behind what a repeated run finds there: the first run's main file stays the first.
            "INSERT INTO outputs (person, sequence, sha256, place, kind, position, written) "
            "VALUES (?1, ?2, ?3, ?4, ?5, (SELECT coalesce(max(position), -1) + 1 FROM outputs "
            "WHERE person = ?1 AND sequence = ?2), 0) ON CONFLICT DO NOTHING",
            self.outputs,
        )

    def void(self, sequence: int, at: datetime, reason: str) -> Receipt:
        """Append a void of a use."""
        row = self.connection.execute(
            "SELECT body, subject, use_key FROM entries WHERE sequence = ?", (sequence,)
        ).fetchone()
        if row is None:
            raise InputError(f"there is no entry {sequence}; the ledger has {self.tip.sequence} entries.")
        if row[2] is None:
            raise InputError(f"entry {sequence} is no use, so it cannot be voided; write the use down again.")
        earlier = self.connection.execute(
            "SELECT sequence FROM entries WHERE voids = ?", (sequence,)
        ).fetchone()
        if earlier is not None:
            raise InputError(f"entry {sequence} is voided already, by entry {earlier[0]}.")
        tag = row[1].hex()
        holder = self._holder_of_tag(tag)
        # Of a person whose data were destroyed no reason is kept either.
        more = {} if holder is None else {"reason": holder.blinder.tag("reason", reason)}
        receipt = self._append_plain(EntryKind.VOID, at, tag, voids=sequence, **more)
        if holder is not None:
            self.details.append((holder.row, receipt.sequence, None, None, reason))
            self.flush()
        return receipt

    def erase(self, tag: str, at: datetime) -> Receipt:
        """Append that a person's data are destroyed."""
        return self._append_plain(EntryKind.ERASE, at, tag)

    def _append_plain(self, kind: EntryKind, at: datetime, tag: str, **more: Any) -> Receipt:
        sequence, number = self.tip.sequence + 1, self._count(tag) + 1
        body = {"sequence": sequence, "at": format_utc(at), "kind": kind, "subject": tag, "number": number}
        voids: int | None = more.get("voids")
        latest = self._latest_without(voids) if voids is not None else self.tip.latest
        return self._append(canonical_text(body | more), tag, number, latest, None, voids)

    def _append(
        self, text: str, tag: str, number: int, latest: str, key: bytes | None, voids: int | None = None
    ) -> Receipt:
        sequence, digest = self.tip.sequence + 1, entry_hash(self.tip.hash, text)
        self.connection.execute(
            "INSERT INTO entries (sequence, body, hash, subject, number, use_key, voids, latest) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (sequence, text, digest, bytes.fromhex(tag), number, key, voids, latest),
        )
        self.tip = _Tip(sequence, digest, latest)
        self.numbers[tag] = number
        return Receipt(sequence, digest.hex(), new=True)

    def _standing(self, key: bytes) -> tuple[int, bytes] | None:
        """The entry of the same use that was not voided."""
        return self.connection.execute(
            "SELECT sequence, hash FROM entries AS e WHERE use_key = ? AND NOT EXISTS "
            "(SELECT 1 FROM entries AS v WHERE v.voids = e.sequence)",
            (key,),
        ).fetchone()

    def _latest_without(self, voided: int) -> str:
        query = "SELECT json_extract(body, '$.at') FROM entries WHERE sequence = ?"
        if self.connection.execute(query, (voided,)).fetchone()[0] != self.tip.latest:
            return self.tip.latest
        return self.connection.execute(
            "SELECT coalesce(max(json_extract(body, '$.at')), '') FROM entries AS e "
            "WHERE use_key IS NOT NULL AND sequence <> ? AND NOT EXISTS "
            "(SELECT 1 FROM entries AS v WHERE v.voids = e.sequence)",
            (voided,),
        ).fetchone()[0]

    def _count(self, tag: str) -> int:
        found = self.numbers.get(tag)
        if found is None:
            query = "SELECT coalesce(max(number), 0) FROM entries WHERE subject = ?"
            found = self.connection.execute(query, (bytes.fromhex(tag),)).fetchone()[0]
            self.numbers[tag] = found
        return found

    def _holder(self, agreement: Agreement) -> _Holder:
        """The person of an agreement, with a new salt where they are new; and the record, noted."""
        identity = agreement.identity
        if identity not in self.holders:
            query = "SELECT id, salt FROM people WHERE identity = ?"
            row = self.connection.execute(query, (identity,)).fetchone()
            if row is None:
                salt = secrets.token_bytes(SALT_BYTES)
                tag = subject_tag(salt, identity)
                self.connection.execute(
                    "INSERT INTO people (tag, salt, identity) VALUES (?, ?, ?)", (tag, salt, identity)
                )
                row = self.connection.execute(query, (identity,)).fetchone()
            self.holders[identity] = _Holder(row[0], Blinder(row[1]), subject_tag(row[1], identity))
        holder = self.holders[identity]
        if (identity, agreement.record_id) not in self.records:
            self._keep_record(agreement, holder)
            self.records.add((identity, agreement.record_id))
        return holder

    def _keep_record(self, agreement: Agreement, holder: _Holder) -> None:
        self.connection.execute(
            "INSERT INTO records (tag, person, record_id, pseudonym, text, controller, controller_key) "
            "VALUES (?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (tag) DO UPDATE SET text = excluded.text WHERE text = ''",
            (
                holder.blinder.kept_tag("record", agreement.record_id),
                holder.row,
                agreement.record_id,
                agreement.pseudonym,
                agreement.text,
                agreement.controller,
                agreement.controller_key,
            ),
        )

    def _holder_of_tag(self, tag: str) -> _Holder | None:
        row = self.connection.execute("SELECT id, salt FROM people WHERE tag = ?", (tag,)).fetchone()
        return _Holder(row[0], Blinder(row[1]), tag) if row else None


def _too_early(at: str, latest: str) -> InputError:
    return InputError(
        f"the use is dated {at}, and the ledger's latest use {latest}: a use is dated at most a day before "
        "the latest. Set the clock right; where the other one's clock was wrong, void that entry and write "
        "it down again."
    )


def _double(sequence: int, use: UseEntry) -> DoubleUseError:
    return DoubleUseError(
        f"this use stands in the ledger already, as entry {sequence}: the same {use.kind} under the same "
        f"record, for {use.purpose}, with the same files, licensee, place, medium and reference. It is "
        "billed once; where it is another use, give it a reference of its own."
    )
