"""Fitted people for tests of rig and twin: the real body, random build and pose, smooth detail."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from bodyscan.body.asset import load_body_model
from bodyscan.body.model import BodyModel
from bodyscan.body.poses import standard_pose
from bodyscan.geometry.normals import vertex_normals
from bodyscan.geometry.rotations import matrix_to_rotvec, rotvec_to_matrix
from bodyscan.types import BodyFit, BodyParams, FitQuality, Mesh

GOOD = FitQuality(1.0, 3.0, 5.0, 0.9, 0.95, 1.0, 1.0, 0.3, 0.5, True)


def smooth_bumps(points: np.ndarray, height_m: float, seed: int) -> np.ndarray:
    """(V, 3) -> (V,) metres: a smooth field of waves 12 to 30 cm long."""
    rng = np.random.default_rng(seed)
    out = np.zeros(len(points))
    for _ in range(6):
        direction = rng.normal(size=3)
        direction *= 2 * np.pi / (np.linalg.norm(direction) * rng.uniform(0.12, 0.3))
        out += np.sin(points @ direction + rng.uniform(0, 6))
    return height_m * out / 6


def person_params(model: BodyModel, seed: int = 0, *, pose: str = "a", yaw_deg: float = 0.0) -> BodyParams:
    """A random build; `pose` with a little noise, turned about +Y and moved away from the origin."""
    rng = np.random.default_rng(seed)
    betas = np.zeros(model.num_components)
    betas[:40] = 0.8 * rng.normal(size=40)
    rotvec = np.array(standard_pose(model, betas, pose))
    rotvec += 0.04 * rng.normal(size=rotvec.shape)
    turn = rotvec_to_matrix(np.array([0, np.radians(yaw_deg), 0]))
    rotvec[0] = matrix_to_rotvec(turn @ rotvec_to_matrix(rotvec[0]))
    return BodyParams(betas, rotvec, rng.normal(size=3) * 0.2)


def fit_of(model: BodyModel, params: BodyParams, offset: np.ndarray | None = None) -> BodyFit:
    """The fit whose surface is the body moved by `offset` (V,) metres along its normals."""
    posed = model.pose(params)
    surface = posed.vertices
    if offset is not None:
        surface = surface + offset[:, None] * vertex_normals(posed.vertices, model.faces)
    count = model.num_vertices
    return BodyFit(
        params=params,
        body=Mesh(posed.vertices, model.faces),
        surface=Mesh(surface, model.faces),
        skin=Mesh(surface, model.faces),
        skeleton=model.skeleton(posed),
        distance_mm=np.zeros(0, np.float32),
        coverage=np.ones(count, np.float32),
        clothing=np.zeros(count, np.float32),
        quality=GOOD,
    )


@lru_cache(maxsize=8)
def fitted_person(
    seed: int = 0, *, pose: str = "a", yaw_deg: float = 25.0, bumps_m: float = 0.006
) -> BodyFit:
    """An adult with bumps in the skin; zero bumps inside the head, as a fit leaves them."""
    model = load_body_model("adult")
    params = person_params(model, seed, pose=pose, yaw_deg=yaw_deg)
    offset = smooth_bumps(model.rest_vertices(params.betas), bumps_m, seed)
    offset[model.inner | model.region("left_eye", "right_eye", "teeth", "tongue")] = 0
    return fit_of(model, params, offset)
