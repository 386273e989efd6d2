"""Points of a person who moved, brought to one pose.

Each point takes the motion of the skin that it lies on: the body stands in the frame's pose, the point finds
the skin nearest to it that faces its way, and goes with it to the common pose (linear blend skinning undone
and done again). Cloth and hair go with the skin under them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from bodyscan.body.model import BodyModel
from bodyscan.geometry.normals import vertex_normals
from bodyscan.types import F32, F64, BodyParams, Bool

NEIGHBOURS = 4
STRETCH_M = 0.03
"""Normals that differ by 1 count as so many metres: skin of the arm does not take the motion of the chest."""
REACH_M = 0.10
"""Points farther than this from the body belong to something else."""
BLUR_M = 0.003
"""Added to distances before their inverse squares are the shares of the neighbours."""


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
        self._common = self._blended(common)

    def _blended(self, params: BodyParams) -> F64:
        """(V, 3, 4) world_from_rest of each seen vertex."""
        world = self._model.pose(params).world_from_rest
        weights = self._model.skin_weights[self._seen]
        return np.asarray(weights @ world.reshape(-1, 12)).reshape(-1, 3, 4)

    def __call__(self, params: BodyParams, points: F64 | F32, normals: F64 | F32) -> Warped:
        """(N, 3) metres, world, and (N, 3) unit of a frame where the body is at `params`."""
        vertices = self._model.pose(params).vertices
        facing = vertex_normals(vertices, self._model.faces)[self._seen]
        vertices = vertices[self._seen]
        then = self._blended(params)
        turn = self._common[:, :, :3] @ np.linalg.inv(then[:, :, :3])
        shift = self._common[:, :, 3] - (turn @ then[:, :, 3:])[:, :, 0]
        moves = np.concatenate([turn.reshape(-1, 9), shift], axis=1).astype(np.float32)
        tree = KDTree(np.hstack([vertices, STRETCH_M * facing]))
        query = np.hstack([points, STRETCH_M * np.asarray(normals)])
        distance, ids = tree.query(query, k=NEIGHBOURS, workers=-1)
        share = (1 / (distance + BLUR_M) ** 2).astype(np.float32)
        share /= share.sum(axis=1, keepdims=True)
        move = np.einsum("nk,nkc->nc", share, moves[ids])
        rotation = move[:, :9].reshape(-1, 3, 3)
        out = np.einsum("nij,nj->ni", rotation, points) + move[:, 9:]
        turned = np.einsum("nij,nj->ni", rotation, normals)
        turned /= np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-9)
        return Warped(out.astype(np.float32), turned.astype(np.float32), distance[:, 0] < REACH_M)
