from __future__ import annotations

from bodyscan.consent.demo import make_demo_consent
from bodyscan.consent.policy import Use
from bodyscan.consent.record import AI_PURPOSES, Purpose
from bodyscan.consent.verify import verify_record
from consent.people import NOW


def test_the_same_arguments_give_the_same_bytes_and_others_do_not() -> None:
    first = make_demo_consent("Ada")
    assert first.text == make_demo_consent("Ada").text
    assert first.text != make_demo_consent("Ada", seed=1).text
    assert first.record.subject.public_key != make_demo_consent("Eve").record.subject.public_key


def test_it_is_marked_plainly() -> None:
    made = make_demo_consent("Ada").record
    assert made.demo
    assert made.subject.pseudonym == "DEMO Ada"
    assert made.controller.name.startswith("DEMO ")


def test_it_covers_everything_but_machine_learning() -> None:
    text = make_demo_consent("Ada").text
    for purpose in Purpose:
        assert verify_record(text, now=NOW, use=Use(purpose)).ok == (purpose not in AI_PURPOSES)


def test_a_demo_child_is_signed_by_a_guardian() -> None:
    made = make_demo_consent("Kim", minor=True)
    assert made.subject_key is None
    assert made.guardian_key is not None
    assert verify_record(made.text, now=NOW).ok
