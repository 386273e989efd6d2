"""How much an error counts, by place: faces, hands and feet more, what is hidden in the head less."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from bodyscan.body.model import BodyModel

REGIONS = {"head": 4.0, "neck": 1.5, "left_hand": 2.4, "right_hand": 2.4, "left_foot": 1.2, "right_foot": 1.2,
           "left_eye": 2.0, "right_eye": 2.0, "teeth": 0.5, "tongue": 0.3}  # fmt: skip
"""Factor on distances; other regions 1."""
RIM = 8.0
"""More at the rims of lids and lips,"""
RIM_M = 0.006
"""which reach so far, metres."""
FACE = 4.0
"""More where the face shapes move the skin most."""
INNER = 0.25
"""The lining of mouth and eye sockets."""
INNER_DEEP = 0.05


def vertex_importance(model: BodyModel, mirror: np.ndarray) -> np.ndarray:
    """(V,) factor on distances, the same on both sides."""
    points = model.template.astype(np.float64)
    out = np.ones(model.num_vertices)
    for name, factor in REGIONS.items():
        out[model.region(name)] = factor
    head = model.region("head")
    moved = np.zeros(model.num_vertices)
    for name, ids in model.expression_ids.items():
        size = np.linalg.norm(model.expression_deltas[name], axis=1)
        np.maximum.at(moved, ids, np.minimum(size / 0.006, 1.0))
    out[head] += FACE * moved[head]
    skin = head & ~model.inner
    lining = head & model.inner
    to_lining, _ = KDTree(points[lining]).query(points[skin])
    out[skin] += RIM * np.exp(-to_lining / RIM_M)
    to_skin, _ = KDTree(points[skin]).query(points[lining])
    out[lining] = np.where(to_skin < 0.004, INNER * 4, INNER * np.exp(-to_skin / 0.004) + INNER_DEEP)
    paired = np.flatnonzero(mirror >= 0)
    out[paired] = np.maximum(out[paired], out[mirror[paired]])
    return out


def far_importance(model: BodyModel) -> np.ndarray:
    """(V,) factor by which the importance changes from the near level to the far one."""
    out = np.ones(model.num_vertices)
    out[model.region("head") & ~model.inner] = 1.5
    out[model.region("left_foot", "right_foot")] = 0.9
    return out


COLLISION_REGIONS = {
    "head": 1.3,
    "left_hand": 2.4,
    "left_foot": 1.5,
    "left_lower_arm": 1.2,
    "left_upper_arm": 1.2,
}
COLLISION_FINGERS = 3.6


def collision_importance(model: BodyModel, body: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(P,) factor on distances for the wrapped left half `points` (P, 3) of `body` (V, 3)."""
    factor = np.ones(model.num_vertices)
    for name, value in COLLISION_REGIONS.items():
        factor[model.region(name)] = value
    fingers = [
        model.joint_index(name)
        for name in model.joint_names
        if name.startswith("left") and name.endswith(("Proximal", "Intermediate", "Distal"))
    ]
    factor[np.asarray(model.skin_weights[:, fingers].sum(axis=1)).ravel() > 0.6] = COLLISION_FINGERS
    return factor[KDTree(body).query(points)[1]]


BETWEEN = 0.1
"""What a vertex between fingers or in the ear costs inside, against 1 elsewhere: it is to be bridged."""
EAR_M = 0.071
"""The ears stand out farther from the middle than this on the mean head, metres."""


def inside_cost(model: BodyModel) -> np.ndarray:
    """(V,) how much it costs that a vertex lies inside of the collision body."""
    out = np.ones(model.num_vertices)
    fingers = [
        model.joint_index(name)
        for name in model.joint_names
        if name.endswith(("Proximal", "Intermediate", "Distal"))
    ]
    out[np.asarray(model.skin_weights[:, fingers].sum(axis=1)).ravel() > 0.5] = BETWEEN
    out[model.region("head") & (np.abs(model.template[:, 0]) > EAR_M)] = BETWEEN
    return out
