from __future__ import annotations

import numpy as np
import pytest

from bodyscan.consent.digest import geometry_digest
from bodyscan.consent.state import ConsentState
from bodyscan.consent.verify import verify_bound
from convert.test_in_blender import NORMAL, READ_M, SHAPE_M, WEIGHT, shape_of, uvs_of, weights_of
from gltf.complete import NOW
from gltf.shapes import CONSENT

pytestmark = [pytest.mark.blender, pytest.mark.slow]


def test_the_layer_says_metres_and_y_up_and_turns_nothing(looks):
    facts = looks.facts["usdz"]
    assert (facts["up"], facts["metres"]) == ("Y", 1.0)
    assert np.array_equal(looks.arrays["usdz"]["world"], np.eye(4))


def test_joints_have_the_same_names_parents_and_frames(looks):
    skeleton, facts = looks.body.skeleton, looks.facts["usdz"]
    names = skeleton.joint_names
    parent = dict(zip(facts["joint_names"], facts["parents"], strict=True))
    assert [parent[joint] for joint in names] == ["" if p < 0 else names[p] for p in skeleton.parents]
    frames = looks.arrays["usdz"]["joints"][looks.in_order("usdz")]
    assert np.array_equal(frames, np.linalg.inv(looks.body.inverse_binds))


def test_the_rest_pose_is_the_pose_that_the_skin_is_bound_in(looks):
    facts, arrays = looks.facts["usdz"], looks.arrays["usdz"]
    world = {"": np.eye(4)}
    for joint, parent, rest in zip(facts["joint_names"], facts["parents"], arrays["rest"], strict=True):
        world[joint] = world[parent] @ rest
    chained = np.array([world[joint] for joint in facts["joint_names"]])
    assert np.abs(chained - arrays["joints"]).max() < 1e-6


def test_skin_weights_uvs_normals_and_shapes_are_those_of_the_glb(looks):
    arrays, body = looks.arrays["usdz"], looks.body
    assert np.array_equal(arrays["positions"], body.positions)
    assert np.array_equal(arrays["faces"], body.faces)
    assert np.abs(arrays["uvs"] - uvs_of(body)).max() < 1e-6
    assert np.abs(arrays["normals"] - body.normals[body.faces.ravel()]).max() < NORMAL
    assert np.abs(arrays["weights"][:, looks.in_order("usdz")] - weights_of(body)).max() < WEIGHT
    assert looks.facts["usdz"]["influences"] <= 4
    assert looks.facts["usdz"]["shape_names"] == list(body.morph_names)
    for morph, seen in zip(body.morphs, arrays["shapes"], strict=True):
        assert np.abs(seen - shape_of(body, morph)).max() < SHAPE_M, morph.name


def test_the_record_is_in_every_place_byte_for_byte(small):
    assert small.facts["usdz"]["consents"] == [CONSENT] * 4


def test_the_consent_belongs_to_the_positions_in_the_package(full):
    arrays = full.arrays["usdz"]
    digest = geometry_digest(arrays["positions"], arrays["faces"])
    assert verify_bound(full.body.consent, digest, now=NOW).state is ConsentState.VALID


def test_images_are_inside_and_the_skin_is_no_metal(full):
    facts = full.facts["usdz"]
    names = ["twin.usdc", "textures/albedo.png", "textures/normal.png", "textures/roughness.png"]
    assert sorted(facts["files"]) == sorted(names)
    assert facts["files"][0] == "twin.usdc"
    assert facts["inputs"] == {
        "diffuseColor": "image",
        "normal": "image",
        "roughness": "image",
        "metallic": "0.0",
    }


def test_the_package_keeps_the_rules_for_such_packages(looks):
    assert looks.facts["usdz"]["complaints"] == []


def test_zeros_of_the_shapes_are_left_out(full):
    """Written out they are 12 bytes a vertex and shape."""
    dense = 12 * len(full.body.positions) * len(full.body.morphs)
    assert full.converted.files["usdz"].size_bytes < dense / 2


def test_blender_shows_the_package_upright(full):
    box = full.facts["usdz"]["in_blender"]
    assert np.allclose(box["low"], full.body.positions.min(axis=0), atol=READ_M)
    assert np.allclose(box["high"], full.body.positions.max(axis=0), atol=READ_M)
