"""Simulated depth captures: what the frames show is what the truth says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.geometry.raycast import Raycaster
from bodyscan.simulate.depth import simulate_depth
from bodyscan.simulate.depth_options import DepthRigOptions
from bodyscan.simulate.depth_rig import DISC_HEIGHT_M
from bodyscan.simulate.raw import posed_person
from bodyscan.simulate.scene import HAIR

from .depth_captures import PERSON, capture, person, world_points

MOVING = {"sway_mm": 25.0, "arm_drift_mm": 20.0, "breath_mm": 4.0}


@pytest.fixture(scope="module")
def moving():
    return capture(seed=3, **MOVING)


def test_backprojected_ideal_depth_lies_on_the_true_surface_of_its_frame(moving):
    for k in (0, 3):
        points = world_points(moving.frames[k], moving.truth.world_from_camera[k])
        assert len(points) > 1500
        distance, _, _ = Raycaster(moving.truth.surface(k)).closest(points)
        assert distance.max() < 1e-4  # metres


def test_the_frames_of_a_moving_person_do_not_lie_on_the_reference_surface(moving):
    k = int(np.argmax(np.abs(moving.truth.motion.translation[:, 0])))
    points = world_points(moving.frames[k], moving.truth.world_from_camera[k])
    distance, _, _ = Raycaster(moving.truth.surface(None)).closest(points)
    assert np.percentile(distance, 90) > 1e-3


@pytest.mark.parametrize("rig", ["walk-around", "four-poles"])
def test_every_rig_tells_true_poses(rig):
    sim = capture(rig=rig, seed=2)
    caster = Raycaster(sim.truth.surface())
    for k in (1, 6):
        frame = sim.frames[k]
        assert frame.world_from_camera is not None
        np.testing.assert_allclose(frame.world_from_camera, sim.truth.world_from_camera[k], atol=1e-12)
        points = world_points(frame, frame.world_from_camera)
        assert len(points) > 1000
        assert caster.closest(points)[0].max() < 1e-4


def test_the_reference_is_the_person_whom_a_scanner_scans():
    names = ("body", "extra", "pose", "looks")
    seeds = np.random.SeedSequence(PERSON.seed).spawn(len(names))
    streams = {name: np.random.default_rng(seed) for name, seed in zip(names, seeds, strict=True)}
    params, _, skin, _, _ = posed_person(streams, person().model, PERSON)
    truth = capture().truth
    np.testing.assert_allclose(truth.skin(), skin, atol=1e-9)
    np.testing.assert_array_equal(truth.reference.pose_rotvec, params.pose_rotvec)


def test_skin_and_cloth_move_with_the_surface_that_cameras_see(moving):
    truth = moving.truth
    model = truth.person.model
    shown = ~model.inner & ~model.region("left_eye", "right_eye") & (truth.person.cover != HAIR)
    for k in (None, 4):
        caster = Raycaster(truth.surface(k))
        assert caster.closest(truth.outer(k)[shown])[0].max() < 1e-5  # metres
        bare = shown & (truth.person.cover == 0)
        assert caster.closest(truth.skin(k)[bare])[0].max() < 1e-5


def test_still_people_look_the_same_at_every_frame():
    truth = capture().truth
    assert truth.motion.is_still
    np.testing.assert_array_equal(truth.surface(5).vertices, truth.surface(None).vertices)
    np.testing.assert_array_equal(truth.params[5].pose_rotvec, truth.reference.pose_rotvec)


def test_the_person_stands_on_the_ground_and_faces_forwards():
    truth = capture().truth
    skin = truth.skin()[~truth.person.model.inner]
    assert skin[:, 1].min() == pytest.approx(0.0, abs=1e-9)
    toes, heels = (
        truth.person.model.pose(truth.reference).joints[truth.person.model.joint_index(name)]
        for name in ("leftToes", "leftFoot")
    )
    assert toes[2] > heels[2]


def test_the_same_options_give_the_same_bytes_in_any_order(moving):
    again = capture(seed=3, **MOVING)
    noisy, noisy_again = (capture(sensor="azure-kinect", seed=9) for _ in range(2))
    for one, other in ((moving, again), (noisy, noisy_again)):
        later = other.frames[4]
        for k in (4, 1):
            frame, same = one.frames[k], (later if k == 4 else other.frames[k])
            assert frame.depth_m.tobytes() == same.depth_m.tobytes()
            assert frame.color is not None
            assert same.color is not None
            assert frame.color.tobytes() == same.color.tobytes()
    assert moving.capture().sha256 == again.capture().sha256 != noisy.capture().sha256


def test_another_seed_gives_another_motion(moving):
    other = capture(seed=4, **MOVING)
    assert np.abs(other.truth.motion.translation - moving.truth.motion.translation).max() > 1e-3


def test_a_turntable_turns_the_person_before_a_camera_that_stands():
    sim = capture(background="floor")
    poses = sim.truth.world_from_camera
    eyes = poses[:, :3, 3]
    assert np.ptp(eyes[:, 1]) < 1e-12  # metres
    around = np.unwrap(np.arctan2(eyes[:, 0], eyes[:, 2]))
    # The person turns to their left: the camera comes by their right, which is at -X.
    assert np.diff(around).mean() == pytest.approx(-2 * np.pi / 8, rel=0.01)
    # The floor, which turns against the person, is the same picture in all frames.
    ground = [world_points(frame, pose)[:, 1] for frame, pose in zip(sim.frames[:2], poses[:2], strict=True)]
    for heights in ground:
        assert heights.min() == pytest.approx(-DISC_HEIGHT_M, abs=1e-4)
    # Its first rows show the same: nobody stands there.
    np.testing.assert_allclose(sim.frames[0].depth_m[-1], sim.frames[4].depth_m[-1], atol=1e-5)


@pytest.mark.parametrize("background", ["none", "floor", "room"])
def test_backgrounds_stand_behind_the_person(background):
    sim, alone = capture(background=background, rig="walk-around"), capture(rig="walk-around")
    frame, plain = sim.frames[2], alone.frames[2]
    seen = plain.depth_m > 0
    np.testing.assert_array_equal(frame.depth_m[seen], plain.depth_m[seen])
    share = float((frame.depth_m > 0).mean())
    expected = {"none": (seen.mean(), seen.mean()), "floor": (seen.mean() + 0.1, 0.9), "room": (0.75, 1.0)}
    assert expected[background][0] <= share <= expected[background][1]


def test_the_whole_person_is_in_every_picture():
    for rig in ("turntable", "walk-around", "four-poles"):
        for sensor in ("ideal", "iphone-lidar"):
            sim = capture(rig=rig, sensor=sensor, width=96, height=108)
            for frame in sim.frames[1::4]:
                seen = frame.depth_m > 0
                assert not seen[[0, -1]].any()
                assert not seen[:, [0, -1]].any()


def test_a_share_of_a_turn_never_closes():
    eyes = capture(turns=0.5).truth.world_from_camera[:, :3, 3]
    first, last = (eye[[0, 2]] / np.linalg.norm(eye[[0, 2]]) for eye in (eyes[0], eyes[-1]))
    assert first @ last < -0.85


def test_four_poles_stand_still_and_take_four_pictures_at_once():
    sim = capture(rig="four-poles", pose_noise_mm=10, pose_noise_deg=1, **MOVING)
    truth = sim.truth
    assert truth.cameras == ("pole-1", "pole-2", "pole-3", "pole-4") * 2
    np.testing.assert_array_equal(truth.times_s, np.repeat([0.0, 15.0], 4))
    np.testing.assert_array_equal(truth.world_from_camera[:4], truth.world_from_camera[4:])
    np.testing.assert_array_equal(truth.told[:4], truth.told[4:])
    np.testing.assert_array_equal(truth.skin(0), truth.skin(3))
    assert np.abs(truth.skin(0) - truth.skin(4)).max() > 1e-3
    assert sim.frames[6].camera == "pole-3"


def test_pose_noise_is_as_large_as_told():
    sim = capture(frames=150, distance_m=2.0, pose_noise_mm=10, pose_noise_deg=1)
    off = sim.truth.told[:, :3, 3] - sim.truth.world_from_camera[:, :3, 3]
    assert off.std() * 1000 == pytest.approx(10, rel=0.15)
    turn = sim.truth.world_from_camera[:, :3, :3].transpose(0, 2, 1) @ sim.truth.told[:, :3, :3]
    angles = np.degrees(np.arccos(np.clip((np.trace(turn, axis1=1, axis2=2) - 1) / 2, -1, 1)))
    assert np.sqrt((angles**2).mean() / 3) == pytest.approx(1, rel=0.15)
    assert sim.frames[7].world_from_camera is not None
    np.testing.assert_allclose(sim.frames[7].world_from_camera, sim.truth.told[7], atol=1e-12)


def test_frames_load_when_asked_and_slice_like_a_list(moving):
    assert len(moving.frames) == 8
    assert [frame.name for frame in moving.frames[1:7:3]] == ["frame_0001", "frame_0004"]
    assert moving.frames[-1].name == "frame_0007"
    with pytest.raises(IndexError):
        moving.frames[8]


def test_a_capture_is_what_a_reader_hands_over():
    told = capture(sensor="azure-kinect").capture()
    assert (told.sensor, told.file_format, len(told.frames)) == ("azure-kinect", "simulated", 8)
    assert told.up is not None
    np.testing.assert_array_equal(told.up, [0, 1, 0])
    silent = capture(give_poses=False).capture()
    assert silent.up is None
    assert silent.frames[0].world_from_camera is None


def test_colours_are_the_persons(moving):
    frame = moving.frames[0]
    seen = frame.depth_m > 0
    mean = np.asarray(person().colors, float).mean(axis=0)
    assert np.abs(frame.color[seen].mean(axis=0) - mean).max() < 40  # of 255
    assert (frame.color[~seen] == 104).all()


def test_a_floor_of_the_scanned_person_is_refused():
    with pytest.raises(InputError, match=r"give DepthRigOptions\.background"):
        simulate_depth(replace(PERSON, floor="disc"), DepthRigOptions())


def test_a_frame_that_is_not_there_is_refused(moving):
    with pytest.raises(InputError, match="There is no frame 8; the capture has 8"):
        moving.truth.surface(8)
