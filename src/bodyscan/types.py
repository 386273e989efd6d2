"""The values that flow between the stages.

World frame: metres, radians, right-handed, +Y up, the person faces +Z, as in glTF. The person's left
is +X. Arrays are checked when a value is built, read-only afterwards. Transforms: `target_from_source`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodyscan.errors import InputError

F64 = NDArray[np.float64]
F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
U16 = NDArray[np.uint16]
U8 = NDArray[np.uint8]
Bool = NDArray[np.bool_]


def frozen_array(
    name: str, value: Any, dtype: Any, shape: tuple[int | None, ...], *, finite: bool = True
) -> NDArray[Any]:
    """Return `value` as a read-only C-ordered array, or raise `InputError`.

    `shape` holds a length for each axis, None where any length is allowed. A read-only array that
    already fits is returned as it is; all else is copied: the caller's array cannot change the value.
    """
    array = np.asarray(value, dtype=dtype)
    if array.ndim != len(shape) or any(
        want is not None and want != got for want, got in zip(shape, array.shape, strict=False)
    ):
        wanted = "(" + ", ".join("N" if n is None else str(n) for n in shape) + ")"
        raise InputError(f"{name} must have the shape {wanted}; it has {array.shape}.")
    if finite and array.dtype.kind == "f" and not np.isfinite(array).all():
        bad = int((~np.isfinite(array)).sum())
        raise InputError(f"{name} holds {bad} values that are NaN or infinite.")
    if array.flags.writeable or not array.flags.c_contiguous:
        array = np.array(array, dtype=dtype, order="C", copy=True)
        array.flags.writeable = False
    return array


def _set(instance: Any, **values: Any) -> None:
    for name, value in values.items():
        object.__setattr__(instance, name, value)


@dataclass(frozen=True, eq=False)
class Mesh:
    """A triangle mesh, or a point cloud where `faces` is empty."""

    vertices: F64
    """(V, 3) float64, metres, world frame."""
    faces: I32
    """(F, 3) int32, counter-clockwise seen from outside; (0, 3) for a point cloud."""
    uvs: F32 | None = None
    """(V, 2) float32 texture coordinates with the origin at the image's top left, as in glTF, or None."""
    colors: U8 | None = None
    """(V, 3) uint8 sRGB, or None."""
    normals: F32 | None = None
    """(V, 3) float32 unit normals that came with a point cloud, or None: meshes compute theirs."""

    def __post_init__(self) -> None:
        vertices = frozen_array("Mesh.vertices", self.vertices, np.float64, (None, 3))
        faces = frozen_array("Mesh.faces", self.faces, np.int32, (None, 3))
        count = len(vertices)
        if len(faces) and (faces.min() < 0 or faces.max() >= count):
            raise InputError(
                f"Mesh.faces names vertex {int(faces.max())} or below 0; there are {count} vertices."
            )
        _set(self, vertices=vertices, faces=faces)
        if self.uvs is not None:
            _set(self, uvs=frozen_array("Mesh.uvs", self.uvs, np.float32, (count, 2)))
        if self.colors is not None:
            _set(self, colors=frozen_array("Mesh.colors", self.colors, np.uint8, (count, 3)))
        if self.normals is not None:
            _set(self, normals=frozen_array("Mesh.normals", self.normals, np.float32, (count, 3)))

    @property
    def is_cloud(self) -> bool:
        """True where there are no faces."""
        return len(self.faces) == 0


@dataclass(frozen=True, eq=False)
class Texture:
    """A colour image that a mesh's `uvs` look up."""

    image: U8
    """(H, W, 3) uint8 sRGB, row 0 at the top."""

    def __post_init__(self) -> None:
        _set(self, image=frozen_array("Texture.image", self.image, np.uint8, (None, None, 3)))


@dataclass(frozen=True, eq=False)
class Capture:
    """What arrived from outside, as it arrived: no unit, axis or surface was changed.

    `unit`, `up` and `facing` are what the person who runs the job said, or None: to be inferred.
    """

    mesh: Mesh
    """Vertices in the file's own unit and axes (float64)."""
    texture: Texture | None = None
    unit: str | None = None
    """One of `m`, `cm`, `mm`, `in`, or None."""
    up: str | None = None
    """One of `+x -x +y -y +z -z`, or None."""
    facing: str | None = None
    """One of `+x -x +y -y +z -z`, or None."""
    sha256: str = ""
    """Hex digest of the input file's bytes; empty where the capture did not come from a file."""
    source: str = ""
    """The file's name without its folder."""
    file_format: str = ""
    """Lower-case extension of the file, without the dot."""
    notes: tuple[str, ...] = ()
    """What the reader saw that a person should know (dropped vertices, several materials ...)."""


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Named points of the person's body, found on or near a scan's surface."""

    names: tuple[str, ...]
    """Names as in `bodyscan.body.landmarks.LANDMARK_NAMES` (for example `left_wrist`)."""
    positions: F64
    """(L, 3) float64, metres, world frame."""
    confidence: F32
    """(L,) float32, 0..1; the weight that a solver should give the point."""
    kind: tuple[str, ...] = ()
    """(L) `joint` for the centre of a joint inside the body, `surface` for a point on the skin."""
    source: str = "mediapipe"
    """Which detector found them."""

    def __post_init__(self) -> None:
        count = len(self.names)
        _set(
            self,
            positions=frozen_array("Landmarks.positions", self.positions, np.float64, (count, 3)),
            confidence=frozen_array("Landmarks.confidence", self.confidence, np.float32, (count,)),
        )
        if len(self.kind) not in (0, count):
            raise InputError(f"Landmarks.kind has {len(self.kind)} entries for {count} names.")


@dataclass(frozen=True, eq=False)
class ScanMesh:
    """A cleaned scan of one person in the world frame: what the fit takes."""

    mesh: Mesh
    """World frame; for clouds `mesh.normals` is set."""
    confidence: F32
    """(V,) float32, 0..1: how far a vertex can be trusted (borders, thin crumbs and floor are low)."""
    texture: Texture | None = None
    world_from_input: F64 = field(default_factory=lambda: np.eye(4))
    """(4, 4) float64 similarity that took the input file's coordinates to the world frame."""
    unit: str = "m"
    """The input file's unit, given or inferred."""
    up: str = "+y"
    """The input file's up axis."""
    facing: str = "+z"
    """The input file's axis nearest to where the person faces."""
    inferred: tuple[str, ...] = ()
    """Which of `unit`, `up`, `facing` were inferred and not given."""
    landmarks: Landmarks | None = None
    """Body landmarks in the world frame, or None where no detector saw the person."""
    sha256: str = ""
    """Hex digest of the input file's bytes."""
    notes: tuple[str, ...] = ()
    """What was seen and what was repaired, in plain sentences."""

    def __post_init__(self) -> None:
        count = len(self.mesh.vertices)
        _set(
            self,
            confidence=frozen_array("ScanMesh.confidence", self.confidence, np.float32, (count,)),
            world_from_input=frozen_array(
                "ScanMesh.world_from_input", self.world_from_input, np.float64, (4, 4)
            ),
        )


@dataclass(frozen=True, eq=False)
class BodyParams:
    """Parameters of a body model."""

    betas: F64
    """(S,) float64, shape coefficients in standard deviations of the model's population."""
    pose_rotvec: F64
    """(J, 3) float64, radians: rotation of each joint in its parent's frame; row 0 is the root."""
    translation: F64
    """(3,) float64, metres: where the root joint of the unposed body is moved."""
    expression: Mapping[str, float] = field(default_factory=dict)
    """ARKit shape name -> weight 0..1."""

    def __post_init__(self) -> None:
        _set(
            self,
            betas=frozen_array("BodyParams.betas", self.betas, np.float64, (None,)),
            pose_rotvec=frozen_array("BodyParams.pose_rotvec", self.pose_rotvec, np.float64, (None, 3)),
            translation=frozen_array("BodyParams.translation", self.translation, np.float64, (3,)),
            expression=MappingProxyType(dict(self.expression)),
        )


@dataclass(frozen=True, eq=False)
class Skeleton:
    """Joints in the pose that the mesh is bound in. Joint frames are world-aligned there."""

    joint_names: tuple[str, ...]
    parents: I32
    """(J,) int32, the parent's index, -1 for the root; a parent stands before its children."""
    positions: F64
    """(J, 3) float64, metres, world frame."""

    def __post_init__(self) -> None:
        count = len(self.joint_names)
        parents = frozen_array("Skeleton.parents", self.parents, np.int32, (count,))
        if count and (parents[0] != -1 or (parents[1:] < 0).any() or (parents >= np.arange(count)).any()):
            raise InputError(
                "Skeleton.parents must hold -1 for the first joint only, and an earlier joint for all others."
            )
        if len(set(self.joint_names)) != count:
            raise InputError("Skeleton.joint_names holds a name twice.")
        _set(
            self,
            parents=parents,
            positions=frozen_array("Skeleton.positions", self.positions, np.float64, (count, 3)),
        )


@dataclass(frozen=True)
class FitQuality:
    """How sure the fit is of itself."""

    surface_mean_mm: float
    """Mean distance to the fitted surface of the trusted scan points within 20 mm of it, mm."""
    surface_p95_mm: float
    """95th percentile over all trusted scan points."""
    body_mean_mm: float
    """Mean distance of trusted scan points to the parametric body (without surface detail), mm."""
    coverage: float
    """0..1, share of the body's area that has trusted scan data near it."""
    explained: float
    """0..1, share of the scan's trusted area that lies within 20 mm of the fitted surface."""
    pose_plausibility: float
    """0..1, 1 where every joint is well inside its limits."""
    shape_plausibility: float
    """0..1, 1 for a usual build, towards 0 far from every body that the model was made from."""
    noise_mm: float
    """Standard deviation of the scan's vertices along the normal, as the scan itself shows it, mm."""
    expected_error_mm: float
    """What the fit expects of itself: mean distance of the person's true surface to the fitted one, mm."""
    acceptable: bool
    """True where the result meets the limits in `FitOptions`."""
    reasons: tuple[str, ...] = ()
    """Why the result is not acceptable, in plain sentences."""


@dataclass(frozen=True, eq=False)
class BodyFit:
    """A body model fitted to a scan."""

    params: BodyParams
    body: Mesh
    """The parametric body, captured pose, world frame, body topology (V vertices)."""
    surface: Mesh
    """The person as scanned: the body with the scan's detail, cloth and hair included; same topology and
    pose, colours where the scan has them."""
    skin: Mesh
    """The person as estimated under cloth and hair: the scan's detail where it shows skin, the parametric
    body under cover, and never outside of what was scanned. Same topology and pose."""
    skeleton: Skeleton
    """The person's joints in the captured pose."""
    distance_mm: F32
    """(N,) float32, signed distance of each scan vertex to `surface`, positive outside."""
    coverage: F32
    """(V,) float32, 0..1: how far each body vertex is backed by scan data."""
    clothing: F32
    """(V,) float32, 0..1: how likely the scan shows cloth or hair there, not skin."""
    quality: FitQuality
    model_name: str = ""
    """Name of the body model that was fitted."""
    iterations: int = 0
    """Number of solver steps, all levels together."""
    guessed_hands: tuple[str, ...] = ()
    """Sides (`left`, `right`) whose hand could not be made out in the scan: it is put at rest."""
    notes: tuple[str, ...] = ()


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
        _set(self, joint_indices=indices, joint_weights=weights)


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
        _set(
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
