"""Conditions of no law: what a record needs in order to mean what it says. Always checked."""

from __future__ import annotations

from datetime import datetime

from bodyscan.consent.lint.checks import blanket_phrases, commission_within, signed_in_person
from bodyscan.consent.lint.rule import Profile, Rule, Severity, Source
from bodyscan.consent.record import ConsentRecord

FORMAT = Source("bodyscan consent record, version 1", "docs/consent.md")


def _not_grown_up(record: ConsentRecord, now: datetime) -> bool:
    adult_from = record.subject.adult_from
    return adult_from is None or now < adult_from


def _grows_up_after_the_term(record: ConsentRecord, now: datetime) -> bool:
    adult_from = record.subject.adult_from
    return adult_from is None or adult_from <= now or record.term.not_after <= adult_from


def _not_over(record: ConsentRecord, now: datetime) -> bool:
    return now < record.term.not_after


def _no_blanket_phrase(record: ConsentRecord, now: datetime) -> bool:
    return not blanket_phrases(record.scope.description)


def _can_be_looked_up(record: ConsentRecord, now: datetime) -> bool:
    return record.withdrawal.status is not None


def _is_real(record: ConsentRecord, now: datetime) -> bool:
    return not record.demo


PROFILE = Profile(
    id="basics",
    title="Every record",
    rules=(
        Rule(
            id="REC-1",
            severity=Severity.ERROR,
            fields=("subject.minor", "subject.adult_from"),
            check="The person is an adult who signed, or a minor who is still one.",
            source=FORMAT,
            change="The guardian's consent has ended: have the person sign a record of their own.",
            met=_not_grown_up,
        ),
        Rule(
            id="REC-2",
            severity=Severity.WARNING,
            fields=("subject.adult_from", "term.not_after"),
            check="The term of a minor's record ends before they come of age.",
            source=FORMAT,
            change="End the term at subject.adult_from; from then on the person decides.",
            met=_grows_up_after_the_term,
        ),
        Rule(
            id="REC-3",
            severity=Severity.WARNING,
            fields=("agency.commission_percent",),
            check="The record names no commission, or one of at most 20 per cent.",
            source=Source(
                "N.Y. Labor Law, article 36 (Fashion Workers Act), 2024",
                "§ 1035(7), as a yardstick elsewhere",
                "https://www.nysenate.gov/legislation/laws/LAB/1035",
            ),
            change="Lower agency.commission_percent to 20 or less.",
            met=commission_within,
            yields_to=("NYFWA-7",),
        ),
        Rule(
            id="REC-4",
            severity=Severity.WARNING,
            fields=("power_of_attorney",),
            check="The person signed, not somebody else by a power of attorney.",
            source=FORMAT,
            change="Have the person sign with their own key, and set power_of_attorney to false.",
            met=signed_in_person,
            yields_to=("NYFWA-6", "EQUITY-1"),
        ),
        Rule(
            id="REC-5",
            severity=Severity.WARNING,
            fields=("scope.description",),
            check="The description has no phrase that grants everything or denies the end of the term.",
            source=FORMAT,
            change="Take phrases such as `any and all`, `in perpetuity` and `irrevocable` out of it.",
            met=_no_blanket_phrase,
        ),
        Rule(
            id="REC-6",
            severity=Severity.NOTE,
            fields=("withdrawal.status",),
            check="A withdrawal can be looked up in a status list.",
            source=FORMAT,
            change="Name the two status lists in withdrawal.status; else only the person's statement tells.",
            met=_can_be_looked_up,
        ),
        Rule(
            id="REC-7",
            severity=Severity.NOTE,
            fields=("term.not_after",),
            check="The term is not over.",
            source=FORMAT,
            change="A new use needs a new record.",
            met=_not_over,
        ),
        Rule(
            id="REC-8",
            severity=Severity.NOTE,
            fields=("demo",),
            check="The record is of a person who exists.",
            source=FORMAT,
            change="Never use sample data with the scan of a real person.",
            met=_is_real,
        ),
    ),
)
