"""Uses that the honest record does not cover, or no longer, or not yet."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from bodyscan.consent.policy import Use
from bodyscan.consent.record import Medium, ProhibitedUse, Purpose, record_from_values
from bodyscan.consent.sign import sign_record
from bodyscan.consent.state import ConsentState
from consent.attacks_base import (
    USE,
    Rows,
    Unreadable,
    allow,
    bound_to_honest,
    deny,
    honest,
    signed_record,
    unknown,
)
from consent.people import (
    MOTHER,
    STUDIO,
    child_values,
)

USES = Rows("Uses that the person did not allow")
LATER = datetime(2033, 5, 1, tzinfo=UTC)

# Uses: the file is the honest twin; only what is asked differs.

for _name, _use, _clause, _reason in (
    ("Another purpose.", {"purpose": Purpose.ADVERTISING}, "scope.purposes", "purpose advertising"),
    ("The training of a model.", {"purpose": Purpose.AI_TRAINING}, "ai.training", "AI training"),
    ("A generative model.", {"purpose": Purpose.AI_GENERATION}, "ai.generation", "AI generation"),
    ("Export to somebody else.", {"purpose": Purpose.EXPORT}, "scope.purposes", "purpose export"),
    ("Another territory.", {"territory": "FR"}, "scope.territories", "territory FR"),
    ("A whole country where one state of it is allowed.", {"territory": "US"}, "scope.territories", "US"),
    ("Everywhere.", {"territory": "worldwide"}, "scope.territories", "worldwide"),
    ("Another medium.", {"medium": Medium.PRINT}, "scope.media", "medium print"),
    ("Another licensee.", {"licensee": "Shop Two"}, "licensees", "Shop Two is no licensee"),
    ("A licensee whose name looks alike.", {"licensee": "Sh\u043ep"}, "licensees", "is no licensee"),
    ("Another product line.", {"product_line": "Fur"}, "scope.product_lines", "product line Fur"),
    (
        "What the person is never shown in.",
        {"content": (ProhibitedUse.POLITICAL,)},
        "scope.prohibited_uses",
        "political",
    ),
):

    @USES.row(
        _name,
        deny(ConsentState.NOT_COVERED, _reason, clause=_clause),
        use=replace(USE, **_use),
    )
    def _other_use() -> bytes:
        return honest()


for _name, _field, _clause in (
    ("The territory is kept back.", "territory", "scope.territories"),
    ("The medium is kept back.", "medium", "scope.media"),
    ("The product line is kept back.", "product_line", "scope.product_lines"),
):

    @USES.row(_name, unknown("is stated for the use", _clause), use=replace(USE, **{_field: None}))
    def _fact_missing() -> bytes:
        return honest()


@USES.row(
    "A use that breaks one clause and keeps back another: the denial goes first.",
    deny(ConsentState.NOT_COVERED, "purpose advertising", clause="scope.purposes"),
    use=Use(Purpose.ADVERTISING),
)
def _denied_first() -> bytes:
    return honest()


@USES.row(
    "Expired.",
    deny(ConsentState.EXPIRED, "ended at 2027-01-01", clause="term.not_after"),
    now=datetime(2027, 1, 1, tzinfo=UTC),
)
def _expired() -> bytes:
    return honest()


@USES.row(
    "A use that is planned for after the end of the term.",
    deny(ConsentState.EXPIRED, "ended at 2027-01-01", clause="term.not_after"),
    use=replace(USE, when=datetime(2027, 2, 1, tzinfo=UTC)),
)
def _planned() -> bytes:
    return honest()


@USES.row(
    "Not yet valid.",
    deny(ConsentState.NOT_YET_VALID, "begins at 2026-01-01", clause="term.not_before"),
    use=Use(Purpose.MAKE_TWIN),
    now=datetime(2025, 12, 31, tzinfo=UTC),
)
def _early() -> str:
    return signed_record()


@USES.row(
    "A use that is dated back into the term.",
    Unreadable("lies before now"),
    use=replace(USE, when=datetime(2026, 6, 1, tzinfo=UTC)),
    now=datetime(2027, 2, 1, tzinfo=UTC),
)
def _dated_back() -> bytes:
    return honest()


def _child(until: str = "2034-01-01T00:00:00Z") -> bytes:
    values = child_values()
    values["scope"] = {**values["scope"], "product_lines": ["Spring"]}
    values["term"] = {**values["term"], "not_after": until}
    values["data"] = {**values["data"], "delete_by": "2035-01-01T00:00:00Z"}
    return bound_to_honest(sign_record(record_from_values(values), guardian=MOTHER, controller=STUDIO))


@USES.row("A child's record while they are a child, signed by the mother.", allow())
def _minor() -> bytes:
    return _child()


@USES.row(
    "A minor past 18: the guardian's consent is used after the child came of age.",
    deny(ConsentState.EXPIRED, "came of age at 2033-04-01", clause="subject.adult_from"),
    now=LATER,
)
def _past_18() -> bytes:
    return _child()
