from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from bodyscan.consent.evidence import Evidence, TrustedKeys
from bodyscan.consent.policy import Use
from bodyscan.consent.record import Purpose, record_from_values
from bodyscan.consent.sign import sign_record
from bodyscan.consent.state import ConsentState
from bodyscan.consent.verify import (
    require_bound_consent,
    require_consent,
    verify_bound,
    verify_record,
)
from bodyscan.errors import ConsentError, InputError
from consent.people import ANNA, MOTHER, NOW, STRANGER, STUDIO, child_values, record, signed, values

MAKE = Use(Purpose.MAKE_TWIN)
BEGIN, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_a_signed_record_is_valid_in_its_term() -> None:
    status = verify_record(signed(), now=NOW, use=MAKE)
    assert status.ok
    assert status.record == record()
    assert "it covers make_twin" in status.reason
    assert "no use was asked about" in verify_record(signed(), now=NOW).reason


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (BEGIN - SECOND, ConsentState.NOT_YET_VALID),
        (BEGIN, ConsentState.VALID),
        (END - SECOND, ConsentState.VALID),
        (END, ConsentState.EXPIRED),
    ],
)
def test_the_term_holds_its_begin_and_not_its_end(now: datetime, state: ConsentState) -> None:
    assert verify_record(signed(), now=now, use=MAKE).state is state


def test_a_planned_use_is_judged_at_its_own_moment() -> None:
    def at(when: datetime) -> ConsentState:
        return verify_record(signed(), now=NOW, use=Use(Purpose.MAKE_TWIN, when=when)).state

    assert at(END - SECOND) is ConsentState.VALID
    assert at(END) is ConsentState.EXPIRED
    with pytest.raises(InputError, match="lies before now"):
        at(NOW - SECOND)


def test_the_clock_must_say_utc() -> None:
    with pytest.raises(InputError, match="now must be a time in UTC"):
        verify_record(signed(), now=datetime(2026, 6, 1))


@pytest.mark.parametrize("text", [None, "", "  \n", record().canonical_json().decode()])
def test_no_consent_and_an_unsigned_one_are_stripped(text: str | None) -> None:
    assert verify_record(text, now=NOW).state is ConsentState.STRIPPED
    assert verify_bound(text, "tri-sha256-v1:" + "0" * 64, now=NOW).state is ConsentState.STRIPPED


@pytest.mark.parametrize(("gone", "named"), [(0, "subject"), (1, "controller")])
def test_a_removed_signature_is_stripped(gone: int, named: str) -> None:
    document = json.loads(signed())
    del document["signatures"][gone]
    status = verify_record(json.dumps(document), now=NOW)
    assert status.state is ConsentState.STRIPPED
    assert f"the signature of the {named} is missing" in status.reason


def test_all_signatures_removed_is_stripped() -> None:
    status = verify_record(json.dumps({**json.loads(signed()), "signatures": []}), now=NOW)
    assert status.state is ConsentState.STRIPPED
    assert "subject and the controller" in status.reason


@pytest.mark.parametrize("text", ["hello", "[]", "3", '{"a": 1}', '{"a": 1, "a": 2}', "[" * 9999])
def test_anything_else_is_altered_and_never_raises(text: str) -> None:
    assert verify_record(text, now=NOW).state is ConsentState.ALTERED


@pytest.mark.parametrize("position", range(0, len(signed()), 37))
def test_no_changed_character_goes_unseen(position: int) -> None:
    text = signed().rstrip()
    changed = text[:position] + ("A" if text[position] != "A" else "B") + text[position + 1 :]
    assert not verify_record(changed, now=NOW).ok


def test_a_use_outside_the_scope_is_not_covered() -> None:
    status = verify_record(signed(), now=NOW, use=Use(Purpose.ADVERTISING, "DE"))
    assert status.state is ConsentState.NOT_COVERED
    assert status.reason.startswith("the purpose advertising is not allowed; allowed: make_twin")


def test_keys_that_the_caller_does_not_know_are_untrusted() -> None:
    def state(people: set[str] | None, controllers: set[str] | None) -> ConsentState:
        trusted = TrustedKeys(
            people=None if people is None else frozenset(people),
            controllers=None if controllers is None else frozenset(controllers),
        )
        return verify_record(signed(), now=NOW, evidence=Evidence(trusted)).state

    assert state({ANNA.thumbprint}, {STUDIO.thumbprint}) is ConsentState.VALID
    assert state(None, {STUDIO.thumbprint, STRANGER.thumbprint}) is ConsentState.VALID
    assert state({STUDIO.thumbprint}, None) is ConsentState.UNTRUSTED
    assert state({ANNA.thumbprint}, {ANNA.thumbprint}) is ConsentState.UNTRUSTED
    assert state(set(), None) is ConsentState.UNTRUSTED


def test_for_a_child_the_guardians_key_is_the_one_to_know() -> None:
    text = sign_record(record_from_values(child_values()), guardian=MOTHER, controller=STUDIO)
    known = TrustedKeys(people=frozenset({MOTHER.thumbprint}))
    assert verify_record(text, now=NOW, evidence=Evidence(known)).ok
    strange = TrustedKeys(people=frozenset({ANNA.thumbprint}))
    assert verify_record(text, now=NOW, evidence=Evidence(strange)).state is ConsentState.UNTRUSTED


def test_require_returns_the_record_or_says_in_one_sentence_why_not() -> None:
    assert require_consent(signed(), use=MAKE, now=NOW) == record()
    with pytest.raises(
        ConsentError, match=r"^The consent is expired: it ended at 2027-01-01T00:00:00Z; it is"
    ):
        require_consent(signed(), use=MAKE, now=END)
    with pytest.raises(ConsentError, match=r"^The consent is stripped: there is no consent record\.$"):
        require_consent(None, use=MAKE, now=NOW)
    with pytest.raises(ConsentError, match="not covered: the person does not allow AI training"):
        require_consent(signed(), use=Use(Purpose.AI_TRAINING, "DE"), now=NOW)
    with pytest.raises(ConsentError, match="unbound: it carries no binding") as caught:
        require_bound_consent(signed(), "tri-sha256-v1:" + "0" * 64, use=MAKE, now=NOW)
    assert caught.value.exit_code == 4


def test_a_record_of_another_person_does_not_pass_for_a_known_one() -> None:
    """Somebody makes a sound record of their own about the same pseudonym."""
    subject = {**values()["subject"], "public_key": STRANGER.public.model_dump()}
    text = sign_record(record(subject=subject), subject=STRANGER, controller=STUDIO)
    assert verify_record(text, now=NOW).ok  # sound in itself: who holds a key is the caller's knowledge
    known = TrustedKeys(people=frozenset({ANNA.thumbprint}))
    assert verify_record(text, now=NOW, evidence=Evidence(known)).state is ConsentState.UNTRUSTED
