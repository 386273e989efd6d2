"""What a photo sees of the surface, and how well.

A depth picture is cast for each photo, at the scan and the fitted surface together: either may stand before a
texel. A texel is seen where nothing within two pixels stands before it by more than a tolerance that grows
with its slant; where something does by less, a ray asks the fitted surface alone. Beside silhouettes, masks
and the picture's border a photo counts less, because there a millimetre of error in scan, fit or camera puts
the background's colour on the skin. How well it sees a texel is pixels per metre of surface, in the direction
in which the surface is foreshortened.

Rays from each texel in place of a depth picture: 2.5 million a photo where 0.3 million do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, maximum_filter, minimum_filter

from bodyscan.geometry.raycast import Raycaster
from bodyscan.geometry.view import View
from bodyscan.texture.photo_options import PhotoBakeOptions
from bodyscan.types import F32, I32, Bool, Mesh, Photo

LAST_PX = 1.0
"""Pixels of the depth picture beside a silhouette that do not count at all."""
LIFT_M = 0.0005
"""What stands before a point by less than this is the surface that the point lies on."""
LEAST_SHARE = 0.02
"""Weight just inside of that: a finger three pixels wide is better than nothing."""


@dataclass(frozen=True, eq=False)
class Window:
    """A part of a photo at a lower resolution: pixel (row, column) of it covers `block` by `block` pixels."""

    row: int
    column: int
    """First row and column of the photo that it covers, pixels."""
    rows: int
    columns: int
    """Its size in blocks."""
    block: int
    """Pixels of the photo along a side of a block."""


@dataclass(frozen=True, eq=False)
class Sight:
    """What one photo sees."""

    photo: Photo
    rotation: F32
    """(3, 3) world to camera."""
    translation: F32
    """(3,)"""
    eye: F32
    """(3,) world, metres."""
    window: Window
    depth: F32
    """(rows, columns) metres along the camera's +Z; inf for background."""
    nearest: F32
    """(rows, columns) the least of `depth` within two blocks."""
    trust: F32
    """(rows, columns) 0..1: 1 well inside of the person, 0 at silhouettes, masks and borders."""

    def project(self, points: F32) -> tuple[F32, F32, F32]:
        """Columns, rows (pixels of the photo, centres at halves) and depths (N,) of points (N, 3)."""
        local = points @ self.rotation.T + self.translation
        K = self.photo.K.astype(np.float32)
        depth = local[:, 2]
        safe = np.where(depth > 1e-6, depth, np.float32(np.inf))
        return local[:, 0] * K[0, 0] / safe + K[0, 2], local[:, 1] * K[1, 1] / safe + K[1, 2], depth

    def quality(self, points: F32, normals: F32, surface: Raycaster, options: PhotoBakeOptions) -> F32:
        """(N,) float32 pixels per metre of surface times trust; 0 where the photo does not see the point.

        `surface` is what the points lie on: against it they are held to the millimetre, so that no eyeball
        takes the colour of its lid.
        """
        column, row, depth = self.project(points)
        to_eye = self.eye - points
        distance = np.sqrt(np.einsum("ni,ni->n", to_eye, to_eye))
        cosine = np.einsum("ni,ni->n", normals, to_eye) / np.maximum(distance, 1e-9)
        window = self.window
        with np.errstate(invalid="ignore"):
            i = np.floor((row - window.row) / window.block)
            j = np.floor((column - window.column) / window.block)
        fits = (i >= 0) & (i < window.rows) & (j >= 0) & (j < window.columns) & (depth > 1e-6)
        fits &= cosine > np.cos(np.radians(options.steepest_deg))
        at = np.where(fits, i * window.columns + j, 0).astype(np.int32)
        focal = np.float32(np.sqrt(self.photo.K[0, 0] * self.photo.K[1, 1]))
        per_metre = focal / np.maximum(depth, 1e-6)
        slant = np.sqrt(np.maximum(1 - cosine * cosine, 0)) / np.maximum(cosine, 0.1)
        slope = window.block / per_metre * slant
        fits &= depth - self.nearest.reshape(-1)[at] < options.tolerance_mm / 1000 + 3 * slope
        doubtful = np.flatnonzero(fits & (depth - self.depth.reshape(-1)[at] > LIFT_M + 0.75 * slope))
        hidden = surface.cast(points[doubtful] + LIFT_M * normals[doubtful], to_eye[doubtful]).hit
        fits[doubtful[hidden]] = False
        return np.where(fits, self.trust.reshape(-1)[at] * per_metre * cosine, 0).astype(np.float32)

    def inside(self) -> Bool:
        """(rows, columns) True where the blocks show the person and nothing else."""
        return self.trust > 0


def look_from(photo: Photo, caster: Raycaster, options: PhotoBakeOptions) -> Sight | None:
    """What `photo` sees of the caster's mesh (world frame, metres); None where it shows nothing of it."""
    height, width = photo.image.shape[:2]
    pose = photo.camera_from_world
    whole = View(width, height, photo.K, pose)
    window = _window(whole, caster.mesh, options.depth_pixels)
    if window is None:
        return None
    seen = caster.look(_view_of(window, whole))
    depth = np.full(window.rows * window.columns, np.inf, np.float32)
    depth[seen.pixels] = seen.depth
    depth = depth.reshape(window.rows, window.columns)
    if not np.isfinite(depth).any():
        return None
    return Sight(
        photo=photo,
        rotation=pose[:3, :3].astype(np.float32),
        translation=pose[:3, 3].astype(np.float32),
        eye=whole.eye.astype(np.float32),
        window=window,
        depth=depth,
        nearest=np.asarray(minimum_filter(depth, 5, mode="nearest"), np.float32),
        trust=_trust(depth, photo, window, options),
    )


def _window(view: View, mesh: Mesh, most: int) -> Window | None:
    """The part of the photo that the mesh's box can lie in, and how coarse it is looked at."""
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    corners = np.stack(np.meshgrid(*zip(low, high, strict=True), indexing="ij"), -1).reshape(-1, 3)
    ahead = corners @ view.camera_from_world[2, :3] + view.camera_from_world[2, 3]
    first, last = np.zeros(2), np.array([view.width, view.height], np.float64)
    if ahead.max() <= 0:
        return None
    if ahead.min() > 1e-6:
        pixels = view.project(corners)
        first = np.clip(np.floor(pixels.min(axis=0)) - 4, 0, last)
        last = np.clip(np.ceil(pixels.max(axis=0)) + 4, first, last)
    columns, rows = (last - first).astype(int)
    if columns < 1 or rows < 1:
        return None
    block = max(1, int(np.ceil(np.sqrt(columns * rows / most))))
    return Window(int(first[1]), int(first[0]), -(-int(rows) // block), -(-int(columns) // block), block)


def _view_of(window: Window, view: View) -> View:
    K = view.K.copy()
    K[0, 2] -= window.column
    K[1, 2] -= window.row
    K[:2] /= window.block
    return View(window.columns, window.rows, K, view.camera_from_world)


def _trust(depth: F32, photo: Photo, window: Window, options: PhotoBakeOptions) -> F32:
    finite = np.isfinite(depth)
    known = np.where(finite, depth, np.float32(1e6))
    step = maximum_filter(known, 3, mode="nearest") - minimum_filter(known, 3, mode="nearest")
    good = finite & (step < options.jump_mm / 1000)
    if photo.mask is not None:
        good &= _blocks_of(photo.mask, window)
    # A frame of nothing around the photo itself: its border is an edge like any other.
    height, width = photo.image.shape[:2]
    edges = (
        window.row == 0,
        window.row + window.rows * window.block >= height,
        window.column == 0,
        window.column + window.columns * window.block >= width,
    )
    padded = np.pad(good, 1, mode="edge")
    for at_border, line in zip(edges, (np.s_[0], np.s_[-1], np.s_[:, 0], np.s_[:, -1]), strict=True):
        if at_border:
            padded[line] = False
    away = np.asarray(distance_transform_edt(padded), np.float32)[1:-1, 1:-1]
    soft = max(options.edge_margin_px / window.block, 1e-3)
    share = np.clip((away - LAST_PX) / soft, LEAST_SHARE, 1)
    return np.where(good & (away > LAST_PX), share, 0).astype(np.float32)


def _blocks_of(mask: Bool, window: Window) -> Bool:
    """(rows, columns) True where the middle of a block lies on the mask."""
    rows = window.row + window.block * np.arange(window.rows) + window.block // 2
    columns = window.column + window.block * np.arange(window.columns) + window.block // 2
    rows, columns = np.minimum(rows, mask.shape[0] - 1), np.minimum(columns, mask.shape[1] - 1)
    return mask[rows[:, None], columns[None, :]]


def occluders(scan: Mesh, surface: Mesh) -> Mesh:
    """The scan and the fitted surface as one mesh; the surface alone where the scan is a cloud."""
    if scan.is_cloud:
        return surface
    faces = np.concatenate([scan.faces, surface.faces + np.int32(len(scan.vertices))])
    return Mesh(np.concatenate([scan.vertices, surface.vertices]), faces)


def facing_texels(
    vertices: F32, normals: F32, faces: I32, triangle: I32, eye: F32, steepest_deg: float
) -> NDArray[np.int64]:
    """Texels (K,) of the triangles of which a corner may be seen from `eye`: what is worth a closer look."""
    to_eye = eye - vertices
    cosine = np.einsum("vi,vi->v", normals, to_eye) / np.maximum(np.linalg.norm(to_eye, axis=1), 1e-9)
    facing = cosine > np.cos(np.radians(steepest_deg))
    return np.flatnonzero(facing[faces].any(axis=1)[triangle])
