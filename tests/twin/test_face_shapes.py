from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.spatial import KDTree

from bodyscan.body.asset import load_body_model
from bodyscan.body.model import BodyModel
from bodyscan.errors import InputError
from bodyscan.geometry.components import face_components
from bodyscan.geometry.raycast import Raycaster
from bodyscan.geometry.rotations import rotvec_to_matrix
from bodyscan.rig.bind import bind_pose
from bodyscan.twin.eyeballs import eyeball, rigid_turn
from bodyscan.twin.face_shapes import face_shapes, local_maps, transferred_shapes
from bodyscan.types import BodyParams, Mesh
from rig.people import fit_of, fitted_person, person_params

MODEL = load_body_model("adult")
MILLIMETRE = 1e-3


def _shapes(params: BodyParams, model: BodyModel = MODEL):
    morphs = face_shapes(model, params, model.pose(params).world_from_rest)
    return {morph.name: morph for morph in morphs}


def _dense(morph) -> np.ndarray:
    out = np.zeros((MODEL.num_vertices, 3))
    out[morph.vertex_ids] = morph.deltas
    return out


def test_the_mean_head_gets_the_models_own_shapes_before_contacts():
    shapes = transferred_shapes(MODEL, MODEL.template.astype(np.float64))
    eyes = MODEL.region("left_eye", "right_eye")
    assert len(shapes) == 52
    for name, shape in shapes.items():
        own = np.zeros((MODEL.num_vertices, 3))
        own[MODEL.expression_ids[name]] = MODEL.expression_deltas[name]
        assert np.abs(shape - own)[~eyes].max() < 0.01 * MILLIMETRE
        # The model turns its eyeballs about places beside their centres.
        assert np.abs(shape - own)[eyes].max() < 2.5 * MILLIMETRE


def test_a_scaled_head_gets_scaled_shapes():
    mean = MODEL.template.astype(np.float64)
    small, large = transferred_shapes(MODEL, mean), transferred_shapes(MODEL, 1.25 * mean)
    for name, shape in large.items():
        assert np.abs(shape - 1.25 * small[name]).max() < 0.02 * MILLIMETRE


def test_a_taller_head_gets_taller_shapes():
    stretch = np.array([1.0, 1.2, 0.9])
    mean = MODEL.template.astype(np.float64)
    tall = transferred_shapes(MODEL, mean * stretch)["jawOpen"]
    skin = np.zeros(MODEL.num_vertices, bool)
    skin[MODEL.expression_ids["jawOpen"]] = True
    skin &= MODEL.region("head")
    plain = transferred_shapes(MODEL, mean)["jawOpen"]
    assert np.linalg.norm(tall - plain * stretch, axis=1)[skin].mean() < 0.5 * MILLIMETRE
    assert np.linalg.norm(tall - plain, axis=1)[skin].mean() > 0.8 * MILLIMETRE


def test_every_shape_has_ascending_vertices_and_an_effect():
    for morph in _shapes(MODEL.zero_params()).values():
        assert (np.diff(morph.vertex_ids) > 0).all()
        assert np.linalg.norm(morph.deltas, axis=1).max() > 2 * MILLIMETRE


def test_left_and_right_are_mirrored_on_a_mirrored_head():
    """The mean head is symmetric to 1 mm, and its shapes to 1.1 mm."""
    shapes = _shapes(MODEL.zero_params())
    middle = 0.5 * (MODEL.template[:, 0].min() + MODEL.template[:, 0].max())
    mirrored = MODEL.template * [-1, 1, 1] + [2 * middle, 0, 0]
    gap, twin_of = KDTree(MODEL.template).query(mirrored)
    exact = gap < 1 * MILLIMETRE
    for name in ("eyeBlink", "mouthSmile", "browDown", "noseSneer", "eyeLookIn"):
        left, right = _dense(shapes[f"{name}Left"]), _dense(shapes[f"{name}Right"])
        assert np.average(MODEL.template[:, 0], weights=np.linalg.norm(left, axis=1)) > 5 * MILLIMETRE
        apart = np.linalg.norm(left * [-1, 1, 1] - right[twin_of], axis=1)[exact]
        moved = np.linalg.norm(left, axis=1)[exact] > 1 * MILLIMETRE
        assert np.percentile(apart[moved], 95) < 1.5 * MILLIMETRE


@pytest.mark.parametrize("name", ["eyeLookInLeft", "eyeLookUpRight", "eyeLookDownLeft", "eyeLookOutRight"])
def test_a_look_turns_the_eyeball_rigidly_about_its_centre(name):
    params = person_params(MODEL, 4)
    posed = MODEL.pose(params)
    morph = face_shapes(MODEL, params, posed.world_from_rest)[list(MODEL.expression_ids).index(name)]
    ball = eyeball(MODEL, posed.vertices, "left" if name.endswith("Left") else "right")
    before = posed.vertices[ball.vertices] - ball.centre
    after = before + _dense(morph)[ball.vertices]
    lengths = [np.linalg.norm(points, axis=1) for points in (before, after)]
    assert np.abs(lengths[0] - lengths[1]).max() < 0.05 * MILLIMETRE
    turn = rigid_turn(before, after)
    assert np.abs(before @ turn.T - after).max() < 0.05 * MILLIMETRE
    assert 6 < np.degrees(np.arccos((np.trace(turn) - 1) / 2)) < 30


def test_detail_of_the_surface_changes_the_shapes():
    params = person_params(MODEL, 4)
    posed = MODEL.pose(params)
    nose = np.exp(-0.5 * (np.linalg.norm(MODEL.template - [0, 1.55, 0.16], axis=1) / 0.03) ** 2)
    surface = posed.vertices + 0.006 * nose[:, None] * [0, 0, 1]
    plain = face_shapes(MODEL, params, posed.world_from_rest)
    own = face_shapes(MODEL, params, posed.world_from_rest, surface)
    change = [np.abs(_dense(a) - _dense(b)).max() for a, b in zip(plain, own, strict=True)]
    assert 0.2 * MILLIMETRE < max(change) < 12 * MILLIMETRE


def test_shapes_turn_with_the_head():
    params = MODEL.zero_params()
    turn = np.array([0.2, 0.9, -0.1])
    pose = np.zeros((MODEL.num_joints, 3))
    pose[0] = turn
    turned = _shapes(BodyParams(params.betas, pose, params.translation))["jawOpen"]
    straight = _shapes(params)["jawOpen"]
    assert np.abs(_dense(turned) - _dense(straight) @ rotvec_to_matrix(turn).T).max() < 0.02 * MILLIMETRE


@pytest.mark.parametrize("scale", [(1.2, 1.2, 1.2), (1.0, 1.3, 0.9)])
def test_a_larger_or_longer_head_gets_larger_or_longer_shapes(scale):
    moved = np.unique(np.concatenate(list(MODEL.expression_ids.values())))
    maps = local_maps(MODEL, MODEL.template * np.array(scale), moved)
    error = np.abs(maps - np.diag(scale)).max(axis=(1, 2))
    assert np.median(error) < 0.08
    if len(set(scale)) == 1:
        assert error.max() < 1e-3


def test_lower_teeth_open_with_the_jaw_and_upper_teeth_stay():
    down = _dense(_shapes(person_params(MODEL, 2, pose="t"))["jawOpen"])[MODEL.region("teeth")]
    teeth = MODEL.faces[MODEL.region("teeth")[MODEL.faces].all(axis=1)]
    row = face_components(teeth, MODEL.num_vertices)
    ids = np.flatnonzero(MODEL.region("teeth"))
    first = np.isin(ids, teeth[row == 0])
    height = MODEL.template[ids, 1]
    lower = first == (height[first].mean() < height[~first].mean())
    assert down[lower, 1].mean() < -10 * MILLIMETRE
    assert np.abs(down[~lower]).max() < 1 * MILLIMETRE


def _eyes_seen(vertices: np.ndarray, forward: np.ndarray) -> int:
    """How many vertices of the eyes' fronts can be seen from before the person."""
    eyes = MODEL.region("left_eye", "right_eye")
    skin = MODEL.faces[~eyes[MODEL.faces].any(axis=1)]
    front = np.flatnonzero(eyes & ~MODEL.inner)
    caster = Raycaster(Mesh(vertices, skin))
    start = vertices[front] + 1e-4 * forward
    return int((~caster.cast(start, np.tile(forward, (len(front), 1))).hit).sum())


@pytest.mark.parametrize("seed", [1, 2, *(pytest.param(k, marks=pytest.mark.long) for k in (3, 4, 5))])
def test_eyes_open_at_rest_are_closed_by_a_blink(seed):
    fit = fitted_person(seed, bumps_m=0.004)
    bind = bind_pose(MODEL, fit)
    shapes = {m.name: m for m in face_shapes(MODEL, fit.params, bind.world_from_rest)}
    forward = bind.world_from_rest[MODEL.joint_index("head"), :, 2]
    open_eyes = _eyes_seen(bind.surface, forward)
    blink = _dense(shapes["eyeBlinkLeft"]) + _dense(shapes["eyeBlinkRight"])
    assert open_eyes >= 10
    assert _eyes_seen(bind.surface + blink, forward) <= 2


def test_teeth_stay_behind_the_lips_at_rest():
    """Seen from in front, no tooth of a face that was scanned 3 mm out lies before its lips."""
    params = person_params(MODEL, 6)
    offset = np.where(MODEL.region("head") & ~MODEL.inner, 0.003, 0.0)
    bind = bind_pose(MODEL, fit_of(MODEL, params, offset))
    teeth = MODEL.region("teeth")
    skin = MODEL.faces[(MODEL.region("head") & ~MODEL.inner)[MODEL.faces].all(axis=1)]
    forward = bind.world_from_rest[MODEL.joint_index("head"), :, 2]
    start = bind.surface[teeth] - 0.02 * forward
    hits = Raycaster(Mesh(bind.surface, skin)).cast(start, np.tile(forward, (len(start), 1)))
    assert (hits.distance > 0.02).all()


def test_a_model_without_expressions_has_none():
    plain = dataclasses.replace(MODEL, expression_ids={}, expression_deltas={})
    assert face_shapes(plain, plain.zero_params(), np.zeros((plain.num_joints, 3, 4))) == ()


def test_a_bind_pose_of_another_skeleton_is_refused():
    with pytest.raises(InputError, match=r"bind pose has \(55, 3, 4\)"):
        face_shapes(MODEL, MODEL.zero_params(), np.zeros((22, 3, 4)))


def test_a_surface_of_another_topology_is_refused():
    posed = MODEL.pose(MODEL.zero_params())
    with pytest.raises(InputError, match=r"surface has the shape \(10, 3\)"):
        face_shapes(MODEL, MODEL.zero_params(), posed.world_from_rest, np.zeros((10, 3)))
