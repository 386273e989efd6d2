"""Laws of a frame's points: normals are those of the surface, edges go, and what is measured stays."""

from __future__ import annotations

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.reconstruct.depth.noise import EDGE_PX, depth_sigma_m, slant_sigma_m
from bodyscan.reconstruct.depth.points import PointOptions, frame_points
from bodyscan.types.depth import SENSORS, DepthFrame

WIDTH, HEIGHT, FOCAL = 320, 240, 580.0
K = np.array([[FOCAL, 0, WIDTH / 2], [0, FOCAL, HEIGHT / 2], [0, 0, 1]])
X, Y = np.meshgrid(
    (np.arange(WIDTH) + 0.5 - WIDTH / 2) / FOCAL, (np.arange(HEIGHT) + 0.5 - HEIGHT / 2) / FOCAL
)
ROOT_TOL = 1e-6


def frame(depth: np.ndarray, **more: object) -> DepthFrame:
    return DepthFrame(depth.astype(np.float32), K, name="frame 7", **more)  # type: ignore[arg-type]


def plane(normal: np.ndarray, distance_m: float = 2.0) -> np.ndarray:
    """Depth of the plane through (0, 0, distance)."""
    return normal[2] * distance_m / (normal[0] * X + normal[1] * Y + normal[2])


def cylinder(radius_m: float = 0.05, distance_m: float = 2.0) -> np.ndarray:
    """Depth of an upright cylinder, 0 beside it."""
    a, b, c = X * X + 1, -2 * distance_m, distance_m**2 - radius_m**2
    root = b * b - 4 * a * c
    return np.where(root > 0, (-b - np.sqrt(np.maximum(root, 0))) / (2 * a), 0)


def degrees_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.degrees(np.arccos(np.clip((a * b).sum(axis=1), -1, 1)))


@pytest.mark.parametrize("slant", [0, 30, 60, 72])
@pytest.mark.parametrize("roll", [0, 50])
def test_normals_of_a_plane_are_exact(slant: float, roll: float) -> None:
    t, r = np.radians([slant, roll])
    normal = np.array([np.sin(t) * np.cos(r), np.sin(t) * np.sin(r), -np.cos(t)])
    depth = plane(normal)
    seen = -(X * normal[0] + Y * normal[1] + normal[2]) / np.sqrt(X * X + Y * Y + 1)
    steep = seen < np.cos(np.radians(76))
    result = frame_points(frame(np.where(steep, 0, depth)), ~steep, "ideal")
    assert len(result.points) > 0.97 * (~steep).sum()
    assert degrees_between(result.normals, normal[None]).max() < 0.1
    assert (result.normals * result.points).sum(axis=1).max() < 0  # towards the camera


@pytest.mark.parametrize(("sensor", "limit_deg"), [("ideal", 0.5), ("azure-kinect", 3.0), ("kinect-v2", 3.0)])
def test_normals_of_a_thin_noisy_cylinder(sensor: str, limit_deg: float) -> None:
    clean = cylinder()
    noise = np.random.default_rng(1).normal(size=clean.shape) * depth_sigma_m(sensor, clean)
    noisy = np.where(clean > 0, clean + (0 if sensor == "ideal" else noise), 0)
    result = frame_points(frame(noisy), clean > 0, sensor)
    rows, columns = np.nonzero(result.index >= 0)
    rows, columns = rows + result.corner[0], columns + result.corner[1]
    z = clean[rows, columns]
    true = np.stack([X[rows, columns] * z, 0 * z, z - 2.0], axis=1) / 0.05
    middle = np.abs(true[:, 0]) < 0.8  # up to 53 degrees
    assert degrees_between(result.normals, true)[middle].mean() < limit_deg


def test_points_are_the_pixels_unchanged() -> None:
    depth = 2 + 0.05 * np.sin(9 * X) + np.random.default_rng(0).normal(scale=0.002, size=X.shape)
    color = np.random.default_rng(1).integers(0, 255, (*X.shape, 3), np.uint8)
    mask = (np.abs(X) < 0.1) & (np.abs(Y) < 0.15)
    result = frame_points(frame(depth, color=color), mask, "kinect-v2")
    rows, columns = np.nonzero(result.index >= 0)
    order = result.index[rows, columns]
    rows, columns = rows + result.corner[0], columns + result.corner[1]
    z = depth.astype(np.float32)[rows, columns]
    np.testing.assert_allclose(result.points[order, 2], z, atol=ROOT_TOL)
    np.testing.assert_allclose(result.points[order, 0], X[rows, columns] * z, atol=ROOT_TOL)
    assert result.colors is not None
    np.testing.assert_array_equal(result.colors[order], color[rows, columns])
    found, there = result.lookup(result.points.astype(np.float64))
    assert there.mean() > 0.999
    np.testing.assert_array_equal(found[there], np.flatnonzero(there))


def test_an_arm_before_a_chest_bends_no_normals_and_flying_pixels_go() -> None:
    arm = np.abs(X) < 0.03
    rim = (np.abs(X) >= 0.03) & (np.abs(X) < 0.0325)  # pixels that see both
    depth = np.where(arm, 1.7, np.where(rim, 1.85, 2.0))
    result = frame_points(frame(depth), np.ones(depth.shape, bool), "azure-kinect")
    z = result.points[:, 2]
    assert not ((z > 1.71) & (z < 1.99)).any()
    assert degrees_between(result.normals, np.array([[0.0, 0.0, -1.0]])).max() < 0.1
    assert (z < 1.8).sum() > 0.8 * arm.sum()
    near_arm = (z > 1.9) & (np.abs(result.points[:, 0]) < 0.08)
    assert result.trust[near_arm].mean() < 0.75 * result.trust[z > 1.9].max()


def test_lone_pixels_and_grazing_surfaces_go() -> None:
    depth = np.zeros(X.shape)
    depth[100:140, 100:140] = 2.0
    depth[20, 20] = depth[200, 200:202] = 2.0
    result = frame_points(frame(depth), depth > 0, "ideal")
    assert len(result.points) == 1600
    steep = np.radians(84)
    depth = plane(np.array([np.sin(steep), 0, -np.cos(steep)]))
    mask = (np.abs(X) < 0.02) & (depth > 0)
    assert not len(frame_points(frame(np.where(mask, depth, 0)), mask, "ideal").points)


def test_trust_falls_with_slant_and_takes_the_sensors_own() -> None:
    level, slanted = plane(np.array([0, 0, -1.0])), plane(np.array([0.8, 0, -0.6]))
    mask = (np.abs(X) < 0.1) & (np.abs(Y) < 0.1)
    a = frame_points(frame(level), mask, "ideal").trust.mean()
    assert frame_points(frame(slanted), mask, "ideal").trust.mean() < 0.75 * a
    half = np.full(level.shape, 0.5, np.float32)
    assert frame_points(frame(level, confidence=half), mask, "ideal").trust.mean() == pytest.approx(a / 2)


def test_nothing_gives_no_points() -> None:
    result = frame_points(frame(np.zeros(X.shape)), np.ones(X.shape, bool), "unknown")
    assert result.points.shape == (0, 3)
    assert not (result.index >= 0).any()


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(InputError, match="frame 7: the mask is"):
        frame_points(frame(np.ones(X.shape)), np.ones((3, 3), bool), "ideal")
    with pytest.raises(InputError, match="grazing_deg must lie between 0 and 90"):
        PointOptions(grazing_deg=95)


def test_noise_grows_with_distance_and_slant() -> None:
    z = np.linspace(1.0, 4.0, 13, dtype=np.float32)
    assert set(EDGE_PX) == set(SENSORS)
    for sensor in SENSORS:
        sigma = depth_sigma_m(sensor, z)
        assert sigma.dtype == np.float32
        assert (np.diff(sigma) >= 0).all()
    ratio = depth_sigma_m("realsense-d435", 4.0) / depth_sigma_m("realsense-d435", 2.0)
    assert ratio == pytest.approx(4.0, rel=0.05)
    assert depth_sigma_m("kinect-v2", 4.0) / depth_sigma_m("kinect-v2", 2.0) < 3.0
    cosine = np.cos(np.radians(np.array([0, 40, 60, 80, 90], np.float32)))
    grown = slant_sigma_m(depth_sigma_m("kinect-v1", np.full(5, 2.0)), np.full(5, 2.0, np.float32), cosine)
    assert (np.diff(grown) > 0).all()
    assert grown[3] / grown[0] == pytest.approx(1.75, abs=0.1)
    with pytest.raises(InputError, match="'sonar' is not known; possible: unknown, ideal"):
        depth_sigma_m("sonar", 1.0)


def test_a_pixel_that_the_colour_camera_did_not_see_takes_its_neighbours_colour():
    depth = np.full((40, 40), 1.5, np.float32)
    color = np.full((40, 40, 3), 120, np.uint8)
    color[:, 18:22] = 0
    K = np.array([[100.0, 0, 20], [0, 100.0, 20], [0, 0, 1]])
    found = frame_points(DepthFrame(depth, K, color=color), np.ones((40, 40), bool), "ideal")
    assert found.colors is not None
    assert (found.colors == 120).all()
    dark = frame_points(DepthFrame(depth, K, color=color * 0), np.ones((40, 40), bool), "ideal")
    assert dark.colors is not None
    assert not dark.colors.any()
