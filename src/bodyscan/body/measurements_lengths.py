"""Heights, widths and lengths. Each function takes a `Standing` and returns metres."""

from __future__ import annotations

import numpy as np

from bodyscan.body.measurements_girths import bust_level, hip_level, waist_level
from bodyscan.body.measurements_standing import Standing
from bodyscan.types import F64

FORWARD = np.array([0.0, 0.0, 1.0])
LEFT = np.array([1.0, 0.0, 0.0])
DOWN_AND_FORWARD = np.array([0.0, -0.5, 1.0])


def stature(body: Standing) -> float:
    return body.stature


def height_of(body: Standing, *names: str) -> float:
    """Mean height of named points above the floor."""
    return body.level(*names) - body.floor


def waist_height(body: Standing) -> float:
    return waist_level(body) - body.floor


def hip_height(body: Standing) -> float:
    return hip_level(body) - body.floor


def bust_height(body: Standing) -> float:
    return bust_level(body) - body.floor


def body_rise(body: Standing) -> float:
    return waist_level(body) - body.level("crotch")


def straight(body: Standing, first: str, second: str) -> float:
    """Distance of two named points."""
    return float(np.linalg.norm(body.points[first] - body.points[second]))


def across_back_shoulder(body: Standing) -> float:
    """Over the skin from shoulder point to shoulder point by way of the seventh vertebra."""
    return sum(_shoulder_to_c7(body, side) for side in ("left", "right"))


def shoulder_length(body: Standing, side: str) -> float:
    stops = [body.points[f"{side}_neck_base"], body.points[f"{side}_acromion"]]
    return body.path("upper_body", stops, across=np.array([0.0, 1.0, 0.0])).taut_length()


def back_neck_to_waist(body: Standing) -> float:
    stops = [body.points["c7"], body.points["waist_back"]]
    return body.path("neck", stops, across=FORWARD).taut_length()


def front_neck_to_waist(body: Standing) -> float:
    stops = [body.points["suprasternale"], body.points["waist_front"]]
    return body.path("neck", stops, across=FORWARD).taut_length()


def neck_to_bust_point(body: Standing, side: str) -> float:
    return straight(body, f"{side}_neck_base", f"{side}_nipple")


def total_crotch(body: Standing) -> float:
    """From the waist in front between the legs to the waist behind."""
    points = body.points
    stops = [points["waist_front"], points["crotch"], points["waist_back"]]
    return body.path("trunk", stops).taut_length()


def outside_leg(body: Standing, side: str) -> float:
    """From the waist at the side over the hip, then straight down to the floor."""
    waist, knee = body.points[f"{side}_waist"], body.points[f"{side}_trochanter"]
    over_hip = body.path("trunk", [waist, knee], across=LEFT).taut_length()
    return over_hip + float(knee[1]) - body.floor


def outer_arm(body: Standing, side: str) -> float:
    return upper_arm(body, side) + forearm(body, side)


def upper_arm(body: Standing, side: str) -> float:
    return straight(body, f"{side}_acromion", f"{side}_elbow_tip")


def forearm(body: Standing, side: str) -> float:
    return straight(body, f"{side}_elbow_tip", f"{side}_wrist_little_side")


def back_neck_to_wrist(body: Standing, side: str) -> float:
    return _shoulder_to_c7(body, side) + outer_arm(body, side)


def hand_length(body: Standing, side: str) -> float:
    return straight(body, f"{side}_wrist_centre", f"{side}_middle_fingertip")


def foot_length(body: Standing, side: str) -> float:
    """Level, from the heel to the longest toe, along the foot."""
    foot, along = _foot(body, side)
    return float(np.ptp(foot @ along))


def foot_width(body: Standing, side: str) -> float:
    foot, along = _foot(body, side)
    return float(np.ptp(foot @ np.cross(along, [0.0, 1.0, 0.0])))


def _foot(body: Standing, side: str) -> tuple[F64, F64]:
    """The foot's vertices, and its level direction from the heel to the toes."""
    foot = body.vertices[body.model.region(f"{side}_foot")]
    # The leg belongs to the foot's region above the ankle's bones; it must not widen the foot.
    foot = foot[foot[:, 1] < body.level(f"{side}_ankle_inner", f"{side}_ankle_outer")]
    along = (body.joint(f"{side}Toes") - body.points[f"{side}_heel"]) * [1.0, 0.0, 1.0]
    return foot, along / np.linalg.norm(along)


def _shoulder_to_c7(body: Standing, side: str) -> float:
    stops = [body.points[f"{side}_acromion"], body.points["c7"]]
    return body.path("upper_body", stops, across=DOWN_AND_FORWARD).taut_length()
