"""What a depth camera makes of an exact picture: scatter, edges, losses, steps.

The models and their sources are in `bodyscan.simulate.depth_sensors`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from bodyscan.simulate.depth_options import DepthRigOptions
from bodyscan.simulate.depth_sensors import (
    SensorModel,
    is_upright,
    model_of,
    noise_sigma_m,
    sensor_camera,
    wiggle_m,
)
from bodyscan.types import F32, F64, U8, Bool

JUMP_M, JUMP_SHARE = 0.02, 0.02
"""Neighbours whose depths differ by more than this, and this share of the depth, lie on two surfaces."""
LIT = 0.5
"""Share of the light that comes back from the surfaces on which the published scatter was measured."""
COLOR_NOISE = 2.0
"""Standard deviation of a colour pixel, sRGB values of 0 to 255."""
WEAK_LIGHT, LEAST_LIGHT = 0.015, 0.005
"""Light back (share times cosine over squared metres) for the LiDAR's middle and lowest confidence."""
CROSS = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], bool)


@dataclass(frozen=True, eq=False)
class ExactPicture:
    """What the middles of the pixels see; all of one height and width."""

    depth_m: F64
    """(H, W) float64 along the camera's +Z, inf where nothing stands."""
    slant: F64
    """(H, W) float64, cosine of the angle between ray and normal."""
    infrared: F64
    """(H, W) 0..1, share of near infrared light that comes back from the surface."""
    color: F64
    """(H, W, 3) sRGB values 0..255."""


@dataclass(frozen=True, eq=False)
class MeasuredPicture:
    """What the sensor delivers."""

    depth_m: F32
    """(H, W) float32, 0 where nothing was measured."""
    color: U8
    """(H, W, 3) uint8 sRGB."""
    confidence: F32 | None
    """(H, W) float32 0, 0.5 or 1, from the LiDAR; the others tell none."""


def measured(rng: np.random.Generator, picture: ExactPicture, options: DepthRigOptions) -> MeasuredPicture:
    """What the sensor of `options` makes of a picture."""
    model = model_of(options.sensor)
    if model.kind == "ideal":
        depth = np.where(np.isfinite(picture.depth_m), picture.depth_m, 0)
        return MeasuredPicture(depth.astype(np.float32), _rounded(picture.color), None)
    upright = is_upright(options)
    if upright:  # the sensor's own rows run down the delivered picture
        picture = ExactPicture(
            *(np.rot90(part) for part in (picture.depth_m, picture.slant, picture.infrared, picture.color))
        )
    depth, confidence = _Measurement(rng, picture, model, options).take()
    color = _rounded(picture.color + options.noise * COLOR_NOISE * rng.normal(size=picture.color.shape))
    if upright:
        depth, color = np.rot90(depth, -1), np.rot90(color, -1)
        confidence = None if confidence is None else np.rot90(confidence, -1)
    return MeasuredPicture(depth.astype(np.float32), color, confidence)


def _rounded(color: F64) -> U8:
    return np.clip(np.rint(color), 0, 255).astype(np.uint8)


class _Measurement:
    """One picture on its way through a sensor; rows are the sensor's own."""

    def __init__(
        self, rng: np.random.Generator, picture: ExactPicture, model: SensorModel, options: DepthRigOptions
    ) -> None:
        self.rng, self.model, self.options = rng, model, options
        self.shape = picture.depth_m.shape
        _, _, K = sensor_camera(options)
        self.focal = float(K[0, 0])
        native = model.modes[0]
        self.scale = self.focal / native[2]
        """Pixels of this picture for one of the sensor's own."""
        self.picture = picture
        height, width = self.shape  # the axis goes through the middle, however the picture lies
        x, y = np.arange(width) + 0.5 - width / 2, np.arange(height) + 0.5 - height / 2
        self.ray_length = np.sqrt((x[None, :] ** 2 + y[:, None] ** 2) / self.focal**2 + 1)
        """Way along each pixel's ray for one of depth."""

    def take(self) -> tuple[F64, F32 | None]:
        model, noise = self.model, self.options.noise
        if model.kind == "stereo":
            self.picture = self._ragged(self.picture)
        exact = self.picture.depth_m
        near, far = self._edges(exact)
        depth = exact
        if model.blur_px:
            depth = smoothed(depth, model.blur_px * self.scale, JUMP_M)
        way = np.where(np.isfinite(depth), depth, 0) * self.ray_length
        depth = depth + noise * wiggle_m(self.options.sensor, way) / self.ray_length
        depth = self._mixed(depth, near | far)
        depth = depth + self._scatter(depth)
        lost: Bool = ~np.isfinite(depth) | (depth < model.reach_m[0]) | (depth > model.reach_m[1])
        lost |= self._unseen(exact, near | far)
        depth = self._stepped(np.where(lost, 1.0, depth))
        depth = np.where(lost | (depth <= 0), 0.0, depth)
        return depth, self._confidence(near | far, lost) if model.kind == "lidar" else None

    def _edges(self, depth: F64) -> tuple[Bool, Bool]:
        """Pixels beside a jump of depth: on its near side, on its far side."""
        depth = np.where(np.isfinite(depth), depth, 1e3)
        limit = np.maximum(JUMP_M, JUMP_SHARE * depth)
        low, high = (
            ndimage.minimum_filter(depth, footprint=CROSS), ndimage.maximum_filter(depth, footprint=CROSS)
        )  # fmt: skip
        seen = depth < 1e3
        return seen & (high - depth > limit), seen & (depth - low > limit)

    def _ragged(self, picture: ExactPicture) -> ExactPicture:
        """Edges moved to and fro by a pixel: near jumps, each pixel answers for a neighbour (Handa et
        al.)."""
        near, far = self._edges(picture.depth_m)
        beside = ndimage.binary_dilation(near | far | ~np.isfinite(picture.depth_m), iterations=2)
        rows, columns = np.indices(self.shape)
        moved = []
        for along in (rows, columns):
            shift = np.rint(0.7 * self._field(1.5)).astype(np.int64)
            moved.append(np.clip(along + np.where(beside, shift, 0), 0, along.max()))
        row, column = moved
        return replace(
            picture,
            depth_m=picture.depth_m[row, column],
            slant=picture.slant[row, column],
            infrared=picture.infrared[row, column],
        )

    def _mixed(self, depth: F64, edge: Bool) -> F64:
        """Pixels at an edge answer between the nearest and the farthest depth around them, or not at all."""
        if self.model.kind == "stereo":
            return depth
        seen = np.isfinite(depth)
        low = ndimage.minimum_filter(np.where(seen, depth, np.inf), footprint=CROSS)
        high = ndimage.maximum_filter(np.where(seen, depth, -np.inf), footprint=CROSS)
        share = self.rng.uniform(size=self.shape)
        both = edge & (self.rng.uniform(size=self.shape) < self.model.mixed)
        between = np.where(both, low + share * np.where(seen, high - low, 0), depth)
        return np.where(edge & ~both & seen, np.inf, between)

    def _scatter(self, depth: F64) -> F64:
        """The noise in metres, steps taken off: they bring their own."""
        model = self.model
        z = np.clip(np.where(np.isfinite(depth), depth, 1.0), 0.1, None)
        slant = np.arccos(np.clip(self.picture.slant, 0.0, 1.0))
        sigma = noise_sigma_m(self.options.sensor, z, slant)
        if model.kind == "tof":
            sigma = sigma * np.clip(np.sqrt(LIT / np.maximum(self.picture.infrared, 1e-3)), 0.8, 4.0)
        step = np.hypot(self._disparity_step_m(z), model.step_m)
        sigma = self.options.noise * np.sqrt(np.maximum(sigma**2 - step**2 / 12, (0.3 * sigma) ** 2))
        field = self.rng.normal(size=self.shape)
        if model.patch_px:
            patches = self._field(max(model.patch_px * self.scale, 0.5))
            field = np.sqrt(1 - model.common) * field + np.sqrt(model.common) * patches
        return sigma * field

    def _field(self, blur_px: float) -> F64:
        """(H, W) smooth noise of mean 0 and standard deviation 1."""
        radius = int(np.ceil(4 * blur_px))
        kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / blur_px) ** 2)
        kernel /= np.linalg.norm(kernel)
        field = self.rng.normal(size=self.shape)
        for axis in (0, 1):
            field = ndimage.convolve1d(field, kernel, axis=axis, mode="wrap")
        return field

    def _unseen(self, exact: F64, edge: Bool) -> Bool:
        """Where nothing comes back: too flat, too dark, in the shadow of one eye, or at a stereo's edge."""
        model = self.model
        limit = np.cos(np.radians(model.steepest_deg)) * (1 + 0.2 * self.rng.normal(size=self.shape))
        lost = self.picture.slant < limit
        if model.kind == "tof":
            light = self.picture.infrared * self.picture.slant / np.where(np.isfinite(exact), exact, 1.0) ** 2
            lost |= light < model.least_light * (1 + 0.15 * self.rng.normal(size=self.shape))
        if model.kind == "stereo":
            lost |= edge & (self.rng.uniform(size=self.shape) < 0.3)
            lost |= self._shadow(exact)
        return lost

    def _shadow(self, exact: F64) -> Bool:
        """Pixels whose point the other eye, to the right, does not see: something nearer covers it there."""
        columns = np.arange(self.shape[1]) + 0.5
        disparity = np.where(np.isfinite(exact), self.focal * self.model.baseline_m / exact, 0.0)
        other = columns - disparity
        behind = np.full((self.shape[0], 1), np.inf)
        nearest = np.minimum.accumulate(other[:, ::-1], axis=1)[:, ::-1]
        return other > np.concatenate([nearest[:, 1:], behind], axis=1) + 0.5

    def _disparity_step_m(self, depth: F64) -> F64:
        model = self.model
        if not model.disparity_step_px:
            return np.zeros_like(depth)
        return depth**2 * model.disparity_step_px / (model.modes[0][2] * model.baseline_m)

    def _stepped(self, depth: F64) -> F64:
        model = self.model
        if model.disparity_step_px:
            whole = model.modes[0][2] * model.baseline_m / model.disparity_step_px
            depth = whole / np.maximum(np.rint(whole / depth), 1)
        return np.rint(depth / model.step_m) * model.step_m if model.step_m else depth

    def _confidence(self, edge: Bool, lost: Bool) -> F32:
        """0 at edges and beyond reach, 0.5 beside them and in weak light, else 1: ARKit's 0, 1 and 2."""
        light = self.picture.infrared * self.picture.slant / np.maximum(self.picture.depth_m, 0.1) ** 2
        beside = ndimage.binary_dilation(edge, iterations=2)
        out = np.where(light < WEAK_LIGHT, 0.5, 1.0)
        out[beside] = 0.5
        out[edge | lost] = 0.0
        return np.where(light < LEAST_LIGHT, 0.0, out).astype(np.float32)


def smoothed(depth: F64, sigma_px: float, jump_m: float) -> F64:
    """(H, W) metres, inf for none -> the same, blurred by `sigma_px` pixels, hardly across jumps of `jump_m`.

    Diffusion that stops at edges (Perona and Malik 1990); its time is half the variance of the blur.
    """
    steps = max(1, int(np.ceil(2 * sigma_px**2)))
    rate = sigma_px**2 / 2 / steps
    out = np.where(np.isfinite(depth), depth, 1e3)
    for _ in range(steps):
        change = np.zeros_like(out)
        for axis in (0, 1):
            flow = np.diff(out, axis=axis)
            flow = rate * flow * np.exp(-np.minimum((flow / jump_m) ** 2, 50.0))
            ahead = [(0, 0), (0, 0)]
            ahead[axis] = (0, 1)
            behind = [(0, 0), (0, 0)]
            behind[axis] = (1, 0)
            change += np.pad(flow, ahead) - np.pad(flow, behind)
        out += change
    return np.where(np.isfinite(depth), out, np.inf)
