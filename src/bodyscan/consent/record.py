"""The consent record: who allows whom to do what with their likeness, where, until when, for what pay.

A record is data alone. It means something once the person's own key has signed it and the
controller has countersigned the same bytes (see `bodyscan.consent.sign`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from bodyscan.consent import strict_json
from bodyscan.consent.fields import (
    Address,
    DecimalText,
    ShortText,
    StrictModel,
    Territory,
    UtcTime,
    printable,
)
from bodyscan.consent.keys import PublicJwk
from bodyscan.consent.territories import WORLDWIDE
from bodyscan.errors import InputError

SCHEMA_VERSION = 1
DEMO_PREFIX = "DEMO "


class Purpose(StrEnum):
    """What a likeness is used for."""

    MAKE_TWIN = "make_twin"
    """Turn the scan into a digital twin."""
    VIRTUAL_TRY_ON = "virtual_try_on"
    """Show garments on the twin."""
    RENDER = "render"
    """Make still images with the twin."""
    ANIMATION = "animation"
    """Make moving pictures or real-time scenes with the twin."""
    ADVERTISING = "advertising"
    """Promote goods or services with images of the twin."""
    EXPORT = "export"
    """Hand the twin's file, in any format, to somebody other than the controller."""
    RESEARCH = "research"
    """Study the body data; never includes the training of models."""
    AI_TRAINING = "ai_training"
    """Train or tune a model. Allowed by the record's field `ai_training` alone, never by its scope."""


class Medium(StrEnum):
    """Where people see a likeness."""

    ALL = "all"
    INTERNAL = "internal"
    WEB = "web"
    MOBILE_APP = "mobile_app"
    SOCIAL = "social"
    PRINT = "print"
    IN_STORE = "in_store"
    FILM_AND_TV = "film_and_tv"
    GAME = "game"
    VIRTUAL_REALITY = "virtual_reality"


class PayKind(StrEnum):
    """How the person is paid."""

    PER_USE = "per_use"
    SHARE = "share"
    UNPAID = "unpaid"


class Subject(StrictModel):
    """The person whose body it is, under a pseudonym."""

    pseudonym: ShortText
    minor: bool = False
    """True for a child: then a guardian must be named and signs."""
    public_key: PublicJwk | None = None
    """The person's own key; a child may have none, an adult must."""


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


class Scope(StrictModel):
    """What is allowed. What is not named is not allowed."""

    purposes: Annotated[tuple[Purpose, ...], Field(min_length=1, max_length=32)]
    territories: Annotated[tuple[Territory, ...], Field(min_length=1, max_length=300)]
    media: Annotated[tuple[Medium, ...], Field(min_length=1, max_length=32)]

    @model_validator(mode="after")
    def _check(self) -> Scope:
        for name in ("purposes", "territories", "media"):
            values: tuple[str, ...] = getattr(self, name)
            if len(set(values)) != len(values):
                raise ValueError(f"{name} names a value twice")
        if Purpose.AI_TRAINING in self.purposes:
            raise ValueError("purposes cannot hold ai_training; the record's field `ai_training` decides it")
        if WORLDWIDE in self.territories and len(self.territories) > 1:
            raise ValueError("territories holds `worldwide` beside others; give it alone")
        if Medium.ALL in self.media and len(self.media) > 1:
            raise ValueError("media holds `all` beside others; give it alone")
        return self


class Term(StrictModel):
    """From when (included) until when (excluded) the record holds."""

    not_before: UtcTime
    not_after: UtcTime

    @model_validator(mode="after")
    def _check(self) -> Term:
        if self.not_before >= self.not_after:
            raise ValueError("not_after must be later than not_before")
        return self


class Pay(StrictModel):
    """What the person gets for each use, and where it is sent."""

    kind: PayKind
    amount: DecimalText | None = None
    """For `per_use`: money for each use, as text."""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    """For `per_use`: ISO 4217 code."""
    share_percent: DecimalText | None = None
    """For `share`: per cent of the controller's revenue from each use, over 0 up to 100, as text."""
    account: ShortText | None = None
    """A reference by which the controller finds the person's account; never the account's number."""

    @model_validator(mode="after")
    def _check(self) -> Pay:
        needed = {
            PayKind.PER_USE: {"amount", "currency", "account"},
            PayKind.SHARE: {"share_percent", "account"},
            PayKind.UNPAID: set(),
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


class ConsentRecord(StrictModel):
    """One person's consent to one controller."""

    schema_version: Literal[1] = SCHEMA_VERSION
    record_id: Annotated[str, Field(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
    """A UUID in lower case."""
    subject: Subject
    guardian: Guardian | None = None
    controller: Controller
    scope: Scope
    term: Term
    pay: Pay
    revocation: Address
    """Where the person takes the consent back."""
    ai_training: bool = False
    """True only where the person allows that models are trained on their likeness."""
    demo: bool = False
    """True for sample data: the keys are public and the person does not exist."""

    @model_validator(mode="after")
    def _check(self) -> ConsentRecord:
        if self.subject.minor and self.guardian is None:
            raise ValueError("the subject is a minor: a guardian must be named, whose key signs")
        if self.guardian is not None and not self.subject.minor:
            raise ValueError("a guardian is named, but the subject is not marked as a minor")
        if self.subject.public_key is None and not self.subject.minor:
            raise ValueError("the subject has no public key; an adult signs with their own")
        people = [person.public_key for person in (self.subject, self.guardian, self.controller) if person]
        keys = [key.x for key in people if key]
        if len(set(keys)) != len(keys):
            raise ValueError("two roles share one key; subject, guardian and controller each need their own")
        if self.demo != self.subject.pseudonym.startswith(DEMO_PREFIX):
            raise ValueError(f"a demo record, and no other, has a pseudonym that begins with {DEMO_PREFIX!r}")
        return self

    def canonical_json(self) -> bytes:
        """Return the bytes that are signed: canonical JSON (RFC 8785), absent fields left out."""
        return strict_json.canonical(self.model_dump(mode="json", exclude_none=True))

    def sha256(self) -> str:
        """Return the hex digest of `canonical_json`."""
        return hashlib.sha256(self.canonical_json()).hexdigest()


def parse_record(text: str | bytes, what: str = "the consent record") -> ConsentRecord:
    """Read a record from JSON, strictly, or raise `InputError` that names each wrong field."""
    strict_json.loads(text, what)
    return _validate(text, what)


def record_from_values(values: Mapping[str, Any], what: str = "the consent record") -> ConsentRecord:
    """Build a record from plain values (strings, lists, nested mappings), as JSON would hold them."""
    return parse_record(json.dumps(values, allow_nan=False, ensure_ascii=False), what)


def _validate(text: str | bytes, what: str) -> ConsentRecord:
    try:
        return ConsentRecord.model_validate_json(text)
    except ValidationError as error:
        problems = [_explain(problem) for problem in error.errors(include_url=False)[:8]]
        raise InputError(printable(f"{what} is not valid: {'; '.join(problems)}.")) from None


def _explain(problem: Any) -> str:
    place = ".".join(str(part) for part in problem["loc"]) or "record"
    if problem["type"] == "extra_forbidden":
        known = ", ".join(_known_fields(problem["loc"][:-1]))
        return f"{place}: unknown field; known here: {known}"
    if problem["type"] == "missing":
        return f"{place}: is missing"
    return f"{place}: {problem['msg'].removeprefix('Value error, ')}"


def _known_fields(place: tuple[int | str, ...]) -> list[str]:
    model: type[StrictModel] | type[PublicJwk] = ConsentRecord
    parts: dict[str, type[StrictModel] | type[PublicJwk]] = {
        "subject": Subject,
        "guardian": Guardian,
        "controller": Controller,
        "scope": Scope,
        "term": Term,
        "pay": Pay,
        "public_key": PublicJwk,
    }
    for part in place:
        model = parts.get(str(part), model)
    return list(model.model_fields)
