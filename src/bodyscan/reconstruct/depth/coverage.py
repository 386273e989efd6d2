"""Which parts of the person the cameras saw."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.spatial import KDTree

from bodyscan.body.model import BodyModel
from bodyscan.geometry.normals import vertex_areas, vertex_normals
from bodyscan.threads import usable_threads
from bodyscan.types import F64, Bool, Mesh

NEAR_M = 0.02
"""Surface within this distance that faces the same way shows a place of the body; cloth lies farther off the
skin, but the fit lies on the cloth."""
MIN_COSINE = 0.3
NOT_SKIN = ("teeth", "tongue", "left_eye", "right_eye")


def seen_vertices(model: BodyModel, vertices: F64, surface: Mesh) -> Bool:
    """(V,) whether each vertex of the body, standing at `vertices` (V, 3), is shown by `surface` (metres)."""
    normals = vertex_normals(vertices, model.faces)
    there = vertex_normals(surface.vertices, surface.faces)
    distance, nearest = KDTree(surface.vertices).query(
        vertices, distance_upper_bound=NEAR_M, workers=usable_threads()
    )
    near = np.isfinite(distance)
    cosine = np.zeros(len(vertices))
    cosine[near] = np.einsum("nk,nk->n", normals[near], there[np.asarray(nearest)[near]])
    return near & (cosine > MIN_COSINE)


def coverage_by_part(model: BodyModel, vertices: F64, seen: Bool) -> Mapping[str, float]:
    """Region of the body model -> share of its outer area, 0..1, that was `seen` (V,); `all` is the whole."""
    areas = vertex_areas(vertices, model.faces) * ~model.inner
    parts = {name: model.region(name) for name in model.region_names if name not in NOT_SKIN}
    shares = {name: _share(areas, seen, part) for name, part in parts.items() if areas[part].sum() > 0}
    return {"all": _share(areas, seen, np.ones(len(areas), bool)), **shares}


def _share(areas: F64, seen: Bool, part: Bool) -> float:
    return float(areas[part & seen].sum() / areas[part].sum())
