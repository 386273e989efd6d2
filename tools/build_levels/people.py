"""The bodies that levels and collision body are designed for: builds, ages, bent joints, faces."""

from __future__ import annotations

import numpy as np

from bodyscan.body.asset import load_body_model
from bodyscan.body.model import BodyModel
from bodyscan.body.poses import standard_pose
from bodyscan.geometry.rotations import matrix_to_rotvec, rotation_between, rotvec_to_matrix
from bodyscan.simulate.people import plausible_betas
from bodyscan.types import BodyParams

FINGERS = ("Index", "Middle", "Ring", "Little")


def bent(model: BodyModel, degrees: float, *, fists: bool = False, stand: str = "a") -> np.ndarray:
    """(J, 3) rotation vectors: elbows, knees and hips bent by `degrees`, spine by a quarter of it."""
    pose = np.array(standard_pose(model, np.zeros(model.num_components), stand))
    turn = np.radians(degrees)
    arm = np.array([-0.7, -0.7, 0.0])
    for side, sign in (("left", 1.0), ("right", -1.0)):
        _add(model, pose, f"{side}LowerArm", turn * arm * [1, sign, 1])
        _add(model, pose, f"{side}LowerLeg", [turn, 0, 0])
        _add(model, pose, f"{side}UpperLeg", [-turn, 0, 0])
        if fists:
            for finger in FINGERS:
                for part in ("Proximal", "Intermediate", "Distal"):
                    _add(model, pose, f"{side}{finger}{part}", 0.6 * turn * np.array([0, 0, -sign]))
    for name in ("spine", "chest", "neck"):
        _add(model, pose, name, [turn / 12, 0, 0])
    return pose


def _add(model: BodyModel, pose: np.ndarray, name: str, rotvec: object) -> None:
    joint = model.joint_index(name)
    pose[joint] = matrix_to_rotvec(
        rotvec_to_matrix(np.asarray(rotvec, np.float64)) @ rotvec_to_matrix(pose[joint])
    )


def wrapping_pose(model: BodyModel) -> np.ndarray:
    """(J, 3) rotation vectors: A-pose with the legs 17 degrees out and the fingers side by side."""
    zero = np.zeros(model.num_components)
    pose = np.array(standard_pose(model, zero, "a"))
    joints = model.rest_joints(zero)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        _add(model, pose, f"{side}UpperLeg", [0, 0, sign * np.radians(10)])
        _add(model, pose, f"{side}Foot", [0, 0, -sign * np.radians(10)])
        bones = {f: _bone(model, joints, side + f) for f in FINGERS}
        for finger in ("Index", "Ring", "Little"):
            turn = matrix_to_rotvec(rotation_between(bones[finger], bones["Middle"]))
            _add(model, pose, f"{side}{finger}Proximal", turn)
    return pose


def _bone(model: BodyModel, joints: np.ndarray, finger: str) -> np.ndarray:
    ends = [model.joint_index(finger + part) for part in ("Proximal", "Distal")]
    return joints[ends[1]] - joints[ends[0]]


def symmetrized(vertices: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """(V, 3) -> (V, 3): the mean of a body and its mirror image."""
    paired = np.flatnonzero(mirror >= 0)
    out = np.array(vertices)
    out[paired] = (vertices[paired] + vertices[mirror[paired]] * [-1, 1, 1]) / 2
    return out


def design_bodies(mirror: np.ndarray) -> np.ndarray:
    """(B, V, 3) metres: what the collapse looks at, made symmetric by `mirror` (V,)."""
    adult, child = load_body_model("adult"), load_body_model("child")
    rng = np.random.default_rng(7)
    builds = {
        name: plausible_betas(rng, adult, sex=sex, build=name, spread=0.2)
        for name, sex in (("heavy", "female"), ("thin", "male"), ("athletic", "male"), ("average", "female"))
    }
    zero, small = np.zeros(adult.num_components), np.zeros(child.num_components)
    upright = adult.zero_params().pose_rotvec
    cases = [
        (adult, zero, upright, {}),
        (adult, zero, bent(adult, 90, fists=True),
         {"jawOpen": 0.7, "mouthSmileLeft": 0.6, "mouthSmileRight": 0.6}),
        (adult, builds["heavy"], standard_pose(adult, builds["heavy"], "t"),
         {"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0, "browInnerUp": 1.0}),
        (adult, builds["thin"], bent(adult, 50), {"mouthPucker": 0.8}),
        (adult, builds["average"], bent(adult, -25, stand="t"), {}),
        (adult, builds["athletic"], bent(adult, 110, fists=True),
         {"mouthUpperUpLeft": 1, "mouthUpperUpRight": 1}),
        (child, small, bent(child, 45), {"jawOpen": 0.4}),
    ]  # fmt: skip
    made = [model.pose(BodyParams(b, p, np.zeros(3), face)).vertices for model, b, p, face in cases]
    return np.stack([symmetrized(vertices, mirror) for vertices in made])


def population(seed: int, people: int) -> list[tuple[BodyModel, np.ndarray]]:
    """Model and coefficients of `people` made persons: every build and sex, each fourth a child."""
    rng = np.random.default_rng(seed)
    builds = ("thin", "average", "heavy", "athletic")
    out = []
    for k in range(people):
        model = load_body_model("child" if k % 4 == 3 else "adult")
        sex = ("female", "male")[(k // 2) % 2]
        build = builds[(k + k // 4) % 4]
        out.append((model, plausible_betas(rng, model, sex=sex, build=build)))
    return out


def posed(model: BodyModel, betas: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """(V, 3) metres."""
    return model.pose(BodyParams(betas, pose, np.zeros(3))).vertices


def collision_bodies(mirror: np.ndarray) -> list[np.ndarray]:
    """Bodies (V, 3) that the collision body's offsets are chosen over: A, T and bent, both sides alike."""
    out = []
    for k, (model, betas) in enumerate(population(11, 18)):
        pose = standard_pose(model, betas, "at"[k % 2]) if k % 3 else bent(model, 35, stand="at"[k % 2])
        out.append(symmetrized(posed(model, betas, np.asarray(pose)), mirror))
    return out


def checked_bodies(mirror: np.ndarray) -> list[np.ndarray]:
    """Bodies (V, 3) on which the collision body must not run through itself: A and T of many builds."""
    out = []
    for model, betas in population(12, 12):
        for stand in ("a", "t"):
            pose = np.array(standard_pose(model, betas, stand))
            for side, sign in (("left", 1.0), ("right", -1.0)):
                # Thighs that touch are parted for each person; here they would only make the crotch stiff.
                _add(model, pose, f"{side}UpperLeg", [0, 0, sign * np.radians(6)])
            out.append(symmetrized(posed(model, betas, pose), mirror))
    return out
