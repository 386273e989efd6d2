"""Closest points: exact, for one triangle and for a surface of many, whatever their sizes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodyscan.errors import InputError
from bodyscan.geometry.barycentric import closest_barycentric
from bodyscan.geometry.closest import ClosestPoints
from bodyscan.geometry.raycast import Raycaster
from bodyscan.types import Mesh


def naive_closest(point: np.ndarray, corners: np.ndarray) -> float:
    """Distance to one triangle: the foot of the perpendicular where it lies inside, else the nearest side."""
    a, b, c = corners
    (u, v), *_ = np.linalg.lstsq(np.stack([b - a, c - a], axis=1), point - a, rcond=None)
    if u >= 0 and v >= 0 and u + v <= 1:
        return float(np.linalg.norm(a + u * (b - a) + v * (c - a) - point))
    return min(to_segment(point, *ends) for ends in ((a, b), (b, c), (c, a)))


def to_segment(point: np.ndarray, start: np.ndarray, end: np.ndarray) -> float:
    share = np.clip((point - start) @ (end - start) / ((end - start) @ (end - start)), 0, 1)
    return float(np.linalg.norm(start + share * (end - start) - point))


def test_closest_barycentric_agrees_with_a_naive_projection() -> None:
    rng = np.random.default_rng(0)
    corners = rng.normal(size=(300, 3, 3))
    points = 1.5 * rng.normal(size=(300, 3))
    found = np.einsum("nk,nkc->nc", closest_barycentric(points, corners), corners)
    gaps = np.linalg.norm(points - found, axis=1)
    expected = [naive_closest(point, triangle) for point, triangle in zip(points, corners, strict=True)]
    np.testing.assert_allclose(gaps, expected, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31))
def test_no_point_of_the_triangle_is_closer(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners, point = rng.normal(size=(1, 3, 3)), 2 * rng.normal(size=(1, 3))
    weights = closest_barycentric(point, corners)
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1)
    best = np.linalg.norm(weights[0] @ corners[0] - point[0])
    others = rng.dirichlet([0.5, 0.5, 0.5], 300) @ corners[0]
    assert np.linalg.norm(others - point[0], axis=1).min() >= best - 1e-12


def test_a_degenerate_triangle_gives_finite_weights() -> None:
    corners = np.tile([0.0, 1.0, 0.0], (1, 3, 1))
    weights = closest_barycentric(np.array([[0.3, 0.2, 0.1]]), corners)
    assert np.isfinite(weights).all()
    assert weights.sum() == pytest.approx(1)


def test_a_triangle_drawn_out_to_a_line_is_that_line() -> None:
    corners = np.array([[[0.0, 0, 0], [1, 0, 0], [3, 0, 0]]])
    weights = closest_barycentric(np.array([[2.0, 1, 0]]), corners)
    np.testing.assert_allclose(weights[0] @ corners[0], [2, 0, 0], atol=1e-12)


def by_all(vertices: np.ndarray, faces: np.ndarray, points: np.ndarray) -> np.ndarray:
    """(N,) distance to a surface: every point against every triangle."""
    corners = vertices[faces]
    gaps = []
    for triangle in corners:
        many = np.broadcast_to(triangle, (len(points), 3, 3))
        place = np.einsum("nk,nkc->nc", closest_barycentric(points, many), many)
        gaps.append(np.linalg.norm(place - points, axis=1))
    return np.min(gaps, axis=0)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 60), st.sampled_from([1e-3, 0.1, 10.0]))
def test_a_surface_gives_what_all_of_its_triangles_give(seed: int, count: int, far: float) -> None:
    """Triangles of all sizes, some of them without area, points on them and far away."""
    rng = np.random.default_rng(seed)
    sizes = 10 ** rng.uniform(-6, 1, (count, 1, 1))
    corners = rng.normal(size=(count, 1, 3)) + sizes * rng.normal(size=(count, 3, 3))
    corners[: count // 5, 2] = corners[: count // 5, 1]
    vertices, faces = corners.reshape(-1, 3), np.arange(3 * count).reshape(-1, 3)
    points = np.concatenate([vertices[rng.integers(0, len(vertices), 20)], rng.normal(size=(20, 3))])
    points = points + far * rng.normal(size=points.shape)
    distance, face, place = ClosestPoints(vertices, faces).closest(points)
    np.testing.assert_allclose(distance, by_all(vertices, faces, points), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(place - points, axis=1), distance, atol=1e-12)
    own = closest_barycentric(place, vertices[faces[face]])
    np.testing.assert_allclose(np.einsum("nk,nkc->nc", own, vertices[faces[face]]), place, atol=1e-9)


def ball(rings: int) -> Mesh:
    """A ball of one metre."""
    turn, rise = np.meshgrid(np.linspace(0, 2 * np.pi, 2 * rings + 1), np.linspace(0, np.pi, rings))
    vertices = np.stack([np.sin(rise) * np.cos(turn), np.cos(rise), np.sin(rise) * np.sin(turn)], -1)
    i, j = np.meshgrid(np.arange(rings - 1), np.arange(2 * rings), indexing="ij")
    a = (i * (2 * rings + 1) + j).ravel()
    b, c, d = a + 1, a + 2 * rings + 1, a + 2 * rings + 2
    return Mesh(vertices.reshape(-1, 3), np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)]))


def test_open3d_finds_the_same() -> None:
    """To a hundredth of a millimetre: Open3D counts in float32."""
    mesh, points = ball(60), 1.5 * np.random.default_rng(3).normal(size=(3000, 3))
    distance, _, place = ClosestPoints(mesh.vertices, mesh.faces).closest(points)
    other, _, other_place = Raycaster(mesh).closest(points)
    np.testing.assert_allclose(distance, other, atol=1e-5)
    far = distance > 0.01  # on an edge near the surface either side may win
    assert np.percentile(np.linalg.norm(place - other_place, axis=1)[far], 99) < 1e-3


def test_the_middle_of_a_ball_is_close_to_all_of_it() -> None:
    """The worst case: no triangle can be left out."""
    mesh = ball(60)
    distance, _, _ = ClosestPoints(mesh.vertices, mesh.faces).closest(np.zeros((20, 3)))
    assert distance.min() == distance.max()
    assert distance[0] == pytest.approx(1.0, abs=4e-3)  # metres


def test_of_two_triangles_that_share_an_edge_the_first_is_taken() -> None:
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    for faces in ([[0, 1, 2], [0, 2, 3]], [[0, 2, 3], [0, 1, 2]]):
        _, face, place = ClosestPoints(vertices, faces).closest([[0.5, 0.5, 2.0]])
        assert face.tolist() == [0]
        np.testing.assert_allclose(place, [[0.5, 0.5, 0]], atol=1e-12)


def test_nothing_to_find() -> None:
    distance, face, place = ClosestPoints(np.eye(3), [[0, 1, 2]]).closest(np.zeros((0, 3)))
    assert (distance.shape, face.shape, place.shape) == ((0,), (0,), (0, 3))
    with pytest.raises(InputError, match="no triangle"):
        ClosestPoints(np.eye(3), np.zeros((0, 3)))
