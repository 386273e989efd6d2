"""Ways for dense meshes: each answers what the plain, slow way answers."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from scipy.spatial import KDTree

from bodyscan.geometry import winding
from bodyscan.geometry.cells import cell_for, cell_ids, cluster
from bodyscan.geometry.edges import counted_order, edge_table
from bodyscan.geometry.near import may_be_near
from bodyscan.geometry.normals import areas_and_normals
from bodyscan.geometry.weld import duplicate_faces, joined, suspects, weld
from bodyscan.geometry.winding import outward_orientation, turned_faces

SPHERE = trimesh.creation.icosphere(subdivisions=4)
V, F = np.array(SPHERE.vertices), np.array(SPHERE.faces)


@pytest.mark.parametrize("seed", range(3))
def test_the_table_of_edges_holds_every_half_edge_in_order(seed: int) -> None:
    random = np.random.default_rng(seed)
    faces = np.concatenate([F[random.random(len(F)) < 0.9], F[:50, ::-1], random.integers(0, 900, (200, 3))])
    half = [(a, b, row) for row, (x, y, z) in enumerate(faces.tolist()) for a, b in ((x, y), (y, z), (z, x))]
    expected = sorted(range(len(half)), key=lambda k: (min(half[k][:2]), max(half[k][:2]), k))
    table = edge_table(faces)
    np.testing.assert_array_equal(table.half_faces, [half[k][2] for k in expected])
    np.testing.assert_array_equal(table.half_forward, [half[k][0] < half[k][1] for k in expected])
    of_half = np.repeat(table.vertices, table.counts, axis=0)
    np.testing.assert_array_equal(of_half, [sorted(half[k][:2]) for k in expected])
    assert len(np.unique(table.vertices, axis=0)) == len(table.vertices)


def test_no_faces_have_no_edges() -> None:
    table = edge_table(np.zeros((0, 3), np.int32))
    assert len(table.counts) == len(table.half_faces) == 0


def test_counting_keeps_the_order_of_equal_keys() -> None:
    keys = np.random.default_rng(0).integers(0, 7, 500)
    np.testing.assert_array_equal(counted_order(keys, 7), np.argsort(keys, kind="stable"))


@pytest.mark.parametrize("scale", [1e-3, 1.0, 300.0])
@pytest.mark.parametrize("copies", [1, 3])
def test_welding_joins_what_a_sort_and_a_tree_join(scale: float, copies: int) -> None:
    random, tolerance = np.random.default_rng(0), 1e-5
    points = np.concatenate([V * scale + random.uniform(-8e-6, 8e-6, V.shape) for _ in range(copies)])
    points = np.concatenate([points, np.round(points[:300], 4)])  # some lie on the walls of cells
    for plain, quick in zip(joined(points, tolerance), weld(points, tolerance), strict=True):
        np.testing.assert_array_equal(quick, plain)
    assert len(weld(np.zeros((0, 3)), tolerance)[0]) == 0


def test_duplicate_faces_are_those_with_the_corners_of_an_earlier_one() -> None:
    faces = np.concatenate([F, F[5:40, ::-1], F[100:110, [1, 2, 0]], F[:3]])
    corners = [tuple(sorted(face)) for face in faces.tolist()]
    expected = [corner in corners[:k] for k, corner in enumerate(corners)]
    np.testing.assert_array_equal(duplicate_faces(faces), expected)
    assert not duplicate_faces(F).any()
    assert len(duplicate_faces(F[:0])) == 0


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
    first, group = cell_ids(V, 0.11)
    assert (np.diff(np.unique(group)) == 1).all()
    np.testing.assert_array_equal(group[first], np.arange(len(first)))
    monkeypatch.setattr("bodyscan.geometry.cells._MOST_CELLS", 10)
    for sorted_, counted in zip(cell_ids(V, 0.11), (first, group), strict=True):
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
