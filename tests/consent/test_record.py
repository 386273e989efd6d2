from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from bodyscan.consent.record import Term, parse_record, record_from_values
from bodyscan.consent.territories import COUNTRY_CODES
from bodyscan.errors import InputError
from consent.people import ANNA, MOTHER, STUDIO, child_values, record, values


def changed(path: str, value: Any) -> dict[str, Any]:
    result = json.loads(json.dumps(values()))
    target = result
    *groups, name = path.split(".")
    for group in groups:
        target = target[group]
    if value is None:
        del target[name]
    else:
        target[name] = value
    return result


def test_a_record_reads_back_from_its_canonical_json() -> None:
    first = record()
    assert parse_record(first.canonical_json()) == first
    assert parse_record(first.canonical_json()).canonical_json() == first.canonical_json()
    assert parse_record(json.dumps(values(), indent=3)).sha256() == first.sha256()


def test_canonical_json_names_the_refusal_of_ai_training_even_where_nobody_spoke_of_it() -> None:
    without = {name: value for name, value in values().items() if name != "ai_training"}
    written = json.loads(record_from_values(without).canonical_json())
    assert written["ai_training"] is False
    assert list(written) == sorted(written)


def test_a_record_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        record().ai_training = True  # type: ignore[misc]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("note", "hello", "note: unknown field; known here: schema_version, record_id"),
        ("\x1b[2J", 1, "\\u001b[2J: unknown field"),
        ("pay.bonus", "1", "pay.bonus: unknown field; known here: kind, amount, currency"),
        ("subject.name", "Anna", "known here: pseudonym, minor, public_key"),
        ("schema_version", 2, "schema_version"),
        ("record_id", "7", "record_id"),
        ("subject.pseudonym", "", "at least 1 character"),
        ("subject.pseudonym", "x" * 201, "at most 200 characters"),
        ("subject.pseudonym", " Anna", "begins or ends with a space"),
        ("subject.pseudonym", "Anna\x1b[2J", "control character U+001B"),
        ("subject.pseudonym", "Anna\u202egnp", "control character U+202E"),
        ("subject.pseudonym", "DEMO Anna", "a demo record, and no other"),
        ("subject.public_key", None, "an adult signs with their own"),
        ("subject.minor", True, "a guardian must be named"),
        ("subject.minor", 0, "valid boolean"),
        ("subject.public_key.d", "secret", "this is a private key"),
        ("subject.public_key.x", "AQ" + "A" * 41, "low-order point"),
        ("controller.public_key", ANNA.public.model_dump(), "two roles share one key"),
        ("controller.contact", "office", "is no address"),
        ("controller.contact", "http://example.org", "is no address"),
        ("controller.contact", "javascript:alert(1)", "is no address"),
        ("revocation", None, "revocation: is missing"),
        ("scope.purposes", [], "at least 1 item"),
        ("scope.purposes", ["everything"], "make_twin"),
        ("scope.purposes", ["render", "render"], "purposes names a value twice"),
        ("scope.purposes", ["ai_training"], "the record's field `ai_training` decides it"),
        ("scope.territories", ["XX"], "'XX' is no territory"),
        ("scope.territories", ["de"], "'de' is no territory"),
        ("scope.territories", ["worldwide", "DE"], "give it alone"),
        ("scope.territories", ["US-"], "is no territory"),
        ("scope.media", ["all", "web"], "give it alone"),
        ("term.not_after", "2026-01-01T00:00:00Z", "not_after must be later than not_before"),
        ("term.not_after", "2027-01-01T00:00:00+02:00", "write UTC to the second"),
        ("term.not_after", "2027-02-30T00:00:00Z", "day is out of range"),
        ("term.not_after", "2027-01-01", "write UTC to the second"),
        ("term.not_after", 1800000000, "write UTC to the second"),
        ("pay.amount", 12.5, "valid string"),
        ("pay.amount", "0.00", "amount must be over 0"),
        ("pay.amount", "-3", "pay.amount"),
        ("pay.amount", "1e3", "pay.amount"),
        ("pay.currency", "euro", "pay.currency"),
        ("pay.account", None, "pay of the kind per_use takes account, amount, currency"),
        ("pay.kind", "share", "pay of the kind share takes account, share_percent"),
        ("pay.kind", "unpaid", "pay of the kind unpaid takes nothing else"),
        ("ai_training", "no", "valid boolean"),
        ("demo", True, "a demo record, and no other"),
    ],
)
def test_a_wrong_field_is_named(path: str, value: Any, said: str) -> None:
    with pytest.raises(InputError, match="the consent record is not valid") as caught:
        record_from_values(changed(path, value))
    assert said in str(caught.value)


def test_share_and_unpaid_are_kinds_of_pay() -> None:
    assert record(pay={"kind": "share", "share_percent": "7.5", "account": "a"}).pay.share_percent == "7.5"
    assert record(pay={"kind": "unpaid"}).pay.amount is None
    with pytest.raises(InputError, match="over 0 and at most 100"):
        record(pay={"kind": "share", "share_percent": "100.1", "account": "a"})


def test_a_child_needs_a_guardian_and_an_adult_has_none() -> None:
    child = record_from_values(child_values())
    assert child.guardian is not None
    assert child.guardian.public_key == MOTHER.public
    with pytest.raises(InputError, match="the subject is not marked as a minor"):
        record(guardian=child_values()["guardian"])
    shared = child_values()
    shared["guardian"]["public_key"] = STUDIO.public.model_dump()
    with pytest.raises(InputError, match="two roles share one key"):
        record_from_values(shared)


@pytest.mark.parametrize("text", ['{"subject": 1, "subject": 2}', '{"pay": NaN}', "[1", "[]"])
def test_text_that_is_no_sound_json_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="the consent record"):
        parse_record(text)


@pytest.mark.parametrize(
    "time",
    [
        datetime(2026, 1, 1),
        datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1))),
        datetime(2026, 1, 1, microsecond=5, tzinfo=UTC),
    ],
)
def test_times_are_utc_to_the_second(time: datetime) -> None:
    with pytest.raises(ValidationError, match="must be in UTC"):
        Term(not_before=time, not_after=datetime(2030, 1, 1, tzinfo=UTC))


def test_all_countries_are_known() -> None:
    assert len(COUNTRY_CODES) == 249
    assert record(scope={**values()["scope"], "territories": sorted(COUNTRY_CODES)})
