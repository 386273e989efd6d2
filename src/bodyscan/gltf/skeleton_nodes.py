"""A twin's skeleton as the joint nodes and inverse bind matrices that a target wants.

A twin's own joint frames stand along the world's axes in the bind pose. Mixamo's have Y, Unreal's X along
the bone: the nodes are then turned, and the inverse binds with them. Positions of the mesh stay what they
are, and with them the consent's binding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bodyscan.gltf.targets import Target
from bodyscan.types import F32, F64, I32, Skeleton

JOINT_GRID_M = 2.0**-20
"""About 1 micrometre; exact in float32 for joints within 8 m of the origin."""

TORSO = ("spine", "chest", "upperChest", "neck", "head")
UP, FORWARD = (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
ENDS: Mapping[str, tuple[float, float, float]] = {
    "head": UP,
    "jaw": FORWARD,
    "leftEye": FORWARD,
    "rightEye": FORWARD,
    "leftToes": FORWARD,
    "rightToes": FORWARD,
}
"""Where joints point that no other joint continues; fingers go on as their own bone came."""
NEARLY_FORWARD = 0.9
"""Cosine above which a bone counts as pointing forward, so that another axis must steady its roll."""


@dataclass(frozen=True, eq=False)
class TargetSkeleton:
    """The joints as they stand in the file, in the bind pose."""

    names: tuple[str, ...]
    parents: I32
    """(J,) int32, -1 for the first; a parent stands before its children."""
    positions: F64
    """(J, 3) float64, metres, world frame, on the grid of `JOINT_GRID_M`."""
    rotations: F64
    """(J, 3, 3) float64, world_from_joint."""
    first: int
    """How many joints were put above the twin's own."""

    @property
    def world_aligned(self) -> bool:
        """True where every joint frame stands along the world's axes."""
        return bool(np.array_equal(self.rotations, np.broadcast_to(np.eye(3), self.rotations.shape)))


def target_skeleton(skeleton: Skeleton, target: Target) -> TargetSkeleton:
    """Return the skeleton under the target's names, roots and joint frames.

    Raises `InputError` where the target has no name for a joint.
    """
    count, above = len(skeleton.joint_names), len(target.roots)
    own = np.where(skeleton.parents >= 0, skeleton.parents + above, above - 1)
    rotations = np.tile(np.eye(3), (above + count, 1, 1))
    if target.frames != "world":
        axis = {"x_along_bone": 0, "y_along_bone": 1}[target.frames]
        for joint, direction in enumerate(bone_directions(skeleton)):
            rotations[above + joint] = _frame_along(direction, axis)
    return TargetSkeleton(
        names=(*target.roots, *map(target.joint_name, skeleton.joint_names)),
        parents=np.concatenate([np.arange(above) - 1, own]).astype(np.int32),
        positions=np.concatenate([np.zeros((above, 3)), exact_positions(skeleton)]),
        rotations=rotations,
        first=above,
    )


def exact_positions(skeleton: Skeleton) -> F64:
    """Return joint positions (J, 3) on a grid on which float32 sums and differences are exact.

    Blender adds the joints up along the chain and moves each vertex by what is left of joint times inverse
    bind. On the grid nothing is left, so a file that went through Blender keeps the bits of its positions,
    and with them the consent's binding. Off the grid a quarter of the vertices moved by up to 3e-8 m.
    """
    return np.round(skeleton.positions / JOINT_GRID_M) * JOINT_GRID_M


def bone_directions(skeleton: Skeleton) -> F64:
    """Return unit vectors (J, 3): where each joint's bone points in the bind pose, world frame.

    Towards the joint that continues it; where none does, as `ENDS` says, else on in the direction in which
    it came from its parent. A bone without length goes on as its parent's.
    """
    directions = np.empty((len(skeleton.joint_names), 3))
    for joint, name in enumerate(skeleton.joint_names):
        parent = int(skeleton.parents[joint])
        follower = _continuation(skeleton, joint)
        if follower is not None:
            vector = skeleton.positions[follower] - skeleton.positions[joint]
        elif name in ENDS:
            vector = np.array(ENDS[name])
        else:
            vector = skeleton.positions[joint] - skeleton.positions[parent] if parent >= 0 else np.zeros(3)
        length = np.linalg.norm(vector)
        if length > JOINT_GRID_M:
            directions[joint] = vector / length
        else:
            directions[joint] = directions[parent] if parent >= 0 else UP
    return directions


def joint_nodes(skeleton: TargetSkeleton, first_node: int) -> list[dict[str, Any]]:
    """Return one glTF node a joint; joint j is node `first_node` + j."""
    nodes: list[dict[str, Any]] = []
    for joint, (name, parent) in enumerate(zip(skeleton.names, skeleton.parents, strict=True)):
        children = np.flatnonzero(skeleton.parents == joint) + first_node
        offset, turn = skeleton.positions[joint], skeleton.rotations[joint]
        if parent >= 0:
            above = skeleton.rotations[parent].T
            offset, turn = above @ (offset - skeleton.positions[parent]), above @ turn
        # Adding 0 turns -0.0 into 0.0.
        node: dict[str, Any] = {"name": name, "translation": [float(x) for x in offset + 0.0]}
        if not np.array_equal(turn, np.eye(3)):
            node["rotation"] = _quaternion_xyzw(turn)
        if len(children):
            node["children"] = [int(child) for child in children]
        nodes.append(node)
    return nodes


def inverse_binds(skeleton: TargetSkeleton) -> F32:
    """Return (J, 16) float32, column-major: joint_from_world in the bind pose."""
    matrices = np.tile(np.eye(4), (len(skeleton.names), 1, 1))
    turned = skeleton.rotations.transpose(0, 2, 1)
    matrices[:, :3, :3] = turned
    matrices[:, :3, 3] = -np.einsum("jkl,jl->jk", turned, skeleton.positions)
    return matrices.transpose(0, 2, 1).reshape(-1, 16).astype(np.float32)


def to_joint_frame(skeleton: TargetSkeleton, joint: int, point: F64) -> list[float]:
    """Return a world point (3,) of the bind pose in the frame of joint `joint` of the file, metres."""
    local = skeleton.rotations[joint].T @ (np.asarray(point) - skeleton.positions[joint])
    return [float(x) for x in local + 0.0]


def _continuation(skeleton: Skeleton, joint: int) -> int | None:
    """Return the child that continues the bone: the spine's next, the middle finger, or an only child."""
    children = [int(child) for child in np.flatnonzero(skeleton.parents == joint)]
    names = [skeleton.joint_names[child] for child in children]
    for child, name in zip(children, names, strict=True):
        if name in TORSO or name.endswith("MiddleProximal"):
            return child
    return children[0] if len(children) == 1 and names[0] not in ENDS_OF_HEAD else None


ENDS_OF_HEAD = ("jaw", "leftEye", "rightEye")


def _frame_along(direction: F64, axis: int) -> F64:
    """Return the rotation (3, 3) whose column `axis` is `direction`; the next but one faces the front."""
    hint = np.array(UP if abs(direction[2]) > NEARLY_FORWARD else FORWARD)
    front = hint - direction * (hint @ direction)
    front /= np.linalg.norm(front)
    frame = np.empty((3, 3))
    # Y along the bone has Z in front, X along the bone has Y in front.
    frame[:, axis], frame[:, (axis + 1) % 3] = direction, front
    frame[:, (axis + 2) % 3] = np.cross(direction, front)
    return frame


def _quaternion_xyzw(matrix: F64) -> list[float]:
    from scipy.spatial.transform import Rotation

    quaternion = Rotation.from_matrix(matrix).as_quat()
    return [float(x) for x in quaternion / np.linalg.norm(quaternion) * (1 if quaternion[3] >= 0 else -1)]
