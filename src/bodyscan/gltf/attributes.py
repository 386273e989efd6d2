"""Vertex attributes in the form that glTF readers take."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bodyscan.types import F32, I32


def seamless_normals(vertices: NDArray[Any], faces: I32, vertex_source: I32) -> F32:
    """Return area-weighted unit normals (V, 3) that do not show where vertices were split.

    `vertices` (V, 3) metres, `faces` (F, 3), `vertex_source` (V,) the vertex each was split from: all
    copies of one source get the same normal. A vertex without area around it gets +Y, because glTF
    asks for unit length everywhere.
    """
    corners = np.asarray(vertices, dtype=np.float64)[faces]
    doubled_area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    count = int(vertex_source.max(initial=-1)) + 1
    owners = vertex_source[faces].ravel()
    spread = np.repeat(doubled_area, 3, axis=0)
    summed = np.stack([np.bincount(owners, spread[:, axis], count) for axis in range(3)], axis=1)
    length = np.linalg.norm(summed, axis=1, keepdims=True)
    # Below this a normal is rounding noise: 1e-16 square metres.
    flat = length[:, 0] < 1e-16
    unit = summed / np.where(flat[:, None], 1, length)
    unit[flat] = (0.0, 1.0, 0.0)
    return unit[vertex_source].astype(np.float32)
