from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodyscan.consent.acting_keys import ActingKey
from bodyscan.consent.jws import Role
from bodyscan.consent.key_history import KeyHistory, KeyUse, ListedKey, extend_history, start_history
from bodyscan.consent.keys import SigningKey
from bodyscan.consent.record import record_from_values
from bodyscan.consent.withdrawal import (
    RefusedStatement,
    SignedWithdrawal,
    StandingState,
    WithdrawalAction,
    WithdrawalStatement,
    read_withdrawal,
    standing,
    withdraw,
)
from bodyscan.errors import InputError
from consent.people import (
    ANNA,
    MOTHER,
    NOW,
    SHOP,
    STRANGER,
    STUDIO,
    child_values,
    record,
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
