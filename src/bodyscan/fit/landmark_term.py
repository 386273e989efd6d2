"""Ties the landmarks that came with a scan to points of the body model."""

from __future__ import annotations

import numpy as np

from bodyscan.body.landmarks import detector_points
from bodyscan.body.model import BodyModel
from bodyscan.fit.solve import LandmarkTerm
from bodyscan.types import Landmarks

MIN_CONFIDENCE = 0.2
FACE_GROUP_WEIGHT = 40.0
"""All face points together count as so many: they are dense and err alike."""


def build_landmark_term(model: BodyModel, landmarks: Landmarks | None) -> LandmarkTerm | None:
    """The landmarks that the model knows and the detector is sure of, or None where none are left."""
    if landmarks is None or not len(landmarks.names):
        return None
    points = detector_points(model)
    row_of = {name: row for row, name in enumerate(points.names)}
    used = [
        k
        for k, name in enumerate(landmarks.names)
        if name in row_of and landmarks.confidence[k] >= MIN_CONFIDENCE
    ]
    if len(used) < 4:
        return None
    rows = [row_of[landmarks.names[k]] for k in used]
    names = np.array([landmarks.names[k] for k in used])
    sigma = points.sigma_m[rows] / np.sqrt(landmarks.confidence[used].astype(np.float64))
    face = np.char.startswith(names, "face_")
    if face.sum() > FACE_GROUP_WEIGHT:
        sigma[face] *= np.sqrt(face.sum() / FACE_GROUP_WEIGHT)
    return LandmarkTerm(
        landmarks.positions[used], points.over_vertices[rows], points.over_joints[rows], sigma
    )
