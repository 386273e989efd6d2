"""The smoothest displacement of a patch of skin that meets given wishes: how contacts are mended.

A thin plate (energy: the squared Laplacian) held outside of the patch. Its Green's functions at the vertices
that wishes may name are solved for once; a set of wishes is then a small dense system.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from bodyscan.types import F64, I32

GIVE = 1e-4
"""How little a wish may be missed by, as a share of the plate's own compliance."""
HOLD_LENGTH_M = 0.012
"""A correction fades away over about so much, metres."""


class SmoothCorrection:
    """Prepared for a patch of one person; `meet` is then quick."""

    def __init__(self, points: F64, faces: I32, patch: I32, wishers: I32) -> None:
        """`points` (V, 3) metres, `faces` (F, 3); `patch` may move, `wishers`, part of it, may have
        wishes."""
        self.num = len(points)
        self.patch, self.wishers = patch, wishers
        inside = np.zeros(self.num, bool)
        inside[patch] = True
        laplacian = _laplacian(points, faces[inside[faces].any(axis=1)], self.num)
        columns = laplacian[:, patch]
        scale = HOLD_LENGTH_M**-4
        system = columns.T @ columns + scale * sparse.identity(len(patch))
        factor = splu(sparse.csc_matrix(system), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
        self._slot = np.full(self.num, -1, np.int64)
        self._slot[wishers] = np.arange(len(wishers))
        place = np.full(self.num, -1, np.int64)
        place[patch] = np.arange(len(patch))
        unit = np.zeros((len(patch), len(wishers)))
        unit[place[wishers], np.arange(len(wishers))] = 1
        self._green = factor.solve(unit)
        self._compliance = self._green[place[wishers]]

    def meet(self, vertices: I32, shares: F64, wishes: F64) -> F64:
        """(V, 3) displacement for which, at each wish, the shares of its vertices sum up to it.

        `vertices` (N, K), `shares` (N, K): a wish is a sum over K wishers (a share of 0 for none);
        `wishes` (N, 3) metres.
        """
        out = np.zeros((self.num, 3))
        if not len(wishes):
            return out
        rows = np.zeros((len(wishes), len(self.wishers)))
        slots = self._slot[vertices]
        used = shares != 0
        np.add.at(rows, (np.repeat(np.arange(len(wishes)), used.sum(axis=1)), slots[used]), shares[used])
        system = rows @ self._compliance @ rows.T
        system[np.diag_indices_from(system)] += GIVE * float(np.diagonal(self._compliance).mean())
        forces = rows.T @ np.linalg.solve(system, wishes)
        out[self.patch] = self._green @ forces
        return out

    def move(self, vertices: I32, wishes: F64) -> F64:
        """(V, 3): each of `vertices` (N,) moves by its wish (N, 3)."""
        return self.meet(vertices[:, None], np.ones((len(vertices), 1)), wishes)


def _laplacian(points: F64, faces: I32, count: int) -> sparse.csr_matrix:
    """Rows over all vertices, weights one over edge length, in units of one over square metres."""
    edges = np.unique(np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0)
    length = np.maximum(np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1), 1e-4)
    row, column = np.concatenate([edges, edges[:, ::-1]]).T
    both = np.concatenate([length, length])
    adjacency = sparse.csr_matrix((1 / both, (row, column)), shape=(count, count))
    degree = np.asarray(adjacency.sum(axis=1)).ravel()
    number = np.bincount(row, minlength=count)
    mean = np.bincount(row, both, count) / np.maximum(number, 1)
    unit = (
        sparse.diags(np.where(number > 0, 1.0, 0.0)) - sparse.diags(1 / np.maximum(degree, 1e-9)) @ adjacency
    )
    # The square of the edge length turns the difference into a Laplacian; the area weighs its square.
    return sparse.csr_matrix(sparse.diags(np.where(number > 0, 1 / np.maximum(mean, 1e-4) ** 2, 0)) @ unit)
