from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import jsonschema
import pytest
from pydantic import ValidationError

from bodyscan.consent.demo import make_demo_consent
from bodyscan.consent.record import Term, parse_record, record_from_values, record_json_schema
from bodyscan.consent.record.read import SCHEMA_FILE
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


def test_canonical_json_names_every_refusal_of_machine_learning_even_where_nobody_spoke_of_it() -> None:
    assert "ai" not in values()
    written = json.loads(record().canonical_json())
    assert written["ai"] == {"generation": False, "inference": False, "mining": False, "training": False}
    assert list(written) == sorted(written)


def test_a_record_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        record().demo = True  # type: ignore[misc]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("note", "hello", "note: unknown field; known here: schema, record_id"),
        ("\x1b[2J", 1, "\\u001b[2J: unknown field"),
        ("pay.bonus", "1", "pay.bonus: unknown field; known here: kind, amount, currency, unit"),
        ("subject.name", "Anna", "known here: pseudonym, minor, adult_from, public_key"),
        ("record_id", "7", "record_id"),
        ("subject.pseudonym", "", "at least 1 character"),
        ("subject.pseudonym", "x" * 201, "at most 200 characters"),
        ("subject.pseudonym", " Anna", "begins or ends with a space"),
        ("subject.pseudonym", "Anna\x1b[2J", "control character U+001B"),
        ("subject.pseudonym", "Anna\u202egnp", "control character U+202E"),
        ("subject.pseudonym", "DEMO Anna", "a demo record, and no other"),
        ("subject.public_key", None, "an adult signs with their own"),
        ("subject.minor", True, "adult_from must say when they come of age"),
        ("subject.adult_from", "2030-01-01T00:00:00Z", "the subject is not marked as one"),
        ("subject.pseudonym", "Zoe\u0308", "normal form C"),
        ("subject.pseudonym", "An\u200bna", "control character U+200B"),
        ("controller.name", "\u0410telier", "mixes CYRILLIC and LATIN letters"),
        ("licensees", [{"name": "atelier"}], "need names that differ"),
        ("licensees", [{"name": "Shop", "may_repack": True}], "may_repack needs the licensee's public_key"),
        ("agency", {"name": "A", "contact": "mailto:a@b.org", "commission_percent": "101"}, "over 100"),
        ("notice", {"address": "mailto:a@b.org"}, "must begin with https://"),
        ("scope.description", None, "scope.description: is missing"),
        ("scope.product_lines", ["all", "shoes"], "give it alone"),
        ("scope.redistribution", "anyone", "the purpose export and redistribution go together"),
        ("scope.prohibited_uses", ["boredom"], "nudity"),
        ("term.auto_renewal", True, "term.auto_renewal: Input should be False"),
        ("data.delete_by", "2026-06-01T00:00:00Z", "before the end of the term"),
        ("data.retention", "3 years", "data.retention"),
        ("data.places", ["DE", "DE"], "places names a value twice"),
        ("disclosure", {"label": "x" * 61}, "at most 60 characters"),
        ("bindings", {}, "names neither scans nor geometries"),
        ("pay.due_days", -1, "greater than or equal to 0"),
        ("pay.due_days", 2**53, "2^53 - 1"),
        ("subject.minor", 0, "valid boolean"),
        ("subject.public_key.d", "secret", "this is a private key"),
        ("subject.public_key.x", "AQ" + "A" * 41, "low-order point"),
        ("controller.public_key", ANNA.public.model_dump(), "two roles share one key"),
        ("controller.contact", "office", "is no address"),
        ("controller.contact", "http://example.org", "is no address"),
        ("controller.contact", "javascript:alert(1)", "is no address"),
        ("withdrawal", None, "withdrawal: is missing"),
        ("scope.purposes", [], "at least 1 item"),
        ("scope.purposes", ["everything"], "make_twin"),
        ("scope.purposes", ["render", "render"], "purposes names a value twice"),
        ("scope.purposes", ["ai_training"], "the record's field `ai.training` decides it"),
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
        ("pay.account", None, "pay of the kind per_use takes account, amount, currency, due_days, unit"),
        ("pay.kind", "share", "pay of the kind share takes account, due_days, share_percent"),
        ("pay.kind", "unpaid", "pay of the kind unpaid takes nothing else"),
        ("ai", {"training": "no"}, "valid boolean"),
        ("demo", True, "a demo record, and no other"),
    ],
)
def test_a_wrong_field_is_named(path: str, value: Any, said: str) -> None:
    with pytest.raises(InputError, match=r"the consent record (is not valid|cannot be read)") as caught:
        record_from_values(changed(path, value))
    assert said in str(caught.value)


def test_share_flat_and_unpaid_are_kinds_of_pay() -> None:
    share = {"kind": "share", "share_percent": "7.5", "due_days": 10, "account": "a"}
    assert record(pay=share).pay.share_percent == "7.5"
    flat = {"kind": "flat", "amount": "900", "currency": "EUR", "due_days": 10, "account": "a"}
    assert record(pay=flat).pay.unit is None
    assert record(pay={"kind": "unpaid"}).pay.amount is None
    with pytest.raises(InputError, match="over 0 and at most 100"):
        record(pay={**share, "share_percent": "100.1"})
    with pytest.raises(InputError, match="pay of the kind flat takes"):
        record(pay={**flat, "unit": "day"})


def test_a_record_of_another_schema_is_named() -> None:
    with pytest.raises(InputError, match=r"schema 'urn:bodyscan:consent-record:2'; this software reads"):
        record_from_values({**values(), "schema": "urn:bodyscan:consent-record:2"})


def published() -> dict[str, Any]:
    return json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))


def test_the_published_schema_is_that_of_the_model() -> None:
    assert published() == record_json_schema(), "run tools/consent_schema.py"


def test_the_published_schema_takes_what_is_signed_and_nothing_beside_it() -> None:
    validator = jsonschema.Draft202012Validator(published())
    for one in (record(), record_from_values(child_values()), make_demo_consent("x").record):
        validator.validate(json.loads(one.canonical_json()))
    for path, value in (("note", 1), ("pay.amount", 12.5), ("term.auto_renewal", True), ("schema", "urn:x")):
        wrong = json.loads(record().canonical_json())
        *groups, name = path.split(".")
        target = wrong
        for group in groups:
            target = target[group]
        target[name] = value
        assert not validator.is_valid(wrong), path
    missing = json.loads(record().canonical_json())
    del missing["ai"]
    assert not validator.is_valid(missing)


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
