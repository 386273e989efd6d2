from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodyscan.consent.key_history import KeyUse, ListedKey, extend_history, start_history
from bodyscan.consent.record import record_from_values
from bodyscan.consent.status_check import StatusState, StatusVerdict, check_status
from bodyscan.consent.status_list import StatusPurpose
from bodyscan.consent.status_memory import StatusMemory
from bodyscan.consent.withdrawal import WithdrawalAction, withdraw
from bodyscan.errors import InputError
from consent.people import ANNA, ISSUER, MOTHER, NOW, STRANGER, child_values, record
from consent.status_lists import (
    INDEX,
    REVOCATIONS,
    SUSPENSIONS,
    WEEK,
    both,
    listed_record,
    make,
    resign,
)

REVOKE, SUSPEND, RESUME = WithdrawalAction.REVOKE, WithdrawalAction.SUSPEND, WithdrawalAction.RESUME
LISTED, PLAIN = listed_record(), record()
DAY = timedelta(days=1)
SUSPENSION = StatusPurpose.SUSPENSION


def check(lists=(), withdrawals=(), consent=LISTED, now=NOW, **more) -> StatusVerdict:
    return check_status(consent, lists, withdrawals, now, **more)


def said(action: WithdrawalAction, sequence: int = 1, at: datetime = NOW, consent=LISTED) -> str:
    return withdraw(consent, action, ANNA, sequence, at)


# Good


def test_a_record_without_lists_and_statements_is_good():
    found = check(consent=PLAIN)
    assert (found.state, found.clause, found.since, found.left_out) == (StatusState.GOOD, "", None, ())
    assert found.reason == "the record names no status list, and no statement takes it back."


def test_a_record_in_two_lists_with_no_bit_set_is_good():
    found = check(both(INDEX - 1, INDEX + 1))
    assert (found.state, found.clause) == (StatusState.GOOD, "")
    assert found.reason == "no statement and no status list takes it back."


def test_texts_about_other_records_are_passed_over():
    other = listed_record(index=5, record_id="00000000-0000-4000-8000-000000000002")
    found = check(both(5), [withdraw(other, REVOKE, ANNA, 1, NOW)])
    assert found.state is StatusState.GOOD
    assert "it is about another record" in found.left_out[0]


def test_lists_are_not_looked_at_where_the_record_names_none():
    assert check(both(INDEX, suspended=(INDEX,)), consent=PLAIN).state is StatusState.GOOD


# What the person says


@pytest.mark.parametrize("consent", [PLAIN, LISTED])
def test_the_persons_word_counts_whatever_the_lists_say(consent):
    found = check(both(), [said(REVOKE, consent=consent)], consent)
    assert (found.state, found.clause, found.since) == (StatusState.REVOKED, "withdrawal", NOW)
    assert found.reason.startswith("the person took it back at 2026-06-01T00:00:00Z. No new use may begin")
    found = check(both(), [said(SUSPEND, consent=consent)], consent)
    assert (found.state, found.clause) == (StatusState.SUSPENDED, "withdrawal")
    assert found.reason.startswith("the person suspended it at 2026-06-01T00:00:00Z. Until it is resumed")


def test_the_persons_word_needs_no_list():
    assert check([], [said(REVOKE)]).state is StatusState.REVOKED


def test_the_reason_says_what_follows_by_the_record():
    consent = listed_record(withdrawal__effect="stop_new_uses")
    assert "What was published before may stay" in check([], [said(REVOKE, consent=consent)], consent).reason
    assert "are deleted" in check([], [said(REVOKE)]).reason


def test_a_resumption_lifts_the_persons_suspension_and_no_list():
    statements = [said(SUSPEND, 1), said(RESUME, 2)]
    assert check(both(), statements).state is StatusState.GOOD
    found = check(both(suspended=(INDEX,)), statements)
    assert (found.state, found.clause) == (StatusState.SUSPENDED, "withdrawal.status.suspension_list")


def test_a_guardian_is_named_as_one():
    child = record_from_values(child_values())
    found = check([], [withdraw(child, REVOKE, MOTHER, 1, NOW)], child)
    assert found.reason.startswith("the guardian took it back at")


def test_what_a_stranger_says_changes_nothing_and_is_told():
    stranger = record(
        subject={"pseudonym": "Anna 7", "minor": False, "public_key": STRANGER.public.model_dump()}
    )
    found = check(both(), [withdraw(stranger, REVOKE, STRANGER, 1, NOW), "junk"])
    assert found.state is StatusState.GOOD
    assert len(found.left_out) == 2
    assert all(text.startswith("The withdrawal statement is refused: ") for text in found.left_out)


def test_a_statement_from_the_future_is_told_in_the_reason():
    found = check(both(), [said(REVOKE, at=NOW + DAY)])
    assert found.state is StatusState.GOOD
    assert "But a statement to revoke says 2026-06-02T00:00:00Z, which is later than now" in found.reason
    assert found.left_out == ("a statement to revoke says 2026-06-02T00:00:00Z, which is later than now.",)


# What the lists say


def test_a_set_bit_counts_without_a_statement():
    found = check(both(INDEX))
    assert (found.state, found.clause) == (StatusState.REVOKED, "withdrawal.status.revocation_list")
    assert found.reason.startswith("the revocation list says that it is revoked. No new use may begin")
    found = check(both(suspended=(INDEX,)))
    assert (found.state, found.clause) == (StatusState.SUSPENDED, "withdrawal.status.suspension_list")
    assert found.since is None


def test_revoked_goes_before_suspended():
    assert check(both(INDEX, suspended=(INDEX,))).state is StatusState.REVOKED
    assert check(both(INDEX), [said(SUSPEND)]).state is StatusState.REVOKED
    assert check(both(suspended=(INDEX,)), [said(REVOKE)]).state is StatusState.REVOKED


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_suspension_lists_the_newer_counts(order):
    old = make(INDEX, purpose=SUSPENSION, sequence=1)
    new = make(purpose=SUSPENSION, sequence=2, valid_from=NOW + timedelta(hours=1))
    lists = [make(), *[old, new][::order]]
    assert check(lists, now=NOW + DAY).state is StatusState.GOOD
    old, new = make(purpose=SUSPENSION, sequence=1), make(INDEX, purpose=SUSPENSION, sequence=2)
    assert check([make(), *[old, new][::order]]).state is StatusState.SUSPENDED


def test_a_revocation_in_any_list_of_the_issuer_is_final():
    later = make(sequence=8, valid_from=NOW + DAY)
    assert check([make(INDEX, sequence=7), later, make(purpose=SUSPENSION)], now=NOW + DAY).state is (
        StatusState.REVOKED
    )


def test_a_stale_list_that_tells_of_a_revocation_is_believed():
    found = check([make(INDEX)], now=NOW + 52 * WEEK)
    assert (found.state, found.clause) == (StatusState.REVOKED, "withdrawal.status.revocation_list")


def test_a_stale_list_that_tells_of_a_suspension_is_not():
    lists = both(suspended=(INDEX,))
    assert check(lists, now=NOW + 52 * WEEK).state is StatusState.UNKNOWN


# Unknown


@pytest.mark.parametrize(
    ("lists", "clause", "message"),
    [
        ([], "revocation_list", f"the revocation list that the record names, {REVOCATIONS}, was not given."),
        ([make()], "suspension_list", f"{SUSPENSIONS}, was not given; given: {REVOCATIONS}."),
        ([make(purpose=SUSPENSION)], "revocation_list", f"was not given; given: {SUSPENSIONS}."),
        (["junk", make(purpose=SUSPENSION)], "revocation_list", "was not given"),
        (
            both(valid_from=NOW - 2 * WEEK, valid_until=NOW - WEEK),
            "revocation_list",
            f"the revocation list {REVOCATIONS} cannot be relied upon: it is stale: it ended at 2026-05-25",
        ),
        (both(valid_from=NOW + DAY), "revocation_list", "cannot be relied upon: it is not valid yet"),
        (both(key=STRANGER), "revocation_list", "cannot be relied upon: it was not signed with the issuer's"),
        (both(INDEX, key=STRANGER), "revocation_list", "it was not signed with the issuer's key"),
        (
            [make(), resign(make(purpose=SUSPENSION), {"credentialSubject/statusPurpose": "revocation"})],
            "suspension_list",
            "cannot be relied upon: it is for 'revocation', not for suspension",
        ),
        (
            [resign(make(), {"bodyscanSequence": None}), make(purpose=SUSPENSION)],
            "revocation_list",
            "so a replay could not be found",
        ),
    ],
)
def test_without_a_list_to_rely_upon_it_is_unknown(lists, clause, message):
    found = check(lists)
    assert (found.state, found.clause) == (StatusState.UNKNOWN, f"withdrawal.status.{clause}")
    assert message in found.reason


def test_an_index_outside_the_list_is_unknown():
    consent = listed_record(index=131_072)
    found = check(both(), consent=consent)
    assert (found.state, found.clause) == (StatusState.UNKNOWN, "withdrawal.status.index")
    assert found.reason.endswith("has 131072 entries, and the record's index is 131072.")


def test_a_list_older_than_the_age_asked_for_is_unknown():
    assert check(both(), now=NOW + 2 * DAY, max_age=3 * DAY).state is StatusState.GOOD
    found = check(both(), now=NOW + 2 * DAY, max_age=DAY)
    assert found.state is StatusState.UNKNOWN
    assert "longer ago than the 1 day" in found.reason


def test_what_protects_goes_before_what_is_unknown():
    assert check([make(purpose=SUSPENSION)], [said(SUSPEND)]).state is StatusState.SUSPENDED
    assert check([make(INDEX, purpose=SUSPENSION)]).state is StatusState.SUSPENDED


def test_a_broken_list_beside_a_sound_one_does_no_harm():
    found = check([make(key=STRANGER), resign(make(), alg="none"), *both()])
    assert found.state is StatusState.GOOD
    assert len(found.left_out) == 2


# Memory


def test_a_replayed_list_is_unknown():
    old, new = both(), both(sequence=8, valid_from=NOW + timedelta(hours=1))
    first = check(new, now=NOW + DAY, memory=StatusMemory())
    assert first.state is StatusState.GOOD
    assert first.memory is not None
    found = check(old, now=NOW + DAY, memory=first.memory)
    assert (found.state, found.clause) == (StatusState.UNKNOWN, "withdrawal.status.revocation_list")
    assert "it is replayed: its sequence number is 7, and 8 was seen" in found.reason
    assert found.memory == first.memory
    assert check(new, now=NOW + DAY, memory=first.memory).state is StatusState.GOOD


def test_without_a_memory_nothing_is_remembered():
    assert check(both()).memory is None


def test_what_a_stranger_signed_is_not_remembered():
    found = check(both(key=STRANGER, sequence=2**53 - 1), memory=StatusMemory())
    assert found.memory == StatusMemory()
    assert check(both(), memory=found.memory).state is StatusState.GOOD


def test_two_lists_with_one_number_are_remembered_as_one_and_protect():
    twins = [make(purpose=SUSPENSION), make(INDEX, purpose=SUSPENSION)]
    found = check([make(), *twins], memory=StatusMemory())
    assert found.state is StatusState.SUSPENDED
    assert found.memory is not None
    again = [check([make(), text], memory=found.memory).state for text in twins]
    assert again.count(StatusState.UNKNOWN) == 1


def test_the_clock_must_be_utc():
    with pytest.raises(InputError, match="now must be a time in UTC"):
        check(now=datetime(2026, 6, 1))


# Keys that changed


def test_the_keys_of_person_and_issuer_may_change():
    listed = ListedKey(key=STRANGER.public, uses=(KeyUse.RECORD, KeyUse.STATUS), active_from=NOW - WEEK)
    histories = {}
    for root in (ANNA, ISSUER):
        started = start_history(root, [], NOW - WEEK)
        made = extend_history(started, root, [*started.current.keys, listed], NOW - WEEK)
        histories[made.owner] = made
    lists = both(key=STRANGER)
    assert check(lists).state is StatusState.UNKNOWN
    assert check(lists, histories=histories).state is StatusState.GOOD
    word = withdraw(LISTED, REVOKE, STRANGER, 1, NOW, histories=histories)
    assert check(lists, [word], histories=histories).state is StatusState.REVOKED
    assert check(both(), [word]).state is StatusState.GOOD


# Laws

PIECES = [
    *both(),
    *both(INDEX, suspended=(INDEX,), sequence=6),
    *both(key=STRANGER),
    *both(valid_until=NOW + timedelta(seconds=1), valid_from=NOW - WEEK, sequence=5),
    "junk",
]
SAID = [said(REVOKE), said(SUSPEND, 2), said(RESUME, 3), said(SUSPEND, 4, NOW + DAY), "junk"]
CAREFUL = {StatusState.GOOD: 0, StatusState.UNKNOWN: 1, StatusState.SUSPENDED: 2, StatusState.REVOKED: 3}


@given(lists=st.lists(st.sampled_from(PIECES), max_size=5), words=st.lists(st.sampled_from(SAID), max_size=4))
@settings(max_examples=80, deadline=None)
def test_order_and_repetition_never_matter_and_a_revocation_never_goes(lists, words):
    found = check(lists, words)
    assert check(lists[::-1] * 2, words[::-1] * 2).state is found.state
    assert check(lists, [*words, said(REVOKE)]).state is StatusState.REVOKED
    assert check([*lists, make(INDEX)], words).state is StatusState.REVOKED


@given(st.lists(st.text(max_size=20) | st.binary(max_size=20), max_size=4))
@settings(max_examples=60, deadline=None)
def test_junk_never_frees_and_never_crashes(junk):
    assert check(junk, junk).state is StatusState.UNKNOWN
    assert check(junk, [*junk, said(SUSPEND)]).state is StatusState.SUSPENDED
