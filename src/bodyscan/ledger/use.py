"""A use as it is handed to the ledger: who, what, when, and which files came of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property, lru_cache

from bodyscan.consent.bundle import read_bundle
from bodyscan.consent.fields import check_text
from bodyscan.consent.policy import check_clock
from bodyscan.consent.record import ConsentRecord, Medium, PayKind, PayUnit, Purpose
from bodyscan.consent.strict_json import canonical
from bodyscan.consent.territories import check_territory
from bodyscan.errors import InputError
from bodyscan.ledger.terms import PayTerms, canonical_text, terms_of

MAX_TEXT = 200
MAX_UNITS = 1_000_000
MAX_OUTPUTS = 128
"""The pictures of the longest turntable are 72."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TWIN_ID = re.compile(r"[0-9a-f]{16}")
_MONEY = re.compile(r"(0|[1-9][0-9]{0,11})(\.[0-9]{1,4})?")
_CURRENCY = re.compile(r"[A-Z]{3}")


class DoubleUseError(InputError):
    """The same use stands in the ledger already; it is billed once."""


class EntryKind(StrEnum):
    """What an entry says happened."""

    TWIN = "twin"
    """A twin was made of the person's scan."""
    RENDER = "render"
    """A picture or film was made with the twin."""
    EXPORT = "export"
    """The twin's file was handed on."""
    VOID = "void"
    """An earlier use did not take place, or was written by mistake."""
    ERASE = "erase"
    """The person's data were destroyed; their entries can no longer be tied to them."""


USE_KINDS = (EntryKind.TWIN, EntryKind.RENDER, EntryKind.EXPORT)


@dataclass(frozen=True)
class Agreement:
    """The record under which a use happens. All of it but the terms is kept where it can be destroyed."""

    record_id: str
    """A UUID."""
    identity: str
    """Thumbprint of the person's key; for a child without one the record's id."""
    pseudonym: str
    terms: PayTerms
    text: str = ""
    """The signed record, where it is at hand: a statement hands it on."""
    controller: str = ""
    """Name of who uses the likeness and pays."""
    controller_key: str = ""
    """Their public key, as JWK text."""

    @cached_property
    def pay_text(self) -> str:
        """The terms as they stand in every entry."""
        return self.terms.to_text()


def agreement_of(record: ConsentRecord, text: str = "") -> Agreement:
    """Return the agreement of a record.

    `text` is the signed record that it was read from, or the bound consent of a twin: of that the record is
    kept. Raises `ConsentError` where it is neither.
    """
    key = record.subject.public_key
    return Agreement(
        record_id=record.record_id,
        identity=key.thumbprint if key else record.record_id,
        pseudonym=record.subject.pseudonym,
        terms=terms_of(record.pay),
        text=_record_text(text) if text else "",
        controller=record.controller.name,
        controller_key=canonical_text(record.controller.public_key.model_dump()),
    )


@lru_cache(maxsize=64)
def _record_text(text: str) -> str:
    return canonical(read_bundle(text).record).decode() + "\n"


@dataclass(frozen=True)
class OutputRef:
    """A file that came of a use."""

    place: str
    """Its path or address, or a name where it has none."""
    sha256: str
    """Of its bytes, 64 hex digits."""
    kind: str = ""
    """What it is: `twin`, `level 1`, `collision body`, `picture`."""


@dataclass(frozen=True)
class UseEntry:
    """One use, to be appended. Raises `InputError` where a field is not what it must be."""

    agreement: Agreement
    kind: EntryKind
    purpose: Purpose
    at: datetime
    """UTC; fractions of a second are dropped."""
    outputs: tuple[OutputRef, ...]
    """The files, the main one first. At least one; by all of them the use is known again."""
    territory: str | None = None
    medium: Medium | None = None
    licensee: str | None = None
    """Who uses it; None: the controller."""
    reference: str | None = None
    """Campaign, order or job. Kept where it can be destroyed: it may name the person."""
    twin_id: str | None = None
    """16 hex digits, as the picture's watermark holds them."""
    units: int = 1
    """How many uses this is, 1 to 1,000,000."""
    revenue: str | None = None
    """What the use earned, decimal text; with `currency`."""
    currency: str | None = None

    def __post_init__(self) -> None:
        try:
            self._check()
        except ValueError as error:
            raise InputError(f"the use cannot be written down: {error}.") from None

    def _check(self) -> None:
        if type(self.kind) is not EntryKind:
            object.__setattr__(self, "kind", EntryKind(self.kind))
        if self.kind not in USE_KINDS:
            raise ValueError(f"a use is one of {', '.join(USE_KINDS)}, not {self.kind}")
        if type(self.purpose) is not Purpose:
            object.__setattr__(self, "purpose", Purpose(self.purpose))
        if self.medium is not None and type(self.medium) is not Medium:
            object.__setattr__(self, "medium", Medium(self.medium))
        if self.territory is not None:
            check_territory(self.territory)
        check_clock(self.at, "the time of a use")
        if self.licensee is not None:
            _check_text("licensee", self.licensee)
        if self.reference is not None:
            _check_text("reference", self.reference)
        if not 1 <= len(self.outputs) <= MAX_OUTPUTS:
            raise ValueError(f"it has {len(self.outputs)} outputs; a use has 1 to {MAX_OUTPUTS}")
        for output in self.outputs:
            if not _SHA256.fullmatch(output.sha256):
                raise ValueError(f"the SHA-256 of {output.place!r} must be 64 lower-case hex digits")
        if self.twin_id is not None and not _TWIN_ID.fullmatch(self.twin_id):
            raise ValueError(f"twin_id must be 16 lower-case hex digits; it is {self.twin_id!r}")
        if isinstance(self.units, bool) or not 1 <= self.units <= MAX_UNITS:
            raise ValueError(f"units must be 1 to {MAX_UNITS:,}; it is {self.units}")
        self._check_money()

    def _check_money(self) -> None:
        if (self.revenue is None) != (self.currency is None):
            raise ValueError("revenue and currency go together; give both or neither")
        if self.revenue is not None and not _MONEY.fullmatch(self.revenue):
            raise ValueError(f"revenue must be a decimal number as text, as 1250.00; it is {self.revenue!r}")
        if self.currency is not None and not _CURRENCY.fullmatch(self.currency):
            raise ValueError(f"currency must be three capital letters (ISO 4217); it is {self.currency!r}")
        terms = self.agreement.terms
        by_project = terms.kind is PayKind.PER_USE and terms.unit is PayUnit.PROJECT
        if by_project and self.reference is None and self.purpose is not Purpose.MAKE_TWIN:
            raise ValueError("the record pays by project; give the use's reference, which names the project")


@lru_cache(maxsize=4096)
def _check_text(name: str, text: str) -> None:
    if not 1 <= len(text) <= MAX_TEXT:
        raise ValueError(f"{name} has {len(text)} characters; 1 to {MAX_TEXT} are possible")
    try:
        check_text(text)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None


@dataclass(frozen=True)
class Receipt:
    """What the ledger gives back once an entry is on the disk."""

    sequence: int
    """Number of the entry, from 1."""
    entry_hash: str
    """64 hex digits; covers this entry and, through the chain, all before it."""
    new: bool
    """False where the same use stood there already and was not written again."""
