"""People, hands and faces in a picture, and its person's pixels, by MediaPipe. The one file that imports it.

Models: BlazePose full (Bazarevsky et al. 2020, arXiv 2006.10204), MediaPipe Hands (Zhang et al. 2020,
arXiv 2006.10214), Attention Mesh (Grishchenko et al. 2020, arXiv 2006.10962), Selfie Segmentation (the
general model). They lie in the wheel of MediaPipe 0.10.21, so that nothing is downloaded. A detector's
graph is built on its first use and kept.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from bodyscan.errors import InputError, MissingExtraError
from bodyscan.types import F32, F64, U8

FACE = ("eye_inner", "eye", "eye_outer", "ear")
ARM = ("shoulder", "elbow", "wrist", "pinky", "index", "thumb")
LEG = ("hip", "knee", "ankle", "heel", "foot_index")
POSE_NAMES: tuple[str, ...] = (
    "nose",
    *(f"{side}_eye{part}" for side in ("left", "right") for part in ("_inner", "", "_outer")),
    *(f"{side}_ear" for side in ("left", "right")),
    *(f"mouth_{side}" for side in ("left", "right")),
    *(f"{side}_{part}" for part in (*ARM, *LEG) for side in ("left", "right")),
)
"""The 33 points of BlazePose in its order; left and right are the person's own."""

MODEL_FILES = {
    "pose": ("pose_detection/pose_detection.tflite", "pose_landmark/pose_landmark_full.tflite"),
    "hands": ("palm_detection/palm_detection_full.tflite", "hand_landmark/hand_landmark_full.tflite"),
    "face": (
        "face_detection/face_detection_short_range.tflite",
        "face_landmark/face_landmark_with_attention.tflite",
    ),
    "person": ("selfie_segmentation/selfie_segmentation.tflite",),
}


@dataclass(frozen=True, eq=False)
class DetectedPose:
    """The 33 points of `POSE_NAMES` in a picture."""

    pixels: F64
    """(33, 2) float64, column and row, pixel centres at +0.5."""
    visibility: F32
    """(33,) float32, 0..1: how likely the point is seen and not hidden."""
    depth: F64
    """(33,) float64, towards the viewer is negative, in pixels, 0 at the hips' middle; rough."""


@dataclass(frozen=True, eq=False)
class DetectedHand:
    """The 21 points of one hand in a picture: wrist, then thumb to little finger, root to tip."""

    pixels: F64
    """(21, 2) float64, column and row."""
    score: float
    """0..1, how sure the detector is of the side."""
    is_left: bool
    """True where the detector takes it for the person's left hand."""


class PersonDetector:
    """MediaPipe's pose, hand, face and person graphs; each is built when first asked. Close it after use.

    Pictures are (H, W, 3) uint8 sRGB. `min_confidence` (0..1) is the least score of a detection.
    Raises `MissingExtraError` where mediapipe or its model files are not installed.
    """

    def __init__(self, min_confidence: float = 0.5) -> None:
        if not 0 <= min_confidence <= 1:
            raise InputError(f"min_confidence must lie in 0..1; it is {min_confidence}.")
        self.min_confidence = min_confidence
        self._graphs: dict[str, Any] = {}

    def __enter__(self) -> PersonDetector:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the graphs. A later call builds them again."""
        with _quiet():
            for graph in self._graphs.values():
                graph.close()
        self._graphs.clear()

    def pose(self, image: U8) -> DetectedPose | None:
        """The most prominent person of the picture, or None."""
        answer = self._run("pose", image)
        if answer.pose_landmarks is None:
            return None
        size = np.array([image.shape[1], image.shape[0], image.shape[1]], np.float64)
        points = _coordinates(answer.pose_landmarks) * size
        visibility = np.array([p.visibility for p in answer.pose_landmarks.landmark], np.float32)
        return DetectedPose(points[:, :2], visibility, points[:, 2])

    def hands(self, image: U8) -> list[DetectedHand]:
        """Up to two hands, in the detector's order."""
        answer = self._run("hands", image)
        if not answer.multi_hand_landmarks:
            return []
        size = np.array([image.shape[1], image.shape[0]], np.float64)
        found = []
        for points, sides in zip(answer.multi_hand_landmarks, answer.multi_handedness, strict=True):
            side = sides.classification[0]
            # The model was trained on mirrored pictures: its "Left" is the right hand of a plain one.
            pixels = _coordinates(points)[:, :2] * size
            found.append(DetectedHand(pixels, float(side.score), side.label == "Right"))
        return found

    def face(self, image: U8) -> F64 | None:
        """The 478 points of one face, (478, 2) pixels, or None."""
        answer = self._run("face", image)
        if not answer.multi_face_landmarks:
            return None
        return _coordinates(answer.multi_face_landmarks[0])[:, :2] * [image.shape[1], image.shape[0]]

    def person(self, image: U8) -> F32:
        """How likely each pixel shows a person, (H, W) float32, 0..1, for people upright in the picture.

        The network sees 256 by 256 pixels: good to tell what is a person, not to cut edges.
        """
        return np.array(self._run("person", image).segmentation_mask, np.float32).clip(0, 1)

    def _run(self, kind: str, image: U8) -> Any:
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise InputError(f"A picture must be (H, W, 3) uint8; it is {image.shape} {image.dtype}.")
        image = np.ascontiguousarray(image)
        # TensorFlow Lite writes to the terminal when a graph is built, and again on the first run that
        # reaches a graph's later parts (a face that is followed by its landmarks).
        with _quiet():
            if kind not in self._graphs:
                self._graphs[kind] = _build(kind, self.min_confidence)
            return self._graphs[kind].process(image)


def _coordinates(points: Any) -> F64:
    return np.array([(p.x, p.y, p.z) for p in points.landmark], np.float64)


def _build(kind: str, confidence: float) -> Any:
    _require_models(kind)
    from mediapipe.python.solutions import face_mesh, hands, pose, selfie_segmentation

    if kind == "pose":
        return pose.Pose(static_image_mode=True, model_complexity=1, min_detection_confidence=confidence)
    if kind == "hands":
        return hands.Hands(static_image_mode=True, max_num_hands=2, min_detection_confidence=confidence)
    if kind == "person":
        return selfie_segmentation.SelfieSegmentation(model_selection=0)
    return face_mesh.FaceMesh(
        static_image_mode=True, max_num_faces=1, refine_landmarks=True, min_detection_confidence=confidence
    )


def _require_models(kind: str) -> None:
    spec = find_spec("mediapipe")
    if spec is None or spec.origin is None:
        raise MissingExtraError(
            "Finding a person's landmarks needs mediapipe 0.10.21, which is not installed. "
            "Install it with `pip install mediapipe==0.10.21`."
        )
    folder = Path(spec.origin).parent / "modules"
    missing = [name for name in MODEL_FILES[kind] if not (folder / name).is_file()]
    if missing:
        raise MissingExtraError(
            f"The installed mediapipe holds no model {', '.join(missing)}. "
            "The wheels since 0.10.30 carry none: install `mediapipe==0.10.21`."
        )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Send what native code writes to the error stream to nowhere."""
    os.environ.setdefault("GLOG_minloglevel", "3")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        os.close(sink)
