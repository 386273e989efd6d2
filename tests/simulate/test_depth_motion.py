"""A standing person's motion: as large as asked for, smooth, about the reference pose, on feet that stand."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.body.poses import standard_pose
from bodyscan.geometry.normals import vertex_normals
from bodyscan.simulate.depth_motion import Motion, breath_field, person_motion
from bodyscan.simulate.depth_options import DepthRigOptions
from bodyscan.types import F64, BodyParams

SECONDS = 30.0


@cache
def reference() -> tuple[Any, BodyParams]:
    model = load_body_model("adult")
    betas = np.zeros(model.num_components)
    return model, BodyParams(betas, standard_pose(model, betas, "a"), np.array([0.0, 0.1, 0.0]))


def motion(seed: int = 0, count: int = 24, **options: Any) -> Motion:
    model, params = reference()
    times = SECONDS * np.arange(count) / count
    return person_motion(np.random.default_rng(seed), model, params, times, DepthRigOptions(**options))


def joints(found: Motion) -> F64:
    """(N, J, 3) metres."""
    model, params = reference()
    pairs = zip(found.pose_rotvec, found.translation, strict=True)
    return np.stack([model.pose(BodyParams(params.betas, pose, shift)).joints for pose, shift in pairs])


def greatest(places: F64) -> float:
    """Millimetres from the mean place."""
    return 1000 * float(np.linalg.norm(places - places.mean(axis=0), axis=1).max())


@pytest.mark.parametrize("size", [5.0, 25.0, 60.0])
def test_the_head_sways_as_far_as_asked_and_the_feet_stand(size):
    model, params = reference()
    found = motion(sway_mm=size)
    places = joints(found)
    assert greatest(places[:, model.joint_index("head")]) == pytest.approx(size, abs=1.0)
    still = model.pose(params)
    feet = np.array([name.endswith(("Foot", "Toes")) for name in model.joint_names])
    assert np.abs(places[:, feet] - still.joints[feet]).max() < 1e-6  # metres
    height = still.vertices[:, 1] - still.vertices[~model.inner, 1].min()
    soles = model.region("left_foot", "right_foot") & (height < 0.05)
    k = int(np.argmax(np.abs(found.translation - params.translation).sum(axis=1)))
    skin = model.pose(BodyParams(params.betas, found.pose_rotvec[k], found.translation[k])).vertices
    assert np.linalg.norm((skin - still.vertices)[soles], axis=1).max() < 1e-3


def test_wrists_drift_as_far_as_asked_in_the_chests_frame():
    model, params = reference()
    found = motion(arm_drift_mm=20.0, sway_mm=10.0)
    chest, hand = model.joint_index("upperChest"), model.joint_index("rightHand")
    places = []
    for pose, shift in zip(found.pose_rotvec, found.translation, strict=True):
        posed = model.pose(BodyParams(params.betas, pose, shift))
        frame = posed.world_from_rest[chest]
        places.append(frame[:, :3].T @ (posed.joints[hand] - frame[:, 3]))
    assert greatest(np.stack(places)) == pytest.approx(20.0, abs=1.0)


def test_breath_moves_the_front_of_the_chest_as_far_as_asked():
    found = motion(breath_mm=4.0)
    assert np.abs(found.breath_m).max() * 1000 == pytest.approx(4.0, abs=0.01)
    model, params = reference()
    field = breath_field(model, model.rest_vertices(params.betas))
    length = np.linalg.norm(field, axis=1)
    assert length.max() == pytest.approx(1.0)
    assert (field[length > 0.7, 2] > 0.6).all()  # forwards
    assert length[vertex_normals(model.template, model.faces)[:, 2] < -0.3].max() == 0  # not the back
    assert length[model.region("head", "left_foot", "left_hand", "right_hand")].max() < 0.1


def test_the_mean_of_the_motion_is_the_reference_pose():
    model, params = reference()
    places = joints(motion(sway_mm=25.0, arm_drift_mm=20.0, count=60))
    off = np.linalg.norm(places.mean(axis=0) - model.pose(params).joints, axis=1)
    assert off.max() < 5e-4  # metres: what is left is of second order


def test_the_motion_is_smooth():
    places = joints(motion(sway_mm=25.0, count=300))[:, reference()[0].joint_index("head")]
    speed = np.linalg.norm(np.diff(places, axis=0), axis=1) / (SECONDS / 300)
    assert speed.max() < 0.06  # metres a second
    assert 1000 * np.linalg.norm(np.diff(places, 2, axis=0), axis=1).max() < 1.0  # mm at 10 frames a second


def test_one_kind_of_motion_leaves_the_others_as_they_are():
    alone, together = motion(sway_mm=15.0), motion(sway_mm=15.0, breath_mm=3.0)
    np.testing.assert_array_equal(alone.pose_rotvec, together.pose_rotvec)
    arms = motion(arm_drift_mm=10.0)
    np.testing.assert_array_equal(arms.breath_m, 0.0)
    np.testing.assert_array_equal(arms.translation, motion().translation)


def test_seeds_decide():
    np.testing.assert_array_equal(motion(3, sway_mm=10.0).pose_rotvec, motion(3, sway_mm=10.0).pose_rotvec)
    assert np.abs(motion(3, sway_mm=10.0).translation - motion(4, sway_mm=10.0).translation).max() > 1e-3


def test_nobody_moves_unless_asked_or_in_a_single_picture():
    assert motion().is_still
    assert motion(count=1, sway_mm=25.0, arm_drift_mm=20.0, breath_mm=4.0).is_still
    assert not motion(breath_mm=1.0).is_still
