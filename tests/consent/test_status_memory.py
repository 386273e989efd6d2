from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodyscan.consent.status_list import RefusedStatusList, StatusList, StatusPurpose, open_status_list
from bodyscan.consent.status_memory import MAX_LISTS, Seen, StatusMemory, list_name
from bodyscan.errors import InputError
from consent.people import ISSUER, NOW, STRANGER
from consent.status_lists import INDEX, REVOCATIONS, SUSPENSIONS, make, resign

DAY = timedelta(days=1)


def opened(text: str, key=ISSUER, purpose=StatusPurpose.REVOCATION) -> StatusList:
    address = REVOCATIONS if purpose is StatusPurpose.REVOCATION else SUSPENSIONS
    return open_status_list(text, key.public, address, purpose)


OLD, NEW = opened(make(sequence=7)), opened(make(INDEX, sequence=8, valid_from=NOW + DAY))


def test_an_older_list_after_a_newer_one_is_replayed():
    memory = StatusMemory().remember(OLD).remember(NEW)
    with pytest.raises(RefusedStatusList, match="it is replayed: its sequence number is 7, and 8 was seen"):
        memory.check(OLD)
    memory.check(NEW)


def test_the_same_list_may_be_seen_again():
    memory = StatusMemory().remember(OLD)
    assert memory.remember(OLD) == memory


def test_a_higher_number_with_an_earlier_time_is_replayed():
    backdated = opened(make(sequence=9, valid_from=NOW - DAY))
    with pytest.raises(RefusedStatusList, match=r"made at 2026-05-31T00:00:00Z, and one of 2026-06-01T"):
        StatusMemory().remember(OLD).check(backdated)


def test_two_lists_with_one_number_are_told():
    twin = opened(make(INDEX, sequence=7))
    with pytest.raises(RefusedStatusList, match="another list with the same sequence number 7 was seen"):
        StatusMemory().remember(OLD).check(twin)


@pytest.mark.parametrize(
    "other",
    [
        {"address": "https://status.example.org/2027/revoked"},
        {"purpose": StatusPurpose.SUSPENSION},
        {"issuer": STRANGER.thumbprint},
    ],
)
def test_what_is_remembered_of_one_list_says_nothing_of_another(other):
    status_list = replace(OLD, sequence=1, **other)
    StatusMemory().remember(NEW).check(status_list)
    assert list_name(status_list) != list_name(NEW)


def test_a_strangers_list_at_the_same_address_does_not_lock_out_the_right_one():
    flood = opened(make(sequence=2**53 - 1, key=STRANGER), key=STRANGER)
    StatusMemory().remember(flood).check(OLD)


def test_remembering_leaves_the_memory_that_was_as_it_is():
    memory = StatusMemory()
    memory.remember(OLD)
    assert memory.lists == {}


def test_a_memory_goes_through_its_text():
    memory = StatusMemory().remember(NEW)
    assert StatusMemory.parse(memory.to_text()) == memory
    assert StatusMemory.parse(StatusMemory().to_text()) == StatusMemory()


def test_the_text_names_no_address():
    text = StatusMemory().remember(NEW).to_text()
    assert "example" not in text
    assert ISSUER.thumbprint not in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the status memory cannot be read: it is not JSON"),
        ('{"lists": {}, "lists": {}}', "'lists' stands twice"),
        ("{}", "the status memory is not valid: lists: Field required"),
        ('{"schema": "urn:bodyscan:status-memory:2", "lists": {}}', "schema: Input should be"),
        ('{"lists": {}, "more": 1}', "more: Extra inputs are not permitted"),
        ('{"lists": {"x": {}}}', "lists.x"),
        (
            json.dumps({"lists": {"0" * 64: {"sequence": 0, "valid_from": "2026-06-01T00:00:00Z"}}}),
            "sequence: Input should be greater than or equal to 1",
        ),
        ('{"lists": NaN}', "NaN is not a JSON number"),
    ],
)
def test_a_text_that_is_no_memory_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        StatusMemory.parse(text)


def full() -> StatusMemory:
    seen = Seen(sequence=2**53 - 1, valid_from=NOW, sha256="f" * 64)
    return StatusMemory({f"{number:064x}": seen for number in range(MAX_LISTS)})


def test_a_full_memory_can_be_read_and_forgets_nothing():
    memory = full()
    assert len(memory.to_text()) < 256 * 1024
    assert StatusMemory.parse(memory.to_text()) == memory
    with pytest.raises(RefusedStatusList, match="the memory holds 1000 lists already, and nothing is forgot"):
        memory.remember(OLD)


def test_a_list_that_is_known_is_still_checked_by_a_full_memory():
    memory = full()
    name, *rest = memory.lists
    seen = Seen(sequence=7, valid_from=NOW, sha256=OLD.sha256)
    lists = {list_name(OLD): seen} | {key: memory.lists[key] for key in rest}
    assert StatusMemory(lists).remember(OLD).lists == lists
    assert name not in lists


def test_two_memories_become_one_that_knows_the_newer_of_each():
    other = opened(make(sequence=3, purpose=StatusPurpose.SUSPENSION), purpose=StatusPurpose.SUSPENSION)
    left, right = StatusMemory().remember(NEW), StatusMemory().remember(OLD).remember(other)
    assert left.merged(right) == right.merged(left) == left.remember(other)
    with pytest.raises(InputError, match="the memory would hold 1001 lists"):
        full().merged(left)


@given(order=st.lists(st.integers(1, 9), max_size=8))
@settings(max_examples=60, deadline=None)
def test_what_was_seen_never_goes_back(order):
    memory, highest = StatusMemory(), 0
    for number in order:
        status_list = LISTS[number]
        if number < highest:
            with pytest.raises(RefusedStatusList):
                memory.remember(status_list)
            continue
        memory, highest = memory.remember(status_list), number
        assert memory.lists[list_name(status_list)].sequence == highest


LISTS = {
    number: opened(make(number, sequence=number, valid_from=NOW + number * timedelta(hours=1)))
    for number in range(1, 10)
}


def test_a_second_signature_over_the_same_list_is_the_same_list():
    again = opened(resign(make(sequence=7)) + "\n")
    first = opened(resign(make(sequence=7)))
    assert again == first
    StatusMemory().remember(first).check(again)
