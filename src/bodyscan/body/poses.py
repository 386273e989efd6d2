"""Standard poses of a person's own skeleton: T, A, and relaxed.

A pose is given as directions of the limbs in the world, so that it looks the same on every build; the
rotations follow from where the person's own joints are.
"""

from __future__ import annotations

import itertools

import numpy as np

from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError
from bodyscan.geometry.rotations import matrix_to_rotvec, rotation_between, rotvec_to_matrix
from bodyscan.types import F64

ARM_CHAIN = ("UpperArm", "LowerArm", "Hand", "MiddleProximal")
LEG_CHAIN = ("UpperLeg", "LowerLeg", "Foot")
ARM_DOWN_DEG = {"t": 0.0, "a": 45.0, "relaxed": 72.0}
"""How far the arms hang below the horizontal."""
LEG_OUT_DEG = {"t": 3.0, "a": 7.0, "relaxed": 5.0}
"""How far the legs point outwards from the vertical."""
FINGERS = ("Index", "Middle", "Ring", "Little")
SEGMENTS = ("Proximal", "Intermediate", "Distal")


def standard_pose(model: BodyModel, betas: F64, pose: str) -> F64:
    """(S,), `t`, `a` or `relaxed` -> (J, 3) rotation vectors in radians.

    Palms face down in T and A, as VRM 1.0 wants it, and fingers are straight in T.
    """
    if pose not in ARM_DOWN_DEG:
        raise InputError(f"Unknown pose '{pose}'. Known poses: {', '.join(ARM_DOWN_DEG)}.")
    joints = model.rest_joints(betas)
    world = np.tile(np.eye(3), (model.num_joints, 1, 1))
    down, out = np.radians(ARM_DOWN_DEG[pose]), np.radians(LEG_OUT_DEG[pose])
    for side, sign in (("left", 1.0), ("right", -1.0)):
        arm = np.array([sign * np.cos(down), -np.sin(down), 0.0])
        leg = np.array([sign * np.sin(out), -np.cos(out), 0.0])
        _aim_chain(model, joints, world, _present(model, side, ARM_CHAIN), arm)
        _aim_chain(model, joints, world, _present(model, side, LEG_CHAIN), leg)
        if f"{side}IndexProximal" not in model.joint_names:
            continue  # SMPL has no fingers: its hands stay as they are.
        _flat_palm(model, joints, world, side, arm)
        if pose == "t":
            _straight_fingers(model, joints, world, side)
    return _local_rotvecs(model, world)


def _present(model: BodyModel, side: str, chain: tuple[str, ...]) -> list[str]:
    """The chain's joints that the model has; SMPL's `leftFist` stands for the knuckles."""
    names = [side + part for part in chain]
    if names[-1] not in model.joint_names and f"{side}Fist" in model.joint_names:
        names[-1] = f"{side}Fist"
    return [name for name in names if name in model.joint_names]


def _aim_chain(model: BodyModel, joints: F64, world: F64, names: list[str], direction: F64) -> None:
    """Turn each joint of a chain so that the bone to the next one points along `direction`."""
    for name, child in itertools.pairwise(names):
        j, k = model.joint_index(name), model.joint_index(child)
        world[j] = rotation_between(joints[k] - joints[j], direction)
    last = model.joint_index(names[-2])
    for j in _descendants(model, last):
        world[j] = world[last]
    if names[-1].endswith("Foot"):
        # The ankle keeps the foot as it was: flat on the floor.
        foot = model.joint_index(names[-1])
        for j in [foot, *_descendants(model, foot)]:
            world[j] = np.eye(3)


def _flat_palm(model: BodyModel, joints: F64, world: F64, side: str, arm: F64) -> None:
    """Roll the hand about the arm's line until the knuckles' row points forward (palm down)."""
    hand, index, little = (model.joint_index(side + n) for n in ("Hand", "IndexProximal", "LittleProximal"))
    row = world[hand] @ (joints[index] - joints[little])
    row -= arm * (row @ arm)
    forward = np.array([0.0, 0.0, 1.0]) - arm * arm[2]
    # Half of the roll belongs to the forearm, as in a living arm.
    roll = matrix_to_rotvec(rotation_between(row, forward))
    lower = model.joint_index(side + "LowerArm")
    world[lower] = rotvec_to_matrix(0.5 * roll) @ world[lower]
    for j in [hand, *_descendants(model, hand)]:
        world[j] = rotvec_to_matrix(roll) @ world[j]


def _straight_fingers(model: BodyModel, joints: F64, world: F64, side: str) -> None:
    hand = model.joint_index(side + "Hand")
    middle = model.joint_index(side + "MiddleProximal")
    line = world[hand] @ (joints[middle] - joints[hand])
    for finger in FINGERS:
        chain = [model.joint_index(f"{side}{finger}{segment}") for segment in SEGMENTS]
        for j, k in itertools.pairwise(chain):
            rest = world[hand] @ (joints[k] - joints[j])
            # Straight in the bending plane, but the spread of the fingers stays.
            spread = np.cross(line, [0.0, 1.0, 0.0])
            wanted = rest - rest @ spread / (spread @ spread) * spread
            target = line / np.linalg.norm(line) * np.linalg.norm(wanted) + (rest - wanted)
            world[j] = rotation_between(rest, target) @ world[hand]
        world[chain[-1]] = world[chain[-2]]


def _descendants(model: BodyModel, joint: int) -> list[int]:
    found: list[int] = []
    for j in range(joint + 1, model.num_joints):
        if model.parents[j] == joint or model.parents[j] in found:
            found.append(j)
    return found


def _local_rotvecs(model: BodyModel, world: F64) -> F64:
    """(J, 3, 3) world rotations -> (J, 3) local rotation vectors."""
    local = world.copy()
    for j, parent in enumerate(model.parents):
        if parent >= 0:
            local[j] = world[parent].T @ world[j]
    return matrix_to_rotvec(local)
