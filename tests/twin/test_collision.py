from __future__ import annotations

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.body.poses import standard_pose
from bodyscan.errors import InputError
from bodyscan.geometry.raycast import Raycaster
from bodyscan.rig.body_rig import rig_body
from bodyscan.rig.options import RigOptions
from bodyscan.simulate.people import plausible_betas
from bodyscan.twin.collision import CollisionOptions, collision_body, crossing_faces
from bodyscan.twin.split import split_at_seams
from bodyscan.types import BodyParams, Mesh, Rig
from rig.people import fit_of, fitted_person

MODEL = load_body_model("adult")
BARE = CollisionOptions(capsules=False)


def _rig(age: str, sex: str, build: str, pose: str) -> tuple:
    model = load_body_model(age)
    betas = plausible_betas(np.random.default_rng(5), model, sex=sex, build=build)
    params = BodyParams(betas, standard_pose(model, betas, pose), np.zeros(3))
    return model, rig_body(model, fit_of(model, params))


CASES = [
    ("adult", "female", "heavy", "t"),
    ("adult", "female", "heavy", "a"),
    ("adult", "male", "heavy", "t"),
    ("adult", "male", "thin", "a"),
    ("adult", "female", "athletic", "t"),
    ("child", "male", "average", "a"),
]


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_it_encloses_every_build_closely_and_does_not_run_through_itself(case):
    model, rig = _rig(*case)
    body = collision_body(model, rig, BARE)
    skin = ~(model.inner | model.region("left_eye", "right_eye", "teeth", "tongue"))
    outside_mm = 1000 * Raycaster(body.rig.mesh).signed_distance(rig.mesh.vertices[skin])
    assert np.percentile(outside_mm, 99) < 3.0
    assert np.abs(outside_mm).mean() < 4.0
    assert len(crossing_faces(body.rig.mesh.vertices, body.rig.mesh.faces)) == 0


@pytest.mark.parametrize("joints", ["body", "hands", "full"])
def test_weights_are_at_most_four_on_the_same_skeleton_and_move_with_the_skin(joints):
    fit = fitted_person(1)
    rig = rig_body(MODEL, fit, RigOptions(joints=joints))
    body = collision_body(MODEL, rig, BARE)
    assert body.rig.skeleton is rig.skeleton
    assert body.rig.joint_weights.shape[1] == 4
    assert np.abs(body.rig.joint_weights.sum(axis=1) - 1).max() < 1e-6
    hand = rig.skeleton.joint_names.index("leftHand")
    far = body.rig.mesh.vertices[:, 0] > rig.skeleton.positions[hand, 0] + 0.02
    owners = {rig.skeleton.joint_names[j] for j in body.rig.joint_indices[far, 0]}
    assert owners
    assert all(name.startswith("left") for name in owners)


def test_a_split_rig_gives_the_same_body():
    rig = rig_body(MODEL, fitted_person(2))
    split, _, _ = split_at_seams(MODEL, rig, ())
    first, second = collision_body(MODEL, rig, BARE), collision_body(MODEL, split, BARE)
    assert (first.rig.mesh.vertices == second.rig.mesh.vertices).all()
    assert (first.rig.joint_weights == second.rig.joint_weights).all()


def test_thighs_that_touch_are_parted_and_can_be_left():
    model, rig = _rig("adult", "female", "heavy", "t")
    rig = _legs_together(rig)
    left = collision_body(model, rig, CollisionOptions(capsules=False, part=False)).rig.mesh
    parted = collision_body(model, rig, BARE).rig.mesh
    assert len(crossing_faces(left.vertices, left.faces)) > 0
    assert len(crossing_faces(parted.vertices, parted.faces)) == 0
    moved = np.linalg.norm(left.vertices - parted.vertices, axis=1)
    assert (moved > 0).mean() < 0.2
    assert moved.max() < 0.025


def _legs_together(rig: Rig) -> Rig:
    """The thighs 12 mm nearer to the middle on each side, so that they run into each other."""
    names = rig.skeleton.joint_names
    shift = np.zeros(len(rig.mesh.vertices))
    for side, sign in (("left", -1.0), ("right", 1.0)):
        joints = [names.index(side + part) for part in ("UpperLeg", "LowerLeg", "Foot", "Toes")]
        share = np.where(np.isin(rig.joint_indices, joints), rig.joint_weights, 0).sum(axis=1)
        shift += sign * 0.012 * share
    vertices = rig.mesh.vertices + shift[:, None] * [1.0, 0.0, 0.0]
    return Rig(Mesh(vertices, rig.mesh.faces), rig.skeleton, rig.joint_indices, rig.joint_weights)


def test_a_rig_of_another_surface_is_refused():
    rig = rig_body(MODEL, fitted_person(0))
    few = Rig(
        Mesh(rig.mesh.vertices[:9], np.zeros((0, 3), np.int32)),
        rig.skeleton,
        rig.joint_indices[:9],
        rig.joint_weights[:9],
    )
    with pytest.raises(InputError, match="The rig has 9 vertices; the body model has 13854, or 15034 split"):
        collision_body(MODEL, few)
