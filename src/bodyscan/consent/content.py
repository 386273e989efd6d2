"""A body as arrays, from a file or as a twin will be written: what a consent is bound to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from bodyscan.errors import InputError
from bodyscan.geometry.influences import clean_influences
from bodyscan.types import F32, F64, I32, U8, U16, Morph, Rig, SkinTextures, frozen_array
from bodyscan.types.arrays import set_fields

JOINT_GRID_M = 2.0**-20
"""Joints are written on this grid (about 1 micrometre), on which float32 sums are exact."""
PARTS = ("rig", "morphs", "texture")
"""What a body has beyond its triangles, in the order in which it is told."""


@dataclass(frozen=True, eq=False)
class BodyContent:
    """One body in its rest pose. World frame: metres, +Y up, facing +Z."""

    positions: F32
    """(V, 3) float32, metres."""
    faces: I32
    """(F, 3) int32."""
    joint_positions: F64 = field(default_factory=lambda: np.zeros((0, 3)))
    """(J, 3) float64, metres: where the joints stand in the rest pose; empty without a skeleton."""
    joint_indices: U16 | None = None
    """(V, K) uint16 into `joint_positions`, or None where the mesh is not skinned."""
    joint_weights: F32 | None = None
    """(V, K) float32, 0 in unused places; None with `joint_indices`."""
    morphs: tuple[Morph, ...] = ()
    """Face shapes, displacements in metres of the rest pose; a name at most once."""
    uvs: F32 | None = None
    """(V, 2) float32, origin at the top left of the image: where `albedo` is looked up."""
    albedo: U8 | None = None
    """(H, W, 3) uint8 sRGB base colour image, row 0 at the top; None where there is none."""
    colors: U8 | None = None
    """(V, 3) uint8 sRGB vertex colours, which multiply the image; None where there are none."""
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Linear factor on all colours, 0..1."""
    unread: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Part (`rig`, `morphs`, `texture`) -> why it is there and cannot be read here."""
    problems: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Part -> what the file holds of it that no twin does: a second image, another shape of one name."""

    def __post_init__(self) -> None:
        positions = frozen_array("BodyContent.positions", self.positions, np.float32, (None, 3))
        count = len(positions)
        faces = frozen_array("BodyContent.faces", self.faces, np.int32, (None, 3))
        if faces.size and not 0 <= faces.min() <= faces.max() < count:
            raise InputError(f"BodyContent.faces name a vertex outside 0..{count - 1}.")
        joints = frozen_array("BodyContent.joint_positions", self.joint_positions, np.float64, (None, 3))
        values: dict[str, object] = {"positions": positions, "faces": faces, "joint_positions": joints}
        if (self.joint_indices is None) != (self.joint_weights is None):
            raise InputError("BodyContent: joint_indices and joint_weights come together.")
        if self.joint_indices is not None and self.joint_weights is not None:
            width = self.joint_indices.shape[-1]
            indices = frozen_array("joint_indices", self.joint_indices, np.uint16, (count, width))
            if indices.size and indices.max() >= len(joints):
                raise InputError(f"BodyContent.joint_indices names joint {indices.max()} of {len(joints)}.")
            values["joint_indices"] = indices
            weights = frozen_array("joint_weights", self.joint_weights, np.float32, (count, width))
            values["joint_weights"] = weights
        for name, dtype, width in (("uvs", np.float32, 2), ("colors", np.uint8, 3)):
            if (array := getattr(self, name)) is not None:
                values[name] = frozen_array(f"BodyContent.{name}", array, dtype, (count, width))
        if self.albedo is not None:
            values["albedo"] = frozen_array("BodyContent.albedo", self.albedo, np.uint8, (None, None, 3))
        names = [morph.name for morph in self.morphs]
        if len(set(names)) < len(names):
            raise InputError("BodyContent.morphs: a name stands twice.")
        for morph in self.morphs:
            ids = morph.vertex_ids
            if len(ids) and not 0 <= ids.min() <= ids.max() < count:
                raise InputError(f"BodyContent.morphs: '{morph.name}' names a vertex outside 0..{count - 1}.")
        set_fields(self, **values)

    @property
    def is_skinned(self) -> bool:
        """True where there is a skeleton and the mesh is bound to it."""
        return self.joint_weights is not None and len(self.joint_positions) > 0

    @property
    def is_colored(self) -> bool:
        """True where an image is looked up, or vertices have colours."""
        return (self.albedo is not None and self.uvs is not None) or self.colors is not None


def content_of(rig: Rig, morphs: tuple[Morph, ...] = (), textures: SkinTextures | None = None) -> BodyContent:
    """Return what a twin's file will hold of a surface: `rig`, its face shapes and its images.

    Influences and joint places are put in the form in which the file has them, so that a seal of the twin
    fits the plain file to the bit. Vertex colours count where there is no image, for only then are they
    written. Raises `InputError` where the arrays do not fit each other.
    """
    mesh = rig.mesh
    joints, weights = clean_influences(rig.joint_indices, rig.joint_weights)
    return BodyContent(
        positions=np.asarray(mesh.vertices, np.float32),
        faces=mesh.faces,
        joint_positions=on_joint_grid(rig.skeleton.positions),
        joint_indices=joints,
        joint_weights=weights,
        morphs=tuple(morphs),
        uvs=None if mesh.uvs is None else np.asarray(mesh.uvs, np.float32),
        albedo=None if textures is None else textures.albedo,
        colors=mesh.colors if textures is None else None,
    )


def on_joint_grid(positions: NDArray[np.floating]) -> F64:
    """Return joint positions (J, 3), metres, rounded to `JOINT_GRID_M`."""
    return np.round(np.asarray(positions, np.float64) / JOINT_GRID_M) * JOINT_GRID_M + 0.0


def shape_key(name: str) -> str:
    """Return the name under which a face shape is known; some targets write its first letter large."""
    return name[:1].lower() + name[1:]
