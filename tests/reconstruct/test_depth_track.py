"""Camera poses around a person: found, closed, checked, and refused where they cannot be known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from bodyscan.errors import InputError, StageError
from bodyscan.geometry.rigid import rigid_inverse
from bodyscan.reconstruct.depth.align import align_pair, small_motion
from bodyscan.reconstruct.depth.surfels import make_surfels
from bodyscan.reconstruct.depth.track import TrackOptions, given_trajectory, track_frames
from reconstruct.depth_rings import frames, placed, ring


@pytest.fixture(scope="module")
def circle():
    poses = ring(24)
    return poses, frames(poses, noise_m=0.001)


def test_a_full_turn_is_followed_and_closed(circle):
    poses, seen = circle
    found = track_frames(seen)
    assert placed(found.world_from_camera, poses).mean() < 0.0012  # metres
    assert found.closed
    assert found.is_all_around
    assert found.total_turn_deg == pytest.approx(345.0, abs=0.5)
    assert found.loop_rms_mm < 2.5


def test_the_world_is_upright_with_the_person_on_its_axis(circle):
    _, seen = circle
    found = track_frames(seen)
    eyes = found.world_from_camera[:, :3, 3]
    assert np.ptp(eyes[:, 1]) < 0.005  # all cameras stood at one height
    assert eyes[:, 1].mean() == pytest.approx(1.0, abs=0.08)
    np.testing.assert_allclose(np.hypot(eyes[:, 0], eyes[:, 2]), 1.9, atol=0.06)


def test_a_turn_the_other_way_is_followed_alike(circle):
    poses, seen = circle
    found = track_frames(seen[::-1])
    assert placed(found.world_from_camera, poses[::-1]).mean() < 0.0012


def test_an_open_turn_is_told(circle):
    _, seen = circle
    found = track_frames(seen[:14])
    assert not found.closed
    assert not found.is_all_around
    assert found.total_turn_deg == pytest.approx(13 * 15.0, abs=1.0)


def test_frames_that_do_not_follow_are_named(circle):
    _, seen = circle
    with pytest.raises(StageError, match="frame_012"):
        track_frames([seen[k] for k in (0, 12, 6, 18, 3, 15, 9, 21)])


def test_what_does_not_follow_is_left_out(circle):
    poses, seen = circle
    kept = [k for k in range(24) if k != 7]
    # Somebody steps in from elsewhere, a frame in the middle is broken, somebody steps out.
    mixed = [seen[12], seen[15], *seen[:7], seen[19], *seen[8:], seen[10], seen[4]]
    found = track_frames(mixed)
    assert found.kept == (*range(2, 9), *range(10, 26))
    assert found.is_all_around
    assert placed(found.world_from_camera, poses[kept]).mean() < 0.0012  # metres
    assert found.notes == (
        "Left out, because they do not follow the others: frame_012, frame_015, frame_019 ... (5 of 28).",
    )
    assert found.lost.startswith("The frame frame_015 does not fit the one before it (frame_012)")
    assert track_frames(seen).kept is None


def test_a_turn_that_is_broken_off_is_told_with_the_frame(circle):
    _, seen = circle
    found = track_frames([*seen[:14], *seen[20:]])
    assert found.kept == tuple(range(14))
    assert not found.is_all_around
    assert "frame_020 does not fit the one before it (frame_013)" in found.lost


def test_one_frame_is_no_capture(circle):
    with pytest.raises(InputError, match="two frames"):
        track_frames(circle[1][:1])


def test_given_poses_stay_where_they_are_right(circle):
    poses, seen = circle
    found = given_trajectory(seen, poses)
    assert placed(found.world_from_camera, poses).max() < 1e-9
    assert found.is_all_around
    assert found.notes == ()


def test_given_poses_that_drifted_are_moved_and_this_is_said(circle):
    poses, seen = circle
    rng = np.random.default_rng(3)
    off = np.array(
        [pose @ small_motion(np.r_[rng.normal(0, 0.004, 3), rng.normal(0, 0.006, 3)]) for pose in poses]
    )
    found = given_trajectory(seen, off)
    assert placed(off, poses).mean() > 0.008
    assert placed(found.world_from_camera, poses).mean() < 0.0015
    assert "Cameras were moved" in found.notes[0]
    kept = given_trajectory(seen, off, exactly=True)
    assert placed(kept.world_from_camera, off).max() < 1e-9


def test_a_pair_lands_where_it_belongs_whatever_the_world_is_called(circle):
    poses, seen = circle
    moving, fixed = make_surfels(seen[1], 2000), make_surfels(seen[0], 2000)
    true = rigid_inverse(poses[0]) @ poses[1]
    found = align_pair(moving, fixed, np.eye(4))
    assert found is not None
    turn = Rotation.from_matrix(found.fixed_from_moving[:3, :3].T @ true[:3, :3]).magnitude()
    assert np.degrees(turn) < 0.25
    assert found.overlap > 0.5


@pytest.mark.parametrize("samples", [10, 10**6])
def test_options_are_checked(samples):
    with pytest.raises(InputError, match="samples"):
        TrackOptions(samples=samples)
