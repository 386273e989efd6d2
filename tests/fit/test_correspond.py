"""Pairs between scan and body: exact closest points, agreeing normals, no hole borders."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from bodyscan.fit.correspond import (
    scan_to_triangles,
    scan_to_vertices,
    vertices_to_scan,
)
from bodyscan.fit.scan_points import ScanPoints, draw_scan_points
from bodyscan.geometry.normals import vertex_normals
from bodyscan.types import Mesh
from fit.people import scan_of


def grid(size: int = 20, height_m: float = 0.0, width_m: float = 0.4) -> Mesh:
    """A level square of `width_m` whose faces look up."""
    steps = np.linspace(-width_m / 2, width_m / 2, size)
    x, z = np.meshgrid(steps, steps, indexing="ij")
    vertices = np.stack([x, np.full_like(x, height_m), z], axis=-1).reshape(-1, 3)
    i, j = (part.reshape(-1) for part in np.meshgrid(np.arange(size - 1), np.arange(size - 1), indexing="ij"))
    a, b, c, d = i * size + j, i * size + j + 1, (i + 1) * size + j, (i + 1) * size + j + 1
    return Mesh(vertices, np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)]))


def points_of(mesh: Mesh, count: int = 2000) -> ScanPoints:
    return draw_scan_points(scan_of(mesh), count, 0)


def flipped(points: ScanPoints) -> ScanPoints:
    return replace(points, normals=-points.normals)


def test_vertex_normals_of_a_level_square_point_up() -> None:
    mesh = grid()
    np.testing.assert_allclose(
        vertex_normals(mesh.vertices, mesh.faces), np.tile([0.0, 1, 0], (len(mesh.vertices), 1)), atol=1e-12
    )


def test_both_directions_measure_the_height_of_one_level_over_another() -> None:
    body, scan = grid(height_m=0.0), points_of(grid(height_m=0.004))
    normals = vertex_normals(body.vertices, body.faces)
    model = SimpleNamespace(faces=body.faces)
    seen = np.ones(len(body.vertices), bool)
    for pairs in (
        scan_to_vertices(scan, body.vertices, normals, seen, 0.02),
        scan_to_triangles(scan, model, body.vertices, normals, np.arange(len(body.faces)), 0.005),
        vertices_to_scan(scan, body.vertices, normals, np.flatnonzero(seen), 0.02),
    ):
        assert len(pairs.corners) > 100
        np.testing.assert_allclose(pairs.residuals(body.vertices), -0.004, atol=1e-9)
        np.testing.assert_allclose(pairs.weights.sum(axis=1), 1)


def test_surfaces_that_face_away_are_not_paired() -> None:
    body, scan = grid(), flipped(points_of(grid(height_m=0.002)))
    normals = vertex_normals(body.vertices, body.faces)
    model = SimpleNamespace(faces=body.faces)
    everything = np.arange(len(body.vertices))
    assert (
        len(scan_to_vertices(scan, body.vertices, normals, np.ones(len(everything), bool), 0.02).trust) == 0
    )
    assert len(vertices_to_scan(scan, body.vertices, normals, everything, 0.02).trust) == 0
    all_faces = np.arange(len(body.faces))
    assert len(scan_to_triangles(scan, model, body.vertices, normals, all_faces, 0.005).trust) == 0


def test_body_vertices_over_a_hole_or_past_a_border_have_no_pair() -> None:
    body, whole = grid(40), grid(40, height_m=0.003)
    centre = whole.vertices[whole.faces].mean(axis=1)
    hole = np.linalg.norm(centre[:, [0, 2]], axis=1) < 0.08
    scan = points_of(Mesh(whole.vertices, whole.faces[~hole]), 6000)
    normals = vertex_normals(body.vertices, body.faces)
    pairs = vertices_to_scan(scan, body.vertices, normals, np.arange(len(body.vertices)), 0.03)
    from_middle = np.linalg.norm(body.vertices[pairs.corners[:, 0]][:, [0, 2]], axis=1)
    assert len(from_middle) > 800
    assert from_middle.min() > 0.07
    assert not scan.border[scan.tree.query(pairs.targets)[1]].any()


def test_pairs_farther_than_the_kernel_sees_are_dropped() -> None:
    body, scan = grid(), points_of(grid(height_m=0.15))
    normals = vertex_normals(body.vertices, body.faces)
    seen = np.ones(len(body.vertices), bool)
    assert len(scan_to_vertices(scan, body.vertices, normals, seen, 0.01).trust) == 0
    assert len(scan_to_vertices(scan, body.vertices, normals, seen, 0.06).trust) > 0


def test_scan_points_are_never_paired_with_vertices_that_no_scanner_sees() -> None:
    body, scan = grid(), points_of(grid(height_m=0.002))
    normals = vertex_normals(body.vertices, body.faces)
    seen = body.vertices[:, 0] > 0
    pairs = scan_to_vertices(scan, body.vertices, normals, seen, 0.02)
    assert seen[pairs.corners].all()


def test_trust_follows_the_confidence_of_the_scan() -> None:
    body, scan = grid(), points_of(grid(height_m=0.002))
    doubtful = replace(scan, confidence=0.25 * scan.confidence)
    normals = vertex_normals(body.vertices, body.faces)
    seen = np.ones(len(body.vertices), bool)
    sure = scan_to_vertices(scan, body.vertices, normals, seen, 0.02)
    unsure = scan_to_vertices(doubtful, body.vertices, normals, seen, 0.02)
    np.testing.assert_allclose(unsure.trust, 0.25 * sure.trust)
