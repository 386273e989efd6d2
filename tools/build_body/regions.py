"""Which part of the body a vertex belongs to, and which vertices no scanner can see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import yaml
from PIL import Image

INNER = ("eye_back.L", "eye_back.R", "eye_cavity.L", "eye_cavity.R", "mouth_cavity", "tongue")


def face_segments(data_folder: Path, face_uvs: np.ndarray) -> np.ndarray:
    """(F,) segment names looked up in the source's label image at each face's mean UV (F, 3, 2)."""
    folder = data_folder / "segmentation"
    image = np.asarray(Image.open(folder / "body_parts_segmentation.png").convert("RGB"))
    colors = yaml.safe_load((folder / "body_parts_segmentation.yaml").read_text())["colors"]
    height, width = image.shape[:2]
    u, v = face_uvs.mean(axis=1).T
    column = np.clip(np.round(u * width).astype(int), 0, width - 1)
    row = np.clip(np.round((1 - v) * height).astype(int), 0, height - 1)
    names = np.array(list(colors))
    palette = np.array([colors[name] for name in names])
    distance = np.abs(image[row, column][:, None].astype(int) - palette[None]).sum(axis=2)
    return names[distance.argmin(axis=1)]


def vertex_in_segments(
    faces: np.ndarray, segments: np.ndarray, wanted: tuple[str, ...], num_vertices: int
) -> np.ndarray:
    """(V,) True where every face around the vertex lies in one of the wanted segments."""
    inside = np.isin(segments, wanted)
    touched = np.zeros(num_vertices, dtype=bool)
    other = np.zeros(num_vertices, dtype=bool)
    touched[faces[inside]] = True
    other[faces[~inside]] = True
    return touched & ~other


def body_regions(joint_names: list[str], weights: np.ndarray) -> np.ndarray:
    """(V,) region name from the joint with the most weight; fingers count to the hand, toes to the foot."""
    owner = np.array(joint_names)[weights.argmax(axis=1)]

    def region(joint: str) -> str:
        for side in ("left", "right"):
            if joint.startswith(side):
                part = joint[len(side) :]
                for key, name in (
                    ("UpperLeg", "upper_leg"),
                    ("LowerLeg", "lower_leg"),
                    ("Foot", "foot"),
                    ("Toes", "foot"),
                    ("Shoulder", "torso"),
                    ("UpperArm", "upper_arm"),
                    ("LowerArm", "lower_arm"),
                    ("Eye", "eye"),
                ):
                    if part == key:
                        return name if name == "torso" else f"{side}_{name}"
                return f"{side}_hand"
        return {"neck": "neck", "head": "head", "jaw": "head"}.get(joint, "torso")

    lookup = {name: region(name) for name in joint_names}
    return np.array([lookup[name] for name in owner])
