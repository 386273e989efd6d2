"""Surface detail for what no scanner sees: eye sockets, mouth, eyeballs, teeth, tongue.

A scan says nothing about them, and offsets of a fit there are noise or zero. Three steps make them sound:
lids and lips move as a whole with the skin around them (their normals turn by 180 degrees within
millimetres, so that an offset along the normal would close eyes and open mouths); the lining inside the head
goes along with the skin in front of it; loose parts (eyeballs, rows of teeth, the tongue) keep their form and
go along with the skin before them. Otherwise a face that was scanned 3 mm deeper than the parametric one has
its eyeballs before its lids and the lining of its mouth on its cheeks.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu
from scipy.spatial import KDTree

from bodyscan.body.model import BodyModel
from bodyscan.geometry.components import link_components
from bodyscan.types import F64, I32, Bool

NEIGHBOURS = 60
"""Skin vertices that a place inside the head, or a loose part, goes along with."""
REACH_M = 0.008
"""Standard deviation of their weights, metres on the mean body."""
RIM_M = 0.012
"""Skin nearer than this to the lining (lids, lips) moves as a whole, metres on the mean body."""
FOLLOW = 0.3
"""How strongly the lining follows the skin in front of it, against going on smoothly from the rim."""


def settle_inner_parts(model: BodyModel, detail: F64) -> F64:
    """(V, 3) detail in the unposed frame -> the same with sound values on lids, lips and inside the head."""
    out = np.array(detail, np.float64)
    places = model.template.astype(np.float64)
    labels = _pieces(model.faces, model.num_vertices)
    skin = labels == np.bincount(labels).argmax()
    outer = np.flatnonzero(skin & ~model.inner)
    around = _Surroundings(places[outer], out[outer])
    lining = np.flatnonzero(skin & model.inner)
    if len(lining):
        rim_distance, _ = KDTree(places[lining]).query(places[outer])
        rim = rim_distance < RIM_M
        share = 1 - rim_distance[rim] / RIM_M
        share = (share * share * (3 - 2 * share))[:, None]
        whole = around.mean(places[outer[rim]])
        out[outer[rim]] = share * whole + (1 - share) * out[outer[rim]]
        around = _Surroundings(places[outer], out[outer])
        out = _lining(model, out, skin & model.inner, skin & ~model.inner, around.mean(places[lining]))
    for label in np.unique(labels[~skin]):
        part = np.flatnonzero(labels == label)
        out[part] = around.before(places[part])
    return out


class _Surroundings:
    """Means of the skin's detail near a place."""

    def __init__(self, points: F64, values: F64) -> None:
        self.tree, self.values = KDTree(points), values

    def mean(self, points: F64) -> F64:
        """(N, 3) -> (N, 3): the mean around each point, the nearest counting most."""
        distance, near = self.tree.query(points, k=min(NEIGHBOURS, len(self.values)))
        gap = distance - distance[:, :1]  # deep inside all skin is far: its nearest part still counts
        weight = np.exp(-0.5 * (gap / REACH_M) ** 2)
        weight /= weight.sum(axis=1, keepdims=True)
        return np.einsum("nk,nkc->nc", weight, self.values[near])

    def before(self, part: F64) -> F64:
        """(N, 3) -> (3,): the mean of the skin before the part's own outermost vertices."""
        distance, _ = self.tree.query(part)
        front = part[np.argsort(distance, kind="stable")[:NEIGHBOURS]]
        _, near = self.tree.query(front, k=3)
        return self.values[np.unique(near)].mean(axis=0)


def _pieces(faces: I32, count: int) -> np.ndarray:
    return link_components(faces[:, [0, 1]].reshape(-1), faces[:, [1, 2]].reshape(-1), count)


def _lining(model: BodyModel, values: F64, inner: Bool, outer: Bool, wanted: F64) -> F64:
    """Smooth values on the lining, going on from the skin's and near `wanted` (a screened Poisson solve)."""
    links = model.faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    count = model.num_vertices
    graph = sparse.coo_matrix((np.ones(len(links)), (links[:, 0], links[:, 1])), shape=(count, count)).tocsr()
    graph = ((graph + graph.T) > 0).astype(np.float64)
    laplacian = sparse.csr_matrix(sparse.diags(np.asarray(graph.sum(axis=1)).ravel()) - graph)
    unknown, known = np.flatnonzero(inner), np.flatnonzero(outer)
    matrix = sparse.csc_matrix(laplacian[unknown][:, unknown] + FOLLOW * sparse.identity(len(unknown)))
    right = FOLLOW * wanted - laplacian[unknown][:, known] @ values[known]
    out = values.copy()
    out[unknown] = splu(matrix).solve(right)
    return out
