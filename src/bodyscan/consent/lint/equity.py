"""Equity (United Kingdom): the eight principles of its AI Vision Statement, and its open letter on training.

The principles are demands of a union, not law. Principles 5 (consultation) and 7 (equal access) are about
conduct and are not seen in fields.
"""

from __future__ import annotations

from datetime import datetime

from bodyscan.consent.lint import checks
from bodyscan.consent.lint.rule import Profile, Rule, Severity, Source
from bodyscan.consent.record import ConsentRecord, Exclusivity, PayKind, ProhibitedUse, Redistribution

_TOOLKIT = "https://www.equity.org.uk/advice-and-support/know-your-rights/ai-toolkit"
LONG_TERM_YEARS = 5
"""Equity asks for a limit and names no number; five years is this program's yardstick."""


def principle(number: int, words: str) -> Source:
    """Return the source of one of the eight principles."""
    return Source("Equity AI Vision Statement", f"principle {number}, {words}", _TOOLKIT)


def _not_exclusive(record: ConsentRecord, now: datetime) -> bool:
    return record.scope.exclusivity is Exclusivity.NONE


def _short_term(record: ConsentRecord, now: datetime) -> bool:
    return record.term.not_after <= checks.years_later(record.term.not_before, LONG_TERM_YEARS)


def _personal(record: ConsentRecord, now: datetime) -> bool:
    return record.scope.redistribution is not Redistribution.ANYONE


def _no_derogatory_use(record: ConsentRecord, now: datetime) -> bool:
    return checks.prohibits(record, ProhibitedUse.DEFAMATORY, ProhibitedUse.IMPERSONATION)


def _paid_by_use(record: ConsentRecord, now: datetime) -> bool:
    return record.pay.kind is not PayKind.FLAT


def _no_training(record: ConsentRecord, now: datetime) -> bool:
    return not (record.ai.training or record.ai.mining)


PROFILE = Profile(
    id="equity",
    title="Equity (UK): AI Vision Statement",
    rules=(
        Rule(
            id="EQUITY-1",
            severity=Severity.ERROR,
            fields=("power_of_attorney",),
            check="The artist consented in person; the right to consent is not assigned.",
            source=principle(1, "consent"),
            change="Have the artist sign, and set power_of_attorney to false.",
            met=checks.signed_in_person,
        ),
        Rule(
            id="EQUITY-2",
            severity=Severity.ERROR,
            fields=("scope.exclusivity",),
            check="The licence is not exclusive.",
            source=principle(2, "non-exclusive licence"),
            change="Set scope.exclusivity to none.",
            met=_not_exclusive,
        ),
        Rule(
            id="EQUITY-3",
            severity=Severity.WARNING,
            fields=("term.not_before", "term.not_after"),
            check="The licence is limited in time: at most five years (a yardstick; Equity names no number).",
            source=principle(2, "time-limited licence"),
            change="Shorten the term; a new record can follow it.",
            met=_short_term,
        ),
        Rule(
            id="EQUITY-4",
            severity=Severity.WARNING,
            fields=("scope.redistribution",),
            check="The licence is personal: the twin does not go to anyone.",
            source=principle(2, "personal licence"),
            change="Set scope.redistribution to licensees or none.",
            met=_personal,
        ),
        Rule(
            id="EQUITY-5",
            severity=Severity.WARNING,
            fields=("scope.prohibited_uses",),
            check="Defamatory uses and impersonation are prohibited.",
            source=principle(3, "derogatory treatment"),
            change="Add defamatory and impersonation to scope.prohibited_uses.",
            met=_no_derogatory_use,
        ),
        Rule(
            id="EQUITY-6",
            severity=Severity.ERROR,
            fields=("notice",),
            check="The record names the information that the artist was given.",
            source=principle(4, "transparent information"),
            change="Give the artist the information, and name the text in notice.",
            met=checks.has_notice,
        ),
        Rule(
            id="EQUITY-7",
            severity=Severity.ERROR,
            fields=("pay.kind",),
            check="The artist is paid.",
            source=principle(6, "fair remuneration"),
            change="Give pay.kind per_use or share.",
            met=checks.is_paid,
        ),
        Rule(
            id="EQUITY-8",
            severity=Severity.WARNING,
            fields=("pay.kind",),
            check="The pay grows with the use: it is not one flat sum.",
            source=principle(6, "proportionate remuneration"),
            change="Give pay.kind per_use or share.",
            met=_paid_by_use,
        ),
        Rule(
            id="EQUITY-9",
            severity=Severity.NOTE,
            fields=("subject.representation",),
            check="A collective agreement is named.",
            source=principle(8, "collective agreement"),
            change="Name the union and its agreement in subject.representation.",
            met=checks.by_union_agreement,
        ),
        Rule(
            id="EQUITY-10",
            severity=Severity.WARNING,
            fields=("ai.training", "ai.mining"),
            check="The likeness is not used for AI training or data mining.",
            source=Source("Equity open letter to the industry on AI training, 2025", "", _TOOLKIT),
            change="Set ai.training and ai.mining to false, or license them apart, with pay.",
            met=_no_training,
        ),
    ),
)
