"""Welding, edges, components, orientation, normals, sampling, polygons and simplification."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh

from bodyscan.errors import InputError
from bodyscan.geometry.components import face_components
from bodyscan.geometry.decimate import cluster_vertices, simplify
from bodyscan.geometry.edges import border_vertices, edge_table, rim_vertices
from bodyscan.geometry.image_lookup import sample_image
from bodyscan.geometry.normals import areas_and_normals, vertex_areas, vertex_normals
from bodyscan.geometry.polygons import fan_corners, record_starts, split_wedges
from bodyscan.geometry.sampling import sample_surface
from bodyscan.geometry.weld import degenerate_faces, duplicate_faces, used_vertices, weld
from bodyscan.geometry.winding import consistent_flips, outward_orientation
from bodyscan.types import Mesh

SPHERE = trimesh.creation.icosphere(subdivisions=3)
V, F = np.array(SPHERE.vertices), np.array(SPHERE.faces)


def test_weld_joins_copies_across_the_boundary_of_a_cell() -> None:
    rng = np.random.default_rng(0)
    places = rng.integers(0, 50, (500, 3)) * 1e-3  # on the grid's own planes: the hardest case
    places = np.unique(places, axis=0)
    copies = np.concatenate([places + rng.uniform(-1e-7, 1e-7, places.shape) for _ in range(4)])
    keep, new_index = weld(copies, 1e-5)
    assert len(keep) == len(places)
    assert (np.diff(keep) > 0).all()
    np.testing.assert_allclose(copies[keep][new_index], copies, atol=1e-6)


def test_weld_of_separate_points_changes_nothing() -> None:
    keep, new_index = weld(V, 1e-5)
    np.testing.assert_array_equal(keep, np.arange(len(V)))
    np.testing.assert_array_equal(new_index, np.arange(len(V)))
    assert len(weld(np.zeros((0, 3)), 1e-5)[0]) == 0


def test_bad_faces_are_told() -> None:
    faces = np.array([[0, 1, 2], [2, 1, 0], [3, 3, 4], [1, 2, 0], [5, 6, 7]])
    np.testing.assert_array_equal(duplicate_faces(faces), [False, True, False, True, False])
    line = np.array([[float(i), 0, 0] for i in range(7)] + [[0, 1, 0]])
    np.testing.assert_array_equal(degenerate_faces(line, faces), [True, True, True, True, False])
    used, renumbered = used_vertices(faces[4:], 8)
    np.testing.assert_array_equal(used[renumbered], faces[4:])


def test_edges_of_closed_open_and_crowded_meshes() -> None:
    table = edge_table(F)
    assert (table.counts == 2).all()
    assert len(table.counts) == len(V) + len(F) - 2  # Euler
    holed = edge_table(F[1:])
    assert border_vertices(holed, len(V)).sum() == 3
    np.testing.assert_array_equal(rim_vertices(F[1:], len(V)), border_vertices(holed, len(V)))
    assert not rim_vertices(F, len(V)).any()
    crowded = edge_table(np.concatenate([F, [[F[0, 0], F[0, 1], len(V)]]]))
    assert (crowded.counts == 3).sum() == 1


def test_components_are_those_of_trimesh() -> None:
    faces = np.concatenate([F, F[:100] + len(V), F + 2 * len(V)])
    labels = face_components(faces, 3 * len(V))
    assert len(np.unique(labels)) == 3
    assert [len(np.unique(labels[part])) for part in (slice(0, len(F)), slice(-len(F), None))] == [1, 1]


@pytest.mark.parametrize("seed", range(4))
def test_any_mix_of_windings_is_made_consistent(seed: int) -> None:
    turned = np.random.default_rng(seed).random(len(F)) < 0.3
    mixed = np.where(turned[:, None], F[:, ::-1], F)
    flip, patch = consistent_flips(mixed)
    np.testing.assert_array_equal(flip, turned)
    assert patch.max() == 0


def test_a_surface_with_one_side_does_not_hang() -> None:
    count = 40
    turn = np.arange(count) / count * 2 * np.pi
    faces = []
    for i in range(count):
        a, b = 2 * i, 2 * i + 1
        c, d = (2 * i + 2, 2 * i + 3) if i < count - 1 else (1, 0)  # the last link is twisted
        faces += [[a, b, c], [b, d, c]]
    flip, patch = consistent_flips(np.array(faces))
    assert len(turn) * 2 == len(flip)
    assert patch.max() == 0


def test_patches_of_opposite_orientation_are_each_turned_outward() -> None:
    small = V * 0.2 + [3, 0, 0]
    inner = V * 0.5  # nothing is seen of it: its own volume decides
    vertices = np.concatenate([V, small, inner])
    faces = np.concatenate([F[:, ::-1], F + len(V), F[:, ::-1] + 2 * len(V)])
    result = outward_orientation(vertices, faces)
    np.testing.assert_array_equal(result.flip, np.repeat([True, False, True], len(F)))
    assert result.certainty[0] > 0.9
    assert result.certainty[2] == 0


def test_half_a_shell_is_turned_outward() -> None:
    half = F[V[F].mean(axis=1)[:, 1] > -0.3]
    assert not outward_orientation(V, half).flip.any()
    assert outward_orientation(V, half[:, ::-1]).flip.all()


def test_normals_and_areas_of_a_sphere() -> None:
    np.testing.assert_allclose(vertex_normals(V, F), V, atol=0.02)
    areas, normals = areas_and_normals(V, F)
    assert areas.sum() == pytest.approx(SPHERE.area)
    assert vertex_areas(V, F).sum() == pytest.approx(SPHERE.area)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1)
    assert (vertex_normals(np.zeros((3, 3)), np.array([[0, 1, 2]])) == 0).all()


def test_samples_lie_on_the_surface_evenly_and_repeat() -> None:
    points, face, weights = sample_surface(V, F, 5000, seed=7)
    np.testing.assert_allclose(np.einsum("nk,nkd->nd", weights, V[F[face]]), points, atol=1e-12)
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert weights.min() >= 0
    assert np.abs(points.mean(axis=0)).max() < 0.01
    np.testing.assert_array_equal(points, sample_surface(V, F, 5000, seed=7)[0])
    with pytest.raises(InputError, match="without area cannot be sampled"):
        sample_surface(np.zeros((3, 3)), np.array([[0, 1, 2]]), 5)


@pytest.mark.parametrize("make", [simplify, cluster_vertices])
def test_fewer_faces_keep_shape_and_colour(make: object) -> None:
    colors = np.where(V[:, 1:2] > 0, [[250, 10, 10]], [[10, 10, 250]]).astype(np.uint8)
    small = make(Mesh(V, F.astype(np.int32), colors=colors), 300)  # type: ignore[operator]
    assert 150 <= len(small.faces) <= 400
    radius = np.linalg.norm(small.vertices, axis=1)
    assert radius.min() > 0.85
    assert radius.max() < 1.05
    assert (small.colors[small.vertices[:, 1] > 0.3, 0] > 200).all()


def test_what_cannot_be_simplified_is_refused() -> None:
    mesh = Mesh(V, F.astype(np.int32))
    assert simplify(mesh, len(F)) is mesh
    with pytest.raises(InputError, match="needs at least 4"):
        simplify(mesh, 2)
    with pytest.raises(InputError, match="no faces to simplify"):
        simplify(Mesh(V, np.zeros((0, 3), np.int32)), 100)


def test_records_of_varying_length_are_walked() -> None:
    counts = np.array([3, 5, 4, 3, 7])
    stream = np.concatenate([[n, *range(n)] for n in counts])
    ends = np.minimum(np.arange(len(stream) + 1) + 1 + np.append(stream, 0), len(stream))
    starts = record_starts(ends, 5)
    np.testing.assert_array_equal(stream[starts], counts)
    corners, polygon = fan_corners(counts)
    assert len(corners) == (counts - 2).sum()
    np.testing.assert_array_equal(np.bincount(polygon), counts - 2)


def test_wedges_split_only_where_they_differ() -> None:
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    uvs = np.zeros((2, 3, 2))
    assert len(split_wedges(faces, uvs)[0]) == 4
    uvs[1] = 0.5
    source, new_faces, new_uvs = split_wedges(faces, uvs)
    assert len(source) == 6
    np.testing.assert_array_equal(source[new_faces], faces)
    np.testing.assert_array_equal(new_uvs[new_faces], uvs)


def test_image_lookup_is_exact_at_texel_centres_and_repeats() -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    row, column = (a.ravel() for a in np.mgrid[:5, :7])
    uvs = np.stack([(column + 0.5) / 7, (row + 0.5) / 5], axis=1)
    np.testing.assert_array_equal(sample_image(image, uvs), image[row, column])
    np.testing.assert_array_equal(sample_image(image, uvs + np.array([2, -3])), image[row, column])
    np.testing.assert_array_equal(sample_image(image, np.array([[1.0, 1.0]])), image[-1:, -1])
