"""The person's outline as a picture should show it: triangles of a posed mesh filled on a plain ground."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bodyscan.gltf import GlbBody
from gltf.skinning import pose_body, rotation
from readers.report import ARM_DEGREES

SIZE = 480
"""Pixels a side."""
FINER = 4
"""Pixels of the filled picture for one of the result, on a side."""
LEFT_M, TOP_M, WIDE_M = -1.2, 2.2, 2.4
"""The part of the plane X, Y that the pages show, metres, in parallel projection along Z."""


def filled(positions: NDArray[np.floating], faces: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return the pixels (480, 480) that the triangles cover, row 0 at the top.

    `positions` (V, 3) metres, Y up, seen from +Z; `faces` (F, 3).
    """
    # PIL fills every pixel that an edge touches; on a finer picture, looked up at the middle of each coarse
    # pixel, an edge is no wider than a fraction of one.
    scale = SIZE * FINER / WIDE_M
    points = np.stack([positions[:, 0] - LEFT_M, TOP_M - positions[:, 1]], axis=1) * scale - 0.5
    image = Image.new("1", (SIZE * FINER, SIZE * FINER))
    draw = ImageDraw.Draw(image)
    for triangle in points[faces].reshape(-1, 6).tolist():
        draw.polygon(triangle, fill=1)
    return np.asarray(image)[FINER // 2 :: FINER, FINER // 2 :: FINER]


def arm_lifted(body: GlbBody, arm: str) -> NDArray[np.float64]:
    """Return the positions (V, 3) after the joint `arm` is turned about the world's Z, as glTF skins."""
    frame = body.rest_world[body.skeleton.joint_names.index(arm)][:3, :3]
    return pose_body(body, {arm: frame.T @ rotation("z", ARM_DEGREES) @ frame})


def overlap(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Return the share of pixels in both among the pixels in either, 0..1."""
    return float((one & other).sum() / max((one | other).sum(), 1))
