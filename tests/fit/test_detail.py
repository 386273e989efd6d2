"""Surface detail: follows the scan where there is one, stays with the body where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.fit.detail import edge_laplacian, face_normals, refine_surface, unfold
from bodyscan.fit.scan_points import ScanPoints, draw_scan_points
from bodyscan.fit.start import seen_area_weights
from bodyscan.geometry.normals import vertex_normals
from bodyscan.geometry.raycast import Raycaster
from bodyscan.types import Mesh
from fit.people import clean_scan, person_params, scan_of, visible_mesh

LIMIT_M, LENGTH_M = 0.06, 0.008
UNTOUCHED_M = 2e-4


@pytest.fixture(scope="module")
def model():
    return load_body_model("adult")


@pytest.fixture(scope="module")
def body(model):
    return model.pose(person_params(model, 5, pose="a")).vertices


def bumpy(model, body: np.ndarray, height_m: float) -> np.ndarray:
    """(V, 3): waves of 25 cm along the normals of the visible skin."""
    normals = vertex_normals(body, model.faces)
    wave = np.sin(body @ np.array([9.0, 21.0, 7.0]))
    return body + (height_m * wave * ~model.inner)[:, None] * normals


def refined(model, body: np.ndarray, points: ScanPoints):
    return refine_surface(model, body, points, limit_m=LIMIT_M, smooth_length_m=LENGTH_M)


def test_smooth_bumps_of_the_scan_are_followed(model, body) -> None:
    truth = bumpy(model, body, 0.006)
    points = draw_scan_points(scan_of(visible_mesh(model, truth)), 40_000, 0)
    detail = refined(model, body, points)
    to_truth = Raycaster(visible_mesh(model, truth))
    area = seen_area_weights(model)
    before = 1e3 * np.average(to_truth.closest(body)[0], weights=area)
    after = 1e3 * np.average(to_truth.closest(body + detail.offsets)[0], weights=area)
    assert before > 2.5
    assert after < 0.7


def test_the_same_body_gets_no_offset(model, body) -> None:
    points = draw_scan_points(scan_of(visible_mesh(model, body)), 40_000, 0)
    length = np.linalg.norm(refined(model, body, points).offsets, axis=1)
    assert 1e3 * np.average(length, weights=seen_area_weights(model)) < 0.7


def test_where_there_is_no_data_the_body_stays(model, body) -> None:
    """The scan shows nothing below the knees: feet and shins keep their place, and coverage says so."""
    truth = bumpy(model, body, 0.006)
    mesh = visible_mesh(model, truth)
    above = (mesh.vertices[mesh.faces][:, :, 1] > 0.6).all(axis=1)
    points = draw_scan_points(scan_of(Mesh(mesh.vertices, mesh.faces[above])), 30_000, 0)
    detail = refined(model, body, points)
    away = body[:, 1] < 0.45
    assert detail.coverage[away].max() == 0
    assert np.linalg.norm(detail.offsets[away], axis=1).max() < UNTOUCHED_M
    trunk = model.region("torso") & (body[:, 1] > 0.7)
    assert np.mean(detail.coverage[trunk] > 0.5) > 0.9


def test_vertices_that_no_scanner_sees_have_no_coverage(model, body) -> None:
    points = draw_scan_points(scan_of(visible_mesh(model, body)), 20_000, 0)
    assert refined(model, body, points).coverage[model.inner].max() == 0


def test_no_face_is_turned_over_by_a_wild_scan(model, body) -> None:
    rng = np.random.default_rng(0)
    scan = visible_mesh(model, body)
    wild = scan.vertices + 0.012 * rng.normal(size=scan.vertices.shape)
    points = draw_scan_points(scan_of(Mesh(wild, scan.faces)), 30_000, 0)
    detail = refined(model, body, points)
    before, after = (face_normals(v, model.faces) for v in (body, body + detail.offsets))
    solid = np.linalg.norm(before, axis=1) > 0.5
    assert np.einsum("fc,fc->f", before, after)[solid].min() > 0


def test_offsets_never_exceed_the_limit(model, body) -> None:
    truth = bumpy(model, body, 0.02)
    points = draw_scan_points(scan_of(visible_mesh(model, truth)), 20_000, 0)
    detail = refine_surface(model, body, points, limit_m=0.008, smooth_length_m=LENGTH_M)
    assert np.linalg.norm(detail.offsets, axis=1).max() <= 0.008 + 1e-12


def test_unfold_mends_folds_and_leaves_the_rest(model, body) -> None:
    rng = np.random.default_rng(1)
    offsets = np.zeros_like(body)
    chosen = rng.choice(np.flatnonzero(~model.inner), 30, replace=False)
    offsets[chosen] = 0.05 * rng.normal(size=(30, 3))
    mended = unfold(model, body, offsets)
    before, after = (face_normals(v, model.faces) for v in (body, body + mended))
    assert np.einsum("fc,fc->f", before, after).min() > 0
    far = np.setdiff1d(np.arange(len(body)), chosen)
    np.testing.assert_array_equal(mended[far], 0)


def test_unfold_of_harmless_offsets_changes_nothing(model, body) -> None:
    offsets = np.tile([0.01, 0.02, -0.01], (len(body), 1))
    np.testing.assert_array_equal(unfold(model, body, offsets), offsets)


def test_the_laplacian_is_silent_on_constants_and_knows_the_edges(model, body) -> None:
    laplacian, edge_m = edge_laplacian(model, body)
    used = np.unique(model.faces)
    assert np.abs((laplacian @ np.ones(len(body)))[used]).max() < 1e-9
    assert edge_m.min() > 0
    assert 1e-3 < np.median(edge_m) < 3e-2


def test_a_clean_scan_of_the_body_covers_most_of_it(model) -> None:
    params = person_params(model, 5, pose="a")
    points = draw_scan_points(clean_scan(model, params), 40_000, 0)
    detail = refined(model, model.pose(params).vertices, points)
    assert np.average(detail.coverage > 0.3, weights=seen_area_weights(model)) > 0.9
