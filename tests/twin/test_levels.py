from __future__ import annotations

import dataclasses
from functools import lru_cache

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.errors import InputError
from bodyscan.geometry.raycast import Raycaster
from bodyscan.rig.bind import bind_pose
from bodyscan.rig.body_rig import rig_body
from bodyscan.rig.options import RigOptions
from bodyscan.twin.face_shapes import face_shapes
from bodyscan.twin.levels import MAIN_SHAPES, LevelOptions, twin_levels
from bodyscan.twin.split import split_at_seams
from bodyscan.types import Mesh, Morph
from rig.people import fitted_person

MODEL = load_body_model("adult")
MILLIMETRE = 1e-3


@lru_cache(maxsize=4)
def _twin(joints: str = "hands", pose: str = "captured", seed: int = 0):
    fit = fitted_person(seed)
    bind = bind_pose(MODEL, fit, pose)
    rig = rig_body(MODEL, fit, RigOptions(joints=joints, pose=pose), bind=bind)
    return split_at_seams(MODEL, rig, face_shapes(MODEL, fit.params, bind.world_from_rest))


@pytest.mark.parametrize(("joints", "pose"), [("body", "captured"), ("hands", "a"), ("full", "t")])
def test_a_level_is_an_exact_gather_of_the_twin(joints, pose):
    rig, morphs, source = _twin(joints, pose)
    for level in twin_levels(MODEL, rig, morphs):
        first = {tuple(uv): k for k, uv in enumerate(rig.mesh.uvs.tolist())}
        kept = np.array([first[tuple(uv)] for uv in level.rig.mesh.uvs.tolist()])
        assert (source[kept] == level.vertex_source).all()
        assert (level.rig.mesh.vertices == rig.mesh.vertices[kept]).all()
        assert (level.rig.joint_weights == rig.joint_weights[kept]).all()
        assert (level.rig.joint_indices == rig.joint_indices[kept]).all()
        assert level.rig.skeleton is rig.skeleton


def test_levels_lie_on_the_person_the_nearer_one_closer():
    rig, morphs, _ = _twin(seed=3)
    skin = ~MODEL.inner[MODEL.faces].any(axis=1)
    points = rig.mesh.vertices[MODEL.split_faces[skin]].mean(axis=1)
    means = [
        float(Raycaster(level.rig.mesh).closest(points)[0].mean())
        for level in twin_levels(MODEL, rig, morphs)
    ]
    assert means[0] < 0.4 * MILLIMETRE
    assert means[0] < means[1] < 2.0 * MILLIMETRE


def test_the_near_level_carries_all_face_shapes_and_the_far_one_the_main_ones():
    rig, morphs, _ = _twin()
    near, far = twin_levels(MODEL, rig, morphs)
    assert {m.name for m in near.morphs} == {m.name for m in morphs}
    assert {m.name for m in far.morphs} == set(MAIN_SHAPES)
    for morph in (*near.morphs, *far.morphs):
        assert (np.diff(morph.vertex_ids) > 0).all()
        assert np.linalg.norm(morph.deltas, axis=1).min() >= 0.19 * MILLIMETRE


def test_a_shape_moves_a_level_as_it_moves_the_twin():
    rig, morphs, _ = _twin()
    jaw = next(m for m in morphs if m.name == "jawOpen")
    near = twin_levels(MODEL, rig, morphs)[0]
    small = next(m for m in near.morphs if m.name == "jawOpen")
    whole = np.zeros((len(rig.mesh.vertices), 3))
    whole[jaw.vertex_ids] = jaw.deltas
    rest = {tuple(p): k for k, p in enumerate(rig.mesh.vertices.tolist())}
    for vertex, delta in zip(small.vertex_ids, small.deltas, strict=True):
        twin_vertex = rest[tuple(near.rig.mesh.vertices[vertex].tolist())]
        assert np.abs(whole[twin_vertex] - delta).max() < 1e-7


def test_fewer_levels_on_request_and_none_of_another_surface():
    rig, morphs, _ = _twin()
    assert twin_levels(MODEL, rig, morphs, LevelOptions(count=0)) == ()
    assert len(twin_levels(MODEL, rig, (), LevelOptions(count=1))) == 1
    body_rig = rig_body(MODEL, fitted_person(0))
    with pytest.raises(InputError, match="Give the rig that split_at_seams returns"):
        twin_levels(MODEL, body_rig, morphs)
    bare = dataclasses.replace(rig, mesh=Mesh(rig.mesh.vertices, rig.mesh.faces))
    with pytest.raises(InputError, match="with uvs"):
        twin_levels(MODEL, bare, morphs)


def test_options_outside_their_range_and_unknown_shapes_are_refused():
    with pytest.raises(InputError, match="give 0, 1 or 2"):
        LevelOptions(count=3)
    with pytest.raises(InputError, match="give 0 or more metres"):
        LevelOptions(least_delta_m=-1.0)
    rig, _, _ = _twin()
    wink = Morph("wink", np.zeros(0, np.int32), np.zeros((0, 3), np.float32))
    with pytest.raises(InputError, match="which is not among the twin's 1 face shapes: wink"):
        twin_levels(MODEL, rig, (wink,))
