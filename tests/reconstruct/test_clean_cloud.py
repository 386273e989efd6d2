"""The clean-up of point clouds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import KDTree

from bodyscan.errors import InputError
from bodyscan.geometry.normals import areas_and_normals
from bodyscan.geometry.sampling import sample_surface
from bodyscan.reconstruct.clean import clean_scan
from bodyscan.types import Mesh

from .clean_shapes import person, plate

VERTICES, FACES = person()
POINTS, FACE, _ = sample_surface(VERTICES, FACES, 12_000, seed=1)
NORMALS = areas_and_normals(VERTICES, FACES)[1][FACE]
NO_FACES = np.zeros((0, 3), np.int32)


def _cloud(points: np.ndarray, **more: np.ndarray) -> Mesh:
    return Mesh(points, NO_FACES, **more)


def test_a_clean_cloud_stays_and_gets_outward_normals() -> None:
    result = clean_scan(_cloud(POINTS))
    assert len(result.mesh.vertices) > 0.995 * len(POINTS)
    assert result.mesh.normals is not None
    along = np.einsum("ij,ij->i", result.mesh.normals, NORMALS[result.source_vertex])
    assert (along > 0.8).mean() > 0.98
    assert result.confidence.min() >= 0
    assert result.confidence.max() <= 1


def test_floor_outliers_and_far_points_go() -> None:
    rng = np.random.default_rng(4)
    floor = sample_surface(*plate(2.0, -0.01, 10), 12_000, seed=2)[0] + rng.normal(0, 0.001, (12_000, 3))
    stray = rng.uniform([-1.5, 0.1, -1.5], [1.5, 2.0, 1.5], (200, 3))
    stray = stray[KDTree(POINTS).query(stray)[0] > 0.12]
    scan = np.concatenate([POINTS, floor, stray])
    result = clean_scan(_cloud(scan))
    kept = result.source_vertex
    assert (kept < len(POINTS)).sum() > 0.985 * len(POINTS)
    assert ((kept >= len(POINTS)) & (kept < len(POINTS) + len(floor))).sum() < 0.01 * len(floor)
    assert (kept >= len(POINTS) + len(floor)).sum() == 0
    assert any("A floor of" in note for note in result.notes)


def test_given_normals_that_point_inward_are_turned() -> None:
    result = clean_scan(_cloud(POINTS, normals=-NORMALS.astype(np.float32)))
    assert result.mesh.normals is not None
    np.testing.assert_allclose(result.mesh.normals, NORMALS[result.source_vertex], atol=1e-5)
    assert any("pointed inward" in note for note in result.notes)


def test_colours_stay_with_their_points() -> None:
    colors = np.random.default_rng(0).integers(0, 256, POINTS.shape).astype(np.uint8)
    result = clean_scan(_cloud(POINTS, colors=colors))
    np.testing.assert_array_equal(result.mesh.colors, colors[result.source_vertex])


def test_a_handful_of_points_is_refused() -> None:
    with pytest.raises(InputError, match="10 points are left"):
        clean_scan(_cloud(POINTS[:10] * [1, 1, 10]))
