"""A body model's parameters, its skeleton, and its fit to a scan."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from bodyscan.errors import InputError
from bodyscan.types.arrays import F32, F64, I32, frozen_array, set_fields
from bodyscan.types.mesh import Mesh


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
        set_fields(
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
        set_fields(
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
