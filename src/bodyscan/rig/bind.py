"""The fitted person in the pose that the rig is bound in.

Surface detail is carried as an offset from the parametric body in each vertex's own frame (the rotation
nearest to its blended skinning matrix), and put on the body posed anew. The other way, inverting the blended
matrix of every vertex, was tried: `docs/rig.md` has the numbers. Where joints bend, blended matrices lose
volume (their determinant falls under 1); the inverse then blows the offset up and the vertex with it, and
pose correctives of SMPL-family bodies would be taken for detail.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodyscan.body.model import BodyModel, PosedBody, joint_positions
from bodyscan.body.poses import standard_pose
from bodyscan.errors import InputError
from bodyscan.geometry.rigid import rigid_inverse
from bodyscan.rig.inner import settle_inner_parts
from bodyscan.types import F64, BodyFit, BodyParams


@dataclass(frozen=True, eq=False)
class BindPose:
    """Where everything is when the mesh is bound: soles at Y = 0, facing +Z, hips above the origin."""

    surface: F64
    """(V, 3) float64, metres, twin frame: the surface with its detail."""
    body: F64
    """(V, 3) float64, metres, twin frame: the parametric body."""
    joints: F64
    """(J, 3) float64, metres, twin frame: all joints of the body model."""
    world_from_rest: F64
    """(J, 3, 4) float64: takes a point of the unposed body that is bound to a joint into the twin frame."""
    twin_from_captured: F64
    """(J, 3, 4) float64: takes what moved with a joint in the fit's world frame into the twin frame."""


def bind_pose(model: BodyModel, fit: BodyFit, pose: str = "captured") -> BindPose:
    """Pose the fitted person for binding: `captured`, `a` or `t`.

    Raises `InputError` where the fit is not one of this body model, or the pose is unknown.
    """
    if fit.surface.vertices.shape != (model.num_vertices, 3):
        raise InputError(
            f"The fit's surface has {len(fit.surface.vertices)} vertices and the body model "
            f"{model.num_vertices}; give the model that was fitted."
        )
    captured = model.pose(fit.params)
    detail = local_detail(model, captured, fit.surface.vertices)
    posed = captured
    if pose != "captured":
        rotvec = standard_pose(model, fit.params.betas, pose)
        posed = model.pose(BodyParams(fit.params.betas, rotvec, np.zeros(3), fit.params.expression))
    frames = vertex_rotations(model, posed.world_from_rest)
    surface = posed.vertices + (frames @ detail[:, :, None])[:, :, 0]
    twin_from_world = upright(posed, surface)
    world_from_rest = compose(twin_from_world, posed.world_from_rest)
    return BindPose(
        surface=apply_rigid(twin_from_world, surface),
        body=apply_rigid(twin_from_world, posed.vertices),
        joints=joint_positions(world_from_rest, model.rest_joints(fit.params.betas)),
        world_from_rest=world_from_rest,
        twin_from_captured=compose(world_from_rest, rigid_inverse(captured.world_from_rest)),
    )


def local_detail(model: BodyModel, captured: PosedBody, surface: F64) -> F64:
    """(V, 3) metres: the surface's offset from the parametric body in each vertex's unposed frame."""
    frames = vertex_rotations(model, captured.world_from_rest)
    offset = (frames.transpose(0, 2, 1) @ (surface - captured.vertices)[:, :, None])[:, :, 0]
    return settle_inner_parts(model, offset)


def vertex_rotations(model: BodyModel, world_from_rest: F64) -> F64:
    """(V, 3, 3): the rotation nearest to each vertex's blended skinning matrix (polar decomposition)."""
    blended = (model.skin_weights @ world_from_rest[:, :, :3].reshape(-1, 9)).reshape(-1, 3, 3)
    u, _, vt = np.linalg.svd(blended)
    # Joints turned against each other by 180 degrees could blend to a reflection.
    u[:, :, 2] *= np.linalg.det(u @ vt)[:, None]
    rotations: F64 = np.matmul(u, vt)
    return rotations


def upright(posed: PosedBody, surface: F64) -> F64:
    """(3, 4) rigid transform that puts the soles at Y = 0, turns the person to +Z and centres the hips."""
    facing = posed.world_from_rest[0, :, 2]
    yaw = np.arctan2(facing[0], facing[2])
    c, s = np.cos(yaw), np.sin(yaw)
    rotation = np.array([[c, 0.0, -s], [0.0, 1.0, 0.0], [s, 0.0, c]])
    hips = rotation @ posed.joints[0]
    return np.column_stack([rotation, [-hips[0], -surface[:, 1].min(), -hips[2]]])


def apply_rigid(transform: F64, points: F64) -> F64:
    """(3, 4), (N, 3) -> (N, 3)."""
    return points @ transform[:, :3].T + transform[:, 3]


def compose(left: F64, right: F64) -> F64:
    """(..., 3, 4), (..., 3, 4) -> (..., 3, 4): first `right`, then `left`."""
    linear = left[..., :3] @ right[..., :3]
    shift = (left[..., :3] @ right[..., 3:])[..., 0] + left[..., 3]
    return np.concatenate([linear, shift[..., None]], axis=-1)
