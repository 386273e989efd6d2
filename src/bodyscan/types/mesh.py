"""Surfaces, clouds and pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodyscan.errors import InputError
from bodyscan.types.arrays import (
    F32,
    F64,
    I32,
    U8,
    Bool,
    checked_intrinsics,
    checked_pose,
    frozen_array,
    set_fields,
)


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
        set_fields(self, vertices=vertices, faces=faces)
        if self.uvs is not None:
            set_fields(self, uvs=frozen_array("Mesh.uvs", self.uvs, np.float32, (count, 2)))
        if self.colors is not None:
            set_fields(self, colors=frozen_array("Mesh.colors", self.colors, np.uint8, (count, 3)))
        if self.normals is not None:
            set_fields(self, normals=frozen_array("Mesh.normals", self.normals, np.float32, (count, 3)))

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
        set_fields(self, image=frozen_array("Texture.image", self.image, np.uint8, (None, None, 3)))


@dataclass(frozen=True, eq=False)
class Photo:
    """A photo whose camera is known, without lens distortion.

    The camera has OpenCV axes (+X right, +Y down, +Z into the picture); the centre of pixel (row, column)
    lies at (column + 0.5, row + 0.5).
    """

    image: U8
    """(H, W, 3) uint8 sRGB, row 0 at the top."""
    K: F64
    """(3, 3) float64, pixels: [[fx, 0, cx], [0, fy, cy], [0, 0, 1]]."""
    camera_from_world: F64
    """(4, 4) float64, rigid; in the unit and frame of the scan that the photo belongs to."""
    name: str = ""
    """The picture file's name without its folder."""
    mask: Bool | None = None
    """(H, W) bool, True where the picture shows the person, or None where nobody has said."""

    def __post_init__(self) -> None:
        image = frozen_array("Photo.image", self.image, np.uint8, (None, None, 3))
        K = checked_intrinsics("Photo.K", self.K)
        pose = checked_pose("Photo.camera_from_world", self.camera_from_world)
        set_fields(self, image=image, K=K, camera_from_world=pose)
        if self.mask is not None:
            set_fields(self, mask=frozen_array("Photo.mask", self.mask, np.bool_, image.shape[:2]))
