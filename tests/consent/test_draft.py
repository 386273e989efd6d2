from __future__ import annotations

import json
from pathlib import Path

import pytest

from bodyscan.consent.draft import build_record, merge, parse_draft
from bodyscan.consent.keys import PublicJwk
from bodyscan.errors import InputError
from consent.people import ANNA, STUDIO, record, values

TOML = """
record_id = "00000000-0000-4000-8000-000000000001"
revocation = "mailto:stop@atelier.example.org"
[subject]
pseudonym = "Anna 7"
public_key = "anna.pub.jwk"
[controller]
name = "Atelier"
contact = "mailto:office@atelier.example.org"
public_key = "studio.pub.jwk"
[scope]
purposes = ["make_twin", "virtual_try_on"]
territories = ["DE", "US-CA"]
media = ["web"]
[term]
not_before = 2026-01-01T02:00:00+02:00
not_after = "2027-01-01T00:00:00Z"
[pay]
kind = "per_use"
amount = "12.50"
currency = "EUR"
account = "ref-77"
"""


def keys(name: str) -> PublicJwk:
    return {"anna.pub.jwk": ANNA, "studio.pub.jwk": STUDIO}[name].public


def test_toml_and_json_drafts_make_the_same_record() -> None:
    from_toml = build_record(parse_draft(TOML, "toml"), keys)
    from_json = build_record(parse_draft(json.dumps(values()), "json"), keys)
    assert from_toml == from_json == record()


def test_the_draft_in_the_documentation_makes_a_record() -> None:
    text = (Path(__file__).parents[2] / "docs" / "consent.md").read_text(encoding="utf-8")
    draft = parse_draft(text.split("```toml\n")[1].split("```")[0], "toml")
    names = {"anna.pub.pem": ANNA.public, "studio.pub.jwk": STUDIO.public}
    made = build_record({**draft, "record_id": values()["record_id"]}, names.__getitem__)
    assert not made.ai_training
    assert made.scope.territories == ("DE", "AT", "US-CA")


def test_single_values_win_and_leave_the_draft_as_it_was() -> None:
    draft = parse_draft(TOML, "toml")
    merged = merge(draft, {"scope.media": ["print"], "guardian.name": "M", "ai_training": None})
    assert merged["scope"]["media"] == ["print"]
    assert merged["scope"]["purposes"] == draft["scope"]["purposes"]
    assert merged["guardian"] == {"name": "M"}
    assert "ai_training" not in merged
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
    draft = parse_draft(TOML.replace("revocation", "revoke"), "toml")
    with pytest.raises(
        InputError, match=r"revocation: is missing; revoke: unknown field; known here: schema"
    ):
        build_record(draft, keys)
