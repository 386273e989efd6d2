from __future__ import annotations

from hashlib import sha256

import numpy as np
import pytest

from bodyscan.mark.watermark_code import CODE_BITS
from bodyscan.mark.watermark_pattern import (
    LEAST_CYCLES,
    MOST_CYCLES,
    PILOT,
    TILE_PX,
    TURNS,
    tile,
    turned_waves,
    waves,
)

SIGNS = np.sign(np.random.default_rng(2).standard_normal(CODE_BITS))
MOVES = (
    lambda t: t,
    lambda t: t[:, ::-1],
    np.rot90,
    lambda t: np.rot90(t, 2),
    lambda t: np.rot90(t, 3),
    lambda t: t[::-1],
    lambda t: t.T,
    lambda t: np.rot90(t, 2).T,
)


def test_the_waves_are_those_of_format_1() -> None:
    # A change here makes every picture unreadable that was marked before: it needs a new format.
    made = waves()
    table = np.stack([made.rows, made.columns, made.sign_of, np.rint(np.angle(made.carrier) * 1e6)])
    digest = sha256(np.ascontiguousarray(table.astype("<i8")).tobytes()).hexdigest()
    assert digest == "fc54d6518f7508b550ed3efa831e15706bbbcc40c96953a2a0957ae45dbaaa93"


def test_every_sign_has_several_waves_and_the_pilot_a_quarter() -> None:
    made = waves()
    counts = np.bincount(made.sign_of[~made.is_pilot], minlength=CODE_BITS)
    assert counts.min() >= 3
    assert counts.max() - counts.min() <= 1
    assert made.is_pilot.mean() == pytest.approx(0.25, abs=0.01)


def test_pilot_and_signs_have_waves_of_every_frequency() -> None:
    made = waves()
    assert set(made.ring[made.is_pilot]) == set(made.ring) == set(range(LEAST_CYCLES, MOST_CYCLES + 1))


def test_the_tile_is_even_and_without_edges() -> None:
    plain = tile(SIGNS)
    assert plain.shape == (TILE_PX, TILE_PX)
    assert plain.mean() == pytest.approx(0, abs=1e-5)
    assert plain.std() == pytest.approx(1, abs=1e-5)
    step = np.abs(np.diff(plain, axis=0)).max()
    assert np.abs(plain[0] - plain[-1]).max() <= step


def test_the_sides_meet_the_blocks_of_jpeg_and_webp_in_every_phase() -> None:
    assert {i * TILE_PX % 16 for i in range(16)} == set(range(16))


def test_turned_signs_turn_their_waves_alone() -> None:
    made, other = waves(), SIGNS.copy()
    other[7] *= -1
    change = np.fft.fft2(tile(SIGNS) - tile(other))[made.rows, made.columns]
    touched = np.abs(change) > 1
    assert set(made.sign_of[touched]) == {7}
    assert touched.sum() == (made.sign_of == 7).sum()


@pytest.mark.parametrize("turn", range(len(TURNS)))
def test_turned_waves_are_those_of_the_turned_tile(turn: int) -> None:
    made = turned_waves(turn)
    spectrum = np.fft.fft2(MOVES[turn](tile(SIGNS)))[made.rows, made.columns]
    signs = np.where(made.sign_of == PILOT, 1, SIGNS[made.sign_of])
    left = spectrum * signs * made.carrier.conj()
    # What is left is the phase of a shift by one pixel at most.
    left /= np.abs(left)
    shifts = [
        np.exp(2j * np.pi * (made.rows * dy + made.columns * dx) / TILE_PX) for dy in (0, 1) for dx in (0, 1)
    ]
    assert max(float((left * shift.conj()).mean().real) for shift in shifts) == pytest.approx(1, abs=1e-3)
