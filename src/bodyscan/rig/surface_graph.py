"""A raw scan's surface as a graph: vertices at one place are one node, triangles make links."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from bodyscan.geometry.weld import weld
from bodyscan.types import F64, Mesh

Ints = NDArray[np.int64]
WELD_M = 1e-5
"""Vertices of a soup that lie closer are one node."""
CLOUD_NEIGHBOURS = 8


@dataclass(frozen=True, eq=False)
class SurfaceGraph:
    """Nodes with weighted links."""

    first_vertex: Ints
    """(N,) a vertex of each node."""
    node: Ints
    """(V,) the node of each vertex."""
    links: sparse.csr_matrix
    """(N, N) float64 symmetric, 1 / length (1/m) of each link."""
    component: Ints
    """(N,) number of the connected piece."""


def surface_graph(mesh: Mesh) -> SurfaceGraph:
    """Build the graph of a mesh, soup or cloud. Orientation of faces plays no part.

    Links weigh 1 / length: robust for the long thin triangles of scans, where cotangents turn negative.
    In a cloud each point is linked with its nearest ones.
    """
    keep, node = weld(mesh.vertices, WELD_M)
    points = mesh.vertices[keep]
    pairs = _cloud_pairs(points) if mesh.is_cloud else _face_pairs(node[mesh.faces])
    pairs = np.unique(np.sort(pairs[pairs[:, 0] != pairs[:, 1]], axis=1), axis=0)
    length = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
    weight = 1 / np.maximum(length, WELD_M)
    count = len(points)
    half = sparse.coo_matrix((weight, (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    links = sparse.csr_matrix(half + half.T)
    _, component = connected_components(links, directed=False)
    return SurfaceGraph(keep, node, links, component.astype(np.int64))


def _face_pairs(faces: Ints) -> Ints:
    return faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)


def _cloud_pairs(points: F64) -> Ints:
    count = min(CLOUD_NEIGHBOURS + 1, len(points))
    _, near = KDTree(points).query(points, k=count)
    near = np.asarray(near).reshape(len(points), count)
    return np.stack([np.repeat(np.arange(len(points)), count), near.reshape(-1)], axis=1)
