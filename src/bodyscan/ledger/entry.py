"""An entry as it stands in the chain: canonical JSON, and a hash over it and the hash before it.

    hash(0) = SHA-256("bodyscan ledger v1\\n" || ledger id)
    hash(n) = SHA-256("bodyscan ledger entry v1\\n" || hash(n - 1) || body(n))

The body is canonical JSON (RFC 8785). Members that would name the person are tags (see `tags`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints, ValidationError

from bodyscan.consent.fields import Sha256Hex, StrictModel, Territory, UtcTime, check_text
from bodyscan.consent.record import Medium, Purpose
from bodyscan.ledger.tags import Blinder
from bodyscan.ledger.terms import PayTerms, canonical_text
from bodyscan.ledger.use import MAX_OUTPUTS, EntryKind, UseEntry

MAX_BODY_BYTES = 16 * 1024
_ENTRY_PREFIX = b"bodyscan ledger entry v1\n"
_LEDGER_PREFIX = b"bodyscan ledger v1\n"


class Entry(StrictModel):
    """What an entry says. Absent members are left out of the canonical text."""

    sequence: Annotated[int, Field(ge=1)]
    at: UtcTime
    kind: EntryKind
    subject: Sha256Hex
    """Tag of the person."""
    number: Annotated[int, Field(ge=1)]
    """Which entry of this person it is, from 1: one that is left out of a statement leaves a gap."""
    record: Sha256Hex | None = None
    """Tag of the consent record."""
    pay: PayTerms | None = None
    """The terms under which the use happened."""
    purpose: Purpose | None = None
    territory: Territory | None = None
    medium: Medium | None = None
    licensee: Annotated[str, Field(max_length=200)] | None = None
    reference: Sha256Hex | None = None
    """Tag of the campaign, order or job."""
    twin: Sha256Hex | None = None
    """Tag of the twin's id."""
    output: Sha256Hex | None = None
    """Tag of the SHA-256 of the main output."""
    more: Annotated[tuple[Sha256Hex, ...], Field(max_length=MAX_OUTPUTS - 1)] = ()
    """Tags of the other outputs."""
    units: Annotated[int, Field(ge=1)] | None = None
    revenue: Annotated[str, StringConstraints(pattern=r"^(0|[1-9][0-9]{0,11})(\.[0-9]{1,4})?$")] | None = None
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] | None = None
    voids: Annotated[int, Field(ge=1)] | None = None
    """For `void`: the entry that no longer counts."""
    reason: Sha256Hex | None = None
    """For `void`: tag of the reason."""

    @property
    def is_use(self) -> bool:
        """True for twin, render and export."""
        return self.kind not in (EntryKind.VOID, EntryKind.ERASE)

    @property
    def output_tags(self) -> set[str]:
        """Tags of all outputs."""
        return {self.output, *self.more} if self.output is not None else set()

    def use_key(self) -> bytes:
        """Return the 32 bytes by which a use is known again, so that it is billed once.

        They cover the record, the kind, all outputs in whatever order, the purpose, the reference, the
        licensee, the territory and the medium. The same picture for another licensee or campaign is another
        use, and so is a set of pictures of which only some were there before.
        """
        return _use_key(
            self.record,
            self.kind,
            self.output_tags,
            self.purpose,
            self.reference,
            self.licensee,
            self.territory,
            self.medium,
        )


_USE_MEMBERS = {"record", "pay", "purpose", "output", "units"}


def use_text(use: UseEntry, at: str, sequence: int, number: int, blinder: Blinder) -> tuple[str, bytes]:
    """Return the canonical text of a use's entry, and its use key; `at` is the use's time as `utc_text`.

    Written member by member in the order of their names: building and sorting a table first takes three
    times as long, and twenty thousand uses a second are wanted. `parse_entry` refuses a text that is not
    canonical, and the tests read every form with it.
    """
    agreement, tag, kept = use.agreement, blinder.tag, blinder.kept_tag
    record = kept("record", agreement.record_id)
    outputs = [tag("output", out.sha256) for out in use.outputs]
    reference = "" if use.reference is None else kept("reference", use.reference)
    parts = [f'{{"at":"{at}"']
    if use.revenue is not None:
        parts.append(f',"currency":"{use.currency}"')
    parts.append(f',"kind":"{use.kind}"')
    if use.licensee is not None:
        parts.append(f',"licensee":{canonical_text(use.licensee)}')
    if use.medium is not None:
        parts.append(f',"medium":"{use.medium}"')
    if len(outputs) > 1:
        parts.append(f',"more":{canonical_text(outputs[1:])}')
    parts.append(
        f',"number":{number},"output":"{outputs[0]}","pay":{agreement.pay_text}'
        f',"purpose":"{use.purpose}","record":"{record}"'
    )
    if reference:
        parts.append(f',"reference":"{reference}"')
    if use.revenue is not None:
        parts.append(f',"revenue":"{use.revenue}"')
    parts.append(f',"sequence":{sequence},"subject":"{kept("subject", agreement.identity)}"')
    if use.territory is not None:
        parts.append(f',"territory":"{use.territory}"')
    if use.twin_id is not None:
        parts.append(f',"twin":"{kept("twin", use.twin_id)}"')
    parts.append(f',"units":{use.units}}}')
    key = _use_key(record, use.kind, outputs, use.purpose, reference, use.licensee, use.territory, use.medium)
    return "".join(parts), key


def utc_text(time: datetime) -> str:
    """Return what `format_utc` returns, in a tenth of its time; the time must be UTC."""
    return time.isoformat(timespec="seconds")[:19] + "Z"


def _use_key(record: str | None, kind: str, outputs: Iterable[str], *values: str | None) -> bytes:
    """Hash of what makes a use; outputs are sorted and counted once, for their order tells nothing."""
    values = (record, kind, ",".join(sorted(set(outputs))), *values)
    return hashlib.sha256("\n".join([value or "" for value in values]).encode()).digest()


def first_hash(ledger_id: str) -> bytes:
    """Return the hash that stands before the first entry, so that entries belong to one ledger."""
    return hashlib.sha256(_LEDGER_PREFIX + ledger_id.encode()).digest()


def entry_hash(previous: bytes, body: str) -> bytes:
    """Return the hash of an entry, 32 bytes."""
    return hashlib.sha256(_ENTRY_PREFIX + previous + body.encode()).digest()


def parse_entry(body: str) -> Entry:
    """Read an entry's canonical text, or raise `ValueError` that says what is wrong with it."""
    if len(body) > MAX_BODY_BYTES:
        raise ValueError(f"it has {len(body):,} characters; {MAX_BODY_BYTES:,} are allowed")
    try:
        entry = Entry.model_validate_json(body)
        told = canonical_text(entry.model_dump(mode="json", exclude_none=True, exclude=_left_out(entry)))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"{place}: {first['msg']}" if place else first["msg"]) from None
    if told != body:
        raise ValueError("it is not in canonical JSON")
    _check_members(entry)
    return entry


def _left_out(entry: Entry) -> set[str]:
    return set() if entry.more else {"more"}


def _check_members(entry: Entry) -> None:
    """Raise `ValueError` where an entry lacks what its kind needs, or has what it must not."""
    given = {name for name in type(entry).model_fields if getattr(entry, name) not in (None, ())}
    given -= {"sequence", "at", "kind", "subject", "number"}
    if entry.is_use:
        allowed = {name for name in Entry.model_fields if name not in ("voids", "reason")}
        needed = _USE_MEMBERS
    elif entry.kind is EntryKind.VOID:
        allowed, needed = {"voids", "reason"}, {"voids"}
    else:
        allowed, needed = set(), set()
    if missing := needed - given:
        raise ValueError(f"an entry of the kind {entry.kind} needs {', '.join(sorted(missing))}")
    if odd := given - allowed:
        raise ValueError(f"an entry of the kind {entry.kind} has no {', '.join(sorted(odd))}")
    if (entry.revenue is None) != (entry.currency is None):
        raise ValueError("revenue and currency go together")
    if entry.licensee is not None:
        check_text(entry.licensee)
