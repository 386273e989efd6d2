"""European Union: the General Data Protection Regulation. The UK GDPR has the same articles.

A guardian for a minor, a purpose, a controller with an address, and a term with an end are not asked for
here: no record can be without them. Whether consent was free (article 7(4)) is not seen in fields.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bodyscan.consent.lint import checks
from bodyscan.consent.lint.rule import Profile, Rule, Severity, Source
from bodyscan.consent.record import (
    ConsentRecord,
    DataCategory,
    LawfulBasis,
    Purpose,
    Redistribution,
    WithdrawalEffect,
)

EU = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()  # noqa: SIM905
)
"""Member states, ISO 3166-1."""
EEA = EU | {"IS", "LI", "NO"}
ADEQUATE = frozenset("AD AR CA CH FO GB GG IL IM JE JP KR NZ UY".split())  # noqa: SIM905
"""Countries with a decision of the Commission that their protection is adequate, as of 2025. Canada's covers
commercial organisations. The United States' covers certified companies alone and is left out."""


def article(place: str) -> Source:
    """Return the source of an article."""
    return Source("Regulation (EU) 2016/679 (GDPR)", place, "https://eur-lex.europa.eu/eli/reg/2016/679/oj")


def _explicit(record: ConsentRecord, now: datetime) -> bool:
    bodily = checks.LIKENESS_DATA & set(record.data.categories)
    return not bodily or record.data.lawful_basis is LawfulBasis.EXPLICIT_CONSENT


def _informed_before(record: ConsentRecord, now: datetime) -> bool:
    return checks.notice_before_start(record)


def _ends_uses(record: ConsentRecord, now: datetime) -> bool:
    by_contract = record.data.lawful_basis is LawfulBasis.CONTRACT
    return by_contract or record.withdrawal.effect is not WithdrawalEffect.STOP_NEW_USES


def _deletes(record: ConsentRecord, now: datetime) -> bool:
    return record.withdrawal.effect is WithdrawalEffect.STOP_AND_DELETE


def _deleted_in_time(record: ConsentRecord, now: datetime) -> bool:
    latest = checks.after(record.term.not_after, record.data.retention)
    return record.data.delete_by <= latest + timedelta(days=1)


def _places_protected(record: ConsentRecord, now: datetime) -> bool:
    return all(place.split("-")[0] in EEA | ADEQUATE for place in record.data.places)


def _recipients_named(record: ConsentRecord, now: datetime) -> bool:
    return record.scope.redistribution is not Redistribution.ANYONE


def _no_child_in_advertising(record: ConsentRecord, now: datetime) -> bool:
    return not record.subject.minor or Purpose.ADVERTISING not in record.scope.purposes


def _motion_is_needed(record: ConsentRecord, now: datetime) -> bool:
    return DataCategory.MOTION not in record.data.categories or Purpose.ANIMATION in record.scope.purposes


PROFILE = Profile(
    id="gdpr",
    title="European Union: General Data Protection Regulation",
    rules=(
        Rule(
            id="GDPR-1",
            severity=Severity.ERROR,
            fields=("data.categories", "data.lawful_basis"),
            check="Where face, body, skin or motion are kept, the lawful basis is explicit consent.",
            source=article("art. 9(1), 9(2)(a), with 4(14)"),
            change="Set data.lawful_basis to explicit_consent, or have it judged that none is biometric.",
            met=_explicit,
        ),
        Rule(
            id="GDPR-2",
            severity=Severity.ERROR,
            fields=("separate_document",),
            check="The consent is a document of its own, apart from other matters.",
            source=article("art. 7(2)"),
            change="Take the consent out of the contract, and set separate_document to true.",
            met=checks.own_document,
        ),
        Rule(
            id="GDPR-3",
            severity=Severity.ERROR,
            fields=("notice",),
            check="The record names the information that the person was given.",
            source=article("art. 4(11), 13"),
            change="Give the information of article 13, and name the text in notice.",
            met=checks.has_notice,
        ),
        Rule(
            id="GDPR-4",
            severity=Severity.ERROR,
            fields=("notice.given_at", "term.not_before"),
            check="The information was given before the term begins.",
            source=article("art. 13(1), (2)"),
            change="Begin the term after notice.given_at.",
            met=_informed_before,
        ),
        Rule(
            id="GDPR-5",
            severity=Severity.WARNING,
            fields=("scope.description", "scope.purposes"),
            check="The purposes are specific: the description has at least 8 words and no blanket phrase.",
            source=article("art. 5(1)(b), 6(1)(a)"),
            change="Say in scope.description what is made with the twin, for which goods, and where shown.",
            met=checks.describes_uses,
        ),
        Rule(
            id="GDPR-6",
            severity=Severity.ERROR,
            fields=("withdrawal.effect", "data.lawful_basis"),
            check="Where consent is the basis, a withdrawal ends all uses, not only new ones.",
            source=article("art. 7(3)"),
            change="Set withdrawal.effect to stop_all_uses or stop_and_delete.",
            met=_ends_uses,
        ),
        Rule(
            id="GDPR-7",
            severity=Severity.WARNING,
            fields=("withdrawal.effect",),
            check="After a withdrawal the data are deleted.",
            source=article("art. 17(1)(b)"),
            change="Set withdrawal.effect to stop_and_delete, or name another ground for keeping the data.",
            met=_deletes,
        ),
        Rule(
            id="GDPR-8",
            severity=Severity.ERROR,
            fields=("data.delete_by", "data.retention", "term.not_after"),
            check="The data are deleted no later than the retention after the term.",
            source=article("art. 5(1)(e), 13(2)(a)"),
            change="Set data.delete_by to the end of the term plus data.retention, or earlier.",
            met=_deleted_in_time,
        ),
        Rule(
            id="GDPR-9",
            severity=Severity.WARNING,
            fields=("data.places",),
            check="The data stay in the European Economic Area or in countries found adequate (as of 2025).",
            source=article("art. 13(1)(f), 44 to 46"),
            change="Keep the data there, or see to the safeguards of article 46 and say so in the notice.",
            met=_places_protected,
        ),
        Rule(
            id="GDPR-10",
            severity=Severity.WARNING,
            fields=("scope.redistribution",),
            check="Who receives the twin is named.",
            source=article("art. 13(1)(e)"),
            change="Set scope.redistribution to licensees or none, and name the licensees.",
            met=_recipients_named,
        ),
        Rule(
            id="GDPR-11",
            severity=Severity.WARNING,
            fields=("subject.minor", "scope.purposes"),
            check="A child's likeness is not used for advertising.",
            source=article("recital 38"),
            change="Take advertising out of scope.purposes, or have it judged for this child.",
            met=_no_child_in_advertising,
        ),
        Rule(
            id="GDPR-12",
            severity=Severity.NOTE,
            fields=("data.categories", "scope.purposes"),
            check="Motion is kept only where the purpose animation needs it.",
            source=article("art. 5(1)(c)"),
            change="Take motion out of data.categories.",
            met=_motion_is_needed,
        ),
    ),
)
