"""Point clouds: spacing, outliers, normals and which way they point."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from bodyscan.threads import usable_threads

F64 = NDArray[np.float64]

_BLOCK = 200_000


def neighbours(points: F64, count: int) -> tuple[F64, NDArray[np.int64]]:
    """Return distances (N, count) and indices of the nearest points, the point itself left out."""
    count = min(count, len(points) - 1)
    distance, index = KDTree(points).query(points, k=count + 1, workers=usable_threads())
    return np.asarray(distance)[:, 1:], np.asarray(index)[:, 1:]


def outlier_points(distance: F64, index: NDArray[np.int64], factor: float = 3.0) -> NDArray[np.bool_]:
    """(N,) True for points that lie `factor` times farther from their neighbours than those do from theirs.

    Statistical outlier removal with a local yardstick: the density of a depth camera's cloud falls with
    distance, so that one threshold for the whole cloud would eat the far side. `distance` and `index`
    are those of `neighbours`.
    """
    mean = distance.mean(axis=1)
    return mean > factor * np.median(mean[index], axis=1) + 1e-12


def cloud_normals(points: F64, index: NDArray[np.int64]) -> F64:
    """(N, 3) unit normals of the best plane through each point's neighbours, of undecided sign."""
    out = np.empty_like(points)
    for start in range(0, len(points), _BLOCK):
        near = points[index[start : start + _BLOCK]]
        near = np.concatenate([near, points[start : start + _BLOCK, None]], axis=1)
        near = near - near.mean(axis=1, keepdims=True)
        _, axes = np.linalg.eigh(np.einsum("nki,nkj->nij", near, near))
        out[start : start + _BLOCK] = axes[:, :, 0]
    return out


def visible_votes(points: F64, normals: F64, spacing: float) -> F64:
    """(N,) positive where the normal points to the outside, negative where away from it, 0 unseen.

    From 26 directions the points are splatted into a picture whose pixels are a few spacings wide; a
    point near the front of its pixel is seen, and its normal should face that way. No tree of neighbours
    is walked, so one wrong link cannot turn a whole limb over.
    """
    votes = np.zeros(len(points))
    pixel = 2.5 * spacing
    steps = np.array([(x, y, z) for x in (-1, 0, 1) for y in (-1, 0, 1) for z in (-1, 0, 1) if x or y or z])
    for direction in steps / np.linalg.norm(steps, axis=1, keepdims=True):
        side = np.cross(direction, [0.3, 0.9, 0.1] if abs(direction[1]) < 0.9 else [0.9, 0.1, 0.3])
        side /= np.linalg.norm(side)
        column = np.floor(points @ side / pixel).astype(np.int64)
        row = np.floor(points @ np.cross(direction, side) / pixel).astype(np.int64)
        column -= column.min()
        cell = (row - row.min()) * (int(column.max()) + 1) + column
        depth = points @ direction
        front = np.full(int(cell.max()) + 1, -np.inf)
        np.maximum.at(front, cell, depth)
        seen = depth > front[cell] - 2 * pixel
        votes += np.where(seen, normals @ direction, 0.0)
    return votes


def orient_normals(points: F64, normals: F64, index: NDArray[np.int64], spacing: float) -> F64:
    """Return `normals` (N, 3) turned outward: by visibility, then by what the neighbours were told."""
    votes = visible_votes(points, normals, spacing)
    for _ in range(3):
        # A neighbour whose normal is nearly parallel passes its vote on, with the sign that they share.
        signs = np.einsum("nki,ni->nk", normals[index], normals)
        passed = np.where(np.abs(signs) > 0.7, signs * votes[index], 0.0)
        votes = votes + passed.mean(axis=1)
    return np.where(votes[:, None] < 0, -normals, normals)
