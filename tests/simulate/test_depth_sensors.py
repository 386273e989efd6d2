"""Models of depth cameras: their scatter is what they say, and each loses what its kind loses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.simulate.depth_measure import ExactPicture, MeasuredPicture, measured, smoothed
from bodyscan.simulate.depth_options import CHOICES, DepthRigOptions
from bodyscan.simulate.depth_sensors import MODELS, model_of, noise_sigma_m, sensor_camera, wiggle_m

REAL = [name for name in CHOICES["sensor"] if name != "ideal"]


def picture(depth_m: Any, infrared: float = 0.5, slant: float = 1.0) -> ExactPicture:
    depth = np.asarray(depth_m, np.float64)
    shape = depth.shape
    return ExactPicture(depth, np.full(shape, slant), np.full(shape, infrared), np.full((*shape, 3), 128.0))


def take(seen: ExactPicture, sensor: str, seed: int = 0, **options: Any) -> MeasuredPicture:
    rig = DepthRigOptions(sensor=sensor, portrait=False, **options)
    return measured(np.random.default_rng(seed), seen, rig)


def wall(depth_m: float, **more: Any) -> ExactPicture:
    return picture(np.full((120, 160), depth_m), **more)


def step(near: float = 1.5, far: float = 2.5) -> ExactPicture:
    """A near surface in the middle third of the columns."""
    depth = np.full((120, 160), far)
    depth[:, 50:110] = near
    return picture(depth)


def wiggled(seen: ExactPicture, sensor: str) -> Any:
    """What the wiggle adds to the depth: it errs along each pixel's ray, by the way along it."""
    height, width = seen.depth_m.shape
    _, _, K = sensor_camera(DepthRigOptions(sensor=sensor, portrait=False))
    x, y = np.arange(width) + 0.5 - width / 2, np.arange(height) + 0.5 - height / 2
    way = np.hypot(np.hypot(*np.meshgrid(x, y)) / K[0, 0], 1.0)
    return wiggle_m(sensor, seen.depth_m * way) / way


@pytest.mark.parametrize("sensor", REAL)
@pytest.mark.parametrize("depth_m", [1.0, 2.0, 3.0])
def test_the_scatter_over_time_is_what_noise_sigma_says(sensor, depth_m):
    errors = []
    for seed in range(24):
        found = take(wall(depth_m), sensor, seed).depth_m.astype(np.float64)
        errors.append(np.where(found > 0, found, np.nan) - depth_m - wiggled(wall(depth_m), sensor))
    spread = float(np.sqrt(np.nanmean(np.square(errors))))
    assert spread == pytest.approx(float(noise_sigma_m(sensor, depth_m)), rel=0.08)


@pytest.mark.parametrize("sensor", REAL)
def test_scatter_grows_with_distance_and_slant(sensor):
    depths = noise_sigma_m(sensor, np.array([1.0, 2.0, 3.0, 4.0]))
    assert (np.diff(depths) > 0).all()
    slants = noise_sigma_m(sensor, 2.0, np.radians([0.0, 60.0, 80.0, 90.0]))
    assert (np.diff(slants) > 0).all()
    assert np.isfinite(slants).all()


def test_published_values():
    # Nguyen et al. 2012 at 1.4 m; Fankhauser et al. 2015 at 2 m; Intel: 0.08 px at 2 m, f 424 px, b 50 mm.
    assert noise_sigma_m("kinect-v1", 1.4) * 1000 == pytest.approx(3.1)
    assert noise_sigma_m("kinect-v2", 2.0) * 1000 == pytest.approx(1.7)
    assert noise_sigma_m("realsense-d435", 2.0) * 1000 == pytest.approx(15.1, abs=0.1)


def test_the_ideal_sensor_changes_nothing():
    found = take(step(), "ideal")
    np.testing.assert_array_equal(found.depth_m, step().depth_m.astype(np.float32))
    assert found.confidence is None
    assert (take(picture(np.full((4, 4), np.inf)), "ideal").depth_m == 0).all()


def test_no_noise_leaves_steps_and_the_wiggle_scales():
    found = take(wall(2.0004), "azure-kinect", noise=0.0)
    np.testing.assert_allclose(found.depth_m, 2.0, atol=1e-6)
    assert (found.color == 128).all()
    lifted = 2.0 + 2.0 * wiggled(wall(2.0), "azure-kinect").mean()
    mean = np.mean([take(wall(2.0), "azure-kinect", seed, noise=2.0).depth_m.mean() for seed in range(8)])
    assert mean == pytest.approx(lifted, abs=5e-5)


@pytest.mark.parametrize(
    ("sensor", "least"), [("realsense-d435", 0.6), ("iphone-lidar", 0.6), ("kinect-v2", 0)]
)
def test_neighbours_scatter_together_where_the_sensor_compares_patches(sensor, least):
    # At the sensor's own scale: a patch is as wide as there.
    width, height, _ = MODELS[sensor].modes[0]
    seen = picture(np.full((height, width), 2.0))
    error = take(seen, sensor).depth_m.astype(np.float64) - 2.0 - wiggled(seen, sensor)
    error = error[:, 8:-8]
    correlation = float((error[:, 1:] * error[:, :-1]).mean() / (error**2).mean())
    assert least <= correlation < 0.99 if least else abs(correlation) < 0.03


def test_a_time_of_flight_camera_answers_between_two_surfaces_and_a_stereo_camera_does_not():
    flying = {}
    for sensor in ("kinect-v2", "azure-kinect", "kinect-v1", "realsense-d435"):
        found = take(step(), sensor).depth_m
        flying[sensor] = int(((found > 1.6) & (found < 2.4)).sum())
    assert flying["kinect-v2"] > 2 * flying["azure-kinect"] > 20
    assert flying["kinect-v1"] == flying["realsense-d435"] == 0


def test_flying_pixels_stand_at_edges_only():
    found = take(step(), "kinect-v2").depth_m
    _, columns = np.nonzero((found > 1.6) & (found < 2.4))
    assert set(np.unique(columns)) <= {49, 50, 109, 110}


def test_a_stereo_camera_has_a_shadow_on_one_side_of_a_near_thing():
    found = take(step(), "realsense-d435", noise=0.0).depth_m
    lost = (found == 0).mean(axis=0)
    focal = MODELS["realsense-d435"].modes[0][2]
    shadow_px = focal * 0.05 * (1 / 1.5 - 1 / 2.5)  # how far the far wall lies from itself in the other eye
    assert lost[40:52].sum() - lost[108:120].sum() == pytest.approx(shadow_px, abs=1.0)


def test_dark_hair_and_flat_rays_are_lost():
    assert (take(wall(2.0, infrared=0.02), "kinect-v2").depth_m == 0).mean() > 0.9
    assert (take(wall(2.0, infrared=0.5), "kinect-v2").depth_m == 0).mean() < 0.01
    for sensor in ("kinect-v1", "kinect-v2", "azure-kinect", "realsense-d435"):
        assert (take(wall(1.0, slant=0.03), sensor).depth_m == 0).mean() > 0.9


def test_a_dark_surface_scatters_more_where_light_counts():
    bright, dark = (
        float(take(wall(2.0, infrared=share), "kinect-v2").depth_m.std()) for share in (0.5, 0.125)
    )
    assert dark == pytest.approx(2 * bright, rel=0.1)


def test_nothing_beyond_the_reach_and_nothing_from_nowhere():
    for sensor in REAL:
        near, far = MODELS[sensor].reach_m
        for depth_m in (0.8 * near, 1.2 * far, np.inf):
            assert (take(wall(depth_m), sensor).depth_m == 0).all()


def test_disparity_comes_in_steps():
    found = np.unique(take(wall(3.0), "kinect-v1").depth_m)
    apart = np.diff(found[found > 0])
    # Khoshelham and Elberink 2012: about 2.9 mm times z squared.
    assert apart.min() > 0.02
    assert apart.max() < 0.04


def test_the_lidar_tells_its_confidence_and_smooths_what_is_small():
    found = take(step(), "iphone-lidar")
    assert found.confidence is not None
    assert set(np.unique(found.confidence)) == {0.0, 0.5, 1.0}
    assert (found.confidence[:, [49, 50]] == 0).all()
    assert (found.confidence[:, 70:90] == 1).all()
    bump = np.full((192, 256), 1.5)
    bump[90:94, 120:124] -= 0.01
    flat = take(picture(bump), "iphone-lidar", noise=0.0).depth_m
    assert 1.5 - flat.min() < 0.005


def test_smoothing_keeps_planes_and_jumps():
    rows, columns = np.indices((60, 80))
    plane = 1.0 + 0.002 * columns + 0.001 * rows
    inner = (slice(12, -12), slice(12, -12))
    np.testing.assert_allclose(smoothed(plane, 2.5, 0.02)[inner], plane[inner], atol=1e-4)
    jump = np.where(columns < 40, 1.0, 2.0)
    np.testing.assert_allclose(smoothed(jump, 2.5, 0.02), jump, atol=1e-6)


def test_a_camera_on_its_side_sees_the_same_upright():
    seen = step()
    rig = DepthRigOptions(sensor="kinect-v1", portrait=True)
    turned = ExactPicture(
        *(np.rot90(part, -1) for part in (seen.depth_m, seen.slant, seen.infrared, seen.color))
    )
    upright = measured(np.random.default_rng(0), turned, rig)
    level = take(seen, "kinect-v1")
    np.testing.assert_array_equal(np.rot90(upright.depth_m), level.depth_m)


def test_cameras_have_the_published_size_and_field_of_view():
    width, height, K = sensor_camera(DepthRigOptions(sensor="azure-kinect"))
    assert (width, height) == (640, 576)
    assert np.degrees(2 * np.arctan(320 / K[0, 0])) == pytest.approx(65, abs=0.2)
    width, height, K = sensor_camera(DepthRigOptions(sensor="realsense-d435"))
    assert (width, height) == (480, 848)
    assert np.degrees(2 * np.arctan(424 / K[1, 1])) == pytest.approx(90, abs=0.1)
    _, _, binned = sensor_camera(DepthRigOptions(sensor="azure-kinect", width=320, height=288))
    np.testing.assert_allclose(binned, [[252, 0, 160], [0, 252, 144], [0, 0, 1]])
    small = DepthRigOptions(sensor="kinect-v2", width=256, height=212)
    np.testing.assert_allclose(sensor_camera(small)[2][0, 0], 365.5 / 2)


def test_an_unknown_sensor_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match=r"'sonar' is not simulated; possible: ideal, kinect-v1"):
        model_of("sonar")
    with pytest.raises(InputError, match="is not simulated"):
        noise_sigma_m("unknown", 1.0)
