"""What is known of a hand before looking: how far its joints turn, and which of them turn together."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from bodyscan.fit.hand_chain import FLEXION, HandChain, HandPose
from bodyscan.fit.prior import of_longest_ending
from bodyscan.geometry.rotations import matrix_to_rotvec
from bodyscan.types import F64

STD_RAD = {
    "Hand": (0.30, 0.30, 0.30),
    "ThumbMetacarpal": (0.35, 0.30, 0.25),
    "ThumbProximal": (0.35, 0.12, 0.10),
    "ThumbDistal": (0.45, 0.05, 0.05),
    "Proximal": (0.50, 0.14, 0.10),
    "Intermediate": (0.50, 0.06, 0.06),
    "Distal": (0.35, 0.05, 0.05),
}
"""Flexion, spread and twist around the pose that a search starts from, radians; the longest ending counts."""
LIMITS_RAD = {
    "ThumbMetacarpal": (-0.9, 1.0),
    "ThumbProximal": (-0.35, 1.2),
    "ThumbDistal": (-0.5, 1.5),
    "Proximal": (-0.5, 1.7),
    "Intermediate": (-0.12, 2.0),
    "Distal": (-0.2, 1.5),
}
"""Least and largest flexion, radians from straight."""
LIMIT_STD_RAD = 0.06
NEIGHBOUR_STD_RAD = 0.45
"""How differently neighbouring fingers flex, at the knuckle and at the middle joint."""
TIP_SHARE, TIP_STD_RAD = 0.6, 0.25
"""The last joint flexes with the middle one: one tendon moves both."""
SHIFT_STD_M = 0.008
SIZE_STD = 0.3
"""The first mode of a hand's shape is its size, which goes with the stature that is known already."""
FINGERS = ("Index", "Middle", "Ring", "Little")


@dataclass(frozen=True, eq=False)
class HandPrior:
    """A Gaussian over shift, wrist, angles and shape (51 + K numbers), and limits of flexion."""

    start: HandPose
    """The wrist is counted from here."""
    hessian: F64
    """(51 + K, 51 + K)."""
    mean: F64
    """(51 + K,)."""
    low: F64
    """(15,) least flexion, radians from the unposed body."""
    high: F64
    """(15,)."""

    def add_to(self, hessian: F64, gradient: F64, pose: HandPose) -> None:
        """Add the normal equations at `pose`, in place."""
        offset = self._offset(pose)
        hessian += self.hessian
        gradient += self.hessian @ (offset - self.mean)
        columns = 6 + 3 * np.arange(15) + FLEXION
        over = self._over(pose)
        hit = over != 0
        hessian[columns[hit], columns[hit]] += 1 / LIMIT_STD_RAD**2
        gradient[columns[hit]] += over[hit] / LIMIT_STD_RAD**2

    def _offset(self, pose: HandPose) -> F64:
        turn = matrix_to_rotvec(pose.wrist @ self.start.wrist.T)
        return np.concatenate([pose.shift, turn, pose.angles.reshape(-1), pose.shape])

    def _over(self, pose: HandPose) -> F64:
        flexion = pose.angles[:, FLEXION]
        return flexion - np.clip(flexion, self.low, self.high)


def build_hand_prior(chain: HandChain, start: HandPose, angles: F64) -> HandPrior:
    """Around the wrist of `start` and the finger `angles` (15, 3)."""
    shape_std = np.ones(len(chain.joint_modes))
    shape_std[:1] = SIZE_STD
    expected = chain.mean_shape.copy()
    expected[:1] = 0.0
    std = np.concatenate(
        [np.full(3, SHIFT_STD_M), *(of_longest_ending(STD_RAD, name) for name in chain.names), shape_std]
    )
    hessian = np.diag(1 / std**2)
    mean = np.concatenate([np.zeros(6), angles.reshape(-1), expected])
    flexion = {name: 6 + 3 * k + FLEXION for k, name in enumerate(chain.names[1:])}
    for first, second in pairwise(FINGERS):
        for segment in ("Proximal", "Intermediate"):
            _couple(hessian, flexion[first + segment], flexion[second + segment], 1.0, NEIGHBOUR_STD_RAD)
    for finger in FINGERS:
        tip, middle = flexion[finger + "Distal"], flexion[finger + "Intermediate"]
        _couple(hessian, tip, middle, TIP_SHARE, TIP_STD_RAD)
    limits = np.array([of_longest_ending(LIMITS_RAD, name) for name in chain.names[1:]])
    low, high = limits.T - chain.rest_flexion
    return HandPrior(start, hessian, mean, low, high)


def _couple(hessian: F64, one: int, other: int, share: float, std: float) -> None:
    """Add the square of (one - share * other) / std; both are counted from the mean."""
    row = np.zeros(len(hessian))
    row[one], row[other] = 1.0, -share
    hessian += np.outer(row, row) / std**2
