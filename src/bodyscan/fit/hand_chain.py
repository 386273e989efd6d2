"""One hand as a chain of anatomical angles: how far each finger joint flexes, spreads and twists.

A rotation vector mixes the three, and limits of a finger are limits of single angles. Each joint turns by
S(spread) F(flexion) T(twist) about axes of its own, so that a hinge stays a hinge at any flexion, and the
derivative of a point by an angle is the cross product of the turned axis with the arm to the joint.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bodyscan.body.model import BodyModel
from bodyscan.fit.prior import bone_direction, finger_hinges
from bodyscan.geometry.rotations import matrix_to_rotvec, rotvec_to_matrix
from bodyscan.types import F64, I32, BodyParams

FLEXION, SPREAD, TWIST = 0, 1, 2
"""Columns of a joint's angles. Flexion closes the hand; spread turns the thumb's side out of the palm's plane
for the thumb, and within it for the fingers."""
NUM_MODES = 7
"""So many directions hold the shapes of hands to 0.2 mm."""
CARRIED = 0.98
"""Forearm vertices belong to the chain where forearm and hand carry so much of them."""


@dataclass(frozen=True, eq=False)
class HandState:
    """A posed hand. V vertices, 16 joints: the wrist, then the 15 of the fingers."""

    vertices: F64
    """(V, 3) metres, world frame."""
    joints: F64
    """(16, 3) metres, world frame."""
    carried: F64
    """(V, 3, 17) where each joint alone would take a vertex, times its weight; the forearm first."""
    axes: F64
    """(16, 3, 3) world axes of the joints' angles; rows flexion, spread, twist."""
    world: F64
    """(17, 3, 4) world from rest of the forearm and the joints."""
    rotations: F64
    """(16, 3, 3) local rotations."""


@dataclass(frozen=True, eq=False)
class HandPose:
    """What a hand can do beside the arm that carries it."""

    shift: F64
    """(3,) metres, world frame: what the arm is still off by."""
    wrist: F64
    """(3, 3) local rotation of the hand."""
    angles: F64
    """(15, 3) radians from the unposed body: flexion, spread, twist."""
    shape: F64
    """(K,) coefficients of the hand's own shape modes, standard deviations from the chain's betas."""

    def moved(self, delta: F64) -> HandPose:
        """After a step (51 + K,): shift, turn of the wrist in the forearm's frame, angles, shape."""
        return HandPose(
            self.shift + delta[:3],
            rotvec_to_matrix(delta[3:6]) @ self.wrist,
            self.angles + delta[6:51].reshape(15, 3),
            self.shape + delta[51:],
        )


@dataclass(frozen=True, eq=False)
class HandChain:
    """One side's hand and forearm of a person, cut out of the body model."""

    vertex_ids: I32
    """(V,) body vertices of the hand and the forearm."""
    faces: I32
    """(F, 3) into those."""
    in_hand: np.ndarray
    """(V,) True for the hand, False for the forearm."""
    finger_of: np.ndarray
    """(V,) 0..4 thumb to little finger, -1 for palm and forearm."""
    joint_ids: I32
    """(16,) joints of the model: the wrist, then thumb to little finger from root to tip."""
    names: tuple[str, ...]
    """(16,) without the side."""
    parents: I32
    """(16,) places in this chain, -1 for the wrist."""
    below: F64
    """(17, 16) 1 where the chain's joint (row 0: the forearm) hangs on the column's joint."""
    rest: F64
    """(V, 3) metres, unposed."""
    rest_joints: F64
    """(16, 3) metres, unposed."""
    weights: F64
    """(V, 17) skin weights; all joints before the wrist together stand in the first column."""
    forearm: F64
    """(3, 4) world from rest of the forearm."""
    axes: F64
    """(15, 3, 3) unit axes in the unposed body; rows flexion, spread, twist."""
    rest_flexion: F64
    """(15,) radians that a joint is flexed in the unposed body."""
    shape_modes: F64
    """(V, 3, K) metres for each standard deviation, the wrist held in place: how hands differ most."""
    joint_modes: F64
    """(K, 16, 3)."""
    betas_of_modes: F64
    """(S, K) orthonormal: the body's coefficients that a mode stands for."""
    mean_shape: F64
    """(K,) where the population's mean lies from the chain's betas."""

    def state(self, pose: HandPose) -> HandState:
        """The hand at `pose`."""
        flexion, spread, twist = (
            rotvec_to_matrix(self.axes[:, k] * pose.angles[:, k, None]) for k in (FLEXION, SPREAD, TWIST)
        )
        local = np.concatenate([pose.wrist[None], spread @ flexion @ twist])
        rest = self.rest + self.shape_modes @ pose.shape
        rest_joints = self.rest_joints + np.tensordot(pose.shape, self.joint_modes, axes=1)
        world = np.empty((17, 3, 4))
        world[0] = self.forearm
        world[0, :, 3] += pose.shift
        joints, outer = np.empty((16, 3)), np.empty((16, 3, 3))
        for k, parent in enumerate(self.parents):
            before = world[parent + 1]
            joints[k] = before[:, :3] @ rest_joints[k] + before[:, 3]
            outer[k] = before[:, :3]
            turned = before[:, :3] @ local[k]
            world[k + 1, :, :3] = turned
            world[k + 1, :, 3] = joints[k] - turned @ rest_joints[k]
        carried = rest @ world[:, :, :3].transpose(2, 1, 0).reshape(3, 51) + world[:, :, 3].T.reshape(51)
        carried = carried.reshape(-1, 3, 17) * self.weights[:, None]
        axes = np.empty((16, 3, 3))
        axes[0] = outer[0].T
        axes[1:, SPREAD] = np.einsum("jab,jb->ja", outer[1:], self.axes[:, SPREAD])
        axes[1:, FLEXION] = np.einsum("jab,jb->ja", outer[1:] @ spread, self.axes[:, FLEXION])
        axes[1:, TWIST] = np.einsum("jab,jb->ja", outer[1:] @ spread @ flexion, self.axes[:, TWIST])
        return HandState(carried.sum(axis=2), joints, carried, axes, world, local)

    def rows(self, state: HandState, ids: np.ndarray, directions: F64) -> F64:
        """(N,) places, (N, 3) directions -> (N, 51 + K): derivative of direction . vertex by a pose."""
        lever = (state.carried[ids].reshape(-1, 17) @ self.below).reshape(-1, 3, 16)
        lever -= (self.weights[ids] @ self.below)[:, None] * state.joints.T
        held = np.einsum("jab,kjb->jak", state.world[1:, :, :3], self.joint_modes)
        carried = np.concatenate([np.zeros((1, *held.shape[1:])), self._moved_joints(state) - held])
        blended = (self.weights[ids] @ state.world[:, :, :3].reshape(17, 9)).reshape(-1, 3, 3)
        shape = (self.weights[ids] @ carried.reshape(17, -1)).reshape(len(ids), 3, len(self.joint_modes))
        shape += blended @ self.shape_modes[ids]
        return _rows(lever, state.axes, directions, (directions[:, None] @ shape)[:, 0])

    def joint_rows(self, state: HandState) -> F64:
        """(48, 51 + K): derivative of the 16 joints' positions, x y z in turn."""
        lever = (state.joints[:, :, None] - state.joints.T) * self.below[1:, None]
        shape = self._moved_joints(state).reshape(48, -1)
        return _rows(np.repeat(lever, 3, axis=0), state.axes, np.tile(np.eye(3), (16, 1)), shape)

    def _moved_joints(self, state: HandState) -> F64:
        """(16, 3, K): derivative of the joints' positions by shape."""
        moved = np.zeros((16, 3, len(self.joint_modes)))
        for k, parent in enumerate(self.parents):
            before = self.joint_modes[:, parent] if parent >= 0 else 0.0
            moved[k] = (state.world[parent + 1, :, :3] @ (self.joint_modes[:, k] - before).T) + (
                moved[parent] if parent >= 0 else 0.0
            )
        return moved

    @cached_property
    def tips(self) -> I32:
        """(5,) places of the vertices at the fingers' ends, thumb first."""
        away = np.linalg.norm(self.rest[:, None] - self.rest_joints[1::3], axis=2)
        return np.where(self.finger_of[:, None] == np.arange(5), away, 0.0).argmax(axis=0).astype(np.int32)

    def pose_of(self, params: BodyParams) -> HandPose:
        """The angles nearest to what `params` says."""
        local = rotvec_to_matrix(params.pose_rotvec[self.joint_ids])
        angles = np.einsum("jkc,jc->jk", self.axes, params.pose_rotvec[self.joint_ids[1:]])
        return HandPose(np.zeros(3), local[0], angles, np.zeros(len(self.joint_modes)))

    def put_into(self, params: BodyParams, pose: HandPose) -> BodyParams:
        """`params` with this hand's wrist and fingers; the shift is left to the arm."""
        rotvec = params.pose_rotvec.copy()
        rotvec[self.joint_ids] = matrix_to_rotvec(self.state(pose).rotations)
        return BodyParams(params.betas, rotvec, params.translation, params.expression)


def _rows(lever: F64, axes: F64, directions: F64, shape: F64) -> F64:
    """(N, 3, 16) arms, (16, 3, 3) axes, (N, 3) directions, (N, K) -> (N, 51 + K)."""
    # direction . (axis x arm) = axis . (arm x direction): one cross product for three axes.
    x, y, z = lever[:, 0], lever[:, 1], lever[:, 2]
    u, v, w = directions.T[:, :, None]
    turned = y * w - z * v, z * u - x * w, x * v - y * u
    rows = np.empty((len(lever), 51 + shape.shape[1]))
    rows[:, :3] = directions
    for k in range(3):
        rows[:, 3 + k : 51 : 3] = sum(part * axes[:, k, c] for c, part in enumerate(turned))
    rows[:, 51:] = shape
    return rows


def has_hand(model: BodyModel, side: str) -> bool:
    """Whether the model has the fingers and the region of the `left` or `right` hand."""
    return f"{side}_hand" in model.region_names and f"{side}IndexProximal" in model.joint_names


def build_hand_chain(model: BodyModel, params: BodyParams, side: str) -> HandChain | None:
    """The `left` or `right` hand of the person, or None for a model without fingers or regions."""
    if not has_hand(model, side):
        return None
    rest_joints = model.rest_joints(params.betas)
    hinges = finger_hinges(model, rest_joints, side)
    hand = model.joint_index(f"{side}Hand")
    joint_ids = np.array([hand, *(j for j, _, _ in hinges)], dtype=np.int32)
    place = {int(j): k for k, j in enumerate(joint_ids)}
    parents = np.array([place.get(int(model.parents[j]), -1) for j in joint_ids], dtype=np.int32)
    below = np.zeros((17, 16))
    for k, parent in enumerate(parents):
        below[k + 1] = below[parent + 1]
        below[k + 1, k] = 1.0
    seen = model.region(f"{side}_hand", f"{side}_lower_arm") & ~model.inner
    # The elbow's skin follows the upper arm as well, which this chain does not know.
    carriers = [*joint_ids, model.parents[hand]]
    seen &= np.asarray(model.skin_weights[:, carriers].sum(axis=1)).reshape(-1) > CARRIED
    ids = np.flatnonzero(seen).astype(np.int32)
    renumbered = np.full(model.num_vertices, -1)
    renumbered[ids] = np.arange(len(ids))
    faces = renumbered[model.faces[seen[model.faces].all(axis=1)]].astype(np.int32)
    part = model.at_vertices(ids)
    weights = np.empty((len(ids), 17))
    weights[:, 1:] = part.skin_weights[:, joint_ids].toarray()
    weights[:, 0] = 1 - weights[:, 1:].sum(axis=1)
    by_finger = weights[:, 2:].reshape(-1, 5, 3).sum(axis=2)
    rest = part.rest_vertices(params.betas)
    world = model.joint_transforms(rest_joints, rotvec_to_matrix(params.pose_rotvec), params.translation)
    axes, flexion = _axes(model, rest_joints, rest, weights, hinges, parents)
    modes, joint_modes, betas_of_modes = _shape_modes(part, joint_ids, model.region(f"{side}_hand")[ids])
    return HandChain(
        ids,
        faces,
        model.region(f"{side}_hand")[ids],
        np.where(by_finger.max(axis=1) > 0.5, by_finger.argmax(axis=1), -1),
        joint_ids,
        tuple(model.joint_names[j].removeprefix(side) for j in joint_ids),
        parents,
        below,
        rest,
        rest_joints[joint_ids],
        weights,
        world[model.parents[hand]],
        axes,
        flexion,
        modes,
        joint_modes,
        betas_of_modes,
        -betas_of_modes.T @ params.betas[: len(betas_of_modes)],
    )


def _shape_modes(part: BodyModel, joint_ids: I32, in_hand: np.ndarray) -> tuple[F64, F64, F64]:
    """Principal directions of the hand's shape under the body's standard normal coefficients."""
    count = part.num_body_components
    joints = part.joint_dirs[:count][:, joint_ids]
    vertices = part.shape_dirs[:count].astype(np.float64) - joints[:, :1]
    joints = joints - joints[:, :1]
    spread = np.concatenate([vertices[:, np.flatnonzero(in_hand)[::8]], joints], axis=1).reshape(count, -1)
    _, vectors = np.linalg.eigh(spread @ spread.T)
    main = vectors[:, ::-1][:, : min(NUM_MODES, count)]
    modes = (vertices.reshape(count, -1).T @ main).reshape(-1, 3, main.shape[1])
    return modes, np.tensordot(main.T, joints, axes=1), main


def _axes(
    model: BodyModel,
    rest_joints: F64,
    rest: F64,
    weights: F64,
    hinges: list[tuple[int, F64, str]],
    parents: I32,
) -> tuple[F64, F64]:
    axes, flexion = np.empty((15, 3, 3)), np.empty(15)
    for k, (j, axis, name) in enumerate(hinges):
        if name.endswith("Distal"):
            moved = rest[weights[:, k + 2] > 0.5 * weights[:, k + 2].max()] - rest_joints[j]
            bone = moved[np.linalg.norm(moved, axis=1).argsort()[-12:]].mean(axis=0)
            bone /= np.linalg.norm(bone)
        else:
            bone = bone_direction(model, rest_joints, j)
        before = rest_joints[j] - rest_joints[model.parents[j]]
        before /= np.linalg.norm(before)
        flexion[k] = np.arctan2(np.cross(before, bone) @ axis, before @ bone)
        axes[k] = axis, np.cross(axis, bone), bone
        axes[k, SPREAD] /= np.linalg.norm(axes[k, SPREAD])
    return axes, flexion
