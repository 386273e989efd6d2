# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an animator wants a twin's bones: directions, lengths, rolls, groups and colours. No `bpy` here.

A twin's joints are points; Blender's bones have a length and a roll. Each bone points to the joint that
continues the limb, so that turning it about itself twists the limb and nothing else. Ends (head, hands,
fingertips, toes) reach as far as the skin that they move.

Rolls follow one rule: local X is the axis about which the limb bends, and a positive turn bends it the way it
goes by itself (elbows and knees close, fingers curl, the trunk bows). The axis is carried from a standing
T-pose to the bone's own direction by the shortest turn; where a limb is bent enough to show the plane that it
bends in, that plane counts. The rule knows no side: mirrored joints give mirrored bones to the bit, which is
what Blender's own mirrored pasting of poses asks for.

Everything is in bodyscan's world (metres, +Y up, facing +Z).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from bodyscan.errors import InputError
from bodyscan.types import F32, F64, U16, Skeleton

UP, FORWARD = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])
SIDES = {"left": 1.0, "right": -1.0}
"""Side -> the sign of its X."""
FINGERS = ("Thumb", "Index", "Middle", "Ring", "Little")
TRUNK = ("hips", "spine", "chest", "upperChest", "neck", "head")
TORSO = TRUNK[:4]
"""Bones that share one skin: their vertices are not told apart where it is measured."""
NEXT = {
    "Shoulder": "UpperArm",
    "UpperArm": "LowerArm",
    "LowerArm": "Hand",
    "Hand": "MiddleProximal",
    "UpperLeg": "LowerLeg",
    "LowerLeg": "Foot",
    "Foot": "Toes",
}
"""Part of a limb -> the part that continues it."""
ENDS = {"head": UP, "jaw": FORWARD, "Eye": FORWARD, "Toes": FORWARD}
"""Where ends point; fingers and hands without fingers go on as the bone before them."""
SHORTEST_M = 0.005
"""Blender deletes bones without length."""
OWNED = 0.5
"""Weight from which on a joint owns a vertex."""
MIDDLE = (0.25, 0.75)
"""The part of a bone's length around which its skin is measured."""
LEAST_VERTICES = 6
STRAIGHT_DEG, BENT_DEG = 8.0, 25.0
"""Below the first, a limb's bend is noise; above the second, its plane alone decides."""

GROUPS = ("Body", "Arms", "Legs", "Hands", "Face", "Other")
"""Names of the bone collections of the skin's own bones."""


@dataclass(frozen=True, eq=False)
class BoneLayout:
    """One row a joint, in the skeleton's order. World frame."""

    heads: F64
    """(J, 3) the joints themselves."""
    tails: F64
    """(J, 3); no bone is shorter than `SHORTEST_M`."""
    z_axes: F64
    """(J, 3) unit, at right angles to the bone: where its end goes when it bends. X is Y x Z."""
    connected: np.ndarray
    """(J,) bool: begins exactly where its parent ends."""
    skin: F64
    """(J, 4) metres: around the middle of the bone, the skin's centre along the bone's X and Z and half of
    its width along both; zeros where the bone moves no skin there."""

    @property
    def lengths(self) -> F64:
        """(J,) metres."""
        return np.linalg.norm(self.tails - self.heads, axis=1)


def bone_layout(
    skeleton: Skeleton, names: tuple[str, ...], positions: F32, joint_indices: U16, joint_weights: F32
) -> BoneLayout:
    """Lay out the bones of a skinned body.

    `names` (J): the VRM humanoid name of each joint, where it has one; `positions` (V, 3) of the bind pose,
    `joint_indices` and `joint_weights` (V, 4). Raises `InputError` for joints or vertices that are no
    numbers.
    """
    heads = np.asarray(skeleton.positions, np.float64)
    if not (np.isfinite(heads).all() and np.isfinite(positions).all()):
        raise InputError("The twin's joints or vertices are no finite numbers; its file is damaged.")
    index = {name: joint for joint, name in enumerate(names)}
    owned = _owned(len(names), np.asarray(positions, np.float64), joint_indices, joint_weights)
    tails = heads.copy()
    connected = np.zeros(len(names), bool)
    for joint, name in enumerate(names):
        following = _following(joint, name, index, skeleton)
        if following is not None and _far(heads[following] - heads[joint]):
            tails[joint] = heads[following]
            connected[following] = skeleton.parents[following] == joint
        else:
            parent = int(skeleton.parents[joint])
            tails[joint] = _end(name, heads[joint], owned[joint], _before(joint, parent, heads, tails))
    directions = (tails - heads) / np.linalg.norm(tails - heads, axis=1, keepdims=True)
    z_axes = np.stack([_z_axis(name, directions[j], index, heads) for j, name in enumerate(names)])
    torso = np.concatenate([owned[index[name]] for name in TORSO if name in index] or [np.zeros((0, 3))])
    skin = np.stack(
        [
            _skin_around(heads[j], tails[j], z_axes[j], torso if name in TORSO else owned[j])
            for j, name in enumerate(names)
        ]
    )
    return BoneLayout(heads, tails, z_axes, connected, skin)


def side_of(name: str) -> tuple[str, str]:
    """`leftUpperArm` -> (`left`, `UpperArm`); (``, name) for the middle."""
    for side in SIDES:
        if name.startswith(side) and name[len(side) :][:1].isupper():
            return side, name[len(side) :]
    return "", name


def group_of(name: str) -> str:
    """The bone collection of a VRM bone, one of `GROUPS`."""
    _, part = side_of(name)
    if part in TRUNK:
        return "Body"
    if part in ("jaw", "Eye"):
        return "Face"
    if part in ("Shoulder", "UpperArm", "LowerArm"):
        return "Arms"
    if part in ("UpperLeg", "LowerLeg", "Foot", "Toes"):
        return "Legs"
    return "Hands" if part == "Hand" or part.startswith(FINGERS) else "Other"


def is_hinge(name: str) -> bool:
    """Whether a VRM bone bends about one axis: elbows, knees, fingers beyond the knuckle, toes, the jaw."""
    part = side_of(name)[1]
    if part.startswith(FINGERS):
        return part.endswith(("Intermediate", "Distal")) or part == "ThumbProximal"
    return part in ("LowerArm", "LowerLeg", "Toes", "jaw")


def _owned(count: int, positions: F64, joints: U16, weights: F32) -> list[F64]:
    """For each joint the vertices (N, 3) that it owns."""
    strongest = np.argmax(weights, axis=1)
    rows = np.arange(len(weights))
    owner = np.where(weights[rows, strongest] >= OWNED, joints[rows, strongest].astype(np.int64), -1)
    return [positions[owner == joint] for joint in range(count)]


def _following(joint: int, name: str, index: dict[str, int], skeleton: Skeleton) -> int | None:
    """The joint that continues a bone, or None for an end."""
    side, part = side_of(name)
    if part in TRUNK:
        later = TRUNK[TRUNK.index(part) + 1 :]
        known = [index[other] for other in later if other in index]
        return known[0] if known else None
    wanted = [NEXT[part]] if part in NEXT else []
    for finger in FINGERS:
        segments = (
            ("Metacarpal", "Proximal", "Distal")
            if finger == "Thumb"
            else ("Proximal", "Intermediate", "Distal")
        )
        for before, after in itertools.pairwise(segments):
            if part == finger + before:
                wanted.append(finger + after)
    for other in wanted:
        if side + other in index:
            return index[side + other]
    if part == name and not side and name not in ENDS:
        children = np.flatnonzero(skeleton.parents == joint)
        return int(children[0]) if len(children) == 1 else None
    return None


def _before(joint: int, parent: int, heads: F64, tails: F64) -> F64:
    """The direction in which a limb comes to a joint."""
    for vector in (heads[joint] - heads[parent], tails[parent] - heads[parent]) if parent >= 0 else ():
        if _far(vector):
            return vector / np.linalg.norm(vector)
    return UP


def _end(name: str, head: F64, owned: F64, before: F64) -> F64:
    """The tail of a bone that no joint continues: as far as the skin that it moves."""
    _, part = side_of(name)
    direction = ENDS.get(part, before)
    if part in ("head", "jaw") and len(owned):
        direction = _towards_tip(head, owned, direction)
    reach = ((owned - head) @ direction).max(initial=0.0)
    return head + direction * max(float(reach), 4 * SHORTEST_M)


def _towards_tip(head: F64, owned: F64, direction: F64) -> F64:
    """From a joint to the middle of the skin's furthest tenth, twice over: the crown, the chin.

    The middle of its extent, not of its vertices, which are dense where the face is.
    """
    for _ in range(2):
        along = (owned - head) @ direction
        tip = owned[along >= 0.9 * along.max()]
        middle = (tip.min(axis=0) + tip.max(axis=0)) / 2 - head
        if along.max() < SHORTEST_M or not _far(middle):
            break
        direction = middle / np.linalg.norm(middle)
    return direction


def _skin_around(head: F64, tail: F64, z_axis: F64, owned: F64) -> F64:
    """Centre and half widths of a bone's skin, along its X and Z, within the middle of its length."""
    bone = tail - head
    length = float(np.linalg.norm(bone))
    along = (owned - head) @ bone / length**2
    low, high = MIDDLE
    near = owned[(along > low) & (along < high)] - head
    if len(near) < LEAST_VERTICES:
        return np.zeros(4)
    across = np.stack([near @ np.cross(bone / length, z_axis), near @ z_axis], axis=1)
    low, high = across.min(axis=0), across.max(axis=0)
    return np.concatenate([(low + high) / 2, (high - low) / 2])


def _z_axis(name: str, direction: F64, index: dict[str, int], heads: F64) -> F64:
    """Where the bone's end goes when it bends, (3,) unit and at right angles to `direction`."""
    side, part = side_of(name)
    sign = SIDES.get(side, 1.0)
    outward = sign * np.array([1.0, 0.0, 0.0])
    if part.startswith(FINGERS) or part == "Hand":
        found = _palm(name, direction, index, heads)
        if found is not None:
            return found
        reference, bends = outward, -UP
    elif part in ("Shoulder", "UpperArm", "LowerArm"):
        reference, bends = outward, FORWARD
    elif part in ("UpperLeg", "LowerLeg"):
        reference, bends = -UP, -FORWARD
    elif part in ("Foot", "Toes", "jaw", "Eye"):
        reference, bends = FORWARD, -UP
    else:
        reference, bends = UP, FORWARD
    carried = _square(shortest_turn(reference, direction) @ bends, direction)
    if part in ("UpperArm", "LowerArm", "UpperLeg", "LowerLeg"):
        limb = part[len("Upper") :]
        chain = [f"{side}{other}" for other in (f"Upper{limb}", f"Lower{limb}", NEXT[f"Lower{limb}"])]
        if all(joint in index for joint in chain):
            return _bend_plane(direction, carried, heads[[index[joint] for joint in chain]])
    return carried


def _bend_plane(direction: F64, carried: F64, joints: F64) -> F64:
    """Mix the carried axis with the plane in which a limb (3 joints) is bent, the more the more it is."""
    upper, lower = np.diff(joints, axis=0)
    if not (_far(upper) and _far(lower)):
        return carried
    normal = np.cross(upper, lower)
    bend = np.degrees(np.arctan2(np.linalg.norm(normal), upper @ lower))
    axis = np.cross(direction, carried)
    share = np.clip((bend - STRAIGHT_DEG) / (BENT_DEG - STRAIGHT_DEG), 0.0, 1.0)
    if share == 0.0 or (normal @ axis <= 0 and bend < BENT_DEG):
        return carried  # straight, or bent back a little: the joint's own play, not its plane
    share = share * share * (3 - 2 * share)
    mixed = (1 - share) * axis + share * normal / np.linalg.norm(normal)
    return _square(np.cross(mixed, direction), direction)


def _palm(name: str, direction: F64, index: dict[str, int], heads: F64) -> F64 | None:
    """Towards the palm, at right angles to a hand's or finger's bone; None without knuckles."""
    side, part = side_of(name)
    knuckles = [index.get(f"{side}{finger}Proximal") for finger in ("Index", "Little")]
    if None in knuckles:
        return None
    fore, little = heads[knuckles[0]], heads[knuckles[1]]
    if part.startswith("Thumb"):
        # A thumb closes towards the little finger's knuckle, whatever it does at rest.
        joint = index[name]
        return _square(little - heads[joint], direction)
    # X lies along the row of knuckles. Mirroring turns a cross product over, hence the side's sign.
    across = _square((little - fore) * SIDES[side], direction)
    return np.cross(across, direction)


def shortest_turn(start: F64, end: F64) -> F64:
    """(3, 3): the smallest rotation that takes the direction `start` (3,) to `end` (3,)."""
    start, end = start / np.linalg.norm(start), end / np.linalg.norm(end)
    cosine = float(start @ end)
    if cosine < -1 + 1e-9:
        # Half a turn about any axis at right angles; the one nearest to forward or up.
        axis = _square(FORWARD if abs(start[2]) < 0.9 else UP, start)
        return 2 * np.outer(axis, axis) - np.eye(3)
    x, y, z = np.cross(start, end)
    skew = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    return np.eye(3) + skew + skew @ skew / (1 + cosine)


def _square(vector: F64, direction: F64) -> F64:
    """The part of `vector` at right angles to the unit `direction`, as a unit vector."""
    rest = vector - (vector @ direction) * direction
    length = np.linalg.norm(rest)
    if length < 1e-9:
        other = np.eye(3)[np.abs(direction).argmin()]
        return _square(other, direction)
    return rest / length


def _far(vector: F64) -> bool:
    return bool(np.linalg.norm(vector) >= SHORTEST_M)
