"""A depth camera's own error as a function of the distance, found from frames that see one surface.

A time-of-flight camera's depth is wrong by a millimetre that comes and goes with the distance (its wiggle:
Lindner et al. 2010, "Time-of-flight sensor calibration for accurate range sensing"); a stereo camera's by
what its calibration left. All frames have the same error, so frames that are laid on one another agree and
are wrong together. But a place of the body is seen from several sides at several distances, and the curve
over the distance that makes all of them agree is found along with the cameras' poses (Zhou and Koltun 2014,
"Simultaneous localization and calibration: self-calibration of consumer depth cameras", who have such curves
all over the picture).

Two parts of the curve no frames can tell. All distances longer by one share agree as well, with all poses
wider by it: that is the scale. All distances longer by one length are nearly a camera farther back. So the
curve's mean and slope over the person are held at zero: the sensor's metre is taken for right, and only what
bends is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import BSpline

from bodyscan.types import F32, F64, FramePoints

KNOT_M = 0.05
"""Distance of the spline's knots; a wiggle is 0.3 m long."""
MOST_KNOTS = 60
STEP_M = 0.001
"""The basis is looked up in a table of such steps."""
HELD = 0.1
"""Pull of each coefficient to zero, as a share of what an average one is told by the frames. Little of the
person lies nearest and farthest, and that is arms, which move: less, and their way is told as the sensor's
error (by 3 mm in one of three people who swayed)."""
ENDS = (0.2, 99.8)
"""Percent of a frame's points between which the curve runs."""


@dataclass(frozen=True, eq=False)
class RangeError:
    """Measured minus true distance along a pixel's ray: a uniform cubic B-spline of the measured distance.

    Before its first knot and after its last the curve goes on level.
    """

    start_m: float
    """Distance from the camera at which it begins."""
    values_m: F64
    """(K,) the spline's coefficients, metres."""
    table: F64
    """(T, K) the basis at steps of `STEP_M` from `start_m`."""

    @classmethod
    def none(cls, frames: Sequence[FramePoints]) -> RangeError:
        """No error, over the distances at which `frames` see the person."""
        ends = np.array([np.percentile(distances_m(frame.points[::7]), ENDS) for frame in frames])
        low, high = float(ends[:, 0].min()), float(ends[:, 1].max())
        table = _cubic_basis(high - low, max(KNOT_M, (high - low) / MOST_KNOTS))
        return cls(low, np.zeros(table.shape[1]), table)

    def basis(self, distance_m: F64) -> F64:
        """(N, K) what each coefficient adds to the error at distances (N,) in metres."""
        return self.table[self._places(distance_m)]

    def at(self, distance_m: F64) -> F64:
        """(N,) the error in metres at distances (N,) in metres."""
        return (self.table @ self.values_m)[self._places(distance_m)]

    @property
    def end_m(self) -> float:
        """Distance at which it ends."""
        return self.start_m + STEP_M * (len(self.table) - 1)

    @property
    def greatest_m(self) -> float:
        """The largest error that it has anywhere."""
        return float(np.abs(self.table @ self.values_m).max())

    def _places(self, distance_m: F64) -> np.ndarray:
        return ((distance_m - self.start_m) / STEP_M + 0.5).astype(np.int64).clip(0, len(self.table) - 1)

    def prior(self, distance_m: F64) -> F64:
        """(K, K) what holds the coefficients, for points at `distance_m` (N,), as a share of their evidence.

        Mean and slope over the points weigh as much as all evidence; the rest is held lightly.
        """
        count, spread = len(self.values_m), max(float(distance_m.std()), STEP_M)
        line = np.stack([np.ones(len(distance_m)), (distance_m - distance_m.mean()) / spread], axis=1)
        held = line.T @ self.basis(distance_m) / len(distance_m)
        return HELD / count * np.eye(count) + held.T @ held

    def changed(self, step_m: F64) -> RangeError:
        """With `step_m` (K,) added to the coefficients."""
        return replace(self, values_m=self.values_m + step_m)

    def corrected(self, frame: FramePoints) -> FramePoints:
        """The frame with its points at their true distances; pixels and normals stay."""
        return replace(frame, points=self.true_points(frame.points).astype(np.float32))

    def true_points(self, points: F32) -> F64:
        """(N, 3) measured points, in their camera's axes, moved along their rays to their true distances."""
        distance = distances_m(points)
        return points * (1 - self.at(distance) / np.maximum(distance, 1e-9))[:, None]


def distances_m(points: np.ndarray) -> F64:
    """(N,) metres from the camera to points (N, 3) in its axes."""
    return np.sqrt(np.einsum("nk,nk->n", points, points, dtype=np.float64))


def _cubic_basis(length_m: float, knot_m: float) -> F64:
    """(T, K) the uniform cubic B-splines over `length_m`, at steps of `STEP_M` (de Boor 1978)."""
    intervals = max(int(np.ceil(length_m / knot_m)), 1)
    places = np.minimum(np.arange(0.0, intervals * knot_m, STEP_M), intervals * knot_m)
    knots = knot_m * np.arange(-3, intervals + 4)
    return BSpline.design_matrix(places, knots, 3).toarray()
