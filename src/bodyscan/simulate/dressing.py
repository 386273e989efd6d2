"""How loose cloth hangs on a posed body: bridges over hollows, falls from the chest, opens to the hem."""

from __future__ import annotations

import numpy as np

from bodyscan.body.model import BodyModel
from bodyscan.geometry.normals import vertex_normals
from bodyscan.simulate.people import reference_template
from bodyscan.simulate.smooth_noise import smoothstep
from bodyscan.simulate.surface import neighbour_mean
from bodyscan.types import F64, I32

BRIDGE_STEPS = {"trunks": 12, "bra": 25, "leggings": 8, "shirt": 25, "trousers": 40, "loose_shirt": 60}
FALL = 0.10
"""Metres that a falling shirt comes nearer to the body on each metre downwards."""
LONGEST_FALL_M = 0.045


def hanging_offset(model: BodyModel, faces: I32, posed: F64, rest: F64, inside: F64, garment: str) -> F64:
    """(V,) metres along the normal that the cloth's ground lies off the skin, before its own thickness.

    `posed` (V, 3), `rest` (V, 3) the unposed person, `inside` (V,) metres inside the garment's edge.
    """
    covered = inside > -0.01
    mean = neighbour_mean(faces, len(posed))
    offset = _bridged(mean, faces, posed, covered, BRIDGE_STEPS[garment])
    if garment == "loose_shirt":
        offset = np.maximum(offset, _fallen(model, rest))
        offset = np.maximum(offset, 0.010 * _arms(model))
    if garment == "trousers":
        y = reference_template(model)[:, 1]
        offset = np.maximum(offset, 0.004 + 0.016 * (1 - smoothstep(0.1, 0.75, y)))
    for _ in range(4):
        offset = np.where(covered, 0.5 * offset + 0.5 * (mean @ offset), 0.0)
    return offset


def _bridged(mean, faces: I32, posed: F64, covered: np.ndarray, steps: int) -> F64:
    """Tight cloth is a skin under tension: it fills hollows and never cuts in."""
    smooth = posed.copy()
    for _ in range(steps):
        smooth[covered] = (0.4 * smooth + 0.6 * (mean @ smooth))[covered]
        normals = vertex_normals(posed, faces)
        inward = np.minimum(np.einsum("vk,vk->v", smooth - posed, normals), 0)
        smooth -= inward[:, None] * normals
    normals = vertex_normals(posed, faces)
    return np.maximum(np.einsum("vk,vk->v", smooth - posed, normals), 0)


def _arms(model: BodyModel) -> F64:
    return model.region("left_upper_arm", "right_upper_arm").astype(np.float64)


def _fallen(model: BodyModel, rest: F64) -> F64:
    """A shirt falls from chest, belly and shoulder blades, seen around the torso's own axis."""
    torso = model.region("torso", "left_upper_leg", "right_upper_leg")
    template = reference_template(model)
    inside = torso & (template[:, 1] > 0.75) & (template[:, 1] < 1.3)
    ids = np.flatnonzero(inside)
    points = rest[ids]
    centre = np.array([0.0, 0.0, np.median(points[:, 2])])
    flat = points - centre
    angle, radius, height = np.arctan2(flat[:, 0], flat[:, 2]), np.hypot(flat[:, 0], flat[:, 2]), points[:, 1]
    bins = np.digitize(angle, np.linspace(-np.pi, np.pi, 41))
    offset = np.zeros(len(rest))
    for b in np.unique(bins):
        near = ids[(bins == b)]
        local = radius[bins == b], height[bins == b]
        order = np.argsort(-local[1])
        reach, last = 0.0, local[1][order[0]]
        for k in order:
            reach = max(local[0][k], reach - FALL * (last - local[1][k]))
            last = local[1][k]
            offset[near[k]] = min(reach - local[0][k], LONGEST_FALL_M) + 0.006
    return offset
