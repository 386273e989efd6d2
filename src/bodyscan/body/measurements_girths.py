"""Girths: closed tapes around the body. Each function takes a `Standing` and returns metres.

Levels follow ISO 8559-1:2017 where it defines them by points of the body; the tape is taut, so that it
bridges hollows. Where a definition says least or greatest, a window along the limb is searched. For waist
and hip, the least and the greatest girth within 1.5 % of the stature were tried too: against known bodies
they were no nearer (hip 1.2 cm too large at worst, 0.5 cm at the level of the buttocks).
"""

from __future__ import annotations

import numpy as np

from bodyscan.body.measurements_standing import Standing, searched
from bodyscan.types import F64

BELOW_CROTCH = (0.05, 0.01)
"""Where the thigh's greatest girth is looked for, below the crotch, as shares of the stature."""
MALLEOLUS_SHARE = 0.03
"""The ankle's least girth lies above the malleoli, up to so much of the stature more."""


def head(body: Standing) -> float:
    front = body.points["glabella"] + [0.0, 0.008 * body.stature, 0.0]
    back = body.points["back_of_head"]
    middle = (front + back) / 2
    return body.across_girth("head", middle, np.cross(front - back, [1.0, 0.0, 0.0]))


def neck(body: Standing) -> float:
    low, high = _neck_axis(body)
    axis = high - low
    return searched(lambda share: body.across_girth("neck", low + share * axis, axis), 0.2, 0.7, min)


def neck_base(body: Standing) -> float:
    points = body.points
    total = 0.0
    for side in ("left", "right"):
        stops = [points["c7"], points[f"{side}_neck_base"], points["suprasternale"]]
        total += body.path("neck", stops).taut_length()
    return total


def bust(body: Standing) -> float:
    return body.trunk_girth(bust_level(body))


def bust_level(body: Standing) -> float:
    return body.level("left_nipple", "right_nipple")


def underbust(body: Standing) -> float:
    level = body.level("left_underbust", "right_underbust", "underbust_front", "underbust_back")
    return body.trunk_girth(level)


def waist_level(body: Standing) -> float:
    return body.level("left_waist", "right_waist", "waist_front", "waist_back")


def waist(body: Standing) -> float:
    return body.trunk_girth(waist_level(body))


def navel(body: Standing) -> float:
    return body.trunk_girth(body.level("navel"))


def hip_level(body: Standing) -> float:
    return body.level("left_buttock", "right_buttock")


def top_hip(body: Standing) -> float:
    return body.trunk_girth((waist_level(body) + hip_level(body)) / 2)


def hip(body: Standing) -> float:
    return body.trunk_girth(hip_level(body))


def thigh(body: Standing, side: str) -> float:
    low, high = (body.level("crotch") - share * body.stature for share in BELOW_CROTCH)
    return searched(lambda level: body.leg_girth(side, level), low, high, max)


def mid_thigh(body: Standing, side: str) -> float:
    return body.leg_girth(side, (body.level("crotch") + body.level(f"{side}_knee_cap")) / 2)


def knee(body: Standing, side: str) -> float:
    knee_joint, ankle = body.joint(f"{side}LowerLeg"), body.joint(f"{side}Foot")
    hip_joint = body.joint(f"{side}UpperLeg")
    return body.across_girth(f"{side}_leg", knee_joint, hip_joint - ankle)


def calf(body: Standing, side: str) -> float:
    knee_height, ankle_height = body.joint(f"{side}LowerLeg")[1], body.joint(f"{side}Foot")[1]
    low, high = (ankle_height + share * (knee_height - ankle_height) for share in (0.5, 0.9))
    return searched(lambda level: body.leg_girth(side, level), low, high, max)


def ankle(body: Standing, side: str) -> float:
    low = body.level(f"{side}_ankle_inner", f"{side}_ankle_outer")
    high = low + (0.02 + MALLEOLUS_SHARE) * body.stature
    return searched(lambda level: body.leg_girth(side, level), low, high, min)


def upper_arm(body: Standing, side: str) -> float:
    shoulder, elbow_joint = body.joint(f"{side}UpperArm"), body.joint(f"{side}LowerArm")
    return body.across_girth(f"{side}_arm", (shoulder + elbow_joint) / 2, elbow_joint - shoulder)


def elbow(body: Standing, side: str) -> float:
    shoulder, wrist_joint = body.joint(f"{side}UpperArm"), body.joint(f"{side}Hand")
    return body.across_girth(f"{side}_arm", body.joint(f"{side}LowerArm"), wrist_joint - shoulder)


def forearm(body: Standing, side: str) -> float:
    start, axis = _forearm(body, side)
    return searched(lambda t: body.across_girth(f"{side}_arm", start + t * axis, axis), 0.12, 0.5, max)


def wrist(body: Standing, side: str) -> float:
    start, axis = _forearm(body, side)
    return searched(lambda t: body.across_girth(f"{side}_arm", start + t * axis, axis), 0.85, 1.0, min)


def _forearm(body: Standing, side: str) -> tuple[F64, F64]:
    start = body.joint(f"{side}LowerArm")
    return start, body.joint(f"{side}Hand") - start


def _neck_axis(body: Standing) -> tuple[F64, F64]:
    """From the neck's base to where the head begins."""
    return body.between("c7", "suprasternale"), body.joint("head")
