"""The fingers' first guess: open, half closed or a fist, each finger by itself.

A fist looks like a mitten to nearest-point matching, and fingers that start straight never curl into it. So
before the fingers are solved for with the body, each hand is fitted on its own: from several curls, and from
the hand that the detector saw, a small Gauss-Newton runs on the hand's joints and on the ways in which hands
differ. What explains the scan best both ways goes on; then each finger may change its curl alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bodyscan.body.landmarks import joint_names_of_landmarks
from bodyscan.body.model import BodyModel
from bodyscan.fit.hand_chain import FLEXION, HandChain, HandPose, build_hand_chain
from bodyscan.fit.hand_prior import build_hand_prior
from bodyscan.fit.hand_scan import HandScan, points_of_hand
from bodyscan.fit.hand_solve import Draw, descend, descend_joints, misfit, support
from bodyscan.fit.prior import finger_hinges, of_longest_ending
from bodyscan.fit.scan_points import ScanPoints
from bodyscan.types import F64, BodyParams, Landmarks

SIDES = ("left", "right")
CURLS = ((0.0, 0.0), (0.25, 0.3), (0.5, 0.5), (0.75, 0.7), (1.0, 1.0))
"""Shares of a fist, of the fingers and of the thumb."""
RELAXED = 1
"""Which of them a hand at rest has: the one that is taken where the scan tells nothing."""
RELUCTANCE = 0.006
"""How much better another curl must explain the scan, for each step from there."""
FIST_RAD = {
    "ThumbMetacarpal": 0.25,
    "ThumbProximal": 0.5,
    "ThumbDistal": 0.7,
    "Proximal": 1.2,
    "Intermediate": 1.4,
    "Distal": 0.8,
}
"""Radians from the unposed body, whose fingers are a little bent already."""
CURLED = 0.35
"""A hand closed by at least so much of a fist is said to be half closed."""
FIRST_SIGMAS_M = np.array([0.018, 0.014])
NEXT_SIGMAS_M = np.array([0.012, 0.010])
LAST_SIGMAS_M = np.array([0.010, 0.008, 0.006, 0.005, 0.004])
NUM_FINALISTS = 2
MISFIT_M = 0.008
FINGER_GAIN = 0.004
"""A finger that changes its curl alone must explain the scan better by so much."""
HOPELESS = 0.26
"""A misfit above this is no hand: fists under 2 mm of noise and mittens of fused fingers stay below 0.23."""
DETECTOR_SIGMA_M = 0.008


@dataclass(frozen=True, eq=False)
class HandGuess:
    """One hand as its own fit found it."""

    joint_ids: np.ndarray
    """(16,) joints of the model: wrist, then thumb to little finger from root to tip."""
    joints: F64
    """(16, 3) metres, world frame: where the scan shows them."""
    tip_ids: np.ndarray
    """(5,) body vertices at the fingers' ends."""
    tips: F64
    """(5, 3) metres, world frame."""
    support: F64
    """(6,) 0..1, palm and thumb to little finger: how much of the skin the scan shows."""
    curl: float
    """Mean flexion of the four fingers as a share of a fist."""
    misfit: float
    """0..1."""


def guess_hands(
    model: BodyModel, params: BodyParams, scan: ScanPoints, landmarks: Landmarks | None = None
) -> tuple[BodyParams, dict[str, HandGuess]]:
    """`params` with both hands' wrists and fingers as the scan shows them, and what was found by side.

    Models without fingers or hand regions, and hands that are not in the scan at all, are left as they are; a
    hand that cannot be made out is put at rest.
    """
    found: dict[str, HandGuess] = {}
    body = model.pose(params).vertices
    for side in SIDES:
        chain = build_hand_chain(model, params, side)
        if chain is None:
            continue
        start = chain.pose_of(params)
        curled_hands = [_at_curl(chain, start, *curl) for curl in CURLS]
        near = points_of_hand(model, body, chain, curled_hands[::2], scan)
        if near is None:
            continue
        seen = _detected(chain, start, side, landmarks)
        pose, cost = fit_hand(chain, start, near, [*curled_hands, *seen])
        if cost > HOPELESS:
            # Melted into the thigh, or cut off: a natural hand at rest, where the arm carries it.
            params = chain.put_into(params, curled_hands[RELAXED])
            continue
        params = chain.put_into(params, pose)
        curl = float(np.mean(_curls(chain, pose)[1:]))
        state = chain.state(pose)
        found[side] = HandGuess(
            chain.joint_ids,
            state.joints,
            chain.vertex_ids[chain.tips],
            state.vertices[chain.tips],
            support(chain, near, pose, MISFIT_M, Draw(np.zeros(0, dtype=int), np.arange(len(chain.rest)))),
            curl,
            cost,
        )
    return params, found


def fit_hand(
    chain: HandChain, start: HandPose, scan: HandScan, candidates: list[HandPose]
) -> tuple[HandPose, float]:
    """The pose that explains the scan best, and its misfit 0..1."""
    hand = np.flatnonzero(chain.in_hand)
    coarse = Draw(np.arange(0, len(scan.points), 3), hand[::4])
    ends = []
    for place, pose in enumerate(candidates):
        prior = build_hand_prior(chain, start, pose.angles)
        end = descend(chain, scan, prior, pose, FIRST_SIGMAS_M, coarse)
        handicap = RELUCTANCE * abs(place - RELAXED) if place < len(CURLS) else 0.0
        ends.append((misfit(chain, scan, end, MISFIT_M, coarse) + handicap, handicap, end, prior))
    ends.sort(key=lambda each: each[0])
    finalists = []
    for _, handicap, pose, prior in ends[:NUM_FINALISTS]:
        end = descend(chain, scan, prior, pose, NEXT_SIGMAS_M, coarse)
        finalists.append((misfit(chain, scan, end, MISFIT_M, coarse) + handicap, handicap, end))
    cost, handicap, pose = min(finalists, key=lambda each: each[0])
    pose = _fingers_alone(chain, scan, pose, cost - handicap, coarse)
    fine = Draw(np.arange(len(scan.points)), hand[::2])
    prior = build_hand_prior(chain, start, pose.angles)
    pose = descend(chain, scan, prior, pose, LAST_SIGMAS_M, fine)
    return pose, misfit(chain, scan, pose, MISFIT_M, coarse)


def _fingers_alone(chain: HandChain, scan: HandScan, pose: HandPose, cost: float, draw: Draw) -> HandPose:
    """One finger after the other, from the thumb on, at the curl that explains the scan better."""
    for finger in range(5):
        tried = []
        for curl in (0.0, 0.5, 1.0):
            angles = pose.angles.copy()
            rows = slice(3 * finger, 3 * finger + 3)
            angles[rows] = _fist(chain)[rows] * curl
            each = replace(pose, angles=angles)
            tried.append((misfit(chain, scan, each, MISFIT_M, draw), each))
        best, each = min(tried, key=lambda pair: pair[0])
        if best < cost - FINGER_GAIN:
            cost, pose = best, each
    return pose


def _fist(chain: HandChain) -> F64:
    """(15, 3) angles of a fist."""
    angles = np.zeros((15, 3))
    angles[:, FLEXION] = [of_longest_ending(FIST_RAD, name) for name in chain.names[1:]]
    return angles


def _at_curl(chain: HandChain, start: HandPose, fingers: float, thumb: float) -> HandPose:
    share = np.repeat([thumb, fingers, fingers, fingers, fingers], 3)
    return replace(start, angles=_fist(chain) * share[:, None])


def _curls(chain: HandChain, pose: HandPose) -> F64:
    """(5,) flexion of each finger over that of a fist."""
    flexion, fist = (angles[:, FLEXION].reshape(5, 3).sum(axis=1) for angles in (pose.angles, _fist(chain)))
    return flexion / fist


def _detected(chain: HandChain, start: HandPose, side: str, landmarks: Landmarks | None) -> list[HandPose]:
    """The hand that the detector saw, if it did."""
    if landmarks is None:
        return []
    place = {name: k for k, name in enumerate(landmarks.names)}
    name_of = {joint: mark for mark, joint in joint_names_of_landmarks().items() if "_hand_" in mark}
    rows = [place[mark] for mark in (name_of[side + name] for name in chain.names) if mark in place]
    if len(rows) < len(chain.names):
        return []
    sure = np.maximum(landmarks.confidence[rows].astype(np.float64), 0.05)
    relaxed = _at_curl(chain, start, 0.25, 0.3)
    prior = build_hand_prior(chain, start, relaxed.angles)
    sigma = DETECTOR_SIGMA_M / np.sqrt(sure)
    return [descend_joints(chain, prior, relaxed, landmarks.positions[rows], sigma, 8)]


def with_fingers(model: BodyModel, mean: F64, params: BodyParams) -> F64:
    """(J, 3) reference pose whose fingers are those of `params`, so that the prior keeps a fist closed."""
    mean = mean.copy()
    for side in SIDES:
        if f"{side}Hand" in model.joint_names:
            for joint, _, _ in finger_hinges(model, model.rest_joints(params.betas), side):
                mean[joint] = params.pose_rotvec[joint]
    return mean
