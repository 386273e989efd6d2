"""One body through a capture: the motion of known people comes back, and their shape."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bodyscan.errors import InputError
from bodyscan.fit.linearize import Linearization
from bodyscan.fit.sequence import (
    POSE_LEVELS,
    SURFACE_LEVELS,
    SequenceLevel,
    SequenceOptions,
    _tridiagonal,
    between_keys,
    fit_sequence,
    key_frames,
    mean_params,
    sequence_unknowns,
)
from bodyscan.fit.start import betas_of_stature
from bodyscan.geometry.normals import vertex_normals
from bodyscan.reconstruct.depth.range_error import RangeError, distances_m
from bodyscan.types import BodyParams, FramePoints
from reconstruct.depth_rings import body_model, frames, person, ring
from reconstruct.test_depth_range_error import left_over_mm, with_wiggle

COUNT = 18
OPTIONS = SequenceOptions(vertices=1500, points=600)
ROUGH = SequenceLevel((0.02, 0.01), 0, 3)


def swaying(k: int) -> BodyParams:
    """The person in frame k: leans by up to 1.5 degrees, the arms go up and down by up to 4."""
    model, params = body_model(), person()
    pose = params.pose_rotvec.copy()
    wave = np.sin(2 * np.pi * k / 9.0)
    pose[model.joint_index("hips"), 0] += np.radians(1.5) * wave
    pose[model.joint_index("leftUpperArm"), 2] += np.radians(4.0) * wave
    pose[model.joint_index("rightUpperArm"), 2] += np.radians(4.0) * np.cos(2 * np.pi * k / 7.0)
    return replace(params, pose_rotvec=pose, translation=np.array([0.004 * wave, 0, 0.006 * wave]))


TRUE = [swaying(k) for k in range(COUNT)]


def thicker(betas: np.ndarray) -> np.ndarray:
    """The shape, of the same joints as far as may be, whose skin lies about 5 mm farther out."""
    model = body_model()
    rest = model.rest_vertices(betas)
    seen = ~model.inner
    wanted = (vertex_normals(rest, model.faces) * 0.005)[seen].reshape(-1)
    columns = model.shape_dirs[:40][:, seen].reshape(40, -1).T.astype(np.float64)
    step = np.linalg.lstsq(columns, wanted, rcond=None)[0]
    out = betas.copy()
    out[:40] += step
    return out


def depth_spread_mm(found, poses) -> float:
    """How far, along the view, each frame moved the chest from where it is, root mean square over frames."""
    joint = body_model().joint_index("chest")
    ways = []
    for got, true, pose in zip(found, TRUE, poses, strict=True):
        way = body_model().pose(got).joints[joint] - body_model().pose(true).joints[joint]
        ways.append(1000 * float(way @ pose[:3, 2]))
    return float(np.sqrt(np.mean(np.square(ways))))


def test_key_frames_are_even_and_instants_stay_whole():
    frames_ = [replace(frame, camera=f"pole_{k % 2}", time_s=k // 2) for k, frame in enumerate(some(12))]
    assert key_frames(frames_, 3) == [0, 1, 4, 5, 10, 11]
    assert key_frames(some(5), 9) == [0, 1, 2, 3, 4]


def some(count: int):
    empty = np.zeros((0, 3), np.float32)
    none = np.zeros(0, np.float32)
    index = np.full((1, 1), -1, np.int32)
    return [FramePoints(empty, empty, none, none, index, (0, 0), np.eye(3)) for _ in range(count)]


def test_poses_between_keys_lie_between_them():
    first, last = person(), replace(person(), translation=np.array([0.4, 0.0, 0.0]))
    found = between_keys([0, 4], [first, last], 6)
    np.testing.assert_allclose([p.translation[0] for p in found], [0, 0.1, 0.2, 0.3, 0.4, 0.4])
    alone = between_keys([2], [first], 4)
    assert all(np.array_equal(p.pose_rotvec, first.pose_rotvec) for p in alone)


@pytest.fixture(scope="module")
def moving():
    poses = ring(COUNT)
    return poses, frames(poses, swaying, noise_m=0.001)


def joints(params: BodyParams) -> np.ndarray:
    model = body_model()
    names = ("head", "upperChest", "hips", "leftHand", "rightHand", "leftFoot", "rightFoot")
    return model.pose(params).joints[[model.joint_index(name) for name in names]]


def test_the_motion_of_a_known_body_comes_back(moving):
    poses, seen = moving
    found = fit_sequence(seen, poses, body_model(), person(), OPTIONS, (ROUGH, *POSE_LEVELS))
    off = [np.linalg.norm(joints(got) - joints(swaying(k)), axis=1) for k, got in enumerate(found.params)]
    still = [np.linalg.norm(joints(person()) - joints(swaying(k)), axis=1) for k in range(COUNT)]
    assert np.mean(off) < 0.003  # metres
    assert np.mean(still) > 0.008  # what a rigid capture would be off
    assert found.rms_mm < 2.5


@pytest.mark.slow
def test_shape_and_motion_come_back_together(moving):
    poses, seen = moving
    model, true = body_model(), person()
    stature = float(np.ptp(model.rest_vertices(true.betas)[~model.inner, 1]))
    start = replace(true, betas=betas_of_stature(model, stature))
    found = fit_sequence(seen, poses, model, start, OPTIONS)
    outer = ~model.inner
    before, after = (
        np.linalg.norm((model.rest_vertices(p.betas) - model.rest_vertices(true.betas))[outer], axis=1).mean()
        for p in (start, found.mean)
    )
    assert after < 0.3 * before
    assert after < 0.006  # metres
    assert all(np.array_equal(p.betas, found.mean.betas) for p in found.params)


def test_a_wrong_surface_does_not_draw_the_frames_onto_itself(moving):
    # The same person, thicker: what each frame sees lies inside the body, which would go away from it.
    poses, seen = moving
    starts = [replace(true, betas=thicker(true.betas)) for true in TRUE]
    alone, together = (
        depth_spread_mm(fit_sequence(seen, poses, body_model(), starts, OPTIONS, levels).params, poses)
        for levels in (POSE_LEVELS, SURFACE_LEVELS)
    )
    assert alone > 1.0
    assert together < 0.6 * alone


@pytest.mark.slow
def test_the_sensors_error_is_found_with_the_motion(moving):
    poses, seen = moving
    wavy = [with_wiggle(frame) for frame in seen]
    none = RangeError.none(wavy)
    found = fit_sequence(wavy, poses, body_model(), TRUE, OPTIONS, SURFACE_LEVELS, none)
    assert left_over_mm(none, wavy) > 1.2  # millimetres, of a wiggle of 2
    assert left_over_mm(found.curve, wavy) < 0.5 * left_over_mm(none, wavy)
    plain = fit_sequence(seen, poses, body_model(), TRUE, OPTIONS, SURFACE_LEVELS, RangeError.none(seen))
    distance = np.concatenate([distances_m(frame.points) for frame in seen])
    assert np.std(plain.curve.at(distance)) < 0.0004  # metres: none is invented


def test_poses_alone_leave_the_sensors_error_as_it_was(moving):
    poses, seen = moving
    curve = RangeError.none(seen)
    assert fit_sequence(seen, poses, body_model(), TRUE, OPTIONS, POSE_LEVELS, curve).curve is curve
    assert fit_sequence(seen, poses, body_model(), TRUE, OPTIONS, POSE_LEVELS).curve is None


def test_somebody_who_stands_still_is_left_in_peace():
    poses = ring(10)
    seen = frames(poses, noise_m=0.001)
    found = fit_sequence(seen, poses, body_model(), person(), OPTIONS, POSE_LEVELS)
    away = [np.linalg.norm(joints(p) - joints(person()), axis=1).mean() for p in found.params]
    assert np.mean(away) < 0.002  # metres


def test_cameras_that_look_at_one_instant_share_one_pose():
    poses = ring(4)
    seen = [replace(frame, camera=f"pole_{k}", time_s=0.0) for k, frame in enumerate(frames(poses))]
    found = fit_sequence(seen, poses, body_model(), person(), OPTIONS, POSE_LEVELS)
    assert all(p is found.params[0] for p in found.params)


def test_the_block_system_is_solved_exactly():
    rng = np.random.default_rng(0)
    diagonal = np.array([a @ a.T + 9 * np.eye(4) for a in rng.normal(size=(6, 4, 4))])
    links, right = rng.uniform(0.5, 2, (5, 4)), rng.normal(size=(6, 4, 3))
    dense = np.zeros((24, 24))
    for k in range(6):
        dense[4 * k : 4 * k + 4, 4 * k : 4 * k + 4] = diagonal[k]
    for k in range(5):
        dense[4 * k : 4 * k + 4, 4 * k + 4 : 4 * k + 8] = -np.diag(links[k])
        dense[4 * k + 4 : 4 * k + 8, 4 * k : 4 * k + 4] = -np.diag(links[k])
    want = np.linalg.solve(dense, right.reshape(24, 3)).reshape(6, 4, 3)
    np.testing.assert_allclose(_tridiagonal(diagonal, links, right), want, atol=1e-10)


def test_rows_without_shape_are_those_with_it_cut_short():
    model, params = body_model().at_vertices(np.arange(0, 5000, 50)), person()
    normals = np.tile([0.0, 0.6, 0.8], (100, 1))
    full = Linearization(model, params, sequence_unknowns(model, 7)).normal_rows(normals)
    short = Linearization(model, params, sequence_unknowns(model, 0)).normal_rows(normals)
    np.testing.assert_allclose(short, full[:, :-7], atol=1e-6)


def test_the_mean_keeps_the_shape():
    mean = mean_params([swaying(k) for k in range(9)])
    np.testing.assert_allclose(mean.pose_rotvec[0], person().pose_rotvec[0], atol=1e-9)
    assert mean.betas is person().betas or np.array_equal(mean.betas, person().betas)


def test_frames_and_poses_must_go_together(moving):
    poses, seen = moving
    with pytest.raises(InputError, match="18 frames and 17 poses"):
        fit_sequence(seen, poses[1:], body_model(), person(), OPTIONS)
    with pytest.raises(InputError, match="key_instants"):
        SequenceOptions(key_instants=1)
