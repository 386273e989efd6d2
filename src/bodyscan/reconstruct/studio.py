"""Shaded pictures of a scan that a detector made for photographs can read.

Soft key light from above left of the camera, a fill light, a little light from the front and edges that
darken, before a plain light background. The scan's own colours are used where it has them; else a skin
tone, with which the detectors find a bare surface more often than with grey.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from bodyscan.geometry.raycast import Raycaster, Seen, cloud_normals
from bodyscan.geometry.view import View
from bodyscan.types import F64, U8, Bool, Mesh, Texture

SKIN_SRGB = (214, 168, 144)
BACKGROUND_SRGB = (226, 228, 232)


class Studio:
    """Takes pictures of one mesh or cloud. `texture` is looked up through the mesh's `uvs`."""

    def __init__(self, mesh: Mesh, texture: Texture | None = None, *, own_colour: bool = True) -> None:
        self.mesh = mesh
        self.caster = Raycaster(mesh)
        self._normals = _point_normals(mesh)
        self._texture = texture if own_colour and mesh.uvs is not None else None
        self._colours = mesh.colors if own_colour else None

    @cached_property
    def bounds(self) -> F64:
        """(2, 3) the box of all but stray vertices."""
        return robust_bounds(self.mesh.vertices)

    def picture(self, view: View, near: float = 0.0, far: float = np.inf) -> tuple[U8, Bool]:
        """(H, W, 3) uint8 sRGB, and (H, W) where the surface is seen between the depths `near` and `far`."""
        seen = self.caster.look(view, near, far)
        image = np.empty((view.height * view.width, 3), np.uint8)
        image[:] = BACKGROUND_SRGB
        shade = self._albedo(seen) * self._light(view, seen)[:, None]
        image[seen.pixels] = (np.clip(shade, 0, 1) * 255 + 0.5).astype(np.uint8)
        mask = np.zeros(len(image), bool)
        mask[seen.pixels] = True
        return image.reshape(view.height, view.width, 3), mask.reshape(view.height, view.width)

    def normals_at(self, face_ids: ArrayLike, barycentric: ArrayLike) -> F64:
        """Smooth unit normals (N, 3) at hits; NaN where nothing was hit; inward on flipped patches."""
        return _units(self.caster.interpolate(self._normals, face_ids, barycentric))

    def _light(self, view: View, seen: Seen) -> F64:
        normals = _units(self.caster.interpolate(self._normals, seen.face_ids, seen.barycentric))
        normals = normals @ view.camera_from_world[:3, :3].T
        facing = np.einsum("ni,ni->n", normals, seen.rays)
        # Scans come with flipped patches: what the camera sees is taken to face it.
        normals *= -np.sign(facing + 1e-12)[:, None]
        key = np.maximum(normals @ _direction(-0.45, -0.75, -0.65), 0)
        fill = np.maximum(normals @ _direction(0.8, -0.1, -0.6), 0)
        facing = np.abs(facing)
        return 0.30 + 0.52 * key + 0.18 * fill + 0.10 * (facing * np.sqrt(facing))

    def _albedo(self, seen: Seen) -> F64:
        if self._texture is not None and self.mesh.uvs is not None:
            uvs = self.caster.interpolate(self.mesh.uvs, seen.face_ids, seen.barycentric)
            return _sample(self._texture.image, uvs)
        if self._colours is not None:
            return self.caster.interpolate(self._colours, seen.face_ids, seen.barycentric) / 255
        return np.broadcast_to(np.array(SKIN_SRGB) / 255, (len(seen.pixels), 3))


def robust_bounds(vertices: F64) -> F64:
    """(2, 3) the box of all but stray vertices."""
    # Column by column: along the first axis of (V, 3) numpy takes ten times as long for the same numbers.
    columns = [np.ascontiguousarray(vertices[:, axis]) for axis in range(3)]
    low, high = np.array([np.percentile(column, [0.05, 99.95]) for column in columns]).T
    margin = 0.02 * float(np.max(high - low))
    least, most = np.array([(column.min(), column.max()) for column in columns]).T
    return np.stack([np.maximum(low - margin, least), np.minimum(high + margin, most)])


def _sample(image: U8, uvs: F64) -> F64:
    height, width = image.shape[:2]
    rows = np.floor(np.mod(uvs[:, 1], 1.0) * height).astype(int)
    columns = np.floor(np.mod(uvs[:, 0], 1.0) * width).astype(int)
    return image[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)] / 255


def _point_normals(mesh: Mesh) -> F64:
    if mesh.is_cloud:
        return (
            cloud_normals(mesh.vertices)[0] if mesh.normals is None else np.asarray(mesh.normals, np.float64)
        )
    corners = mesh.vertices[mesh.faces]
    area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(mesh.vertices)
    for column in range(3):
        for axis in range(3):
            normals[:, axis] += np.bincount(mesh.faces[:, column], area[:, axis], len(normals))
    # Duplicated vertices (seams, triangle soup) would give facets: they share the sum at their place.
    size = max(float(np.ptp(mesh.vertices, axis=0).max()), 1e-12) * 1e-5
    cells = np.round((mesh.vertices - mesh.vertices.min(axis=0)) / size).astype(np.int64)
    _, group = np.unique(cells @ np.array([1, 1 << 20, 1 << 40]), return_inverse=True)
    shared = np.stack([np.bincount(group, normals[:, axis]) for axis in range(3)], axis=1)[group]
    return shared / np.maximum(np.linalg.norm(shared, axis=1, keepdims=True), 1e-300)


def _units(vectors: F64) -> F64:
    length = np.sqrt(np.einsum("ni,ni->n", vectors, vectors))
    return vectors / np.maximum(length, 1e-12)[:, None]


def _direction(x: float, y: float, z: float) -> F64:
    vector = np.array([x, y, z], np.float64)
    return vector / np.linalg.norm(vector)
