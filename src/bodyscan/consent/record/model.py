"""The consent record: who allows whom to do what with their likeness, where, until when, for what pay.

A record is data alone. It means something once the person's own key has signed it and the
controller has countersigned the same bytes (see `bodyscan.consent.sign`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from bodyscan.consent.fields import SignedModel, UtcTime, Uuid
from bodyscan.consent.keys import PublicJwk
from bodyscan.consent.record.duties import Bindings, DataTerms, Disclosure, Notice, Withdrawal
from bodyscan.consent.record.people import Agency, Controller, Guardian, Licensee, Subject
from bodyscan.consent.record.terms import AiTerms, Pay, Scope, Term

RECORD_SCHEMA = "urn:bodyscan:consent-record:1"
DEMO_PREFIX = "DEMO "


class ConsentRecord(SignedModel):
    """One person's consent to one controller."""

    schema_: Annotated[
        Literal["urn:bodyscan:consent-record:1"],
        Field(validation_alias="schema", serialization_alias="schema"),
    ] = RECORD_SCHEMA
    record_id: Uuid
    issued_at: UtcTime
    """When the record was written."""
    demo: bool = False
    """True for sample data: the keys are public and the person does not exist."""
    subject: Subject
    guardian: Guardian | None = None
    controller: Controller
    licensees: Annotated[tuple[Licensee, ...], Field(max_length=64)] = ()
    agency: Agency | None = None
    notice: Notice | None = None
    separate_document: bool = False
    """True where this consent is a document of its own, not part of a contract."""
    power_of_attorney: bool = False
    """True where somebody signed for the person by a power of attorney."""
    scope: Scope
    ai: AiTerms = AiTerms()
    term: Term
    pay: Pay
    data: DataTerms
    withdrawal: Withdrawal
    disclosure: Disclosure = Disclosure()
    bindings: Bindings | None = None

    @model_validator(mode="after")
    def _check(self) -> ConsentRecord:
        if self.subject.minor and self.guardian is None:
            raise ValueError("the subject is a minor: a guardian must be named, whose key signs")
        if self.guardian is not None and not self.subject.minor:
            raise ValueError("a guardian is named, but the subject is not marked as a minor")
        keys = [key.x for key in self._keys()]
        if len(set(keys)) != len(keys):
            raise ValueError(
                "two roles share one key; subject, guardian, controller and licensees each need their own"
            )
        names = [self.controller.name, *(licensee.name for licensee in self.licensees)]
        if len({name.casefold() for name in names}) != len(names):
            raise ValueError("controller and licensees need names that differ")
        if self.data.delete_by < self.term.not_after:
            raise ValueError("data.delete_by lies before the end of the term")
        if self.demo != self.subject.pseudonym.startswith(DEMO_PREFIX):
            raise ValueError(f"a demo record, and no other, has a pseudonym that begins with {DEMO_PREFIX!r}")
        return self

    def _keys(self) -> Iterator[PublicJwk]:
        for holder in (self.subject, self.guardian, self.controller, *self.licensees):
            if holder is not None and holder.public_key is not None:
                yield holder.public_key

    @property
    def person_key(self) -> PublicJwk:
        """The key that consents: the guardian's for a child, else the subject's."""
        key = (self.guardian or self.subject).public_key
        assert key is not None  # an adult has one, checked when built
        return key
