"""People and things that the tests of this folder look at."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import trimesh

from bodyscan.body.asset import load_body_model
from bodyscan.body.poses import standard_pose
from bodyscan.reconstruct.mediapipe_detector import PersonDetector
from bodyscan.types import BodyParams, Mesh, Skeleton


def joined(*meshes: Mesh) -> Mesh:
    """One mesh of several."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    faces = [mesh.faces + start for mesh, start in zip(meshes, starts, strict=False)]
    return Mesh(np.concatenate([mesh.vertices for mesh in meshes]), np.concatenate(faces))


@pytest.fixture(scope="session")
def detector() -> Iterator[PersonDetector]:
    with PersonDetector() as graphs:
        yield graphs


@pytest.fixture(scope="session")
def posed_person() -> tuple[Mesh, Skeleton]:
    """The mean body in A-pose, soles at Y = 0, hips over the origin, and its joints."""
    model = load_body_model()
    zero = model.zero_params()
    pose = standard_pose(model, zero.betas, "a")
    posed = model.pose(BodyParams(zero.betas, pose, zero.translation))
    skeleton = model.skeleton(posed)
    shift = -np.array([posed.vertices[:, 0].mean(), posed.vertices[:, 1].min(), 0.0])
    mesh = model.mesh(posed.vertices + shift)
    moved = Skeleton(skeleton.joint_names, skeleton.parents, skeleton.positions + shift)
    return Mesh(mesh.vertices, mesh.faces), moved


@pytest.fixture(scope="session")
def person(posed_person: tuple[Mesh, Skeleton]) -> Mesh:
    return posed_person[0]


@pytest.fixture(scope="session")
def capsule_person() -> Mesh:
    """A figure of capsules, 1.7 m, feet forward (+Z): a person for slices, nobody for a detector."""

    def limb(start: list[float], end: list[float], radius: float) -> Mesh:
        shape = trimesh.creation.capsule(
            height=float(np.linalg.norm(np.subtract(end, start))), radius=radius, count=[12, 12]
        )
        turn = trimesh.geometry.align_vectors([0, 0, 1], np.subtract(end, start))[:3, :3]
        centred = shape.vertices - shape.bounds.mean(axis=0)
        return Mesh(centred @ turn.T + np.add(start, end) / 2, shape.faces)

    parts = [limb([0, 0.95, 0], [0, 1.3, 0], 0.14), limb([0, 1.52, 0], [0, 1.62, 0], 0.09)]
    parts.append(limb([0, 1.35, 0], [0, 1.5, 0], 0.05))
    for side in (-1, 1):
        parts += [
            limb([side * 0.12, 0.08, -0.02], [side * 0.1, 0.9, 0], 0.06),
            limb([side * 0.12, 0.04, -0.04], [side * 0.12, 0.04, 0.15], 0.04),
            limb([side * 0.16, 1.35, 0], [side * 0.5, 0.85, 0], 0.04),
        ]
    return joined(*parts)
