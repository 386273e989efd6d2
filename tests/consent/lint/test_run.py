"""What a check of a record returns."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from bodyscan.consent.lint import NOT_ADVICE, Severity, lint
from bodyscan.errors import InputError
from consent.lint.fair import AGENCY, fair_child, fair_record
from consent.people import NOW


def test_errors_come_first_then_warnings_then_notes():
    record = fair_record(withdrawal__status=None, data__places=["US"], notice=None)
    weights = [finding.rule.severity for finding in lint(record, ["gdpr"], now=NOW)]
    assert weights == [Severity.ERROR, Severity.WARNING, Severity.NOTE]


def test_a_finding_shows_the_fields_it_goes_by():
    record = fair_record(agency={**AGENCY, "commission_percent": "35"})
    (finding,) = lint(record, ["new-york"], now=NOW)
    assert finding.found == (("agency.commission_percent", "35"),)
    assert finding.to_json() == {
        "rule": "NYFWA-7",
        "profile": "new-york",
        "severity": "error",
        "check": "The record names no commission, or one of at most 20 per cent.",
        "found": {"agency.commission_percent": "35"},
        "change": "Lower agency.commission_percent to 20 or less.",
        "source": "N.Y. Labor Law, article 36 (Fashion Workers Act), 2024, § 1035(7)",
        "source_address": "https://www.nysenate.gov/legislation/laws/LAB/1035",
    }
    json.dumps(finding.to_json())


def test_a_field_that_is_not_there_is_shown_as_absent():
    (finding,) = lint(fair_record(notice=None), ["equity"], now=NOW)
    assert finding.found == (("notice", "absent"),)


def test_the_clock_decides_when_a_child_comes_of_age():
    record = fair_child()
    of_age = datetime(2027, 6, 1, tzinfo=UTC)
    assert "REC-1" not in {f.rule.id for f in lint(record, [], now=of_age - timedelta(seconds=1))}
    assert "REC-1" in {f.rule.id for f in lint(record, [], now=of_age)}


def test_no_profile_asked_for_leaves_the_basics():
    assert lint(fair_record(separate_document=False, notice=None), [], now=NOW) == ()


def test_without_a_choice_the_record_chooses():
    record = fair_record(notice=None, scope__territories=["FR"], subject__representation=None)
    assert {f.profile for f in lint(record, now=NOW)} == {"gdpr"}


def test_a_clock_that_is_not_utc_is_refused():
    with pytest.raises(InputError, match="now must be a time in UTC"):
        lint(fair_record(), now=NOW.replace(tzinfo=None))
    with pytest.raises(InputError, match="now must be a time in UTC"):
        lint(fair_record(), now=NOW.astimezone(timezone(timedelta(hours=2))))


def test_it_says_that_it_is_no_legal_advice():
    assert "not legal advice" in NOT_ADVICE
