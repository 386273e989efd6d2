"""Smooth random fields in space, from a seed: sums of plane waves."""

from __future__ import annotations

import numpy as np

from bodyscan.types import F64


def smooth_noise(
    rng: np.random.Generator,
    points: F64,
    wavelengths_m: tuple[float, float],
    *,
    waves: int = 24,
    stretch: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> F64:
    """(N, 3) metres -> (N,) float64 of mean 0 and root mean square 1 over all space.

    `wavelengths_m` is the shortest and longest wavelength; `stretch` lengthens the waves along an axis.
    """
    directions = rng.normal(size=(waves, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    low, high = wavelengths_m
    lengths = np.exp(rng.uniform(np.log(low), np.log(high), waves))
    vectors = 2 * np.pi * directions / lengths[:, None] / np.asarray(stretch)
    phases = rng.uniform(0, 2 * np.pi, waves)
    total = np.zeros(len(points))
    for vector, phase in zip(vectors, phases, strict=True):
        total += np.cos(points @ vector + phase)
    return total * np.sqrt(2 / waves)


def smooth_noise_vectors(
    rng: np.random.Generator, points: F64, wavelengths_m: tuple[float, float], *, waves: int = 24
) -> F64:
    """(N, 3) -> (N, 3): three independent fields, root mean square length 1."""
    fields = [smooth_noise(rng, points, wavelengths_m, waves=waves) for _ in range(3)]
    return np.stack(fields, axis=1) / np.sqrt(3)


def smoothstep(low: float, high: float, values: F64) -> F64:
    """0 below `low`, 1 above `high`, smooth between."""
    share = np.clip((np.asarray(values, np.float64) - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)
