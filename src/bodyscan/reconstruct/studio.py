"""Shaded pictures of a scan that a detector made for photographs can read.

Soft key light from above left of the camera, a fill light, a little light from the front and edges that
darken, before a plain light background. The scan's own colours are used where it has them; else a skin
tone, with which the detectors find a bare surface more often than with grey.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from bodyscan.geometry.raycast import Raycaster, RenderedView, View, cloud_normals
from bodyscan.types import F64, U8, Mesh, Texture

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

    def picture(self, view: View, near: float = 0.0, far: float = np.inf) -> tuple[U8, RenderedView]:
        """(H, W, 3) uint8 sRGB, and what each pixel sees between the depths `near` and `far`."""
        seen = self.caster.render(view, near, far)
        image = np.empty((view.height, view.width, 3))
        image[:] = np.array(BACKGROUND_SRGB) / 255
        mask = seen.mask
        if mask.any():
            ids, weights = seen.face_ids[mask], seen.barycentric[mask]
            image[mask] = self._albedo(ids, weights) * self._light(view, mask, ids, weights)[:, None]
        return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8), seen

    def normals_at(self, face_ids: ArrayLike, barycentric: ArrayLike) -> F64:
        """Smooth unit normals (N, 3) at hits; NaN where nothing was hit; inward on flipped patches."""
        normals = self.caster.interpolate(self._normals, face_ids, barycentric)
        return normals / np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)

    def _light(self, view: View, mask: np.ndarray, ids: np.ndarray, weights: np.ndarray) -> F64:
        normals = self.normals_at(ids, weights) @ view.camera_from_world[:3, :3].T
        _, rays = view.rays(view.pixel_centres()[mask.ravel()])
        facing = np.einsum("ni,ni->n", normals, rays @ view.camera_from_world[:3, :3].T)
        # Scans come with flipped patches: what the camera sees is taken to face it.
        normals *= -np.sign(facing + 1e-12)[:, None]
        key = np.maximum(normals @ _direction(-0.45, -0.75, -0.65), 0)
        fill = np.maximum(normals @ _direction(0.8, -0.1, -0.6), 0)
        return 0.30 + 0.52 * key + 0.18 * fill + 0.10 * np.abs(facing) ** 1.5

    def _albedo(self, ids: np.ndarray, weights: np.ndarray) -> F64:
        if self._texture is not None and self.mesh.uvs is not None:
            return _sample(self._texture.image, self.caster.interpolate(self.mesh.uvs, ids, weights))
        if self._colours is not None:
            return self.caster.interpolate(self._colours, ids, weights) / 255
        return np.broadcast_to(np.array(SKIN_SRGB) / 255, (len(ids), 3))


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


def _direction(x: float, y: float, z: float) -> F64:
    vector = np.array([x, y, z], np.float64)
    return vector / np.linalg.norm(vector)
