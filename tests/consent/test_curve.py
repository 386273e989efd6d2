from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from bodyscan.consent import curve
from bodyscan.consent.curve import check_public_point

P = 2**255 - 19
Y8 = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
"""The y of a point of order 8; the other one is its negative."""


def encode(y: int, sign: int) -> bytes:
    return (y | sign << 255).to_bytes(32, "little")


LOW_ORDER = [encode(y, sign) for y in (0, 1, P - 1, Y8, P - Y8, P, P + 1) for sign in (0, 1)]
"""All eight points of small order in every encoding that fits 32 bytes."""


@pytest.mark.parametrize("encoded", LOW_ORDER, ids=lambda data: data.hex()[:8] + data.hex()[-2:])
def test_refuses_every_low_order_encoding(encoded: bytes) -> None:
    with pytest.raises(ValueError, match="low-order point"):
        check_public_point(encoded)


def test_the_library_below_would_take_one() -> None:
    Ed25519PublicKey.from_public_bytes(encode(1, 0))  # why the check is ours


@given(st.binary(min_size=32, max_size=32))
def test_accepts_the_key_of_every_seed(seed: bytes) -> None:
    check_public_point(Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())


def test_refuses_a_point_with_a_low_order_part() -> None:
    honest = curve._decode(Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw())
    x, y, z, _ = curve._add(honest, curve._decode(encode(P - 1, 0)))
    x, y = x * pow(z, -1, P) % P, y * pow(z, -1, P) % P
    with pytest.raises(ValueError, match="prime-order subgroup"):
        check_public_point(encode(y, x & 1))


@pytest.mark.parametrize("y", range(P + 2, P + 19))
def test_refuses_what_is_not_canonical(y: int) -> None:
    with pytest.raises(ValueError, match="canonical encoding"):
        check_public_point(encode(y, 0))


def test_refuses_what_is_no_point_and_other_lengths() -> None:
    with pytest.raises(ValueError, match="not a point of the curve"):
        check_public_point(encode(2, 0))
    with pytest.raises(ValueError, match="has 32 bytes; this one has 31"):
        check_public_point(bytes(31))
