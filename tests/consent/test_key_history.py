"""Keys change hands over time: who may sign, and what an ended key's signature is still worth."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from bodyscan.consent.jws import Role, sign_payload
from bodyscan.consent.key_history import (
    KEYS_TYP,
    KeyHistory,
    KeyList,
    KeyUse,
    ListedKey,
    check_key,
    extend_history,
    newest_histories,
    read_key_history,
    start_history,
)
from bodyscan.consent.keys import b64url_decode, b64url_encode
from bodyscan.consent.state import ConsentState, RefusedConsent
from bodyscan.errors import InputError
from consent.people import ANNA, NOW, PACKER, SHOP, STRANGER, STUDIO

DAY = timedelta(days=1)
BEGIN = NOW - 100 * DAY


def listed(key=SHOP, *uses: KeyUse, since: datetime = BEGIN, **ends: Any) -> ListedKey:
    return ListedKey(key=key.public, uses=uses or (KeyUse.BINDING,), active_from=since, **ends)


def history(*more: ListedKey) -> KeyHistory:
    """The studio's root, and after ten days one more list with other keys."""
    first = start_history(STUDIO, (), BEGIN)
    if not more:
        return first
    return extend_history(first, STUDIO, (*first.current.keys, *more), BEGIN + 10 * DAY)


def check(known: KeyHistory | None, key=SHOP, use=KeyUse.BINDING, **facts: Any) -> None:
    given = {"signed_at": NOW - DAY, "stamped_at": None, "now": NOW, **facts}
    check_key(known, STUDIO.public, key.thumbprint, use, **given)


def refused(*arguments: Any, **facts: Any) -> str:
    with pytest.raises(RefusedConsent) as caught:
        check(*arguments, **facts)
    assert caught.value.status.state is ConsentState.UNTRUSTED
    return caught.value.status.reason


def test_a_history_reads_back_from_its_text() -> None:
    known = history(listed())
    assert read_key_history(known.to_text(), NOW) == known
    assert read_key_history(known.to_value(), NOW).current.sequence == 2
    assert known.owner == STUDIO.thumbprint


def test_without_a_history_the_root_alone_counts() -> None:
    check(None, STUDIO)
    assert "no key history allows another" in refused(None, SHOP)


def test_a_listed_key_counts_for_what_it_is_listed_for() -> None:
    check(history(listed()))
    assert "not listed for the use `ledger`" in refused(history(listed()), use=KeyUse.LEDGER)
    assert "not listed" in refused(history(listed()), STRANGER)
    assert "in use only from" in refused(history(listed(since=NOW)))
    check(history(), STUDIO, signed_at=BEGIN - 400 * DAY)


@pytest.mark.parametrize("end", ["active_until", "compromised_at"])
def test_an_ended_keys_signature_counts_only_with_a_stamp_from_before(end: str) -> None:
    known = history(listed(**{end: NOW - 5 * DAY}))
    assert "only with a time stamp from before, and that is missing" in refused(known)
    assert "is of 2026-05-2" in refused(known, stamped_at=NOW - 4 * DAY)
    check(known, stamped_at=NOW - 6 * DAY)
    # What it says of its own moment is the signer's word: a thief would say the same.
    refused(known, signed_at=NOW - 6 * DAY)


def test_a_key_that_ends_later_counts_until_then() -> None:
    known = history(listed(active_until=NOW))
    check(known, now=NOW - timedelta(seconds=1))
    assert "ended at 2026-06-01" in refused(known)


def test_a_list_is_signed_by_a_key_of_the_list_before() -> None:
    known = history(listed(SHOP, KeyUse.KEYS))
    third = extend_history(known, SHOP, known.current.keys, NOW)
    assert read_key_history(third.to_text(), NOW).current.sequence == 3
    with pytest.raises(InputError, match="which may not sign lists"):
        extend_history(known, STRANGER, (*known.current.keys, listed(STRANGER, KeyUse.KEYS)), NOW)
    with pytest.raises(InputError, match="which may not sign lists"):
        extend_history(history(listed()), SHOP, history(listed()).current.keys, NOW)


def test_an_ended_key_signs_no_more_lists() -> None:
    known = history(listed(SHOP, KeyUse.KEYS, compromised_at=NOW - 5 * DAY))
    with pytest.raises(InputError, match="which had ended"):
        extend_history(known, SHOP, known.current.keys, NOW)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ((listed(STUDIO, *KeyUse),), "leaves out the key"),
        ((listed(STUDIO, *KeyUse), listed(SHOP, *KeyUse)), "more than it had"),
        ((listed(STUDIO, *KeyUse), listed(active_until=NOW)), "takes back the end"),
        ((listed(STUDIO, *KeyUse), listed()), "takes back the end"),
        ((listed(STUDIO, *KeyUse), listed(since=BEGIN - DAY, active_until=BEGIN)), "more than it had"),
        ((listed(),), "owner's root key is not listed"),
        ((listed(STUDIO, *KeyUse),) * 2, "a key is listed twice"),
    ],
)
def test_a_list_adds_keys_and_ends_and_takes_nothing_back(keys: tuple[ListedKey, ...], said: str) -> None:
    known = history(listed(active_until=NOW - DAY))
    with pytest.raises(InputError, match=said):
        extend_history(known, STUDIO, keys, NOW)


def test_the_longer_of_two_histories_counts_and_a_fork_is_refused() -> None:
    short, long = history(), history(listed())
    assert newest_histories([long, short]) == {STUDIO.thumbprint: long}
    with pytest.raises(RefusedConsent, match="two different histories"):
        newest_histories([long, history(listed(STRANGER))])


def forged(*lists: KeyList, signer=STUDIO) -> str:
    documents = []
    for one in lists:
        payload = one.canonical_json()
        signature = sign_payload(payload, Role.OWNER, KEYS_TYP, signer).to_json()
        documents.append({"payload": b64url_encode(payload), "signatures": [signature]})
    return json.dumps({"bodyscan_keys": 1, "lists": documents})


def key_list(sequence: int = 1, owner=STUDIO, issued_at: datetime = BEGIN) -> KeyList:
    keys = (listed(owner, *KeyUse),)
    return KeyList(owner=owner.thumbprint, sequence=sequence, issued_at=issued_at, keys=keys)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (forged(key_list(), signer=STRANGER), "not signed by the root key"),
        (forged(key_list(2)), "list 1 says that it is number 2"),
        (forged(key_list(), key_list()), "list 2 says that it is number 1"),
        (forged(key_list(), key_list(2, ANNA)), "does not follow"),
        (forged(key_list(), key_list(2, issued_at=BEGIN - DAY)), "does not follow"),
        (forged(key_list(issued_at=NOW + DAY)), "later than now"),
        ('{"bodyscan_keys":1,"lists":[]}', "1 to 64 lists"),
        ('{"bodyscan_keys":2,"lists":[1]}', "version 2 is not known"),
        ('{"bodyscan_keys":true,"lists":[1]}', "version True is not known"),
        ('{"bodyscan_keys":1,"lists":[1],"more":1}', "no other"),
        ("[]", "no other"),
        ("x", "not JSON"),
    ],
)
def test_a_broken_chain_is_refused(text: str, said: str) -> None:
    with pytest.raises(RefusedConsent, match="the key history does not hold") as caught:
        read_key_history(text, NOW)
    assert said in caught.value.status.reason


def test_an_edited_list_is_refused() -> None:
    value = history(listed(PACKER, KeyUse.PACK)).to_value()
    payload = json.loads(b64url_decode(value["lists"][1]["payload"]))
    payload["keys"][1]["uses"] = ["binding"]
    edited = KeyList.model_validate_json(json.dumps(payload)).canonical_json()
    value["lists"][1]["payload"] = b64url_encode(edited)
    with pytest.raises(RefusedConsent, match="signature of list 2 does not hold"):
        read_key_history(value, NOW)


def test_a_history_begins_at_a_whole_second_whatever_the_clock_says() -> None:
    begun = start_history(STUDIO, (), BEGIN + timedelta(microseconds=814958))
    assert begun.current.keys[0].active_from == begun.current.issued_at == BEGIN
