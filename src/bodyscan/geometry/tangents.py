"""Tangents of vertices: the frame that a normal map is written and read in.

As in MikkTSpace (M. Mikkelsen, "Simulation of wrinkled surfaces revisited", 2008), which glTF 2.0 names: each
triangle's direction of growing u is laid into the tangent plane of the corner's normal, made a unit vector,
weighted by the corner's angle and summed over the corners that share a vertex. Vertices must be split where
uvs are, which is where MikkTSpace would split them. glTF's uvs have their origin at the top left and a normal
map's green points up in the image: the bitangent w * cross(normal, tangent) points to falling v.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bodyscan.errors import InputError


def vertex_tangents(
    vertices: ArrayLike, faces: NDArray[np.integer], uvs: ArrayLike, normals: ArrayLike
) -> NDArray[np.float32]:
    """Tangents (R, 4) float32: unit x, y, z at a right angle to the normal, and w = 1 or -1.

    `vertices` (R, 3) metres, `faces` (F, 3) counter-clockwise, `uvs` (R, 2) origin at the top left, `normals`
    (R, 3) unit. Where a vertex has no direction of u, any direction in its tangent plane is given. Raises
    `InputError` where the arrays differ in length.
    """
    places, at, normal = (np.asarray(each, np.float64) for each in (vertices, uvs, normals))
    if not len(places) == len(at) == len(normal):
        raise InputError(
            f"vertex_tangents: there are {len(places)} vertices, {len(at)} uvs and {len(normal)} normals; "
            "give one of each for every vertex split at seams."
        )
    along_u, turn = _growing_u(places, faces, at)
    sums, hands = np.zeros_like(places), np.zeros(len(places))
    for corner in range(3):
        ids = faces[:, corner]
        weight = _angles(places, faces, corner)
        inward = along_u - np.einsum("fc,fc->f", along_u, normal[ids])[:, None] * normal[ids]
        share = _unit(inward) * (weight * (turn != 0))[:, None]
        for axis in range(3):
            sums[:, axis] += np.bincount(ids, share[:, axis], len(places))
        hands += np.bincount(ids, weight * turn, len(places))
    helper = np.eye(3)[np.abs(normal).argmin(axis=1)]
    lost = np.linalg.norm(sums, axis=1) < 1e-9
    sums[lost] = np.cross(normal, helper)[lost]
    sums -= np.einsum("vc,vc->v", sums, normal)[:, None] * normal
    return np.concatenate([_unit(sums), np.where(hands < 0, -1.0, 1.0)[:, None]], axis=1).astype(np.float32)


def _growing_u(
    places: NDArray[np.float64], faces: NDArray[np.integer], uvs: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Direction of growing u of each face (F, 3), and the turn of its uvs: 1, -1 mirrored, 0 a line."""
    a, b = (places[faces[:, k]] - places[faces[:, 0]] for k in (1, 2))
    s, t = (uvs[faces[:, k]] - uvs[faces[:, 0]] for k in (1, 2))
    # v runs down the image: counter-clockwise there is a negative determinant.
    determinant = t[:, 0] * s[:, 1] - s[:, 0] * t[:, 1]
    turn = np.where(np.abs(determinant) > 1e-16, np.sign(determinant), 0.0)
    along = (a * -t[:, 1:] + b * s[:, 1:]) * turn[:, None]
    return _unit(along), turn


def _angles(places: NDArray[np.float64], faces: NDArray[np.integer], corner: int) -> NDArray[np.float64]:
    """(F,) angle of each face at one corner, radians."""
    here = places[faces[:, corner]]
    first = _unit(places[faces[:, (corner + 1) % 3]] - here)
    second = _unit(places[faces[:, (corner + 2) % 3]] - here)
    return np.arccos(np.clip(np.einsum("fc,fc->f", first, second), -1, 1))


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.sqrt(np.einsum("nc,nc->n", vectors, vectors))[:, None]
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
