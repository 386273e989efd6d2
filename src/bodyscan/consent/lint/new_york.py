"""New York: the Fashion Workers Act (Labor Law article 36) and General Obligations Law section 5-302.

The Act binds model management companies (agencies) and their clients; it was signed on 21 December 2024 and
applies from 19 June 2025. Section 1035 is cited by subdivision; sections 1034, 1036 and 1037, which were
amended in part before they applied, by section alone. A contract that renews itself (section 1035(6)) cannot
be written: the record's term knows no renewal.
"""

from __future__ import annotations

from datetime import datetime

from bodyscan.consent.lint import checks
from bodyscan.consent.lint.rule import Profile, Rule, Severity, Source
from bodyscan.consent.record import ConsentRecord, ProhibitedUse

_ACT = "N.Y. Labor Law, article 36 (Fashion Workers Act), 2024"
_LAWS = "https://www.nysenate.gov/legislation/laws"
AGENCY_DUTIES = Source(_ACT, "§ 1034", f"{_LAWS}/LAB/1034")
POWER_OF_ATTORNEY = Source(_ACT, "§§ 1035(10), 1036", f"{_LAWS}/LAB/1036")
CONSENT = Source(_ACT, "§§ 1034, 1037", f"{_LAWS}/LAB/1037")
CLIENT_DUTIES = Source(_ACT, "§ 1037", f"{_LAWS}/LAB/1037")
MAX_TERM_YEARS = 3


def prohibition(subdivision: int) -> Source:
    """Return the source of one subdivision of section 1035, what an agency must not do."""
    return Source(_ACT, f"§ 1035({subdivision})", f"{_LAWS}/LAB/1035")


def _term_within(record: ConsentRecord, now: datetime) -> bool:
    limit = checks.years_later(record.term.not_before, MAX_TERM_YEARS)
    return record.agency is None or record.term.not_after <= limit


def _agency_is_not_the_controller(record: ConsentRecord, now: datetime) -> bool:
    return record.agency is None or record.agency.name.casefold() != record.controller.name.casefold()


def _no_nudity(record: ConsentRecord, now: datetime) -> bool:
    return checks.prohibits(record, ProhibitedUse.NUDITY, ProhibitedUse.SEXUAL)


def _ai_in_a_separate_document(record: ConsentRecord, now: datetime) -> bool:
    ai = record.ai
    allowed = ai.training or ai.mining or ai.inference or ai.generation
    return record.agency is None or record.separate_document or not allowed


def _enforceable(record: ConsentRecord, now: datetime) -> bool:
    return checks.describes_uses(record, now) or checks.is_represented(record, now)


PROFILE = Profile(
    id="new-york",
    title="New York: Fashion Workers Act, General Obligations Law § 5-302",
    rules=(
        Rule(
            id="NYFWA-1",
            severity=Severity.ERROR,
            fields=("separate_document",),
            check="The consent to the digital replica is a document of its own.",
            source=CONSENT,
            change="Take the consent out of the contract, and set separate_document to true.",
            met=checks.own_document,
        ),
        Rule(
            id="NYFWA-2",
            severity=Severity.ERROR,
            fields=("scope.description", "scope.purposes"),
            check="The record describes scope and purpose of the use: at least 8 words, no blanket phrase.",
            source=CLIENT_DUTIES,
            change="Say in scope.description what is made with the replica, for which goods, shown where.",
            met=checks.describes_uses,
        ),
        Rule(
            id="NYFWA-3",
            severity=Severity.ERROR,
            fields=("pay.kind",),
            check="The record states a rate of pay.",
            source=CLIENT_DUTIES,
            change="Give pay.kind per_use, flat or share, with its amount.",
            met=checks.is_paid,
        ),
        Rule(
            id="NYFWA-4",
            severity=Severity.WARNING,
            fields=("term.not_before", "term.not_after", "agency"),
            check="Where an agency is named, the term is at most three years, as its contract may run.",
            source=prohibition(5),
            change="Shorten the term to three years; a new record can follow it.",
            met=_term_within,
        ),
        Rule(
            id="NYFWA-5",
            severity=Severity.ERROR,
            fields=(
                "agency.name",
                "ai.training",
                "ai.mining",
                "ai.inference",
                "ai.generation",
                "separate_document",
            ),
            check="Where an agency is named and AI is allowed, the consent to it is a document of its own.",
            source=prohibition(10),
            change="Let the model consent to AI in a document of its own, or set the fields of ai to false.",
            met=_ai_in_a_separate_document,
        ),
        Rule(
            id="NYFWA-6",
            severity=Severity.ERROR,
            fields=("power_of_attorney",),
            check="The model signed, not somebody else by a power of attorney.",
            source=POWER_OF_ATTORNEY,
            change="Have the model sign, and set power_of_attorney to false.",
            met=checks.signed_in_person,
        ),
        Rule(
            id="NYFWA-7",
            severity=Severity.ERROR,
            fields=("agency.commission_percent",),
            check="The record names no commission, or one of at most 20 per cent.",
            source=prohibition(7),
            change="Lower agency.commission_percent to 20 or less.",
            met=checks.commission_within,
        ),
        Rule(
            id="NYFWA-8",
            severity=Severity.WARNING,
            fields=("agency.name", "controller.name"),
            check="The agency is not itself the controller of the replica.",
            source=AGENCY_DUTIES,
            change="Name the client as the controller; an agency that makes replicas stands against its duty "
            "to the model.",
            met=_agency_is_not_the_controller,
        ),
        Rule(
            id="NYFWA-9",
            severity=Severity.WARNING,
            fields=("notice",),
            check="The record names the text that the model was given, and its language.",
            source=AGENCY_DUTIES,
            change="Give the model the terms in the language they asked for, and name the text in notice.",
            met=checks.has_notice,
        ),
        Rule(
            id="NYFWA-10",
            severity=Severity.NOTE,
            fields=("scope.prohibited_uses",),
            check="The record prohibits nudity and sexual content.",
            source=Source(
                "N.Y. Civil Rights Law", "§ 52-c(3), named in Labor Law § 1034", f"{_LAWS}/CVR/52-C"
            ),
            change="Add nudity and sexual to scope.prohibited_uses, or see to the agreement of § 52-c.",
            met=_no_nudity,
        ),
        Rule(
            id="NYGOL-1",
            severity=Severity.ERROR,
            fields=("scope.description", "subject.representation"),
            check="The uses are described, or counsel or a union stood by the person.",
            source=Source("N.Y. General Obligations Law, 2024", "§ 5-302(1)", f"{_LAWS}/GOB/5-302"),
            change="Describe the uses in scope.description, or name who advised in subject.representation.",
            met=_enforceable,
        ),
    ),
)
