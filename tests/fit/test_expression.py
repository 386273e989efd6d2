"""A made person's neutral fit and expression scans with known truth."""

from __future__ import annotations

import dataclasses
from functools import lru_cache

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.body.poses import standard_pose
from bodyscan.errors import InputError
from bodyscan.fit.expression import fit_expression
from bodyscan.geometry.normals import vertex_normals
from bodyscan.geometry.sampling import sample_surface
from bodyscan.types import BodyFit, BodyParams, Mesh, ScanMesh
from rig.people import fit_of

MODEL = load_body_model("adult")
NOISE_M = 0.0005


def _params(seed: int, turn: float = 0.0, weights: dict | None = None) -> BodyParams:
    rng = np.random.default_rng(seed)
    betas = np.zeros(MODEL.num_components)
    betas[:40] = 0.8 * rng.normal(size=40)
    body = MODEL.num_body_components
    betas[body : body + 40] = 0.7 * rng.normal(size=40)
    pose = np.array(standard_pose(MODEL, betas, "a"))
    pose[MODEL.joint_index("head")] += turn * np.array([0.05, 0.1, -0.04])
    return BodyParams(betas, pose, turn * np.array([0.03, 0.0, 0.02]), weights or {})


def _dimple() -> np.ndarray:
    """(V,) metres: 1.5 mm of cheek that no shape knows."""
    places = [np.array([side * 0.045, 1.545, 0.125]) for side in (-1, 1)]
    bump = sum(np.exp(-0.5 * (np.linalg.norm(MODEL.template - at, axis=1) / 0.012) ** 2) for at in places)
    return np.where(MODEL.inner, 0.0, 0.0015 * bump)


def _scan(seed: int, weights: dict, extra: np.ndarray | float = 0.0, count: int = 60_000) -> ScanMesh:
    """A cloud of the person with a turned head, elsewhere in the room."""
    vertices = MODEL.pose(_params(seed, 1.0, weights)).vertices
    surface = vertices + np.reshape(extra, (-1, 1)) * vertex_normals(vertices, MODEL.faces)
    faces = MODEL.faces[~MODEL.inner[MODEL.faces].any(axis=1)]
    points, face, shares = sample_surface(surface, faces, count, seed)
    normals = np.einsum("nk,nkc->nc", shares, vertex_normals(surface, MODEL.faces)[faces[face]])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    points = points + NOISE_M * np.random.default_rng(seed).normal(size=(count, 1)) * normals
    mesh = Mesh(points, np.zeros((0, 3), np.int32), normals=normals.astype(np.float32))
    return ScanMesh(mesh, np.ones(count, np.float32))


@lru_cache(maxsize=2)
def _neutral(seed: int) -> BodyFit:
    return fit_of(MODEL, _params(seed))


def _truth(seed: int, weights: dict, extra: np.ndarray | float = 0.0) -> np.ndarray:
    vertices = MODEL.pose(_params(seed, 0.0, weights)).vertices
    shown = vertices + np.reshape(extra, (-1, 1)) * vertex_normals(vertices, MODEL.faces)
    return shown - MODEL.pose(_params(seed)).vertices


def _face() -> np.ndarray:
    largest = np.zeros(MODEL.num_vertices)
    for name, ids in MODEL.expression_ids.items():
        np.maximum.at(largest, ids, np.linalg.norm(MODEL.expression_deltas[name], axis=1))
    return (largest > 0.003) & MODEL.region("head") & ~MODEL.inner


@pytest.mark.parametrize(
    ("weights", "extra"),
    [
        ({"mouthSmileLeft": 0.9, "mouthSmileRight": 0.7, "cheekSquintLeft": 0.3}, True),
        ({"jawOpen": 0.5, "mouthUpperUpLeft": 0.4}, False),
    ],
)
def test_a_known_expression_comes_back_within_half_a_millimetre(weights, extra):
    bump = _dimple() if extra else 0.0
    found = fit_expression(MODEL, _neutral(3), _scan(3, weights, bump))
    error = np.linalg.norm(found.displacement - _truth(3, weights, bump), axis=1)[_face()]
    assert error.mean() < 0.5e-3
    assert np.percentile(error, 95) < 1.2e-3
    leading = max(weights, key=weights.__getitem__)
    assert found.weights[leading] == pytest.approx(weights[leading], abs=0.15)
    assert all(0 < weight <= 1 for weight in found.weights.values())
    turn = found.world_from_scan[:3, :3]
    assert np.allclose(turn @ turn.T, np.eye(3), atol=1e-9)
    assert found.still_mm < 0.8


def test_a_neutral_face_is_refused():
    with pytest.raises(InputError, match="shows no expression"):
        fit_expression(MODEL, _neutral(3), _scan(3, {}))


def test_another_person_is_refused():
    with pytest.raises(InputError, match="not of the person who was fitted"):
        fit_expression(MODEL, _neutral(3), _scan(8, {"jawOpen": 0.5}))


def test_a_scan_without_a_head_is_refused():
    scan = _scan(3, {"jawOpen": 0.5})
    low = scan.mesh.vertices[:, 1] < 0.5
    feet = Mesh(
        scan.mesh.vertices[low][:300], np.zeros((0, 3), np.int32), normals=scan.mesh.normals[low][:300]
    )
    with pytest.raises(InputError, match="at least 400 are needed"):
        fit_expression(MODEL, _neutral(3), ScanMesh(feet, np.ones(300, np.float32)))


def test_a_model_without_shapes_is_refused():
    plain = dataclasses.replace(MODEL, expression_ids={}, expression_deltas={})
    with pytest.raises(InputError, match="has no face shapes"):
        fit_expression(plain, _neutral(3), _scan(3, {}))


def test_a_fit_of_another_model_is_refused():
    fit = _neutral(3)
    other = dataclasses.replace(fit, surface=Mesh(np.zeros((10, 3)), np.zeros((0, 3), np.int32)))
    with pytest.raises(InputError, match="10 vertices"):
        fit_expression(MODEL, other, _scan(3, {}))
