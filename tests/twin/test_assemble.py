from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.consent import (
    Evidence,
    Medium,
    Purpose,
    Seal,
    TrustedKeys,
    Use,
    bind,
    geometry_digest,
    verify_bound,
)
from bodyscan.consent.demo import make_demo_consent
from bodyscan.errors import ConsentError, InputError
from bodyscan.gltf.read import read_glb
from bodyscan.gltf.write import twin_to_glb
from bodyscan.rig.bind import bind_pose
from bodyscan.rig.body_rig import rig_body
from bodyscan.twin.assemble import TwinParts, assemble_twin
from bodyscan.twin.face_shapes import face_shapes
from bodyscan.twin.split import split_at_seams
from bodyscan.types import CollisionBody, Level, Mesh, Morph, Provenance, Rig, SkinTextures
from rig.people import fit_of, fitted_person, person_params

MODEL = load_body_model("adult")
DEMO = make_demo_consent("assemble")
NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
USE = Use(Purpose.MAKE_TWIN)
PROVENANCE = Provenance("bodyscan test", "ab" * 32, "person.ply", "bodyscan body (CC0-1.0)")


@lru_cache(maxsize=1)
def _rig() -> Rig:
    return rig_body(MODEL, fitted_person(0))


def _assemble(**changes):
    values = {
        "consent": DEMO.text,
        "use": USE,
        "now": NOW,
        "controller_key": DEMO.controller_key,
        "pose": "captured",
        "model": MODEL,
    } | changes
    rig = values.pop("rig", _rig())
    morphs = values.pop("morphs", ())
    landmarks = values.pop("landmarks", {"crown": (0.0, 1.7, 0.0)})
    model = values.pop("model")
    if model is not None:
        rig, morphs, values["vertex_source"] = split_at_seams(model, rig, morphs)
    return assemble_twin(rig, morphs, (), landmarks, PROVENANCE, **values)


def digest_of(rig: Rig) -> str:
    return geometry_digest(rig.mesh.vertices, rig.mesh.faces)


def test_a_twin_is_split_at_uv_seams_and_stays_where_it_was():
    twin = _assemble()
    assert len(twin.rig.mesh.vertices) == len(MODEL.split_source)
    assert np.array_equal(twin.rig.mesh.vertices, _rig().mesh.vertices[twin.vertex_source])
    assert twin.rig.mesh.uvs is not None
    assert np.array_equal(twin.vertex_source[twin.rig.mesh.faces], MODEL.faces)
    assert np.array_equal(twin.rig.joint_weights, _rig().joint_weights[twin.vertex_source])


def test_the_consent_is_bound_to_what_the_glb_holds():
    twin = _assemble()
    back = read_glb(twin_to_glb(twin))
    digest = geometry_digest(back.positions, back.faces)
    assert verify_bound(twin.consent, digest, now=NOW, use=USE).ok
    assert verify_bound(back.consent, digest, now=NOW, use=USE).ok


def test_the_binding_does_not_fit_another_person():
    twin = _assemble()
    other = rig_body(MODEL, fitted_person(1)).mesh
    status = verify_bound(twin.consent, geometry_digest(other.vertices, other.faces), now=NOW)
    assert status.state == "altered"


def test_a_morph_moves_all_copies_of_a_vertex():
    copies = np.flatnonzero(np.bincount(MODEL.split_source) > 1)[:1]
    ids = np.sort(np.append(copies, 5)).astype(np.int32)
    morph = Morph("test", ids, np.arange(6, dtype=np.float32).reshape(2, 3))
    split = _assemble(morphs=(morph,)).morphs[0]
    assert (np.diff(split.vertex_ids) > 0).all()
    moved = np.zeros((MODEL.num_vertices, 3), np.float32)
    moved[ids] = morph.deltas
    assert np.array_equal(split.deltas, moved[MODEL.split_source[split.vertex_ids]])
    assert len(split.vertex_ids) == np.isin(MODEL.split_source, ids).sum() > 2


def test_a_surface_of_its_own_is_kept_as_it_is():
    mesh = Mesh(np.eye(3), np.array([[0, 1, 2]], np.int32))
    skeleton = _rig().skeleton
    weights = np.tile(np.eye(4, dtype=np.float32)[0], (3, 1))
    rig = Rig(mesh, skeleton, np.zeros((3, 4), np.uint16), weights)
    twin = _assemble(rig=rig, model=None)
    assert twin.rig is rig
    assert list(twin.vertex_source) == [0, 1, 2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"consent": None}, "stripped: there is no consent"),
        ({"consent": ""}, "stripped: there is no consent"),
        ({"consent": DEMO.record.canonical_json().decode()}, "nobody has signed"),
        ({"now": datetime(2024, 1, 1, tzinfo=UTC)}, "not yet valid"),
        ({"now": datetime(2126, 1, 1, tzinfo=UTC)}, "expired"),
        ({"use": Use(Purpose.AI_TRAINING, "worldwide", Medium.ALL)}, "does not allow AI training"),
        ({"controller_key": None}, "no key to bind"),
        ({"evidence": Evidence(TrustedKeys(people=frozenset({"x"})))}, "not among the trusted keys"),
    ],
)
def test_without_consent_there_is_no_twin(changes, message):
    with pytest.raises(ConsentError, match=message):
        _assemble(**changes)


def test_consent_use_clock_and_key_have_no_default():
    with pytest.raises(TypeError, match=r"consent.*use.*now.*controller_key"):
        assemble_twin(_rig(), (), (), {}, PROVENANCE, pose="captured")  # pyright: ignore[reportCallIssue]


def test_anothers_key_cannot_bind():
    other = make_demo_consent("assemble", seed=7).controller_key
    with pytest.raises(InputError, match="is not the controller's"):
        _assemble(controller_key=other)


def test_a_key_in_other_hands_binds_and_its_answer_is_checked():
    def elsewhere(about: Seal) -> str:
        return bind(DEMO.text, about, DEMO.controller_key, created_at=NOW, software="elsewhere")

    def of_another(about: Seal) -> str:
        return elsewhere(about.model_copy(update={"geometry": "tri-sha256-v1:" + "0" * 64}))

    assert "binding" in _assemble(controller_key=elsewhere).consent
    with pytest.raises(ConsentError, match="not those that were bound"):
        _assemble(controller_key=of_another)
    with pytest.raises(ConsentError, match="no binding"):
        _assemble(controller_key=lambda *_: DEMO.text)


def test_an_answer_with_another_persons_consent_is_refused():
    stranger = make_demo_consent("stranger")

    def elsewhere(about: Seal) -> str:
        return bind(stranger.text, about, stranger.controller_key, created_at=NOW, software="elsewhere")

    with pytest.raises(ConsentError, match="another record"):
        _assemble(controller_key=elsewhere)


def test_what_does_not_belong_together_is_refused():
    with pytest.raises(InputError, match="possible are captured, a, t"):
        _assemble(pose="sitting")
    with pytest.raises(InputError, match="'crown' lies at"):
        _assemble(landmarks={"crown": (0.0, float("nan"), 0.0)})
    far = Morph("far", np.array([10**6], np.int32), np.zeros((1, 3), np.float32))
    with pytest.raises(InputError, match="'far' names a vertex outside"):
        _assemble(morphs=(far,))
    small = Rig(
        Mesh(np.zeros((1, 3)), np.zeros((0, 3), np.int32)),
        _rig().skeleton,
        np.zeros((1, 4), np.uint16),
        np.eye(4, dtype=np.float32)[:1],
    )
    with pytest.raises(InputError, match="on another surface is not split"):
        _assemble(rig=small)


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(InputError, match="UTC"):
        _assemble(now=(NOW + timedelta(0)).replace(tzinfo=None))


def test_a_child_becomes_a_twin_too():
    child = load_body_model("child")
    fit = fit_of(child, person_params(child, 1), np.full(child.num_vertices, 0.002))
    bind_of_child = bind_pose(child, fit, "t")
    rig = rig_body(child, fit, bind=bind_of_child)
    morphs = face_shapes(child, fit.params, bind_of_child.world_from_rest)
    demo = make_demo_consent("child", minor=True)
    twin = _assemble(
        rig=rig,
        morphs=morphs,
        model=child,
        pose="t",
        consent=demo.text,
        controller_key=demo.controller_key,
    )
    assert len(twin.morphs) == 52
    assert verify_bound(twin.consent, digest_of(twin.rig), now=NOW, use=USE).ok


def test_parts_are_bound_each_to_its_own_surface():
    split, _, source = split_at_seams(MODEL, _rig(), ())
    coarse = replace(split, mesh=replace(split.mesh, faces=split.mesh.faces[::2]))
    parts = TwinParts(levels=(Level(coarse, source),), collision=CollisionBody(coarse))
    twin = _assemble(parts=parts)
    digest = digest_of(coarse)
    assert verify_bound(twin.levels[0].consent, digest, now=NOW, use=USE).ok
    assert twin.collision is not None
    assert verify_bound(twin.collision.consent, digest, now=NOW, use=USE).ok
    assert not verify_bound(twin.consent, digest, now=NOW, use=USE).ok


def test_a_part_on_another_skeleton_is_refused():
    split, _, source = split_at_seams(MODEL, _rig(), ())
    skeleton = replace(split.skeleton, joint_names=tuple(f"{n}_" for n in split.skeleton.joint_names))
    with pytest.raises(InputError, match="another skeleton"):
        _assemble(parts=TwinParts(levels=(Level(replace(split, skeleton=skeleton), source),)))


def test_textures_without_uvs_are_refused():
    textures = SkinTextures(np.zeros((4, 4, 3), np.uint8))
    assert _assemble(parts=TwinParts(textures)).textures is textures
    with pytest.raises(InputError, match="no texture coordinates"):
        _assemble(model=None, parts=TwinParts(textures))


def test_a_source_of_another_length_is_refused():
    with pytest.raises(InputError, match="vertex_source has 3 entries"):
        assemble_twin(
            _rig(),
            (),
            (),
            {},
            PROVENANCE,
            consent=DEMO.text,
            use=USE,
            now=NOW,
            controller_key=DEMO.controller_key,
            pose="captured",
            vertex_source=np.zeros(3, np.int32),
        )
