"""Points drawn from a scan: even cover, the same every time, borders known."""

from __future__ import annotations

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.fit.scan_points import draw_near, draw_scan_points
from bodyscan.types import Mesh, ScanMesh
from fit.people import scan_of, sphere
from fit.test_correspond import grid


def test_the_same_seed_draws_the_same_points() -> None:
    scan = scan_of(sphere(rings=12))
    first, again, other = (draw_scan_points(scan, 500, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.points, again.points)
    np.testing.assert_array_equal(first.normals, again.normals)
    assert (first.points != other.points).any()


def test_cover_is_even_by_area_whatever_the_triangles() -> None:
    """A square whose left half has 100 times the triangles gets as many points on either side."""
    fine, coarse = grid(41, width_m=0.4), grid(5, width_m=0.4)
    vertices = np.concatenate([fine.vertices - [0.2, 0, 0], coarse.vertices - [-0.2, 0, 0]])
    mesh = Mesh(vertices, np.concatenate([fine.faces, coarse.faces + len(fine.vertices)]))
    points = draw_scan_points(scan_of(mesh), 4000, 0).points
    cells, _, _ = np.histogram2d(points[:, 0], points[:, 2], bins=(8, 4))
    assert cells.sum() == 4000
    # 125 points a cell; independent draws would have a standard deviation of 11.
    np.testing.assert_allclose(cells, 125, atol=40)
    assert abs((points[:, 0] < 0).sum() - 2000) <= 1


def test_points_lie_on_the_surface_with_outward_unit_normals() -> None:
    points = draw_scan_points(scan_of(sphere(0.8)), 2000, 0)
    outward = points.points - [0, 0.8, 0]
    radius = np.linalg.norm(outward, axis=1)
    assert 0.79 < radius.min() <= radius.max() <= 0.8 + 1e-9
    np.testing.assert_allclose(np.linalg.norm(points.normals, axis=1), 1, atol=1e-9)
    assert np.einsum("nc,nc->n", points.normals, outward / radius[:, None]).min() > 0.99
    assert not points.border.any()


def test_spacing_is_the_side_of_a_points_share_of_the_area() -> None:
    points = draw_scan_points(scan_of(grid(width_m=0.4)), 1600, 0)
    assert points.spacing_m == pytest.approx(0.4 / 40)


def test_only_points_beside_an_open_edge_are_border() -> None:
    points = draw_scan_points(scan_of(grid(41, width_m=0.4)), 4000, 0)
    inside = np.abs(points.points[:, [0, 2]]).max(axis=1)
    assert points.border[inside > 0.195].all()
    assert not points.border[inside < 0.18].any()


def test_confidence_is_interpolated() -> None:
    mesh = grid(2, width_m=1.0)
    confidence = mesh.vertices[:, 0] + 0.5
    points = draw_scan_points(ScanMesh(mesh, confidence), 300, 0)
    np.testing.assert_allclose(points.confidence, points.points[:, 0] + 0.5, atol=1e-6)


def test_a_subset_is_drawn_without_repeats_and_knows_its_spacing() -> None:
    points = draw_scan_points(scan_of(sphere(rings=12)), 1000, 0)
    part = points.subset(250, np.random.default_rng(0))
    assert len(np.unique(part.points, axis=0)) == 250
    assert part.spacing_m == pytest.approx(2 * points.spacing_m)
    assert points.subset(1000, np.random.default_rng(0)) is points


def test_a_cloud_gives_its_own_points() -> None:
    ball = sphere()
    normals = (ball.vertices - [0, 0.8, 0]) / 0.8
    cloud = ScanMesh(Mesh(ball.vertices, np.zeros((0, 3), int), normals=normals), np.ones(len(normals)))
    assert len(draw_scan_points(cloud, 10**6, 0).points) == len(ball.vertices)
    few = draw_scan_points(cloud, 100, 0)
    assert len(few.points) == 100
    assert set(map(tuple, few.points)) <= set(map(tuple, ball.vertices))


def test_a_cloud_without_normals_is_refused() -> None:
    cloud = ScanMesh(Mesh(sphere().vertices, np.zeros((0, 3), int)), np.ones(len(sphere().vertices)))
    with pytest.raises(InputError, match="needs normals for the fit; clean-up sets them"):
        draw_scan_points(cloud, 100, 0)


def test_a_scan_without_area_is_refused() -> None:
    flat = Mesh(np.zeros((3, 3)), np.array([[0, 1, 2]]))
    with pytest.raises(InputError, match="no surface area: every face is degenerate"):
        draw_scan_points(scan_of(flat), 100, 0)


def noisy_sphere(rings: int, noise_m: float) -> Mesh:
    ball = sphere(0.8, rings)
    outward = (ball.vertices - [0, 0.8, 0]) / 0.8
    along = noise_m * np.random.default_rng(0).normal(size=(len(outward), 1))
    return Mesh(ball.vertices + along * outward, ball.faces)


def test_a_dense_scan_is_averaged_and_its_noise_with_it() -> None:
    mesh = noisy_sphere(180, 0.002)
    points = draw_scan_points(scan_of(mesh), 3000, 0)
    assert 1500 < len(points.points) < 6000
    away = np.abs(np.linalg.norm(points.points - [0, 0.8, 0], axis=1) - 0.8)
    assert 1e3 * away.mean() < 0.9  # mm; 1.6 for a vertex alone
    assert points.areas.sum() == pytest.approx(4 * np.pi * 0.8**2, rel=0.05)  # of the ball, not of its noise
    assert points.vertex_density == pytest.approx(len(mesh.vertices) / points.areas.sum(), rel=0.01)


def test_both_sides_of_a_thin_sheet_stay_apart_when_averaged() -> None:
    top = grid(200, width_m=0.4)
    vertices = np.concatenate([top.vertices, top.vertices - [0, 0.003, 0]])
    faces = np.concatenate([top.faces, top.faces[:, ::-1] + len(top.vertices)])
    points = draw_scan_points(scan_of(Mesh(vertices, faces)), 500, 0)
    np.testing.assert_allclose(np.abs(points.normals[:, 1]), 1, atol=1e-9)
    assert len(np.unique(points.points[:, 1].round(6))) == 2


@pytest.mark.parametrize("noise_mm", [0.5, 2.0])
def test_the_noise_of_a_scan_is_found(noise_mm: float) -> None:
    points = draw_scan_points(scan_of(noisy_sphere(120, noise_mm / 1e3)), 20_000, 0)
    assert 1e3 * points.noise_m == pytest.approx(noise_mm, rel=0.15)


def test_a_scan_noisier_than_its_vertices_are_apart_keeps_its_points_and_normals() -> None:
    mesh = noisy_sphere(400, 0.004)
    points = draw_scan_points(scan_of(mesh), 20_000, 0)
    outward = points.points - mesh.vertices.mean(axis=0)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    cosine = np.einsum("nc,nc->n", points.normals, outward)
    assert np.median(cosine) > 0.95
    assert (cosine < 0.3).mean() < 0.01
    assert len(points.points) < 1.5 * 20_000
    assert 1e3 * points.noise_m == pytest.approx(4.0, rel=0.15)


def test_a_clean_scan_has_next_to_no_noise() -> None:
    points = draw_scan_points(scan_of(sphere(0.8, 120)), 20_000, 0)
    assert 1e3 * points.noise_m < 0.02


@pytest.mark.parametrize(("rings", "count"), [(60, 4000), (150, 2000)])
def test_finer_points_in_a_box_replace_those_that_were_there(rings: int, count: int) -> None:
    """Sampled where the scan is coarse, averaged where it is dense."""
    scan = scan_of(sphere(0.8, rings))
    base = draw_scan_points(scan, 2500, 0)
    box = np.array([[-0.3, 1.4, -0.3], [0.3, 1.7, 0.3]])
    fine = draw_near(scan, base, box[None], count, 0)

    def inside(points: np.ndarray) -> np.ndarray:
        return ((points >= box[0]) & (points <= box[1])).all(axis=1)

    assert inside(fine.points).sum() > 5 * inside(base.points).sum()
    np.testing.assert_array_equal(fine.points[~inside(fine.points)], base.points[~inside(base.points)])
    assert fine.areas.sum() == pytest.approx(base.areas.sum(), rel=0.05)


def test_a_box_beside_the_scan_changes_nothing() -> None:
    scan = scan_of(sphere(0.8, 60))
    base = draw_scan_points(scan, 2500, 0)
    assert draw_near(scan, base, np.array([[[5.0, 5, 5], [6, 6, 6]]]), 1000, 0) is base
