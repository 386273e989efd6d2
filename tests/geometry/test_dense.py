"""Ways for dense meshes: each answers what the plain way answers."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from scipy.spatial import KDTree

from bodyscan.geometry import winding
from bodyscan.geometry.cells import cell_for, cluster, first_in_cells
from bodyscan.geometry.counted_edges import counted_edge_table, counted_order
from bodyscan.geometry.edges import edge_table
from bodyscan.geometry.near import may_be_near
from bodyscan.geometry.normals import areas_and_normals
from bodyscan.geometry.repeats import repeated_faces, suspects, weld_dense
from bodyscan.geometry.weld import duplicate_faces, weld
from bodyscan.geometry.winding import outward_orientation, turned_faces

SPHERE = trimesh.creation.icosphere(subdivisions=4)
V, F = np.array(SPHERE.vertices), np.array(SPHERE.faces)


@pytest.mark.parametrize("seed", range(3))
def test_the_counted_table_of_edges_is_the_sorted_one(seed: int) -> None:
    random = np.random.default_rng(seed)
    faces = np.concatenate([F[random.random(len(F)) < 0.9], F[:50, ::-1], random.integers(0, 900, (200, 3))])
    plain, counted = edge_table(faces), counted_edge_table(faces)
    for name in ("vertices", "counts", "half_faces", "half_forward", "first"):
        np.testing.assert_array_equal(getattr(counted, name), getattr(plain, name))
        assert getattr(counted, name).dtype == getattr(plain, name).dtype


def test_no_faces_have_no_edges() -> None:
    table = counted_edge_table(np.zeros((0, 3), np.int32))
    assert len(table.counts) == len(table.half_faces) == 0


def test_counting_keeps_the_order_of_equal_keys() -> None:
    keys = np.random.default_rng(0).integers(0, 7, 500)
    np.testing.assert_array_equal(counted_order(keys, 7), np.argsort(keys, kind="stable"))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 300.0])
@pytest.mark.parametrize("copies", [1, 3])
def test_dense_welding_joins_what_welding_joins(scale: float, copies: int) -> None:
    random = np.random.default_rng(0)
    points = np.concatenate([V * scale + random.uniform(-8e-6, 8e-6, V.shape) for _ in range(copies)])
    points = np.concatenate([points, np.round(points[:300], 4)])  # some lie on the walls of cells
    for plain, dense in zip(weld(points, 1e-5), weld_dense(points, 1e-5), strict=True):
        np.testing.assert_array_equal(dense, plain)
    assert len(weld_dense(np.zeros((0, 3)), 1e-5)[0]) == 0


def test_repeated_faces_are_the_duplicate_ones() -> None:
    faces = np.concatenate([F, F[5:40, ::-1], F[100:110, [1, 2, 0]], F[:3]])
    np.testing.assert_array_equal(repeated_faces(faces), duplicate_faces(faces))
    assert not repeated_faces(F).any()
    assert len(repeated_faces(F[:0])) == 0


def test_every_shared_key_is_suspected_and_few_others() -> None:
    keys = np.random.default_rng(0).integers(0, 1 << 63, 5000, dtype=np.uint64) * np.uint64(2)
    keys[40] = keys[4000] = keys[7]
    found = suspects(keys)
    assert found[[7, 40, 4000]].all()
    assert found.mean() < 0.35


def test_every_point_within_reach_may_be_near() -> None:
    random = np.random.default_rng(0)
    points, targets = random.random((4000, 3)), 0.3 + 0.1 * random.random((30, 3))
    near = may_be_near(points, targets, 0.05)
    away = KDTree(targets).query(points)[0]
    assert near[away <= 0.05].all()
    assert not near[away > 0.25].any()
    assert not may_be_near(points, targets[:0], 0.05).any()


def test_cells_are_found_without_sorting_as_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    first, group = first_in_cells(V, 0.11)
    assert (np.diff(np.unique(group)) == 1).all()
    np.testing.assert_array_equal(group[first], np.arange(len(first)))
    monkeypatch.setattr("bodyscan.geometry.cells._MOST_CELLS", 10)
    for sorted_, counted in zip(first_in_cells(V, 0.11), (first, group), strict=True):
        np.testing.assert_array_equal(counted, sorted_)


def test_a_clustered_sphere_is_still_a_sphere_of_about_the_asked_size() -> None:
    kept, faces = cluster(V, F, cell_for(4 * np.pi, 600))
    assert 400 < len(faces) < 900
    areas, _ = areas_and_normals(V[kept], faces)
    assert areas.sum() == pytest.approx(4 * np.pi, rel=0.1)
    exact = V[:, 0] > 0.5
    kept, faces = cluster(V, F, 0.2, exact)
    assert set(np.flatnonzero(exact)) <= set(kept)


def test_a_coarse_copy_turns_the_same_faces_outward(monkeypatch: pytest.MonkeyPatch) -> None:
    crumb, small = trimesh.creation.icosphere(subdivisions=1), 0.02
    vertices = np.concatenate([V, crumb.vertices * small + [1.06, 0, 0], V * 0.5 + [3, 0, 0]])
    faces = np.concatenate([F[:, ::-1], crumb.faces[:, ::-1] + len(V), F + len(V) + len(crumb.vertices)])
    plain = outward_orientation(vertices, faces)
    assert plain.flip.sum() == len(F) + len(crumb.faces)
    monkeypatch.setattr(winding, "_DENSE", 1000)
    monkeypatch.setattr(winding, "_COARSE", 800)
    np.testing.assert_array_equal(outward_orientation(vertices, faces).flip, plain.flip)
    turned = turned_faces(faces, plain.flip)
    np.testing.assert_array_equal(turned[plain.flip], faces[plain.flip][:, ::-1])
    np.testing.assert_array_equal(turned[~plain.flip], faces[~plain.flip])
