"""Eight bytes as 240 signs that survive noise, and back: CRC-16 and a tail-biting convolutional code.

The code: rate 1/3, constraint length 9, generators 557, 663, 711 (octal), free distance 18 (J. G. Proakis,
"Digital Communications", table of rate 1/3 codes; also in IS-95), tail-biting (H. H. Ma and J. K. Wolf,
1986), decoded with soft values by the Viterbi algorithm run round the circle. Packages on the registry
decode hard bits (`reedsolo`, `bchlib`), need a compiler at run time (`galois`) or are no longer kept
(`scikit-commpy`); hard bits cost 2 dB here, which is a quarter more of the picture's noise.

Two gates keep a wrong id from being told: the CRC, and the number of signs that the code had to turn over.
"""

from __future__ import annotations

from binascii import crc_hqx
from dataclasses import dataclass
from functools import cache
from math import comb

import numpy as np
from numpy.typing import NDArray

from bodyscan.errors import InputError
from bodyscan.types import F64

PAYLOAD_BYTES = 8
CHECK_BYTES = 2
INFO_BITS = 8 * (PAYLOAD_BYTES + CHECK_BYTES)
RATE = 3
CODE_BITS = INFO_BITS * RATE
MEMORY = 8
GENERATORS = (0o557, 0o663, 0o711)
CRC_START = 0xB0D5
"""Not zero, so that eight zero bytes do not check themselves."""
MAX_TURNED = 56
"""Most signs of 240 that may be turned over; see `false_alarm_bound`."""


@dataclass(frozen=True)
class Decoded:
    """A payload that passed both gates."""

    payload: bytes
    """8 bytes."""
    turned: int
    """Signs of 240 that stood the other way round."""


def encode(payload: bytes) -> F64:
    """Return the 240 signs (+1 or -1) of an 8-byte payload; `InputError` for another length."""
    if len(payload) != PAYLOAD_BYTES:
        raise InputError(f"a watermark holds {PAYLOAD_BYTES} bytes; got {len(payload)}.")
    data = payload + crc_hqx(payload, CRC_START).to_bytes(CHECK_BYTES, "big")
    return _signs(np.unpackbits(np.frombuffer(data, np.uint8)))


def decode(soft: F64) -> Decoded | None:
    """Return the payload that 240 soft values (positive: +1) speak for, or None where they speak for
    none."""
    bits = _viterbi(np.asarray(soft, np.float64).reshape(INFO_BITS, RATE))
    data = np.packbits(bits).tobytes()
    payload, check = data[:PAYLOAD_BYTES], data[PAYLOAD_BYTES:]
    turned = int(((np.asarray(soft).ravel() > 0) != (_signs(bits) > 0)).sum())
    if crc_hqx(payload, CRC_START).to_bytes(CHECK_BYTES, "big") != check or turned > MAX_TURNED:
        return None
    return Decoded(payload, turned)


def false_alarm_bound(turned: int, tries: int = 1) -> float:
    """Return an upper bound of the probability that fair coins pass as a mark with so few turned signs.

    The union bound over the 2^64 code words that pass the CRC: each is within `turned` signs of random ones
    with the probability of a binomial tail. `tries` multiplies it: how many alignments were decoded.
    """
    words = sum(comb(CODE_BITS, wrong) for wrong in range(turned + 1))
    return min(1.0, tries * words * 2.0 ** (8 * PAYLOAD_BYTES - CODE_BITS))


@cache
def _outputs() -> NDArray[np.int8]:
    """(256 states, 2 inputs, 3) signs; a state holds the last 8 bits, the newest highest."""
    register = (np.arange(2)[None, :] << MEMORY) | np.arange(1 << MEMORY)[:, None]
    parity = [[bin(r & g).count("1") & 1 for g in GENERATORS] for r in register.ravel()]
    return (1 - 2 * np.array(parity, np.int8)).reshape(1 << MEMORY, 2, RATE)


def _signs(bits: NDArray[np.uint8]) -> F64:
    """The code word of 80 bits: the register begins with the last 8, so that the word is a circle."""
    state = 0
    for bit in bits[-MEMORY:]:
        state = (state >> 1) | (int(bit) << (MEMORY - 1))
    signs = np.empty((len(bits), RATE))
    for number, bit in enumerate(bits):
        signs[number] = _outputs()[state, bit]
        state = (state >> 1) | (int(bit) << (MEMORY - 1))
    return signs.ravel()


def _viterbi(soft: F64) -> NDArray[np.uint8]:
    """The most likely 80 bits: twice round the circle to settle, and the round between is kept."""
    rounds, length = 3, len(soft)
    half = 1 << (MEMORY - 1)
    # Into state `bit << 7 | low` lead the states `low << 1` and `low << 1 | 1`, with the input `bit`.
    outputs = _outputs().astype(np.float64).reshape(half, 2, 2, RATE).transpose(2, 0, 1, 3)
    gains = outputs @ soft.T  # (bit, low, which, step)
    metric = np.zeros(1 << MEMORY)
    choices = np.empty((rounds * length, 1 << MEMORY), np.uint8)
    for step in range(rounds * length):
        options = metric.reshape(1, half, 2) + gains[..., step % length]
        choices[step] = options.argmax(axis=2).ravel()
        metric = options.max(axis=2).ravel()
    state = int(metric.argmax())
    bits = np.empty(rounds * length, np.uint8)
    for step in range(rounds * length - 1, -1, -1):
        bits[step] = state >> (MEMORY - 1)
        state = ((state & (half - 1)) << 1) | int(choices[step, state])
    return bits[length : 2 * length]
