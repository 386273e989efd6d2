from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodyscan.errors import InputError
from bodyscan.mark.watermark_code import CODE_BITS, MAX_TURNED, decode, encode, false_alarm_bound

PAYLOAD = bytes.fromhex("00ff102030405060")


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=8, max_size=8))
def test_what_is_encoded_is_decoded(payload: bytes) -> None:
    decoded = decode(encode(payload))
    assert decoded is not None
    assert (decoded.payload, decoded.turned) == (payload, 0)


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=8, max_size=8), st.floats(0.01, 100))
def test_loudness_does_not_matter(payload: bytes, loud: float) -> None:
    decoded = decode(encode(payload) * loud)
    assert decoded is not None
    assert decoded.payload == payload


@settings(max_examples=60, deadline=None)
@given(st.binary(min_size=8, max_size=8), st.binary(min_size=8, max_size=8))
def test_two_payloads_differ_in_at_least_the_free_distance(one: bytes, two: bytes) -> None:
    assert one == two or int((encode(one) != encode(two)).sum()) >= 18


@pytest.mark.parametrize("turned", [1, 8, 24])
def test_turned_signs_are_corrected_and_counted(turned: int) -> None:
    signs = encode(PAYLOAD)
    places = np.random.default_rng(turned).choice(CODE_BITS, turned, replace=False)
    signs[places] *= -1
    decoded = decode(signs)
    assert decoded is not None
    assert (decoded.payload, decoded.turned) == (PAYLOAD, turned)


def test_soft_values_correct_more_than_their_signs_alone() -> None:
    random = np.random.default_rng(4)
    soft = hard = 0
    for _ in range(40):
        heard = encode(PAYLOAD) + random.standard_normal(CODE_BITS) * 1.12
        soft += decode(heard) is not None
        hard += decode(np.sign(heard)) is not None
    assert soft > hard + 6


def test_noise_alone_is_nothing() -> None:
    random = np.random.default_rng(5)
    assert all(decode(random.standard_normal(CODE_BITS)) is None for _ in range(60))


def test_silence_is_nothing() -> None:
    assert decode(np.zeros(CODE_BITS)) is None


def test_a_mark_that_is_too_damaged_is_nothing_and_no_other_id() -> None:
    random = np.random.default_rng(6)
    decoded = [decode(encode(PAYLOAD) + 1.6 * random.standard_normal(CODE_BITS)) for _ in range(100)]
    read = [one.payload for one in decoded if one is not None]
    assert len(read) < 50
    assert set(read) <= {PAYLOAD}


def test_another_word_that_fits_too_badly_is_refused() -> None:
    signs = encode(PAYLOAD)
    # Loud and right in most places, quiet and wrong in the others: decoded, but too many signs were turned.
    wrong = np.random.default_rng(7).permutation(CODE_BITS)[: MAX_TURNED + 1]
    quiet = signs * 1.0
    quiet[wrong] *= -0.01
    assert decode(quiet) is None
    quiet[wrong[0]] *= -1
    decoded = decode(quiet)
    assert decoded is not None
    assert decoded.turned == MAX_TURNED


def test_the_bound_grows_with_turned_signs_and_tries() -> None:
    bounds = [false_alarm_bound(turned) for turned in (0, 10, 20, 30, 40)]
    assert bounds == sorted(bounds)
    assert bounds[0] == 2.0 ** (64 - 240)
    assert bounds[3] < 1e-14
    assert false_alarm_bound(20, tries=3) == pytest.approx(3 * bounds[2])
    assert false_alarm_bound(120) == 1


@pytest.mark.parametrize("length", [0, 7, 9])
def test_another_number_of_bytes_is_refused(length: int) -> None:
    with pytest.raises(InputError, match=f"holds 8 bytes; got {length}"):
        encode(bytes(length))
