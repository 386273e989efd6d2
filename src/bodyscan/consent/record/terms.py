"""What a record allows, for how long and for what pay."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from bodyscan.consent.fields import (
    CurrencyCode,
    DecimalText,
    LongText,
    ShortText,
    StrictModel,
    Territory,
    UtcTime,
)
from bodyscan.consent.record.vocabulary import (
    AI_PURPOSES,
    Exclusivity,
    Medium,
    Modification,
    PayKind,
    PayUnit,
    ProhibitedUse,
    Purpose,
    Redistribution,
)
from bodyscan.consent.territories import WORLDWIDE

ALL_PRODUCT_LINES = "all"


class Scope(StrictModel):
    """What is allowed. What is not named is not allowed."""

    description: LongText
    """The intended uses in plain words, as the person agreed to them."""
    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1, max_length=32)]
    territories: Annotated[tuple[Territory, ...], Field(min_length=1, max_length=300)]
    media: Annotated[tuple[Medium, ...], Field(min_length=1, max_length=32)]
    product_lines: Annotated[tuple[ShortText, ...], Field(min_length=1, max_length=64)] = (ALL_PRODUCT_LINES,)
    """Names of product lines, or `all` alone."""
    prohibited_uses: Annotated[tuple[ProhibitedUse, ...], Field(max_length=32)] = ()
    modification: Modification = Modification.POSE
    redistribution: Redistribution = Redistribution.NONE
    exclusivity: Exclusivity = Exclusivity.NONE

    @model_validator(mode="after")
    def _check(self) -> Scope:
        for name in ("purposes", "territories", "media", "product_lines", "prohibited_uses"):
            values: tuple[str, ...] = getattr(self, name)
            if len(set(values)) != len(values):
                raise ValueError(f"{name} names a value twice")
        for name, everything in (
            ("territories", WORLDWIDE),
            ("media", Medium.ALL),
            ("product_lines", ALL_PRODUCT_LINES),
        ):
            if everything in getattr(self, name) and len(getattr(self, name)) > 1:
                raise ValueError(f"{name} holds `{everything}` beside others; give it alone")
        for purpose in self.purposes:
            if purpose in AI_PURPOSES:
                raise ValueError(
                    f"purposes cannot hold {purpose}; "
                    f"the record's field `ai.{AI_PURPOSES[purpose]}` decides it"
                )
        if (Purpose.EXPORT in self.purposes) != (self.redistribution is not Redistribution.NONE):
            raise ValueError(
                "the purpose export and redistribution go together: export needs redistribution "
                "`licensees` or `anyone`, and they need the purpose export"
            )
        return self


class AiTerms(StrictModel):
    """What machine learning may do with the likeness. Not allowed unless said."""

    training: bool = False
    mining: bool = False
    inference: bool = False
    generation: bool = False


class Term(StrictModel):
    """From when (included) until when (excluded) the record holds."""

    not_before: UtcTime
    not_after: UtcTime
    auto_renewal: Literal[False] = False
    """A term ends; to go on, a new record is signed."""

    @model_validator(mode="after")
    def _check(self) -> Term:
        if self.not_before >= self.not_after:
            raise ValueError("not_after must be later than not_before")
        return self


class Pay(StrictModel):
    """What the person gets, for what, by when, and where it is sent."""

    kind: PayKind
    amount: DecimalText | None = None
    """For `per_use` and `flat`: money, as text."""
    currency: CurrencyCode | None = None
    unit: PayUnit | None = None
    """For `per_use`: what one amount is paid for."""
    share_percent: DecimalText | None = None
    """For `share`: per cent of the revenue from each use, over 0 up to 100, as text."""
    due_days: Annotated[int, Field(ge=0, le=365)] | None = None
    """Days from the use until the pay is due."""
    account: ShortText | None = None
    """A reference by which the controller finds the person's account; never the account's number."""

    @model_validator(mode="after")
    def _check(self) -> Pay:
        needed = {
            PayKind.PER_USE: {"amount", "currency", "unit", "due_days", "account"},
            PayKind.FLAT: {"amount", "currency", "due_days", "account"},
            PayKind.SHARE: {"share_percent", "due_days", "account"},
            PayKind.UNPAID: set[str](),
        }[self.kind]
        given = {
            name for name in type(self).model_fields if name != "kind" and getattr(self, name) is not None
        }
        if given != needed:
            wanted = ", ".join(sorted(needed)) or "nothing else"
            raise ValueError(f"pay of the kind {self.kind} takes {wanted}; given: {sorted(given)}")
        if self.amount is not None and Decimal(self.amount) == 0:
            raise ValueError("amount must be over 0; for no pay give the kind unpaid")
        if self.share_percent is not None and not 0 < Decimal(self.share_percent) <= 100:
            raise ValueError("share_percent must be over 0 and at most 100")
        return self
