"""The iris's colour: from the scan where it shows the eye clearly, else what goes with the skin."""

from __future__ import annotations

import numpy as np

from bodyscan.body.hidden_parts import eyeball
from bodyscan.body.model import BodyModel
from bodyscan.body.painted_parts import IRIS_RADIUS, PUPIL_SHARE
from bodyscan.geometry.normals import vertex_normals
from bodyscan.geometry.srgb import linear_from_srgb, srgb_from_linear
from bodyscan.texture.sample import Correspondence, color_spacing_m, find_on_mesh, mesh_colors
from bodyscan.texture.texels import Texels
from bodyscan.types import F32, F64, I32, Bool, ScanMesh

EYE_REACH_M = 0.006
LEAST_TEXELS = 150
FINEST_M = 0.0015
"""Spacing of colours above which an iris is a handful of them, mixed with lids and white."""
CLEARLY_PALER = 1.6
"""Light of the white beside the iris over that of the iris, at least, for the scan to show an eye."""
BY_SKIN = ((0.06, (58, 36, 24)), (0.16, (70, 46, 30)), (0.35, (92, 66, 44)), (1.0, (108, 84, 58)))
"""Up to this linear light of the skin -> sRGB of the iris: brown, darker with darker skin."""


def iris_color(
    model: BodyModel, texels: Texels, vertices: F64, scan: ScanMesh, part: I32, skin: F32
) -> tuple[tuple[int, int, int], bool]:
    """sRGB of the iris, and whether the scan showed it.

    `vertices` (V, 3) the fitted surface in the scan's frame, `part` (T,) as in `painted_parts`, `skin` (3,)
    linear light of the person's face.
    """
    if color_spacing_m(scan) <= FINEST_M:
        seen = [_one_eye(model, texels, vertices, scan, part == 1, side) for side in ("left", "right")]
        known = [each for each in seen if each is not None]
        if known:
            red, green, blue = srgb_from_linear(np.mean(known, axis=0)).tolist()
            return (red, green, blue), True
    light = float(skin @ [0.2126, 0.7152, 0.0722])
    return next(color for limit, color in BY_SKIN if light <= limit or limit == 1.0), False


def _one_eye(
    model: BodyModel, texels: Texels, vertices: F64, scan: ScanMesh, eyes: Bool, side: str
) -> F64 | None:
    """(3,) linear light of one iris, or None where the scan does not show it clearly."""
    centre, radius = eyeball(model, side)
    ids = np.flatnonzero(eyes)
    away = (texels.interpolate(model.template, ids) - centre) / radius
    off = np.hypot(away[:, 0], away[:, 1])
    # The middle band: lids hide what is above and below.
    front = (away[:, 2] > 0) & (np.abs(away[:, 1]) < 0.25) & (np.abs(away[:, 0]) < 1) & (off < 0.75)
    ids, off = ids[front], off[front]
    points = texels.interpolate(vertices, ids)
    normals = texels.interpolate(vertex_normals(vertices, model.faces), ids)
    found: Correspondence = find_on_mesh(scan, points, normals, EYE_REACH_M)
    light = mesh_colors(scan, found).light.astype(np.float64)
    known = found.weight > 0.5
    iris = known & (off > 1.25 * PUPIL_SHARE * IRIS_RADIUS) & (off < 0.85 * IRIS_RADIUS)
    white = known & (off > 1.25 * IRIS_RADIUS)
    if iris.sum() < LEAST_TEXELS or white.sum() < LEAST_TEXELS:
        return None
    mean, beside = np.median(light[iris], axis=0), np.median(light[white], axis=0)
    grey = linear_from_srgb(np.array([215.0, 210.0, 204.0])).astype(np.float64)
    if beside.mean() < CLEARLY_PALER * mean.mean() or beside.min() < 0.35 * beside.max():
        return None
    # The white of an eye is a grey card: what it lacks is shadow and the tint of the light.
    return np.clip(mean * np.clip(grey / np.maximum(beside, 1e-3), 0.5, 2.5), 0.004, 0.5)
