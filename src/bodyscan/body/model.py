"""The parametric body: a template, linear shape, a skeleton, and linear blend skinning.

The layout is that of the SMPL family (Loper et al., "SMPL: a skinned multi-person linear model", 2015), so
that a user's own file of that family goes through the same code (`bodyscan.body.smpl_family`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from scipy import sparse

from bodyscan.errors import InputError
from bodyscan.geometry.rotations import rotvec_to_matrix
from bodyscan.types import F32, F64, I32, BodyParams, Bool, Mesh, Skeleton


@dataclass(frozen=True, eq=False)
class PosedBody:
    """A body model at one set of parameters."""

    vertices: F64
    """(V, 3) float64, metres, world frame."""
    joints: F64
    """(J, 3) float64, metres, world frame."""
    world_from_rest: F64
    """(J, 3, 4) float64: takes a point of the unposed body that is bound to a joint into the world."""


@dataclass(frozen=True, eq=False)
class BodyModel:
    """A statistical body on a fixed topology. Vertices are counted V, joints J, components S."""

    name: str
    license: str
    template: F32
    """(V, 3) float32, metres: the mean person unposed, +Y up, facing +Z, the lowest point at Y = 0."""
    shape_dirs: F32
    """(S, V, 3) float32, metres for each standard deviation; body components first, then face components."""
    num_body_components: int
    """The first so many components move the whole body, the rest only the head's surface."""
    joint_template: F64
    """(J, 3) float64, metres."""
    joint_dirs: F64
    """(S, J, 3) float64, metres for each standard deviation."""
    joint_names: tuple[str, ...]
    parents: I32
    """(J,) int32, -1 for the root."""
    skin_weights: sparse.csr_matrix
    """(V, J) float64 sparse, rows sum to 1."""
    faces: I32
    """(F, 3) int32."""
    expression_ids: Mapping[str, I32] = field(default_factory=dict)
    """ARKit shape name -> (K,) vertices that it moves."""
    expression_deltas: Mapping[str, F32] = field(default_factory=dict)
    """ARKit shape name -> (K, 3) float32, metres on the unposed body."""
    pose_dirs: F32 | None = None
    """(9 (J - 1), V, 3) float32 pose correctives, as in SMPL, or None."""
    region_names: tuple[str, ...] = ()
    region_ids: I32 = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    """(V,) index into `region_names`; empty where a model has no regions."""
    inner: Bool = field(default_factory=lambda: np.zeros(0, dtype=bool))
    """(V,) True for vertices that no scanner sees: mouth, eye sockets, teeth, tongue. Without it, none."""
    split_source: I32 = field(default_factory=lambda: np.zeros(0, dtype=np.int32))
    """(R,) int32: vertices split at UV seams, each with the body vertex it is a copy of."""
    split_faces: I32 = field(default_factory=lambda: np.zeros((0, 3), dtype=np.int32))
    """(F, 3) int32 into the split vertices, in the order of `faces`."""
    split_uvs: F32 = field(default_factory=lambda: np.zeros((0, 2), dtype=np.float32))
    """(R, 2) float32, origin at the top left."""

    def __post_init__(self) -> None:
        if not len(self.inner):
            object.__setattr__(self, "inner", np.zeros(len(self.template), dtype=bool))

    @property
    def num_vertices(self) -> int:
        return len(self.template)

    @property
    def num_joints(self) -> int:
        return len(self.joint_names)

    @property
    def num_components(self) -> int:
        return len(self.shape_dirs)

    def joint_index(self, name: str) -> int:
        """Index of a joint; `InputError` lists the known names."""
        try:
            return self.joint_names.index(name)
        except ValueError:
            known = ", ".join(self.joint_names)
            raise InputError(f"The body model has no joint '{name}'. It has: {known}.") from None

    def region(self, *names: str) -> Bool:
        """(V,) True for the vertices of the named regions; `InputError` lists the known names."""
        unknown = set(names) - set(self.region_names)
        if unknown:
            raise InputError(
                f"The body model has no region {sorted(unknown)}. It has: {', '.join(self.region_names)}."
            )
        return np.isin(self.region_ids, [self.region_names.index(name) for name in names])

    @cached_property
    def _flat_dirs(self) -> F32:
        return self.shape_dirs.reshape(self.num_components, -1)

    @cached_property
    def vertex_major_dirs(self) -> F32:
        """(V, 3, S) float32 contiguous copy of `shape_dirs`: quick to gather by vertex."""
        return np.ascontiguousarray(self.shape_dirs.transpose(1, 2, 0))

    @cached_property
    def dense_weights(self) -> F32:
        """(V, J) float32 copy of `skin_weights`."""
        return self.skin_weights.toarray().astype(np.float32)

    @cached_property
    def descendants(self) -> Bool:
        """(J, J) bool: [j, k] True where j is k or lies behind it."""
        below = np.eye(self.num_joints, dtype=bool)
        for j, parent in enumerate(self.parents):
            if parent >= 0:
                below[j] |= below[parent]
        return below

    def at_vertices(self, vertex_ids: I32) -> BodyModel:
        """The same skeleton and shape space with only the given vertices, and no faces."""
        return replace(
            self,
            template=self.template[vertex_ids],
            shape_dirs=self.shape_dirs[:, vertex_ids],
            skin_weights=self.skin_weights[vertex_ids],
            faces=np.zeros((0, 3), dtype=np.int32),
            pose_dirs=None if self.pose_dirs is None else self.pose_dirs[:, vertex_ids],
            expression_ids={},
            expression_deltas={},
            region_ids=self.region_ids[vertex_ids] if len(self.region_ids) else self.region_ids,
            inner=self.inner[vertex_ids],
            split_source=np.zeros(0, dtype=np.int32),
            split_faces=np.zeros((0, 3), dtype=np.int32),
            split_uvs=np.zeros((0, 2), dtype=np.float32),
        )

    def zero_params(self) -> BodyParams:
        """The mean person, unposed."""
        return BodyParams(np.zeros(self.num_components), np.zeros((self.num_joints, 3)), np.zeros(3))

    def rest_vertices(self, betas: F64, expression: Mapping[str, float] | None = None) -> F64:
        """(S,) -> (V, 3) metres: the unposed body. Fewer than S coefficients are filled up with zeros."""
        betas = self._checked_betas(betas)
        count = len(betas)
        vertices = self.template.astype(np.float64)
        if count and np.any(betas):
            vertices += (betas.astype(np.float32) @ self._flat_dirs[:count]).reshape(-1, 3)
        for name, weight in (expression or {}).items():
            if name not in self.expression_ids:
                known = ", ".join(self.expression_ids) or "none"
                raise InputError(f"The body model has no expression '{name}'. It has: {known}.")
            vertices[self.expression_ids[name]] += weight * self.expression_deltas[name]
        return vertices

    def rest_joints(self, betas: F64) -> F64:
        """(S,) -> (J, 3) metres: the joints of the unposed body."""
        betas = self._checked_betas(betas)
        return self.joint_template + np.tensordot(betas, self.joint_dirs[: len(betas)], axes=1)

    def _checked_betas(self, betas: F64) -> F64:
        betas = np.asarray(betas, dtype=np.float64)
        if betas.ndim != 1 or len(betas) > self.num_components:
            raise InputError(
                f"The body model takes at most {self.num_components} shape coefficients in one row; "
                f"it was given an array of shape {betas.shape}."
            )
        return betas

    def pose(self, params: BodyParams) -> PosedBody:
        """The body at `params`: shape, expression, then linear blend skinning."""
        if params.pose_rotvec.shape != (self.num_joints, 3):
            raise InputError(
                f"The body model has {self.num_joints} joints; the pose has the shape "
                f"{params.pose_rotvec.shape}, not ({self.num_joints}, 3)."
            )
        joints = self.rest_joints(params.betas)
        rotations = rotvec_to_matrix(params.pose_rotvec)
        rest = self.corrected_rest(params.betas, params.expression, rotations)
        world = self.joint_transforms(joints, rotations, params.translation)
        return PosedBody(self.skin(rest, world), joint_positions(world, joints), world)

    def corrected_rest(self, betas: F64, expression: Mapping[str, float] | None, rotations: F64) -> F64:
        """(S,), weights, (J, 3, 3) local rotations -> (V, 3) metres: what skinning is applied to."""
        rest = self.rest_vertices(betas, expression)
        if self.pose_dirs is not None:
            rest += np.tensordot((rotations[1:] - np.eye(3)).reshape(-1), self.pose_dirs, axes=1)
        return rest

    def joint_transforms(self, joints: F64, rotations: F64, translation: F64) -> F64:
        """(J, 3), (J, 3, 3), (3,) -> (J, 3, 4) world_from_rest by forward kinematics."""
        return forward_kinematics(self.parents, joints, rotations, translation)

    def skin(self, rest: F64, world_from_rest: F64) -> F64:
        """(V, 3), (J, 3, 4) -> (V, 3): linear blend skinning."""
        blended = (self.skin_weights @ world_from_rest.reshape(-1, 12)).reshape(-1, 3, 4)
        return (blended[:, :, :3] @ rest[:, :, None])[:, :, 0] + blended[:, :, 3]

    def unskin(self, posed: F64, world_from_rest: F64) -> F64:
        """(V, 3), (J, 3, 4) -> (V, 3): the inverse of `skin`, vertex by vertex."""
        blended = (self.skin_weights @ world_from_rest.reshape(-1, 12)).reshape(-1, 3, 4)
        return np.linalg.solve(blended[:, :, :3], (posed - blended[:, :, 3])[:, :, None])[:, :, 0]

    def mesh(self, vertices: F64) -> Mesh:
        """The topology of the body with other vertices."""
        return Mesh(vertices, self.faces)

    def skeleton(self, posed: PosedBody) -> Skeleton:
        """The joints of a posed body, in the world frame."""
        return Skeleton(self.joint_names, self.parents, posed.joints)


def forward_kinematics(parents: I32, joints: F64, rotations: F64, translation: F64) -> F64:
    """(J,), (J, 3) rest joints, (J, 3, 3) local rotations, (3,) -> (J, 3, 4) world_from_rest."""
    count = len(parents)
    world = np.empty((count, 3, 4))
    for j in range(count):
        parent = parents[j]
        if parent < 0:
            rotation, position = rotations[j], joints[j] + translation
        else:
            rotation = world[parent, :, :3] @ rotations[j]
            position = world[parent, :, :3] @ joints[j] + world[parent, :, 3]
        world[j, :, :3] = rotation
        world[j, :, 3] = position - rotation @ joints[j]
    return world


def joint_positions(world_from_rest: F64, joints: F64) -> F64:
    """(J, 3, 4), (J, 3) rest joints -> (J, 3) world positions."""
    return (world_from_rest[:, :, :3] @ joints[:, :, None])[:, :, 0] + world_from_rest[:, :, 3]
