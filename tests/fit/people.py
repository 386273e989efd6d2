"""Scans with known truth for tests of the fit: the posed body's own visible faces."""

from __future__ import annotations

import numpy as np

from bodyscan.body.model import BodyModel
from bodyscan.body.poses import standard_pose
from bodyscan.fit.start import seen_faces
from bodyscan.geometry.rotations import matrix_to_rotvec, rotvec_to_matrix
from bodyscan.types import BodyFit, BodyParams, Mesh, ScanMesh

STILL = ("jaw", "leftEye", "rightEye", "hips")


def random_betas(model: BodyModel, seed: int, spread: float = 0.8) -> np.ndarray:
    """(S,) a moderate build: the first 40 body components and a little of the face."""
    rng = np.random.default_rng(seed)
    betas = np.zeros(model.num_components)
    betas[:40] = spread * rng.normal(size=40)
    betas[model.num_body_components :][:20] = 0.5 * spread * rng.normal(size=20)
    return betas


def person_params(
    model: BodyModel, seed: int = 0, *, pose: str = "a", yaw_deg: float = 0.0, jitter_rad: float = 0.04
) -> BodyParams:
    """A random build near a standard pose, soles at Y = 0, turned about +Y."""
    rng = np.random.default_rng([seed, 1])
    betas = random_betas(model, seed)
    rotvec = np.array(standard_pose(model, betas, pose))
    moving = np.array([name not in STILL for name in model.joint_names])
    rotvec[moving] += jitter_rad * rng.normal(size=(moving.sum(), 3))
    turn = rotvec_to_matrix(np.array([0.0, np.radians(yaw_deg), 0.0]))
    rotvec[0] = matrix_to_rotvec(turn @ rotvec_to_matrix(rotvec[0]))
    flat = BodyParams(betas, rotvec, np.zeros(3))
    low = model.pose(flat).vertices[~model.inner, 1].min()
    return BodyParams(betas, rotvec, np.array([0.0, -low, 0.0]))


def visible_mesh(model: BodyModel, vertices: np.ndarray) -> Mesh:
    """The faces that a scanner can see, without unused vertices."""
    faces = model.faces[seen_faces(model)]
    used, small = np.unique(faces, return_inverse=True)
    return Mesh(vertices[used], small.reshape(-1, 3))


def scan_of(mesh: Mesh) -> ScanMesh:
    return ScanMesh(mesh, np.ones(len(mesh.vertices)))


def clean_scan(model: BodyModel, params: BodyParams) -> ScanMesh:
    return scan_of(visible_mesh(model, model.pose(params).vertices))


def vertex_gap_mm(model: BodyModel, fit: BodyFit, truth: np.ndarray) -> float:
    """Mean distance of the fitted surface's visible vertices to the true ones (V, 3), mm."""
    gap = np.linalg.norm(fit.surface.vertices - truth, axis=1)
    return 1e3 * float(gap[~model.inner].mean())


def joint_gap_mm(fit: BodyFit, joints: np.ndarray) -> float:
    """Mean distance of joints to the true ones (J, 3), mm."""
    return 1e3 * float(np.linalg.norm(fit.skeleton.positions - joints, axis=1).mean())


def surface_gap_mm(model: BodyModel, fit: BodyFit, truth: np.ndarray) -> float:
    """Mean distance of the true visible vertices to the fitted surface, mm."""
    from bodyscan.geometry.raycast import Raycaster

    target = visible_mesh(model, fit.surface.vertices)
    return 1e3 * float(Raycaster(target).closest(truth[~model.inner])[0].mean())


def sphere(radius_m: float = 0.8, rings: int = 40) -> Mesh:
    """A closed sphere that stands on the floor."""
    polar = np.linspace(0, np.pi, rings + 1)[1:-1]
    around = np.linspace(0, 2 * np.pi, 2 * rings, endpoint=False)
    p, a = np.meshgrid(polar, around, indexing="ij")
    ring = np.stack([np.sin(p) * np.cos(a), np.cos(p), np.sin(p) * np.sin(a)], axis=-1).reshape(-1, 3)
    vertices = radius_m * np.concatenate([ring, [[0, 1, 0], [0, -1, 0]]]) + [0, radius_m, 0]
    count = 2 * rings
    rows, columns = np.meshgrid(np.arange(rings - 2), np.arange(count), indexing="ij")
    i, j = rows.reshape(-1), columns.reshape(-1)
    a0, a1 = i * count + j, i * count + (j + 1) % count
    b0, b1 = a0 + count, a1 + count
    top, bottom = len(vertices) - 2, len(vertices) - 1
    k = np.arange(count)
    faces = np.concatenate(
        [
            np.stack([a0, a1, b0], 1),
            np.stack([a1, b1, b0], 1),
            np.stack([np.full(count, top), (k + 1) % count, k], 1),
            np.stack(
                [np.full(count, bottom), (rings - 2) * count + k, (rings - 2) * count + (k + 1) % count], 1
            ),
        ]
    )
    return Mesh(vertices, faces)
