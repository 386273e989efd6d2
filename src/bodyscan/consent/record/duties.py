"""What the controller owes the person beside pay: notice, care of the data, a way back, a label."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from bodyscan.consent.digest import DIGEST_PREFIX
from bodyscan.consent.fields import (
    Address,
    Duration,
    LabelText,
    LanguageTag,
    Sha256Hex,
    StrictModel,
    Territory,
    UtcTime,
    WebAddress,
)
from bodyscan.consent.keys import PublicJwk
from bodyscan.consent.record.vocabulary import (
    DataCategory,
    LawfulBasis,
    SourceType,
    WithdrawalEffect,
    WithdrawalMethod,
)

DEFAULT_LABEL = "Synthetic · digital twin"
MAX_STATUS_INDEX = 2**24 - 1


class Notice(StrictModel):
    """The information that the person was given before they signed."""

    address: WebAddress
    """Where the text stands."""
    sha256: Sha256Hex
    """Digest of the text's bytes, so that it cannot be exchanged later."""
    language: LanguageTag
    given_at: UtcTime


class DataTerms(StrictModel):
    """Which personal data are kept, on what ground, where and until when."""

    categories: Annotated[tuple[DataCategory, ...], Field(min_length=1, max_length=16)]
    lawful_basis: LawfulBasis
    places: Annotated[tuple[Territory, ...], Field(min_length=1, max_length=300)]
    """Where the data are stored and processed."""
    retention: Duration
    """How long the data are kept after the term."""
    delete_by: UtcTime
    """When the data are gone at the latest."""

    @model_validator(mode="after")
    def _check(self) -> DataTerms:
        for name in ("categories", "places"):
            values: tuple[str, ...] = getattr(self, name)
            if len(set(values)) != len(values):
                raise ValueError(f"{name} names a value twice")
        return self


class StatusEntry(StrictModel):
    """The person's place in two W3C Bitstring Status Lists, one for revocation, one for suspension."""

    revocation_list: WebAddress
    suspension_list: WebAddress
    index: Annotated[int, Field(ge=0, le=MAX_STATUS_INDEX)]
    issuer: PublicJwk
    """The key that signs both lists."""

    @model_validator(mode="after")
    def _check(self) -> StatusEntry:
        if self.revocation_list == self.suspension_list:
            raise ValueError("revocation_list and suspension_list are two lists; they need two addresses")
        return self


class Withdrawal(StrictModel):
    """How the person takes the consent back, and what then ends."""

    method: WithdrawalMethod
    address: Address
    effect: WithdrawalEffect
    status: StatusEntry | None = None
    """Where anybody can look up whether it was taken back; None where only the person's statement tells."""


class Disclosure(StrictModel):
    """What every picture made with the twin says."""

    label: LabelText = DEFAULT_LABEL
    source_type: SourceType = SourceType.COMPOSITE_SYNTHETIC


class Bindings(StrictModel):
    """The scans or bodies that the person signed for; a twin must come from one of each kind given."""

    scans: Annotated[tuple[Sha256Hex, ...], Field(max_length=64)] = ()
    """SHA-256 of the scan's file as it arrived."""
    geometries: Annotated[
        tuple[Annotated[str, Field(pattern=f"^{DIGEST_PREFIX}[0-9a-f]{{64}}$")], ...], Field(max_length=64)
    ] = ()
    """Geometry digests of twins that the person has seen."""

    @model_validator(mode="after")
    def _check(self) -> Bindings:
        if not (self.scans or self.geometries):
            raise ValueError("bindings names neither scans nor geometries; leave it out")
        return self
