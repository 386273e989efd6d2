"""Points spread evenly over a surface."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bodyscan.errors import InputError
from bodyscan.geometry.normals import area_vectors


def sample_surface(
    vertices: NDArray[np.floating], faces: NDArray[np.integer], count: int, seed: int = 0
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Return `count` points (N, 3), the face of each (N,) and its barycentric weights (N, 3).

    Stratified along the cumulated area: each face gets its share of points within one, which spreads
    them better than independent draws. The same seed gives the same points. Uniform in a triangle by
    the square root map (Osada et al. 2002). Raises `InputError` where the mesh has no area.
    """
    areas = np.linalg.norm(area_vectors(vertices, faces), axis=1) if len(faces) else np.zeros(0)
    total = float(areas.sum())
    if not total > 0:
        raise InputError(
            "A surface without area cannot be sampled: the mesh has no faces, or all are points."
        )
    rng = np.random.default_rng(seed)
    at = (np.arange(count) + rng.random(count)) / max(count, 1) * total
    face = np.minimum(np.searchsorted(np.cumsum(areas), at, side="right"), len(faces) - 1)
    face = _with_area(face, areas)
    root, along = np.sqrt(rng.random(count)), rng.random(count)
    weights = np.stack([1 - root, root * (1 - along), root * along], axis=1)
    corners = np.asarray(vertices, np.float64)[faces[face]]
    points: NDArray[np.float64] = np.einsum("nk,nkd->nd", weights, corners)
    return points, face, weights.astype(np.float64)


def _with_area(face: NDArray[np.int64], areas: NDArray[np.float64]) -> NDArray[np.int64]:
    """Move picks that rounding put on an empty face to the last face with area before the end."""
    empty = areas[face] <= 0
    if empty.any():
        face = face.copy()
        face[empty] = np.flatnonzero(areas > 0)[-1]
    return face
