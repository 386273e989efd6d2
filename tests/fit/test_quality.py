"""The fit's judgement of itself: signs, limits, and reasons in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.fit import FitOptions
from bodyscan.fit.prior import build_pose_prior
from bodyscan.fit.quality import expected_error_mm, judge, signed_distance_mm
from bodyscan.fit.scan_points import draw_scan_points
from bodyscan.fit.start import seen_area_weights
from bodyscan.types import FitQuality, ScanMesh
from fit.people import clean_scan, person_params, sphere


def test_distances_are_positive_outside_and_negative_inside() -> None:
    ball = sphere(0.8, rings=60)
    centre = np.array([0, 0.8, 0])
    points = centre + np.array([[0.9, 0, 0], [0.7, 0, 0], [0, 0.81, 0]])
    signed = signed_distance_mm(ball, points)
    np.testing.assert_allclose(signed, [100, -100, 10], atol=2)


def test_chunks_give_the_same_distances() -> None:
    points = np.random.default_rng(0).normal(size=(50, 3))
    np.testing.assert_array_equal(
        signed_distance_mm(sphere(), points), signed_distance_mm(sphere(), points, chunk=7)
    )


def judged(
    surface_mm: float = 1.0,
    far_share: float = 0.0,
    coverage: float = 1.0,
    confidence: float = 1.0,
    betas_scale: float = 0.0,
    turn_rad: float = 0.0,
) -> FitQuality:
    """The verdict on a scan whose vertices lie `surface_mm` off, a share of them 100 mm."""
    model = load_body_model("adult")
    params = person_params(model, 0, jitter_rad=0.0)
    scan = clean_scan(model, params)
    scan = ScanMesh(scan.mesh, confidence * scan.confidence)
    count = len(scan.mesh.vertices)
    distance = np.full(count, surface_mm, np.float32)
    distance[: int(far_share * count)] = 100
    prior = build_pose_prior(model, model.rest_joints(params.betas), params.pose_rotvec)
    pose = params.pose_rotvec.copy()
    pose[model.joint_index("leftLowerLeg"), 2] += turn_rad
    params = replace(params, betas=np.full(model.num_components, betas_scale), pose_rotvec=pose)
    cover = np.where(np.arange(model.num_vertices) < coverage * model.num_vertices, 1.0, 0.0)
    if 0 < coverage < 1:
        weights = seen_area_weights(model)
        cover = (np.cumsum(weights) < coverage * weights.sum()).astype(float)
    points = draw_scan_points(scan, 2000, 0)
    body_mm = np.full(len(points.points), surface_mm, np.float32)
    area = seen_area_weights(model)
    return judge(model, scan, params, prior, points, body_mm, distance, cover, area, FitOptions())


def test_a_close_fit_is_acceptable_without_reasons() -> None:
    quality = judged()
    assert quality.acceptable
    assert quality.reasons == ()
    assert quality.surface_mean_mm == pytest.approx(1)
    assert quality.explained == 1
    assert quality.coverage == pytest.approx(1)


def test_a_distant_surface_is_not_acceptable() -> None:
    quality = judged(surface_mm=9.0)
    assert not quality.acceptable
    assert "lies 9.0 mm from the fitted surface on average; at most 6 mm" in quality.reasons[0]


def test_a_scan_that_is_explained_in_part_is_not_acceptable() -> None:
    quality = judged(far_share=0.3)
    assert not quality.acceptable
    assert "only 70 % of the scan lies within 20 mm" in quality.reasons[0]
    assert "at least 85 %" in quality.reasons[0]


def test_a_body_with_little_data_is_not_acceptable() -> None:
    quality = judged(coverage=0.3)
    assert not quality.acceptable
    assert "only 30 % of the body has scan data; at least 45 %" in quality.reasons[0]


def test_every_reason_is_given() -> None:
    assert len(judged(surface_mm=9.0, far_share=0.3, coverage=0.3).reasons) == 3


def test_doubtful_scan_vertices_are_judged_only_where_there_are_no_others() -> None:
    assert judged(surface_mm=9.0, confidence=0.3).surface_mean_mm == pytest.approx(9)


def test_odd_shapes_and_poses_are_less_plausible() -> None:
    usual = judged()
    assert usual.shape_plausibility == 1
    assert usual.pose_plausibility == 1
    assert judged(betas_scale=2.0).shape_plausibility > judged(betas_scale=4.0).shape_plausibility
    assert judged(betas_scale=4.0).shape_plausibility < 0.5
    assert judged(turn_rad=0.5).pose_plausibility < 0.5


def test_the_expected_error_grows_with_noise_misfit_and_what_was_not_seen() -> None:
    model = load_body_model("adult")
    area = seen_area_weights(model)
    points = draw_scan_points(clean_scan(model, person_params(model, 0)), 2000, 0)
    near, whole = np.full(500, 0.3, np.float32), np.ones(model.num_vertices)

    def expected(noise_mm: float = 0.3, off: float = 1.0, seen: float = 1.0) -> float:
        noisy = replace(points, noise_m=noise_mm / 1e3)
        return expected_error_mm(noisy, off * near, 3.0, seen * whole, area)

    good = expected()
    assert 0.1 < good < 1.0  # mm
    assert expected(noise_mm=3.0) > good
    assert expected(off=10.0) > good
    assert expected(seen=0.5) > good + 0.3
