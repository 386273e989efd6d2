"""A large scan is thinned to what can be shown: no vertex is moved, no hole is made."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree

from addon.outside import outside

thin_mesh = outside("scan.thin_mesh")


def tube(n: int) -> tuple[np.ndarray, np.ndarray]:
    """A closed tube of 2 n² faces, 1.8 m long and 0.2 m wide, its waves 3 cm deep."""
    turn, height = np.meshgrid(np.arange(n) * 2 * np.pi / n, np.linspace(0, 1.8, n + 1))
    radius = 0.2 + 0.03 * np.sin(9 * turn) * np.sin(11 * height)
    vertices = np.stack([radius * np.cos(turn), height, radius * np.sin(turn)], axis=-1).reshape(-1, 3)
    i, j = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
    a, b = i * n + j, i * n + (j + 1) % n
    c, d = a + n, b + n
    faces = np.concatenate([np.stack([a, d, b], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    return vertices, faces.astype(np.int32)


def edges_with_one_face(faces: np.ndarray) -> np.ndarray:
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    unique, count = np.unique(edges, axis=0, return_counts=True)
    return unique[count == 1]


def test_what_is_small_enough_stays_whole() -> None:
    vertices, faces = tube(20)
    thin = thin_mesh.thin_mesh(vertices, faces, len(faces))
    assert not thin.is_thinned
    np.testing.assert_array_equal(thin.vertex_ids, np.arange(len(vertices)))
    np.testing.assert_array_equal(thin.faces, faces)


@pytest.mark.parametrize("share", [0.7, 0.3, 0.05])
def test_a_mesh_is_thinned_below_the_limit_and_not_far_below(share: float) -> None:
    vertices, faces = tube(120)
    limit = int(share * len(faces))
    thin = thin_mesh.thin_mesh(vertices, faces, limit)
    assert thin.is_thinned
    assert 0.6 * limit < len(thin.faces) <= limit
    assert (np.diff(thin.vertex_ids) > 0).all()
    corners = thin.faces
    assert (corners[:, 0] != corners[:, 1]).all()
    assert (corners[:, 1] != corners[:, 2]).all()
    assert len(np.unique(np.sort(corners, axis=1), axis=0)) == len(corners)


def test_no_hole_is_made_and_the_shape_stays() -> None:
    vertices, faces = tube(120)
    thin = thin_mesh.thin_mesh(vertices, faces, len(faces) // 4)
    shown = vertices[thin.vertex_ids]
    nearest = cKDTree(shown).query(shown, k=2)[0][:, 1]
    assert cKDTree(shown).query(vertices)[0].max() < 2 * np.median(nearest), (
        "something shown is near everywhere"
    )
    rims = shown[edges_with_one_face(thin.faces).ravel()][:, 1]
    inside = (rims > 0.1) & (rims < 1.7)
    assert inside.sum() < 0.02 * len(thin.faces), "open where the tube is open; folds may leave a fin"

    def area(points: np.ndarray, triangles: np.ndarray) -> float:
        a, b, c = (points[triangles[:, k]] for k in range(3))
        return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum()) / 2

    assert area(shown, thin.faces) == pytest.approx(area(vertices, faces), rel=0.05)


def test_faces_keep_the_side_that_they_show() -> None:
    vertices, faces = tube(120)
    thin = thin_mesh.thin_mesh(vertices, faces, len(faces) // 4)
    shown = vertices[thin.vertex_ids]
    a, b, c = (shown[thin.faces[:, k]] for k in range(3))
    out = ((a + b + c) / 3) * [1, 0, 1]
    assert (np.einsum("ij,ij->i", np.cross(b - a, c - a), out) < 0).mean() < 0.01


def test_a_cloud_is_thinned_by_its_points() -> None:
    vertices, faces = tube(100)
    thin = thin_mesh.thin_mesh(vertices, faces[:0], 3000)
    assert thin.faces.shape == (0, 3)
    assert 1800 < len(thin.vertex_ids) <= 3000


@pytest.mark.parametrize("vertices", [np.zeros((50, 3)), np.ones((50, 3)) * [1, 2, 3]])
def test_points_in_one_place_become_one(vertices: np.ndarray) -> None:
    assert len(thin_mesh.thin_mesh(vertices, np.zeros((0, 3), np.int32), 10).vertex_ids) == 1


def test_what_is_said_of_shown_vertices_is_said_of_their_neighbours() -> None:
    vertices, faces = tube(100)
    thin = thin_mesh.thin_mesh(vertices, faces, len(faces) // 5)
    upper = (vertices[:, 1] > 0.9).astype(np.float32)
    spread = thin_mesh.spread(upper[thin.vertex_ids], vertices, thin.vertex_ids)
    np.testing.assert_array_equal(spread[thin.vertex_ids], upper[thin.vertex_ids])
    wrong = spread != upper
    assert (np.abs(vertices[wrong][:, 1] - 0.9) < 0.05).all()
    everything = np.arange(len(vertices))
    np.testing.assert_array_equal(thin_mesh.spread(upper, vertices, everything), upper)
