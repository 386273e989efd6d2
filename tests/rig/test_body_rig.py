from __future__ import annotations

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.body.poses import standard_pose
from bodyscan.errors import InputError
from bodyscan.render.pose import pose_rig
from bodyscan.rig.bind import bind_pose
from bodyscan.rig.body_rig import rig_body
from bodyscan.rig.options import RigOptions
from bodyscan.types import BodyParams
from rig.people import fit_of, fitted_person, person_params

MODEL = load_body_model("adult")
MICROMETRE = 1e-6


def _edge_lengths(vertices):
    a, b = MODEL.faces[:, 0], MODEL.faces[:, 1]
    return np.linalg.norm(vertices[a] - vertices[b], axis=1)


@pytest.mark.parametrize("pose", ["captured", "a", "t"])
def test_soles_are_on_the_floor_and_the_person_faces_plus_z(pose):
    rig = rig_body(MODEL, fitted_person(1, yaw_deg=130.0), RigOptions(pose=pose))
    names = rig.skeleton.joint_names
    joints = rig.skeleton.positions
    assert abs(rig.mesh.vertices[:, 1].min()) < MICROMETRE
    assert np.abs(joints[0, [0, 2]]).max() < MICROMETRE
    left_right = joints[names.index("leftUpperLeg")] - joints[names.index("rightUpperLeg")]
    assert left_right[0] > 0.05
    assert abs(left_right[2]) < 0.03 * left_right[0] + 0.01
    toes = joints[names.index("leftToes")] - joints[names.index("leftFoot")]
    assert toes[2] > 0.05


def test_the_captured_pose_is_the_surface_moved_rigidly():
    fit = fitted_person(2, bumps_m=0.0)
    rig = rig_body(MODEL, fit, RigOptions(pose="captured"))
    assert np.abs(_edge_lengths(rig.mesh.vertices) - _edge_lengths(fit.surface.vertices)).max() < MICROMETRE


def test_the_result_does_not_depend_on_where_the_person_stood():
    params = person_params(MODEL, 3, pose="a", yaw_deg=0.0)
    turned = person_params(MODEL, 3, pose="a", yaw_deg=75.0)
    moved = BodyParams(turned.betas, turned.pose_rotvec, turned.translation + np.array([3.0, 0.5, -2.0]))
    first, second = (rig_body(MODEL, fit_of(MODEL, p)).mesh.vertices for p in (params, moved))
    assert np.abs(first - second).max() < 10 * MICROMETRE


@pytest.mark.parametrize("pose", ["a", "t"])
def test_without_detail_a_standard_pose_is_the_models_own(pose):
    fit = fitted_person(4, bumps_m=0.0)
    bind = bind_pose(MODEL, fit, pose)
    rotvec = standard_pose(MODEL, fit.params.betas, pose)
    own = MODEL.pose(BodyParams(fit.params.betas, rotvec, np.zeros(3))).vertices
    shift = bind.surface[0] - own[0]
    assert np.abs(bind.surface - own - shift).max() < MICROMETRE


def test_detail_keeps_its_length_in_every_pose():
    fit = fitted_person(5)
    skin = ~(MODEL.inner | MODEL.region("head", "left_eye", "right_eye", "teeth", "tongue"))
    before = np.linalg.norm(fit.surface.vertices - fit.body.vertices, axis=1)
    for pose in ("captured", "a", "t"):
        bind = bind_pose(MODEL, fit, pose)
        after = np.linalg.norm(bind.surface - bind.body, axis=1)
        assert np.abs(after - before)[skin].max() < MICROMETRE


def test_the_t_pose_holds_the_arms_level():
    rig = rig_body(MODEL, fitted_person(6), RigOptions(pose="t"))
    names, joints = rig.skeleton.joint_names, rig.skeleton.positions
    arm = joints[names.index("leftHand")] - joints[names.index("leftUpperArm")]
    assert np.degrees(np.arcsin(abs(arm[1]) / np.linalg.norm(arm))) < 2


def test_a_twist_of_the_rig_is_the_models_own():
    """Skinning the rig from its bind pose must follow the model's skinning where nothing was merged."""
    fit = fitted_person(7, bumps_m=0.0)
    rig = rig_body(MODEL, fit, RigOptions(joints="full"))
    bend = {"leftLowerLeg": (0.9, 0, 0), "neck": (0, 0.4, 0)}
    posed = pose_rig(rig, bend).vertices
    moved = np.linalg.norm(posed - rig.mesh.vertices, axis=1)
    shin = MODEL.skin_weights[:, MODEL.joint_index("leftLowerLeg")].toarray().ravel() > 0.99
    assert moved[shin].min() > 0.02
    far = MODEL.region("right_hand", "right_foot")
    assert moved[far].max() < MICROMETRE


def test_weights_have_four_influences_that_sum_to_one():
    rig = rig_body(MODEL, fitted_person(8), RigOptions(joints="hands"))
    assert rig.joint_indices.shape == (MODEL.num_vertices, 4)
    assert np.abs(rig.joint_weights.sum(axis=1) - 1).max() < MICROMETRE
    assert (np.diff(rig.joint_weights, axis=1) <= 0).all()
    assert len(rig.skeleton.joint_names) == 52


def test_eyes_and_teeth_go_along_with_the_skin_before_them():
    """A face that was scanned 4 mm in front of the body's takes its eyes and teeth with it."""
    params = person_params(MODEL, 9)
    fit = fit_of(MODEL, params)
    head = MODEL.region("head") & ~MODEL.inner
    forward = MODEL.pose(params).world_from_rest[MODEL.joint_index("head"), :, 2]
    surface = np.array(fit.surface.vertices)
    surface[head] += 0.004 * forward
    object.__setattr__(fit, "surface", type(fit.surface)(surface, MODEL.faces))
    bind = bind_pose(MODEL, fit)
    moved = np.linalg.norm(bind.surface - bind.body, axis=1)
    for part in ("left_eye", "right_eye", "teeth", "tongue"):
        assert np.abs(moved[MODEL.region(part)] - 0.004).max() < 0.0005, part
    # The throat lies between the face, which was moved, and the nape, which was not.
    assert moved[MODEL.inner].min() > 0.002
    assert np.median(moved[MODEL.inner]) > 0.0038


def test_a_fit_of_another_topology_is_refused():
    fit = fitted_person(0)
    other = load_body_model("adult")
    small = type(fit.surface)(fit.surface.vertices[:100], np.zeros((0, 3), np.int32))
    bad = type(fit)(**{**fit.__dict__, "surface": small})
    with pytest.raises(InputError, match="has 100 vertices and the body model"):
        rig_body(other, bad)


def test_options_name_the_choices():
    with pytest.raises(InputError, match="possible are captured, a, t"):
        RigOptions(pose="x")
    with pytest.raises(InputError, match="possible are body, hands, full"):
        RigOptions(joints="x")
    with pytest.raises(InputError, match="more than 0 metres"):
        RigOptions(max_distance_m=0)
    with pytest.raises(InputError, match="0 to 180"):
        RigOptions(max_normal_angle_deg=181)
    with pytest.raises(InputError, match="give 0 to 1"):
        RigOptions(smoothing=2)
