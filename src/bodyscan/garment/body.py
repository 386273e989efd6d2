"""The body that a garment is draped on: the fitted person's skin in a tailor's pose.

Pose and surface detail follow `bodyscan.rig.bind`: the detail is carried as an offset from the parametric
body in each vertex's own frame and put on the body posed anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from bodyscan.body.arm_pose import LEAST_ARM_DEG, MOST_ARM_DEG, arm_pose
from bodyscan.body.body_parts import skin_faces
from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError
from bodyscan.rig.bind import apply_rigid, local_detail, upright, vertex_rotations
from bodyscan.types import F64, I32, BodyFit, BodyParams, Mesh

SURFACES = ("skin", "surface")


@dataclass(frozen=True)
class GarmentBodyOptions:
    """How the person stands, and which surface of the fit it is."""

    arm_down_deg: float | None = 45.0
    """0 to 70, degrees: how far the arms hang below the horizontal; GarmentCode's bodies have 45. None: the
    person stands as scanned, back and shoulders too."""
    surface: str = "skin"
    """`skin`: the person as estimated under cloth and hair, which garments are made for. `surface`: as
    scanned, with the cloth that was worn."""

    def __post_init__(self) -> None:
        if self.surface not in SURFACES:
            raise InputError(
                f"GarmentBodyOptions.surface is '{self.surface}'; possible: {', '.join(SURFACES)}."
            )
        down = self.arm_down_deg
        if down is not None and not LEAST_ARM_DEG <= down <= MOST_ARM_DEG:
            raise InputError(
                f"GarmentBodyOptions.arm_down_deg is {down:g}; possible are {LEAST_ARM_DEG:g} to "
                f"{MOST_ARM_DEG:g} degrees below the horizontal, or None for the pose as scanned."
            )

    @property
    def pose(self) -> str:
        """The pose's name: `a45`, `a30.5` ..., or `captured`."""
        return "captured" if self.arm_down_deg is None else f"a{self.arm_down_deg:g}"


@dataclass(frozen=True, eq=False)
class GarmentBody:
    """A person posed for garments. Metres, +Y up, facing +Z, soles at Y = 0, hips above the origin."""

    model: BodyModel
    vertices: F64
    """(V, 3) float64, all vertices of the body's topology in its order, eyes, teeth and tongue too."""
    joints: F64
    """(J, 3) float64."""
    skin_faces: I32
    """(F, 3) int32: the closed skin (with the mouth's and the eye sockets' lining), without loose parts."""
    pose: str
    """`a45` (arms 45 degrees below the horizontal, or another number), or `captured`."""

    def skin(self) -> Mesh:
        """The watertight skin; vertices keep their numbers; eyes, teeth and tongue are in no face."""
        return Mesh(self.vertices, self.skin_faces)

    def closed_skin(self) -> Mesh:
        """The same surface without the vertices that are in no face, for collision and distances."""
        ids, compact = np.unique(self.skin_faces, return_inverse=True)
        return Mesh(self.vertices[ids], compact.reshape(-1, 3).astype(np.int32))


def pose_options(pose: str, surface: str = "skin") -> GarmentBodyOptions:
    """`a45`, `a30` ... (degrees of the arms below the horizontal), `t` or `captured` -> options.

    Raises `InputError` for another pose or an angle out of range.
    """
    if pose == "captured":
        return GarmentBodyOptions(None, surface)
    if pose == "t":
        return GarmentBodyOptions(0.0, surface)
    if (found := re.fullmatch(r"a(\d{1,2}(?:\.\d+)?)", pose)) is None:
        raise InputError(
            f"The pose '{pose}' is unknown; possible are a45 (the arms' degrees below the horizontal, "
            f"{LEAST_ARM_DEG:g} to {MOST_ARM_DEG:g}), t, and captured."
        )
    return GarmentBodyOptions(float(found[1]), surface)


def garment_body(model: BodyModel, fit: BodyFit, options: GarmentBodyOptions | None = None) -> GarmentBody:
    """Pose a fitted person for garments, with a calm face (as scanned: with the face as scanned).

    Raises `InputError` where the fit is not one of this body model, or an option is out of range.
    """
    options = options or GarmentBodyOptions()
    scanned = (fit.skin if options.surface == "skin" else fit.surface).vertices
    if scanned.shape != (model.num_vertices, 3):
        raise InputError(
            f"The fit's surface has {len(scanned)} vertices and the body model {model.num_vertices}; give "
            "the model that was fitted."
        )
    captured = model.pose(fit.params)
    posed = captured
    if options.arm_down_deg is not None:
        rotvec = arm_pose(model, fit.params.betas, options.arm_down_deg)
        posed = model.pose(BodyParams(fit.params.betas, rotvec, np.zeros(3)))
    detail = local_detail(model, captured, scanned)
    frames = vertex_rotations(model, posed.world_from_rest)
    surface = posed.vertices + (frames @ detail[:, :, None])[:, :, 0]
    twin_from_world = upright(posed, surface)
    vertices, joints = (apply_rigid(twin_from_world, points) for points in (surface, posed.joints))
    faces = skin_faces(model)
    floor = np.array([0.0, vertices[np.unique(faces), 1].min(), 0.0])
    return GarmentBody(model, vertices - floor, joints - floor, faces, options.pose)
