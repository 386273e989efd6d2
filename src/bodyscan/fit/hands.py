"""Open hand or fist: the fingers' first guess.

A fist looks like a mitten to nearest-point matching, and fingers that start straight never curl into it. So
before the fingers are solved for, each hand tries a few curls between straight and fist, and keeps the one
whose skin lies nearest to the scan.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from bodyscan.body.model import BodyModel
from bodyscan.fit.prior import finger_hinges
from bodyscan.fit.scan_points import ScanPoints
from bodyscan.types import F64, BodyParams, Bool

CURLS = (0.0, 0.35, 0.7, 1.0)
"""Shares of a fist."""
FIST_RAD = {"Proximal": 1.2, "Intermediate": 1.4, "Distal": 0.8}
"""Radians from the unposed body, whose fingers are a little bent already."""
THUMB_RAD = {"ThumbMetacarpal": 0.35, "ThumbProximal": 0.55, "ThumbDistal": 0.7}
REACH_M = 0.03
"""Scan points so far beyond every candidate's hand belong to other parts."""
SCALE_M = 0.012
"""Above the noise of a depth camera, below the length of a finger's last two bones. A smaller scale with
normals counted in was tried: noise of 2 mm hid fists from it."""
CLEAR_GAIN = 0.04
"""Straight is the rule; a curl must explain the scan better by so much to be believed."""


def guess_hands(
    model: BodyModel, params: BodyParams, scan: ScanPoints
) -> tuple[BodyParams, dict[str, float]]:
    """`params` with both hands at the curl that explains the scan best, and the curls by side.

    Models without fingers or hand regions are returned as they are.
    """
    chosen: dict[str, float] = {}
    for side in ("left", "right"):
        region = f"{side}_hand"
        if region not in model.region_names or f"{side}IndexProximal" not in model.joint_names:
            continue
        skin = model.region(region)
        if len(model.inner):
            skin = skin & ~model.inner
        candidates = {curl: curled(model, params, side, curl) for curl in CURLS}
        hands = {curl: model.pose(tried).vertices for curl, tried in candidates.items()}
        near = _points_near(scan, [vertices[skin] for vertices in hands.values()])
        if near.sum() < 50:
            continue
        fingers = skin & _moved_by_curl(hands)
        costs = {curl: _cost(vertices, skin, fingers, scan, near) for curl, vertices in hands.items()}
        best = min(costs, key=lambda curl: costs[curl])
        if costs[best] > costs[0.0] - CLEAR_GAIN:
            best = 0.0
        params, chosen[side] = candidates[best], best
    return params, chosen


def curled(model: BodyModel, params: BodyParams, side: str, curl: float) -> BodyParams:
    """`params` with one hand's fingers at a share `curl` (0..1) of a fist."""
    pose = params.pose_rotvec.copy()
    joints = model.rest_joints(params.betas)
    for joint, axis, name in finger_hinges(model, joints, side):
        table = THUMB_RAD if "Thumb" in name else FIST_RAD
        angle = next(value for ending, value in table.items() if name.endswith(ending))
        pose[joint] = curl * angle * axis
    return BodyParams(params.betas, pose, params.translation, params.expression)


def _points_near(scan: ScanPoints, hands: list[F64]) -> np.ndarray:
    tree = KDTree(np.concatenate(hands))
    gap, _ = tree.query(scan.points, distance_upper_bound=REACH_M, workers=-1)
    return np.isfinite(gap)


def _moved_by_curl(hands: dict[float, F64]) -> Bool:
    """(V,) True for the vertices that a fist moves by more than a centimetre."""
    return np.linalg.norm(hands[max(hands)] - hands[min(hands)], axis=1) > 0.01


def _cost(vertices: F64, skin: Bool, fingers: Bool, scan: ScanPoints, near: Bool) -> float:
    """Mean robust distance in units of `SCALE_M`: of the fingers to the scan, and of the scan to the hand."""
    there, _ = KDTree(scan.points[near]).query(vertices[fingers], workers=-1)
    back, _ = KDTree(vertices[skin]).query(scan.points[near], workers=-1)
    robust = [float(np.mean((d / SCALE_M) ** 2 / (1 + (d / SCALE_M) ** 2))) for d in (there, back)]
    return 0.5 * (robust[0] + robust[1])


def with_fingers(model: BodyModel, mean: F64, params: BodyParams) -> F64:
    """(J, 3) reference pose whose fingers are those of `params`, so that the prior keeps a fist closed."""
    mean = mean.copy()
    for side in ("left", "right"):
        if f"{side}Hand" in model.joint_names:
            for joint, _, _ in finger_hinges(model, model.rest_joints(params.betas), side):
                mean[joint] = params.pose_rotvec[joint]
    return mean
