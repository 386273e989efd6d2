"""A second look for an arm that ends without a hand: as the other arm is held.

Where the detector saw no hand, an arm may come to lie in its scan turned about itself, centimetres off, and
no small step leads out of there. People in a scanner mostly hold both arms alike: the other arm, mirrored, is
tried, and kept where a hand is then found at its end.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bodyscan.body.model import BodyModel
from bodyscan.fit.hands import SIDES, HandGuess, guess_hands
from bodyscan.fit.options import FitLevel
from bodyscan.fit.solve import Problem, solve_level
from bodyscan.types import F64, BodyParams, Landmarks

MIRROR = np.array([1.0, -1.0, -1.0])
"""A rotation vector in the mirror of the body's own middle plane."""


def look_again(
    problem: Problem,
    params: BodyParams,
    hands: dict[str, HandGuess],
    landmarks: Landmarks | None,
    level: FitLevel,
) -> tuple[BodyParams, dict[str, HandGuess], int]:
    """`params` and `hands` as they are, or with the arm of a missing hand and that hand; and the steps taken.

    `level`: the one that was solved last. The detector's landmarks take no part: they led the arm astray.
    """
    missing = [side for side in SIDES if side not in hands]
    if len(missing) != 1 or len(hands) != 1:
        return params, hands, 0
    side = missing[0]
    pose = mirrored_arm(problem.model, params.pose_rotvec, side)
    again = BodyParams(params.betas, pose, params.translation, params.expression)
    again, steps = solve_level(replace(problem, landmarks=None), again, level)
    again, found = guess_hands(problem.model, again, problem.scan, landmarks)
    return (again, found, steps) if len(found) == len(SIDES) else (params, hands, steps)


def mirrored_arm(model: BodyModel, pose_rotvec: F64, side: str) -> F64:
    """(J, 3) radians: `pose_rotvec` with the arm and hand of `side` as the other ones are held."""
    other = SIDES[1 - SIDES.index(side)]
    pose = pose_rotvec.copy()
    below = model.descendants[:, model.joint_index(f"{side}Shoulder")]
    for joint in np.flatnonzero(below):
        twin = model.joint_names[joint].replace(side, other, 1)
        pose[joint] = MIRROR * pose_rotvec[model.joint_index(twin)]
    return pose
