"""Rays against a surface: pictures without a graphics driver, hits, closest points.

Rays are cast by Open3D's `RaycastingScene` (Embree), which needs no OpenGL. Open3D holds float32
and misses thin hits far from the origin, so that the scene is built around the mesh's own centre.
A point cloud is cast as one square a point, lying in the tangent plane: every function works for it as
for a mesh, and its face ids are point ids.

Two thirds of a picture of a person are background. So rays go only where the mesh's box is seen, are built
from the rows and columns of the picture, and `look` answers for the hits alone. Measured, CPU seconds for
twelve shaded pictures of 360 by 448 pixels: 0.25, and 0.81 with all pixels on the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import KDTree

from bodyscan.errors import InputError
from bodyscan.geometry.load_open3d import load_open3d
from bodyscan.geometry.view import View
from bodyscan.threads import usable_threads
from bodyscan.types import F64, I32, Mesh

NEIGHBOURS = 12
"""Points that the tangent plane and size of a cloud's square are taken from."""


@dataclass(frozen=True, eq=False)
class RayHits:
    """The first hit of each ray, on either side of the surface."""

    distance: F64
    """(N,) float64 along the unit direction, inf where nothing was hit."""
    face_ids: I32
    """(N,) int32, -1 where nothing was hit; the point's id in a cloud."""
    barycentric: F64
    """(N, 3) float64, weights of the face's three vertices; (1, 0, 0) in a cloud; 0 where nothing was hit."""

    @property
    def hit(self) -> np.ndarray:
        """(N,) bool."""
        return self.face_ids >= 0


@dataclass(frozen=True, eq=False)
class Seen:
    """The pixels of a picture that see the surface."""

    pixels: NDArray[np.int64]
    """(N,) row * width + column, ascending."""
    face_ids: I32
    """(N,) int32, the face that is seen; the point in a cloud."""
    barycentric: F64
    """(N, 3) weights of the face's three vertices; (1, 0, 0) in a cloud."""
    depth: F64
    """(N,) along the camera's +Z."""
    rays: F64
    """(N, 3) unit directions, camera axes."""


@dataclass(frozen=True, eq=False)
class RenderedView:
    """What a view sees of the surface."""

    view: View
    face_ids: I32
    """(H, W) int32, -1 for background."""
    depth: F64
    """(H, W) float64, along the camera's +Z, inf for background."""
    barycentric: F64
    """(H, W, 3) float64."""

    @property
    def mask(self) -> np.ndarray:
        """(H, W) bool, True on the surface."""
        return self.face_ids >= 0


class Raycaster:
    """Casts rays at one mesh or cloud. Build it once and ask often.

    Raises `InputError` for a mesh without vertices.
    """

    def __init__(self, mesh: Mesh) -> None:
        if not len(mesh.vertices):
            raise InputError("Raycaster: the mesh is empty; there is nothing to cast rays at.")
        self.mesh = mesh
        self._offset: F64 = (mesh.vertices.min(axis=0) + mesh.vertices.max(axis=0)) / 2
        vertices, faces = (mesh.vertices, mesh.faces)
        if mesh.is_cloud:
            vertices, faces = _squares(mesh)
            self._tree = KDTree(mesh.vertices)
        bounds = zip(vertices.min(axis=0), vertices.max(axis=0), strict=True)
        self._box: F64 = np.stack(np.meshgrid(*bounds, indexing="ij"), -1).reshape(-1, 3)
        self._scene = _scene(vertices - self._offset, faces)

    def cast(self, origins: ArrayLike, directions: ArrayLike) -> RayHits:
        """First hits of rays: `origins` and `directions` (N, 3); directions need not be of unit length."""
        origins = np.asarray(origins, np.float64).reshape(-1, 3) - self._offset
        directions = np.asarray(directions, np.float64).reshape(-1, 3)
        length = np.linalg.norm(directions, axis=1, keepdims=True)
        rays = np.concatenate([origins, directions / np.maximum(length, 1e-300)], axis=1)
        answer = self._cast(rays.astype(np.float32))
        distance = answer["t_hit"].numpy().astype(np.float64)
        hit = np.isfinite(distance)
        face_ids = np.where(hit, answer["primitive_ids"].numpy().astype(np.int64), -1).astype(np.int32)
        uv = answer["primitive_uvs"].numpy().astype(np.float64)
        barycentric = np.stack([1 - uv.sum(axis=1), uv[:, 0], uv[:, 1]], axis=1)
        if self.mesh.is_cloud:
            face_ids = np.where(hit, face_ids // 2, -1).astype(np.int32)
            barycentric = np.tile([1.0, 0.0, 0.0], (len(hit), 1))
        return RayHits(distance, face_ids, np.where(hit[:, None], barycentric, 0.0))

    def distances(self, origins: ArrayLike, directions: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, K) float32 distance to the first hit of K rays from each of N points, inf for none.

        `origins` (N, 3); `directions` (N, K, 3) float32 of unit length. `cast` without what light has no use
        for: a third of its time.
        """
        return self._cast(self._fans(origins, directions))["t_hit"].numpy()

    def blocked(self, origins: ArrayLike, directions: NDArray[np.float32]) -> np.ndarray:
        """(N, K) bool, whether any surface lies on each ray; arguments as `distances`, of any length."""
        return self._scene.test_occlusions(self._fans(origins, directions), nthreads=usable_threads()).numpy()

    def _cast(self, rays: NDArray[np.float32]) -> Any:
        return self._scene.cast_rays(rays, nthreads=usable_threads())

    def _fans(self, origins: ArrayLike, directions: NDArray[np.float32]) -> NDArray[np.float32]:
        rays = np.empty((*directions.shape[:2], 6), np.float32)
        rays[..., :3] = (np.asarray(origins, np.float64) - self._offset)[:, None]
        rays[..., 3:] = directions
        return rays

    def pierced(self, starts: ArrayLike, ends: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Every face that a segment runs through: segment ids (K,), face ids (K,), in order.

        `starts` and `ends` (N, 3). A segment that ends on a face counts as running through it.
        """
        starts = np.asarray(starts, np.float64).reshape(-1, 3)
        rays = np.concatenate([starts - self._offset, np.asarray(ends, np.float64) - starts], axis=1)
        answer = self._scene.list_intersections(rays.astype(np.float32), nthreads=usable_threads())
        along = answer["t_hit"].numpy()
        within = (along >= 0) & (along <= 1)
        segment = answer["ray_ids"].numpy()[within].astype(np.int64)
        face = answer["primitive_ids"].numpy()[within].astype(np.int64)
        order = np.lexsort((face, segment))
        return segment[order], face[order]

    def look(self, view: View, near: float = 0.0, far: float = np.inf) -> Seen:
        """What the pixels of `view` see, without the background.

        Surface nearer than `near` or beyond `far` (along the camera's +Z) is not there: what stands in
        front of the subject or behind it is cut away.
        """
        # A ray is (x, y, 1) in camera axes, x by column and y by row: all that is costly is separable.
        rows, columns = self._window(view)
        x = (columns + 0.5 - view.K[0, 2]) / view.K[0, 0]
        y = (rows + 0.5 - view.K[1, 2]) / view.K[1, 1]
        length = np.sqrt((x * x + 1)[None, :] + (y * y)[:, None])
        rotation, eye = view.camera_from_world[:3, :3], view.eye - self._offset
        rays = np.empty((len(y), len(x), 6), np.float32)
        for axis in range(3):
            right, down, ahead = rotation[:, axis]
            along = (x * right)[None, :] + (y * down + ahead)[:, None]
            rays[:, :, axis] = eye[axis] + near * along if near else eye[axis]
            along /= length
            rays[:, :, 3 + axis] = along
        answer = self._cast(rays.reshape(-1, 6))
        distance = answer["t_hit"].numpy()
        hit = np.flatnonzero(np.isfinite(distance))
        depth = near + distance[hit] / length.reshape(-1)[hit]
        if np.isfinite(far):
            kept = depth <= far
            hit, depth = hit[kept], depth[kept]
        row, column = np.divmod(hit, max(len(x), 1))
        face_ids = answer["primitive_ids"].numpy()[hit].astype(np.int32)
        uv = answer["primitive_uvs"].numpy()[hit].astype(np.float64)
        weights = np.stack([1 - (uv[:, 0] + uv[:, 1]), uv[:, 0], uv[:, 1]], axis=1)
        if self.mesh.is_cloud:
            face_ids, weights = face_ids // 2, np.tile([1.0, 0.0, 0.0], (len(hit), 1))
        slanted = length[row, column]
        seen_rays = np.stack([x[column] / slanted, y[row] / slanted, 1 / slanted], axis=1)
        return Seen(rows[row] * view.width + columns[column], face_ids, weights, depth, seen_rays)

    def _window(self, view: View) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows and columns that the mesh can lie in; all of them where its box reaches behind the eye."""
        size = np.array([view.width, view.height])
        low, high = np.zeros(2, np.int64), size
        ahead = self._box @ view.camera_from_world[2, :3] + view.camera_from_world[2, 3]
        if ahead.min() > 1e-6 * np.abs(ahead).max():
            corners = view.project(self._box)
            low = np.clip(np.floor(corners.min(axis=0)) - 1, 0, size).astype(np.int64)
            high = np.clip(np.ceil(corners.max(axis=0)) + 1, low, size).astype(np.int64)
        return np.arange(low[1], high[1]), np.arange(low[0], high[0])

    def render(self, view: View, near: float = 0.0, far: float = np.inf) -> RenderedView:
        """Face ids, depth and barycentric weights of every pixel of `view`: `look` with the background."""
        seen = self.look(view, near, far)
        count = view.height * view.width
        face_ids, depth, barycentric = (
            np.full(count, -1, np.int32),
            np.full(count, np.inf),
            np.zeros((count, 3)),
        )
        face_ids[seen.pixels], depth[seen.pixels] = seen.face_ids, seen.depth
        barycentric[seen.pixels] = seen.barycentric
        shape = (view.height, view.width)
        return RenderedView(
            view, face_ids.reshape(shape), depth.reshape(shape), barycentric.reshape(*shape, 3)
        )

    def positions(self, face_ids: ArrayLike, barycentric: ArrayLike) -> F64:
        """World points (N, 3) of hits; NaN where nothing was hit."""
        return self.interpolate(self.mesh.vertices, face_ids, barycentric)

    def interpolate(self, values: ArrayLike, face_ids: ArrayLike, barycentric: ArrayLike) -> F64:
        """Vertex values (V, C) at hits (N,) with weights (N, 3) -> (N, C); NaN where nothing was hit."""
        values, face_ids = np.asarray(values), np.asarray(face_ids)
        barycentric = np.asarray(barycentric, np.float64)
        hit = face_ids >= 0
        if not hit.all():
            out = np.full((*face_ids.shape, values.shape[1]), np.nan)
            out[hit] = self.interpolate(values, face_ids[hit], barycentric[hit])
            return out
        if self.mesh.is_cloud:
            return values[face_ids].astype(np.float64)
        corners = self.mesh.faces[face_ids]
        out = barycentric[..., :1] * values[corners[..., 0]]
        for k in (1, 2):
            out += barycentric[..., k : k + 1] * values[corners[..., k]]
        return out

    def closest(self, points: ArrayLike) -> tuple[F64, I32, F64]:
        """Closest surface points: distances (N,), face (or point) ids (N,), points (N, 3)."""
        points = np.asarray(points, np.float64).reshape(-1, 3)
        if self.mesh.is_cloud:
            distance, ids = self._tree.query(points)
            return distance, np.asarray(ids, np.int32), self.mesh.vertices[ids]
        answer = self._scene.compute_closest_points(
            (points - self._offset).astype(np.float32), nthreads=usable_threads()
        )
        nearest = answer["points"].numpy().astype(np.float64) + self._offset
        face_ids = answer["primitive_ids"].numpy()
        return np.linalg.norm(points - nearest, axis=1), np.asarray(face_ids, np.int32), nearest

    def signed_distance(self, points: ArrayLike) -> F64:
        """(N,) float64, negative inside. Only for a closed mesh; `InputError` for a cloud."""
        if self.mesh.is_cloud:
            raise InputError("Raycaster.signed_distance: a point cloud has no inside; give a closed mesh.")
        points = np.asarray(points, np.float64).reshape(-1, 3) - self._offset
        signed = self._scene.compute_signed_distance(
            points.astype(np.float32), nsamples=3, nthreads=usable_threads()
        )
        return signed.numpy().astype(np.float64)


def cloud_normals(points: ArrayLike, neighbours: int = NEIGHBOURS) -> tuple[F64, F64]:
    """Unoriented unit normals (N, 3) and mean neighbour distance (N,) of a cloud (N, 3).

    The normal is the direction of least variance of the nearest points (Hoppe et al. 1992).
    """
    points = np.asarray(points, np.float64)
    count = min(neighbours, len(points))
    distance, ids = KDTree(points).query(points, k=count)
    if count < 3:
        return np.tile([0.0, 0.0, 1.0], (len(points), 1)), np.ones(len(points))
    local = points[ids] - points[ids].mean(axis=1, keepdims=True)
    _, axes = np.linalg.eigh(np.einsum("nki,nkj->nij", local, local))
    return axes[:, :, 0], distance[:, 1:].mean(axis=1)


def _squares(cloud: Mesh) -> tuple[F64, I32]:
    """One square (two triangles) a point in its tangent plane, big enough to meet its neighbours'."""
    normals, spacing = cloud_normals(cloud.vertices)
    if cloud.normals is not None:
        normals = np.asarray(cloud.normals, np.float64)
    half = np.minimum(spacing, 3 * np.median(spacing))[:, None]
    helper = np.eye(3)[np.abs(normals).argmin(axis=1)]
    first = np.cross(normals, helper)
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-300)
    second = np.cross(normals, first)
    corners = [
        cloud.vertices + half * (a * first + b * second) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]
    start = 4 * np.arange(len(cloud.vertices), dtype=np.int32)[:, None]
    faces = (start + np.array([0, 1, 2, 0, 2, 3])).reshape(-1, 3)
    return np.stack(corners, axis=1).reshape(-1, 3), faces.astype(np.int32)


def _scene(vertices: F64, faces: I32) -> Any:
    scene = load_open3d().t.geometry.RaycastingScene(nthreads=usable_threads())
    scene.add_triangles(vertices.astype(np.float32), faces.astype(np.uint32))
    return scene
