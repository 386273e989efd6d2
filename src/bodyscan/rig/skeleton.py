"""Which joints a rig has, and merging the weights of those that it does not have.

Names and order are those of the VRM 1.0 humanoid (VRM Consortium, "VRMC_vrm-1.0", humanoid bones).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from bodyscan.errors import InputError
from bodyscan.types import I32

_SIDES = ("left", "right")
_FINGERS = ("Thumb", "Index", "Middle", "Ring", "Little")

BODY_JOINTS: frozenset[str] = frozenset(["hips", "spine", "chest", "upperChest", "neck", "head"]) | frozenset(
    side + part
    for side in _SIDES
    for part in ("UpperLeg", "LowerLeg", "Foot", "Toes", "Shoulder", "UpperArm", "LowerArm", "Hand")
)
"""The 22 joints of the body without fingers and face."""

FINGER_JOINTS: frozenset[str] = frozenset(
    side + finger + segment
    for side in _SIDES
    for finger in _FINGERS
    for segment in (
        ("Metacarpal", "Proximal", "Distal") if finger == "Thumb" else ("Proximal", "Intermediate", "Distal")
    )
)
"""The 30 joints of the fingers."""

FACE_JOINTS: frozenset[str] = frozenset({"jaw", "leftEye", "rightEye"})

JOINT_SETS: dict[str, frozenset[str]] = {
    "body": BODY_JOINTS,
    "hands": BODY_JOINTS | FINGER_JOINTS,
    "full": BODY_JOINTS | FINGER_JOINTS | FACE_JOINTS,
}
"""Name of a joint set -> its joints: 22, 52 and 55."""


@dataclass(frozen=True, eq=False)
class JointReduction:
    """A skeleton with fewer joints."""

    kept: I32
    """(K,) int32, ascending: index of each kept joint in the whole skeleton."""
    joint_names: tuple[str, ...]
    """(K) names of the kept joints."""
    parents: I32
    """(K,) int32 into the kept joints, -1 for the root."""
    weights: sparse.csr_matrix
    """(V, K) float64 sparse, rows sum to what they summed to before."""


def reduce_joints(
    names: tuple[str, ...], parents: I32, weights: sparse.csr_matrix, joint_set: str
) -> JointReduction:
    """Keep the joints of `joint_set`; the weight of every other joint goes to its nearest kept ancestor.

    `names` (J), `parents` (J,) with -1 for the root, `weights` (V, J). The root is always kept. Raises
    `InputError` for an unknown set, or where the skeleton lacks a body joint of the set: another naming
    would otherwise silently leave a skeleton of one joint.
    """
    if joint_set not in JOINT_SETS:
        raise InputError(f"The joint set '{joint_set}' is unknown; possible are {', '.join(JOINT_SETS)}.")
    if missing := sorted(BODY_JOINTS - set(names)):
        raise InputError(
            f"The body model's skeleton lacks {', '.join(missing[:6])}; a rig needs the VRM humanoid names "
            f"of its 22 body joints. It has: {', '.join(names)}."
        )
    wanted = JOINT_SETS[joint_set]
    keep = np.array([name in wanted or parent < 0 for name, parent in zip(names, parents, strict=True)])
    kept = np.flatnonzero(keep)
    place = np.cumsum(keep) - 1
    owner = np.empty(len(names), np.int64)
    for joint, parent in enumerate(parents):
        owner[joint] = place[joint] if keep[joint] else owner[parent]
    merge = sparse.csr_matrix(
        (np.ones(len(names)), (np.arange(len(names)), owner)), shape=(len(names), len(kept))
    )
    merged = sparse.csr_matrix(weights @ merge)
    new_parents = np.array([owner[parents[j]] if parents[j] >= 0 else -1 for j in kept], np.int32)
    return JointReduction(kept.astype(np.int32), tuple(names[j] for j in kept), new_parents, merged)
