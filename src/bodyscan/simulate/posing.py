"""How a person stands in a scanner: a standard pose, as living people hold it."""

from __future__ import annotations

import numpy as np

from bodyscan.body.model import BodyModel
from bodyscan.body.poses import FINGERS, standard_pose
from bodyscan.geometry.rotations import matrix_to_rotvec, rotvec_to_matrix
from bodyscan.simulate.options import RawScanOptions
from bodyscan.types import F64

LEGS_DEG = {"standard": 0.0, "apart": 6.0, "together": -3.5}
"""How much further outwards each leg points."""
FIST_DEG = {"Proximal": 68.0, "Intermediate": 82.0, "Distal": 52.0}
THUMB_FIST_DEG = {"Metacarpal": 12.0, "Proximal": 25.0, "Distal": 40.0}
CHAINS = {finger: ("Proximal", "Intermediate", "Distal") for finger in FINGERS}
HELD_STILL = ("hips", "jaw", "leftEye", "rightEye")
STIFF = ("spine", "chest", "upperChest", "leftShoulder", "rightShoulder", "leftToes", "rightToes")


def scan_pose(rng: np.random.Generator, model: BodyModel, betas: F64, options: RawScanOptions) -> F64:
    """(S,) -> (J, 3) rotation vectors, radians: the standard pose with hands, legs and human unsteadiness."""
    local = rotvec_to_matrix(standard_pose(model, betas, options.pose))
    # Drawn in one fixed order, so that an option of one limb does not change the others.
    jitter = rng.normal(size=(model.num_joints, 3))
    knees, elbows = np.abs(rng.normal(size=2)), np.abs(rng.normal(size=2))
    drawn_turn, sway, curl = rng.uniform(-8, 8), rng.normal(size=2), rng.uniform(0.6, 1.5)
    _limbs(model, local, options)
    _hands(model, betas, local, options.hands, curl)
    _jitter(model, local, jitter * np.radians(options.joint_sd_deg))
    _bend(model, local, "LowerLeg", np.radians(options.joint_sd_deg) * knees, (1.0, 0.0, 0.0))
    _bend(model, local, "LowerArm", np.radians(1.5 * options.joint_sd_deg) * elbows, (0.0, 0.0, 0.0))
    turn = drawn_turn if options.head_turn_deg is None else options.head_turn_deg
    for name, share in (("neck", 0.45), ("head", 0.55)):
        _turn(model, local, name, (0.0, np.radians(turn * share), 0.0))
    lean = np.radians(options.sway_deg) * sway
    _turn(model, local, "hips", (lean[0], 0.0, lean[1]))
    return matrix_to_rotvec(local)


def _turn(model: BodyModel, local: F64, name: str, rotvec: tuple | F64) -> None:
    """Turn a joint about axes of its parent."""
    j = model.joint_index(name)
    local[j] = rotvec_to_matrix(np.asarray(rotvec, np.float64)) @ local[j]


def _limbs(model: BodyModel, local: F64, options: RawScanOptions) -> None:
    for side, sign in (("left", 1.0), ("right", -1.0)):
        _turn(model, local, f"{side}UpperArm", (0.0, 0.0, -sign * np.radians(options.arms_down_deg)))
        outwards = sign * np.radians(LEGS_DEG[options.legs])
        upper, lower, foot = (model.joint_index(side + part) for part in ("UpperLeg", "LowerLeg", "Foot"))
        before = local[upper] @ local[lower]
        _turn(model, local, f"{side}UpperLeg", (0.0, 0.0, outwards))
        after = local[upper] @ local[lower]
        local[foot] = after.T @ before @ local[foot]  # the sole stays on the floor


def _bend(model: BodyModel, local: F64, part: str, angles: F64, axis: tuple[float, float, float]) -> None:
    """Knees and elbows bend one way only. The foot gives back what the knee bends."""
    for side, angle in zip(("left", "right"), angles, strict=True):
        if part == "LowerLeg":
            rotvec = angle * np.asarray(axis)
            _turn(model, local, f"{side}UpperLeg", -0.5 * rotvec)
            _turn(model, local, f"{side}LowerLeg", rotvec)
            _turn(model, local, f"{side}Foot", -0.5 * rotvec)
        else:
            # The forearm swings forwards: from the arm's own line towards +Z.
            elbow, hand = model.joint_index(f"{side}LowerArm"), model.joint_index(f"{side}Hand")
            line = local[elbow] @ (model.joint_template[hand] - model.joint_template[elbow])
            flex = np.cross(line, [0.0, 0.0, 1.0])
            _turn(model, local, f"{side}LowerArm", angle * flex / np.linalg.norm(flex))


def _jitter(model: BodyModel, local: F64, rotvecs: F64) -> None:
    for j, name in enumerate(model.joint_names):
        if name in HELD_STILL:
            continue
        scale = 0.4 if name in STIFF or name.endswith("Foot") else 1.0
        if name.endswith("LowerLeg"):
            scale = 0.3  # a knee hardly turns sideways
        local[j] = rotvec_to_matrix(scale * rotvecs[j]) @ local[j]


def _hands(model: BodyModel, betas: F64, local: F64, hands: str, curl: float) -> None:
    joints = model.rest_joints(betas)
    for side in ("left", "right"):
        for finger, segments in (*CHAINS.items(), ("Thumb", ("Metacarpal", "Proximal", "Distal"))):
            chain = [model.joint_index(f"{side}{finger}{segment}") for segment in segments]
            axis = _flexion_axis(model, joints, side, finger)
            for segment, j in zip(segments, chain, strict=True):
                local[j] = local[j] @ rotvec_to_matrix(axis * _flexion(hands, finger, segment, curl))


def _flexion(hands: str, finger: str, segment: str, curl: float) -> float:
    """Radians that a joint bends towards the palm."""
    if hands == "fist":
        return np.radians((THUMB_FIST_DEG if finger == "Thumb" else FIST_DEG)[segment])
    if finger == "Thumb":
        return 0.0
    return np.radians(7.0 * curl if hands == "relaxed" else -3.0)


def _flexion_axis(model: BodyModel, joints: F64, side: str, finger: str) -> F64:
    """(3,) unit axis in the unposed body about which a positive angle closes the finger."""

    def at(part: str) -> F64:
        return joints[model.joint_index(side + part)]

    if finger == "Thumb":
        axis = np.cross(at("ThumbProximal") - at("ThumbMetacarpal"), at("ThumbDistal") - at("ThumbProximal"))
        return axis / np.linalg.norm(axis)
    # All fingers close about the row of knuckles; the resting bend says to which side the palm lies.
    row = at("LittleProximal") - at("IndexProximal")
    line = at(f"{finger}Distal") - at(f"{finger}Proximal")
    row = row - line * (row @ line) / (line @ line)
    bend = np.cross(at("MiddleProximal") - at("Hand"), at("MiddleDistal") - at("MiddleProximal"))
    axis = row * np.sign(row @ bend)
    return axis / np.linalg.norm(axis)
