"""An A-pose with the arms at the angle that is asked for.

Cloth software asks for bodies by the angle of their arms (`A40`, 45 degrees); the standard poses of
`bodyscan.body.poses` have fixed ones. Only the two shoulders' rotations differ from the standard A-pose.
"""

from __future__ import annotations

import numpy as np

from bodyscan.body.model import BodyModel
from bodyscan.body.poses import ARM_DOWN_DEG, standard_pose
from bodyscan.errors import InputError
from bodyscan.geometry.rotations import matrix_to_rotvec, rotvec_to_matrix
from bodyscan.types import F64

LEAST_ARM_DEG, MOST_ARM_DEG = 0.0, 70.0
"""How far the arms can hang below the horizontal; nearer to the trunk, hands meet broad hips."""


def arm_pose(model: BodyModel, betas: F64, arm_down_deg: float) -> F64:
    """(S,), degrees below the horizontal -> (J, 3) rotation vectors, radians: the A-pose with such arms.

    The line from the shoulder's joint to the wrist's lies at `arm_down_deg` (0 to 70) in the frontal plane;
    arms are straight, palms turned down with the arm, legs as in the A-pose. Raises `InputError` outside of
    that range.
    """
    if not LEAST_ARM_DEG <= arm_down_deg <= MOST_ARM_DEG:
        raise InputError(
            f"The arms cannot be posed {arm_down_deg:g} degrees below the horizontal; possible are "
            f"{LEAST_ARM_DEG:g} to {MOST_ARM_DEG:g}."
        )
    pose = standard_pose(model, betas, "a")
    for side, sign in (("left", 1.0), ("right", -1.0)):
        joint = model.joint_index(f"{side}UpperArm")
        # About +Z, the person's front: a positive turn lifts the left arm, which points to +X.
        lift = rotvec_to_matrix(np.array([0.0, 0.0, sign * np.radians(ARM_DOWN_DEG["a"] - arm_down_deg)]))
        parent = _world_rotation(model, pose, int(model.parents[joint]))
        pose[joint] = matrix_to_rotvec(parent.T @ lift @ parent @ rotvec_to_matrix(pose[joint]))
    return pose


def _world_rotation(model: BodyModel, pose: F64, joint: int) -> F64:
    rotation = np.eye(3)
    while joint >= 0:
        rotation = rotvec_to_matrix(pose[joint]) @ rotation
        joint = int(model.parents[joint])
    return rotation
