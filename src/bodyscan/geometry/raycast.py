"""Rays against a surface: pictures without a graphics driver, hits, closest points.

Rays are cast by Open3D's `RaycastingScene` (Embree), which needs no OpenGL. Open3D holds float32
and misses thin hits far from the origin, so that the scene is built around the mesh's own centre.
A point cloud is cast as one square a point, lying in the tangent plane: every function works for it as
for a mesh, and its face ids are point ids.
Cameras have OpenCV axes (+X right, +Y down, +Z into the picture); the centre of pixel (row, column)
lies at (column + 0.5, row + 0.5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import KDTree

from bodyscan.errors import InputError
from bodyscan.types import F64, I32, Mesh, frozen_array

NEIGHBOURS = 12
"""Points that the tangent plane and size of a cloud's square are taken from."""


@dataclass(frozen=True, eq=False)
class View:
    """A pinhole camera, OpenCV axes."""

    width: int
    """Pixels."""
    height: int
    """Pixels."""
    K: F64
    """(3, 3) float64, pixels."""
    camera_from_world: F64
    """(4, 4) float64, rigid, the unit of the world."""

    def __post_init__(self) -> None:
        if self.width < 1 or self.height < 1:
            raise InputError(f"A view needs at least 1 by 1 pixel; it has {self.width} by {self.height}.")
        object.__setattr__(self, "K", frozen_array("View.K", self.K, np.float64, (3, 3)))
        pose = frozen_array("View.camera_from_world", self.camera_from_world, np.float64, (4, 4))
        object.__setattr__(self, "camera_from_world", pose)

    @classmethod
    def look_at(
        cls, eye: ArrayLike, target: ArrayLike, up: ArrayLike, focal_px: float, width: int, height: int
    ) -> View:
        """A view from `eye` (3,) with `target` (3,) in the middle and `up` (3,) towards the top edge."""
        eye, target = np.asarray(eye, np.float64), np.asarray(target, np.float64)
        forward = _unit(target - eye)
        right = np.cross(forward, np.asarray(up, np.float64))
        if np.linalg.norm(right) < 1e-9:
            raise InputError("View.look_at: `up` is parallel to the line of sight; give another `up`.")
        right = _unit(right)
        rotation = np.stack([right, np.cross(forward, right), forward])
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = rotation, -rotation @ eye
        intrinsics = np.array([[focal_px, 0, width / 2], [0, focal_px, height / 2], [0, 0, 1]], np.float64)
        return cls(width, height, intrinsics, pose)

    @classmethod
    def around(
        cls,
        bounds: ArrayLike,
        azimuth: float,
        elevation: float = 0.0,
        *,
        width: int = 512,
        height: int = 512,
        fill: float = 0.9,
        distance: float = 6.0,
        up: ArrayLike = (0.0, 1.0, 0.0),
        front: ArrayLike = (0.0, 0.0, 1.0),
    ) -> View:
        """A long-lens view of a box: `bounds` (2, 3) lowest and highest corner.

        `azimuth` (radians) turns the camera about `up` from `front` towards `up` x `front` (the person's
        left in the world frame); `elevation` (radians) raises it. The box's corners fill the share `fill`
        of the picture; the eye stands `distance` half-diagonals away: the larger, the flatter.
        """
        low, high = np.asarray(bounds, np.float64).reshape(2, 3)
        corners = np.stack(np.meshgrid(*zip(low, high, strict=True), indexing="ij"), -1).reshape(-1, 3)
        centre, radius = (low + high) / 2, max(float(np.linalg.norm(high - low)) / 2, 1e-12)
        up, front = _unit(np.asarray(up, np.float64)), np.asarray(front, np.float64)
        side = _unit(np.cross(up, front))
        front = np.cross(side, up)
        level = np.cos(azimuth) * front + np.sin(azimuth) * side
        eye = centre + distance * radius * (np.cos(elevation) * level + np.sin(elevation) * up)
        screen_up = np.cos(elevation) * up - np.sin(elevation) * level
        view = cls.look_at(eye, centre, screen_up, 1.0, width, height)
        spread = np.abs(view.project(corners) - [width / 2, height / 2]).max(axis=0)
        focal = fill * float(np.min([width / 2, height / 2] / np.maximum(spread, 1e-12)))
        return cls.look_at(eye, centre, screen_up, focal, width, height)

    @property
    def eye(self) -> F64:
        """(3,) float64, the camera's centre in the world."""
        return -self.camera_from_world[:3, :3].T @ self.camera_from_world[:3, 3]

    def project(self, points: ArrayLike) -> F64:
        """Pixels (N, 2) of world points (N, 3)."""
        local = np.asarray(points, np.float64) @ self.camera_from_world[:3, :3].T
        image = (local + self.camera_from_world[:3, 3]) @ self.K.T
        return image[:, :2] / image[:, 2:]

    def rays(self, pixels: ArrayLike) -> tuple[F64, F64]:
        """Origins (N, 3) and unit directions (N, 3), in the world, of the rays through pixels (N, 2)."""
        pixels = np.asarray(pixels, np.float64).reshape(-1, 2)
        image = np.concatenate([pixels, np.ones((len(pixels), 1))], axis=1)
        directions = image @ np.linalg.inv(self.K).T @ self.camera_from_world[:3, :3]
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        return np.broadcast_to(self.eye, directions.shape).copy(), directions

    def pixel_centres(self) -> F64:
        """(H * W, 2) float64, row after row."""
        columns, rows = np.meshgrid(np.arange(self.width) + 0.5, np.arange(self.height) + 0.5)
        return np.stack([columns, rows], -1).reshape(-1, 2)


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
        self._scene = _scene(vertices - self._offset, faces)

    def cast(self, origins: ArrayLike, directions: ArrayLike) -> RayHits:
        """First hits of rays: `origins` and `directions` (N, 3); directions need not be of unit length."""
        origins = np.asarray(origins, np.float64).reshape(-1, 3) - self._offset
        directions = np.asarray(directions, np.float64).reshape(-1, 3)
        length = np.linalg.norm(directions, axis=1, keepdims=True)
        rays = np.concatenate([origins, directions / np.maximum(length, 1e-300)], axis=1)
        answer = self._scene.cast_rays(rays.astype(np.float32))
        distance = answer["t_hit"].numpy().astype(np.float64)
        hit = np.isfinite(distance)
        face_ids = np.where(hit, answer["primitive_ids"].numpy().astype(np.int64), -1).astype(np.int32)
        uv = answer["primitive_uvs"].numpy().astype(np.float64)
        barycentric = np.stack([1 - uv.sum(axis=1), uv[:, 0], uv[:, 1]], axis=1)
        if self.mesh.is_cloud:
            face_ids = np.where(hit, face_ids // 2, -1).astype(np.int32)
            barycentric = np.tile([1.0, 0.0, 0.0], (len(hit), 1))
        return RayHits(distance, face_ids, np.where(hit[:, None], barycentric, 0.0))

    def pierced(self, starts: ArrayLike, ends: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Every face that a segment runs through: segment ids (K,), face ids (K,), in order.

        `starts` and `ends` (N, 3). A segment that ends on a face counts as running through it.
        """
        starts = np.asarray(starts, np.float64).reshape(-1, 3)
        rays = np.concatenate([starts - self._offset, np.asarray(ends, np.float64) - starts], axis=1)
        answer = self._scene.list_intersections(rays.astype(np.float32))
        along = answer["t_hit"].numpy()
        within = (along >= 0) & (along <= 1)
        segment = answer["ray_ids"].numpy()[within].astype(np.int64)
        face = answer["primitive_ids"].numpy()[within].astype(np.int64)
        order = np.lexsort((face, segment))
        return segment[order], face[order]

    def render(self, view: View, near: float = 0.0, far: float = np.inf) -> RenderedView:
        """Face ids, depth and barycentric weights of every pixel of `view`.

        Surface nearer than `near` or beyond `far` (along the camera's +Z) is not there: what stands in
        front of the subject or behind it is cut away.
        """
        origins, directions = view.rays(view.pixel_centres())
        along = directions @ view.camera_from_world[2, :3]
        hits = self.cast(origins + directions * (near / along)[:, None], directions)
        hits = RayHits(hits.distance + near / along, hits.face_ids, hits.barycentric)
        beyond = hits.distance * along > far
        if beyond.any():
            hits = RayHits(
                np.where(beyond, np.inf, hits.distance),
                np.where(beyond, -1, hits.face_ids).astype(np.int32),
                np.where(beyond[:, None], 0.0, hits.barycentric),
            )
        shape = (view.height, view.width)
        return RenderedView(
            view,
            hits.face_ids.reshape(shape),
            (hits.distance * along).reshape(shape),
            hits.barycentric.reshape(*shape, 3),
        )

    def positions(self, face_ids: ArrayLike, barycentric: ArrayLike) -> F64:
        """World points (N, 3) of hits; NaN where nothing was hit."""
        return self.interpolate(self.mesh.vertices, face_ids, barycentric)

    def interpolate(self, values: ArrayLike, face_ids: ArrayLike, barycentric: ArrayLike) -> F64:
        """Vertex values (V, C) at hits (N,) with weights (N, 3) -> (N, C); NaN where nothing was hit."""
        values = np.asarray(values, np.float64)
        face_ids, barycentric = np.asarray(face_ids), np.asarray(barycentric, np.float64)
        hit = face_ids >= 0
        out = np.full((*face_ids.shape, values.shape[1]), np.nan)
        if self.mesh.is_cloud:
            out[hit] = values[face_ids[hit]]
        else:
            out[hit] = np.einsum("nk,nkc->nc", barycentric[hit], values[self.mesh.faces[face_ids[hit]]])
        return out

    def closest(self, points: ArrayLike) -> tuple[F64, I32, F64]:
        """Closest surface points: distances (N,), face (or point) ids (N,), points (N, 3)."""
        points = np.asarray(points, np.float64).reshape(-1, 3)
        if self.mesh.is_cloud:
            distance, ids = self._tree.query(points)
            return distance, np.asarray(ids, np.int32), self.mesh.vertices[ids]
        answer = self._scene.compute_closest_points((points - self._offset).astype(np.float32))
        nearest = answer["points"].numpy().astype(np.float64) + self._offset
        face_ids = answer["primitive_ids"].numpy()
        return np.linalg.norm(points - nearest, axis=1), np.asarray(face_ids, np.int32), nearest

    def signed_distance(self, points: ArrayLike) -> F64:
        """(N,) float64, negative inside. Only for a closed mesh; `InputError` for a cloud."""
        if self.mesh.is_cloud:
            raise InputError("Raycaster.signed_distance: a point cloud has no inside; give a closed mesh.")
        points = np.asarray(points, np.float64).reshape(-1, 3) - self._offset
        signed = self._scene.compute_signed_distance(points.astype(np.float32), nsamples=3)
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
    import open3d as o3d

    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(vertices.astype(np.float32), faces.astype(np.uint32))
    return scene


def _unit(vector: F64) -> F64:
    length = float(np.linalg.norm(vector))
    if length < 1e-12:
        raise InputError("A direction of length 0 was given where a camera or axis needs one.")
    return vector / length
