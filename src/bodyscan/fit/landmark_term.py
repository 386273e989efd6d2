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
HAND_GROUP_WEIGHT = 8.0
"""All points of a hand together count as so many. What the detector sees of a fist, or of straight fingers in
a T-pose, is off by centimetres and just as sure."""
HAND_SIGMA_M = 0.005
"""How far a hand's points are off at least; on bare made bodies, from which the table comes, it is 1.3 mm."""


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
    for side in ("left", "right"):
        hand = np.char.startswith(names, f"{side}_hand_")
        sigma[hand] = np.maximum(sigma[hand], HAND_SIGMA_M)
        sigma[hand] *= np.sqrt(max(hand.sum() / HAND_GROUP_WEIGHT, 1.0))
    return LandmarkTerm(
        landmarks.positions[used], points.over_vertices[rows], points.over_joints[rows], sigma
    )
