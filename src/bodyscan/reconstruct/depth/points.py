"""One frame's pixels of the person -> points with normals, without what lies between fore- and background.

Normals. A plane is linear in inverse depth over the picture: 1/z = a u + b v + c, and its normal is (a, b, c)
in terms of (x/z, y/z, 1). So a weighted linear fit of the inverse depth over a window is exact on planes,
however slanted. The weights are bilateral (Tomasi, Manduchi 1998): a neighbour counts by how well it agrees
with the plane of the first fit, in units of the sensor's noise, so that an arm in front of a chest does not
bend the chest's normals. The window grows with the noise. The points themselves stay as they were measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from bodyscan.errors import InputError
from bodyscan.reconstruct.depth.noise import EDGE_PX, depth_sigma_m, slant_sigma_m
from bodyscan.types import F32, U8, Bool
from bodyscan.types.depth import DepthFrame, FramePoints

MOST_STEPS = 3
"""Samples of the window to each side; a wider window has them farther apart, on averaged pixels."""
GATE_SIGMAS = 3.0
"""How far, in standard deviations, a neighbour may lie off the plane and still have some weight."""
STEEP = 6.0
"""Tangent of the slant that the first fit allows for (80 degrees)."""
CURVED = 0.3
"""What the surface may rise over its plane from the window's middle to its rim, as a slope."""
LEAST_SPREAD = 0.05
"""Determinant of the neighbours' spread, in strides^4, that a plane needs."""
STRIP = 48
"""Rows that are fitted together: the sums stay in the processor's cache, which saves half the time."""


@dataclass(frozen=True)
class PointOptions:
    """What `frame_points` keeps."""

    normal_error_deg: float = 2.0
    """Wanted scatter of the normals, degrees; the window grows until the sensor's noise allows it."""
    window_m: float = 0.02
    """Greatest half width of the window on the person, metres: beyond, limbs are too round."""
    grazing_deg: float = 80.0
    """Surfaces seen at a larger angle between normal and ray are dropped, degrees, below 90."""
    jump_sigmas: float = 5.0
    """Neighbouring pixels that differ by more than this many standard deviations, and by more than a
    surface at `grazing_deg` would, are two surfaces."""
    edge_px: int | None = None
    """Pixels dropped along jumps; None: as the sensor has it."""
    soft_edge_px: float = 3.0
    """Trust grows from an edge to this many pixels from it."""
    min_neighbours: int = 3
    """Of the 8 pixels around, how many must be of the same surface."""

    def __post_init__(self) -> None:
        if not 0 < self.grazing_deg < 90:
            raise InputError(f"PointOptions.grazing_deg must lie between 0 and 90; it is {self.grazing_deg}.")
        if min(self.normal_error_deg, self.window_m, self.jump_sigmas, self.soft_edge_px) <= 0:
            raise InputError("PointOptions: the error, window, jump and soft edge must be above 0.")


def frame_points(
    frame: DepthFrame, mask: Bool, sensor: str, options: PointOptions = PointOptions()
) -> FramePoints:
    """The pixels of `mask` as points and normals in the camera's axes (OpenCV), metres.

    `mask` (H, W) bool, the person. Dropped are: pixels without depth, flying pixels and pixels at jumps,
    surfaces seen at too grazing an angle, and lone pixels. `sensor`: a name of `SENSORS`. Raises `InputError`
    where the mask does not fit the frame. A frame without a usable pixel gives no points.
    """
    if mask.shape != frame.depth_m.shape:
        raise InputError(
            f"{frame.name}: the mask is {mask.shape} and the depth picture {frame.depth_m.shape}; "
            "give a mask of the picture's size."
        )
    rows, columns = _box(mask & (frame.depth_m > 0), mask.shape)
    here = (rows, columns)
    depth = np.ascontiguousarray(frame.depth_m[here])
    inside = mask[here] & (depth > 0)
    x = ((np.arange(columns.start, columns.stop) + 0.5 - frame.K[0, 2]) / frame.K[0, 0]).astype(np.float32)
    y = ((np.arange(rows.start, rows.stop) + 0.5 - frame.K[1, 2]) / frame.K[1, 1]).astype(np.float32)
    pixel = np.float32(1 / np.sqrt(frame.K[0, 0] * frame.K[1, 1]))
    sigma = depth_sigma_m(sensor, depth)

    edge_px = EDGE_PX[sensor] if options.edge_px is None else options.edge_px
    kept, at_edge = _clear_of_jumps(depth, sigma, pixel, edge_px, options)
    kept &= inside
    normal = _normals(depth, kept, sigma, x, y, pixel, options)
    length = np.sqrt((x * x)[None, :] + (y * y)[:, None] + 1)
    cosine = -(normal[0] * x[None, :] + normal[1] * y[:, None] + normal[2]) / length
    kept &= cosine > np.cos(np.radians(options.grazing_deg))
    kept &= _neighbours(kept) >= options.min_neighbours

    padded: Any = ndimage.distance_transform_cdt(np.pad(kept & ~at_edge, 1), "chessboard")
    distance = padded[1:-1, 1:-1]
    trust = np.clip((distance + 0.5) / options.soft_edge_px, 0.1, 1.0).astype(np.float32) * cosine
    if frame.confidence is not None:
        trust = trust * frame.confidence[here]
    index = np.full(kept.shape, -1, np.int32)
    row, column = np.nonzero(kept)
    index[row, column] = np.arange(len(row), dtype=np.int32)
    z = depth[row, column]
    return FramePoints(
        points=np.stack([x[column] * z, y[row] * z, z], axis=1),
        normals=np.ascontiguousarray(normal[:, row, column].T),
        sigma_m=slant_sigma_m(sigma[row, column], z, cosine[row, column]),
        trust=np.clip(trust[row, column], 0, 1),
        index=index,
        corner=(rows.start, columns.start),
        K=frame.K,
        colors=None if frame.color is None else _seen_colors(frame.color[here], kept)[row, column],
        world_from_camera=frame.world_from_camera,
        time_s=frame.time_s,
        name=frame.name,
        camera=frame.camera,
    )


def _seen_colors(color: U8, kept: Bool) -> U8:
    """(h, w, 3) with the nearest colour of the person where the colour camera did not see a pixel.

    Readers leave such pixels black: a colour camera beside the depth camera looks past outlines.
    """
    unseen = kept & ~color.any(axis=2)
    if not unseen.any() or unseen.sum() == kept.sum():
        return color
    nearest: Any = ndimage.distance_transform_edt(
        ~(kept & ~unseen), return_distances=False, return_indices=True
    )
    filled = color.copy()
    filled[unseen] = color[nearest[0][unseen], nearest[1][unseen]]
    return filled


def _box(mask: Bool, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns of the mask with two pixels around them, for the jumps at its rim."""
    slices = []
    for axis in (0, 1):
        used = np.flatnonzero(mask.any(axis=1 - axis))
        low, high = (int(used[0]) - 2, int(used[-1]) + 3) if len(used) else (0, 0)
        slices.append(slice(max(low, 0), min(high, shape[axis])))
    return slices[0], slices[1]


def _clear_of_jumps(
    depth: F32, sigma: F32, pixel: np.float32, edge_px: int, options: PointOptions
) -> tuple[Bool, Bool]:
    """(h, w) pixels that do not lie in a jump, and those that lie beside one.

    What has no depth is no jump: sensors leave a rim out where light comes from both sides.
    """
    steepest = np.tan(np.radians(options.grazing_deg)) * pixel
    jump = np.zeros(depth.shape, bool)
    lonely = np.zeros(depth.shape, np.uint8)
    for axis in (0, 1):
        near = [slice(None), slice(None)]
        far = [slice(None), slice(None)]
        near[axis], far[axis] = slice(None, -1), slice(1, None)
        a, b = tuple(near), tuple(far)
        step = depth[b] - depth[a]
        known = (depth[a] > 0) & (depth[b] > 0)
        limit = options.jump_sigmas * np.maximum(sigma[a], sigma[b])
        limit = np.maximum(
            limit, steepest * np.minimum(depth[a], depth[b]) + options.jump_sigmas / 2 * sigma[a]
        )
        broken = known & (np.abs(step) > limit)
        jump[a] |= broken
        jump[b] |= broken
        lonely[a] += broken
        lonely[b] += broken
    if edge_px > 1:
        jump = np.asarray(ndimage.binary_dilation(jump, iterations=edge_px - 1), bool)
    # Even an ideal picture's pixel that jumps on three sides belongs to nothing.
    dropped = jump if edge_px else lonely >= 3
    return ~np.asarray(dropped, bool), np.asarray(ndimage.binary_dilation(jump), bool)


def _neighbours(kept: Bool) -> np.ndarray:
    """(h, w) how many of the 8 pixels around are kept."""
    counts = kept.astype(np.uint8)
    counts = ndimage.convolve1d(counts, [1, 1, 1], axis=0, mode="constant")
    return ndimage.convolve1d(counts, [1, 1, 1], axis=1, mode="constant") - kept


def _normals(
    depth: F32, kept: Bool, sigma: F32, x: F32, y: F32, pixel: np.float32, options: PointOptions
) -> F32:
    """(3, h, w) unit normals, camera axes, towards the camera; zero where no plane could be fitted."""
    if not kept.any():
        return np.zeros((3, *depth.shape), np.float32)
    typical, noise = float(np.median(depth[kept])), float(np.median(sigma[kept]))
    reach = _reach(noise, typical * float(pixel), options)
    steps, stride = min(reach, MOST_STEPS), -(-reach // MOST_STEPS)
    inverse = np.divide(1, depth, out=np.zeros_like(depth), where=kept)
    scatter = np.where(kept, sigma * inverse * inverse, 1).astype(np.float32)
    step = np.where(kept, pixel * inverse, 1).astype(np.float32)
    if stride > 1:
        inverse = _mean_of_pairs(inverse, GATE_SIGMAS * scatter + STEEP * step)
        scatter = scatter / 2
    normal = np.empty((3, *depth.shape), np.float32)
    # 1/z = c + a du + b dv about a pixel; in x/z and y/z its coefficients are a fx, b fy and what is left.
    fx = np.float32((len(x) - 1) / (x[-1] - x[0])) if len(x) > 1 else 1 / pixel
    fy = np.float32((len(y) - 1) / (y[-1] - y[0])) if len(y) > 1 else 1 / pixel
    padded = np.pad(inverse, steps * stride)
    first = (min(steps, 2), max(1, stride // 2))
    for top in range(0, len(depth), STRIP):
        strip = slice(top, min(top + STRIP, len(depth)))
        fit = _Window(padded, steps * stride, strip)
        gate, slope = GATE_SIGMAS * scatter[strip], step[strip]
        a, b, _, _ = fit.plane(None, gate, STEEP * slope, *first)
        a, b, c, fine = fit.plane((a, b), gate + CURVED * reach * slope, None, steps, stride)
        normal[0, strip], normal[1, strip] = a * fx, b * fy
        normal[2, strip] = c - a * fx * x[None, :] - b * fy * y[strip, None]
        normal[:, strip] *= fine & kept[strip]
    length = np.sqrt((normal * normal).sum(axis=0))
    normal /= -np.maximum(length, np.float32(1e-12))
    return normal


def _reach(noise: float, pixel_m: float, options: PointOptions) -> int:
    """Half width of the window in pixels: enough for the wanted error, not beyond the widest window.

    A straight line through n by n values of scatter s, one pixel apart, has the slope's scatter
    s / sqrt(n^2 (n^2 - 1) / 12).
    """
    widest = max(1, int(options.window_m / pixel_m))
    for reach in range(1, widest):
        count = 2 * reach + 1
        spread = np.sqrt(count**2 * (count**2 - 1) / 12)
        if noise <= np.radians(options.normal_error_deg) * spread * pixel_m:
            return reach
    return widest


def _mean_of_pairs(inverse: F32, gate: F32) -> F32:
    """(h, w) each value averaged with those opposite neighbours, two by two, that both lie within `gate`.

    Pairs keep planes exact: both sides of a slope weigh the same.
    """
    padded = np.pad(inverse, 1)
    height, width = inverse.shape
    total, count = inverse.copy(), np.ones_like(inverse)
    for row, column in ((0, 1), (1, 0), (1, 1), (1, -1)):
        one = padded[1 + row : 1 + row + height, 1 + column : 1 + column + width]
        other = padded[1 - row : 1 - row + height, 1 - column : 1 - column + width]
        both = (np.abs(one - inverse) < gate) & (np.abs(other - inverse) < gate) & (one > 0) & (other > 0)
        total += both * (one + other)
        count += 2 * both
    return total / count


class _Window:
    """Weighted planes of the inverse depth about each pixel of some rows."""

    def __init__(self, padded: F32, pad: int, rows: slice) -> None:
        self._padded, self._pad, self._rows = padded, pad, rows
        self._here = padded[pad + rows.start : pad + rows.stop, pad : padded.shape[1] - pad]

    def plane(
        self, slope: tuple[F32, F32] | None, gate: F32, more: F32 | None, steps: int, stride: int
    ) -> tuple[F32, F32, F32, Bool]:
        """Slopes by column and by row, the value, and where there were enough neighbours for them.

        Samples lie `stride` pixels apart, `steps` of them to each side. A neighbour's weight falls from 1
        on the plane of `slope` (None: level) to 0 at `gate`, to which `more` is added for every pixel of
        distance.
        """
        pad, here = self._pad, self._here
        height, width = here.shape
        s0, sx, sy, sxx, sxy, syy, d0, dx, dy = np.zeros((9, height, width), np.float32)
        off, weight = np.empty_like(here), np.empty_like(here)
        tighter = 1 / gate
        rings = (
            {far: 1 / (gate + far * stride * more) for far in range(steps + 1)} if more is not None else {}
        )
        for i in range(-steps, steps + 1):
            start = pad + self._rows.start + i * stride
            row = np.float32(i * stride)
            r0, r1, r2, q0, q1 = np.zeros((5, height, width), np.float32)
            for j in range(-steps, steps + 1):
                left, column = pad + j * stride, np.float32(j * stride)
                other = self._padded[start : start + height, left : left + width]
                np.subtract(other, here, out=off)
                if slope is not None:
                    np.multiply(slope[0], -column, out=weight)
                    weight += off
                    weight -= slope[1] * row
                    weight *= tighter
                else:
                    np.multiply(off, rings[max(abs(i), abs(j))], out=weight)
                np.multiply(weight, weight, out=weight)
                np.subtract(1, weight, out=weight)
                np.maximum(weight, 0, out=weight)
                weight *= other > 0
                off *= weight
                r0 += weight
                q0 += off
                if j:
                    weight *= column
                    r1 += weight
                    weight *= column
                    r2 += weight
                    off *= column
                    q1 += off
            s0 += r0
            sx += r1
            sxx += r2
            d0 += q0
            dx += q1
            sy += row * r0
            syy += row * row * r0
            sxy += row * r1
            dy += row * q0
        s0 = np.maximum(s0, 1)
        mx, my, md = sx / s0, sy / s0, d0 / s0
        cxx, cxy, cyy = sxx / s0 - mx * mx, sxy / s0 - mx * my, syy / s0 - my * my
        cdx, cdy = dx / s0 - md * mx, dy / s0 - md * my
        determinant = cxx * cyy - cxy * cxy
        fine = determinant > LEAST_SPREAD * stride**4
        safe = np.where(fine, determinant, 1)
        a = np.where(fine, (cdx * cyy - cdy * cxy) / safe, 0)
        b = np.where(fine, (cdy * cxx - cdx * cxy) / safe, 0)
        return a, b, here + md - a * mx - b * my, fine
