"""The 55-joint VRM skeleton, merged from the 163 bones of the MakeHuman default rig.

MakeHuman's own weights for the default rig are normalised and hand-painted; its `mixamo` weights are
not normalised. Merging whole bones keeps each vertex's weights a partition of unity, takes the number of
influences from 9 down to mostly 4, and every joint stays the centre of one cube of the base mesh, so that
joints are linear in shape.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

SIDES = (("left", "L", "l"), ("right", "R", "r"))
FINGERS = {2: "Index", 3: "Middle", 4: "Ring", 5: "Little"}


@dataclass(frozen=True)
class JointSource:
    name: str
    parent: str
    cubes: tuple[str, ...]
    """The joint is the mean of the centres of these vertex groups."""
    bones: tuple[str, ...]
    """Bones of the default rig whose weights it takes (regular expressions, first match wins)."""


def joint_sources() -> list[JointSource]:
    """Joints in order, parents first. Names are those of the VRM 1.0 humanoid."""
    joints = [
        JointSource("hips", "", ("joint-pelvis",), ("root", r"pelvis\.[LR]", "spine05")),
        JointSource("spine", "hips", ("joint-spine-4",), ("spine04", "spine03")),
        JointSource("chest", "spine", ("joint-spine-2",), ("spine02", r"breast\.[LR]")),
        JointSource("upperChest", "chest", ("joint-spine-1",), ("spine01",)),
        JointSource("neck", "upperChest", ("joint-neck",), (r"neck0\d",)),
        JointSource("head", "neck", ("joint-head",), ("head",)),
        JointSource("jaw", "head", ("joint-mouth",), ("jaw",)),
    ]
    for side, upper, lower in SIDES:
        joints.append(JointSource(f"{side}Eye", "head", (f"joint-{lower}-eye",), (rf"eye\.{upper}",)))
    for side, upper, lower in SIDES:
        joints += _leg(side, upper, lower)
    for side, upper, lower in SIDES:
        joints += _arm(side, upper, lower)
    return joints


def _leg(side: str, upper: str, lower: str) -> list[JointSource]:
    toes = tuple(f"joint-{lower}-toe-{k}-1" for k in range(1, 6))
    return [
        JointSource(f"{side}UpperLeg", "hips", (f"joint-{lower}-upper-leg",), (rf"upperleg0\d\.{upper}",)),
        JointSource(
            f"{side}LowerLeg", f"{side}UpperLeg", (f"joint-{lower}-knee",), (rf"lowerleg0\d\.{upper}",)
        ),
        JointSource(f"{side}Foot", f"{side}LowerLeg", (f"joint-{lower}-ankle",), (rf"foot\.{upper}",)),
        JointSource(f"{side}Toes", f"{side}Foot", toes, (rf"toe\d-\d\.{upper}",)),
    ]


def _arm(side: str, upper: str, lower: str) -> list[JointSource]:
    hand = f"{side}Hand"
    joints = [
        JointSource(
            f"{side}Shoulder",
            "upperChest",
            (f"joint-{lower}-clavicle",),
            (rf"clavicle\.{upper}", rf"shoulder01\.{upper}"),
        ),
        JointSource(
            f"{side}UpperArm", f"{side}Shoulder", (f"joint-{lower}-shoulder",), (rf"upperarm0\d\.{upper}",)
        ),
        JointSource(
            f"{side}LowerArm", f"{side}UpperArm", (f"joint-{lower}-elbow",), (rf"lowerarm0\d\.{upper}",)
        ),
        JointSource(
            hand, f"{side}LowerArm", (f"joint-{lower}-hand",), (rf"wrist\.{upper}", rf"metacarpal\d\.{upper}")
        ),
    ]
    thumb = ("ThumbMetacarpal", "ThumbProximal", "ThumbDistal")
    chains = {1: thumb} | {
        k: (f"{name}Proximal", f"{name}Intermediate", f"{name}Distal") for k, name in FINGERS.items()
    }
    for finger, names in chains.items():
        parent = hand
        for segment, name in enumerate(names, start=1):
            joints.append(
                JointSource(
                    f"{side}{name}",
                    parent,
                    (f"joint-{lower}-finger-{finger}-{segment}",),
                    (rf"finger{finger}-{segment}\.{upper}",),
                )
            )
            parent = f"{side}{name}"
    return joints


def joint_regressor(
    joints: list[JointSource], groups: dict[str, np.ndarray], num_vertices: int
) -> np.ndarray:
    """(J, V) matrix with which joints are a mean of base-mesh vertices."""
    regressor = np.zeros((len(joints), num_vertices))
    for row, joint in enumerate(joints):
        vertices = np.concatenate([groups[cube] for cube in joint.cubes])
        regressor[row, vertices] = 1 / len(vertices)
    return regressor


def merge_weights(
    joints: list[JointSource], weights: dict[str, np.ndarray], parents: dict[str, str]
) -> np.ndarray:
    """(V, J) dense weights: each bone goes to the joint that names it, or to its parent bone's joint."""
    owner: dict[str, int] = {}

    def find(bone: str) -> int:
        if bone not in owner:
            owner[bone] = next(
                (
                    row
                    for row, joint in enumerate(joints)
                    if any(re.fullmatch(pattern, bone) for pattern in joint.bones)
                ),
                -1,
            )
            if owner[bone] < 0:
                owner[bone] = find(parents[bone])
        return owner[bone]

    merged = np.zeros((len(next(iter(weights.values()))), len(joints)))
    for bone, column in weights.items():
        merged[:, find(bone)] += column
    return merged


def keep_four(weights: np.ndarray) -> np.ndarray:
    """Zero all but the four largest weights of each row and make the rows sum to 1 again."""
    order = np.argsort(-weights, axis=1, kind="stable")
    kept = weights.copy()
    np.put_along_axis(kept, order[:, 4:], 0.0, axis=1)
    return kept / kept.sum(axis=1, keepdims=True)
