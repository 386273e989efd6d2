"""A small twin with everything that a real one has: limbs, a UV seam, colours, morphs, metadata."""

from __future__ import annotations

from typing import Any

import numpy as np

from bodyscan.consent.demo import make_demo_consent
from bodyscan.types import (
    Measurement,
    Mesh,
    Morph,
    Provenance,
    ProvenanceStep,
    Rig,
    Skeleton,
    Twin,
)

JOINTS = ("hips", "spine", "head", "leftUpperArm", "leftLowerArm", "rightUpperArm", "rightLowerArm")
PARENTS = (-1, 0, 1, 1, 3, 1, 5)
POSITIONS = (
    (0.0, 0.9, 0.0),
    (0.0, 1.2, 0.0),
    (0.0, 1.5, 0.01),
    (0.2, 1.4, 0.0),
    (0.5, 1.4, -0.013),
    (-0.2, 1.4, 0.0),
    (-0.5, 1.4, -0.013),
)
MORPH_NAMES = ("jawOpen", "eyeBlinkLeft", "mouthSmileLeft")
CONSENT = make_demo_consent("Zoé").text
"""A signed record that is bound to nothing."""


def tube(
    start: Any, end: Any, radius: float, *, rings: int = 8, sides: int = 12
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return vertices, faces and uvs of a closed capsule-like tube with a seam of doubled vertices."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    axis = (end - start) / np.linalg.norm(end - start)
    side = np.cross(axis, (0.0, 0.0, 1.0))
    side /= np.linalg.norm(side)
    other = np.cross(axis, side)
    vertices, uvs = [], []
    for ring in range(rings + 1):
        along = ring / rings
        # Rings shrink towards both ends like a capsule.
        wide = radius * max(0.15, np.sqrt(1 - (2 * along - 1) ** 8))
        for step in range(sides + 1):
            angle = 2 * np.pi * (step % sides) / sides
            centre = start + along * (end - start)
            vertices.append(centre + wide * (np.cos(angle) * side + np.sin(angle) * other))
            uvs.append((step / sides, along))
    faces = []
    width = sides + 1
    for ring in range(rings):
        for step in range(sides):
            a = ring * width + step
            faces += [(a, a + 1, a + width), (a + 1, a + width + 1, a + width)]
    for ring in (0, rings):
        centre = len(vertices)
        vertices.append(start if ring == 0 else end)
        uvs.append((0.5, ring / rings))
        for step in range(sides):
            a = ring * width + step
            faces.append((centre, a + 1, a) if ring == 0 else (centre, a, a + 1))
    return np.array(vertices), np.array(faces), np.array(uvs)


def small_twin(**changes: Any) -> Twin:
    """Return a torso, a head and two arms along X, 1.7 m tall, seven joints, three morphs."""
    parts = [
        (tube((0, 0.0, 0), (0, 1.45, 0), 0.14), ("hips", "spine")),
        (tube((0, 1.4, 0), (0, 1.7, 0), 0.1), ("head", "head")),
        (tube((0.1, 1.4, 0), (0.8, 1.4, 0), 0.05, rings=16), ("leftUpperArm", "leftLowerArm")),
        (tube((-0.1, 1.4, 0), (-0.8, 1.4, 0), 0.05, rings=16), ("rightUpperArm", "rightLowerArm")),
    ]
    vertices, faces, uvs, indices, weights, sources = [], [], [], [], [], []
    for (points, triangles, coordinates), (first, second) in parts:
        offset = sum(map(len, vertices))
        vertices.append(points)
        faces.append(triangles + offset)
        uvs.append(coordinates)
        bend = 0.5 if first != "hips" else 1.1
        far = np.abs(points[:, 0]) if first != "hips" else points[:, 1]
        share = np.clip((far - bend) / 0.1 + 0.5, 0, 1)
        index = np.zeros((len(points), 4))
        index[:, 0], index[:, 1] = JOINTS.index(first), JOINTS.index(second)
        indices.append(index)
        weight = np.zeros((len(points), 4))
        weight[:, 0], weight[:, 1] = 1 - share, share
        weights.append(weight)
    points = np.concatenate(vertices)
    # Copies at the seam lie at exactly the same place: they are one vertex of the body.
    _, first_copy, owner = np.unique(np.round(points, 9), axis=0, return_index=True, return_inverse=True)
    sources = first_copy[owner.ravel()]
    shade = np.clip(80 + 90 * points[:, 1:2], 0, 255)
    colors = np.hstack([shade, shade * 0.75, shade * 0.6]).astype(np.uint8)
    head = np.flatnonzero((points[:, 1] > 1.42) & (np.abs(points[:, 0]) < 0.11))
    morphs = tuple(
        Morph(
            name=name,
            vertex_ids=chosen.astype(np.int32),
            deltas=np.tile(delta, (len(chosen), 1)).astype(np.float32),
        )
        for name, chosen, delta in zip(
            MORPH_NAMES,
            (head, head[::2], head[:0]),
            ((0.0, 0.1, 0.0), (0.0, 0.0, 0.02), (0.0, 0.0, 0.0)),
            strict=True,
        )
    )
    fields: dict[str, Any] = {
        "rig": Rig(
            mesh=Mesh(points, np.concatenate(faces), np.concatenate(uvs), colors),
            skeleton=Skeleton(JOINTS, np.array(PARENTS), np.array(POSITIONS)),
            joint_indices=np.concatenate(indices),
            joint_weights=np.concatenate(weights),
        ),
        "vertex_source": sources.astype(np.int32),
        "morphs": morphs,
        "measurements": (Measurement("stature", 170.0, "5.1.1", "Crown to sole."),),
        "landmarks": {"crown": (0.0, 1.7, 0.0)},
        "consent": CONSENT,
        "provenance": Provenance(
            software="bodyscan 0.1.0",
            input_sha256="00" * 32,
            input_name="scan.ply",
            body_model="test body 1 (CC0-1.0)",
            steps=(
                ProvenanceStep("fit", "0.1.0", 1.25, {"unit": None, "views": [], "size": 3}, ("a note",)),
            ),
            quality={"surface_mean_mm": 1.2},
        ),
        "pose": "t",
    }
    return Twin(**(fields | changes))
