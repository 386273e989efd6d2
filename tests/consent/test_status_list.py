from __future__ import annotations

import gzip
import json
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodyscan.consent.key_history import KeyHistory, KeyUse, ListedKey, extend_history, start_history
from bodyscan.consent.keys import b64url_decode, b64url_encode
from bodyscan.consent.status_list import (
    MAX_ENTRIES,
    MAX_TEXT_BYTES,
    MIN_ENTRIES,
    RefusedStatusList,
    StatusPurpose,
    address_of,
    issuer_did,
    make_status_list,
    read_status_list,
)
from bodyscan.errors import ConsentError, InputError
from consent.people import ISSUER, NOW, STRANGER, STUDIO
from consent.status_lists import (
    INDEX,
    REVOCATIONS,
    SUSPENSIONS,
    WEEK,
    credential_of,
    header_of,
    make,
    packed,
    resign,
    sign_bytes,
)

REVOCATION, SUSPENSION = StatusPurpose.REVOCATION, StatusPurpose.SUSPENSION
GOOD = make(INDEX)
SIGNED = {"alg": "Ed25519", "typ": "vc+jwt"}


def read(text: str | bytes, **changes):
    wanted = {"issuer": ISSUER.public, "address": REVOCATIONS, "purpose": REVOCATION, "now": NOW} | changes
    return read_status_list(text, **wanted)


# What a list is


@given(indices=st.sets(st.integers(0, MIN_ENTRIES - 1), max_size=40))
@settings(max_examples=60, deadline=None)
def test_the_bits_that_are_set_are_the_bits_that_are_read(indices):
    found = read(make(*indices))
    assert found.set_indices() == sorted(indices)
    assert all(found.is_set(index) for index in indices)
    assert not any(found.is_set(index) for index in range(0, MIN_ENTRIES, 997) if index not in indices)


def test_index_0_is_the_left_most_bit_and_the_last_one_the_right_most():
    bits = read(make(0, 9, MIN_ENTRIES - 1)).bits
    assert (bits[0], bits[1], bits[-1]) == (0b1000_0000, 0b0100_0000, 0b0000_0001)
    assert sum(bits) == 0b1000_0000 + 0b0100_0000 + 1


def test_what_was_stated_is_read():
    found = read(GOOD)
    assert (found.address, found.purpose, found.issuer) == (REVOCATIONS, REVOCATION, ISSUER.thumbprint)
    assert (found.sequence, found.valid_from, found.valid_until) == (7, NOW, NOW + WEEK)
    assert (found.size, found.ttl) == (131_072, timedelta(days=1))
    assert address_of(GOOD) == REVOCATIONS


def test_the_credential_is_the_one_of_the_recommendation():
    value = credential_of(GOOD)
    subject = value["credentialSubject"]
    assert value["@context"][0] == "https://www.w3.org/ns/credentials/v2"
    assert value["@context"][1] == {"bodyscanSequence": "urn:bodyscan:status-list#sequence"}
    assert value["type"] == ["VerifiableCredential", "BitstringStatusListCredential"]
    assert (value["id"], value["issuer"]) == (REVOCATIONS, issuer_did(ISSUER.public))
    assert (value["validFrom"], value["validUntil"]) == ("2026-06-01T00:00:00Z", "2026-06-08T00:00:00Z")
    assert (subject["type"], subject["statusPurpose"]) == ("BitstringStatusList", "revocation")
    assert (subject["id"], subject["statusSize"]) == (f"{REVOCATIONS}#list", 1)
    assert subject["ttl"] == 86_400_000
    unpacked = gzip.decompress(b64url_decode(subject["encodedList"].removeprefix("u")))
    assert len(unpacked) == 16_384
    assert "vc" not in value


def test_the_header_names_the_key_by_a_did_that_holds_it():
    header = header_of(GOOD)
    assert header == {"alg": "Ed25519", "kid": f"{issuer_did(ISSUER.public)}#0", "typ": "vc+jwt"}
    key = json.loads(b64url_decode(issuer_did(ISSUER.public).removeprefix("did:jwk:")))
    assert key == ISSUER.public.model_dump()


def test_another_verifier_checks_the_signature_with_the_key_in_the_did():
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    signed, _, signature = GOOD.strip().rpartition(".")
    did = header_of(GOOD)["kid"].removeprefix("did:jwk:").removesuffix("#0")
    key = Ed25519PublicKey.from_public_bytes(b64url_decode(json.loads(b64url_decode(did))["x"]))
    key.verify(b64url_decode(signature), signed.encode())


def test_the_list_that_the_recommendation_prints_unpacks_to_131072_zeros():
    # Section 2.2, example 3; its GZIP is another program's.
    printed = "uH4sIAAAAAAAAA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAIC3AYbSVKsAQAAA"
    found = read(resign(GOOD, {"credentialSubject/encodedList": printed}))
    assert (found.size, found.set_indices()) == (131_072, [])


def test_one_list_may_serve_both_purposes():
    text = resign(GOOD, {"credentialSubject/statusPurpose": ["suspension", "revocation"]})
    assert read(text).is_set(INDEX)


def test_members_that_are_not_known_are_ignored():
    text = resign(GOOD, {"name": "Consents of the atelier", "credentialSubject/statusSize": None}, iss="x")
    assert read(text).is_set(INDEX)


def test_the_issuer_may_go_by_another_name_and_need_not_state_a_ttl():
    text = resign(GOOD, {"issuer": {"id": "https://status.example.org"}, "credentialSubject/ttl": None})
    assert read(text).ttl is None


def test_the_same_arguments_give_the_same_bytes():
    assert make(5, 6) == make(6, 5)


def test_a_longer_list_hides_more_people():
    last = 2**20 - 1
    assert read(make(last, size=2**20)).set_indices() == [last]
    assert read(make(MAX_ENTRIES - 1, size=MAX_ENTRIES)).is_set(MAX_ENTRIES - 1)


def test_a_list_is_small_and_half_of_all_bits_set_still_fits():
    assert len(make(INDEX)) < 1400
    half = random.Random(1).sample(range(MIN_ENTRIES), MIN_ENTRIES // 2)
    text = make(*half)
    assert len(text) < MAX_TEXT_BYTES / 8
    assert read(text).set_indices() == sorted(half)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"set_indices": [MIN_ENTRIES]}, "the index 131072 lies outside the list of 131072 entries"),
        ({"set_indices": [-1]}, "the index -1 lies outside"),
        ({"size": 8}, "has 131072 to 16777216 entries, a multiple of 8; not 8"),
        ({"size": MIN_ENTRIES + 1}, "a multiple of 8; not 131073"),
        ({"size": 2 * MAX_ENTRIES}, "has 131072 to 16777216 entries"),
        ({"sequence": 0}, "is at least 1; it is 0"),
        ({"valid_until": NOW}, "valid until later than it is valid from"),
        ({"valid_from": datetime(2026, 6, 1)}, "valid_from must be a time in UTC"),
        ({"valid_until": datetime(2027, 6, 1)}, "valid_until must be a time in UTC"),
    ],
)
def test_a_list_that_nobody_could_read_is_not_made(changes, message):
    arguments = {
        "set_indices": [],
        "purpose": REVOCATION,
        "address": REVOCATIONS,
        "issuer_key": ISSUER,
        "sequence": 1,
        "valid_from": NOW,
        "valid_until": NOW + WEEK,
    }
    with pytest.raises(InputError, match=message):
        make_status_list(**(arguments | changes))


def test_bits_too_many_and_scattered_for_one_file_are_told():
    scattered = random.Random(1).sample(range(MAX_ENTRIES), 100_000)
    with pytest.raises(InputError, match="spread the records over several lists"):
        make(*scattered, size=MAX_ENTRIES)


# What is refused


def refused(text: str | bytes, message: str, **changes) -> None:
    with pytest.raises(RefusedStatusList, match=message) as caught:
        read(text, **changes)
    assert isinstance(caught.value, ConsentError)
    assert str(caught.value) == f"The status list is refused: {caught.value.reason}."


def test_an_index_outside_the_list_is_refused():
    with pytest.raises(RefusedStatusList, match="it has 131072 entries, and the index is 131072"):
        read(GOOD).is_set(MIN_ENTRIES)
    with pytest.raises(RefusedStatusList, match="the index is -1"):
        read(GOOD).is_set(-1)


def test_a_key_that_the_record_does_not_name_is_refused():
    refused(
        make(key=STRANGER), f"not signed with the issuer's key that the record names .{ISSUER.thumbprint}"
    )
    refused(GOOD, "not signed with the issuer's key", issuer=STRANGER.public)
    # A stranger may write the issuer's name over their own signature.
    refused(sign_bytes(json.dumps(credential_of(GOOD)).encode(), header_of(GOOD), STRANGER), "not signed")


def test_another_address_or_purpose_is_refused():
    refused(make(purpose=SUSPENSION), f"it is the list '{SUSPENSIONS}'; the record names {REVOCATIONS}")
    refused(GOOD, "it is the list", address="https://elsewhere.example.org/1")
    refused(GOOD, "it is for 'revocation', not for suspension", purpose=SUSPENSION)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"alg": "none"}, "the algorithm 'none' is refused; only Ed25519"),
        ({"alg": "HS256"}, "the algorithm 'HS256' is refused"),
        ({"alg": "EdDSA"}, "the algorithm 'EdDSA' is refused"),
        ({"alg": None}, "the algorithm None is refused"),
        ({"typ": "bodyscan-consent+jws"}, "it is of the type 'bodyscan-consent\\+jws', not 'vc\\+jwt'"),
        ({"typ": None}, "it is of the type None"),
        ({"crit": ["exp"]}, "the header crit is refused"),
        ({"crit": ["b64"], "b64": False}, "the header b64 is refused"),
        ({"jwk": STRANGER.public.model_dump()}, "the header jwk is refused; the record names the key"),
        ({"jku": "https://elsewhere.example.org/k"}, "the header jku is refused"),
        ({"x5u": "https://elsewhere.example.org/k"}, "the header x5u is refused"),
        ({"x5c": ["AAAA"]}, "the header x5c is refused"),
    ],
)
def test_a_header_that_chooses_its_own_check_is_refused(header, message):
    refused(resign(GOOD, **header), message)


def test_the_public_key_as_an_hmac_secret_is_refused():
    import hashlib
    import hmac

    header = b64url_encode(json.dumps({"alg": "HS256", "typ": "vc+jwt"}).encode())
    signed = f"{header}.{GOOD.split('.')[1]}"
    tag = hmac.new(b64url_decode(ISSUER.public.x), signed.encode(), hashlib.sha512).digest()
    refused(f"{signed}.{b64url_encode(tag)}", "the algorithm 'HS256' is refused")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"@context": ["https://www.w3.org/2018/credentials/v1"]}, "its @context must begin with"),
        ({"@context": "https://www.w3.org/ns/credentials/v2"}, "its @context must begin with"),
        ({"type": ["VerifiableCredential"]}, "its type must hold VerifiableCredential and Bitstring"),
        ({"type": None}, "its type must hold"),
        ({"id": None}, "it is the list None"),
        ({"issuer": None}, "its issuer must be named by a URL"),
        ({"vc": {}}, "the member vc has no place in it"),
        ({"exp": 1}, "the member exp has no place in it"),
        ({"bodyscanSequence": None}, "has no bodyscanSequence, a whole number from 1, so a replay could not"),
        ({"bodyscanSequence": 0}, "has no bodyscanSequence"),
        ({"bodyscanSequence": True}, "has no bodyscanSequence"),
        ({"bodyscanSequence": 7.0}, "has no bodyscanSequence"),
        ({"bodyscanSequence": 2**53}, "lies beyond 2\\^53 - 1"),
        ({"validFrom": None}, "its validFrom is missing"),
        ({"validUntil": None}, "its validUntil is missing"),
        ({"validUntil": "2026-06-08"}, "is no time: write UTC"),
        ({"validUntil": "2026-06-01T00:00:00Z"}, "its validUntil is not later than its validFrom"),
        ({"credentialSubject": None}, "must be one BitstringStatusList"),
        ({"credentialSubject": []}, "must be one BitstringStatusList"),
        ({"credentialSubject/type": "StatusList2021"}, "must be one BitstringStatusList"),
        ({"credentialSubject/statusPurpose": None}, "it is for None, not for revocation"),
        ({"credentialSubject/statusPurpose": "refresh"}, "it is for 'refresh', not for revocation"),
        ({"credentialSubject/statusSize": 2}, "its statusSize must be 1"),
        ({"credentialSubject/statusSize": True}, "its statusSize must be 1"),
        ({"credentialSubject/ttl": -1}, "its ttl must be a whole number of milliseconds"),
        ({"credentialSubject/encodedList": None}, "must be multibase base64url, which begins with u"),
        ({"credentialSubject/encodedList": "zH4sI"}, "must be multibase base64url"),
        ({"credentialSubject/encodedList": "u!!"}, "the text is not base64url"),
        ({"credentialSubject/encodedList": "uQUFB"}, "its encodedList is not sound GZIP"),
        ({"credentialSubject/encodedList": "u"}, "its encodedList is cut off"),
        (
            {"credentialSubject/encodedList": packed(bytes(16_383))},
            "has 131064 entries, fewer than the 131072",
        ),
        ({"credentialSubject/encodedList": packed(b"")}, "has 0 entries, fewer than"),
    ],
)
def test_a_credential_that_is_no_such_list_is_refused(changes, message):
    refused(resign(GOOD, changes), message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is not a JWS in compact serialization"),
        ("a.b", "it is not a JWS in compact serialization"),
        ("a.b.c.d", "it is not a JWS in compact serialization"),
        ("é.b.c", "it is not base64url|the text is not base64url"),
        (GOOD.replace(".", "=."), "base64url"),
        (GOOD.rpartition(".")[0] + ".", "its signature must have 64 bytes"),
        ("a" * (MAX_TEXT_BYTES + 1), "it has 262145 bytes, more than the 262144 that are read"),
        (sign_bytes(b'{"id": 1, "id": 2}', SIGNED), "'id' stands twice"),
        (sign_bytes(b'{"id": NaN}', SIGNED), "NaN is not a JSON number"),
        (sign_bytes(b'{"a":' * 2000, SIGNED), "nested deeper than 16 levels"),
        (sign_bytes(b"[]", SIGNED), "it holds no credential"),
        (sign_bytes(b"\xff", SIGNED), "cannot be read"),
        (f"{b64url_encode(b'[]')}.e30.{'A' * 86}", "its protected header must be a JSON object"),
        (f"{b64url_encode(b'{')}.e30.{'A' * 86}", "its protected header cannot be read: it is not JSON"),
    ],
)
def test_a_text_that_is_no_list_is_refused(text, message):
    refused(text, message)


# Time


def test_a_list_holds_from_its_begin_to_its_end_give_or_take_five_minutes():
    five = timedelta(minutes=5)
    for now in (NOW - five, NOW, NOW + WEEK, NOW + WEEK + five):
        assert read(GOOD, now=now).is_set(INDEX)
    second = timedelta(seconds=1)
    refused(GOOD, "it is not valid yet: it begins at 2026-06-01T00:00:00Z", now=NOW - five - second)
    refused(GOOD, "it is stale: it ended at 2026-06-08T00:00:00Z", now=NOW + WEEK + five + second)


def test_a_list_older_than_the_age_asked_for_is_stale():
    day = timedelta(days=1)
    edge = NOW + day + timedelta(minutes=5)
    assert read(GOOD, now=edge, max_age=day)
    refused(GOOD, "it is stale: it was made at .*, longer ago", now=edge + timedelta(seconds=1), max_age=day)


def test_the_clock_must_be_utc():
    with pytest.raises(InputError, match="now must be a time in UTC"):
        read(GOOD, now=datetime(2026, 6, 1))


# Keys that changed


def history(end: datetime | None = None) -> KeyHistory:
    """The issuer's keys: the one in the record, a new one that ends at `end`, and one for other uses."""
    begin = NOW - WEEK
    started = start_history(ISSUER, [], begin)
    new = ListedKey(key=STUDIO.public, uses=(KeyUse.STATUS,), active_from=begin, active_until=end)
    other = ListedKey(key=STRANGER.public, uses=(KeyUse.BINDING,), active_from=begin)
    return extend_history(started, ISSUER, [*started.current.keys, new, other], begin)


def test_another_key_of_the_issuer_signs_by_their_key_history():
    text = make(INDEX, key=STUDIO)
    found = read(text, history=history())
    assert (found.is_set(INDEX), found.key.key, found.issuer) == (True, STUDIO.public, ISSUER.thumbprint)
    refused(text, "not signed with the issuer's key")
    refused(make(key=STRANGER), "not signed with the issuer's key", history=history())
    refused(text, "not signed with the issuer's key", history=start_history(STUDIO, [], NOW))


def test_a_key_that_ended_signs_no_list():
    ended = history(end=NOW + timedelta(hours=1))
    text = make(key=STUDIO)
    assert read(text, history=ended).size == MIN_ENTRIES
    refused(
        text,
        f"it is signed with the key {STUDIO.thumbprint}, which has ended",
        history=ended,
        now=NOW + timedelta(hours=1),
    )


def test_times_are_whole_seconds():
    odd = datetime(2026, 6, 1, 0, 0, 0, 999_999, tzinfo=UTC)
    assert read(make(valid_from=odd), now=NOW).valid_from == NOW
