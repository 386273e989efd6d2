"""How noisy a scan is, from the scan alone.

In small windows the skin is close to a quadric; what its vertices do beside it is noise. The median over
windows does not mind those with hair, hems or fingers in them. Errors that are smooth over a window (drift of
a scanner, the bumps of a fused depth camera) are not seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bodyscan.types import F64

if TYPE_CHECKING:
    from bodyscan.fit.scan_points import ScanPoints

WINDOWS = (40, 160)
COMPARISONS = 1e8
"""Distances that may be looked at: huge scans get fewer windows."""
NEIGHBOURS, LEAST_NEIGHBOURS = 28, 12
"""Vertices that a window aims at, and has at least; a quadric has 6 coefficients."""
WIDE = 4.0
"""A window reaches at least so many standard deviations of the noise: a smaller ball would cut it off."""
ROUNDS = 4
MIN_COSINE = 0.6


def estimate_noise_m(vertices: F64, points: ScanPoints, seed: int) -> float:
    """Standard deviation of the vertices (V, 3) along the normal, metres; 0 where windows are too empty.

    `points` of the same scan say where windows may stand.
    """
    rng = np.random.default_rng(seed)
    count = int(np.clip(COMPARISONS / max(len(vertices), 1), *WINDOWS))
    usable = np.flatnonzero((points.confidence > 0.5) & ~points.border)
    if not len(usable):
        return 0.0
    spacing = np.sqrt(points.areas.sum() / max(len(vertices), 1))
    reach = spacing * np.sqrt(NEIGHBOURS / np.pi)
    chosen = rng.choice(usable, min(count, len(usable)), replace=False)
    along = np.argsort(vertices[:, 0])
    sorted_x = vertices[along, 0]
    noise = 0.0
    for _ in range(ROUNDS):
        found = []
        for centre, normal in zip(points.points[chosen], points.normals[chosen], strict=True):
            low, high = np.searchsorted(sorted_x, [centre[0] - reach, centre[0] + reach])
            local = vertices[np.sort(along[low:high])] - centre
            local = local[np.linalg.norm(local, axis=1) < reach]
            if len(local) >= LEAST_NEIGHBOURS:
                found.append(_residual(local, normal, reach))
        noise = float(np.median(found)) if found else 0.0
        if WIDE * noise <= reach:
            break
        reach = WIDE * noise
    return noise


def _residual(local: F64, normal: F64, reach: float) -> float:
    """Root mean square of what a quadric over the tangent plane leaves of points (K, 3), unbiased."""
    helper = np.eye(3)[np.abs(normal).argmin()]
    first = np.cross(normal, helper)
    first /= np.linalg.norm(first)
    u, v = local @ first / reach, local @ np.cross(normal, first) / reach
    basis = np.stack([np.ones_like(u), u, v, u * u, u * v, v * v], axis=1)
    height = local @ normal
    coefficients = np.linalg.lstsq(basis, height, rcond=None)[0]
    left = height - basis @ coefficients
    return float(np.sqrt(left @ left / max(len(left) - 6, 1)))
