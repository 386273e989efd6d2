from __future__ import annotations

import pytest

from bodyscan.consent.binding import bind
from bodyscan.consent.content import BodyContent
from bodyscan.consent.demo import make_demo_consent
from bodyscan.consent.describe import describe, describe_record, open_any
from bodyscan.consent.jws import Role
from bodyscan.consent.record import record_from_values
from bodyscan.consent.seal import seal
from bodyscan.consent.sign import add_signature
from bodyscan.errors import ConsentError, InputError
from consent.people import ANNA, NOW, STUDIO, child_values, record, signed
from consent.test_digest import bumpy_ball

DRAFT = record().canonical_json().decode()


def test_every_stage_of_signing_is_told() -> None:
    told = dict(describe(*open_any(DRAFT)))
    assert told["person"] == "Anna 7"
    assert told["machine learning"].startswith("NOT allowed")
    assert told["NEVER for"] == "nudity, political"
    assert told["licensee"] == "Shop"
    assert told["pay"] == "12.50 EUR for each twin, picture and export, due in 30 days, account ref-77"
    assert told["subject signature"] == f"NOT SIGNED, key {ANNA.thumbprint}"
    half = dict(describe(*open_any(add_signature(DRAFT, Role.CONTROLLER, STUDIO))))
    assert half["controller signature"] == f"signed, key {STUDIO.thumbprint}"
    assert half["subject signature"].startswith("NOT SIGNED")
    about = seal(BodyContent(*bumpy_ball()))
    bound = bind(signed(), about, STUDIO, created_at=NOW, software="bodyscan 0.1.0")
    told = dict(describe(*open_any(bound)))
    assert told["bound to"].startswith(about.geometry)
    assert told["bound at"] == "2026-06-01T00:00:00Z by bodyscan 0.1.0"


def test_a_child_a_demo_and_other_pay_are_told() -> None:
    told = dict(describe_record(record_from_values(child_values())))
    assert told["person"] == "Ben 3 (a child, of age from 2033-04-01T00:00:00Z)"
    assert told["guardian"] == "M. Example (mother), mailto:m@example.org"
    demo = describe_record(make_demo_consent("Ada").record)
    assert demo[0][0] == "DEMO"
    assert dict(demo)["pay"] == "none"
    pay = {"kind": "share", "share_percent": "7.5", "due_days": 14, "account": "a"}
    told = dict(describe_record(record(pay=pay, ai={"inference": True}, power_of_attorney=True)))
    assert told["pay"] == "7.5 % of the revenue of each use, due in 14 days, account a"
    assert told["machine learning"] == "only inference"
    assert told["POWER OF ATTORNEY"] == "somebody else signed for the person"


def test_what_is_broken_is_not_told() -> None:
    with pytest.raises(ConsentError, match="altered"):
        open_any(signed().replace('"signature":"', '"signature":"AA', 1))
    with pytest.raises(InputError, match="cannot be read"):
        open_any("hello")
    with pytest.raises(ConsentError, match="altered"):
        open_any('{"bodyscan_consent": 1}')
