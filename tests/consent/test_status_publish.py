from __future__ import annotations

from datetime import timedelta

import pytest

from bodyscan.consent.key_history import KeyUse, ListedKey, extend_history, start_history
from bodyscan.consent.record import ConsentRecord, record_from_values
from bodyscan.consent.status_check import StatusState, check_status
from bodyscan.consent.status_list import RefusedStatusList, StatusPurpose, open_status_list
from bodyscan.consent.status_memory import StatusMemory
from bodyscan.consent.status_publish import PublishedLists, free_index, publish
from bodyscan.consent.withdrawal import WithdrawalAction, withdraw
from bodyscan.errors import InputError
from consent.people import ANNA, ISSUER, NOW, SHOP, STRANGER, STUDIO, forge, record
from consent.status_lists import (
    INDEX,
    REVOCATIONS,
    SUSPENSIONS,
    WEEK,
    listed_record,
    listed_values,
    make,
)

REVOKE, SUSPEND, RESUME = WithdrawalAction.REVOKE, WithdrawalAction.SUSPEND, WithdrawalAction.RESUME
DAY = timedelta(days=1)
BEN_ID = "00000000-0000-4000-8000-000000000002"


def ben(index: int = 5, **places) -> ConsentRecord:
    """Another person in the same lists."""
    return listed_record(
        index,
        record_id=BEN_ID,
        subject={"pseudonym": "Ben 2", "public_key": SHOP.public.model_dump()},
        licensees=None,
        **places,
    )


ANNAS = listed_record()
RECORDS = {"anna.json": ANNAS, "ben.json": ben()}


def lists(statements: dict[str, str] | None = None, records=RECORDS, now=NOW, **more) -> PublishedLists:
    return publish(records, statements or {}, ISSUER, now, WEEK, **more)


def bits(published: PublishedLists) -> tuple[list[int], list[int]]:
    revocation = open_status_list(published.revocation, ISSUER.public, REVOCATIONS, StatusPurpose.REVOCATION)
    suspension = open_status_list(published.suspension, ISSUER.public, SUSPENSIONS, StatusPurpose.SUSPENSION)
    return revocation.set_indices(), suspension.set_indices()


def annas(action: WithdrawalAction, sequence: int = 1, at=NOW) -> str:
    return withdraw(ANNAS, action, ANNA, sequence, at)


def test_without_statements_no_bit_is_set():
    published = lists()
    assert bits(published) == ([], [])
    assert (published.records, published.revoked, published.suspended) == (2, (), ())
    assert (published.revocation_address, published.suspension_address) == (REVOCATIONS, SUSPENSIONS)
    assert published.left_out == ()


def test_a_persons_statement_sets_their_bit_and_no_other():
    published = lists({"w.json": annas(REVOKE)})
    assert bits(published) == ([INDEX], [])
    assert published.revoked == (ANNAS.record_id,)
    published = lists({"a.json": annas(SUSPEND), "b.json": withdraw(ben(), REVOKE, SHOP, 1, NOW)})
    assert bits(published) == ([5], [INDEX])
    assert (published.revoked, published.suspended) == ((BEN_ID,), (ANNAS.record_id,))


def test_a_resumption_unsets_the_bit():
    first = lists({"1.json": annas(SUSPEND)})
    statements = {"1.json": annas(SUSPEND), "2.json": annas(RESUME, 2)}
    second = lists(statements, previous_revocation=first.revocation, previous_suspension=first.suspension)
    assert bits(second) == ([], [])


def test_nobody_else_sets_a_bit():
    wrong = {
        "studio.json": forge(b"{}", ("controller", STUDIO), typ="bodyscan-withdrawal+jws"),  # type: ignore[arg-type]
        "stranger.json": withdraw(
            record(subject={"pseudonym": "A", "public_key": STRANGER.public.model_dump()}),
            REVOKE,
            STRANGER,
            1,
            NOW,
        ),
        "elsewhere.json": withdraw(listed_record(record_id=BEN_ID[:-1] + "9"), REVOKE, ANNA, 1, NOW),
        "junk.json": "junk",
        "later.json": annas(REVOKE, at=NOW + DAY),
    }
    published = lists(wrong)
    assert bits(published) == ([], [])
    told = "\n".join(published.left_out)
    assert "studio.json: it is signed as controller; only the subject can withdraw" in told
    assert "stranger.json: it is signed with the key" in told
    assert "elsewhere.json: it is about the record 00000000-0000-4000-8000-000000000009, which is not" in told
    assert "junk.json: the text cannot be read: it is not JSON" in told
    assert f"record {ANNAS.record_id}: a statement to revoke says 2026-06-02T00:00:00Z" in told
    assert len(published.left_out) == 5


def test_junk_does_not_keep_a_withdrawal_from_being_published():
    assert bits(lists({"a.json": "junk", "b.json": annas(REVOKE)})) == ([INDEX], [])


def test_numbers_go_up_from_the_previous_lists():
    first = lists()
    assert first.sequences == (1, 1)
    second = lists(now=NOW + DAY, previous_revocation=first.revocation, previous_suspension=first.suspension)
    assert second.sequences == (2, 2)
    third = lists(now=NOW + DAY, previous_revocation=second.revocation)
    assert third.sequences == (3, 1)
    assert lists(first_sequence=40).sequences == (40, 40)
    assert lists(first_sequence=2, previous_revocation=make(sequence=7)).sequences == (8, 2)


def test_a_verifier_with_a_memory_takes_each_new_pair():
    memory, first = StatusMemory(), lists()
    second = lists(
        {"w.json": annas(REVOKE)},
        now=NOW + DAY,
        previous_revocation=first.revocation,
        previous_suspension=first.suspension,
    )
    for published, state in ((first, StatusState.GOOD), (second, StatusState.REVOKED)):
        texts = [published.revocation, published.suspension]
        found = check_status(ANNAS, texts, [], NOW + DAY, memory)
        assert found.state is state
        assert found.memory is not None
        memory = found.memory
    assert check_status(ben(), [first.revocation, first.suspension], [], NOW + DAY, memory).state is (
        StatusState.UNKNOWN
    )


def test_the_lists_hold_for_the_time_that_was_asked():
    published = open_status_list(lists().revocation, ISSUER.public, REVOCATIONS, StatusPurpose.REVOCATION)
    assert (published.valid_from, published.valid_until) == (NOW, NOW + WEEK)


def test_a_list_is_as_long_as_its_highest_index_needs_and_never_gets_shorter():
    assert bits(lists(records={"ben.json": ben(200_000)})) == ([], [])
    long = lists({"b.json": withdraw(ben(200_000), REVOKE, SHOP, 1, NOW)}, {"ben.json": ben(200_000)})
    found = open_status_list(long.revocation, ISSUER.public, REVOCATIONS, StatusPurpose.REVOCATION)
    assert (found.size, found.set_indices()) == (262_144, [200_000])
    again = publish(
        {"anna.json": ANNAS, "ben.json": ben(200_000)},
        {"b.json": withdraw(ben(200_000), REVOKE, SHOP, 1, NOW)},
        ISSUER,
        NOW,
        WEEK,
        previous_revocation=long.revocation,
    )
    assert bits(again)[0] == [200_000]
    empty = lists(previous_revocation=make(size=262_144))
    found = open_status_list(empty.revocation, ISSUER.public, REVOCATIONS, StatusPurpose.REVOCATION)
    assert found.size == 262_144


def test_records_of_other_lists_are_left_out_and_named():
    values = listed_values(9, record_id=BEN_ID)
    values["withdrawal"]["status"]["issuer"] = STRANGER.public.model_dump()
    records = {"anna.json": ANNAS, "plain.json": record(), "other.json": record_from_values(values)}
    published = lists(records=records)
    assert published.records == 1
    assert published.left_out == (
        "plain.json: the record names no status list.",
        f"other.json: the record names another issuer, {STRANGER.thumbprint}.",
    )


def test_one_record_in_two_files_is_one_record():
    assert lists(records={"a.json": ANNAS, "copy.json": ANNAS}).records == 1


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ({}, "none of the 0 records names the issuer's key"),
        ({"plain.json": record()}, "none of the 1 records names the issuer's key"),
        (
            {"anna.json": ANNAS, "ben.json": ben(INDEX)},
            "anna.json and ben.json are two records with one index, 94567: to withdraw one would",
        ),
        (
            {"anna.json": ANNAS, "more.json": listed_record(5, scope__territories=["DE"])},
            "anna.json and more.json are two records with one id",
        ),
        (
            {
                "anna.json": ANNAS,
                "ben.json": ben(withdrawal__status__revocation_list="https://b.example.org/"),
            },
            "the records name different lists",
        ),
    ],
)
def test_records_that_cannot_share_a_list_are_refused(records, message):
    with pytest.raises(InputError, match=message):
        lists(records=records)


def test_a_revocation_does_not_vanish_with_the_file_of_its_statement():
    first = lists({"w.json": annas(REVOKE)})
    with pytest.raises(InputError, match=r"the previous revocation list has the index 94567 set, and no st"):
        lists(previous_revocation=first.revocation)
    with pytest.raises(InputError, match=r"Keep all records and statements in their folders"):
        lists({"r.json": annas(RESUME, 9)}, previous_revocation=first.revocation)


def test_a_suspension_ends_by_a_statement_alone():
    first = lists({"w.json": annas(SUSPEND)})
    with pytest.raises(InputError, match=r"the previous suspension list has the index 94567 set"):
        lists(previous_suspension=first.suspension)
    with pytest.raises(InputError, match=r"the previous suspension list has the index 94567 set"):
        lists(records={"ben.json": ben()}, previous_suspension=first.suspension)
    revoked = lists({"r.json": annas(REVOKE, 2)}, previous_suspension=first.suspension)
    assert bits(revoked) == ([INDEX], [])


def test_a_bit_that_somebody_set_without_a_statement_is_not_carried_on():
    with pytest.raises(InputError, match="no statement given here says why"):
        lists(previous_revocation=make(INDEX))


def test_a_previous_list_of_somebody_else_is_refused():
    with pytest.raises(RefusedStatusList, match="as the previous revocation list: it was not signed"):
        lists(previous_revocation=make(key=STRANGER))
    with pytest.raises(RefusedStatusList, match="as the previous suspension list: it is the list"):
        lists(previous_suspension=make())


def test_a_clock_that_went_back_is_told():
    with pytest.raises(InputError, match="was made at 2026-06-02T00:00:00Z, after 2026-06-01T00:00:00Z"):
        lists(previous_revocation=make(valid_from=NOW + DAY))


def test_another_key_of_the_issuer_publishes_while_it_is_in_use():
    started = start_history(ISSUER, [], NOW - WEEK)
    new = ListedKey(key=STUDIO.public, uses=(KeyUse.STATUS,), active_from=NOW, active_until=NOW + DAY)
    made = extend_history(started, ISSUER, [*started.current.keys, new], NOW - WEEK)
    first = lists()
    more = {"previous_revocation": first.revocation, "histories": {made.owner: made}}
    published = publish(RECORDS, {"w.json": annas(REVOKE)}, STUDIO, NOW, WEEK, **more)
    assert published.sequences == (2, 1)
    found = open_status_list(
        published.revocation, ISSUER.public, REVOCATIONS, StatusPurpose.REVOCATION, history=made
    )
    assert found.set_indices() == [INDEX]
    with pytest.raises(InputError, match="none of the 2 records names the issuer's key"):
        publish(RECORDS, {}, STUDIO, NOW + DAY, WEEK, **more)


def test_a_free_index_is_one_that_no_record_has():
    records = [listed_record(index) for index in range(8) if index != 5]
    assert free_index([*records, record()], size=8) == 5
    drawn = {free_index(records) for _ in range(20)}
    assert len(drawn) > 15
    assert drawn.isdisjoint(set(range(8)) - {5})
    with pytest.raises(InputError, match="all 8 indices are taken"):
        free_index([*records, ben()], size=8)
