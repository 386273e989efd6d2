"""Colour at the pixels of a depth picture, and depth pictures without lens distortion."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt, minimum_filter

from bodyscan.capture.undistort import Distortion, distorted_points
from bodyscan.types import F32, F64, U8, Bool

HIDDEN_M, HIDDEN_SHARE = 0.03, 0.02
"""Metres, and share of the depth, by which a point may lie behind another and still be seen beside it."""
PINHOLE = Distortion()
RADII = 400
"""Radii at which the lens's map is asked whether it still grows."""


def color_on_depth(
    depth_m: F32,
    depth_K: F64,
    color: U8,
    color_K: F64,
    color_from_depth: F64 | None = None,
    lens: Distortion = PINHOLE,
) -> tuple[U8, Bool]:
    """Colour (H, W, 3) uint8 at every pixel of a depth picture, and where (H, W) it is the point's own.

    `depth_m` (H, W); `color` (h, w, 3); both K (3, 3) with pixel centres at halves; `color_from_depth`
    (4, 4) takes points from the depth camera's axes to the colour camera's, None where the two are one;
    `lens` is the colour camera's, whose picture is still bent. `depth_m` has no distortion left.

    Where the cameras are one, no depth is needed: the colour is looked up at the same direction. Otherwise
    each pixel goes through its point. A point that falls out of the colour picture, or lies in it behind
    another by more than 3 cm and 2 % (a z-buffer of the depth picture's own points), is black and not its
    own. A pixel without depth takes the colour of its nearest neighbour's depth, for the eye and for
    detectors, and is not its own either.
    """
    height, width = depth_m.shape
    x = ((np.arange(width) + 0.5 - depth_K[0, 2]) / depth_K[0, 0])[None, :]
    y = ((np.arange(height) + 0.5 - depth_K[1, 2]) / depth_K[1, 1])[:, None]
    if color_from_depth is None or np.allclose(color_from_depth, np.eye(4), atol=1e-9):
        same = color.shape[:2] == depth_m.shape and np.allclose(depth_K, color_K, rtol=0, atol=1e-6)
        if same and lens.is_pinhole:
            return color, np.ones(depth_m.shape, bool)
        ahead = np.ones(depth_m.shape)
        return _sampled(color, color_K, lens, x * ahead, y * ahead, ahead)
    known = depth_m > 0
    if not known.any():
        return np.zeros((height, width, 3), np.uint8), known
    depth = np.asarray(depth_m, np.float64)
    if not known.all():
        nearest = distance_transform_edt(~known, return_distances=False, return_indices=True)
        depth = depth[tuple(np.asarray(nearest))]
    R, t = color_from_depth[:3, :3], color_from_depth[:3, 3]
    X, Y, Z = (depth * (R[k, 0] * x + R[k, 1] * y + R[k, 2]) + t[k] for k in range(3))
    ahead = np.where(Z > 1e-3, Z, np.inf)
    found, seen = _sampled(color, color_K, lens, X / ahead, Y / ahead, Z)
    seen &= ~_hidden(X / ahead, Y / ahead, np.where(seen & known, Z, np.inf), color_K, depth_K)
    found[~seen] = 0
    return found, seen & known


def _sampled(color: U8, K: F64, lens: Distortion, x: F64, y: F64, Z: F64) -> tuple[U8, Bool]:
    """Colours at directions (x, y, 1) (H, W), black where they leave the picture, and where they do not."""
    height, width = color.shape[:2]
    seen = Z > 1e-3
    if not lens.is_pinhole:
        seen &= np.hypot(x, y) < _reach(lens, float(np.hypot(x, y)[seen].max(initial=0)))
        bent = distorted_points(np.stack([x, y], axis=-1), lens)
        x, y = bent[..., 0], bent[..., 1]
    u, v = K[0, 0] * x + K[0, 2], K[1, 1] * y + K[1, 2]
    seen &= (u >= 0) & (u <= width) & (v >= 0) & (v <= height)
    found = np.zeros((*x.shape, 3), np.uint8)
    found[seen] = bilinear(color, u[seen].astype(np.float32), v[seen].astype(np.float32))
    return found, seen


def bilinear(color: U8, x: F32, y: F32) -> U8:
    """Colours (N, 3) of `color` (H, W, 3) at pixels x, y (N,), centres at halves; the border goes on outside.

    What `sample_image` does, in half its time: single precision, a channel at a time.
    """
    height, width = color.shape[:2]
    x, y = np.clip(x - np.float32(0.5), 0, width - 1), np.clip(y - np.float32(0.5), 0, height - 1)
    left, top = x.astype(np.int32), y.astype(np.int32)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1) * width
    x, y, top = x - left, y - top, top * width
    corners = (
        (top + left, (1 - x) * (1 - y)),
        (top + right, x * (1 - y)),
        (bottom + left, (1 - x) * y),
        (bottom + right, x * y),
    )
    found = np.empty((len(x), 3), np.uint8)
    for channel in range(3):
        plane = np.ascontiguousarray(color[..., channel]).reshape(-1)
        found[:, channel] = np.rint(sum(plane[place] * weight for place, weight in corners))
    return found


def _reach(lens: Distortion, most: float) -> float:
    """The radius from which the lens's polynomial folds back: what lies beyond would be shown again."""
    radius = np.linspace(0, 1.01 * most, RADII)
    bent = distorted_points(np.stack([radius, 0 * radius], axis=-1), lens)
    falls = np.flatnonzero(np.diff(np.hypot(bent[:, 0], bent[:, 1])) <= 0)
    return float(radius[falls[0]]) if len(falls) else np.inf


def _hidden(x: F64, y: F64, Z: F64, color_K: F64, depth_K: F64) -> Bool:
    """(H, W) whether another point lies clearly before that of the pixel, on its way to the colour camera."""
    # Cells of the depth camera's own pixels; one more to each side closes the gaps between slanted rows.
    focal = np.minimum(np.diag(depth_K), np.diag(color_K))
    finite = np.isfinite(Z)
    column, row = np.floor(x * focal[0]).astype(np.int64), np.floor(y * focal[1]).astype(np.int64)
    if not finite.any():
        return np.zeros(Z.shape, bool)
    column, row = column - column[finite].min(), row - row[finite].min()
    buffer = np.full((int(row[finite].max()) + 1, int(column[finite].max()) + 1), np.inf)
    np.minimum.at(buffer, (row[finite], column[finite]), Z[finite])
    first = np.full(Z.shape, np.inf)
    first[finite] = minimum_filter(buffer, 3, mode="nearest")[row[finite], column[finite]]
    hidden = np.zeros(Z.shape, bool)
    hidden[finite] = Z[finite] > first[finite] + HIDDEN_M + HIDDEN_SHARE * first[finite]
    return hidden


def undistorted_depth(depth_m: F32, K: F64, lens: Distortion) -> F32:
    """A depth picture (H, W) without its lens's distortion, K unchanged: the nearest pixel, never a mean.

    Depth is along +Z and so keeps its value when its pixel moves. `capture.undistort.undistorted` does the
    same for colour.
    """
    if lens.is_pinhole:
        return depth_m
    height, width = depth_m.shape
    columns, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    plane = np.stack([(columns - K[0, 2]) / K[0, 0], (rows - K[1, 2]) / K[1, 1]], axis=-1)
    bent = distorted_points(plane, lens) * [K[0, 0], K[1, 1]] + [K[0, 2], K[1, 2]]
    at = np.floor(bent).astype(np.int64)
    inside = ((at >= 0) & (at < [width, height])).all(axis=-1)
    straight = np.zeros_like(depth_m)
    straight[inside] = depth_m[at[inside][:, 1], at[inside][:, 0]]
    return straight
