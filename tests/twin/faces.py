"""Made people with faces of their own, for tests of the face shapes."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from bodyscan.body.asset import load_body_model
from bodyscan.body.poses import standard_pose
from bodyscan.types import BodyParams, Morph

MODEL = load_body_model("adult")
MILLIMETRE = 1e-3


@lru_cache(maxsize=8)
def person(seed: int, spread: float = 0.9) -> tuple[BodyParams, np.ndarray, np.ndarray]:
    """Parameters, bind pose (J, 3, 4) and surface (V, 3) in the A-pose."""
    rng = np.random.default_rng(seed)
    betas = np.zeros(MODEL.num_components)
    betas[:40] = 0.8 * rng.normal(size=40)
    body = MODEL.num_body_components
    betas[body:] = spread * rng.normal(size=MODEL.num_components - body)
    params = BodyParams(betas, standard_pose(MODEL, betas, "a"), np.zeros(3))
    posed = MODEL.pose(params)
    return params, posed.world_from_rest, posed.vertices


def dense(morph: Morph) -> np.ndarray:
    """(V, 3) metres."""
    out = np.zeros((MODEL.num_vertices, 3))
    out[morph.vertex_ids] = morph.deltas
    return out


def own(name: str) -> np.ndarray:
    """(V, 3) metres: the model's own shape on its mean head."""
    out = np.zeros((MODEL.num_vertices, 3))
    out[MODEL.expression_ids[name]] = MODEL.expression_deltas[name]
    return out
