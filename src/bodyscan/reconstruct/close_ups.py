"""Close-up pictures of the hands and the face, and the points that are found in them.

A close-up cuts away what stands in front of the part or behind it, so that a hand beside a thigh or
before the body is seen alone, and is exposed for the skin that it shows. A face's points are the middle of
what nine pictures say: the same face seen from a few degrees beside moves them by some millimetres.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from bodyscan.geometry.view import View
from bodyscan.reconstruct.mediapipe_detector import POSE_NAMES, PersonDetector
from bodyscan.reconstruct.studio import Studio
from bodyscan.reconstruct.triangulate import triangulate
from bodyscan.types import F64, U8

HAND_VIEWS = 8
FACE_AZIMUTHS = (0.0, -0.3, 0.3)
FACE_ELEVATIONS = (0.1, -0.15, 0.35)
FACE_AGREEMENT = 0.035
"""Distance at which a hit counts little beside the middle of the others, as a share of the head's radius."""
EXPOSED = 0.55
"""Brightness of a picture's middle tone, 0..1: that of the studio's own skin tone. In pictures as dark as
dark skin, faces were found a centimetre beside the mark, and fingers more."""
FUSIONS = 5
EXPONENTS = (0.25, 1.5)
HAND_TOLERANCE = 0.10
"""Ray distance within which pictures of a hand agree, as a share of the hand's size."""


def hand_points(
    studio: Studio, detector: PersonDetector, pose: F64, side: str, size_px: int
) -> tuple[F64, F64] | None:
    """Joint centres of a hand (21, 3) and confidence (21,) 0..1, or None where it is not seen.

    `pose` (33, 3) holds the points of `POSE_NAMES`.
    """
    wrist, elbow, index, pinky = (
        pose[POSE_NAMES.index(f"{side}_{part}")] for part in ("wrist", "elbow", "index", "pinky")
    )
    if not np.isfinite([wrist, elbow, index, pinky]).all():
        return None
    knuckles = (index + pinky) / 2
    along = knuckles - wrist
    radius = 0.62 * float(np.linalg.norm(wrist - elbow))
    if min(np.linalg.norm(along), radius) < 1e-9:
        return None
    centre = wrist + 1.1 * along
    origins, directions, weights = [], [], []
    for azimuth in np.arange(HAND_VIEWS) * (2 * np.pi / HAND_VIEWS):
        view = _close_up(centre, radius, azimuth, size_px, up=along, front=_level(along))
        image = _isolated(studio, view, centre, radius)
        hands = detector.hands(image)
        if not hands:
            continue
        expected = view.project([wrist, knuckles])
        offsets = [
            np.linalg.norm(h.pixels[[0, 9]] - expected, axis=1).mean() / size_px
            + 0.1 * (h.is_left != (side == "left"))
            for h in hands
        ]
        best = int(np.argmin(offsets))
        if offsets[best] > 0.35:
            continue
        origin, direction = view.rays(hands[best].pixels)
        origins.append(origin)
        directions.append(direction)
        weights.append(np.full(21, hands[best].score))
    if len(origins) < 2:
        return None
    met = triangulate(np.stack(origins), np.stack(directions), np.stack(weights), HAND_TOLERANCE * radius)
    return _checked_hand(met.positions, met.inliers.sum(axis=0), met.residual, wrist, radius)


def _checked_hand(
    points: F64, agreeing: np.ndarray, residual: F64, wrist: F64, radius: float
) -> tuple[F64, F64] | None:
    if not np.isfinite(points).all():
        return None
    span = np.linalg.norm(points - points[0], axis=1).max()
    if np.linalg.norm(points[0] - wrist) > 0.7 * radius or not 0.35 * radius < span < 2 * radius:
        return None
    sure = np.clip((agreeing - 1) / 3, 0, 1) / (1 + (residual / (0.05 * radius)) ** 2)
    return points, sure


def face_points(studio: Studio, detector: PersonDetector, pose: F64, size_px: int) -> tuple[F64, F64] | None:
    """Surface points of the face (478, 3) and confidence (478,) 0..1 (0 where not seen), or None.

    `pose` (33, 3) holds the points of `POSE_NAMES`.
    """
    names = ("nose", "left_ear", "right_ear", "left_eye", "right_eye", "left_shoulder", "right_shoulder")
    nose, left_ear, right_ear, left_eye, right_eye, *shoulders = (pose[POSE_NAMES.index(n)] for n in names)
    if not np.isfinite([nose, left_ear, right_ear, left_eye, right_eye, *shoulders]).all():
        return None
    middle = (left_ear + right_ear) / 2
    side = left_ear - right_ear
    up = (left_eye + right_eye) / 2 - nose
    front = nose - middle
    front = front - side * (front @ side) / max(float(side @ side), 1e-12)
    radius = max(
        0.8 * float(np.linalg.norm(side)), 0.62 * float(np.linalg.norm(nose - np.mean(shoulders, axis=0)))
    )
    up = np.cross(front, side) if np.linalg.norm(np.cross(front, side)) > 1e-9 else up
    centre = middle + 0.3 * front
    hits, weights = [], []
    for azimuth, elevation in product(FACE_AZIMUTHS, FACE_ELEVATIONS):
        view = _close_up(centre, radius, azimuth, size_px, up=up, front=front, elevation=elevation)
        image = _isolated(studio, view, centre, 1.6 * radius)
        pixels = detector.face(image)
        if pixels is None:
            continue
        points, facing = _surface_hits(studio, view, pixels, centre, 1.6 * radius)
        hits.append(points)
        weights.append(facing)
    if not hits:
        return None
    asked = len(FACE_AZIMUTHS) * len(FACE_ELEVATIONS)
    return _fused_hits(np.stack(hits), np.stack(weights), FACE_AGREEMENT * radius, asked)


def _fused_hits(points: F64, weights: F64, tolerance: float, asked: int) -> tuple[F64, F64]:
    """Robust middles (P, 3) of hits (V, P, 3) with weights (V, P), and how sure they are (P,) 0..1.

    From the median on, by iteratively reweighted means; where a point sits at the rim of the face and some
    rays pass by it, the hits far behind fall out.
    """
    weights = np.nan_to_num(weights)
    seen = np.isfinite(points).all(axis=2) & (weights > 0)
    weights = (weights * seen) ** 2
    middle = np.zeros(points.shape[1:])
    some = seen.any(axis=0)
    middle[some] = np.nanmedian(np.where(seen[:, some, None], points[:, some], np.nan), axis=0)
    points = np.nan_to_num(points)
    away = np.zeros(weights.shape)
    for _ in range(FUSIONS):
        away = np.linalg.norm(points - middle, axis=2) / tolerance
        robust = weights / (1 + away**2) ** 2
        total = np.maximum(robust.sum(axis=0), 1e-12)
        middle = np.einsum("vp,vpi->pi", robust, points) / total[:, None]
    typical = np.zeros(len(middle))
    typical[some] = np.nanmedian(np.where(seen, away, np.nan)[:, some], axis=0)
    agreeing = (seen & (away < 2)).sum(axis=0)
    # Where pictures contradict each other (a mouth in noise) the middle of them is no answer.
    sure = np.sqrt(weights.max(axis=0)) / (1 + typical**4)
    sure *= 0.5 + 0.5 * np.clip((agreeing - 1) / max(asked - 1, 1), 0, 1)
    return middle, np.where(agreeing > 0, sure, 0)


def _surface_hits(studio: Studio, view: View, pixels: F64, centre: F64, reach: float) -> tuple[F64, F64]:
    """Hits (P, 3), NaN where none within `reach` of `centre`, and how squarely they face the view, 0..1."""
    origins, directions = view.rays(pixels)
    start = max(float(np.linalg.norm(view.eye - centre)) - reach, 0.0)
    hits = studio.caster.cast(origins + start * directions, directions)
    points = studio.caster.positions(hits.face_ids, hits.barycentric)
    points[np.linalg.norm(np.nan_to_num(points) - centre, axis=1) > reach] = np.nan
    normals = studio.normals_at(hits.face_ids, hits.barycentric)
    return points, np.nan_to_num(np.abs(np.einsum("ni,ni->n", normals, directions)))


def _isolated(studio: Studio, view: View, centre: F64, reach: float) -> U8:
    depth = float(np.linalg.norm(view.eye - centre))
    return _exposed(*studio.picture(view, near=max(depth - reach, 0.0), far=depth + reach))


def _exposed(image: U8, mask: np.ndarray) -> U8:
    """The picture (H, W, 3) with the middle tone of what `mask` (H, W) shows at `EXPOSED`."""
    if not mask.any():
        return image
    shown = image[mask]
    tone = float(np.clip(np.median(shown.sum(axis=1, dtype=np.uint16)) / (3 * 255), 0.01, 0.99))
    exponent = np.clip(np.log(EXPOSED) / np.log(tone), *EXPONENTS)
    image = image.copy()
    image[mask] = np.rint(255 * (np.arange(256) / 255) ** exponent).astype(np.uint8)[shown]
    return image


def _close_up(
    centre: F64,
    radius: float,
    azimuth: float,
    size_px: int,
    *,
    up: ArrayLike,
    front: ArrayLike,
    elevation: float = 0.0,
) -> View:
    half = radius / np.sqrt(3)
    bounds = np.stack([centre - half, centre + half])
    return View.around(
        bounds, azimuth, elevation, width=size_px, height=size_px, fill=0.98, up=up, front=front
    )


def _level(along: F64) -> F64:
    """A direction across `along`, forwards where that is possible."""
    return np.array([0.0, 0.0, 1.0]) if abs(along[2]) < 0.9 * np.linalg.norm(along) else np.array([1.0, 0, 0])
