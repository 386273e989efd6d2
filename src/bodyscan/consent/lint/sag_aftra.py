"""SAG-AFTRA (United States): the Commercials Contracts of 2025 on digital replicas.

The contracts are in force from 1 April 2025. The rules follow what is publicly known of them (the union's and
the advertisers' summaries); no section numbers are cited, and rates are not checked.
"""

from __future__ import annotations

from datetime import datetime

from bodyscan.consent.lint import checks
from bodyscan.consent.lint.rule import Profile, Rule, Severity, Source
from bodyscan.consent.record import ConsentRecord, Purpose

NOTICE_HOURS = 48


def terms(place: str) -> Source:
    """Return the source of a term on digital replicas."""
    return Source(
        "SAG-AFTRA Commercials Contracts, 2025",
        f"terms on digital replicas: {place}",
        "https://www.sagaftra.org/contracts-industry-resources/contracts",
    )


def _told_in_time(record: ConsentRecord, now: datetime) -> bool:
    return record.notice is not None and checks.notice_before_start(record, NOTICE_HOURS)


def _no_training(record: ConsentRecord, now: datetime) -> bool:
    return not (record.ai.training or record.ai.mining)


def _product_named(record: ConsentRecord, now: datetime) -> bool:
    return Purpose.ADVERTISING not in record.scope.purposes or checks.names_product_lines(record, now)


PROFILE = Profile(
    id="sag-aftra",
    title="SAG-AFTRA: Commercials Contracts 2025, digital replicas",
    rules=(
        Rule(
            id="SAG-1",
            severity=Severity.ERROR,
            fields=("separate_document",),
            check="The consent is clear and conspicuous: a rider or a separate signed writing.",
            source=terms("consent"),
            change="Write the consent as a document of its own, and set separate_document to true.",
            met=checks.own_document,
        ),
        Rule(
            id="SAG-2",
            severity=Severity.ERROR,
            fields=("scope.description",),
            check="The intended use is described specifically: 8 words or more, no blanket phrase.",
            source=terms("reasonably specific description"),
            change="Say in scope.description what the replica does in which commercial.",
            met=checks.describes_uses,
        ),
        Rule(
            id="SAG-3",
            severity=Severity.ERROR,
            fields=("pay.kind",),
            check="The performer is paid for the replica.",
            source=terms("compensation"),
            change="Give pay.kind per_use, flat or share, with its amount.",
            met=checks.is_paid,
        ),
        Rule(
            id="SAG-4",
            severity=Severity.ERROR,
            fields=("ai.training", "ai.mining"),
            check="The likeness does not train AI systems.",
            source=terms("limits on training"),
            change="Set ai.training and ai.mining to false.",
            met=_no_training,
        ),
        Rule(
            id="SAG-5",
            severity=Severity.WARNING,
            fields=("notice.given_at", "term.not_before"),
            check="The description was given at least 48 hours before the term begins.",
            source=terms("48 hours"),
            change="Name the text in notice, and begin the term 48 hours after notice.given_at.",
            met=_told_in_time,
        ),
        Rule(
            id="SAG-6",
            severity=Severity.WARNING,
            fields=("subject.representation",),
            check="The union stood by the performer, and the agreement is named.",
            source=terms("coverage"),
            change="Name the union and its agreement in subject.representation.",
            met=checks.by_union_agreement,
        ),
        Rule(
            id="SAG-7",
            severity=Severity.WARNING,
            fields=("scope.product_lines", "scope.purposes"),
            check="Advertising names its product lines; a use beyond them needs a new consent.",
            source=terms("uses beyond the description"),
            change="Name the advertised products in scope.product_lines.",
            met=_product_named,
        ),
    ),
)
