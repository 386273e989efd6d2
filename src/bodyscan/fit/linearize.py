"""The posed body and its exact first derivatives: what a Gauss-Newton step needs.

With local rotations R(theta), joints J(beta) and rest vertices x(beta), a vertex is
v = sum_j w_j (G_j (x - J_j) + p_j), where p_j is the joint in the world and G_j its rotation. Turning
joint k by a small vector d in its parent's frame moves every point behind it by (G_parent d) x (y - p_k);
the left Jacobian of SO(3) ties d to the change of the rotation vector. No finite differences.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodyscan.body.model import BodyModel, forward_kinematics, joint_positions
from bodyscan.geometry.rotations import left_jacobian, rotvec_to_matrix
from bodyscan.types import F32, F64, BodyParams


@dataclass(frozen=True, eq=False)
class Unknowns:
    """Which parameters a step may change; the order of columns is translation, pose, shape."""

    joints: np.ndarray
    """(Ja,) indices of the joints that may turn."""
    betas: np.ndarray
    """(Sa,) indices of the shape coefficients that may change."""

    @property
    def count(self) -> int:
        return 3 + 3 * len(self.joints) + len(self.betas)

    @property
    def pose_columns(self) -> slice:
        return slice(3, 3 + 3 * len(self.joints))

    @property
    def shape_columns(self) -> slice:
        return slice(3 + 3 * len(self.joints), self.count)

    def step(self, params: BodyParams, delta: F64) -> BodyParams:
        """`params` moved by (count,) `delta`."""
        pose, betas = params.pose_rotvec.copy(), params.betas.copy()
        pose[self.joints] += delta[self.pose_columns].reshape(-1, 3)
        betas[self.betas] += delta[self.shape_columns]
        return BodyParams(betas, pose, params.translation + delta[:3], params.expression)


class Linearization:
    """A body model at `params`, with the derivative of every vertex and joint by every unknown."""

    def __init__(self, model: BodyModel, params: BodyParams, unknowns: Unknowns) -> None:
        self.unknowns = unknowns
        rest = model.rest_vertices(params.betas, params.expression)
        joints = model.rest_joints(params.betas)
        local = rotvec_to_matrix(params.pose_rotvec)
        self.world = forward_kinematics(model.parents, joints, local, params.translation)
        self.joints = joint_positions(self.world, joints)
        blended = (model.skin_weights @ self.world.reshape(-1, 12)).reshape(-1, 3, 4)
        self.vertices = (blended[:, :, :3] @ rest[:, :, None])[:, :, 0] + blended[:, :, 3]
        turn = self._turn_frames(model, params)
        self._vertex_arm = self._pose_arms(model, rest, turn)
        self._joint_arm = self._joint_arms(model, turn)
        self._vertex_shape, self._joint_shape = self._shape_derivatives(model, blended[:, :, :3])

    def _turn_frames(self, model: BodyModel, params: BodyParams) -> F64:
        """(Ja, 3, 3): takes a change of a joint's rotation vector to a small world rotation."""
        active = self.unknowns.joints
        parents = model.parents[active]
        outer = np.where((parents >= 0)[:, None, None], self.world[np.maximum(parents, 0), :, :3], np.eye(3))
        return outer @ left_jacobian(params.pose_rotvec[active])

    def _pose_arms(self, model: BodyModel, rest: F64, turn: F64) -> F32:
        """(V, Ja, 3, 3) float32: d vertex / d rotation vector = cross-product matrix times `turn`."""
        below = _descendants(model.parents)[:, self.unknowns.joints].astype(np.float32)
        weights = model.skin_weights.tocoo()
        row, joint, value = weights.row, weights.col, weights.data
        points = (self.world[joint, :, :3] @ rest[row, :, None])[:, :, 0] + self.world[joint, :, 3]
        dense = np.zeros((len(rest), 3, model.num_joints), dtype=np.float32)
        dense[row, :, joint] = points * value[:, None]
        mass = model.skin_weights.toarray().astype(np.float32) @ below
        pivot = self.joints[self.unknowns.joints]
        arm = (dense.reshape(-1, model.num_joints) @ below).reshape(len(rest), 3, -1)
        arm = arm.transpose(0, 2, 1) - mass[:, :, None] * pivot.astype(np.float32)
        return _turned(arm, turn)

    def _joint_arms(self, model: BodyModel, turn: F64) -> F32:
        below = _descendants(model.parents)[:, self.unknowns.joints]
        pivot = self.joints[self.unknowns.joints]
        arm = (self.joints[:, None] - pivot[None]) * below[:, :, None]
        return _turned(arm.astype(np.float32), turn)

    def _shape_derivatives(self, model: BodyModel, rotation: F64) -> tuple[F32, F32]:
        """(V, 3, Sa), (J, 3, Sa) float32."""
        betas = self.unknowns.betas
        joint_dirs = model.joint_dirs[betas].transpose(1, 2, 0)
        moved = np.empty_like(joint_dirs)
        for j, parent in enumerate(model.parents):
            if parent < 0:
                moved[j] = joint_dirs[j]
            else:
                moved[j] = moved[parent] + self.world[parent, :, :3] @ (joint_dirs[j] - joint_dirs[parent])
        if not len(betas):
            return np.zeros((model.num_vertices, 3, 0), np.float32), moved.astype(np.float32)
        carried = (moved - self.world[:, :, :3] @ joint_dirs).reshape(model.num_joints, -1)
        vertex = (model.skin_weights.astype(np.float32) @ carried.astype(np.float32)).reshape(
            model.num_vertices, 3, -1
        )
        dirs = model.vertex_major_dirs
        vertex += rotation.astype(np.float32) @ (dirs if len(betas) == dirs.shape[2] else dirs[:, :, betas])
        return vertex, moved.astype(np.float32)

    def plane_rows(self, corners: np.ndarray, weights: F64, normals: F64) -> F32:
        """(N, K) vertex ids, (N, K) weights, (N, 3) normals -> (N, P): d(normal . point) / d unknowns."""
        count = len(corners)
        rows = np.empty((count, self.unknowns.count), dtype=np.float32)
        rows[:, :3] = normals
        rows[:, 3:] = 0
        normals32 = normals.astype(np.float32)[:, None, :]
        for k in range(corners.shape[1]):
            scaled = normals32 * weights[:, k, None, None].astype(np.float32)
            arm = self._vertex_arm[corners[:, k]]
            rows[:, self.unknowns.pose_columns] += (scaled @ arm.reshape(count, 3, -1))[:, 0]
            rows[:, self.unknowns.shape_columns] += (scaled @ self._vertex_shape[corners[:, k]])[:, 0]
        return rows

    def point_rows(self, vertex_weights, joint_weights) -> F32:
        """(L, V) and (L, J) sparse or dense -> (3 L, P): derivative of L weighted points, x y z in turn."""
        count = vertex_weights.shape[0]
        rows = np.zeros((count, 3, self.unknowns.count), dtype=np.float32)
        total = np.asarray(vertex_weights.sum(axis=1)).reshape(-1) + np.asarray(
            joint_weights.sum(axis=1)
        ).reshape(-1)
        rows[:, :, :3] = np.eye(3)[None] * total[:, None, None]
        for source, arm, shape in (
            (vertex_weights, self._vertex_arm, self._vertex_shape),
            (joint_weights, self._joint_arm, self._joint_shape),
        ):
            rows[:, :, self.unknowns.pose_columns] += (source @ arm.reshape(len(arm), -1)).reshape(
                count, 3, -1
            )
            rows[:, :, self.unknowns.shape_columns] += (source @ shape.reshape(len(shape), -1)).reshape(
                count, 3, -1
            )
        return rows.reshape(3 * count, -1)


def _turned(arm: F32, turn: F64) -> F32:
    """(N, Ja, 3) arms, (Ja, 3, 3) -> (N, 3, Ja * 3): d point = -[arm]x turn d."""
    x, y, z = np.moveaxis(arm, -1, 0)
    t = turn.astype(np.float32)
    # w x a = -a x w, row by row, with w = turn @ d.
    rows = np.stack(
        [
            z[..., None] * t[None, :, 1] - y[..., None] * t[None, :, 2],
            x[..., None] * t[None, :, 2] - z[..., None] * t[None, :, 0],
            y[..., None] * t[None, :, 0] - x[..., None] * t[None, :, 1],
        ],
        axis=1,
    )
    return rows.reshape(len(arm), 3, -1)


def _descendants(parents: np.ndarray) -> np.ndarray:
    """(J, J) bool: [j, k] True where j is k or lies behind it."""
    count = len(parents)
    below = np.eye(count, dtype=bool)
    for j, parent in enumerate(parents):
        if parent >= 0:
            below[j] |= below[parent]
    return below
