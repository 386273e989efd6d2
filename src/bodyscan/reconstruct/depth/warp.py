"""Points of a person who moved, brought to one pose.

Each point takes the motion of the skin that it lies on: the body stands in the frame's pose, and the point
goes with it to the common pose (linear blend skinning undone and done again). Which skin that is, the camera
tells: the body is drawn into the frame's own picture, and a pixel that shows body and person alike needs no
search. For the rest (hair, wide cloth, outlines) the nearest skin that faces the same way is sought: five
times the cost a point.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodyscan.body.model import BodyModel
from bodyscan.geometry.facing import facing_neighbours
from bodyscan.geometry.normals import vertex_normals
from bodyscan.geometry.raycast import Raycaster
from bodyscan.geometry.view import View
from bodyscan.types import F32, F64, BodyParams, Bool, FramePoints, Mesh

REACH_M = 0.10
"""Points farther than this from the body belong to something else."""
DRAWN_M, DRAWN_COSINE = 0.03, 0.5
"""A pixel's skin is taken where it lies so near its point and faces the same way."""


@dataclass(frozen=True, eq=False)
class Warped:
    """Points in the common pose."""

    points: F32
    """(N, 3) metres, world."""
    normals: F32
    """(N, 3) unit."""
    kept: Bool
    """(N,) False where a point is too far from the body to move with it; its row says nothing."""


class Warp:
    """Takes points from any pose of a body to one common pose."""

    def __init__(self, model: BodyModel, common: BodyParams) -> None:
        self._model = model
        self._seen = np.flatnonzero(~model.inner)
        place = np.full(model.num_vertices, -1, np.int64)
        place[self._seen] = np.arange(len(self._seen))
        faces = place[model.faces]
        self._faces = faces[(faces >= 0).all(axis=1)].astype(np.int32)
        self._common = self._blended(common)

    def _blended(self, params: BodyParams) -> F64:
        """(V, 3, 4) world_from_rest of each seen vertex."""
        world = self._model.pose(params).world_from_rest
        weights = self._model.skin_weights[self._seen]
        return np.asarray(weights @ world.reshape(-1, 12)).reshape(-1, 3, 4)

    def _skin(self, params: BodyParams) -> tuple[F64, F64, F32]:
        """Seen vertices (V, 3), their normals, and (V, 12) what takes each to the common pose."""
        vertices = self._model.pose(params).vertices
        facing = vertex_normals(vertices, self._model.faces)[self._seen]
        then = self._blended(params)
        turn = self._common[:, :, :3] @ _inverse(then[:, :, :3])
        shift = self._common[:, :, 3] - (turn @ then[:, :, 3:])[:, :, 0]
        moves = np.concatenate([turn.reshape(-1, 9), shift], axis=1).astype(np.float32)
        return vertices[self._seen], facing, moves

    def __call__(self, params: BodyParams, points: F64 | F32, normals: F64 | F32) -> Warped:
        """(N, 3) metres, world, and (N, 3) unit of a frame where the body is at `params`."""
        vertices, facing, moves = self._skin(params)
        move, near = _sought(vertices, facing, moves, points, normals)
        return _moved(move, near, points, normals)

    def frame(
        self, params: BodyParams, frame: FramePoints, world_from_camera: F64, rows: np.ndarray
    ) -> Warped:
        """The same for the points `rows` (N,) of the picture of a camera at `world_from_camera` (4, 4)."""
        rotation = world_from_camera[:3, :3]
        points = frame.points[rows] @ rotation.T + world_from_camera[:3, 3]
        normals = frame.normals[rows] @ rotation.T
        vertices, facing, moves = self._skin(params)
        caster = Raycaster(Mesh(vertices, self._faces))
        seen = caster.look(_cropped(frame, world_from_camera))
        at = frame.index.reshape(-1)[seen.pixels]
        row = np.full(len(frame.points), -1, np.int64)
        row[at[at >= 0]] = np.flatnonzero(at >= 0)  # hit of the ray through each point's pixel
        hit = row[rows]
        drawn = hit >= 0
        move = np.empty((len(rows), 12), np.float32)
        near = np.ones(len(rows), bool)
        ids, shares = seen.face_ids[hit[drawn]], seen.barycentric[hit[drawn]]
        place = caster.interpolate(vertices, ids, shares)
        skin = caster.interpolate(facing, ids, shares)
        fits = np.linalg.norm(place - points[drawn], axis=1) < DRAWN_M
        fits &= np.einsum("nk,nk->n", skin, normals[drawn]) > DRAWN_COSINE * np.linalg.norm(skin, axis=1)
        chosen = np.flatnonzero(drawn)[fits]
        move[chosen] = caster.interpolate(moves, ids[fits], shares[fits])
        rest = np.ones(len(rows), bool)
        rest[chosen] = False
        if rest.any():
            move[rest], near[rest] = _sought(vertices, facing, moves, points[rest], normals[rest])
        return _moved(move, near, points, normals)


def _inverse(matrices: F64) -> F64:
    """The inverse of (V, 3, 3) by cofactors: LAPACK takes fifty times as long for thousands of small ones."""
    rows = [matrices[:, k] for k in range(3)]
    cofactors = np.stack([np.cross(rows[(k + 1) % 3], rows[(k + 2) % 3]) for k in range(3)], axis=2)
    return cofactors / np.einsum("vk,vk->v", rows[0], cofactors[:, :, 0])[:, None, None]


def _cropped(frame: FramePoints, world_from_camera: F64) -> View:
    """The part of the picture that `frame.index` covers."""
    K = np.array(frame.K)
    K[0, 2] -= frame.corner[1]
    K[1, 2] -= frame.corner[0]
    height, width = frame.index.shape
    return View(width, height, K, np.linalg.inv(world_from_camera))


def _sought(
    vertices: F64, facing: F64, moves: F32, points: F64 | F32, normals: F64 | F32
) -> tuple[F32, Bool]:
    """(N, 12) mean motion of the skin nearest to each point, (N,) whether it is near enough."""
    ids, share, distance = facing_neighbours(vertices, facing, points, normals)
    return np.einsum("nk,nkc->nc", share.astype(np.float32), moves[ids]), distance < REACH_M


def _moved(move: F32, near: Bool, points: F64 | F32, normals: F64 | F32) -> Warped:
    rotation = move[:, :9].reshape(-1, 3, 3)
    out = np.einsum("nij,nj->ni", rotation, points) + move[:, 9:]
    turned = np.einsum("nij,nj->ni", rotation, normals)
    turned /= np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-9)
    return Warped(out.astype(np.float32), turned.astype(np.float32), near)
