from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bodyscan.gltf import read_consent, read_glb, twin_to_glb
from gltf.shapes import CONSENT, JOINTS, MORPH_NAMES, POSITIONS, small_twin
from gltf.skinning import pose_body, rotation
from gltf.tools import need_module

pytestmark = [pytest.mark.blender, pytest.mark.slow]

BLENDER_M = 2e-5
"""Blender rounds bone rolls and matrices in float32, metres at arm's length."""


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """Return what Blender saw in the small twin's file, and the file that it exported again."""
    need_module("bpy")
    folder = tmp_path_factory.mktemp("blender")
    (folder / "twin.glb").write_bytes(twin_to_glb(small_twin()))
    script = Path(__file__).with_name("inspect_twin.py")
    arguments = [folder / "twin.glb", "leftUpperArm", "70", "jawOpen", folder / "again.glb"]
    done = subprocess.run(
        [sys.executable, str(script), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("REPORT ")]
    assert lines, f"Blender ended with {done.returncode}:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return json.loads(lines[0][7:]), folder / "again.glb"


@pytest.fixture(scope="module")
def report(seen):
    return seen[0]


def test_bones_stand_where_the_joints_are_under_an_identity_armature(report):
    assert report["armature"] == "armature"
    assert report["armature_is_identity"]
    assert report["bones"] == list(JOINTS)
    heads = np.array([report["heads"][name] for name in JOINTS])
    assert np.allclose(heads, POSITIONS, atol=BLENDER_M)


def test_the_bind_pose_is_shown_unchanged(report):
    body = read_glb(twin_to_glb(small_twin()))
    assert np.allclose(report["rest"], body.positions, atol=BLENDER_M)


def test_a_posed_bone_moves_the_mesh_as_the_specification_says(report):
    body = read_glb(twin_to_glb(small_twin()))
    expected = pose_body(body, {"leftUpperArm": rotation("z", 70.0)})
    assert np.abs(expected - body.positions).max() > 0.5
    assert np.allclose(report["posed"], expected, atol=BLENDER_M)


def test_shape_keys_carry_their_names_and_drive_the_mesh(report):
    body = read_glb(twin_to_glb(small_twin()))
    assert report["shapes"] == ["Basis", *MORPH_NAMES]
    assert report["values"] == [0.0] * 4
    assert np.allclose(report["with_shape"], pose_body(body, {}, {"jawOpen": 1.0}), atol=BLENDER_M)


def test_uvs_colours_and_what_the_file_says_about_itself_arrive(report):
    assert report["uv_layers"] == 1
    assert len(report["color_attributes"]) == 1
    assert "_BODY_VERTEX" in report["attributes"]
    assert {"consent", "measurements", "landmarks", "provenance"} <= set(report["extras"])
    assert report["consent"] == CONSENT


def test_a_re_export_keeps_consent_rig_and_shapes(seen):
    path = seen[1]
    text, positions, faces = read_consent(path)
    mesh = small_twin().rig.mesh
    assert text == CONSENT
    assert len(faces) == len(mesh.faces)
    ours = mesh.vertices.astype(np.float32)[mesh.faces].reshape(len(faces), -1)
    theirs = positions[faces].reshape(len(faces), -1)
    assert {min(np.roll(t, 3 * k).tobytes() for k in range(3)) for t in ours + 0.0} == {
        min(np.roll(t, 3 * k).tobytes() for k in range(3)) for t in theirs + 0.0
    }
    again = read_glb(path)
    assert again.morph_names == MORPH_NAMES
    assert set(again.skeleton.joint_names) == set(JOINTS)
