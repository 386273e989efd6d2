"""What a person can check of a statement with nothing but the checkpoint that they were handed.

That the controller signed the checkpoint; that every entry stands in the ledger that it covers; that the
entries are theirs, are numbered without a gap, and stand for the files and references that the statement
names; and that the amounts follow from them. What it cannot show: that no use was left out after the last
entry (the next statement would show it), or never written down.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from bodyscan.consent.fields import printable
from bodyscan.consent.keys import PublicJwk, parse_public_key
from bodyscan.errors import InputError
from bodyscan.ledger.charges import lines_of
from bodyscan.ledger.checkpoint import Checkpoint, parse_checkpoint
from bodyscan.ledger.entry import Entry, entry_hash, parse_entry
from bodyscan.ledger.merkle import inclusion_holds
from bodyscan.ledger.statement import ProvedEntry, Statement, line_money, statement_totals
from bodyscan.ledger.tags import Blinder

MAX_STATEMENT_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class Checked:
    """What a check of a statement found."""

    statement: Statement
    checkpoint: Checkpoint
    num_proved: int
    """Entries that the checkpoint covers, each proved."""
    problems: tuple[str, ...]
    """Sentences; empty where all holds."""

    @property
    def ok(self) -> bool:
        """True where all holds."""
        return not self.problems


def parse_statement(data: bytes, what: str = "the statement") -> Statement:
    """Read a statement's JSON, or raise `InputError` that begins with `what`."""
    if len(data) > MAX_STATEMENT_BYTES:
        raise InputError(f"{what} has {len(data):,} bytes; {MAX_STATEMENT_BYTES:,} are allowed.")
    try:
        json.loads(data, object_pairs_hook=_without_duplicates)
        return Statement.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(printable(f"{what} is no statement: {place}: {first['msg']}.")) from None
    except (ValueError, RecursionError) as error:
        raise InputError(printable(f"{what} cannot be read: {error}.")) from None


def keys_named(statement: Statement) -> tuple[PublicJwk, ...]:
    """Return the controllers' keys that the statement itself names: compare them with your own record."""
    texts = dict.fromkeys(record.controller_key for record in statement.records if record.controller_key)
    return tuple(parse_public_key(text, "a controller's key in the statement") for text in texts)


def check_statement(statement: Statement, checkpoint: Checkpoint, keys: Collection[PublicJwk]) -> Checked:
    """Check a statement against a checkpoint; `keys` are the controller's. Never raises for what they hold.

    The checkpoint may be the statement's own or another of the same ledger, as long as it has the same root;
    a later one proves entries only where the statement was made against it.
    """
    problems: list[str] = []
    if not checkpoint.is_signed_by(keys):
        problems.append(
            f"the checkpoint is not signed by the controller's key; it names {checkpoint.kid[:64]}."
        )
    if checkpoint.payload.ledger_id != statement.ledger_id:
        problems.append(f"the checkpoint is of another ledger, {checkpoint.payload.ledger_id}.")
    problems += _checkpoint_problems(statement, checkpoint)
    entries: list[Entry] = []
    proved = 0
    blinder = Blinder(bytes.fromhex(statement.subject.salt))
    if blinder.tag("subject", statement.subject.identity) != statement.subject.tag:
        problems.append("the person's tag does not belong to their key and salt.")
    for item in statement.entries:
        found = _check_entry(item, statement, checkpoint, blinder, problems)
        if found is not None:
            entries.append(found)
            proved += item.path is not None
    numbers = [entry.number for entry in entries]
    if numbers != list(range(1, len(numbers) + 1)):
        problems.append(f"the person's entries are not numbered without a gap: {_some(numbers)}.")
    if len(entries) == len(statement.entries):
        problems += _bill_problems(statement, entries)
    return Checked(statement, checkpoint, proved, tuple(problems))


def _checkpoint_problems(statement: Statement, checkpoint: Checkpoint) -> list[str]:
    if statement.checkpoint is None:
        return ["the statement was made before any checkpoint; ask for a new one."]
    try:
        own = parse_checkpoint(statement.checkpoint, "the statement's checkpoint")
    except InputError as error:
        return [str(error)]
    if (own.size, own.root) != (checkpoint.size, checkpoint.root):
        return [
            f"the statement was made against another checkpoint, of {own.size:,} entries; give that one, or "
            "ask for a new statement."
        ]
    return []


def _check_entry(
    item: ProvedEntry, statement: Statement, checkpoint: Checkpoint, blinder: Blinder, problems: list[str]
) -> Entry | None:
    at = item.sequence
    try:
        entry = parse_entry(item.body)
    except ValueError as error:
        problems.append(f"entry {at} cannot be read: {error}.")
        return None
    if entry.sequence != at or entry.subject != statement.subject.tag:
        problems.append(f"entry {at} is not this person's.")
    if item.path is None:
        problems.append(f"entry {at} is newer than the checkpoint and not proved; ask for a later statement.")
    else:
        digest = entry_hash(bytes.fromhex(item.previous), item.body)
        path = [bytes.fromhex(node) for node in item.path]
        if not inclusion_holds(digest, at - 1, checkpoint.size, path, checkpoint.root):
            problems.append(f"entry {at} does not stand in the ledger that the checkpoint covers.")
    if not _opens(item, entry, blinder):
        text = f"what the statement says about entry {at} (record, reference, files) is not what it holds."
        problems.append(text)
    return entry


def _opens(item: ProvedEntry, entry: Entry, blinder: Blinder) -> bool:
    """True where the tags of the entry belong to the plain values beside it."""

    def tag(what: str, value: str | None) -> str | None:
        return None if value is None else blinder.tag(what, value)

    told = (
        tag("record", item.record_id),
        tag("reference", item.reference),
        tag("twin", item.twin_id),
        tag("reason", item.reason),
    )
    files = {blinder.tag("output", output.sha256) for output in item.outputs}
    return told == (entry.record, entry.reference, entry.twin, entry.reason) and entry.output_tags == files


def _bill_problems(statement: Statement, entries: list[Entry]) -> list[str]:
    """Compute the bill again from the entries."""
    lines = lines_of(entries, statement.begin, statement.end)
    problems = []
    told = [(line.sequence, line.amount, line.currency, line.due) for line in statement.lines]
    right = [(line.entry.sequence, *line_money(line)[:3]) for line in lines]
    if told != right:
        wrong = next((pair for pair in zip(told, right, strict=False) if pair[0] != pair[1]), None)
        where = (
            f"entry {wrong[1][0]}: {wrong[0][1]} is said, {wrong[1][1]} follows"
            if wrong
            else "a line more or less"
        )
        problems.append(f"the lines do not follow from the entries ({where}).")
    problems += _plain_problems(statement, {entry.sequence: entry for entry in entries})
    totals = statement_totals(lines)
    if totals != statement.totals:
        said = ", ".join(f"{total.currency} {total.rounded}" for total in statement.totals) or "nothing"
        due = ", ".join(f"{total.currency} {total.rounded}" for total in totals) or "nothing"
        problems.append(f"the totals do not follow from the entries: {said} is said, {due} is owed.")
    return problems


def _plain_problems(statement: Statement, entries: dict[int, Entry]) -> list[str]:
    """The readable lines say what the entries say."""
    problems = []
    for line in statement.lines:
        entry = entries.get(line.sequence)
        if entry is None:
            continue
        names = ("at", "kind", "purpose", "territory", "medium", "licensee", "units", "revenue")
        same = all(getattr(line, name) == getattr(entry, name) for name in names)
        if not same or line.revenue_currency != entry.currency:
            problems.append(f"the line of entry {line.sequence} does not say what the entry says.")
    return problems


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


def _some(numbers: list[int], limit: int = 10) -> str:
    listed = ", ".join(map(str, numbers[:limit]))
    return listed + (" ..." if len(numbers) > limit else "")
