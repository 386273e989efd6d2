"""A frame's points made ready for alignment: which are moved, and how their colour changes along the skin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter

from bodyscan.types import F32, I32, FramePoints

LEAST_TRUST = 0.25
"""Points below it (edges, grazing incidence) neither move nor pull."""
LUMA = np.array([0.299, 0.587, 0.114], np.float32) / 255
LONGEST_GRADIENT = 60.0
"""1/m; steeper is a seam or a shadow, whose place is no better known than a pixel."""


@dataclass(frozen=True, eq=False)
class Surfels:
    """One frame, ready for alignment."""

    frame: FramePoints
    sample: I32
    """(M,) rows of the frame's points that are moved onto other frames."""
    usable: np.ndarray
    """(N,) bool, points that others may be matched with."""
    intensity: F32 | None = None
    """(N,) 0..1, smoothed over three pixels; None without colour."""
    gradient: F32 | None = None
    """(N, 3) 1/m, camera axes, along the surface; 0 where it is not known."""

    @property
    def count(self) -> int:
        return len(self.sample)


def make_surfels(frame: FramePoints, count: int, seed: int = 0) -> Surfels:
    """Draw `count` points of `frame`, evenly over what the camera sees, and prepare its colour."""
    usable = np.asarray(frame.trust >= LEAST_TRUST)
    rows = frame.spread_rows(count, LEAST_TRUST, seed)
    if frame.colors is None:
        return Surfels(frame, rows, usable)
    intensity = _smoothed(frame, frame.colors.astype(np.float32) @ LUMA)
    return Surfels(frame, rows, usable, intensity, _gradient(frame, intensity))


def _smoothed(frame: FramePoints, intensity: F32) -> F32:
    """(N,) the mean over the three by three pixels that show the person."""
    there = frame.index >= 0
    picture = np.where(there, intensity[np.maximum(frame.index, 0)], 0.0)
    share = uniform_filter(there.astype(np.float32), 3, mode="constant")
    mean = uniform_filter(picture, 3, mode="constant") / np.maximum(share, 1e-6)
    out = np.empty_like(intensity)
    out[frame.index[there]] = mean[there]
    return out


def _gradient(frame: FramePoints, intensity: F32) -> F32:
    """(N, 3) the vector along the surface whose product with a step gives the change of intensity."""
    index = frame.index
    middle = index[1:-1, 1:-1]
    left, right, above, below = index[1:-1, :-2], index[1:-1, 2:], index[:-2, 1:-1], index[2:, 1:-1]
    known = (middle >= 0) & (left >= 0) & (right >= 0) & (above >= 0) & (below >= 0)
    across = frame.points[right[known]] - frame.points[left[known]]
    down = frame.points[below[known]] - frame.points[above[known]]
    change_across = intensity[right[known]] - intensity[left[known]]
    change_down = intensity[below[known]] - intensity[above[known]]
    aa, ad, dd = (np.einsum("nk,nk->n", x, y) for x, y in ((across, across), (across, down), (down, down)))
    # The vector lies in the plane of both steps: a two by two system a pixel.
    determinant = np.maximum(aa * dd - ad * ad, 1e-12)
    first = (dd * change_across - ad * change_down) / determinant
    second = (aa * change_down - ad * change_across) / determinant
    found = first[:, None] * across + second[:, None] * down
    length = np.linalg.norm(found, axis=1, keepdims=True)
    found *= np.minimum(1.0, LONGEST_GRADIENT / np.maximum(length, 1e-9))
    gradient = np.zeros((len(intensity), 3), np.float32)
    gradient[middle[known]] = found
    return gradient
