"""From a capture's frames to the person's points and the cameras' places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodyscan.errors import InputError, StageError
from bodyscan.pipeline.depth_frames import camera_poses, person_frames, require_all_around, ups_in_world
from bodyscan.pipeline.depth_options import DepthOptions
from bodyscan.types import DepthCapture
from reconstruct.depth_rings import pictures, ring


@pytest.fixture(scope="module")
def around():
    poses = ring(8)
    return poses, pictures(poses)


@pytest.fixture(scope="module")
def walked_in():
    frames = pictures(ring(16))
    return [replace(frames[8], name="in_0"), replace(frames[11], name="in_1"), *frames]


def with_poses(around):
    poses, frames = around
    return [replace(frame, world_from_camera=pose) for frame, pose in zip(frames, poses, strict=True)]


def test_gravity_of_the_sensor_is_brought_to_each_camera(around):
    up = np.array([0.0, 1.0, 0.0])
    found = person_frames(DepthCapture(with_poses(around), "ideal", up=up), DepthOptions())
    assert found.ups is not None
    for frame, up_in_camera in zip(found.frames, found.ups, strict=True):
        assert frame.world_from_camera is not None
        np.testing.assert_allclose(frame.world_from_camera[:3, :3] @ up_in_camera, up, atol=1e-12)


def test_no_floor_and_no_sensor_tell_no_direction(around):
    found = person_frames(DepthCapture(around[1], "ideal"), DepthOptions())
    assert found.ups is None
    _, trajectory, how = camera_poses(
        person_frames(DepthCapture(with_poses(around), "ideal"), DepthOptions()), DepthOptions(poses="given")
    )
    assert how == "given"
    assert ups_in_world(found, trajectory, how) is None


def test_of_many_frames_some_are_taken_evenly(around):
    many = [around[1][k % 8] for k in range(24)]
    found = person_frames(DepthCapture(many, "ideal"), DepthOptions(max_frames=12))
    assert found.ids == (0, 2, 4, 6, 8, 10, 13, 15, 17, 19, 21, 23)
    assert "12 of 24 frames" in found.notes[0]


def test_poses_that_are_asked_for_and_missing_are_named(around):
    found = person_frames(DepthCapture(around[1], "ideal"), DepthOptions())
    with pytest.raises(InputError, match="frame_000 has no pose"):
        camera_poses(found, DepthOptions(poses="given"))


def test_several_cameras_without_poses_are_refused(around):
    frames = [replace(frame, camera=f"pole_{k % 4}") for k, frame in enumerate(around[1])]
    found = person_frames(DepthCapture(frames, "ideal"), DepthOptions())
    with pytest.raises(InputError, match="calibrate the rig"):
        camera_poses(found, DepthOptions())


def test_half_a_turn_is_refused_with_its_ends(around):
    half = with_poses(around)[:4]
    found = person_frames(DepthCapture(half, "ideal"), DepthOptions())
    _, trajectory, _ = camera_poses(found, DepthOptions(poses="given"))
    with pytest.raises(StageError, match=r"from frame_000 to frame_003 the camera went 135 degrees"):
        require_all_around(found, trajectory)


def test_frames_that_do_not_follow_are_no_part_of_the_person(walked_in):
    found = person_frames(DepthCapture(walked_in, "ideal"), DepthOptions())
    assert len(found.frames) == 18
    person, trajectory, how = camera_poses(found, DepthOptions())
    assert how == "tracked"
    assert person.ids == tuple(range(2, 18))
    assert [frame.name for frame in person.frames] == [f"frame_{k:03d}" for k in range(16)]
    assert len(trajectory.world_from_camera) == 16
    require_all_around(person, trajectory)


def test_a_turn_that_is_broken_off_names_the_frame(walked_in):
    frames = [*walked_in[2:12], *walked_in[15:]]
    person, trajectory, _ = camera_poses(
        person_frames(DepthCapture(frames, "ideal"), DepthOptions()), DepthOptions()
    )
    with pytest.raises(StageError, match=r"frame_013 does not fit the one before it \(frame_009\)"):
        require_all_around(person, trajectory)


def test_nobody_near_enough_is_refused(around):
    poses, frames = around
    tiny = [
        replace(frame, depth_m=np.where(np.arange(192)[:, None] < 45, frame.depth_m, 0)) for frame in frames
    ]
    with pytest.raises(InputError):
        person_frames(DepthCapture(tiny, "ideal"), DepthOptions())
    del poses


@pytest.mark.parametrize(
    ("name", "value"), [("poses", "guess"), ("motion", "float"), ("voxel_mm", 0.1), ("max_frames", 3)]
)
def test_options_are_checked(name, value):
    with pytest.raises(InputError, match=f"DepthOptions.{name}"):
        DepthOptions(**{name: value})
