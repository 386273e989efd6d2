"""Who a record names: the person, who speaks for them, and who uses the likeness."""

from __future__ import annotations

from enum import StrEnum

from pydantic import model_validator

from bodyscan.consent.fields import Address, DecimalText, ShortText, StrictModel, UtcTime
from bodyscan.consent.keys import PublicJwk


class RepresentationKind(StrEnum):
    """Who advised the person before they signed."""

    COUNSEL = "counsel"
    UNION = "union"


class Representation(StrictModel):
    """Legal counsel or a labour union that stood by the person."""

    kind: RepresentationKind
    name: ShortText
    agreement: ShortText | None = None
    """Reference of the contract or collective agreement that states the terms."""


class Subject(StrictModel):
    """The person whose body it is, under a pseudonym."""

    pseudonym: ShortText
    minor: bool = False
    """True for a child: then a guardian must be named and signs."""
    adult_from: UtcTime | None = None
    """For a child, and only then: when they come of age, and the guardian's consent ends."""
    public_key: PublicJwk | None = None
    """The person's own key; a child may have none, an adult must."""
    representation: Representation | None = None

    @model_validator(mode="after")
    def _check(self) -> Subject:
        if self.minor and self.adult_from is None:
            raise ValueError("the subject is a minor: adult_from must say when they come of age")
        if self.adult_from is not None and not self.minor:
            raise ValueError("adult_from is for a minor; the subject is not marked as one")
        if self.public_key is None and not self.minor:
            raise ValueError("the subject has no public key; an adult signs with their own")
        return self


class Guardian(StrictModel):
    """The adult who consents for a child."""

    name: ShortText
    contact: Address
    relation: ShortText
    """For example `mother` or `legal guardian`."""
    public_key: PublicJwk


class Controller(StrictModel):
    """Who uses the likeness and answers for it."""

    name: ShortText
    contact: Address
    public_key: PublicJwk


class Licensee(StrictModel):
    """Somebody beside the controller who may use the likeness, within the same scope."""

    name: ShortText
    contact: Address | None = None
    public_key: PublicJwk | None = None
    may_repack: bool = False
    """True where this key may attest that a file which it packed anew shows the same body."""

    @model_validator(mode="after")
    def _check(self) -> Licensee:
        if self.may_repack and self.public_key is None:
            raise ValueError("may_repack needs the licensee's public_key, which attests")
        return self


class Agency(StrictModel):
    """The agency that places the person, and what it keeps of the pay."""

    name: ShortText
    contact: Address
    commission_percent: DecimalText
    """Per cent of the person's pay, as text, 0 to 100."""

    @model_validator(mode="after")
    def _check(self) -> Agency:
        if float(self.commission_percent) > 100:
            raise ValueError("commission_percent is over 100")
        return self
