"""Small body models in the layout of SMPL files, made from random numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from bodyscan.body.model import BodyModel
from bodyscan.body.smpl_family import model_from_fields

SMPL_PARENTS = (
    -1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21,
)  # fmt: skip


def fields(num_vertices: int = 60, parents: tuple[int, ...] = SMPL_PARENTS, seed: int = 0) -> dict[str, Any]:
    """The arrays of an SMPL file with so many vertices and 10 shape coefficients."""
    rng = np.random.default_rng(seed)
    count, shapes = len(parents), 10
    weights = rng.random((num_vertices, count)) * (rng.random((num_vertices, count)) < 4 / count)
    weights[np.arange(num_vertices), rng.integers(count, size=num_vertices)] += 0.5
    regressor = rng.random((count, num_vertices))
    table = np.array([parents, range(count)], dtype=np.int64)
    table[0, 0] = 2**32 - 1
    return {
        "v_template": rng.normal(size=(num_vertices, 3)),
        "shapedirs": rng.normal(scale=0.02, size=(num_vertices, 3, shapes)),
        "posedirs": rng.normal(scale=0.01, size=(num_vertices, 3, 9 * (count - 1))),
        "J_regressor": sparse.csc_matrix(regressor / regressor.sum(axis=1, keepdims=True)),
        "weights": weights / weights.sum(axis=1, keepdims=True),
        "kintree_table": table.astype(np.uint32),
        "f": rng.integers(num_vertices, size=(30, 3)).astype(np.uint32),
    }


def tiny_model() -> BodyModel:
    return model_from_fields(fields())
