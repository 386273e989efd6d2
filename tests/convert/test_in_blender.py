from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from bodyscan.consent.digest import geometry_digest
from bodyscan.consent.state import ConsentState
from bodyscan.consent.verify import verify_bound
from bodyscan.gltf import read_consent
from gltf.complete import NOW
from gltf.shapes import CONSENT, JOINTS, MORPH_NAMES
from gltf.skinning import pose_body, rotation
from gltf.tools import need_npm_package, need_program

pytestmark = [pytest.mark.blender, pytest.mark.slow]

READ_M = 5e-7
"""Blender turns what it reads to its own axes in float32; metres at arm's length."""
POSED_M = 2e-5
"""Bone rolls and matrices in float32, metres at arm's length."""
SHAPE_M = 3e-7
"""Shapes are stored as positions in Blender: a displacement is a difference of two float32."""
WEIGHT = 1e-6
NORMAL = 3e-3
"""Blender keeps custom normals as 16-bit angles."""
SCENES = ("fbx", "blend")


def weights_of(body):
    dense = np.zeros((len(body.positions), len(body.skeleton.joint_names)))
    np.add.at(dense, (np.arange(len(dense))[:, None], body.joint_indices), body.joint_weights)
    return dense


def shape_of(body, morph):
    dense = np.zeros(body.positions.shape)
    dense[morph.vertex_ids] = morph.deltas
    return dense


def uvs_of(body):
    """Return the corners' uvs (3F, 2) with their origin at the bottom left."""
    return (body.uvs * (1, -1) + (0, 1))[body.faces.ravel()]


@pytest.mark.parametrize("name", SCENES)
def test_joints_have_the_same_names_parents_and_places(looks, name):
    skeleton, facts = looks.body.skeleton, looks.facts[name]
    parent = dict(zip(facts["joint_names"], facts["parents"], strict=True))
    names = skeleton.joint_names
    assert sorted(parent) == sorted(names)  # and no leaf bones beside them
    expected = ["" if p < 0 else names[p] for p in skeleton.parents]
    assert [parent[joint] for joint in names] == expected
    places = looks.arrays[name]["joints"][looks.in_order(name), :3, 3]
    assert np.abs(places - skeleton.positions).max() < READ_M


def test_joints_of_the_fbx_have_the_frames_that_they_have_in_the_glb(looks):
    frames = looks.arrays["fbx"]["joints"][looks.in_order("fbx")]
    assert np.abs(frames - np.linalg.inv(looks.body.inverse_binds)).max() < READ_M


@pytest.mark.parametrize("name", SCENES)
def test_triangles_positions_and_uvs_are_those_of_the_glb(looks, name):
    arrays, body = looks.arrays[name], looks.body
    assert np.array_equal(arrays["faces"], body.faces)
    assert np.abs(arrays["positions"] - body.positions).max() < READ_M
    assert np.abs(arrays["uvs"] - uvs_of(body)).max() < 1e-6


@pytest.mark.parametrize("name", SCENES)
def test_normals_stay_smooth(looks, name):
    expected = looks.body.normals[looks.body.faces.ravel()]
    assert np.abs(looks.arrays[name]["normals"] - expected).max() < NORMAL


@pytest.mark.parametrize("name", SCENES)
def test_all_weights_arrive_and_no_vertex_has_more_than_four(looks, name):
    weights = looks.arrays[name]["weights"][:, looks.in_order(name)]
    assert np.abs(weights - weights_of(looks.body)).max() < WEIGHT
    assert (weights > 0).sum(axis=1).max() <= 4


@pytest.mark.parametrize("name", SCENES)
def test_all_face_shapes_move_the_skin_alike(looks, name):
    names = looks.facts[name]["shape_names"]
    assert names == list(looks.body.morph_names)
    for morph, seen in zip(looks.body.morphs, looks.arrays[name]["shapes"], strict=True):
        assert np.abs(seen - shape_of(looks.body, morph)).max() < SHAPE_M, morph.name


@pytest.mark.parametrize("name", SCENES)
def test_a_posed_arm_and_an_open_mouth_move_the_skin_as_the_specification_says(looks, name):
    expected = pose_body(looks.body, {"leftUpperArm": rotation("z", 70.0)}, {"jawOpen": 1.0})
    assert np.abs(expected - looks.body.positions).max() > 0.5
    assert np.abs(looks.arrays[name]["posed"] - expected).max() < POSED_M


@pytest.mark.parametrize("name", SCENES)
def test_every_object_and_bone_has_scale_1(looks, name):
    scales = looks.facts[name]["scales"]
    assert len(scales) == 2 + len(looks.body.skeleton.joint_names)
    assert scales == [[1.0, 1.0, 1.0]] * len(scales)


def test_the_fbx_says_metres_and_y_up_and_turns_and_scales_nothing(looks):
    raw = looks.facts["fbx"]["raw"]
    settings = {name: value[0] for name, value in raw["settings"].items() if value}
    assert settings["UnitScaleFactor"] == 100.0  # of a centimetre
    assert (settings["UpAxis"], settings["UpAxisSign"]) == (1, 1)
    assert (settings["FrontAxis"], settings["FrontAxisSign"]) == (2, 1)
    assert (settings["CoordAxis"], settings["CoordAxisSign"]) == (0, 1)
    assert set(raw["transforms"]) == {"armature", "body", *looks.body.skeleton.joint_names}
    for name, transform in raw["transforms"].items():
        assert transform["Lcl Scaling"] == [1.0, 1.0, 1.0], name
        assert transform["GeometricScaling"] == [1.0, 1.0, 1.0], name
        for turn in ("Lcl Rotation", "PreRotation", "GeometricRotation"):
            assert transform[turn] == [0.0, 0.0, 0.0], (name, turn)


def test_the_person_stands_upright_and_faces_plus_z(full):
    positions = full.arrays["fbx"]["own_positions"]
    height = np.ptp(positions[:, 1])
    assert 1.5 < height < 2.0
    toes, heels = (
        full.arrays["fbx"]["joints"][full.facts["fbx"]["joint_names"].index(name), 2, 3]
        for name in ("leftToes", "leftFoot")
    )
    assert toes > heels + 0.05
    # The positions in the file keep every bit of the GLB's.
    assert np.array_equal(positions, full.body.positions)


def test_images_are_inside(full, small):
    for name in SCENES:
        assert full.facts[name]["images"] == ["albedo", "normal", "roughness"]
        assert small.facts[name]["images"] == []
    embedded = full.facts["fbx"]["raw"]["embedded"]
    assert sorted(embedded) == ["albedo.png", "normal.png", "roughness.png"]
    assert min(embedded.values()) > 100


def test_the_record_is_in_every_place_byte_for_byte(small):
    for name in SCENES:
        assert small.facts[name]["consents"] == {"armature": CONSENT, "body": CONSENT}
    assert small.facts["fbx"]["raw"]["custom"] == ["armature", "body"]
    assert small.facts["blend"]["texts"] == {"bodyscan_consent.json": CONSENT}
    assert CONSENT.encode() in (small.folder / "twin.fbx").read_bytes()


def test_what_else_the_glb_says_of_the_twin_travels_beside_the_record(small):
    about = json.loads(small.facts["fbx"]["about"])
    assert {"measurements", "landmarks", "provenance", "pose"} <= set(about)
    assert "consent" not in about


def test_nothing_else_lies_in_the_scene(full):
    for name in SCENES:
        assert full.facts[name]["objects"] == ["armature", "body"]


def test_no_path_and_no_clock_of_this_machine_is_in_the_fbx(full):
    data = (full.folder / "twin.fbx").read_bytes()
    assert str(full.folder.parent).encode() not in data
    times = re.findall(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", data)
    assert times
    assert {time[:10] for time in times} == {b"1970-01-01"}


def test_the_consent_belongs_to_the_positions_in_the_fbx_and_the_blend(full):
    text = full.body.consent
    for name in SCENES:
        positions = full.arrays[name]["own_positions" if name == "fbx" else "positions"]
        digest = geometry_digest(positions, full.arrays[name]["faces"])
        assert verify_bound(text, digest, now=NOW).state is ConsentState.VALID, name


def test_a_glb_that_blender_makes_of_the_blend_keeps_record_and_body(small):
    text, positions, faces = read_consent(small.folder / "from_blend.glb")
    assert text == CONSENT
    assert geometry_digest(positions, faces) == geometry_digest(small.body.positions, small.body.faces)


def test_a_glb_that_blender_makes_of_the_fbx_has_lost_the_record_s_place_and_the_last_bits(small):
    text, positions, faces = read_consent(small.folder / "from_fbx.glb")
    assert text is None
    assert geometry_digest(positions, faces) != geometry_digest(small.body.positions, small.body.faces)
    assert positions[:, 1].max() == pytest.approx(small.body.positions[:, 1].max(), abs=READ_M)


def test_three_js_reads_the_fbx_alike(full):
    """A reader that knows nothing of Blender's."""
    modules = need_npm_package("three")
    done = subprocess.run(
        [
            need_program("node"),
            str(Path(__file__).with_name("read_fbx.mjs")),
            str(modules),
            str(full.folder / "twin.fbx"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    seen = json.loads(done.stdout.splitlines()[-1])
    body = full.body
    assert seen["unit"] == 100
    assert {tuple(scale) for scale in seen["scales"]} == {(1, 1, 1)}
    places = np.array([seen["joints"][name] for name in body.skeleton.joint_names])
    assert np.abs(places - body.skeleton.positions).max() < 1e-6
    assert sorted(seen["shapes"]) == sorted(body.morph_names)
    assert seen["corners"] == 3 * len(body.faces)
    low, high = body.positions.min(axis=0), body.positions.max(axis=0)
    assert np.allclose(seen["low"], low, atol=1e-6)
    assert np.allclose(seen["high"], high, atol=1e-6)
    assert len(JOINTS) < len(seen["joints"]) == len(body.skeleton.joint_names)
    assert set(MORPH_NAMES) <= set(seen["shapes"])
