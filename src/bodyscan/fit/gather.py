"""What pairs of body and scan ask of each body vertex: how much they weigh, and where they draw it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bodyscan.fit.correspond import Pairs
from bodyscan.types import F64

EFFECTIVE_POINTS = 4000.0
"""So many independent measurements is a whole scan worth against the priors: neighbours err alike."""
CLOTH_WORTH = 0.1
"""Share of that which loose cloth is worth: its wrinkles err alike over a larger area."""
LIKE_SKIN_M = 0.003
"""Cloth that usually lies so far off is worth half as much as skin, thinner cloth more."""
WRINKLES = 0.3
"""How far cloth lies off its smooth gap, over the usual gap."""
CLOTH_KERNEL = 3.0
"""Scale of the robust kernel on cloth over its standard deviation: hems and folds are no mistakes."""
WALL_SCALES = 10.0
"""Body points so many kernel scales outside of cloth are outliers."""
WALL_MARGIN_M = 0.006
"""So far the parametric body may stand out of cloth: it is no closer to the skin itself everywhere."""


@dataclass(frozen=True, eq=False)
class Pull:
    """Normal equations of signed distances along the normals, gathered at vertices."""

    weights: F64
    """(V,) one over square metres."""
    pulls: F64
    """(V,) weights times distances, one over metres: body minus scan along the outward normal."""


def gather(
    sides: tuple[tuple[Pairs, F64 | None], ...],
    vertices: F64,
    sigma_m: float,
    gap: tuple[F64, float] | None,
) -> tuple[Pull, Pull | None]:
    """All pairs, gathered at the body's vertices (V, 3): what is firm, and what cloth shows up to its gap.

    `sides`: pairs and, where they were drawn from body vertices, (V,) the area around each. `sigma_m`: scale
    of the robust kernel. `gap`: (V,) metres that cloth is thought to lie off each vertex and the usual gap,
    or None where nobody asked about cloth.

    A point of a triangle is shared out to its corners. The gradient stays exact; the Hessian is lumped, which
    only slows changes within a triangle, and the cost of a step no longer depends on the number of points.
    """
    sums = np.zeros((4, len(vertices)))
    for pairs, area in sides:
        if not len(pairs.corners):
            continue
        distance = pairs.residuals(vertices)
        trust = pairs.trust if area is None else pairs.trust * area[pairs.corners[:, 0]]
        trust = trust * (0.5 * EFFECTIVE_POINTS / len(trust))
        firm, beyond = firm_weights(distance, pairs.cover, sigma_m)
        _share(sums[:2], pairs, trust * firm, beyond)
        if gap is not None:
            expected, usual_m = gap
            off = distance + np.einsum("nk,nk->n", pairs.weights, expected[pairs.corners])
            _share(sums[2:], pairs, trust * pairs.cover * cloth_weights(off, usual_m, sigma_m), distance)
    return Pull(sums[0], sums[1]), None if gap is None else Pull(sums[2], sums[3])


def firm_weights(distance: F64, cover: F64, sigma_m: float) -> tuple[F64, F64]:
    """(N,) weights, one over square metres, and (N,) the distances that they draw at.

    Skin lies on the scan, on either side alike, but for outliers (Geman and McClure 1987). Cloth is a wall:
    the body is pushed in from beyond it, however far, and is free inside.
    """
    skin = 1 / (1 + (distance / sigma_m) ** 2) ** 2
    beyond = np.maximum(distance - WALL_MARGIN_M, 0)
    wall = (beyond > 0) / (1 + (beyond / (WALL_SCALES * sigma_m)) ** 2)
    weight = (1 - cover) * skin + cover * wall
    drawn = ((1 - cover) * skin * distance + cover * wall * beyond) / np.maximum(weight, 1e-300)
    return weight / sigma_m**2, drawn


def cloth_weights(off: F64, usual_m: float, sigma_m: float) -> F64:
    """(N,) weights, one over square metres, of cloth `off` (N,) metres from where its gap has it."""
    noise = np.hypot(sigma_m, WRINKLES * usual_m)
    worth = CLOTH_WORTH + (1 - CLOTH_WORTH) / (1 + (usual_m / LIKE_SKIN_M) ** 2)
    return worth / noise**2 / (1 + (off / (CLOTH_KERNEL * noise)) ** 2) ** 2


def _share(sums: F64, pairs: Pairs, weight: F64, distance: F64) -> None:
    shared, corner = weight[:, None] * pairs.weights, pairs.corners.reshape(-1)
    sums[0] += np.bincount(corner, shared.reshape(-1), sums.shape[1])
    sums[1] += np.bincount(corner, (shared * distance[:, None]).reshape(-1), sums.shape[1])
