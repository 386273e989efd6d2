"""The pay terms of a record, as they are frozen in each entry."""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import Field, model_validator

from bodyscan.consent.fields import CurrencyCode, DecimalText, StrictModel
from bodyscan.consent.record import Pay, PayKind, PayUnit

MAX_DUE_DAYS = 365
canonical_text = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, separators=(",", ":"), check_circular=False
).encode
"""RFC 8785 for what an entry holds: ASCII names, texts and small integers; a test compares the two."""


class PayTerms(StrictModel):
    """What one use costs. The account stays out: it is personal, and the entry is for ever."""

    kind: PayKind
    amount: DecimalText | None = None
    """For `per_use` and `flat`."""
    currency: CurrencyCode | None = None
    """ISO 4217, for `per_use` and `flat`; a share is paid in the currency of the revenue."""
    unit: PayUnit | None = None
    """For `per_use`: what one amount is paid for."""
    share_percent: DecimalText | None = None
    """For `share`."""
    due_days: Annotated[int, Field(ge=0, le=MAX_DUE_DAYS)] = 0
    """Days from the use until the pay is due."""

    @model_validator(mode="after")
    def _check(self) -> PayTerms:
        needed = {
            PayKind.PER_USE: {"amount", "currency", "unit"},
            PayKind.FLAT: {"amount", "currency"},
            PayKind.SHARE: {"share_percent"},
            PayKind.UNPAID: set[str](),
        }[self.kind]
        named = ("amount", "currency", "unit", "share_percent")
        given = {name for name in named if getattr(self, name) is not None}
        if given != needed:
            wanted = ", ".join(sorted(needed)) or "nothing else"
            raise ValueError(f"pay of the kind {self.kind} takes {wanted}; given: {sorted(given)}")
        return self

    def words(self) -> str:
        """Return the terms in plain words, for a person."""
        due = f", due {self.due_days} days after the use" if self.due_days else ", due with the use"
        if self.kind is PayKind.PER_USE:
            return f"{self.amount} {self.currency} per {self.unit}{due}"
        if self.kind is PayKind.FLAT:
            return f"{self.amount} {self.currency} once, with the first use{due}"
        if self.kind is PayKind.SHARE:
            return f"{self.share_percent} % of the revenue of each use{due}"
        return "unpaid"

    def to_text(self) -> str:
        """Return the canonical text that stands in an entry; absent members are left out."""
        return canonical_text(self.model_dump(mode="json", exclude_none=True))


def terms_of(pay: Pay) -> PayTerms:
    """Return the terms of a record's `pay`."""
    return PayTerms(
        kind=pay.kind,
        amount=pay.amount,
        currency=pay.currency,
        unit=pay.unit,
        share_percent=pay.share_percent,
        due_days=pay.due_days or 0,
    )
