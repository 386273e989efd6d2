"""Surface detail for what no scanner sees: eye sockets, mouth, eyeballs, teeth, tongue.

A scan says nothing about them, and offsets of a fit there are noise or zero. Skin inside the head continues
the detail around it smoothly (a harmonic function over the surface); loose parts (eyeballs, rows of teeth,
the tongue) keep their form and go along with the skin before them: otherwise a face that was scanned 3 mm
deeper than the parametric one would have its eyeballs before its lids.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu
from scipy.spatial import KDTree

from bodyscan.body.model import BodyModel
from bodyscan.geometry.components import link_components
from bodyscan.types import F64, I32

NEIGHBOURS = 40
"""Skin vertices that a loose part goes along with."""


def settle_inner_parts(model: BodyModel, detail: F64) -> F64:
    """(V, 3) detail in the unposed frame -> the same with sound values inside the head."""
    out = np.array(detail, np.float64)
    labels = _pieces(model.faces, model.num_vertices)
    skin = labels == np.bincount(labels).argmax()
    inner = model.inner if len(model.inner) else np.zeros(model.num_vertices, bool)
    if (skin & inner).any():
        out[skin] = _harmonic(model, out, skin, inner)[skin]
    outer = np.flatnonzero(skin & ~inner)
    tree = KDTree(model.template[outer])
    for label in np.unique(labels[~skin]):
        part = np.flatnonzero(labels == label)
        distance, near = tree.query(model.template[part])
        # The skin before the part: what is nearest to the part's own outermost vertices.
        front = part[np.argsort(distance, kind="stable")[:NEIGHBOURS]]
        _, near = tree.query(model.template[front], k=3)
        out[part] = out[outer[np.unique(near)]].mean(axis=0)
    return out


def _pieces(faces: I32, count: int) -> np.ndarray:
    return link_components(faces[:, [0, 1]].reshape(-1), faces[:, [1, 2]].reshape(-1), count)


def _harmonic(model: BodyModel, values: F64, skin: np.ndarray, inner: np.ndarray) -> F64:
    """Fill `values` at inner skin with the harmonic function of their surroundings."""
    links = model.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    count = model.num_vertices
    graph = sparse.coo_matrix((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(count, count)).tocsr()
    graph = ((graph + graph.T) > 0).astype(np.float64)
    laplacian = sparse.csr_matrix(sparse.diags(np.asarray(graph.sum(axis=1)).ravel()) - graph)
    unknown, known = np.flatnonzero(skin & inner), np.flatnonzero(skin & ~inner)
    matrix = sparse.csc_matrix(laplacian[unknown][:, unknown])
    right = -(laplacian[unknown][:, known] @ values[known])
    out = values.copy()
    out[unknown] = splu(matrix).solve(right)
    return out
