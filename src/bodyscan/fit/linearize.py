"""The posed body and its exact first derivatives: what a Gauss-Newton step needs.

With local rotations R(theta), joints J(beta) and rest vertices x(beta), a vertex is
v = sum_j w_j (G_j (x - J_j) + p_j), where p_j is the joint in the world and G_j its rotation. Turning
joint k by a small vector d in its parent's frame moves every point behind it by (G_parent d) x (y - p_k);
the left Jacobian of SO(3) ties d to the change of the rotation vector. No finite differences.

Distances to a surface count along normals only, so that a vertex needs one row and not three, and the rows
of all vertices are a few dense products. Points between vertices take weighted sums of rows (`solve.py`).
Tried first: gathering the rows of the three corners of every scan point, three times the memory and five
times the seconds.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bodyscan.body.model import BodyModel, forward_kinematics, joint_positions
from bodyscan.geometry.rotations import left_jacobian, rotvec_to_matrix
from bodyscan.threads import usable_threads
from bodyscan.types import F32, F64, BodyParams

CHUNK = 2048
"""Vertices that a thread takes at a time: small enough for its cache, and the same on every machine."""


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
    """A body model at `params`, with the derivative of every vertex and joint by every unknown.

    Pose correctives of SMPL-family models move the vertices but are held in the derivatives.
    """

    def __init__(self, model: BodyModel, params: BodyParams, unknowns: Unknowns) -> None:
        self.model, self.unknowns = model, unknowns
        joints = model.rest_joints(params.betas)
        local = rotvec_to_matrix(params.pose_rotvec)
        self._rest = model.corrected_rest(params.betas, params.expression, local)
        self.world = forward_kinematics(model.parents, joints, local, params.translation)
        self.joints = joint_positions(self.world, joints)
        blended = (model.skin_weights @ self.world.reshape(-1, 12)).reshape(-1, 3, 4)
        self.rotation: F64 = blended[:, :, :3]
        self.vertices: F64 = (self.rotation @ self._rest[:, :, None])[:, :, 0] + blended[:, :, 3]
        self._turn = self._turn_frames(params)

    def _turn_frames(self, params: BodyParams) -> F32:
        """(Ja, 3, 3): takes a change of a joint's rotation vector to a small world rotation."""
        active = self.unknowns.joints
        parents = self.model.parents[active]
        outer = np.where((parents >= 0)[:, None, None], self.world[np.maximum(parents, 0), :, :3], np.eye(3))
        return (outer @ left_jacobian(params.pose_rotvec[active])).astype(np.float32)

    @cached_property
    def _vertex_arms(self) -> F32:
        """(V, 3, Ja): from each joint to the share of each vertex that turns with it."""
        model, joints = self.model, self.unknowns.joints
        below = model.descendants[:, joints].astype(np.float32)
        weights = model.skin_weights.tocoo()
        row, joint, value = weights.row, weights.col, weights.data
        points = (self.world[joint, :, :3] @ self._rest[row, :, None])[:, :, 0] + self.world[joint, :, 3]
        dense = np.zeros((len(self._rest), 3, model.num_joints), dtype=np.float32)
        dense[row, :, joint] = points * value[:, None]
        arms = (dense.reshape(-1, model.num_joints) @ below).reshape(len(self._rest), 3, -1)
        return arms - (model.dense_weights @ below)[:, None] * self.joints[joints].T.astype(np.float32)

    @cached_property
    def _joint_arms(self) -> F32:
        """(J, 3, Ja): from each active joint to each joint behind it."""
        active = self.unknowns.joints
        arms = self.joints[:, :, None] - self.joints[active].T[None]
        return (arms * self.model.descendants[:, None, active]).astype(np.float32)

    @cached_property
    def _joint_shape(self) -> F32:
        """(J, 3, Sa): derivative of each posed joint by the shape."""
        dirs = self.model.joint_dirs[self.unknowns.betas].transpose(1, 2, 0)
        moved = np.empty_like(dirs)
        for j, parent in enumerate(self.model.parents):
            if parent < 0:
                moved[j] = dirs[j]
            else:
                moved[j] = moved[parent] + self.world[parent, :, :3] @ (dirs[j] - dirs[parent])
        return moved.astype(np.float32)

    @cached_property
    def _carried(self) -> F32:
        """(J, 3, Sa): derivative by the shape of where a joint carries the rest body's origin."""
        dirs = self.model.joint_dirs[self.unknowns.betas].transpose(1, 2, 0)
        return self._joint_shape - (self.world[:, :, :3] @ dirs).astype(np.float32)

    def _shape_dirs(self, ids: np.ndarray | slice) -> F32:
        """(K, 3, Sa) of the rest vertices `ids`."""
        dirs = self.model.vertex_major_dirs[ids]
        betas = self.unknowns.betas
        return dirs if len(betas) == dirs.shape[2] else dirs[:, :, betas]

    def normal_rows(self, normals: F64) -> F32:
        """(V, 3) -> (V, P): derivative of each vertex along its own normal."""
        count, arms = len(normals), self._vertex_arms
        normals32 = np.ascontiguousarray(normals, dtype=np.float32)
        rows = np.empty((count, self.unknowns.count), dtype=np.float32)
        rows[:, :3] = normals32
        num_betas = len(self.unknowns.betas)
        carried = self._carried.reshape(3 * self.model.num_joints, num_betas)

        def fill(first: int) -> None:
            span = slice(first, first + CHUNK)
            normal = normals32[span]
            pose = rows[span, self.unknowns.pose_columns].reshape(len(normal), -1, 3)
            pose[...] = _turned_along(arms[span], normal, self._turn)
            if num_betas:
                at_rest = (normal[:, None, :] @ self.rotation[span].astype(np.float32))[:, 0]
                spread = self.model.dense_weights[span, :, None] * normal[:, None, :]
                shape = spread.reshape(len(normal), -1) @ carried
                shape += (at_rest[:, None, :] @ self._shape_dirs(span))[:, 0]
                rows[span, self.unknowns.shape_columns] = shape

        starts = range(0, count, CHUNK)
        if len(starts) <= 2:  # starting threads would cost more than they save
            for start in starts:
                fill(start)
            return rows
        # Most of it is arithmetic on whole arrays, which one core does alone unless it is dealt out.
        with ThreadPoolExecutor(usable_threads()) as pool:
            list(pool.map(fill, starts))
        return rows

    def point_rows(self, vertex_weights, joint_weights) -> F32:
        """(L, V) and (L, J) sparse -> (3 L, P): derivative of L weighted points, x y z in turn."""
        count = vertex_weights.shape[0]
        rows = np.zeros((count, 3, self.unknowns.count), dtype=np.float32)
        total = np.asarray(vertex_weights.sum(axis=1)).reshape(-1) + np.asarray(
            joint_weights.sum(axis=1)
        ).reshape(-1)
        rows[:, :, :3] = np.eye(3)[None] * total[:, None, None]
        arms = vertex_weights @ self._vertex_arms.reshape(len(self._vertex_arms), -1)
        arms += joint_weights @ self._joint_arms.reshape(len(self._joint_arms), -1)
        rows[:, :, self.unknowns.pose_columns] = _turned(arms.reshape(count, 3, -1), self._turn)
        if len(self.unknowns.betas):
            dirs = self.rotation.astype(np.float32) @ self._shape_dirs(slice(None))
            dirs += (self.model.dense_weights @ self._carried.reshape(len(self._carried), -1)).reshape(
                dirs.shape
            )
            shape = vertex_weights @ dirs.reshape(len(dirs), -1)
            shape += joint_weights @ self._joint_shape.reshape(len(self._joint_shape), -1)
            rows[:, :, self.unknowns.shape_columns] = shape.reshape(count, 3, -1)
        return rows.reshape(3 * count, -1)


def _turned_along(arms: F32, normals: F32, turn: F32) -> F32:
    """(N, 3, Ja) arms, (N, 3) normals, (Ja, 3, 3) -> (N, Ja, 3): n . (w x a) = w . (a x n), w = turn d."""
    ax, ay, az = arms[:, 0], arms[:, 1], arms[:, 2]
    nx, ny, nz = (normals[:, k, None] for k in range(3))
    x, y, z = ay * nz - az * ny, az * nx - ax * nz, ax * ny - ay * nx
    axes = [x * turn[:, 0, k] + y * turn[:, 1, k] + z * turn[:, 2, k] for k in range(3)]
    return np.stack(axes, axis=2)


def _turned(arms: F32, turn: F32) -> F32:
    """(N, 3, Ja) arms, (Ja, 3, 3) -> (N, 3, Ja * 3): d point = w x arm with w = turn d."""
    x, y, z = (arms[:, k, :, None] for k in range(3))
    rows = np.stack(
        [z * turn[:, 1] - y * turn[:, 2], x * turn[:, 2] - z * turn[:, 0], y * turn[:, 0] - x * turn[:, 1]],
        axis=1,
    )
    return rows.reshape(len(arms), 3, -1)
