"""Sparse or dense weights -> the four largest influences a vertex."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from bodyscan.types import F32, U16

MAX_INFLUENCES = 4


def four_influences(weights: sparse.csr_matrix | NDArray[np.floating]) -> tuple[U16, F32]:
    """(V, J) weights -> indices (V, 4) uint16 and weights (V, 4) float32, largest first, rows summing to 1.

    Smaller influences are dropped and their share is spread over those that stay; unused places hold
    joint 0 and weight 0. Equal weights keep the lower joint first, so that the result is the same each
    time.
    """
    plain = weights.toarray() if isinstance(weights, sparse.csr_matrix) else weights
    dense = np.asarray(plain, np.float64)
    if dense.shape[1] < MAX_INFLUENCES:
        dense = np.pad(dense, ((0, 0), (0, MAX_INFLUENCES - dense.shape[1])))
    indices = np.argsort(-dense, axis=1, kind="stable")[:, :MAX_INFLUENCES]
    kept = np.clip(np.take_along_axis(dense, indices, axis=1), 0, None)
    kept /= kept.sum(axis=1, keepdims=True)
    # Influences below a thousandth move nothing that can be seen and cost engines a joint.
    kept[kept < 1e-3] = 0
    kept /= kept.sum(axis=1, keepdims=True)
    single = kept.astype(np.float32)
    single[:, 0] = (1.0 - single[:, 1:].astype(np.float64).sum(axis=1)).astype(np.float32)
    indices = np.where(single > 0, indices, 0)
    return indices.astype(np.uint16), single
