"""The line of the lips, where the detector and the surface agree about the face.

Closed lips are smooth: the surface alone leaves them 3.3 mm beside their place, the detector's points 2.4 mm.
But where noise hides the mouth the detector draws one in the wrong place, just as sure. So the lips are tied
only once the body stands in the scan, and only where the detector saw them near the body's.
"""

from __future__ import annotations

import numpy as np

from bodyscan.body.landmarks import detector_points
from bodyscan.body.model import BodyModel
from bodyscan.fit.landmark_term import joined, usable
from bodyscan.fit.solve import LandmarkTerm
from bodyscan.types import BodyParams, Landmarks

LIPS = (
    *(61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269, 270, 409),
    *(78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 191, 80, 81, 82, 13, 312, 311, 310, 415),
)
"""The outer and the inner line of the lips among the face mesh's points (MediaPipe's contours)."""
SIGMA_M = 0.003
WORTH = 20.0
"""All of the lips' points together count as so many: they err alike."""
BELIEVED_M = 0.011
"""A detected mouth farther from the body's, in the middle of its points, is a mistake."""


def hold_lips(
    model: BodyModel, params: BodyParams, term: LandmarkTerm | None, landmarks: Landmarks | None
) -> LandmarkTerm | None:
    """`term` and the detector's lips, if they lie near those of the body at `params`."""
    if term is None or landmarks is None:
        return term
    points = detector_points(model)
    names = {f"face_{k}" for k in LIPS}
    pairs = [
        pair for pair in zip(*usable(landmarks, points), strict=True) if landmarks.names[pair[0]] in names
    ]
    if len(pairs) < len(LIPS) // 2:
        return term
    used, rows = (list(column) for column in zip(*pairs, strict=True))
    sigma = np.maximum(points.sigma_m[rows], SIGMA_M) / np.sqrt(landmarks.confidence[used].astype(np.float64))
    sigma *= np.sqrt(max(len(used) / WORTH, 1.0))
    lips = LandmarkTerm(
        landmarks.positions[used], points.over_vertices[rows], points.over_joints[rows], sigma
    )
    posed = model.pose(params)
    gap = np.linalg.norm(lips.positions(posed.vertices, posed.joints) - lips.targets, axis=1)
    return joined(term, lips) if np.median(gap) < BELIEVED_M else term
