"""Weights for the vertices that have none, from those around them on the surface.

After Abdrashitov, Raichstat, Monsen and Hill, "Robust Skin Weights Transfer via Weight Inpainting", SIGGRAPH
Asia 2023 Technical Communications: weights that were matched with confidence are held, the others are the
smoothest ones over the surface. Theirs minimises a bi-Laplacian of a mesh; here it is the harmonic function
of the surface's graph: it needs no manifold, keeps weights within 0..1 by itself (the maximum principle) and
is one symmetric positive definite system for all joints.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import cg, splu

from bodyscan.rig.surface_graph import SurfaceGraph
from bodyscan.types import F64, Bool

DIRECT_LIMIT = 60_000
"""Unknown nodes up to which the system is factorised; above, conjugate gradients need less memory."""
LEAST_WEIGHT = 1e-4


def inpaint(graph: SurfaceGraph, weights: F64, known: Bool) -> tuple[F64, Bool]:
    """Fill the weights of unknown nodes harmonically from the known ones of their piece.

    `weights` (N, J), `known` (N,). Returns the weights and (N,) True where a node has some: pieces without
    any known node stay without.
    """
    reached = np.isin(graph.component, np.unique(graph.component[known]))
    unknown = np.flatnonzero(reached & ~known)
    out = np.where(known[:, None], weights, 0.0)
    if not len(unknown):
        return out, known.copy()
    held = np.flatnonzero(known)
    degree = np.asarray(graph.links.sum(axis=1)).ravel()
    rows = sparse.csr_matrix(graph.links[unknown])
    matrix = sparse.csc_matrix(sparse.diags(degree[unknown]) - rows[:, unknown])
    right = np.asarray(rows[:, held] @ weights[held])
    joints = np.flatnonzero(right.any(axis=0))
    solution = np.clip(_solve(matrix, right[:, joints]), 0, None)
    filled = np.zeros((len(unknown), weights.shape[1]))
    filled[:, joints] = np.where(solution > LEAST_WEIGHT, solution, 0)
    out[unknown] = filled / filled.sum(axis=1, keepdims=True)
    return out, reached


def smooth(graph: SurfaceGraph, weights: F64, amount: NDArray[np.floating], rounds: int) -> F64:
    """Average each node's weights with its neighbours' `rounds` times; `amount` (N,) 0..1 is the share.

    Closer neighbours count more. Rows keep their sum.
    """
    degree = np.asarray(graph.links.sum(axis=1)).ravel()
    mean = sparse.diags(1 / np.maximum(degree, 1e-12)) @ graph.links
    share = np.where(degree > 0, amount, 0.0)
    step = sparse.csr_matrix(sparse.diags(1 - share) + sparse.diags(share) @ mean)
    for _ in range(rounds):
        weights = step @ weights
    return weights


def _solve(matrix: sparse.csc_matrix, right: F64) -> F64:
    if len(right) <= DIRECT_LIMIT:
        return splu(matrix, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}).solve(right)
    scale = sparse.diags(1 / matrix.diagonal())
    out = np.empty_like(right)
    for joint in range(right.shape[1]):
        out[:, joint], _ = cg(matrix, right[:, joint], rtol=1e-5, maxiter=2000, M=scale)
    return out
