"""Eyes, teeth, tongue and mouth, painted from places on the template: no scan shows them well.

Everything is a function of the place alone, so that a texture paints it as finely as its texels are and
vertex colours as coarsely as the vertices. No light is painted in: wetness is the roughness map's matter.
Sizes: iris 11.7 mm, pupil 4 mm across; widths of teeth after R. C. Wheeler, "Dental anatomy" (1974), along an
arch of the template's own length. The template's eyeballs are larger than life (radius 15 mm), sizes of the
iris are shares of what shows between the lids.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from bodyscan.body.hidden_parts import OWN_PARTS, eyeball, mouth_lining
from bodyscan.body.model import BodyModel
from bodyscan.geometry.srgb import linear_from_srgb
from bodyscan.types import F32, F64, I32, Bool

IRIS_RADIUS, PUPIL_SHARE = 0.395, 0.34
"""Iris as a share of the eyeball's radius, pupil as a share of the iris."""
SCLERA, LID_SHADE, VEIN = (236, 231, 224), (188, 168, 162), (186, 96, 88)
IVORY, NECK, EDGE, GAP, GUM = (
    (229, 220, 200),
    (214, 196, 160),
    (206, 206, 200),
    (120, 92, 72),
    (186, 110, 106),
)
TONGUE, GROOVE, MOUTH, THROAT = (178, 100, 98), (138, 70, 70), (138, 70, 66), (66, 26, 26)
UPPER_TEETH_MM = np.array([8.5, 6.5, 7.5, 7.0, 7.0, 10.0, 10.0])
LOWER_TEETH_MM = np.array([5.3, 5.8, 6.8, 7.0, 7.2, 11.0, 10.5])
UPPER_SHADOW_M, LOWER_SHADOW_M = 0.0062, 0.0042
"""How far the lids' shadow reaches over the eyeball: the upper lid throws the longer one."""
CROWN_SHARE = 0.56
"""Of the height of a row of teeth; the rest is gum."""


def part_of_faces(model: BodyModel) -> I32:
    """(F,) 1 for faces of eyeballs, 2 teeth, 3 tongue, 4 the mouth's lining, 0 for all that is skin."""
    first = model.faces[:, 0]
    out = np.zeros(len(model.faces), np.int32)
    for name, number in zip(OWN_PARTS, (1, 1, 2, 3), strict=True):
        out[model.region(name)[first]] = number
    out[mouth_lining(model)[model.faces].any(axis=1)] = 4
    return out


def paint(
    model: BodyModel, points: F32 | F64, part: I32, iris_rgb: tuple[int, int, int], *, fine: bool = True
) -> F32:
    """Linear light (N, 3) float32 of `points` (N, 3), metres on the template, of parts 1..4 (N,).

    `iris_rgb` is the iris's sRGB mean. Points of part 0 come back as zeros. With `fine` off, teeth are plain
    ivory: a body's vertices are too far apart to tell crowns from gum.
    """
    points = np.asarray(points, np.float64)
    out = np.zeros((len(points), 3), np.float32)
    for side in ("left", "right"):
        centre, radius = eyeball(model, side)
        mine = (part == 1) & (np.sign(points[:, 0]) == np.sign(centre[0]))
        if mine.any():
            out[mine] = _eye(model, points[mine], centre, radius, np.array(iris_rgb, np.float64))
    if (part == 2).any():
        out[part == 2] = (
            _teeth(model, points[part == 2]) if fine else linear_from_srgb(np.array(IVORY, float))
        )
    if (part == 3).any():
        out[part == 3] = _tongue(model, points[part == 3])
    if (part == 4).any():
        out[part == 4] = _lining(model, points[part == 4])
    return out


def _eye(model: BodyModel, points: F64, centre: F64, radius: float, iris: F64) -> F32:
    away = (points - centre) / radius
    off, turn = np.hypot(away[:, 0], away[:, 1]), np.arctan2(away[:, 1], away[:, 0])
    front = away[:, 2] > 0
    white = _mix(np.array(SCLERA, float), 0.10 * _step(0.6, 1.0, off), VEIN)
    thin = np.exp(-((waves(away, 0.34, 3) / 0.07) ** 2)) + 0.7 * np.exp(-((waves(away, 0.2, 4) / 0.06) ** 2))
    white = _mix(white, 0.20 * thin * _step(0.5, 0.85, off), VEIN)
    white = _mix(white, np.where(front, 0.0, 0.1), VEIN)
    share = off / IRIS_RADIUS
    ball = _mix(white, (1 - _step(0.93, 1.06, share)) * front, _iris(share, turn, iris))
    shade = _shaded(model, points)
    return linear_from_srgb(_mix(ball, shade, ball * np.array(LID_SHADE) / 255))


def _iris(share: F64, turn: F64, mean: F64) -> F64:
    """Radial fibres around a pupil, lighter and warmer within, a dark ring at the rim."""
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    fibre = waves(np.column_stack([9 * ring, 0.9 * share]), 1.0, 5)
    fine = waves(np.column_stack([22 * ring, 1.5 * share]), 1.0, 6)
    bright = 1.0 + 0.17 * fibre + 0.12 * fine
    # The collarette, a wavy border at two fifths of the way, parts the inner zone from the outer one.
    collar = 0.52 + 0.035 * waves(4 * ring, 1.0, 7)
    inner = 1 - _step(collar - 0.08, collar + 0.08, share)
    colors = mean * bright[:, None]
    colors = _mix(colors, 0.45 * inner, mean * np.array([1.22, 1.05, 0.82]) * bright[:, None])
    colors = colors * (1 + 0.18 * np.exp(-(((share - collar) / 0.07) ** 2)))[:, None]
    colors = _mix(colors, 0.72 * _step(0.74, 0.98, share), mean * 0.32)
    return _mix(np.clip(colors, 0, 255), 1 - _step(PUPIL_SHARE - 0.04, PUPIL_SHARE + 0.05, share), (9, 8, 8))


def _shaded(model: BodyModel, points: F64) -> F64:
    """(N,) 0..1, how near lids and sockets are: light seldom gets there."""
    lids = _dense(model, model.region("head") & ~model.inner, points)
    if not len(lids):
        return np.zeros(len(points))
    distance, _ = KDTree(lids).query(points, distance_upper_bound=UPPER_SHADOW_M)
    height = points[:, 1] - (points[:, 1].max() + points[:, 1].min()) / 2
    return 1 - _step(0.0005, np.where(height > 0, UPPER_SHADOW_M, LOWER_SHADOW_M), distance)


def _dense(model: BodyModel, chosen: Bool, near: F64) -> F64:
    """Template vertices that `chosen` (V,) names, with the middles of their edges, within 20 mm of `near`."""
    faces = model.faces[chosen[model.faces].all(axis=1)]
    places = model.template.astype(np.float64)[faces]
    middle = (near.max(axis=0) + near.min(axis=0)) / 2
    places = places[np.linalg.norm(places - middle, axis=2).max(axis=1) < 0.035]
    pairs = [
        places[:, k] * (1 - s) + places[:, (k + 1) % 3] * s for k in range(3) for s in (0.0, 0.25, 0.5, 0.75)
    ]
    return np.concatenate(pairs)


def _teeth(model: BodyModel, points: F64) -> F32:
    template = model.template[model.region("teeth")].astype(np.float64)
    middle = (template[:, 1].max() + template[:, 1].min()) / 2
    out = np.empty((len(points), 3), np.float32)
    # The two rows overlap in height; the upper one lies further out.
    for upper, widths in ((True, UPPER_TEETH_MM), (False, LOWER_TEETH_MM)):
        row = template[(template[:, 1] > middle) == upper]
        mine = (points[:, 1] > middle) == upper
        if mine.any() and len(row):
            out[mine] = _row(points[mine], row, widths, 1.0 if upper else -1.0)
    return out


def _row(points: F64, row: F64, widths: F64, up: float) -> F32:
    """Colours of a row of teeth: the place along the arch says which tooth, the height crown or gum."""
    along = np.abs(_along(row, points))
    borders = np.concatenate([[0.0], np.cumsum(widths)])
    borders *= 1.02 * np.abs(_along(row, row)).max() / borders[-1]
    tooth = np.clip(np.searchsorted(borders, along, side="right") - 1, 0, len(widths) - 1)
    left, right = borders[tooth], borders[tooth + 1]
    within = np.clip((along - left) / (right - left), 0, 1)
    gap = np.minimum(within, 1 - within) * (right - left)
    low, high = row[:, 1].min(), row[:, 1].max()
    height = (points[:, 1] - low) / (high - low) if up > 0 else (high - points[:, 1]) / (high - low)
    gum = CROWN_SHARE + 0.05 * np.sin(np.pi * within) - 0.05
    colors = _mix(np.array(IVORY, float), 0.7 * _step(0.2, CROWN_SHARE, height), NECK)
    colors = _mix(colors, 0.5 * (1 - _step(0.0, 0.12, height)), EDGE)
    colors = colors * (1 - 0.12 * _step(1, 4, tooth.astype(float)))[:, None]
    colors = _mix(colors, 0.5 * np.exp(-((gap / 0.22) ** 2)), GAP)
    flesh = np.array(GUM, float) * (1 + 0.05 * waves(points, 0.006, 8))[:, None]
    return linear_from_srgb(_mix(colors, _step(gum - 0.03, gum + 0.03, height), flesh))


def _along(row: F64, points: F64) -> F64:
    """Millimetres along the arch from its middle; the arch is the parabola z = a - b x^2 through the row."""
    depth = np.polyfit(row[:, 0], row[:, 2], 2)[0]
    x = np.linspace(row[:, 0].min() * 1.1, row[:, 0].max() * 1.1, 400)
    length = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x), np.diff(depth * x * x)))])
    length -= np.interp(0.0, x, length)
    return 1000 * np.interp(points[:, 0], x, length)


def _tongue(model: BodyModel, points: F64) -> F32:
    whole = model.template[model.region("tongue")].astype(np.float64)
    back = 1 - (points[:, 2] - whole[:, 2].min()) / np.ptp(whole[:, 2])
    middle = np.exp(-((points[:, 0] / 0.0013) ** 2)) * _step(0.04, 0.2, back)
    colors = (
        np.array(TONGUE, float)
        * (1 + 0.025 * waves(points, 0.0011, 9) + 0.03 * waves(points, 0.007, 10))[:, None]
    )
    colors = _mix(colors, 0.55 * middle, GROOVE)
    return linear_from_srgb(_mix(colors, 0.6 * _step(0.35, 1.0, back), THROAT))


def _lining(model: BodyModel, points: F64) -> F32:
    teeth = model.template[model.region("teeth")].astype(np.float64)
    deep = _step(teeth[:, 2].max() + 0.002, teeth[:, 2].min(), points[:, 2])
    colors = np.array(MOUTH, float) * (1 + 0.05 * waves(points, 0.006, 11))[:, None]
    return linear_from_srgb(_mix(colors, deep, THROAT))


def waves(points: np.ndarray, wavelength: float, seed: int) -> F64:
    """(N, D) -> (N,) a smooth field in space, mean 0 and standard deviation 1: twelve plane waves."""
    rng = np.random.default_rng(seed)
    total = np.zeros(len(points))
    for _ in range(12):
        direction = rng.normal(size=points.shape[1])
        direction *= 2 * np.pi / (np.linalg.norm(direction) * wavelength * rng.uniform(0.7, 1.6))
        total += np.sin(points @ direction + rng.uniform(0, 2 * np.pi))
    return total / np.sqrt(6)


def _step(low: float | F64, high: float | F64, value: F64) -> F64:
    """0 at `low`, 1 at `high`, smooth between (the cubic of Perlin's noise)."""
    share = np.clip((value - low) / (np.asarray(high) - low), 0, 1)
    return share * share * (3 - 2 * share)


def _mix(colors: F64, share: F64 | float, other: object) -> F64:
    """Colours (N, 3) or (3,) moved by `share` (N,) towards `other`."""
    return colors + np.clip(share, 0, 1)[..., None] * (np.asarray(other, float) - colors)
