from __future__ import annotations

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodyscan.consent.keys import b64url_encode
from bodyscan.consent.status_list import (
    MAX_ENTRIES,
    MAX_TEXT_BYTES,
    MIN_ENTRIES,
    RefusedStatusList,
    StatusPurpose,
    address_of,
    read_status_list,
)
from consent.people import ISSUER, NOW
from consent.status_lists import INDEX, REVOCATIONS, credential_of, make, packed, resign

GOOD = make(INDEX)


def read(text: str | bytes):
    return read_status_list(text, ISSUER.public, REVOCATIONS, StatusPurpose.REVOCATION, NOW)


def refused(text: str | bytes, message: str) -> None:
    with pytest.raises(RefusedStatusList, match=message):
        read(text)


# What is packed


def test_a_bomb_is_not_unpacked():
    # 100 MiB of zeros in 100 KB.
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join(packer.compress(bytes(2**20)) for _ in range(100)) + packer.flush()
    assert len(bomb) < MAX_TEXT_BYTES / 2
    text = resign(GOOD, {"credentialSubject/encodedList": "u" + b64url_encode(bomb)})
    tracemalloc.start()
    refused(text, "it unpacks to more than 16777216 entries")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 2**20


def test_one_byte_more_than_the_longest_list_is_refused():
    text = resign(GOOD, {"credentialSubject/encodedList": packed(bytes(MAX_ENTRIES // 8 + 1))})
    refused(text, "it unpacks to more than 16777216 entries")


@pytest.mark.parametrize("more", [b"x", gzip.compress(bytes(8), mtime=0), bytes(8)])
def test_what_follows_the_bits_is_refused(more):
    data = gzip.compress(bytes(16_384)) + more
    text = resign(GOOD, {"credentialSubject/encodedList": "u" + b64url_encode(data)})
    refused(text, "goes on after the end of the bits")


def test_a_cut_or_damaged_packing_is_refused():
    data = gzip.compress(bytes(16_384))
    for broken, message in ((data[:-1], "is cut off"), (data[:-8] + bytes(8), "is not sound GZIP")):
        text = resign(GOOD, {"credentialSubject/encodedList": "u" + b64url_encode(broken)})
        refused(text, message)


def test_a_raw_or_zlib_stream_is_no_gzip():
    text = resign(GOOD, {"credentialSubject/encodedList": "u" + b64url_encode(zlib.compress(bytes(16_384)))})
    refused(text, "is not sound GZIP")


# Whatever comes


@given(st.binary(max_size=400))
@settings(max_examples=150, deadline=None)
def test_any_bytes_at_all_are_refused_and_never_crash(data):
    with pytest.raises(RefusedStatusList):
        read(data)
    assert address_of(data) is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
        max_leaves=8,
    ),
    st.sampled_from(
        [
            *credential_of(GOOD),
            "credentialSubject/encodedList",
            "credentialSubject/ttl",
            "credentialSubject/statusPurpose",
            "credentialSubject/statusSize",
        ]
    ),
)
@settings(max_examples=150, deadline=None)
def test_any_value_in_any_member_is_read_or_refused_and_never_crashes(value, place):
    try:
        found = read(resign(GOOD, {place: value}))
    except RefusedStatusList:
        return
    assert found.size >= MIN_ENTRIES


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
@settings(max_examples=150, deadline=None)
def test_no_bit_of_a_list_can_be_changed(place, bit):
    data = bytearray(GOOD.strip().encode())
    data[place % len(data)] ^= 1 << bit
    with pytest.raises(RefusedStatusList):
        read(bytes(data))
