from __future__ import annotations

import json
import re

import pytest

from bodyscan.consent.draft import DRAFT_FILE, build_record, merge, parse_draft
from bodyscan.consent.keys import PublicJwk
from bodyscan.consent.record import AiTerms, record_json_schema
from bodyscan.errors import InputError
from consent.people import ANNA, SHOP, STUDIO, record, values

TOML = """
schema = "urn:bodyscan:consent-record:1"
record_id = "00000000-0000-4000-8000-000000000001"
issued_at = 2025-12-20T10:00:00Z
separate_document = true
[subject]
pseudonym = "Anna 7"
public_key = "anna.pub.jwk"
[controller]
name = "Atelier"
contact = "mailto:office@atelier.example.org"
public_key = "studio.pub.jwk"
[[licensees]]
name = "Shop"
public_key = "shop.pub.jwk"
[scope]
description = "Virtual try-on of the spring collection in the web shop."
purposes = ["make_twin", "virtual_try_on"]
territories = ["DE", "US-CA"]
media = ["web"]
prohibited_uses = ["nudity", "political"]
[term]
not_before = 2026-01-01T02:00:00+02:00
not_after = "2027-01-01T00:00:00Z"
[pay]
kind = "per_use"
amount = "12.50"
currency = "EUR"
unit = "use"
due_days = 30
account = "ref-77"
[data]
categories = ["body_shape", "face_shape", "skin_texture", "measurements"]
lawful_basis = "explicit_consent"
places = ["DE"]
retention = "P1Y"
delete_by = 2028-01-01T00:00:00Z
[withdrawal]
method = "signed_statement"
address = "mailto:stop@atelier.example.org"
effect = "stop_and_delete"
"""


def keys(name: str) -> PublicJwk:
    return {"anna.pub.jwk": ANNA, "studio.pub.jwk": STUDIO, "shop.pub.jwk": SHOP}[name].public


def test_toml_and_json_drafts_make_the_same_record() -> None:
    from_toml = build_record(parse_draft(TOML, "toml"), keys)
    from_json = build_record(parse_draft(json.dumps(values()), "json"), keys)
    assert from_toml == from_json == record()


FIRST = {name: values()[name] for name in ("schema", "record_id", "issued_at")}


def template() -> str:
    return DRAFT_FILE.read_text(encoding="utf-8")


def test_the_template_makes_a_record() -> None:
    draft = merge({**FIRST, **parse_draft(template(), "toml")}, {"term.not_before": "2026-01-01T00:00:00Z"})
    names = {"anna.pub.pem": ANNA.public, "studio.pub.jwk": STUDIO.public}
    made = build_record(draft, names.__getitem__)
    assert made.ai == AiTerms()
    assert made.scope.territories == ("DE", "AT", "US-CA")


def test_the_template_explains_every_field() -> None:
    uncommented = re.sub(r"(?m)^# ?(?=\[|[a-z0-9_]+ = )", "", template())
    keys_used = set(re.findall(r"(?m)^([a-z0-9_]+) = ", uncommented))
    tables = set(re.findall(r"(?m)^\[+([a-z_.]+)\]", uncommented))
    told = keys_used | {part for table in tables for part in table.split(".")}
    schema = record_json_schema()
    names = set(schema["properties"])
    for model in schema["$defs"].values():
        names |= set(model.get("properties", {}))
    made_by_new = {"schema", "record_id", "issued_at", "demo", "auto_renewal", "geometries"}
    of_keys, of_other_pay = {"kty", "crv", "x"}, {"share_percent"}
    assert names - made_by_new - of_keys - of_other_pay - told == set()


def test_single_values_win_and_leave_the_draft_as_it_was() -> None:
    draft = parse_draft(TOML, "toml")
    merged = merge(draft, {"scope.media": ["print"], "guardian.name": "M", "ai.training": None})
    assert merged["scope"]["media"] == ["print"]
    assert merged["scope"]["purposes"] == draft["scope"]["purposes"]
    assert merged["guardian"] == {"name": "M"}
    assert "ai" not in merged
    assert draft["scope"]["media"] == ["web"]
    assert "guardian" not in draft


@pytest.mark.parametrize(
    ("text", "file_format", "said"),
    [
        ("a = 1\na = 2", "toml", "cannot be read"),
        ("a = 2026-01-01", "toml", "needs a date, a time and a zone"),
        ("a = 2026-01-01T00:00:00", "toml", "needs a date, a time and a zone"),
        ('{"a": 1, "a": 2}', "json", "stands twice"),
        ("[]", "json", "must hold an object"),
        ("a: 1", "yaml", "must be a .toml or .json file"),
    ],
)
def test_other_drafts_are_refused(text: str, file_format: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_draft(text, file_format)
    assert said in str(caught.value)


def test_a_draft_whose_group_is_no_table_is_refused() -> None:
    with pytest.raises(InputError, match="the draft's `pay` must be a table"):
        merge({"pay": 3}, {"pay.kind": "unpaid"})


def test_a_missing_and_an_unknown_field_are_named_together() -> None:
    draft = parse_draft(TOML.replace("[withdrawal]", "[revoke]"), "toml")
    with pytest.raises(
        InputError, match=r"withdrawal: is missing; revoke: unknown field; known here: schema"
    ):
        build_record(draft, keys)
