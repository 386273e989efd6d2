"""Small scans and fits for tests of the working folder: the values, not their meaning."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bodyscan.types import (
    BodyFit,
    BodyParams,
    FitQuality,
    Landmarks,
    Mesh,
    Photo,
    ScanMesh,
    Skeleton,
    SkinTextures,
    Texture,
)

FACES = np.array([[0, 1, 2], [0, 2, 3]])
SQUARE = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0.25], [0, 1, 0]])


def small_scan(*, cloud: bool = False, landmarks: bool = True) -> ScanMesh:
    """Two triangles with everything that a scan can have, or four points."""
    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    mesh = Mesh(
        SQUARE,
        np.zeros((0, 3)) if cloud else FACES,
        uvs=None if cloud else SQUARE[:, :2],
        colors=np.arange(12).reshape(4, 3),
        normals=np.tile([0.0, 0, 1], (4, 1)) if cloud else None,
    )
    found = Landmarks(("nose", "left_wrist"), SQUARE[:2], np.array([0.5, 0.25]), ("surface", "joint"))
    photo = Photo(pixels, np.diag([4.0, 4.0, 1.0]), np.eye(4), "a.png", np.ones((4, 4), bool))
    return ScanMesh(
        mesh,
        np.array([1.0, 0.5, 0.25, 0.0]),
        texture=None if cloud else Texture(pixels),
        world_from_input=np.diag([0.01, 0.01, 0.01, 1.0]),
        unit="cm",
        up="+z",
        facing="-y",
        inferred=("unit",),
        landmarks=found if landmarks else None,
        sha256="ab" * 32,
        notes=("Seen: ümlaut.",),
        photos=() if cloud else (photo, replace(photo, name="b.png", mask=None)),
    )


def small_fit() -> BodyFit:
    """A fit of four vertices and two joints."""
    mesh = Mesh(SQUARE, FACES)
    return BodyFit(
        params=BodyParams(np.arange(3.0), np.zeros((2, 3)), np.ones(3), {"jawOpen": 0.25}),
        body=mesh,
        surface=Mesh(SQUARE + 0.01, FACES),
        skin=Mesh(SQUARE - 0.01, FACES),
        skeleton=Skeleton(("hips", "spine"), np.array([-1, 0]), SQUARE[:2]),
        distance_mm=np.arange(4.0),
        coverage=np.ones(4),
        clothing=np.zeros(4),
        quality=FitQuality(1.0, 3.0, 2.0, 0.9, 0.95, 1.0, 1.0, 0.5, 1.5, False, ("too far",)),
        model_name="small",
        iterations=7,
        guessed_hands=("left",),
        notes=("first guess: none",),
    )


def small_textures(*, whole: bool = True) -> SkinTextures:
    """Four by four pixels."""
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    return SkinTextures(image, image if whole else None, image[..., 0] if whole else None, 0.75, ("note",))
