"""Finding and reading the watermark in a picture that may have been cut, scaled, mirrored or turned by 90
degrees.

1. The picture is made even: fine detail by its local strength, so that no outline outweighs a flat surface.
2. For a scale, the discrete Fourier transform at the tile's frequencies alone: two matrix products.
   Nothing is resampled. The pilot's correlation over all places of the tile is one small inverse transform.
3. The scales 1 and 1/2 are tried first, then a ladder from 0.3 to 2 on the middle of the picture, in all
   eight turns and mirrorings; the best are made sharper on the whole picture.
4. At the place found, each sign is the sum of its waves, and the code decides.

Magnitudes are limited against the median of their ring, so that stripes, text and block edges, which are
strong in a few frequencies, count as much as any other wave and no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import gaussian_filter

from bodyscan.mark.watermark_code import CHECK_BYTES, CODE_BITS, decode, false_alarm_bound
from bodyscan.mark.watermark_embed import FLAT_LEVELS, MOST_LEVELS, TEXTURE_SHARE, luma
from bodyscan.mark.watermark_pattern import MOST_CYCLES, TILE_PX, TURNS, Waves, turned_waves
from bodyscan.types import F32, F64, U8, frozen_array

FIRST_SCALES = (1.0, 0.5)
LEAST_SCALE, MOST_SCALE = 0.3, 2.0
LADDER_WINDOW_PX = 512
LADDER_STEP = 0.015
"""Step of the ladder at scale 1 for a window of 512 px; it falls with the scale and grows with the window's
inverse, so that waves at the rim are never more than a quarter of a cycle off."""
WINDOW_PX = 2048
"""The most of a picture that is looked at, about its centre."""
COARSE_GRID, SHARP_GRID, FINE_GRID = 160, 256, 2 * TILE_PX
"""Places a tile's side that are tried: in the ladder, around its best scales, and where signs are read."""
CANDIDATES = 3
LEAST_PILOT = 6.0
"""Standard deviations of the pilot's correlation below which nothing is decoded."""
SEEN_PILOT = 8.0
"""From here on a mark is there, be it readable or not."""
MAX_FALSE_ALARM = 1e-7
LEAST_FALSE_ALARM = 1e-12
"""No smaller probability is told: the model behind it, fair coins and Gaussian noise, is not that exact."""
_DETAIL_PX, _LOCAL_PX, _QUIET_LEVELS, _CLIP, _LIMIT = 4.0, 3.0, 1.0, 2.0, 1.2


@dataclass(frozen=True)
class Watermark:
    """A watermark that was read."""

    payload: bytes
    """8 bytes."""
    turned: int
    """Signs of the 240 that the code corrected."""
    pilot: float
    """Correlation with the pilot, in standard deviations of what chance gives."""
    scale: float
    """Size of the picture against the one that was marked, 0.3 to 2."""
    turn: int
    """Index of `watermark_pattern.TURNS`; 0: as it was."""
    false_alarm: float
    """Upper bound of the probability that a picture without a mark shows this."""


@dataclass(frozen=True)
class Search:
    """What the search came to."""

    watermark: Watermark | None
    pilot: float
    """The best correlation with the pilot that was met, in standard deviations."""

    @property
    def is_damaged(self) -> bool:
        """Whether there is a mark whose bytes cannot be read."""
        return self.watermark is None and self.pilot >= SEEN_PILOT


@dataclass(frozen=True)
class _Fit:
    """One alignment and how well the pilot fits there."""

    pilot: float
    scale: float
    turn: int


def find_watermark(image: U8) -> Search:
    """Search `image` (H, W, 3) uint8 sRGB for the watermark; `InputError` for another shape."""
    pixels = frozen_array("image", image, np.uint8, (None, None, 3))
    even = _evened(luma(_middle(pixels, WINDOW_PX)))
    best, tries = 0.0, 0
    fits = [_best_turn(even, scale, (0, 1)) for scale in FIRST_SCALES]
    for stage in (lambda: fits, lambda: _ladder(even)):
        for fit in sorted(stage(), key=lambda fit: -fit.pilot)[:CANDIDATES]:
            sharp = _sharpened(even, fit)
            best = max(best, sharp.pilot)
            if sharp.pilot < LEAST_PILOT:
                continue
            tries += 1
            if found := _read(even, sharp, tries):
                return Search(found, sharp.pilot)
    return Search(None, best)


def reads_back(image: U8, payload: bytes) -> bool:
    """Whether 8 bytes can be read in a picture (H, W, 3) uint8 sRGB that they were just laid over."""
    pixels = frozen_array("image", image, np.uint8, (None, None, 3))
    found = _read(_evened(luma(_middle(pixels, WINDOW_PX))), _Fit(0.0, 1.0, 0), 1)
    return found is not None and found.payload == payload


def pilot_chance(pilot: float) -> float:
    """Return the probability, at most, that noise reaches this correlation anywhere in the search."""
    ladder = (1 / LEAST_SCALE - 1 / MOST_SCALE) / LADDER_STEP + len(FIRST_SCALES)
    places = ladder * len(TURNS) * FINE_GRID**2
    return min(1.0, places * erfc(pilot / sqrt(2)) / 2)


def _middle(pixels: NDArray, side: int) -> NDArray:
    height, width = pixels.shape[:2]
    top, left = max(0, (height - side) // 2), max(0, (width - side) // 2)
    return pixels[top : top + side, left : left + side]


def _evened(lightness: F32) -> F32:
    """Detail over its local strength, weighed by how strong the mark is against it (a matched filter)."""
    detail = lightness - gaussian_filter(lightness, _DETAIL_PX)
    local = np.sqrt(np.maximum(gaussian_filter(detail * detail, _LOCAL_PX), 0)) + _QUIET_LEVELS
    mark = np.minimum(FLAT_LEVELS + TEXTURE_SHARE * local, MOST_LEVELS)
    return (np.clip(detail / local, -_CLIP, _CLIP) * mark / local).astype(np.float32)


def _spectrum(even: F32, scale: float) -> NDArray[np.complex64]:
    """(N,) the transform of the picture at the waves, magnitudes limited by ring."""
    made = turned_waves(0)
    height, width = even.shape
    cycles = np.arange(MOST_CYCLES + 1)
    turn = -2 * np.pi / (TILE_PX * scale)
    down = np.outer(cycles, np.arange(height) + 0.5) * turn
    across = np.exp(1j * np.outer(np.arange(width) + 0.5, cycles) * turn).astype(np.complex64)
    real = np.concatenate([np.cos(down), np.sin(down)]).astype(np.float32) @ even
    half = real[: MOST_CYCLES + 1] + 1j * real[MOST_CYCLES + 1 :]
    # The picture is real: what the negative frequencies hold down the columns follows.
    whole = np.concatenate([half[:0:-1].conj(), half]) @ across
    values = whole[made.rows + MOST_CYCLES, made.columns]
    size = np.abs(values)
    ring = made.ring
    usual = np.ones(ring.max() + 1)
    for number in np.unique(ring):
        usual[number] = max(float(np.median(size[ring == number])), 1e-9)
    return values / np.maximum(size, 1e-12) * np.minimum(size / usual[ring], _LIMIT)


def _correlate(values: NDArray, made: Waves, grid: int) -> tuple[float, tuple[int, int]]:
    """The pilot's best correlation in standard deviations, and the tile's place on a grid of this side."""
    pilot = made.is_pilot
    product = values[pilot] * made.carrier[pilot].conj()
    rows, columns = made.rows[pilot], made.columns[pilot]
    plane = np.zeros((grid, grid // 2 + 1), np.complex64)
    plane[rows % grid, columns] = product
    straight = columns == 0  # the half plane holds both waves of a pair there
    plane[-rows[straight] % grid, 0] = product[straight].conj()
    places = np.asarray(fft.irfft2(plane, (grid, grid)))
    best = int(places.argmax())
    deviation = sqrt(2 * float((np.abs(values[pilot]) ** 2).sum())) + 1e-9
    return float(places.flat[best]) * grid * grid / deviation, divmod(best, grid)


def _best_turn(even: F32, scale: float, turns: tuple[int, ...], grid: int = COARSE_GRID) -> _Fit:
    values = _spectrum(even, scale)
    pilots = {turn: _correlate(values, turned_waves(turn), grid)[0] for turn in turns}
    turn = max(pilots, key=lambda turn: pilots[turn])
    return _Fit(pilots[turn], scale, turn)


def _step(scale: float, side: int) -> float:
    return LADDER_STEP * scale * scale * LADDER_WINDOW_PX / side


def _ladder(even: F32) -> list[_Fit]:
    """The best turn for every scale, on the middle of the picture."""
    middle = _middle(even, LADDER_WINDOW_PX)
    fits, scale = [], LEAST_SCALE
    while scale <= MOST_SCALE:
        fits.append(_best_turn(middle, scale, tuple(range(len(TURNS)))))
        scale += _step(scale, max(middle.shape))
    return fits


def _sharpened(even: F32, fit: _Fit) -> _Fit:
    """The scale around `fit` where the whole picture fits best: a ladder in small steps, then halvings."""
    reach = _step(fit.scale, LADDER_WINDOW_PX)
    step = _step(fit.scale, max(even.shape))
    count = max(1, int(np.ceil(reach / step)))
    scales = [fit.scale + i * reach / count for i in range(-count, count + 1)]
    best = max((_best_turn(even, s, (fit.turn,), SHARP_GRID) for s in scales), key=lambda one: one.pilot)
    step = reach / count
    for _ in range(3):
        step /= 2
        tried = [_best_turn(even, best.scale + sign * step, (fit.turn,), SHARP_GRID) for sign in (-1, 1)]
        best = max([best, *tried], key=lambda one: one.pilot)
    return best


def _read(even: F32, fit: _Fit, tries: int) -> Watermark | None:
    values, made = _spectrum(even, fit.scale), turned_waves(fit.turn)
    pilot, place = _correlate(values, made, FINE_GRID)
    soft = _signs(values, made, place)
    decoded = decode(soft)
    if decoded is None:
        return None
    by_code = min(2.0 ** (-8 * CHECK_BYTES), false_alarm_bound(decoded.turned))
    chance = min(1.0, tries * pilot_chance(pilot) * by_code)
    if chance > MAX_FALSE_ALARM:
        return None
    chance = max(chance, LEAST_FALSE_ALARM)
    return Watermark(decoded.payload, decoded.turned, pilot, fit.scale, fit.turn, chance)


def _signs(values: NDArray, made: Waves, place: tuple[int, int]) -> F64:
    """(240,) soft values: what each sign's waves say together."""
    back = np.exp(2j * np.pi * (made.rows * place[0] + made.columns * place[1]) / FINE_GRID)
    said = (values * back * made.carrier.conj()).real
    bits = ~made.is_pilot
    return np.bincount(made.sign_of[bits], said[bits], minlength=CODE_BITS).astype(np.float64)
