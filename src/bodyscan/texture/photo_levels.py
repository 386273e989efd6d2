"""Exposure and white balance of photos, levelled against each other.

A point of the surface has one colour a; photo c shows it as e_c a, in linear light. So in logarithms each
pair of photos that see a point gives one equation in their exposures alone, and all of them one small linear
system (the method of panorama stitching: Brown and Lowe 2007, section 6, with logarithms in place of
gains). Robust weights (Geman and McClure 1987) take out gloss, shadows that move, and what is hidden. The
mean of the logarithms is 0: the whole keeps its tone. A weak prior holds photos that share too little.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from bodyscan.types import F64

ROUNDS = 12
LEAST_SCALE = 0.02
"""Logarithm of light: what two photos of one point may differ by without losing weight."""
PRIOR = 3.0
"""Observations' worth of belief that a photo is exposed like the others."""


def camera_gains(photo: np.ndarray, point: np.ndarray, linear: F64, weight: F64, num_photos: int) -> F64:
    """Exposures e (P, 3) of `num_photos` photos, red, green and blue; their geometric mean is 1 a channel.

    Observation n: photo `photo[n]` shows point `point[n]` (numbered from 0) in `linear[n]` (N, 3), linear
    light above 0, with `weight` (N,). Divide a photo's linear light by its row to level it.
    """
    logs = np.log(np.maximum(linear, 1e-6))
    points = int(point.max()) + 1 if len(point) else 0
    result = np.zeros((num_photos, 3))
    if points:
        for channel in range(3):
            result[:, channel] = _log_exposure(photo, point, logs[:, channel], weight, num_photos, points)
    return np.exp(result)


def _log_exposure(
    photo: np.ndarray, point: np.ndarray, logs: F64, weight: F64, num_photos: int, num_points: int
) -> F64:
    """(P,) by iteratively reweighted least squares, the points' own colours eliminated.

    Least squares first, then least absolute values, which have one minimum only, then the robust weights:
    from a start at equal exposures these would take true differences for gloss.
    """
    robust = weight
    exposure, color = _solved(photo, point, logs, robust, num_photos, num_points)
    for turn in range(ROUNDS):
        rest = np.abs(logs - exposure[photo] - color[point])
        scale = max(1.5 * float(np.median(rest)), LEAST_SCALE)
        if turn < ROUNDS // 2:
            robust = weight / np.maximum(rest / LEAST_SCALE, 1)
        else:
            robust = weight / (1 + (rest / scale) ** 2) ** 2
        exposure, color = _solved(photo, point, logs, robust, num_photos, num_points)
    return exposure


def _solved(
    photo: np.ndarray, point: np.ndarray, logs: F64, weight: F64, num_photos: int, num_points: int
) -> tuple[F64, F64]:
    """Exposures (P,) and colours (Q,), logarithms, that fit best under these weights."""
    shape = (num_points, num_photos)
    seen = sparse.csr_matrix((weight, (point, photo)), shape)
    total = np.maximum(np.bincount(point, weight, num_points), 1e-12)
    mean = np.bincount(point, weight * logs, num_points) / total
    shares = sparse.diags(1 / total) @ seen
    system = np.diag(np.bincount(photo, weight, num_photos)) - (seen.T @ shares).toarray()
    right = np.bincount(photo, weight * (logs - mean[point]), num_photos)
    system += PRIOR * np.eye(num_photos)
    exposure = np.linalg.solve(system, right)
    shown = np.bincount(photo, minlength=num_photos) > 0
    exposure -= exposure[shown].mean()
    return exposure, np.bincount(point, weight * (logs - exposure[photo]), num_points) / total


def level_notes(gains: F64, names: tuple[str, ...], least: float = 0.1) -> tuple[str, ...]:
    """A sentence for each photo that is brighter or darker than the others by `least` (0.1: 10 %) or more."""
    brightness = np.exp(np.log(gains).mean(axis=1)) - 1
    words = {True: "brighter", False: "darker"}
    return tuple(
        f"Photo {name}: {abs(each) * 100:.0f} % {words[bool(each > 0)]} than the others: levelled."
        for name, each in zip(names, brightness, strict=True)
        if abs(each) >= least
    )
