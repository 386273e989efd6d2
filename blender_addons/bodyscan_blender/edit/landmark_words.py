# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Landmarks in words: what a point is called, which part of the body it is of, and what mirrors it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from bodyscan.body.landmarks import (
    FACE_LANDMARKS,
    HAND_LANDMARKS,
    LANDMARK_NAMES,
    POSE_LANDMARKS,
    detector_points,
)
from bodyscan.body.model import BodyModel

PARTS = ("Head", "Left arm", "Right arm", "Left hand", "Right hand", "Left leg", "Right leg", "Face")
"""Parts of the body that landmarks are grouped by, in the order in which they are shown."""
SURE, USED = 0.5, 0.2
"""Confidence from which a point counts as sure, and below which the fit leaves it out."""

_HEAD = ("nose", "ear", "eye", "mouth")
_ARM, _HAND, _LEG = (
    ("shoulder", "elbow", "wrist"),
    ("pinky", "index", "thumb"),
    ("hip", "knee", "ankle", "heel", "foot"),
)
_SPECIAL = {
    "pinky": "little finger, knuckle",
    "index": "index finger, knuckle",
    "thumb": "thumb, knuckle",
    "foot_index": "toe tip",
    "eye_inner": "eye, inner corner",
    "eye_outer": "eye, outer corner",
}
_FINGERS = ("thumb", "index finger", "middle finger", "ring finger", "little finger")
_THUMB = ("root", "knuckle", "joint", "tip")
_FINGER = ("knuckle", "middle joint", "last joint", "tip")


def words_of(name: str) -> str:
    """A landmark's name as a person says it: `left_hand_8` is `Left hand: index finger, tip`."""
    side, _, rest = name.partition("_")
    if side == "face":
        return f"Face point {rest}"
    if name in ("mouth_left", "mouth_right"):
        return f"{rest.capitalize()} corner of the mouth"
    if side not in ("left", "right"):
        return name.replace("_", " ").capitalize()
    kind, _, number = rest.partition("_")
    if kind == "hand":
        return f"{side.capitalize()} hand: {_point_of_hand(int(number))}"
    return f"{side.capitalize()} {_SPECIAL.get(rest, rest.replace('_', ' '))}"


def part_of(name: str) -> str:
    """The part of the body, one of `PARTS`."""
    if name in FACE_LANDMARKS:
        return "Face"
    side, _, rest = name.partition("_")
    kind = rest.partition("_")[0]
    if side in ("nose", "mouth") or kind in _HEAD:
        return "Head"
    if kind in _ARM:
        return f"{side.capitalize()} arm"
    return f"{side.capitalize()} leg" if kind in _LEG else f"{side.capitalize()} hand"


def confidence_words(confidence: float) -> str:
    """How sure the detector is, with what follows of it."""
    share = f"{100 * confidence:.0f} % sure"
    if confidence < USED:
        return f"{share}: the fit leaves it out"
    return share if confidence >= SURE else f"{share}: look at it"


def mirrored(name: str) -> str | None:
    """The same point of the other side of the body, or None for one in the middle.

    The points of the face are numbered and tell no side: None for them too.
    """
    for side, counterpart in (("left", "right"), ("right", "left")):
        if side in name.split("_"):
            return "_".join(counterpart if word == side else word for word in name.split("_"))
    return None


def is_inside(name: str, model: BodyModel) -> bool:
    """Whether the body has this point inside of itself (the middle of a joint), not on its skin."""
    return bool(_inside(model).get(name, False))


def in_reading_order(names: list[str]) -> list[str]:
    """Names in the order of `LANDMARK_NAMES`."""
    place = {name: k for k, name in enumerate(LANDMARK_NAMES)}
    return sorted(names, key=lambda name: place.get(name, len(place)))


def _point_of_hand(number: int) -> str:
    if number == 0:
        return "wrist"
    finger, joint = divmod(number - 1, 4)
    return f"{_FINGERS[finger]}, {(_THUMB if finger == 0 else _FINGER)[joint]}"


@lru_cache(maxsize=2)
def _inside(model: BodyModel) -> dict[str, bool]:
    points = detector_points(model)
    joints = np.diff(points.over_joints.indptr) > 0
    return dict(zip(points.names, joints.tolist(), strict=True))


__all__ = [
    "FACE_LANDMARKS",
    "HAND_LANDMARKS",
    "LANDMARK_NAMES",
    "PARTS",
    "POSE_LANDMARKS",
    "confidence_words",
    "in_reading_order",
    "is_inside",
    "mirrored",
    "part_of",
    "words_of",
]
