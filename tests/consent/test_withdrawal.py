from __future__ import annotations

import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodyscan.consent.acting_keys import ActingKey
from bodyscan.consent.jws import Role
from bodyscan.consent.key_history import KeyHistory, KeyUse, ListedKey, extend_history, start_history
from bodyscan.consent.keys import SigningKey, b64url_encode
from bodyscan.consent.record import record_from_values
from bodyscan.consent.withdrawal import (
    WITHDRAWAL_TYP,
    RefusedStatement,
    SignedWithdrawal,
    StandingState,
    WithdrawalAction,
    WithdrawalStatement,
    read_withdrawal,
    record_id_of,
    standing,
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


# What several statements say together


def test_without_a_statement_the_consent_is_active():
    found = standing([], NOW)
    assert (found.state, found.since, found.by, found.spoken) == (StandingState.ACTIVE, None, None, False)


def test_the_highest_sequence_counts_in_any_order():
    first, second = said(SUSPEND, 1), said(RESUME, 2, NOW + timedelta(hours=1))
    later = NOW + timedelta(hours=2)
    assert standing([first], later).state is StandingState.SUSPENDED
    assert standing([first, second], later).state is StandingState.ACTIVE
    assert standing([second, first], later).state is StandingState.ACTIVE
    again = said(SUSPEND, 3, NOW + timedelta(hours=2), reason="Away")
    found = standing([first, second, again], later)
    assert (found.state, found.since, found.by) == (StandingState.SUSPENDED, later, Role.SUBJECT)
    assert found.reason == "Away"


def test_the_sequence_counts_and_not_the_time():
    early, late = said(SUSPEND, 2, NOW - timedelta(days=1)), said(RESUME, 1, NOW)
    assert standing([early, late], NOW).state is StandingState.SUSPENDED


def test_a_revocation_is_final():
    revoked, resumed = said(REVOKE, 1), said(RESUME, 99)
    found = standing([revoked, resumed], NOW)
    assert (found.state, found.since) == (StandingState.REVOKED, NOW)


def test_the_first_revocation_tells_since_when():
    found = standing([said(REVOKE, 2, NOW), said(REVOKE, 1, NOW - timedelta(days=3))], NOW)
    assert found.since == NOW - timedelta(days=3)


def test_of_two_different_statements_with_one_number_the_more_protective_counts():
    assert standing([said(RESUME, 5), said(SUSPEND, 5)], NOW).state is StandingState.SUSPENDED
    assert standing([said(SUSPEND, 5), said(REVOKE, 5)], NOW).state is StandingState.REVOKED


def test_repeating_a_statement_changes_nothing():
    first, second = said(SUSPEND, 1), said(RESUME, 2)
    assert standing([first, second, first, first], NOW) == standing([first, second], NOW)


def test_a_statement_from_the_future_does_not_count_and_is_reported():
    edge = said(REVOKE, 1, NOW + timedelta(minutes=5))
    assert standing([edge], NOW).state is StandingState.REVOKED
    late = said(REVOKE, 1, NOW + timedelta(minutes=5, seconds=1))
    found = standing([late], NOW)
    assert found.state is StandingState.ACTIVE
    assert found.unusable == ("a statement to revoke says 2026-06-01T00:05:01Z, which is later than now",)
    assert standing([late], NOW + timedelta(seconds=1)).state is StandingState.REVOKED


def test_a_resumption_from_the_future_lifts_nothing():
    late = said(RESUME, 9, NOW + timedelta(days=1))
    assert standing([said(SUSPEND, 1), late], NOW).state is StandingState.SUSPENDED


def test_neither_child_nor_guardian_lifts_what_the_other_asked_for():
    def by(action: WithdrawalAction, sequence: int, key: SigningKey) -> SignedWithdrawal:
        return said(action, sequence, key=key, consent=CHILD_WITH_KEY)

    child, mother = by(SUSPEND, 1, ANNA), by(RESUME, 2, MOTHER)
    found = standing([child, mother], NOW)
    assert (found.state, found.by) == (StandingState.SUSPENDED, Role.SUBJECT)
    found = standing([by(SUSPEND, 1, MOTHER), by(RESUME, 2, ANNA)], NOW)
    assert (found.state, found.by) == (StandingState.SUSPENDED, Role.GUARDIAN)
    assert standing([child, mother, by(RESUME, 3, ANNA)], NOW).state is StandingState.ACTIVE


def test_the_clock_must_be_utc():
    with pytest.raises(InputError, match="now must be a time in UTC"):
        standing([], datetime(2026, 6, 1))


SOME = said(REVOKE, 1).statement
PROTECTION = {StandingState.ACTIVE: 0, StandingState.SUSPENDED: 1, StandingState.REVOKED: 2}
STATEMENTS = st.lists(
    st.builds(
        lambda action, sequence, minutes: SignedWithdrawal(
            replace_statement(action, sequence, NOW + timedelta(minutes=minutes)),
            Role.SUBJECT,
            f"{action}{sequence}{minutes}",
            ActingKey(ANNA.public),
        ),
        st.sampled_from(list(WithdrawalAction)),
        st.integers(1, 4),
        st.integers(-20, 20),
    ),
    max_size=6,
)


def replace_statement(action: WithdrawalAction, sequence: int, at: datetime) -> WithdrawalStatement:
    return SOME.model_copy(update={"action": action, "sequence": sequence, "at": at})


@given(statements=STATEMENTS, seed=st.randoms())
@settings(max_examples=150, deadline=None)
def test_order_and_repetition_never_matter(statements, seed):
    shuffled = [*statements, *statements]
    seed.shuffle(shuffled)
    left, right = standing(statements, NOW), standing(shuffled, NOW)
    assert replace(left, unusable=()) == replace(right, unusable=())
    assert sorted(left.unusable) == sorted(right.unusable)


@given(statements=STATEMENTS)
@settings(max_examples=150, deadline=None)
def test_hiding_a_resumption_never_frees_and_a_revocation_never_goes(statements):
    found = standing(statements, NOW).state
    without = [signed for signed in statements if signed.statement.action is not RESUME]
    assert PROTECTION[standing(without, NOW).state] >= PROTECTION[found]
    past = [signed for signed in statements if signed.statement.at <= NOW + timedelta(minutes=5)]
    revoked = any(signed.statement.action is REVOKE for signed in past)
    assert (found is StandingState.REVOKED) == revoked


# Keys that changed


def history(end: datetime | None = None) -> dict[str, KeyHistory]:
    """Anna's keys: the one in the record, which ends at `end`, and a new one."""
    root = ListedKey(key=ANNA.public, uses=tuple(KeyUse), active_from=RECORD.issued_at)
    started = start_history(ANNA, [root], RECORD.issued_at)
    ended = root.model_copy(update={"active_until": end})
    new = ListedKey(key=STRANGER.public, uses=(KeyUse.RECORD,), active_from=NOW)
    other = ListedKey(key=SHOP.public, uses=(KeyUse.LEDGER,), active_from=NOW)
    made = extend_history(started, ANNA, [ended, new, other], RECORD.issued_at + timedelta(days=1))
    return {made.owner: made}


def test_a_new_key_of_the_person_withdraws_by_their_key_history():
    text = withdraw(RECORD, REVOKE, STRANGER, 1, NOW, histories=history())
    signed = read_withdrawal(text, RECORD, history())
    assert (signed.role, signed.key.key) == (Role.SUBJECT, STRANGER.public)
    with pytest.raises(RefusedStatement, match="it is signed with the key"):
        read_withdrawal(text, RECORD)
    with pytest.raises(InputError, match="cannot withdraw this consent"):
        withdraw(RECORD, REVOKE, SHOP, 1, NOW, histories=history())  # listed, for other uses


def test_somebody_elses_history_gives_no_say():
    started = start_history(STUDIO, [], NOW)
    listed = ListedKey(key=STRANGER.public, uses=(KeyUse.RECORD,), active_from=NOW)
    made = extend_history(started, STUDIO, [*started.current.keys, listed], NOW)
    with pytest.raises(InputError, match="cannot withdraw this consent"):
        withdraw(RECORD, REVOKE, STRANGER, 1, NOW, histories={ANNA.thumbprint: made, made.owner: made})


def test_a_key_that_ended_still_protects_and_no_longer_lifts():
    keys = history(end=NOW)
    before, later = NOW - timedelta(days=1), NOW + timedelta(days=1)

    def old(action: WithdrawalAction, sequence: int) -> SignedWithdrawal:
        return read_withdrawal(withdraw(RECORD, action, ANNA, sequence, before), RECORD, keys)

    assert standing([old(REVOKE, 1)], later).state is StandingState.REVOKED
    assert standing([old(SUSPEND, 1), old(RESUME, 2)], before).state is StandingState.ACTIVE
    found = standing([old(SUSPEND, 1), old(RESUME, 2)], later)
    assert found.state is StandingState.SUSPENDED
    assert found.unusable == (
        f"a statement to resume is signed with the key {ANNA.thumbprint}, which has ended; the person signs "
        "it again with a key in use",
    )
    again = read_withdrawal(withdraw(RECORD, RESUME, STRANGER, 3, NOW, histories=keys), RECORD, keys)
    assert standing([old(SUSPEND, 1), again], later).state is StandingState.ACTIVE


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
