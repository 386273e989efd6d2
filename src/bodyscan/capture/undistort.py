"""Taking a lens's distortion out of a photo.

The model is that of Brown (1971) and Conrady (1919) as OpenCV writes it: with x = X / Z, y = Y / Z and
r2 = x x + y y, a point lands at

    x' = x (1 + k1 r2 + k2 r2^2 + k3 r2^3) / (1 + k4 r2 + k5 r2^2 + k6 r2^3) + 2 p1 x y + p2 (r2 + 2 x x)
    y' = y (the same)                                                       + p1 (r2 + 2 y y) + 2 p2 x y

and then at (fx x' + cx, fy y' + cy). The straightened photo has the same size and the same fx, fy, cx, cy.

Pillow's mesh transform does the work on bytes, a cell of pixels at a time, between whose corners the map is
bilinear (under 0.02 px off for the lenses that people are photographed with). It looks up linearly in a photo
that was enlarged by two with a cubic kernel. Root mean square distance to cubic splines
(`scipy.ndimage.map_coordinates`, 30 times the time and the photo as floats) on noise of 1 px, sRGB values:
3.1; linear without enlarging 5.4, Pillow's own cubic, which bends straight ramps by 0.1 px, 4.2 to 7.0.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bodyscan.types import F64, U8, Bool

CELL_PX = 16
ENLARGED = 2
MOST_ENLARGED = 8_000_000
"""Pixels up to which a photo is enlarged; larger ones are finer than any texture."""
RADII = 400
"""Radii at which the lens's map is asked whether it still grows."""


@dataclass(frozen=True)
class Distortion:
    """Coefficients of the lens model above; all 0 is a pinhole."""

    k1: float = 0.0
    k2: float = 0.0
    p1: float = 0.0
    p2: float = 0.0
    k3: float = 0.0
    k4: float = 0.0
    k5: float = 0.0
    k6: float = 0.0

    @property
    def is_pinhole(self) -> bool:
        """True where the photo needs no straightening."""
        return not any(astuple(self))


def distorted_points(points: NDArray[np.floating], lens: Distortion) -> F64:
    """Where the lens puts the points (..., 2) of the plane Z = 1, in that plane."""
    x, y = np.asarray(points[..., 0], np.float64), np.asarray(points[..., 1], np.float64)
    r2 = x * x + y * y
    radial = _radial(r2, lens)
    bent_x = x * radial + 2 * lens.p1 * x * y + lens.p2 * (r2 + 2 * x * x)
    bent_y = y * radial + lens.p1 * (r2 + 2 * y * y) + 2 * lens.p2 * x * y
    return np.stack([bent_x, bent_y], axis=-1)


def undistorted(image: U8, K: F64, lens: Distortion) -> tuple[U8, Bool]:
    """Return the straightened `image` (H, W) or (H, W, C) uint8, and where (H, W) the photo had something.

    `K` (3, 3) pixels, pixel centres at halves; it holds for the result too. Black where nothing was seen.
    """
    height, width = image.shape[:2]
    if lens.is_pinhole:
        return image, np.ones((height, width), bool)
    columns, rows = _stops(width), _stops(height)
    source, inside = _source_pixels(columns, rows, K, lens)
    picture, scale = Image.fromarray(image), 1
    if width * height <= MOST_ENLARGED:
        scale = ENLARGED
        picture = picture.resize((width * scale, height * scale), Image.Resampling.BICUBIC)
    quads = []
    for i in range(len(rows) - 1):
        for j in range(len(columns) - 1):
            # Corners in the order that Pillow wants: upper left, lower left, lower right, upper right.
            corners = source[i, j], source[i + 1, j], source[i + 1, j + 1], source[i, j + 1]
            box = (int(columns[j]), int(rows[i]), int(columns[j + 1]), int(rows[i + 1]))
            quads.append((box, tuple(scale * float(v) for corner in corners for v in corner)))
    straight = picture.transform(
        (width, height), Image.Transform.MESH, quads, Image.Resampling.BILINEAR, fillcolor=0
    )
    seen = _seen(columns, rows, source, inside, (height, width))
    result = np.array(straight, np.uint8)
    result[~seen] = 0
    return result, seen


def _source_pixels(
    columns: NDArray[np.int64], rows: NDArray[np.int64], K: F64, lens: Distortion
) -> tuple[F64, Bool]:
    """Where in the photo each corner of the cells comes from, (R, C, 2) pixels, and whether it can be so."""
    x = (columns - K[0, 2]) / K[0, 0]
    y = (rows - K[1, 2]) / K[1, 1]
    plane = np.stack(np.meshgrid(x, y), axis=-1)
    bent = distorted_points(plane, lens)
    source = bent * [K[0, 0], K[1, 1]] + [K[0, 2], K[1, 2]]
    radius = np.hypot(plane[..., 0], plane[..., 1])
    return source, radius < _largest_radius(float(radius.max()), lens)


def _seen(
    columns: NDArray[np.int64], rows: NDArray[np.int64], source: F64, inside: Bool, shape: tuple[int, int]
) -> Bool:
    """(H, W) True where the map leads to a pixel of the photo."""
    height, width = shape
    least, most = np.array([0.5, 0.5]), np.array([width - 0.5, height - 0.5])
    good = ((source >= least) & (source <= most)).all(axis=-1)
    touched = _of_cells(inside, np.logical_and)
    whole = touched & _of_cells(good, np.logical_and)
    seen = np.repeat(np.repeat(whole, np.diff(rows), axis=0), np.diff(columns), axis=1)
    for i, j in np.argwhere(touched & ~whole).tolist():  # the border runs through these few
        top, bottom, left, right = int(rows[i]), int(rows[i + 1]), int(columns[j]), int(columns[j + 1])
        down = ((np.arange(top, bottom) + 0.5 - top) / (bottom - top))[:, None, None]
        across = ((np.arange(left, right) + 0.5 - left) / (right - left))[None, :, None]
        upper = source[i, j] * (1 - across) + source[i, j + 1] * across
        lower = source[i + 1, j] * (1 - across) + source[i + 1, j + 1] * across
        at = upper * (1 - down) + lower * down
        seen[top:bottom, left:right] = ((at >= least) & (at <= most)).all(axis=-1)
    return seen


def _of_cells(corners: Bool, both: np.ufunc) -> Bool:
    """(R, C) flags of corners -> (R - 1, C - 1) flags of the cells between them."""
    rows = both(corners[1:], corners[:-1])
    return np.asarray(both(rows[:, 1:], rows[:, :-1]), bool)


def _largest_radius(reach: float, lens: Distortion) -> float:
    """The radius from which the lens's polynomial folds back: beyond it a pixel would be shown twice."""
    radius = np.linspace(0, max(reach, 1e-9) * 1.01, RADII)
    falls = np.flatnonzero(np.diff(radius * _radial(radius * radius, lens)) <= 0)
    return float(radius[falls[0]]) if len(falls) else np.inf


def _radial(r2: F64, lens: Distortion) -> F64:
    above = 1 + r2 * (lens.k1 + r2 * (lens.k2 + r2 * lens.k3))
    return above / (1 + r2 * (lens.k4 + r2 * (lens.k5 + r2 * lens.k6)))


def _stops(length: int) -> NDArray[np.int64]:
    """Borders of the cells along one side, 0 and `length` among them."""
    return np.unique(np.append(np.arange(0, length, CELL_PX), length)).astype(np.int64)
