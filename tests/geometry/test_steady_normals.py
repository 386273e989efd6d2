"""Normals and areas of a sphere whose vertices are noisier than they are apart."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from bodyscan.geometry.normals import vertex_areas, vertex_normals
from bodyscan.geometry.steady_normals import steady_normals

SPHERE = trimesh.creation.icosphere(subdivisions=6)
V, F = np.array(SPHERE.vertices), np.array(SPHERE.faces)
EDGE = float(np.linalg.norm(V[F[:, 1]] - V[F[:, 0]], axis=1).mean())


def noisy(edges: float) -> np.ndarray:
    return V + np.random.default_rng(0).normal(0, edges * EDGE, V.shape)


def test_a_clean_surface_keeps_its_normals_and_areas() -> None:
    normals, areas = steady_normals(V, F)
    np.testing.assert_allclose(normals, vertex_normals(V, F), atol=1e-9)
    assert areas.sum() == pytest.approx(4 * np.pi, rel=1e-3)


def test_noise_of_two_edges_leaves_normals_that_point_outward() -> None:
    vertices = noisy(2.0)
    plain, (normals, areas) = vertex_normals(vertices, F), steady_normals(vertices, F)
    before, after = (np.einsum("vc,vc->v", each, V) for each in (plain, normals))
    assert np.median(before) < 0.6
    assert np.median(after) > 0.9
    assert (after < 0).mean() < 0.2 * (before < 0).mean()
    assert np.linalg.norm(normals, axis=1) == pytest.approx(np.ones(len(V)))
    assert areas.min() >= 0
    assert (
        areas.sum() < 0.5 * vertex_areas(vertices, F).sum()
    )  # the rough faces have far more than the sphere


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_normals_do_not_depend_on_the_unit(scale: float) -> None:
    vertices = noisy(1.0)
    np.testing.assert_allclose(
        steady_normals(scale * vertices, F)[0], steady_normals(vertices, F)[0], atol=1e-9
    )


def test_sheets_that_the_mesh_does_not_join_do_not_mix() -> None:
    inner = noisy(1.0)
    both = np.concatenate([inner, 1.001 * inner])
    normals, _ = steady_normals(both, np.concatenate([F, F[:, ::-1] + len(V)]))
    np.testing.assert_allclose(normals[len(V) :], -normals[: len(V)], atol=1e-9)


def test_vertices_without_faces_get_zeros() -> None:
    normals, areas = steady_normals(np.concatenate([V, [[5.0, 5.0, 5.0]]]), F)
    assert not normals[-1].any()
    assert areas[-1] == 0
    normals, areas = steady_normals(np.zeros((4, 3)), np.zeros((0, 3), np.int32))
    assert not normals.any()
    assert not areas.any()
