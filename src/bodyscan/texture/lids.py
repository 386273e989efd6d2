"""Lids without the eye's colours on them.

A fit is half a millimetre off, a lid is a few wide: the white of a scanned eye ends up on the lower lid, its
iris on the upper. Close around the eyeballs a texel whose light is not that of the skin around the eye counts
as not seen, and is filled from that skin.
"""

from __future__ import annotations

import numpy as np

from bodyscan.body.hidden_parts import eyeball, has_hidden_parts
from bodyscan.body.model import BodyModel
from bodyscan.texture.sample import TexelColors, step
from bodyscan.texture.texels import Texels
from bodyscan.types import I32

NEAR_M, AROUND_M = 0.008, 0.014
"""From the eyeball's surface: within the first colours are doubted, up to the second lies the skin beside."""
FINE_M = 0.003
"""The same of scans fine enough to show lashes: only this far, and only what is paler."""
ALIKE, OTHER = 0.10, 0.30
"""Differences of log light that count as the same skin, and as another thing."""


def without_eye_colors(
    model: BodyModel, texels: Texels, colors: TexelColors, part: I32, *, fine: bool
) -> TexelColors:
    """`colors` with less weight at lids that show the eye's colours. `part` (T,) 0 for skin.

    `fine`: the scan's colours are finer than lids, so that dark lashes may stay.
    """
    if not has_hidden_parts(model):
        return colors
    weight = np.array(colors.weight)
    head = model.region("head")[model.faces[:, 0]][texels.triangle] & (part == 0)
    ids = np.flatnonzero(head & (weight > 0))
    places = texels.interpolate(model.template, ids)
    light = np.log(np.maximum(colors.light[ids], 2e-3))
    for side in ("left", "right"):
        centre, radius = eyeball(model, side)
        away = np.linalg.norm(places - centre, axis=1) - radius
        front = places[:, 2] > centre[2]
        ring = front & (away > NEAR_M) & (away < AROUND_M)
        near = front & (away <= (FINE_M if fine else NEAR_M))
        if ring.sum() < 100 or not near.any():
            continue
        difference = light[near] - np.median(light[ring], axis=0)
        off = difference.max(axis=1) if fine else np.abs(difference).max(axis=1)
        scale = 2.0 if fine else 1.0
        weight[ids[near]] *= 1 - step(ALIKE * scale, OTHER * scale, off)
    return TexelColors(colors.light, weight)
