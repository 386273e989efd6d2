"""Each frame laid on the one before it, and the longest chain of frames that follow one another.

Recordings begin before the person stands where the turn is, and end after it: in these frames people walk,
and what they show is no part of the turn. Now and then a frame in the middle is broken, or shows somebody who
passed between. So a frame may follow the last but one too, and the longest chain is what counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bodyscan.errors import StageError
from bodyscan.geometry.rotations import rotvec_to_matrix
from bodyscan.reconstruct.depth.align import PairFit, align_pair
from bodyscan.reconstruct.depth.surfels import Surfels
from bodyscan.types import F64

TURNS_DEG = (0.0, 5.0, -5.0, 10.0, -10.0, 16.0, -16.0, 24.0, -24.0)
"""Turns about the person's axis that the first step, and a lost one, is started from."""
FORESEEN_M, FORESEEN_STEPS = 0.05, 9
"""Reach and iterations of a step that starts from the one before it."""
GOOD_OVERLAP, GOOD_RMS_M = 0.55, 0.008
"""A step is taken without other starts where so many points met and they lie so close."""
LEAST_STEP_OVERLAP = 0.45
"""A step of 45 degrees meets 0.62; front and back of a person in the A-pose, laid on one another, 0.24 to
0.38."""
LEAST_CHAIN = 0.5
"""Share of the frames that must follow one another."""
SKIPPED = 2
"""So many frames in turn may be left out between two that follow one another."""


@dataclass(frozen=True, eq=False)
class Followed:
    """Frames that follow one another."""

    kept: list[int]
    """Which they are, in order."""
    steps: list[PairFit]
    """Of each but the first, onto the one before it."""
    lost: str
    """Where tracking was lost first and what to do, where it was; else empty."""


def follow_frames(surfels: Sequence[Surfels], ups: F64) -> Followed:
    """Lay each frame on one before it and return the longest chain. `ups` (N, 3): against gravity.

    Raises `StageError` that names the first frame that does not fit where no chain holds half of the frames.
    """
    count, lost = len(surfels), ""
    chains = [[0]]
    """Of each frame: the longest that ends with it."""
    steps: dict[int, PairFit] = {}
    for k in range(1, count):
        near = sorted(range(max(k - 1 - SKIPPED, 0), k), key=lambda p: (len(chains[p]), p), reverse=True)
        for p in near:
            last = np.linalg.matrix_power(steps[p].fixed_from_moving, k - p) if p in steps else None
            found = _step(surfels[k], surfels[p], ups[p], last)
            if found is not None:
                steps[k] = found
                chains.append([*chains[p], k])
                break
            lost = lost or _lost(surfels[k].frame.name or str(k), surfels[p].frame.name or str(p))
        else:
            chains.append([k])
        if max(map(len, chains)) + count - 1 - k < LEAST_CHAIN * count:
            raise StageError(lost)
    kept = max(chains, key=len)
    return Followed(kept, [steps[k] for k in kept[1:]], lost)


def _lost(name: str, before: str) -> str:
    return (
        f"The frame {name} does not fit the one before it ({before}): the person or the camera moved too far "
        "between them, or too little of the person is seen in both. Turn more slowly, or take more frames."
    )


def _step(moving: Surfels, fixed: Surfels, up: F64, last: F64 | None) -> PairFit | None:
    """The fit of one frame on the one before it; `last` is the step before; None where they do not fit."""
    found = None if last is None else align_pair(moving, fixed, last, FORESEEN_M, FORESEEN_STEPS)
    if found is None or found.overlap < GOOD_OVERLAP or found.rms_m > GOOD_RMS_M:
        tried = [found, *_started(moving, fixed, up, last)]
        found = max((fit for fit in tried if fit is not None), key=_merit, default=None)
    return found if found is not None and found.overlap >= LEAST_STEP_OVERLAP else None


def _merit(fit: PairFit) -> float:
    return fit.overlap - 20.0 * fit.rms_m


def _started(moving: Surfels, fixed: Surfels, up: F64, last: F64 | None) -> list[PairFit | None]:
    """Fits from turns about the person's own axis; of each, a short one first, the best three in full."""
    middle = fixed.frame.points.mean(axis=0).astype(np.float64)
    starts = [] if last is None else [last]
    for angle in TURNS_DEG:
        turn = np.eye(4)
        turn[:3, :3] = rotvec_to_matrix(np.radians(angle) * up)
        turn[:3, 3] = middle - turn[:3, :3] @ middle
        starts.append(turn)
    short = [align_pair(moving, fixed, start, steps=7) for start in starts]
    ranked = sorted((fit for fit in short if fit is not None), key=_merit, reverse=True)
    return [align_pair(moving, fixed, fit.fixed_from_moving, 0.05) for fit in ranked[:3]]
