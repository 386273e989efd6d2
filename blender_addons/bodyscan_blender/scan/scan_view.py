# SPDX-FileCopyrightText: 2026 The bodyscan developers
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a scan is shown: all of it, or a part where it is very large. No `bpy`: a thread prepares it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from bodyscan.types import ScanMesh

from .pictures import png_of
from .thin_mesh import thin_mesh

SHOWN_FACES = 1_000_000
"""Faces, or points, that are shown at most; the full scan stays in the working folder. Measured on two busy
cores: Blender builds 1,000,000 faces with colours in 0.9 s and 2,000,000 in 1.8 s, unusable meanwhile."""
LEAST_RADIUS_M, MOST_RADIUS_M = 0.0003, 0.01
_SAMPLED_POINTS = 2000


@dataclass(frozen=True, eq=False)
class ScanView:
    """A scan to be shown. N vertices are shown of V."""

    vertices: np.ndarray
    """(N, 3) float64, metres, world frame."""
    faces: np.ndarray
    """(F, 3) int32; (0, 3) for a cloud."""
    vertex_ids: np.ndarray
    """(N,) int64: which of the scan's vertices they are."""
    num_vertices: int
    """V, of the whole scan."""
    num_faces: int
    """Of the whole scan."""
    colors: np.ndarray | None
    """(N, 3) uint8 sRGB, or None."""
    uvs: np.ndarray | None
    """(3 F, 2) float32 a corner, origin at the top left, or None."""
    texture: bytes | None
    """The picture that the uvs look up, as a PNG file, or None."""
    point_radius_m: float
    """Radius with which the points of a cloud look like a surface; 0 for a mesh."""

    @property
    def is_thinned(self) -> bool:
        """Whether only a part is shown."""
        return len(self.vertices) < self.num_vertices or len(self.faces) < self.num_faces


def view_scan(scan: ScanMesh, limit: int = SHOWN_FACES) -> ScanView:
    """Return what is shown of a scan, at most `limit` faces or points of it."""
    mesh = scan.mesh
    thin = thin_mesh(mesh.vertices, mesh.faces, limit)
    ids, colors, uvs, texture = thin.vertex_ids, mesh.colors, None, None
    if scan.texture is not None and mesh.uvs is not None and len(mesh.faces):
        if thin.is_thinned:
            # Vertices on both sides of a seam became one: the texture would be smeared over it.
            colors = looked_up(scan.texture.image, mesh.uvs)
        else:
            uvs, texture = mesh.uvs[thin.faces.ravel()], png_of(scan.texture.image)
    faces = whole_faces(thin.faces)
    if uvs is not None and len(faces) < len(thin.faces):
        uvs = mesh.uvs[faces.ravel()] if mesh.uvs is not None else None
    return ScanView(
        vertices=mesh.vertices[ids],
        faces=faces,
        vertex_ids=ids,
        num_vertices=len(mesh.vertices),
        num_faces=len(mesh.faces),
        colors=None if colors is None else colors[ids],
        uvs=uvs,
        texture=texture,
        point_radius_m=_radius(mesh.vertices[ids]) if mesh.is_cloud else 0.0,
    )


def whole_faces(faces: np.ndarray) -> np.ndarray:
    """Return the faces with three different corners: others make Blender's meshes invalid."""
    a, b, c = faces[:, 0], faces[:, 1], faces[:, 2]
    whole = (a != b) & (b != c) & (c != a)
    return faces if whole.all() else faces[whole]


def looked_up(image: np.ndarray, uvs: np.ndarray) -> np.ndarray:
    """Return the colours (V, 3) uint8 of the texels at `uvs` (V, 2), whose origin is the top left."""
    height, width = image.shape[:2]
    return image[_texel(uvs[:, 1], height), _texel(uvs[:, 0], width)]


def _texel(place: np.ndarray, size: int) -> np.ndarray:
    """Return rows or columns (V,) of coordinates; images repeat, and 1 is the far edge, not the near."""
    within = place - np.floor(place)
    within = np.where((within == 0) & (place > 0), 1.0, within)
    return np.clip(np.floor(within * size), 0, size - 1).astype(np.int64)


def _radius(points: np.ndarray) -> float:
    """Three quarters of the distance to the nearest neighbour that three of four points keep, metres."""
    if len(points) < 2:
        return MOST_RADIUS_M
    chosen = points[:: max(1, len(points) // _SAMPLED_POINTS)]
    distances, _ = KDTree(points).query(chosen, k=2)
    return float(np.clip(0.75 * np.percentile(distances[:, 1], 75), LEAST_RADIUS_M, MOST_RADIUS_M))
