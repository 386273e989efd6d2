# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the bones of Rigify's human metarig stand on a twin's joints. No `bpy` here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

F64 = np.ndarray
SIDES = {"left": ".L", "right": ".R"}
TRUNK = {
    "hips": "spine",
    "spine": "spine.001",
    "chest": "spine.002",
    "upperChest": "spine.003",
    "neck": "spine.004",
    "head": "spine.006",
}
"""VRM bone -> bone of the metarig; its neck has one joint more, `spine.005`, between neck and head."""
LIMBS = {
    "Shoulder": "shoulder",
    "UpperArm": "upper_arm",
    "LowerArm": "forearm",
    "Hand": "hand",
    "UpperLeg": "thigh",
    "LowerLeg": "shin",
    "Foot": "foot",
    "Toes": "toe",
    **{
        f"{finger}{segment}": f"{bone}.{number:02d}"
        for finger, bone in (
            ("Index", "f_index"),
            ("Middle", "f_middle"),
            ("Ring", "f_ring"),
            ("Little", "f_pinky"),
        )
        for number, segment in enumerate(("Proximal", "Intermediate", "Distal"), 1)
    },
    "ThumbMetacarpal": "thumb.01",
    "ThumbProximal": "thumb.02",
    "ThumbDistal": "thumb.03",
}
PALMS = {"Index": "palm.01", "Middle": "palm.02", "Ring": "palm.03", "Little": "palm.04"}
PALM_SHARE = 0.25
"""Where a palm's bone begins between wrist and knuckle."""
HEEL = "heel.02"
NUDGE_M, LEAST_BEND_M = 0.0008, 0.0004
"""How far an elbow or knee may be moved, and how far off the straight line it must be: Rigify takes the way
in which a limb bends from there."""

RIGIFY_NAMES: Mapping[str, str] = {
    **TRUNK,
    **{f"{side}{part}": bone + end for side, end in SIDES.items() for part, bone in LIMBS.items()},
}
"""VRM bone -> bone of the metarig, for every joint that both have."""


@dataclass(frozen=True, eq=False)
class Place:
    """A bone of the metarig, Blender's axes, metres."""

    head: F64
    tail: F64
    z_axis: F64


def places(
    bones: Mapping[str, Place], heels: Mapping[str, tuple[F64, F64]]
) -> tuple[dict[str, Place], list[str]]:
    """Return where the metarig's bones stand, and limbs that are bent back further than a nudge can mend.

    `bones`: VRM name -> the twin's own bone; `heels`: side -> the outer and inner end of the heel.
    """
    out: dict[str, Place] = {}
    for name, bone in bones.items():
        if name in RIGIFY_NAMES:
            out[RIGIFY_NAMES[name]] = bone
    _join_trunk(out)
    backward = []
    for side, end in SIDES.items():
        for upper, lower, tip in (("upper_arm", "forearm", "hand"), ("thigh", "shin", "foot")):
            if upper + end in out and not _bend(out, upper + end, lower + end, tip + end):
                backward.append(f"{side} {'arm' if tip == 'hand' else 'leg'}")
        toe = out.get("toe" + end)
        if toe is not None:
            # Rigify's toes look up, as its feet are built to roll.
            out["toe" + end] = Place(toe.head, toe.tail, np.array([0.0, 0.0, 1.0]))
        hand = out.get("hand" + end)
        for finger, palm in PALMS.items():
            knuckle = bones.get(f"{side}{finger}Proximal")
            if hand is not None and knuckle is not None:
                head = hand.head + PALM_SHARE * (knuckle.head - hand.head)
                out[palm + end] = Place(head, knuckle.head, hand.z_axis)
        if side in heels and "foot" + end in out:
            out[HEEL + end] = Place(*heels[side], np.array([0.0, 0.0, 1.0]))
    return out, backward


def _join_trunk(out: dict[str, Place]) -> None:
    """Each bone of the trunk ends where the next begins; the neck is halved."""
    if "spine.004" in out and "spine.006" in out:
        neck, head = out["spine.004"], out["spine.006"].head
        middle = (neck.head + head) / 2
        out["spine.004"] = Place(neck.head, middle, neck.z_axis)
        out["spine.005"] = Place(middle, head, neck.z_axis)


def _bend(out: dict[str, Place], upper: str, lower: str, tip: str) -> bool:
    """Move a straight limb's middle joint a hair the way it bends; False where it is bent the other way."""
    start, middle, end = out[upper].head, out[lower].head, out[tip].head
    line = (end - start) / np.linalg.norm(end - start)
    toward = -(out[upper].z_axis - (out[upper].z_axis @ line) * line)
    toward /= np.linalg.norm(toward)
    missing = LEAST_BEND_M - (middle - start) @ toward
    if missing <= 0:
        return True
    moved = middle + toward * min(missing, NUDGE_M)
    out[upper] = Place(start, moved, out[upper].z_axis)
    out[lower] = Place(moved, out[lower].tail, out[lower].z_axis)
    return missing <= NUDGE_M
