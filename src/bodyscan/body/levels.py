"""Levels of detail and collision body of the packaged topology: designed once, the same for everybody.

`tools/build_levels` makes both. A level is a subset of the vertices that are split at UV seams, and other
triangles over them. The collision body hangs on the body's vertices: each of its vertices is a mean of a few
of them, moved along the normal by a distance that was chosen over a population.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import numpy as np
from scipy import sparse

from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError
from bodyscan.geometry.normals import area_vectors, vertex_normals
from bodyscan.types import F64, I32


@dataclass(frozen=True, eq=False)
class LevelTopology:
    """A coarser level of the split topology."""

    split_vertices: I32
    """(L,) int32, ascending: the split vertices that stay."""
    faces: I32
    """(F, 3) int32 into them."""


@dataclass(frozen=True, eq=False)
class CollisionTopology:
    """How the collision body hangs on a body of V vertices. C vertices."""

    over_vertices: sparse.csr_matrix
    """(C, V) float64, at least 0, rows sum to 1."""
    faces: I32
    """(F, 3) int32, closed, counter-clockwise seen from outside."""
    toward: I32
    """(C,) int32, a neighbour of each vertex, which its first tangent points to."""
    offsets_m: F64
    """(C, 3) float64, metres along the normal and the two tangents, on a surface of `area_m2`."""
    mirror: I32
    """(C,) int32, the vertex of the other side; itself on the midline."""
    area_m2: float
    """Area of the mean person's collision surface before it stands off, square metres."""

    def surface(self, body: F64) -> F64:
        """(V, 3) metres, any pose -> (C, 3) metres: the collision body around it."""
        base = self.over_vertices @ body
        frames, scale = stand_off_frames(base, self.faces, self.toward, self.area_m2)
        return base + scale * (frames @ self.offsets_m[:, :, None])[:, :, 0]


def stand_off_frames(base: F64, faces: I32, toward: I32, area_m2: float) -> tuple[F64, float]:
    """(C, 3) places on the body -> frames (C, 3, 3) that the vertices stand off along, and a scale.

    The columns are the normal, the direction to the vertex `toward` (C,) at right angles to it, and their
    cross product. Offsets grow with the person: by the square root of the surface's area over `area_m2`.
    """
    normal = vertex_normals(base, faces)
    along = base[toward] - base
    along -= np.einsum("nc,nc->n", along, normal)[:, None] * normal
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-12)
    area = float(np.linalg.norm(area_vectors(base, faces), axis=1).sum())
    return np.stack([normal, along, np.cross(normal, along)], axis=2), float(np.sqrt(area / area_m2))


def level_topologies(model: BodyModel) -> tuple[LevelTopology, ...]:
    """The levels coarser than the split topology itself, finest first.

    Raises `InputError` for a model of another topology, for which nobody has designed any.
    """
    num_split, levels = _packaged_levels()
    if len(model.split_source) != num_split:
        raise InputError(
            f"The model '{model.name}' has {len(model.split_source)} vertices split at texture seams; levels "
            f"are known for the packaged body with {num_split}. Load it with load_body_model('adult'), or "
            "leave the levels out."
        )
    return levels


def collision_topology(model: BodyModel) -> CollisionTopology:
    """The collision body of the packaged topology.

    Raises `InputError` for a model of another topology, for which nobody has designed one.
    """
    topology = _packaged_collision()
    known = int(topology.over_vertices.get_shape()[1])
    if model.num_vertices != known:
        raise InputError(
            f"The model '{model.name}' has {model.num_vertices} vertices; the collision body is known for "
            f"the packaged body with {known}. Load it with load_body_model('adult'), or leave it out."
        )
    return topology


@lru_cache(maxsize=1)
def _packaged_levels() -> tuple[int, tuple[LevelTopology, ...]]:
    with (
        resources.as_file(resources.files("bodyscan.body").joinpath("data/levels.npz")) as path,
        np.load(path, allow_pickle=False) as data,
    ):
        levels = tuple(
            LevelTopology(
                _frozen(data[f"vertices_{k}"].astype(np.int32)), _frozen(data[f"faces_{k}"].astype(np.int32))
            )
            for k in range(1, int(data["count"]) + 1)
        )
        return int(data["num_split"]), levels


@lru_cache(maxsize=1)
def _packaged_collision() -> CollisionTopology:
    with (
        resources.as_file(resources.files("bodyscan.body").joinpath("data/collision.npz")) as path,
        np.load(path, allow_pickle=False) as data,
    ):
        ids, shares = data["body_vertices"].astype(np.int64), data["shares"].astype(np.float64)
        rows = np.repeat(np.arange(len(ids)), ids.shape[1])
        over = sparse.csr_matrix(
            (shares.reshape(-1), (rows, ids.reshape(-1))), shape=(len(ids), int(data["num_vertices"]))
        )
        over.eliminate_zeros()
        over.data /= np.repeat(np.asarray(over.sum(axis=1)).reshape(-1), np.diff(over.indptr))
        return CollisionTopology(
            over,
            _frozen(data["faces"].astype(np.int32)),
            _frozen(data["toward"].astype(np.int32)),
            _frozen(data["offsets_m"].astype(np.float64)),
            _frozen(data["mirror"].astype(np.int32)),
            float(data["area_m2"]),
        )


def _frozen(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array
