"""How rough the surface is: skin, lips, the face's oily zone, wet eyes and teeth, cloth and hair.

Values are those that renderers of skin use for a metallic-roughness material (glTF 2.0); the zone of
forehead, nose and chin has more sebum than cheeks (S. W. Youn et al., "Regional and seasonal variations in
facial sebum secretions", 2005).
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from bodyscan.body.hidden_parts import eyeball, has_hidden_parts, lip_line
from bodyscan.body.model import BodyModel
from bodyscan.texture.sample import step
from bodyscan.texture.texels import Texels
from bodyscan.types import F32, I32, U8

SKIN, OILY, LIPS, COVER = 0.55, 0.47, 0.40, 0.80
PART_ROUGHNESS = (SKIN, 0.08, 0.20, 0.30, 0.35)
"""Of the parts 0..4 in `bodyscan.body.painted_parts`: skin, eyeballs, teeth, tongue, mouth."""
LIP_REACH_M = (0.010, 0.006)
"""From the line between the lips to where skin begins, and to where lips are all lip."""


def paint_roughness(model: BodyModel, texels: Texels, part: I32, cover: F32 | None = None) -> U8:
    """(T,) uint8 linear, 255 fully rough. `part` (T,) 0..4; `cover` (V,) 0..1 where cloth or hair lies."""
    skin = texels.interpolate(_skin(model))
    if cover is not None:
        skin += (COVER - skin) * texels.interpolate(np.asarray(cover, np.float32))
    values = np.where(part == 0, skin, np.array(PART_ROUGHNESS, np.float32)[part])
    return np.rint(255 * np.clip(values, 0, 1)).astype(np.uint8)


def _skin(model: BodyModel) -> F32:
    """(V,) roughness of bare skin."""
    out = np.full(model.num_vertices, SKIN)
    if not has_hidden_parts(model):
        return out.astype(np.float32)
    points = model.template.astype(np.float64)
    eye, _ = eyeball(model, "left")
    lips = lip_line(model)
    head = model.region("head")
    beside, up, ahead = np.abs(points[:, 0]), points[:, 1] - eye[1], points[:, 2] - eye[2]
    scale = abs(eye[0]) / 0.030
    middle = (1 - step(0.010 * scale, 0.022 * scale, beside)) * step(-0.085 * scale, -0.06 * scale, up)
    brow = (1 - step(0.030 * scale, 0.055 * scale, beside)) * step(0.012 * scale, 0.03 * scale, up)
    brow *= 1 - step(0.06 * scale, 0.085 * scale, up)
    oily = np.maximum(middle * (up < 0.03 * scale), brow) * head * step(-0.03, 0.0, ahead)
    out += (OILY - SKIN) * oily
    if len(lips):
        distance, _ = KDTree(lips).query(points)
        lip = step(LIP_REACH_M[0] * scale, LIP_REACH_M[1] * scale, distance) * head
        out += (LIPS - out) * lip
    return out.astype(np.float32)
