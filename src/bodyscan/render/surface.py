"""What a picture needs to know of the surface: smooth normals and colours at the points that rays hit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodyscan.errors import InputError
from bodyscan.geometry.raycast import Raycaster, cloud_normals
from bodyscan.geometry.srgb import linear_from_srgb
from bodyscan.types import F32, F64, I32, Mesh, Texture


def vertex_normals(mesh: Mesh) -> F64:
    """Unit normals (V, 3): area-weighted face normals, shared by vertices at the same place.

    Vertices that were split at texture seams lie at the same place and get the same normal, so that no
    seam shows. A cloud's own normals are used; where it has none they are estimated, without a sign.
    """
    if mesh.is_cloud:
        own = mesh.normals
        return np.asarray(own, np.float64) if own is not None else cloud_normals(mesh.vertices)[0]
    corners = mesh.vertices[mesh.faces]
    face_normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    place = _places(mesh.vertices)
    index = place[mesh.faces].T.ravel()
    count = int(place.max()) + 1
    total = np.stack(
        [np.bincount(index, np.tile(face_normals[:, k], 3), minlength=count) for k in range(3)], axis=1
    )[place]
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.where(length > 1e-300, total / np.maximum(length, 1e-300), [0.0, 1.0, 0.0])


def _places(vertices: F64) -> I32:
    """(V,) the same number for vertices that share a place, to a two-millionth of the extent."""
    low = vertices.min(axis=0)
    extent = max(float((vertices.max(axis=0) - low).max()), 1e-12)
    grid = np.round((vertices - low) * ((2**21 - 2) / extent)).astype(np.int64)
    key = (grid[:, 0] << 42) | (grid[:, 1] << 21) | grid[:, 2]
    return np.unique(key, return_inverse=True)[1].astype(np.int32)


@dataclass(frozen=True, eq=False)
class Hits:
    """Surface points that were seen, one for each ray that hit."""

    ids: I32
    """(N,) index of the ray."""
    positions: F32
    """(N, 3) world, metres."""
    normals: F32
    """(N, 3) unit, smooth, on the camera's side."""
    face_ids: I32
    """(N,)"""
    barycentric: F32
    """(N, 3)"""
    distance: F32
    """(N,) from the eye, metres."""


def seen_from(caster: Raycaster, normals: F64, origins: F64, directions: F64) -> Hits:
    """Cast rays (N, 3) and return what they hit, with normals turned to the camera's side."""
    found = caster.cast(origins, directions)
    ids = np.flatnonzero(found.hit)
    face_ids, weights = found.face_ids[ids], found.barycentric[ids]
    smooth = caster.interpolate(normals, face_ids, weights)
    away = directions[ids]
    if caster.mesh.is_cloud:
        flat = smooth
    else:
        corners = caster.mesh.vertices[caster.mesh.faces[face_ids]]
        flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    # A face seen from behind (a hole, a flipped part) is lit as if it faced the camera.
    behind = np.einsum("nk,nk->n", flat, away) > 0
    smooth[behind] *= -1
    # A smooth normal may still look away near an outline: bend it back to the silhouette.
    along = np.einsum("nk,nk->n", smooth, away)
    smooth -= np.maximum(along + 1e-3, 0)[:, None] * away
    smooth /= np.maximum(np.linalg.norm(smooth, axis=1, keepdims=True), 1e-12)
    distance = found.distance[ids]
    return Hits(
        ids.astype(np.int32),
        (origins[ids] + distance[:, None] * away).astype(np.float32),
        smooth.astype(np.float32),
        face_ids,
        weights.astype(np.float32),
        distance.astype(np.float32),
    )


class Albedo:
    """Linear colour of the surface: a texture, vertex colours or one colour."""

    def __init__(self, mesh: Mesh, texture: Texture | None, look: str, clay: tuple[int, int, int]) -> None:
        has_texture = texture is not None and mesh.uvs is not None
        if look == "color" and not has_texture and mesh.colors is None:
            raise InputError(
                "look='color' needs vertex colours, or a texture and uvs; this mesh has neither. "
                "Use look='clay'."
            )
        if look == "data" and mesh.colors is None:
            raise InputError("look='data' needs vertex colours on the mesh; it has none.")
        self._mesh = mesh
        self._clay = linear_from_srgb(np.array(clay, np.uint8))
        self._texture: F32 | None = None
        self._colors: F32 | None = None
        if look in ("auto", "color") and has_texture and texture is not None:
            self._texture = linear_from_srgb(texture.image)
        elif look != "clay" and mesh.colors is not None:
            self._colors = linear_from_srgb(mesh.colors)

    @property
    def is_plain(self) -> bool:
        """True for clay."""
        return self._texture is None and self._colors is None

    def at(self, hits: Hits) -> F32:
        """(N, 3) linear colour of the points that were hit."""
        if self._texture is not None:
            return look_up(self._texture, uvs_at(self._mesh, hits))
        if self._colors is not None:
            return corner_mean(self._mesh, self._colors, hits)
        return np.broadcast_to(self._clay, (len(hits.ids), 3))

    def reduce_texture(self, hits: Hits, pixel_ids: I32) -> None:
        """Shrink the texture to the picture's own fineness, against shimmer; call once with first hits."""
        image = self._texture
        if image is None or len(hits.ids) < 2:
            return
        self._texture = shrunk(image, uvs_at(self._mesh, hits), pixel_ids)


def corner_mean(mesh: Mesh, values: F32, hits: Hits) -> F32:
    """(N, C) of the points that were hit, from values (V, C) at the vertices."""
    if mesh.is_cloud:
        return values[hits.face_ids]
    return np.einsum("nk,nkc->nc", hits.barycentric, values[mesh.faces[hits.face_ids]])


def uvs_at(mesh: Mesh, hits: Hits) -> F32:
    """(N, 2) texture coordinates of the points that were hit; the mesh must have some."""
    return corner_mean(mesh, np.asarray(mesh.uvs, np.float32), hits)


def shrunk(image: F32, uv: F32, pixel_ids: I32) -> F32:
    """Halve an image (H, W, C) until a pixel of the picture is no more than 1.5 texels wide.

    `uv` (N, 2) at the picture's pixels `pixel_ids` (N,), row * width + column.
    """
    next_door = np.diff(pixel_ids) == 1
    height, width = image.shape[:2]
    step = np.abs(np.diff(uv, axis=0))[next_door] * [width, height]
    if not len(step):
        return image
    while np.median(step.max(axis=1)) > 1.5 and min(image.shape[:2]) >= 4:
        tall, wide = (n - n % 2 for n in image.shape[:2])
        # Four slices are added four times as fast as a mean over two axes.
        upper = image[0:tall:2, 0:wide:2] + image[0:tall:2, 1:wide:2]
        image = (upper + image[1:tall:2, 0:wide:2] + image[1:tall:2, 1:wide:2]) / 4
        step = step / 2
    return image


def look_up(image: F32, uv: F32) -> F32:
    """(N, C) of an image (H, W, C) at uv (N, 2), bilinear, origin at the top left, repeating."""
    height, width = image.shape[:2]
    x, y = uv[:, 0] * width - 0.5, uv[:, 1] * height - 0.5
    x0, y0 = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    fx, fy = (x - x0)[:, None], (y - y0)[:, None]
    left, right, top, bottom = x0 % width, (x0 + 1) % width, y0 % height, (y0 + 1) % height
    upper = image[top, left] * (1 - fx) + image[top, right] * fx
    lower = image[bottom, left] * (1 - fx) + image[bottom, right] * fx
    return (upper * (1 - fy) + lower * fy).astype(np.float32)
