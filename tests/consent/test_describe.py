from __future__ import annotations

import pytest

from bodyscan.consent.binding import bind
from bodyscan.consent.demo import make_demo_consent
from bodyscan.consent.describe import describe, describe_record, open_any
from bodyscan.consent.jws import Role
from bodyscan.consent.record import record_from_values
from bodyscan.consent.sign import add_signature
from bodyscan.errors import ConsentError, InputError
from consent.people import ANNA, NOW, STUDIO, child_values, record, signed

DRAFT = record().canonical_json().decode()
DIGEST = "tri-sha256-v1:" + "0" * 64


def test_every_stage_of_signing_is_told() -> None:
    told = dict(describe(*open_any(DRAFT)))
    assert told["person"] == "Anna 7"
    assert told["AI training"] == "NOT allowed"
    assert told["pay"] == "12.50 EUR for each use, account ref-77"
    assert told["subject signature"] == f"NOT SIGNED, key {ANNA.thumbprint}"
    half = dict(describe(*open_any(add_signature(DRAFT, Role.CONTROLLER, STUDIO))))
    assert half["controller signature"] == f"signed, key {STUDIO.thumbprint}"
    assert half["subject signature"].startswith("NOT SIGNED")
    bound = bind(signed(), DIGEST, STUDIO, created_at=NOW, software="bodyscan 0.1.0")
    told = dict(describe(*open_any(bound)))
    assert told["bound to"] == DIGEST
    assert told["bound at"] == "2026-06-01T00:00:00Z by bodyscan 0.1.0"


def test_a_child_a_demo_and_other_pay_are_told() -> None:
    told = dict(describe_record(record_from_values(child_values())))
    assert told["person"] == "Ben 3 (a child)"
    assert told["guardian"] == "M. Example (mother), mailto:m@example.org"
    demo = describe_record(make_demo_consent("Ada").record)
    assert demo[0][0] == "DEMO"
    assert dict(demo)["pay"] == "none"
    share = record(pay={"kind": "share", "share_percent": "7.5", "account": "a"}, ai_training=True)
    assert dict(describe_record(share))["pay"] == "7.5 % of the revenue of each use, account a"
    assert dict(describe_record(share))["AI training"] == "allowed"


def test_what_is_broken_is_not_told() -> None:
    with pytest.raises(ConsentError, match="altered"):
        open_any(signed().replace('"signature":"', '"signature":"AA', 1))
    with pytest.raises(InputError, match="cannot be read"):
        open_any("hello")
    with pytest.raises(ConsentError, match="altered"):
        open_any('{"bodyscan_consent": 1}')
