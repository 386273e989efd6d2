"""What is known of a body before looking at the scan: usual shapes, usual poses, joint limits.

Shape coefficients are standard normal by construction. A pose is a rotation vector for each joint around
a reference pose, with standard deviations about the bone's own axes: along it (twist), about the hinge, and
across. Elbows and knees are hinges that do not bend backwards.

A spine is told from shape by little: nine degrees one way at the loins and nine the other way at the chest
are nearly a belly. With standard deviations of 9 to 11 degrees at its joints the fit found such spines, and
tapes, which are laid on an upright body, were wrong by 8 mm at the waist; with 3 to 5 degrees they are not.
The spines of real bodies stay within 7 degrees, and a back bowed by 60 in all is still followed to 2 mm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bodyscan.body.model import BodyModel
from bodyscan.types import F64

STD_RAD = {
    "hips": 2.0,
    "spine": 0.08,
    "chest": 0.06,
    "upperChest": 0.06,
    "neck": 0.25,
    "head": 0.30,
    "jaw": 0.02,
    "Eye": 0.02,
    "Shoulder": 0.18,
    "UpperArm": 0.9,
    "LowerArm": (0.7, 0.8, 0.06),
    "Hand": 0.35,
    "UpperLeg": 0.45,
    "LowerLeg": (0.15, 0.45, 0.04),
    "Foot": 0.30,
    "Toes": 0.12,
    "ThumbMetacarpal": 0.25,
    "ThumbProximal": 0.25,
    "ThumbDistal": 0.25,
    "Proximal": (0.05, 0.45, 0.12),
    "Intermediate": (0.02, 0.45, 0.03),
    "Distal": (0.02, 0.30, 0.03),
}
"""One number for all axes, or (twist, hinge, across), radians. The longest matching ending counts."""
FINGERS = ("Thumb", "Index", "Middle", "Ring", "Little")
HYPEREXTENSION_RAD = np.radians(6.0)
"""How far elbows and knees may bend backwards before the limit pushes."""
LIMIT_STD_RAD = np.radians(2.0)


@dataclass(frozen=True, eq=False)
class Hinge:
    """A joint that bends one way only."""

    joint: int
    axis: F64
    """(3,) unit, in the joint's unposed frame: turning about it bends further."""
    rest_angle_rad: float
    """How far it is already bent in the unposed body."""


@dataclass(frozen=True, eq=False)
class PosePrior:
    """Gaussian on rotation vectors, and hinges."""

    mean: F64
    """(J, 3) radians."""
    precision: F64
    """(J, 3, 3) one over square radians."""
    hinges: tuple[Hinge, ...]

    def cost(self, pose: F64) -> float:
        """Half the sum of squared normalised residuals."""
        difference = pose - self.mean
        gaussian = 0.5 * float(np.einsum("ji,jik,jk->", difference, self.precision, difference))
        limits = [min(0.0, self.bend(hinge, pose) + HYPEREXTENSION_RAD) for hinge in self.hinges]
        return gaussian + 0.5 * float(np.sum(np.square(limits))) / LIMIT_STD_RAD**2

    @staticmethod
    def bend(hinge: Hinge, pose: F64) -> float:
        """Radians from straight; negative is backwards."""
        return hinge.rest_angle_rad + float(pose[hinge.joint] @ hinge.axis)

    def add_to(self, hessian: F64, gradient: F64, pose: F64, joints: np.ndarray, first_column: int) -> None:
        """Add the normal equations of the prior, in place. Columns start at `first_column`."""
        for place, j in enumerate(joints):
            span = slice(first_column + 3 * place, first_column + 3 * place + 3)
            hessian[span, span] += self.precision[j]
            gradient[span] += self.precision[j] @ (pose[j] - self.mean[j])
        place_of = {int(j): place for place, j in enumerate(joints)}
        for hinge in self.hinges:
            over = self.bend(hinge, pose) + HYPEREXTENSION_RAD
            if over < 0 and hinge.joint in place_of:
                start = first_column + 3 * place_of[hinge.joint]
                span = slice(start, start + 3)
                hessian[span, span] += np.outer(hinge.axis, hinge.axis) / LIMIT_STD_RAD**2
                gradient[span] += hinge.axis * over / LIMIT_STD_RAD**2


def build_pose_prior(model: BodyModel, joints: F64, mean: F64) -> PosePrior:
    """`joints` (J, 3) of the unposed person, `mean` (J, 3) rotation vectors of the reference pose."""
    precision = np.zeros((model.num_joints, 3, 3))
    hinges = []
    for j, name in enumerate(model.joint_names):
        twist, hinge, across = _standard_deviations(name)
        bone = bone_direction(model, joints, j)
        axis = _hinge_axis(model, joints, j, bone)
        frame = np.stack([bone, axis, np.cross(bone, axis)])
        precision[j] = frame.T @ np.diag(1 / np.square([twist, hinge, across])) @ frame
        if name.endswith(("LowerArm", "LowerLeg")):
            before = joints[j] - joints[model.parents[j]]
            angle = np.arctan2(np.cross(before, bone) @ axis, before @ bone)
            hinges.append(Hinge(j, axis, float(angle)))
    return PosePrior(mean, precision, tuple(hinges))


def finger_hinges(model: BodyModel, joints: F64, side: str) -> list[tuple[int, F64, str]]:
    """(joint, (3,) axis, name) of every finger joint of a hand; turning about the axis curls the finger."""
    hinges = []
    for j, name in enumerate(model.joint_names):
        if not name.startswith(side) or not any(f in name for f in FINGERS):
            continue
        bone = bone_direction(model, joints, j)
        palm = _palm_direction(model, joints, side)
        axis = np.cross(bone, palm)
        if "Thumb" in name:
            # The thumb closes over the fingers: towards the little finger and the palm.
            little = joints[model.joint_index(f"{side}LittleProximal")]
            inwards = little - joints[j]
            axis = np.cross(bone, inwards / np.linalg.norm(inwards) + 0.5 * palm)
        hinges.append((j, axis / np.linalg.norm(axis), name))
    return hinges


def _palm_direction(model: BodyModel, joints: F64, side: str) -> F64:
    """(3,) unit: out of the palm, in the unposed body."""
    hand, index, little = (
        joints[model.joint_index(side + name)] for name in ("Hand", "IndexProximal", "LittleProximal")
    )
    palm = np.cross(index - hand, little - hand)
    if side == "left":
        palm = -palm
    return palm / np.linalg.norm(palm)


def _standard_deviations(name: str) -> tuple[float, float, float]:
    value = of_longest_ending(STD_RAD, name)
    return value if isinstance(value, tuple) else (value, value, value)


def of_longest_ending(table: dict, name: str) -> Any:
    """The entry of `table` whose key is the longest ending of `name`."""
    return table[max((ending for ending in table if name.endswith(ending)), key=len)]


def bone_direction(model: BodyModel, joints: F64, j: int) -> F64:
    """(3,) unit: from joint `j` to the middle of its children, or on from its parent; `joints` (J, 3)."""
    children = np.flatnonzero(model.parents == j)
    if len(children):
        direction = joints[children].mean(axis=0) - joints[j]
    else:
        direction = joints[j] - joints[model.parents[j]]
    return direction / max(np.linalg.norm(direction), 1e-9)


def _hinge_axis(model: BodyModel, joints: F64, j: int, bone: F64) -> F64:
    """Unit axis across the bone about which the joint flexes."""
    name = model.joint_names[j]
    if name.endswith("LowerArm"):
        axis = np.cross(joints[j] - joints[model.parents[j]], bone)
    elif any(name.endswith(end) for end in ("Proximal", "Intermediate", "Distal")) and "Thumb" not in name:
        side = "left" if name.startswith("left") else "right"
        index, little = (model.joint_index(f"{side}{f}Proximal") for f in ("Index", "Little"))
        axis = joints[index] - joints[little]
    else:
        axis = np.array([1.0, 0.0, 0.0])
    axis = axis - bone * (axis @ bone)
    if np.linalg.norm(axis) < 1e-6:
        axis = np.cross(bone, [0.0, 0.0, 1.0])
    return axis / np.linalg.norm(axis)
