from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodyscan.consent.der import SEQUENCE, split, unwrap, wrap


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_what_is_wrapped_comes_out_again(bodies: list[bytes]) -> None:
    values = [wrap(0x04, body) for body in bodies]
    whole = wrap(SEQUENCE, *values)
    assert list(split(unwrap(whole, SEQUENCE))) == values
    assert [unwrap(value, 0x04) for value in values] == bodies


@pytest.mark.parametrize(
    ("size", "head"), [(127, b"\x04\x7f"), (128, b"\x04\x81\x80"), (65536, b"\x04\x83\1\0\0")]
)
def test_lengths_are_as_short_as_they_can_be(size: int, head: bytes) -> None:
    assert wrap(0x04, bytes(size)) == head + bytes(size)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x30",
        b"\x30\x05\0",
        b"\x30\x80\0\0",
        b"\x30\x85\1\1\1\1\1",
        b"\x3f\1\0",
        b"\x30\0\x30\0",
        b"\x31\0",
    ],
)
def test_damaged_values_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="value"):
        unwrap(data, SEQUENCE)


@given(st.binary(max_size=40))
def test_any_bytes_are_split_into_themselves_or_refused(data: bytes) -> None:
    with suppress(ValueError):
        assert b"".join(split(data)) == data
