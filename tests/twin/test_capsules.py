from __future__ import annotations

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.body.poses import standard_pose
from bodyscan.errors import InputError
from bodyscan.rig.body_rig import rig_body
from bodyscan.twin.capsules import CAPSULE_JOINTS, _distance, bone_capsules, signed_distance
from bodyscan.twin.split import split_at_seams
from bodyscan.types import BodyParams, Capsule, Rig, Skeleton
from rig.people import fit_of

MODEL = load_body_model("adult")
CONE = Capsule("x", np.array([0.1, 0.2, 0.3]), np.array([0.1, 0.7, 0.5]), 0.12, 0.05)


def _mean_rig() -> Rig:
    betas = np.zeros(MODEL.num_components)
    return rig_body(MODEL, fit_of(MODEL, BodyParams(betas, standard_pose(MODEL, betas, "a"), np.zeros(3))))


@pytest.fixture(scope="module")
def rig() -> Rig:
    return _mean_rig()


@pytest.fixture(scope="module")
def capsules(rig) -> dict[str, Capsule]:
    return {capsule.joint: capsule for capsule in bone_capsules(MODEL, rig)}


def test_the_distance_is_that_of_the_nearest_ball_of_the_sweep():
    points = np.random.default_rng(0).normal(0.3, 0.4, (300, 3))
    shares = np.linspace(0, 1, 4001)
    centres = CONE.start + shares[:, None] * (CONE.end - CONE.start)
    radii = CONE.start_radius_m + shares * (CONE.end_radius_m - CONE.start_radius_m)
    balls = np.linalg.norm(points[:, None] - centres[None], axis=2) - radii
    assert np.abs(signed_distance(points, CONE) - balls.min(axis=1)).max() < 1e-5


def test_a_ball_within_the_other_does_not_count():
    ball = Capsule("x", np.zeros(3), np.array([0.0, 0.01, 0.0]), 0.2, 0.05)
    points = np.random.default_rng(1).normal(size=(50, 3))
    assert np.abs(signed_distance(points, ball) - (np.linalg.norm(points, axis=1) - 0.2)).max() < 1e-12


def test_the_derivative_is_that_of_the_distance():
    points = np.random.default_rng(2).normal(0.3, 0.4, (40, 3))
    x = np.concatenate([CONE.start, CONE.end, [CONE.start_radius_m, CONE.end_radius_m]])
    by = _distance(points, x)[1]
    for k, step in enumerate(1e-6 * np.eye(8)):
        numeric = (_distance(points, x + step)[0] - _distance(points, x - step)[0]) / 2e-6
        assert np.abs(by[:, k] - numeric).max() < 1e-5


def test_every_main_bone_has_one_and_together_they_fill_the_person(rig, capsules):
    assert tuple(capsules) == CAPSULE_JOINTS
    skin = ~(MODEL.inner | MODEL.region("left_eye", "right_eye", "teeth", "tongue"))
    distance = np.min([signed_distance(rig.mesh.vertices[skin], c) for c in capsules.values()], axis=0)
    assert 0.80 < (distance <= 0).mean() < 0.97
    assert np.maximum(distance, 0).mean() < 0.001  # metres
    assert np.abs(distance).mean() < 0.015


def test_a_limbs_capsule_lies_along_its_bone(rig, capsules):
    names, positions = rig.skeleton.joint_names, rig.skeleton.positions
    for bone, end in (("leftUpperArm", "leftLowerArm"), ("rightLowerLeg", "rightFoot")):
        line = positions[names.index(end)] - positions[names.index(bone)]
        axis = capsules[bone].end - capsules[bone].start
        assert axis @ line > 0.97 * np.linalg.norm(axis) * np.linalg.norm(line)


def test_a_symmetric_person_has_nearly_symmetric_capsules(capsules):
    flip = np.array([-1.0, 1.0, 1.0])
    for part in ("UpperArm", "LowerArm", "UpperLeg", "LowerLeg", "Foot", "Hand", "Shoulder"):
        left, right = capsules[f"left{part}"], capsules[f"right{part}"]
        assert abs(left.start_radius_m - right.start_radius_m) < 0.006
        assert abs(left.end_radius_m - right.end_radius_m) < 0.006
        middle = [(c.start + c.end) / 2 for c in (left, right)]
        assert np.linalg.norm(middle[0] - middle[1] * flip) < 0.015


def test_a_split_rig_gives_nearly_the_same_capsules(rig, capsules):
    split, _, _ = split_at_seams(MODEL, rig, ())
    for capsule in bone_capsules(MODEL, split):
        assert abs(capsule.start_radius_m - capsules[capsule.joint].start_radius_m) < 0.012


def test_a_skeleton_without_the_main_bones_is_refused(rig):
    renamed = tuple(f"bone_{k}" for k in range(len(rig.skeleton.joint_names)))
    other = Skeleton(renamed, rig.skeleton.parents, rig.skeleton.positions)
    with pytest.raises(InputError, match="capsules need the VRM humanoid names"):
        bone_capsules(MODEL, Rig(rig.mesh, other, rig.joint_indices, rig.joint_weights))
