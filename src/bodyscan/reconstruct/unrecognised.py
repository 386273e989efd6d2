"""What to tell a person whose scan shows no whole body."""

from __future__ import annotations

import numpy as np

from bodyscan.geometry.view import View
from bodyscan.reconstruct.mediapipe_detector import PersonDetector
from bodyscan.reconstruct.studio import Studio

PICTURE_PX = 256
UPS = ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
"""Scans of heads come with Y or Z up; only the message hangs on it."""


def no_person_message(studio: Studio, detector: PersonDetector) -> str:
    """Why the scan is refused, in words: what was looked for and what was seen."""
    bounds = studio.bounds
    extent = np.ptp(bounds, axis=0)
    size = " x ".join(f"{length:.3g}" for length in extent)
    start = f"No whole person was recognised in the scan ({len(studio.mesh.vertices)} points, {size} units): "
    if shows_face(studio, detector):
        return start + (
            "a face was seen but no body, so it seems to be a head or a bust alone. "
            "Give a scan of one whole person, from head to feet."
        )
    return start + (
        "no picture of it shows a person, and its slices show no head above two legs. "
        "Give a scan of one whole, standing person."
    )


def shows_face(studio: Studio, detector: PersonDetector) -> bool:
    """Whether a picture from some side shows a large face."""
    bounds = studio.bounds
    for up in UPS:
        front = (0.0, 0.0, 1.0) if up[1] else (0.0, -1.0, 0.0)
        for azimuth in np.arange(4) * (np.pi / 2):
            view = View.around(bounds, azimuth, width=PICTURE_PX, height=PICTURE_PX, up=up, front=front)
            if detector.face(studio.picture(view)[0]) is not None:
                return True
    return False
