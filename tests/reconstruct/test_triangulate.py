"""Rays that meet, and rays that point at the wrong thing."""

from __future__ import annotations

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.reconstruct.triangulate import triangulate


def rays_to(points: np.ndarray, num_views: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    eyes = np.random.default_rng(seed).normal(size=(num_views, 1, 3)) * 5
    directions = points[None] - eyes
    directions /= np.linalg.norm(directions, axis=2, keepdims=True)
    return np.broadcast_to(eyes, directions.shape).copy(), directions


def test_exact_rays_meet_at_the_point():
    points = np.random.default_rng(1).normal(size=(5, 3))
    origins, directions = rays_to(points, 6)
    met = triangulate(origins, directions, np.ones((6, 5)), 0.05)
    np.testing.assert_allclose(met.positions, points, atol=1e-6)
    assert met.inliers.all()
    assert met.residual.max() < 1e-6


def test_a_third_of_wrong_rays_moves_the_point_by_less_than_the_noise():
    points = np.random.default_rng(2).normal(size=(4, 3))
    origins, directions = rays_to(points, 12)
    wrong_origins, wrong = rays_to(points + 1.5, 4, seed=9)
    origins[:4], directions[:4] = wrong_origins, wrong
    directions += np.random.default_rng(3).normal(size=directions.shape) * 5e-4
    directions /= np.linalg.norm(directions, axis=2, keepdims=True)
    met = triangulate(origins, directions, np.ones((12, 4)), 0.05)
    assert np.linalg.norm(met.positions - points, axis=1).max() < 0.01
    assert met.inliers[4:].mean() > 0.9


def test_a_point_that_only_one_view_sees_has_no_position():
    origins, directions = rays_to(np.zeros((1, 3)), 4)
    weights = np.zeros((4, 1))
    weights[0] = 1
    met = triangulate(origins, directions, weights, 0.05)
    assert np.isnan(met.positions).all()
    assert np.isinf(met.residual).all()
    assert not met.inliers.any()


def test_wrong_shapes_and_tolerances_are_refused_in_words():
    with pytest.raises(InputError, match=r"must be \(V, P, 3\)"):
        triangulate(np.zeros((2, 1, 3)), np.zeros((2, 1, 3)), np.zeros((3, 1)), 1.0)
    with pytest.raises(InputError, match="tolerance must be above 0"):
        triangulate(np.zeros((2, 1, 3)), np.zeros((2, 1, 3)), np.zeros((2, 1)), 0.0)
