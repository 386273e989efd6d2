"""Laws of fusing: the surface is where the points say, holes stay holes, and noise averages away."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from bodyscan.errors import InputError, StageError
from bodyscan.geometry.edges import edge_table
from bodyscan.geometry.raycast import Raycaster
from bodyscan.reconstruct.depth.fuse import (
    FusedSurface,
    FuseOptions,
    OrientedPoints,
    SurfaceFusion,
    fuse_points,
    oriented_points,
)
from bodyscan.reconstruct.depth.points import frame_points
from bodyscan.types.depth import DepthFrame

VOXEL_M = 0.003
MM = 1e-3
CENTRE = np.array([0.0137, 0.9021, -0.3004])
"""Nowhere on the grid of voxels."""


def cloud(
    points: np.ndarray, normals: np.ndarray, sigma_m: float = 1e-4, colors: np.ndarray | None = None
) -> OrientedPoints:
    weights = np.full(len(points), sigma_m**-2, np.float32)
    return OrientedPoints(points.astype(np.float32), normals.astype(np.float32), weights, colors)


def sphere(radius_m: float, sigma_m: float = 0.0, seed: int = 0, per_m2: float = 1.5e6) -> OrientedPoints:
    rng = np.random.default_rng(seed)
    normal = rng.normal(size=(int(4 * np.pi * radius_m**2 * per_m2), 3))
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    off = sigma_m * rng.normal(size=(len(normal), 1))
    return cloud(normal * (radius_m + off) + CENTRE, normal, max(sigma_m, 1e-4))


def sheet(z: float, up: float, count: int = 40_000, side: float = 0.12, seed: int = 0) -> OrientedPoints:
    rng = np.random.default_rng(seed)
    points = np.column_stack([rng.uniform(-side / 2, side / 2, (count, 2)), np.full(count, z)])
    return cloud(points, np.tile([0.0, 0.0, up], (count, 1)))


def together(*clouds: OrientedPoints) -> OrientedPoints:
    return OrientedPoints(
        *(np.concatenate([getattr(c, f) for c in clouds]) for f in ("points", "normals", "weights"))
    )


def off_sphere(surface: FusedSurface, radius_m: float) -> np.ndarray:
    return np.linalg.norm(surface.mesh.vertices - CENTRE, axis=1) - radius_m


@pytest.mark.parametrize("radius_m", [0.02, 0.05, 0.1])
def test_a_sphere_keeps_its_place_and_radius(radius_m: float) -> None:
    surface = fuse_points([sphere(radius_m)], VOXEL_M)
    off = off_sphere(surface, radius_m)
    assert abs(off.mean()) < 0.1 * MM
    assert np.abs(off).max() < 0.15 * MM
    local = surface.mesh.vertices - CENTRE
    fitted = np.linalg.lstsq(
        np.column_stack([2 * local, np.ones(len(local))]), (local**2).sum(axis=1), rcond=None
    )
    assert np.abs(fitted[0][:3]).max() < 0.01 * MM
    outward = (surface.mesh.vertices - CENTRE) / radius_m
    assert (outward * surface.normals).sum(axis=1).min() > 0.99
    edges = edge_table(surface.mesh.faces)
    assert (
        len(surface.mesh.vertices) - len(edges.vertices) + len(surface.mesh.faces) == 2
    )  # closed, one piece
    a, b, c = (surface.mesh.vertices[surface.mesh.faces[:, k]] - CENTRE for k in range(3))
    assert (np.cross(a, b) * c).sum() > 0  # counter-clockwise from outside


def test_a_finger_keeps_its_radius() -> None:
    rng = np.random.default_rng(0)
    turn, height = rng.uniform(0, 2 * np.pi, 20_000), rng.uniform(0, 0.08, 20_000)
    normal = np.column_stack([np.cos(turn), np.zeros_like(turn), np.sin(turn)])
    surface = fuse_points(
        [cloud(0.006 * normal + np.column_stack([0 * turn, height, 0 * turn]), normal)], VOXEL_M
    )
    inner = (surface.mesh.vertices[:, 1] > 0.01) & (surface.mesh.vertices[:, 1] < 0.07)
    off = np.hypot(*surface.mesh.vertices[inner][:, [0, 2]].T) - 0.006
    assert abs(off.mean()) < 0.25 * MM  # chords of 3 mm in a circle of 6 mm lie 0.1 mm inside on average


def test_noise_falls_with_the_root_of_the_frames_and_is_told() -> None:
    errors, told, trust = [], [], []
    for frames in (2, 8, 32):
        surface = fuse_points([sphere(0.06, 1.5 * MM, seed, 3e5) for seed in range(frames)], VOXEL_M)
        errors.append(off_sphere(surface, 0.06).std())
        told.append(float(np.sqrt(np.mean(surface.sigma_m**2))))
        trust.append(float(surface.confidence.mean()))
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.25)
    assert errors[1] / errors[2] == pytest.approx(2, rel=0.25)
    np.testing.assert_allclose(errors, told, rtol=0.4)  # marching cubes adds some 0.05 mm
    assert trust[0] < trust[1] < trust[2]


def test_noise_of_several_voxels_leaves_one_skin() -> None:
    surface = fuse_points([sphere(0.08, 5 * MM)], VOXEL_M)
    off = off_sphere(surface, 0.08)
    assert np.abs(off).max() < 3 * MM
    assert abs(off.mean()) < 0.3 * MM
    assert len(np.unique(np.sort(surface.mesh.faces, axis=1), axis=0)) == len(surface.mesh.faces)


def test_sheets_back_to_back_do_not_melt() -> None:
    surface = fuse_points([together(sheet(0.0, -1.0), sheet(0.010, 1.0, seed=1))], VOXEL_M)
    z = surface.mesh.vertices[:, 2]
    inner = np.abs(surface.mesh.vertices[:, :2]).max(axis=1) < 0.05
    assert np.minimum(np.abs(z), np.abs(z - 0.010))[inner].max() < 0.05 * MM
    assert (z[inner] < 0.005).mean() == pytest.approx(0.5, abs=0.05)


def test_sheets_face_to_face_do_not_melt() -> None:
    surface = fuse_points([together(sheet(0.0, 1.0), sheet(0.010, -1.0, seed=1))], VOXEL_M)
    z = surface.mesh.vertices[:, 2]
    inner = np.abs(surface.mesh.vertices[:, :2]).max(axis=1) < 0.05
    assert np.minimum(np.abs(z), np.abs(z - 0.010))[inner].max() < 0.05 * MM


def test_holes_stay_holes_and_rims_do_not_grow() -> None:
    whole = sheet(0.001, 1.0, 80_000)
    beyond = np.hypot(*whole.points[:, :2].T) > 0.015
    holed = OrientedPoints(whole.points[beyond], whole.normals[beyond], whole.weights[beyond])
    surface = fuse_points([holed], VOXEL_M)
    assert np.hypot(*surface.mesh.vertices[:, :2].T).min() > 0.015 - 0.75 * VOXEL_M
    assert np.abs(surface.mesh.vertices[:, :2]).max() < 0.06 + VOXEL_M
    assert np.abs(surface.mesh.vertices[:, 2] - 0.001).max() < 0.01 * MM


def test_the_order_of_the_frames_does_not_matter() -> None:
    clouds = [sphere(0.05, 1 * MM, seed, 2e5) for seed in range(5)]
    one, other = fuse_points(clouds, VOXEL_M), fuse_points(clouds[::-1], VOXEL_M)
    distance = Raycaster(other.mesh).closest(one.mesh.vertices)[0]
    assert distance.max() < 1e-4 * MM
    again = fuse_points(clouds, VOXEL_M)
    np.testing.assert_array_equal(one.mesh.vertices, again.mesh.vertices)
    np.testing.assert_array_equal(one.mesh.faces, again.mesh.faces)


def test_the_surface_turns_with_its_points() -> None:
    still = sphere(0.05, 1 * MM)
    turn, shift = (
        Rotation.from_euler("xyz", [20, 35, 50], degrees=True).as_matrix(),
        np.array([0.2, -0.4, 0.1]),
    )
    turned = OrientedPoints(
        (still.points @ turn.T + shift).astype(np.float32),
        (still.normals @ turn.T).astype(np.float32),
        still.weights,
    )
    there = fuse_points([turned], VOXEL_M).mesh
    back = (there.vertices - shift) @ turn
    distance = Raycaster(fuse_points([still], VOXEL_M).mesh).closest(back)[0]
    assert distance.mean() < 0.05 * VOXEL_M


def test_points_far_off_the_surface_count_little() -> None:
    good = sphere(0.06, 1 * MM, per_m2=1e6)
    stray = sphere(0.0655, 0.5 * MM, 1, per_m2=5e4)
    plain = off_sphere(fuse_points([good, stray], VOXEL_M, FuseOptions(reject_sigmas=0)), 0.06)
    robust = off_sphere(fuse_points([good, stray], VOXEL_M), 0.06)
    assert abs(plain.mean()) > 0.2 * MM
    assert abs(robust.mean()) < 0.5 * abs(plain.mean())


def test_colours_follow_the_points() -> None:
    points = sheet(0.0, 1.0)
    left = points.points[:, 0] < 0
    colors = np.where(left[:, None], [250, 20, 30], [10, 220, 40]).astype(np.uint8)
    mesh = fuse_points([OrientedPoints(points.points, points.normals, points.weights, colors)], VOXEL_M).mesh
    assert mesh.colors is not None
    for side, wanted in ((-1, [250, 20, 30]), (1, [10, 220, 40])):
        there = mesh.vertices[:, 0] * side > 0.01
        assert np.abs(mesh.colors[there].astype(int) - wanted).max() <= 1


def test_loose_crumbs_are_dropped() -> None:
    crumb = sheet(0.05, 1.0, 500, side=0.01)
    surface = fuse_points([together(sheet(0.0, 1.0), crumb)], VOXEL_M)
    assert surface.mesh.vertices[:, 2].max() < 0.01


def test_a_frames_points_reach_the_world() -> None:
    K = np.array([[300.0, 0, 80], [0, 300.0, 60], [0, 0, 1]])
    depth = DepthFrame(np.full((120, 160), 1.5, np.float32), K)
    points = frame_points(depth, np.ones((120, 160), bool), "azure-kinect")
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_euler("y", 90, degrees=True).as_matrix()
    pose[:3, 3] = [0.5, 1.0, -2.0]
    placed = oriented_points(points, pose)
    np.testing.assert_allclose(placed.points[:, 0], 2.0, atol=1e-5)
    np.testing.assert_allclose(placed.normals, np.tile([-1.0, 0, 0], (len(placed.points), 1)), atol=1e-5)
    np.testing.assert_allclose(placed.weights, points.trust / points.sigma_m**2, rtol=1e-5)


def test_what_makes_no_surface_is_refused() -> None:
    with pytest.raises(StageError, match="found no points"):
        SurfaceFusion(VOXEL_M).extract()
    lone = cloud(np.zeros((1, 3)), np.array([[0.0, 0.0, 1.0]]))
    with pytest.raises(StageError, match=r"make no surface at voxels of 3\.0 mm"):
        fuse_points([lone], VOXEL_M)
    with pytest.raises(InputError, match="must be above 0 metres"):
        SurfaceFusion(0.0)
    with pytest.raises(InputError, match="check the poses and the unit"):
        fuse_points([cloud(np.array([[0, 0, 0], [900.0, 900, 900]]), np.eye(3)[:2])], VOXEL_M)
    nothing = np.zeros((1, 3), np.float32)
    with pytest.raises(InputError, match="must be above 0; leave"):
        OrientedPoints(nothing, nothing, nothing[:, 0])
