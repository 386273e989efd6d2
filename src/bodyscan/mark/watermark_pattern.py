"""The watermark's tile: which waves carry the pilot and which the bits.

A square tile of 227 x 227 px is laid over the picture again and again. It is a sum of waves with whole
numbers of cycles a tile: periods of 8 to 25 px, which half size and JPEG 50 leave. Every fourth wave
belongs to the pilot, the same in all pictures, by which scale, turn and place are found; the others carry
the 240 signs of `watermark_code`. This is additive spread spectrum (I. J. Cox et al., 1997) with a pilot
for synchronisation (as in S. Pereira and T. Pun, 2000), each sign on waves of its own, so that signs do
not disturb each other.

The side is prime: tiles meet the 8 x 8 blocks of JPEG and the 16 x 16 of WebP in every phase, and what the
quantiser does to one tile it does not do to the next. Sides of 160 and 196 lost at JPEG 50 and WebP 50 what
227 kept. Sides of 131 carry too few waves; 259 is as good, but needs larger pictures.

There is no key: the phases follow from a public text, so that anybody can read a mark.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import shake_256

import numpy as np
from numpy.typing import NDArray

from bodyscan.mark.watermark_code import CODE_BITS
from bodyscan.types import F32, F64

TILE_PX = 227
LEAST_CYCLES = 9
MOST_CYCLES = 28
"""Cycles a tile. Slower waves show as blotches; faster ones die at half size with JPEG."""
PILOT_EVERY = 4
FALLOFF = -0.3
"""Power of the frequency that the waves' amplitudes follow."""
PILOT = -1
"""`Waves.sign_of` of a wave of the pilot."""
TURNS = tuple(
    np.array(matrix)
    for matrix in (
        ((1, 0), (0, 1)), ((1, 0), (0, -1)), ((0, 1), (-1, 0)), ((-1, 0), (0, -1)),
        ((0, -1), (1, 0)), ((-1, 0), (0, 1)), ((0, 1), (1, 0)), ((0, -1), (-1, 0)),
    )
)  # fmt: skip
"""Quarter turns and mirrorings, on (rows, columns): as it was, mirrored left to right, then the others."""


@dataclass(frozen=True, eq=False)
class Waves:
    """The N waves of the tile, of each pair of opposite frequencies one."""

    rows: NDArray[np.int64]
    """(N,) cycles a tile downwards, -28 to 28."""
    columns: NDArray[np.int64]
    """(N,) cycles a tile to the right, 0 to 28."""
    carrier: NDArray[np.complex128]
    """(N,) the wave's phase as a complex number of length 1."""
    sign_of: NDArray[np.int64]
    """(N,) number of the sign that the wave carries, 0 to 239, or `PILOT`."""

    @property
    def ring(self) -> NDArray[np.int64]:
        """(N,) cycles a tile in the wave's own direction, rounded."""
        return np.rint(np.hypot(self.rows, self.columns)).astype(np.int64)

    @property
    def is_pilot(self) -> NDArray[np.bool_]:
        """(N,) whether the wave belongs to the pilot."""
        return self.sign_of == PILOT


@cache
def waves() -> Waves:
    """Return the waves of the tile as it is laid down."""
    most = MOST_CYCLES
    rows, columns = (axis.ravel() for axis in np.mgrid[-most : most + 1, 0 : most + 1])
    radius = np.hypot(rows, columns)
    one_of_pair = (columns > 0) | (rows > 0)
    kept = one_of_pair & (radius >= LEAST_CYCLES) & (radius <= most)
    rows, columns, radius = rows[kept], columns[kept], radius[kept]
    phases = _random(b"phases", len(rows)) * (2 * np.pi)
    # Ring by ring, in random order within each: pilot and signs have their share of every frequency.
    order = np.lexsort((_random(b"order", len(rows)), np.rint(radius)))
    pilot = order[::PILOT_EVERY]
    rest = np.delete(order, np.s_[::PILOT_EVERY])
    sign_of = np.full(len(rows), PILOT)
    for start in range(0, len(rest), CODE_BITS):
        dealt = rest[start : start + CODE_BITS]
        sign_of[dealt] = np.argsort(_random(b"deal %d" % start, CODE_BITS))[: len(dealt)]
    assert len(pilot) + len(rest) == len(rows)
    return Waves(rows, columns, np.exp(1j * phases), sign_of)


@cache
def turned_waves(turn: int) -> Waves:
    """Return the waves as they stand in a picture that was turned or mirrored by `TURNS[turn]`."""
    plain, most = waves(), MOST_CYCLES
    carrier = np.zeros((2 * most + 1, 2 * most + 1), complex)
    sign_of = np.full(carrier.shape, PILOT)
    for direction in (1, -1):
        place = direction * plain.rows + most, direction * plain.columns + most
        carrier[place] = plain.carrier if direction == 1 else plain.carrier.conj()
        sign_of[place] = plain.sign_of
    rows, columns = TURNS[turn] @ np.stack([plain.rows, plain.columns])
    place = rows + most, columns + most
    return Waves(plain.rows, plain.columns, carrier[place], sign_of[place])


def tile(signs: F64) -> F32:
    """Return the tile (227, 227) that carries 240 signs: mean 0, standard deviation 1."""
    made = waves()
    amplitude = np.hypot(made.rows, made.columns) ** FALLOFF
    value = made.carrier * amplitude * np.where(made.is_pilot, 1.0, np.asarray(signs)[made.sign_of])
    spectrum = np.zeros((TILE_PX, TILE_PX), complex)
    spectrum[made.rows % TILE_PX, made.columns] = value
    spectrum[-made.rows % TILE_PX, -made.columns % TILE_PX] = value.conj()
    plain = np.fft.ifft2(spectrum).real
    return (plain / plain.std()).astype(np.float32)


def _random(purpose: bytes, count: int) -> F64:
    """(count,) numbers 0..1 that are the same on every machine and in every version of NumPy."""
    data = shake_256(b"bodyscan watermark 1: " + purpose).digest(8 * count)
    return np.frombuffer(data, "<u8") / 2.0**64
