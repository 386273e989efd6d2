"""Carries shapes of the model's mean head to a person's head by what they do to each triangle.

A shape is taken as the change of every triangle of the mean head, and the person's triangles are asked to
change alike (Sumner and Popovic, "Deformation transfer for triangle meshes", 2004), in the form of a Poisson
equation on the person's surface (Botsch, Sumner, Pauly and Gross, "Deformation transfer for detail-preserving
surface editing", 2006): one matrix, factorised once, serves the three coordinates of all shapes. The rim of
the region is held still.

What a triangle of the person is asked for is the mean head's change seen through the local affine map from
one head to the other, A J A^-1, and not J alone: a head that is 1.3 times taller has lids that are 1.3 times
farther apart, and its blink must be longer though it is not wider. Under one map for the whole head the
equation is then met without a remainder. `docs/face.md` has the numbers of the three forms.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from bodyscan.types import F64, I32, Bool


class DeformationTransfer:
    """Prepared for one person; `transfer` is then quick for any number of shapes."""

    def __init__(self, mean: F64, person: F64, faces: I32, free: Bool, maps: F64) -> None:
        """`mean`, `person` (V, 3) metres on the same `faces` (F, 3); `free` (V,) vertices that may move.

        `maps` (V, 3, 3): the local linear map from the mean head to the person's at each free vertex (others
        are not read). Faces without a free corner play no part.
        """
        self._ids = np.flatnonzero(free)
        near = faces[free[faces].any(axis=1)]
        place = np.full(len(mean), -1, np.int64)
        place[self._ids] = np.arange(len(self._ids))
        self._corners, slot = near, place[near]
        divergence, gradient = _operators(person, near)
        known = slot >= 0
        weight = known / known.sum(axis=1, keepdims=True)
        at_faces = np.einsum("fk,fkij->fij", weight, np.where(known[:, :, None, None], maps[near], 0.0))
        self._frames = at_faces, _tangent_frames(mean, near)[1], _tangent_frames(person, near)[0]
        columns = sparse.csr_matrix(
            (np.ones(len(self._ids)), (self._ids, np.arange(len(self._ids)))),
            shape=(len(mean), len(self._ids)),
        )
        self._divergence = sparse.csr_matrix(columns.T @ divergence)
        system = sparse.csc_matrix(self._divergence @ gradient @ columns)
        regular = 1e-9 * float(system.diagonal().mean())
        self._factor = splu(
            (system + regular * sparse.identity(len(self._ids))).tocsc(),
            permc_spec="MMD_AT_PLUS_A",
            options={"SymmetricMode": True},
        )

    def transfer(self, displacements: F64) -> F64:
        """(V, 3, N) metres of N shapes on the mean head -> (V, 3, N) on the person's; 0 outside `free`."""
        maps, duals, own_edges = self._frames
        count = displacements.shape[2]
        corners = displacements[self._corners]
        change = np.stack([corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]], axis=2)
        # J: displacement for each step in the triangle's plane, none for a step along its normal.
        # The person's edge, taken back to the mean head, is such a step.
        back = np.linalg.solve(maps, own_edges)
        steps = np.einsum("fkc,fcj->fkj", duals, back)
        asked = np.einsum("fcd,fdkn,fkj->fcjn", maps, change, steps)
        # Displacement differences along the two edges of each face: rows of the gradient's right side.
        rows = asked.transpose(0, 2, 1, 3).reshape(-1, 3 * count)
        solved = self._factor.solve(np.ascontiguousarray(self._divergence @ rows))
        out = np.zeros_like(displacements)
        out[self._ids] = solved.reshape(len(self._ids), 3, count)
        return out


def _tangent_frames(points: F64, faces: I32) -> tuple[F64, F64]:
    """Edge vectors (F, 3, 2) of each face, and their dual rows (F, 2, 3): step in the plane -> edge
    shares."""
    corners = points[faces]
    edges = np.stack([corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]], axis=2)
    gram = np.einsum("fci,fcj->fij", edges, edges)
    trace = np.trace(gram, axis1=1, axis2=2)[:, None, None]
    duals = np.linalg.solve(gram + 1e-9 * trace * np.eye(2), edges.transpose(0, 2, 1))
    return edges, duals


def _operators(points: F64, faces: I32) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """(V, 2F) and (2F, V): the divergence and the differences along two edges of each face.

    Their product is the cotangent Laplacian: the energy is the area integral of the squared gradient.
    """
    count, num = len(faces), len(points)
    edges, _ = _tangent_frames(points, faces)
    gram = np.einsum("fci,fcj->fij", edges, edges)
    area = 0.5 * np.sqrt(np.maximum(np.linalg.det(gram), 1e-30))
    inverse = np.linalg.inv(gram + 1e-6 * np.trace(gram, axis1=1, axis2=2)[:, None, None] * np.eye(2))
    row = np.arange(2 * count).reshape(count, 2)
    ends = np.stack([faces[:, 1], faces[:, 2]], axis=1)
    starts = np.repeat(faces[:, :1], 2, axis=1)
    gradient = sparse.csr_matrix(
        (
            np.concatenate([np.ones(2 * count), -np.ones(2 * count)]),
            (np.tile(row.ravel(), 2), np.concatenate([ends.ravel(), starts.ravel()])),
        ),
        shape=(2 * count, num),
    )
    weights = area[:, None, None] * inverse
    mass = sparse.csr_matrix(
        (weights.ravel(), (np.repeat(row, 2, axis=1).ravel(), np.tile(row, (1, 2)).ravel())),
        shape=(2 * count, 2 * count),
    )
    return sparse.csr_matrix(gradient.T @ mass), gradient
