"""California: Labor Code section 927 (Assembly Bill 2602 of 2024).

A clause on a digital replica is unenforceable where it lets the replica stand in for the person's work, does
not describe the uses reasonably specifically, and the person was represented neither by counsel nor by a
union. It applies to new performances fixed on or after 1 January 2025. Any one of the two latter conditions
saves the clause, so each alone is a warning here and both together an error.
"""

from __future__ import annotations

from datetime import datetime

from bodyscan.consent.lint import checks
from bodyscan.consent.lint.rule import Profile, Rule, Severity, Source
from bodyscan.consent.record import ConsentRecord, RepresentationKind

_CODE = "California Labor Code (AB 2602, 2024)"
_ADDRESS = "https://leginfo.legislature.ca.gov/faces/codes_displaySection.xhtml?lawCode=LAB&sectionNum=927."


def section(place: str) -> Source:
    """Return the source of a part of section 927."""
    return Source(_CODE, f"§ 927{place}", _ADDRESS)


def _enforceable(record: ConsentRecord, now: datetime) -> bool:
    return checks.describes_uses(record, now) or checks.is_represented(record, now)


def _union_agreement_named(record: ConsentRecord, now: datetime) -> bool:
    representation = record.subject.representation
    by_union = representation is not None and representation.kind is RepresentationKind.UNION
    return not by_union or checks.by_union_agreement(record, now)


def _counsel_saw_the_pay(record: ConsentRecord, now: datetime) -> bool:
    representation = record.subject.representation
    by_counsel = representation is not None and representation.kind is RepresentationKind.COUNSEL
    return not by_counsel or checks.is_paid(record, now)


PROFILE = Profile(
    id="california",
    title="California: Labor Code § 927",
    rules=(
        Rule(
            id="CA927-1",
            severity=Severity.ERROR,
            fields=("scope.description", "subject.representation"),
            check="The uses are described specifically, or counsel or a union stood by the person.",
            source=section("(a)"),
            change="Describe the uses in scope.description, or name who advised in subject.representation.",
            met=_enforceable,
        ),
        Rule(
            id="CA927-2",
            severity=Severity.WARNING,
            fields=("scope.description",),
            check="The description has at least 8 words and no blanket phrase.",
            source=section("(a)(2)"),
            change="Say in scope.description what is made with the replica, for which goods, shown where.",
            met=checks.describes_uses,
        ),
        Rule(
            id="CA927-3",
            severity=Severity.WARNING,
            fields=("subject.representation",),
            check="Counsel or a union stood by the person.",
            source=section("(a)(3)"),
            change="Name counsel or the union in subject.representation.",
            met=checks.is_represented,
        ),
        Rule(
            id="CA927-4",
            severity=Severity.WARNING,
            fields=("subject.representation.kind", "subject.representation.agreement"),
            check="Where a union stood by the person, its collective agreement is named.",
            source=section("(a)(3)(B)"),
            change="Name the collective agreement on replicas in subject.representation.agreement.",
            met=_union_agreement_named,
        ),
        Rule(
            id="CA927-5",
            severity=Severity.WARNING,
            fields=("subject.representation.kind", "pay.kind"),
            check="Where counsel stood by the person, the record states the commercial terms: pay.",
            source=section("(a)(3)(A)"),
            change="State the pay, or name the signed contract that states it.",
            met=_counsel_saw_the_pay,
        ),
    ),
)
