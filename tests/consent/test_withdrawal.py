from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodyscan.consent.jws import Role
from bodyscan.consent.keys import SigningKey, b64url_encode
from bodyscan.consent.record import record_from_values
from bodyscan.consent.withdrawal import (
    WITHDRAWAL_TYP,
    RefusedStatement,
    SignedWithdrawal,
    WithdrawalAction,
    WithdrawalStatement,
    read_withdrawal,
    record_id_of,
    what_follows,
    who_may_withdraw,
    withdraw,
)
from bodyscan.errors import ConsentError, InputError
from consent.people import (
    ANNA,
    MOTHER,
    NOW,
    SHOP,
    STRANGER,
    STUDIO,
    changed,
    child_values,
    forge,
    payload_of,
    record,
    with_header,
)

REVOKE, SUSPEND, RESUME = WithdrawalAction.REVOKE, WithdrawalAction.SUSPEND, WithdrawalAction.RESUME
RECORD = record()
CHILD = record_from_values(child_values())
CHILD_WITH_KEY = record_from_values(
    {**child_values(), "subject": {**child_values()["subject"], "public_key": ANNA.public.model_dump()}}
)


def said(
    action: WithdrawalAction,
    sequence: int,
    at: datetime = NOW,
    key: SigningKey = ANNA,
    consent=RECORD,
    reason: str | None = None,
) -> SignedWithdrawal:
    return read_withdrawal(withdraw(consent, action, key, sequence, at, reason), consent)


def payload(**changes: object) -> bytes:
    values = json.loads(payload_of(withdraw(RECORD, REVOKE, ANNA, 1, NOW))) | changes
    kept = {name: value for name, value in values.items() if value is not None}
    return json.dumps(kept, separators=(",", ":"), sort_keys=True).encode()


def signed_payload(data: bytes, role: Role = Role.SUBJECT, key: SigningKey = ANNA) -> str:
    return forge(data, (role, key), typ=WITHDRAWAL_TYP)


# What a statement is


def test_a_statement_is_read_as_it_was_made():
    text = withdraw(RECORD, REVOKE, ANNA, 3, NOW, "I left the trade")
    signed = read_withdrawal(text, RECORD)
    statement = signed.statement
    assert (statement.action, statement.sequence, statement.at) == (REVOKE, 3, NOW)
    assert statement.reason == "I left the trade"
    assert (statement.record_id, statement.record_sha256) == (RECORD.record_id, RECORD.sha256())
    assert signed.role is Role.SUBJECT
    assert record_id_of(text) == RECORD.record_id


def test_the_same_statement_has_the_same_bytes():
    assert withdraw(RECORD, SUSPEND, ANNA, 1, NOW) == withdraw(RECORD, SUSPEND, ANNA, 1, NOW)


def test_a_time_is_cut_to_the_second():
    text = withdraw(RECORD, REVOKE, ANNA, 1, NOW + timedelta(microseconds=999_999))
    assert read_withdrawal(text, RECORD).statement.at == NOW


def test_the_person_alone_may_withdraw_and_the_controller_never():
    def keys(consent) -> dict[Role, list[str]]:
        return {role: list(known) for role, known in who_may_withdraw(consent).items()}

    assert keys(RECORD) == {Role.SUBJECT: [ANNA.thumbprint]}
    assert keys(CHILD) == {Role.GUARDIAN: [MOTHER.thumbprint]}
    assert keys(CHILD_WITH_KEY) == {Role.SUBJECT: [ANNA.thumbprint], Role.GUARDIAN: [MOTHER.thumbprint]}


@pytest.mark.parametrize("key", [STUDIO, STRANGER, SHOP, MOTHER])
def test_no_other_key_makes_a_statement(key):
    with pytest.raises(InputError, match=r"cannot withdraw this consent; only the person can, with: subject"):
        withdraw(RECORD, REVOKE, key, 1, NOW)


def test_a_guardian_and_a_child_with_a_key_withdraw_each_alone():
    assert said(REVOKE, 1, key=MOTHER, consent=CHILD).role is Role.GUARDIAN
    assert said(REVOKE, 1, key=ANNA, consent=CHILD_WITH_KEY).role is Role.SUBJECT
    assert said(REVOKE, 1, key=MOTHER, consent=CHILD_WITH_KEY).role is Role.GUARDIAN


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sequence": 0}, "sequence: Input should be greater than or equal to 1"),
        ({"sequence": 2**53}, "sequence: Input should be less than or equal to"),
        ({"reason": "a\u202eb"}, "holds the control character U\\+202E"),
        ({"reason": ""}, "reason: String should have at least 1 character"),
        ({"at": datetime(2026, 6, 1)}, "at must be a time in UTC"),
        ({"at": datetime(2024, 6, 1, tzinfo=UTC)}, "before the record was issued"),
    ],
)
def test_a_value_that_is_not_allowed_makes_no_statement(values, message):
    with pytest.raises(InputError, match=message):
        withdraw(**({"record": RECORD, "action": REVOKE, "key": ANNA, "sequence": 1, "at": NOW} | values))


# What is refused


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (signed_payload(payload(), Role.CONTROLLER, STUDIO), "signed as controller; only the subject can"),
        (signed_payload(payload(), Role.PACKER, SHOP), "signed as packer; only the subject can"),
        (signed_payload(payload(), Role.GUARDIAN, MOTHER), "signed as guardian; only the subject can"),
        (signed_payload(payload(), key=STRANGER), "the record names .* as the subject's"),
        (
            with_header(signed_payload(payload(), key=STRANGER), 0, kid=ANNA.thumbprint),
            "its signature was not made with the subject's key",
        ),
        (
            forge(payload(), (Role.SUBJECT, ANNA), (Role.CONTROLLER, STUDIO), typ=WITHDRAWAL_TYP),
            "it has 2 signatures; the person signs it alone",
        ),
        (json.dumps({"payload": b64url_encode(payload()), "signatures": []}), "it has 0 signatures"),
        (forge(payload(), (Role.SUBJECT, ANNA)), "is of the type 'bodyscan-consent\\+jws'"),
        (with_header(signed_payload(payload()), 0, alg="none"), "algorithm 'none' is refused"),
        (with_header(signed_payload(payload()), 0, alg="HS256"), "algorithm 'HS256' is refused"),
        (with_header(signed_payload(payload()), 0, crit=["exp"]), "critical header extension"),
        (with_header(signed_payload(payload()), 0, jwk=ANNA.public.model_dump()), "and no other: see jwk"),
        ("", "it is not JSON"),
        ("[]", "must have the members payload and signatures"),
        ('{"payload": "", "payload": "", "signatures": []}', "stands twice"),
        ('{"payload": NaN, "signatures": []}', "NaN is not a JSON number"),
        ("[" * 5000, "nested deeper than 16 levels"),
        (" " * 300_000, "more than the 262144 that are allowed"),
        (signed_payload(b"{ }"), "is not valid: record_id"),
        (signed_payload(payload() + b" "), "it is not in canonical JSON"),
        (signed_payload(payload().replace(b'"sequence":1', b'"sequence":1.0')), "sequence"),
        (signed_payload(payload(sequence=2**53)), "lies beyond 2\\^53 - 1"),
        (signed_payload(payload(sequence=-1)), "greater than or equal to 1"),
        (signed_payload(payload(sequence=True)), "sequence: Input should be a valid integer"),
        (signed_payload(payload(action="forget")), "action: Input should be 'revoke', 'suspend' or 'resume'"),
        (signed_payload(payload(schema="urn:bodyscan:withdrawal:2")), "schema: Input should be"),
        (signed_payload(payload(extra=1)), "extra: Extra inputs are not permitted"),
        (signed_payload(payload(at="2026-06-01T00:00:00+02:00")), "is no time: write UTC"),
        (signed_payload(payload(at="2025-12-20T09:54:59Z")), "before the record was issued"),
        (
            signed_payload(payload(record_id="00000000-0000-4000-8000-000000000002")),
            "it is about another record \\(00000000-0000-4000-8000-000000000002\\)",
        ),
        (signed_payload(payload(record_sha256="0" * 64)), "it is about another record"),
    ],
)
def test_what_is_no_withdrawal_by_the_person_is_refused(text, message):
    with pytest.raises(RefusedStatement, match=message) as caught:
        read_withdrawal(text, RECORD)
    assert isinstance(caught.value, ConsentError)
    assert str(caught.value) == f"The withdrawal statement is refused: {caught.value.reason}."


def test_a_statement_about_a_record_with_the_same_id_and_other_terms_is_refused():
    other = record_from_values(changed(scope__territories=["DE"]))
    with pytest.raises(RefusedStatement, match="it is about another record"):
        read_withdrawal(withdraw(other, REVOKE, ANNA, 1, NOW), RECORD)


def test_a_clock_may_be_five_minutes_slow_at_the_start():
    early = RECORD.issued_at - timedelta(minutes=5)
    assert said(REVOKE, 1, early).statement.at == early


def test_a_guardian_has_no_say_after_the_child_came_of_age_and_the_person_has():
    grown = CHILD_WITH_KEY.subject.adult_from
    assert grown is not None
    before = grown - timedelta(seconds=1)
    assert said(SUSPEND, 1, before, MOTHER, CHILD_WITH_KEY).role is Role.GUARDIAN
    assert said(SUSPEND, 1, grown, ANNA, CHILD_WITH_KEY).role is Role.SUBJECT
    with pytest.raises(InputError, match=r"the guardian signed it at .* after the person came of age"):
        withdraw(CHILD_WITH_KEY, SUSPEND, MOTHER, 1, grown)
    made = WithdrawalStatement(
        record_id=CHILD_WITH_KEY.record_id,
        record_sha256=CHILD_WITH_KEY.sha256(),
        action=RESUME,
        sequence=1,
        at=grown,
    )
    forged = forge(made.canonical_json(), (Role.GUARDIAN, MOTHER), typ=WITHDRAWAL_TYP)
    with pytest.raises(RefusedStatement, match="after the person came of age"):
        read_withdrawal(forged, CHILD_WITH_KEY)


@given(st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_any_bytes_at_all_are_refused_and_never_crash(data):
    with pytest.raises(RefusedStatement):
        read_withdrawal(data, RECORD)
    assert record_id_of(data) is None


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(max_examples=150, deadline=None)
def test_no_bit_of_a_statement_can_be_changed(place, bit):
    data = bytearray(withdraw(RECORD, SUSPEND, ANNA, 1, NOW).strip().encode())
    data[place % len(data)] ^= 1 << bit
    try:
        read = read_withdrawal(bytes(data), RECORD)
    except RefusedStatement:
        return
    # White space between JSON members is not signed; what was signed is the same.
    assert read == said(SUSPEND, 1)


# What follows


@pytest.mark.parametrize(
    ("effect", "action", "words"),
    [
        ("stop_new_uses", REVOKE, "No new use may begin. What was published before may stay."),
        ("stop_all_uses", REVOKE, "No new use may begin, and what is shown already is taken down."),
        ("stop_and_delete", REVOKE, "are deleted, without waiting for the end of the term."),
        ("stop_new_uses", SUSPEND, "Until it is resumed, no new use may begin. What was published"),
        ("stop_all_uses", SUSPEND, "Until it is resumed, no new use may begin, and what is shown already is"),
        ("stop_and_delete", SUSPEND, "Nothing is deleted by a suspension."),
        ("stop_and_delete", RESUME, "unless it was revoked: a revocation is final."),
    ],
)
def test_what_follows_is_the_effect_that_the_record_names(effect, action, words):
    consent = record_from_values(changed(withdrawal__effect=effect))
    assert words in what_follows(consent, action)


def test_the_three_effects_are_told_apart():
    texts = [
        what_follows(record_from_values(changed(withdrawal__effect=effect)), action)
        for effect, action in itertools.product(
            ("stop_new_uses", "stop_all_uses", "stop_and_delete"), (REVOKE, SUSPEND)
        )
    ]
    assert len(set(texts)) == len(texts)
