"""Ears under hair.

Where hair covers an ear, the scan shows hair and no ear. A surface that is only pushed outwards carries the
ear along and wears it on the hair like a headphone. There the ear's skin is laid flat instead: its vertices
become the harmonic membrane over the ring around it, which cannot fold over a convex ring (Tutte, "How to
draw a graph", 1963). How far, depends on how thick the hair around it is: on scans with free ears the ring
lies within 2.5 mm of the body, under hair 11 to 20 mm outside.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import splu

from bodyscan.body.model import BodyModel
from bodyscan.types import F64, Bool

EAR_BEYOND = 0.72
"""Ears are the folds farther to the side than this share of the head's half width."""
MIN_FOLD = 0.3
HAIR_FROM_M, HAIR_FULL_M = 0.004, 0.009
"""Thickness of hair around the ear from which it is drawn in, and at which it lies flat, metres."""
GROWTH_RINGS = 1


def lay_ears_flat(model: BodyModel, vertices: F64, offsets: F64, normals: F64, folds: F64) -> F64:
    """Offsets (V, 3) in which ears under hair are flat. `vertices`, `normals`, `folds` of the posed body.

    `offsets` of the ring around an ear say how thick the hair is. Models without a region `head` are
    returned as they are.
    """
    if "head" not in model.region_names:
        return offsets
    neighbours = _neighbours(model)
    offsets = offsets.copy()
    for ear in ears(model, neighbours, folds):
        ring = ((neighbours @ ear) > 0) & ~ear
        thickness = float(np.median(np.einsum("vc,vc->v", offsets[ring], normals[ring])))
        share = float(np.clip((thickness - HAIR_FROM_M) / (HAIR_FULL_M - HAIR_FROM_M), 0, 1))
        if share > 0:
            flat = _membrane(neighbours, vertices + offsets, ear)
            offsets[ear] = (1 - share) * offsets[ear] + share * (flat - vertices[ear])
    return offsets


def ears(model: BodyModel, neighbours: sparse.csr_matrix, folds: F64) -> list[Bool]:
    """(V,) masks: one for each ear, grown by a few rings beyond its folds."""
    head = model.region("head") & ~model.inner
    side = model.template[:, 0].astype(np.float64)
    half_width = np.percentile(np.abs(side[head]), 99)
    found = []
    for sign in (1.0, -1.0):
        ear = head & (folds > MIN_FOLD) & (sign * side > EAR_BEYOND * half_width)
        for _ in range(GROWTH_RINGS):
            ear = ((neighbours @ ear) > 0) & head
        ear = _largest_piece(neighbours, ear)
        if ear.any():
            found.append(ear)
    return found


def _largest_piece(neighbours: sparse.csr_matrix, mask: Bool) -> Bool:
    ids = np.flatnonzero(mask)
    if not len(ids):
        return mask
    _, labels = connected_components(neighbours[ids][:, ids], directed=False)
    largest = np.zeros(len(mask), dtype=bool)
    largest[ids[labels == np.bincount(labels).argmax()]] = True
    return largest


def _membrane(neighbours: sparse.csr_matrix, positions: F64, inside: Bool) -> F64:
    """(K, 3): each inside vertex at the mean of its neighbours, the outside held."""
    ids = np.flatnonzero(inside)
    rows = neighbours[ids]
    degree = np.asarray(rows.sum(axis=1)).reshape(-1)
    held = rows[:, np.flatnonzero(~inside)] @ positions[~inside]
    return splu((sparse.diags(degree) - rows[:, ids]).tocsc()).solve(held)


def _neighbours(model: BodyModel) -> sparse.csr_matrix:
    """(V, V) ones where two vertices share an edge."""
    faces, count = model.faces, model.num_vertices
    row = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    matrix = sparse.csr_matrix((np.ones(len(row)), (row[:, 0], row[:, 1])), shape=(count, count))
    both = (matrix + matrix.T).tocsr()
    both.data[:] = 1.0
    return both
