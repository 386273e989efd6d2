"""Connected pieces of a mesh."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components


def link_components(a: NDArray[np.integer], b: NDArray[np.integer], count: int) -> NDArray[np.int64]:
    """Return the component number (count,) of nodes joined by links a[i] - b[i].

    Numbers ascend with the first node of each component.
    """
    graph = coo_matrix((np.ones(len(a), np.int8), (a, b)), shape=(count, count))
    _, labels = connected_components(graph, directed=False)
    return labels.astype(np.int64)


def face_components(faces: NDArray[np.integer], num_vertices: int) -> NDArray[np.int64]:
    """Return the component number (F,) of faces that are joined by common vertices."""
    faces = np.asarray(faces)
    if len(faces) == 0:
        return np.zeros(0, np.int64)
    a = np.concatenate([faces[:, 0], faces[:, 1]])
    b = np.concatenate([faces[:, 1], faces[:, 2]])
    labels = link_components(a, b, num_vertices)[faces[:, 0]]
    _, compact = np.unique(labels, return_inverse=True)
    return compact.reshape(-1)
