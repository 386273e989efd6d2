"""Each rule is met by a fair record, and broken by the change that it speaks of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bodyscan.consent.lint import PROFILES, Profile, Severity, lint
from bodyscan.consent.lint.basics import PROFILE as BASICS
from bodyscan.consent.lint.rule import field_text
from bodyscan.consent.record import ConsentRecord
from consent.lint.fair import AGENCY, fair_child, fair_record
from consent.people import NOW

ALL = tuple(PROFILES)
PAGE = Path(__file__).resolve().parents[3] / "docs" / "lint.md"
RULES = {rule.id: rule for profile in (BASICS, *PROFILES.values()) for rule in profile.rules}
VAGUE = "Any and all uses of the likeness in all media, in perpetuity."
COUNSEL = {"kind": "counsel", "name": "R. Lawyer"}
STATE_OF = {"subject__representation": None, "scope__description": VAGUE}


def found(record: ConsentRecord, profiles: tuple[str, ...] = ALL) -> set[str]:
    return {finding.rule.id for finding in lint(record, profiles, now=NOW)}


def child(**places: Any) -> ConsentRecord:
    return fair_child(**places)


BROKEN: dict[str, ConsentRecord] = {
    "REC-1": child(subject__adult_from="2026-05-31T23:59:59Z"),
    "REC-2": child(subject__adult_from="2026-12-31T00:00:00Z"),
    "REC-5": fair_record(scope__description=VAGUE),
    "REC-6": fair_record(withdrawal__status=None),
    "REC-7": fair_record(term__not_before="2025-12-31T00:00:00Z", term__not_after="2026-06-01T00:00:00Z"),
    "REC-8": fair_record(demo=True, subject__pseudonym="DEMO Anna"),
    "NYFWA-1": fair_record(separate_document=False),
    "NYFWA-2": fair_record(scope__description="Pictures of clothes."),
    "NYFWA-3": fair_record(pay={"kind": "unpaid"}),
    "NYFWA-4": fair_record(
        agency=AGENCY, term__not_after="2029-01-01T00:00:01Z", data__delete_by="2029-02-01T00:00:00Z"
    ),
    "NYFWA-5": fair_record(agency=AGENCY, separate_document=False, ai={"inference": True}),
    "NYFWA-6": fair_record(power_of_attorney=True),
    "NYFWA-7": fair_record(agency={**AGENCY, "commission_percent": "20.0001"}),
    "NYFWA-8": fair_record(agency={**AGENCY, "name": "ATELIER"}),
    "NYFWA-9": fair_record(notice=None),
    "NYFWA-10": fair_record(scope__prohibited_uses=["nudity", "defamatory", "impersonation"]),
    "NYGOL-1": fair_record(**STATE_OF),
    "CA927-1": fair_record(**STATE_OF),
    "CA927-2": fair_record(scope__description=VAGUE),
    "CA927-3": fair_record(subject__representation=None),
    "CA927-4": fair_record(subject__representation={"kind": "union", "name": "Equity"}),
    "CA927-5": fair_record(subject__representation=COUNSEL, pay={"kind": "unpaid"}),
    "GDPR-1": fair_record(data__lawful_basis="consent"),
    "GDPR-2": fair_record(separate_document=False),
    "GDPR-3": fair_record(notice=None),
    "GDPR-4": fair_record(notice__given_at="2026-01-01T00:00:01Z"),
    "GDPR-5": fair_record(scope__description=VAGUE),
    "GDPR-6": fair_record(withdrawal__effect="stop_new_uses"),
    "GDPR-7": fair_record(withdrawal__effect="stop_all_uses"),
    "GDPR-8": fair_record(data__delete_by="2028-01-03T00:00:00Z"),
    "GDPR-9": fair_record(data__places=["DE", "US"]),
    "GDPR-10": fair_record(scope__purposes=["make_twin", "export"], scope__redistribution="anyone"),
    "GDPR-11": child(scope__purposes=["make_twin", "advertising"]),
    "GDPR-12": fair_record(data__categories=["body_shape", "motion"]),
    "AIACT50-1": fair_record(ai={"generation": True}),
    "AIACT50-2": fair_record(disclosure={"label": "Atelier"}),
    "AIACT50-3": fair_record(ai={"inference": True}, notice=None),
    "AIACT50-4": fair_record(disclosure={"source_type": "digitalCreation"}),
    "SAG-1": fair_record(separate_document=False),
    "SAG-2": fair_record(scope__description="Commercials."),
    "SAG-3": fair_record(pay={"kind": "unpaid"}),
    "SAG-4": fair_record(ai={"training": True}),
    "SAG-5": fair_record(notice__given_at="2025-12-30T00:00:01Z"),
    "SAG-6": fair_record(subject__representation=COUNSEL),
    "SAG-7": fair_record(scope__purposes=["make_twin", "advertising"], scope__product_lines=["all"]),
    "EQUITY-1": fair_record(power_of_attorney=True),
    "EQUITY-2": fair_record(scope__exclusivity="full"),
    "EQUITY-3": fair_record(term__not_after="2031-01-01T00:00:01Z", data__delete_by="2031-02-01T00:00:00Z"),
    "EQUITY-4": fair_record(scope__purposes=["make_twin", "export"], scope__redistribution="anyone"),
    "EQUITY-5": fair_record(scope__prohibited_uses=["nudity", "sexual", "defamatory"]),
    "EQUITY-6": fair_record(notice=None),
    "EQUITY-7": fair_record(pay={"kind": "unpaid"}),
    "EQUITY-8": fair_record(
        pay={"kind": "flat", "amount": "900", "currency": "EUR", "due_days": 30, "account": "ref-77"}
    ),
    "EQUITY-9": fair_record(subject__representation=None),
    "EQUITY-10": fair_record(ai={"mining": True}),
}
YIELDING = {
    "REC-3": fair_record(agency={**AGENCY, "commission_percent": "35"}),
    "REC-4": fair_record(power_of_attorney=True),
}
"""Rules that are silent where a profile says the same more sharply."""
BESIDE = {
    "REC-1": child(subject__adult_from="2026-06-01T00:00:01Z", term__not_after="2026-06-01T00:00:01Z"),
    "NYFWA-4": fair_record(
        agency=AGENCY, term__not_after="2028-12-31T00:00:00Z", data__delete_by="2029-02-01T00:00:00Z"
    ),
    "NYFWA-5": fair_record(separate_document=False, ai={"inference": True}),
    "NYFWA-7": fair_record(agency=AGENCY),
    "NYGOL-1": fair_record(scope__description=VAGUE),
    "CA927-1": fair_record(subject__representation=None),
    "CA927-4": fair_record(subject__representation=COUNSEL),
    "CA927-5": fair_record(subject__representation=COUNSEL),
    "GDPR-1": fair_record(data__lawful_basis="contract", data__categories=["photographs", "measurements"]),
    "GDPR-4": fair_record(notice__given_at="2026-01-01T00:00:00Z"),
    "GDPR-6": fair_record(withdrawal__effect="stop_new_uses", data__lawful_basis="contract"),
    "GDPR-8": fair_record(data__delete_by="2028-01-02T00:00:00Z"),
    "GDPR-9": fair_record(data__places=["DE", "NO", "GB", "JP", "CH-ZH"]),
    "GDPR-10": fair_record(scope__purposes=["make_twin", "export"], scope__redistribution="licensees"),
    "GDPR-11": child(),
    "GDPR-12": fair_record(data__categories=["motion"], scope__purposes=["animation"]),
    "AIACT50-1": fair_record(
        ai={"generation": True}, disclosure={"source_type": "compositeWithTrainedAlgorithmicMedia"}
    ),
    "AIACT50-2": fair_record(disclosure={"label": "Atelier"}, scope__media=["internal"]),
    "AIACT50-3": fair_record(ai={"inference": True}),
    "SAG-5": fair_record(notice__given_at="2025-12-30T00:00:00Z"),
    "SAG-7": fair_record(scope__purposes=["make_twin", "advertising"]),
}
"""Records on the other side of a rule's limit: it does not speak."""


def test_a_fair_record_meets_every_rule():
    assert found(fair_record()) == set()


def test_a_fair_record_of_a_child_meets_every_rule():
    assert found(fair_child()) == set()


def test_every_rule_has_a_record_that_breaks_it():
    assert set(BROKEN) | set(YIELDING) == set(RULES)


@pytest.mark.parametrize("rule", BROKEN)
def test_a_rule_finds_what_it_speaks_of(rule: str):
    assert rule in found(BROKEN[rule])


@pytest.mark.parametrize("rule", BESIDE)
def test_a_rule_is_silent_on_the_other_side_of_its_limit(rule: str):
    assert rule not in found(BESIDE[rule])


@pytest.mark.parametrize("rule", YIELDING)
def test_a_general_rule_speaks_only_where_no_sharper_one_does(rule: str):
    assert rule in found(YIELDING[rule], ("gdpr",))
    assert rule not in found(YIELDING[rule], ("new-york",))


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_a_rule_is_whole(rule: Any):
    assert rule.check.endswith(".")
    assert rule.change.endswith(".")
    assert rule.source.name
    assert str(rule.source).startswith(rule.source.name)
    assert rule.source.address == "" or rule.source.address.startswith("https://")
    assert rule.fields
    for path in rule.fields:
        assert field_text(fair_record(), path)


def test_ids_are_used_once():
    ids = [rule.id for profile in (BASICS, *PROFILES.values()) for rule in profile.rules]
    assert len(ids) == len(set(ids))


def test_a_rule_yields_only_to_rules_that_exist():
    assert {other for rule in RULES.values() for other in rule.yields_to} <= set(RULES)


def test_laws_are_cited_with_a_place_and_an_official_address():
    for name in ("new-york", "california", "gdpr", "eu-ai-act"):
        for rule in PROFILES[name].rules:
            assert rule.source.place
            assert rule.source.address
            assert any(host in rule.source.address for host in ("nysenate.gov", "ca.gov", "europa.eu"))


def test_errors_exist_in_each_profile():
    for profile in PROFILES.values():
        assert any(rule.severity is Severity.ERROR for rule in profile.rules)


@pytest.mark.parametrize("profile", [BASICS, *PROFILES.values()], ids=lambda profile: profile.id)
def test_the_page_lists_every_rule_as_it_is(profile: Profile):
    page = PAGE.read_text(encoding="utf-8")
    table = page.split(f"`--profile {profile.id}`\n", 1)[1].split("###", 1)[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert rows == [
        f"| {rule.id} | {rule.severity} | {rule.check} | {', '.join(f'`{path}`' for path in rule.fields)} "
        f"| {rule.source} |"
        for rule in profile.rules
    ]
