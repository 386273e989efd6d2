"""A depth camera's error over the distance: found from frames of a person, taken off, never invented."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodyscan.geometry.rigid import rigid_inverse
from bodyscan.reconstruct.depth.range_error import RangeError, distances_m
from bodyscan.reconstruct.depth.track import TrackOptions, given_trajectory, track_frames
from bodyscan.types import FramePoints
from reconstruct.depth_rings import frames, person, placed, ring

WAVE_M, HEIGHT_M = 0.31, 0.002


def wiggle(distance_m: np.ndarray) -> np.ndarray:
    """Metres."""
    return HEIGHT_M * np.sin(2 * np.pi * distance_m / WAVE_M)


def with_wiggle(frame: FramePoints) -> FramePoints:
    distance = distances_m(frame.points)
    factor = 1 + wiggle(distance) / distance
    return replace(frame, points=(frame.points * factor[:, None]).astype(np.float32))


def without_line(distance: np.ndarray, error: np.ndarray) -> np.ndarray:
    """What is left of an error when its mean and slope over the points, which nothing tells, are gone."""
    return error - np.polyval(np.polyfit(distance, error, 1), distance)


@pytest.fixture(scope="module")
def circle():
    poses = ring(24)
    return poses, frames(poses, noise_m=0.001)


@pytest.fixture(scope="module")
def wavy(circle):
    poses, seen = circle
    return poses, [with_wiggle(frame) for frame in seen]


def left_over_mm(curve: RangeError, seen: list[FramePoints]) -> float:
    """Root mean square of true error less found error over the points, without mean and slope."""
    distance = np.concatenate([distances_m(frame.points) for frame in seen])
    return 1000 * float(np.std(without_line(distance, wiggle(distance) - curve.at(distance))))


def test_the_basis_adds_up_to_one_everywhere(circle):
    curve = RangeError.none(circle[1])
    distance = np.linspace(0.5, 4.0, 500)
    np.testing.assert_allclose(curve.basis(distance).sum(axis=1), 1.0, atol=1e-12)
    level = curve.changed(np.full(len(curve.values_m), 0.003))
    np.testing.assert_allclose(level.at(distance), 0.003, atol=1e-12)
    assert curve.greatest_m == 0
    assert level.greatest_m == pytest.approx(0.003)


def test_points_go_along_their_rays_by_the_error_and_nothing_else_changes(circle):
    frame = circle[1][0]
    curve = RangeError.none(circle[1])
    curve = curve.changed(np.random.default_rng(3).normal(scale=0.002, size=len(curve.values_m)))
    corrected = curve.corrected(frame)
    before, after = distances_m(frame.points), distances_m(corrected.points)
    np.testing.assert_allclose(before - after, curve.at(before), atol=1e-6)  # metres, float32
    np.testing.assert_allclose(corrected.points / after[:, None], frame.points / before[:, None], atol=1e-6)
    assert corrected.normals is frame.normals or np.array_equal(corrected.normals, frame.normals)


def test_a_wiggle_is_found_with_given_poses(wavy):
    poses, seen = wavy
    placed_frames = [replace(f, world_from_camera=p) for f, p in zip(seen, poses, strict=True)]
    found = given_trajectory(placed_frames, poses, exactly=True).range_error
    assert found is not None
    nothing = RangeError.none(seen)
    assert left_over_mm(nothing, seen) > 1.0
    assert left_over_mm(found, seen) < 0.4


def test_a_wiggle_is_found_while_tracking_and_the_poses_gain_by_it(wavy):
    poses, seen = wavy
    found = track_frames(seen)
    plain = track_frames(seen, TrackOptions(range_error=False))
    assert plain.range_error is None
    assert found.range_error is not None
    assert left_over_mm(found.range_error, seen) < 0.5
    assert np.median(found.pair_rms_mm) < np.median(plain.pair_rms_mm)
    assert placed(found.world_from_camera, poses).mean() < placed(plain.world_from_camera, poses).mean()


def test_where_there_is_no_error_next_to_none_is_found(circle):
    found = track_frames(circle[1]).range_error
    assert found is not None
    distance = np.concatenate([distances_m(frame.points) for frame in circle[1]])
    assert 1000 * float(np.std(found.at(distance))) < 0.3  # of noise of 1 mm and pixels of 13 mm


def test_sway_between_exact_poses_is_no_error_of_the_sensor():
    poses = ring(24)
    way = np.random.default_rng(5).normal(scale=0.006, size=(24, 3)) * [1.0, 0.0, 1.0]
    seen = frames(poses, lambda k: replace(person(), translation=way[k]), noise_m=0.001)
    found = given_trajectory(seen, poses, exactly=True)
    assert found.range_error is not None
    kept = found.world_from_camera
    np.testing.assert_allclose(rigid_inverse(kept[0]) @ kept, rigid_inverse(poses[0]) @ poses, atol=1e-9)
    distance = np.concatenate([distances_m(frame.points) for frame in seen])
    assert 1000 * float(np.std(found.range_error.at(distance))) < 0.35


def test_scale_and_offset_are_taken_for_right(circle):
    # All distances longer by one share: a larger person, and no camera alone can tell.
    larger = [replace(frame, points=frame.points * np.float32(1.003)) for frame in circle[1]]
    found = track_frames(larger).range_error
    plain = track_frames(circle[1]).range_error
    assert found is not None
    assert plain is not None
    distance = np.concatenate([distances_m(frame.points) for frame in circle[1]])
    gap = found.at(1.003 * distance) - plain.at(distance)
    assert 1000 * float(np.abs(gap).mean()) < 0.15
