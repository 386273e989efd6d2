"""The twin and its parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bodyscan.errors import InputError
from bodyscan.types.arrays import F32, F64, I32, U8, U16, frozen_array, set_fields
from bodyscan.types.body import Skeleton
from bodyscan.types.mesh import Mesh


@dataclass(frozen=True, eq=False)
class Rig:
    """A mesh bound to a skeleton."""

    mesh: Mesh
    """In the pose that it is bound in, world frame."""
    skeleton: Skeleton
    joint_indices: U16
    """(V, 4) uint16; unused places hold joint 0 with weight 0."""
    joint_weights: F32
    """(V, 4) float32, each row sums to 1 within 1e-6, largest first."""

    def __post_init__(self) -> None:
        count = len(self.mesh.vertices)
        indices = frozen_array("Rig.joint_indices", self.joint_indices, np.uint16, (count, 4))
        weights = frozen_array("Rig.joint_weights", self.joint_weights, np.float32, (count, 4))
        if count:
            if indices.max() >= len(self.skeleton.joint_names):
                raise InputError(
                    f"Rig.joint_indices names joint {int(indices.max())}; "
                    f"there are {len(self.skeleton.joint_names)}."
                )
            if weights.min() < 0 or np.abs(weights.sum(axis=1) - 1).max() > 1e-5:
                raise InputError("Rig.joint_weights must be at least 0 and sum to 1 at each vertex.")
        set_fields(self, joint_indices=indices, joint_weights=weights)


@dataclass(frozen=True, eq=False)
class Morph:
    """One face shape as a sparse displacement of the twin's bind-pose vertices."""

    name: str
    """ARKit name, for example `jawOpen`."""
    vertex_ids: I32
    """(K,) int32, ascending."""
    deltas: F32
    """(K, 3) float32, metres, world frame of the bind pose."""

    def __post_init__(self) -> None:
        ids = frozen_array("Morph.vertex_ids", self.vertex_ids, np.int32, (None,))
        set_fields(
            self,
            vertex_ids=ids,
            deltas=frozen_array("Morph.deltas", self.deltas, np.float32, (len(ids), 3)),
        )


@dataclass(frozen=True)
class Measurement:
    """One tape measurement of the person in the standard pose."""

    name: str
    """snake_case English name, for example `bust_girth`."""
    value_cm: float
    iso: str = ""
    """The clause of ISO 8559-1:2017 that defines it, where it has one."""
    description: str = ""


def measurement_values(measurements: Iterable[Measurement]) -> list[dict[str, str | float]]:
    """Return measurements as rows for JSON: name, centimetres, clause of ISO 8559-1, description."""
    return [
        {"name": m.name, "value_cm": m.value_cm, "iso_8559_1": m.iso, "description": m.description}
        for m in measurements
    ]


@dataclass(frozen=True)
class ProvenanceStep:
    """What one stage did."""

    stage: str
    version: str
    seconds: float
    options: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Provenance:
    """Where a twin comes from."""

    software: str
    """`bodyscan` and its version."""
    input_sha256: str
    input_name: str
    body_model: str
    """Name, version and licence of the body model."""
    steps: tuple[ProvenanceStep, ...] = ()
    quality: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class SkinTextures:
    """Images that the twin's uvs look up, square and of one size. Row 0 is the top, as in glTF."""

    albedo: U8
    """(N, N, 3) uint8 sRGB: base colour."""
    normal: U8 | None = None
    """(N, N, 3) uint8: tangent-space normals as glTF reads them (value / 255 * 2 - 1, green is up), or None
    where the scan shows no detail below the mesh's resolution."""
    roughness: U8 | None = None
    """(N, N) uint8 linear, 255 is fully rough, or None."""
    seen_share: float = 0.0
    """0..1, share of the visible skin's texels that the scan showed; the rest was filled."""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        albedo = frozen_array("SkinTextures.albedo", self.albedo, np.uint8, (None, None, 3))
        size = albedo.shape[0]
        if albedo.shape[1] != size:
            raise InputError(f"SkinTextures.albedo must be square; it is {albedo.shape[1]} by {size}.")
        set_fields(self, albedo=albedo)
        if self.normal is not None:
            shape = (size, size, 3)
            set_fields(self, normal=frozen_array("SkinTextures.normal", self.normal, np.uint8, shape))
        if self.roughness is not None:
            shape = (size, size)
            set_fields(
                self, roughness=frozen_array("SkinTextures.roughness", self.roughness, np.uint8, shape)
            )


@dataclass(frozen=True, eq=False)
class Level:
    """A coarser level of detail of a twin: same skeleton, same uvs, fewer triangles."""

    rig: Rig
    """In the twin's bind pose, on the twin's skeleton."""
    vertex_source: I32
    """(V,) int32, the body-topology vertex of each vertex."""
    morphs: tuple[Morph, ...] = ()
    """The face shapes that show at this level."""
    consent: str = ""
    """The signed record, bound to this level's triangles; empty until `assemble_twin` has bound it."""


@dataclass(frozen=True, eq=False)
class Capsule:
    """A cone with round ends around a bone, in the bind pose."""

    joint: str
    """Name of the joint that it moves with."""
    start: F64
    """(3,) float64, metres, world frame."""
    end: F64
    """(3,) float64, metres, world frame."""
    start_radius_m: float
    end_radius_m: float

    def __post_init__(self) -> None:
        set_fields(
            self,
            start=frozen_array("Capsule.start", self.start, np.float64, (3,)),
            end=frozen_array("Capsule.end", self.end, np.float64, (3,)),
        )
        if not (0 < self.start_radius_m < np.inf and 0 < self.end_radius_m < np.inf):
            raise InputError(f"The capsule of {self.joint} needs two radii above 0.")


@dataclass(frozen=True, eq=False)
class CollisionBody:
    """What cloth collides with: a watertight, low-polygon body without gaps between the fingers."""

    rig: Rig
    """In the twin's bind pose, on the twin's skeleton; closed, oriented outward, no boundary edges."""
    capsules: tuple[Capsule, ...] = ()
    """The same for engines that collide with capsules only."""
    consent: str = ""
    """The signed record, bound to this surface; empty until `assemble_twin` has bound it."""


@dataclass(frozen=True, eq=False)
class Twin:
    """A person's digital twin. Built by `bodyscan.twin.assemble_twin` alone, which checks consent."""

    rig: Rig
    """Bind pose, vertices split at UV seams, soles at Y = 0, facing +Z."""
    vertex_source: I32
    """(V,) int32, the body-topology vertex that each twin vertex was split from."""
    morphs: tuple[Morph, ...]
    measurements: tuple[Measurement, ...]
    landmarks: Mapping[str, tuple[float, float, float]]
    """Name -> position in the bind pose, metres, world frame."""
    consent: str
    """The signed consent record with its binding: a JSON text, see `bodyscan.consent`."""
    provenance: Provenance
    pose: str = "captured"
    """`captured`, `a` or `t`: the pose of `rig.mesh`."""
    textures: SkinTextures | None = None
    """Looked up by `rig.mesh.uvs`; None where the scan has no colour or the twin keeps the scan's surface."""
    levels: tuple[Level, ...] = ()
    """Coarser levels of detail, finest first; the twin itself is level 0."""
    collision: CollisionBody | None = None
