"""Where a surface runs through itself, and offsets that do not add to it.

The body model crosses itself in a few places of its own (lids over eyeballs, fingers of a fist); surface
detail must not make more of them. Offsets around new crossings are halved; what still crosses after a few
rounds is taken back whole. Each look at the whole surface costs one to two seconds of one core.
"""

from __future__ import annotations

import numpy as np

from bodyscan.types import F64, Bool

ROUNDS = 2
GROWTH_RINGS = 2


def crossing_faces(vertices: F64, faces: np.ndarray) -> np.ndarray:
    """(K, 2) sorted pairs of faces that run through each other without sharing a vertex."""
    import open3d as o3d

    mesh = o3d.geometry.TriangleMesh(
        o3d.utility.Vector3dVector(np.array(vertices, np.float64)),
        o3d.utility.Vector3iVector(np.array(faces, np.int32)),
    )
    pairs = np.asarray(mesh.get_self_intersecting_triangles()).reshape(-1, 2)
    return np.sort(pairs.astype(np.int64), axis=1)


def take_back_crossings(vertices: F64, offsets: F64, faces: np.ndarray) -> F64:
    """Offsets (V, 3) that add no crossing to those of the surface without them."""
    count = len(faces)
    own = _keys(crossing_faces(vertices, faces), count)
    offsets = offsets.copy()
    for round_ in range(ROUNDS + 1):
        pairs = crossing_faces(vertices + offsets, faces)
        new = pairs[~np.isin(_keys(pairs, count), own)]
        if not len(new):
            break
        around = _grown(faces, new.reshape(-1), len(vertices))
        offsets[around] *= 0.5 if round_ < ROUNDS else 0.0
    return offsets


def _keys(pairs: np.ndarray, count: int) -> np.ndarray:
    return pairs[:, 0] * count + pairs[:, 1]


def _grown(faces: np.ndarray, hit: np.ndarray, num_vertices: int) -> Bool:
    """(V,) True for the corners of the `hit` faces and a few rings around them."""
    around = np.zeros(num_vertices, dtype=bool)
    around[faces[hit].reshape(-1)] = True
    for _ in range(GROWTH_RINGS):
        touched = around[faces].any(axis=1)
        around[faces[touched].reshape(-1)] = True
    return around
