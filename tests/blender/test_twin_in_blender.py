from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bodyscan.consent.digest import geometry_digest
from bodyscan.gltf import read_consent, read_glb, twin_to_glb
from gltf.full_size import full_size_twin
from gltf.shapes import CONSENT, JOINTS, MORPH_NAMES, POSITIONS, small_twin
from gltf.skinning import pose_body, rotation
from gltf.tools import need_module

pytestmark = [pytest.mark.blender, pytest.mark.slow]

BLENDER_M = 2e-5
"""Blender rounds bone rolls and matrices in float32, metres at arm's length."""


def in_blender(glb: bytes, folder: Path, bone: str, shape: str) -> tuple[dict[str, Any], Path]:
    """Return what Blender saw, with a bone turned by 70 degrees, and the file that it exported again."""
    need_module("bpy")
    (folder / "twin.glb").write_bytes(glb)
    script = Path(__file__).with_name("inspect_twin.py")
    arguments = [folder / "twin.glb", bone, "70", shape, folder / "again.glb"]
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
def seen(tmp_path_factory):
    glb = twin_to_glb(small_twin())
    return in_blender(glb, tmp_path_factory.mktemp("blender"), "leftUpperArm", "jawOpen")


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
    assert geometry_digest(positions, faces) == geometry_digest(mesh.vertices, mesh.faces)
    again = read_glb(path)
    assert again.morph_names == MORPH_NAMES
    assert set(again.skeleton.joint_names) == set(JOINTS)


def test_a_full_size_person_is_posed_and_speaks(tmp_path):
    twin = full_size_twin()
    glb = twin_to_glb(twin)
    report, again = in_blender(glb, tmp_path, "leftUpperArm", "jawOpen")
    body = read_glb(glb)
    assert set(report["bones"]) == set(twin.rig.skeleton.joint_names)
    assert report["shapes"] == ["Basis", *(morph.name for morph in twin.morphs)]
    assert len(report["shapes"]) == 53
    expected = pose_body(body, {"leftUpperArm": rotation("z", 70.0)})
    assert np.abs(expected - body.positions).max() > 0.5
    assert np.allclose(report["posed"], expected, atol=BLENDER_M)
    assert np.allclose(report["with_shape"], pose_body(body, {}, {"jawOpen": 1.0}), atol=BLENDER_M)
    text, positions, faces = read_consent(again)
    assert text == CONSENT
    assert geometry_digest(positions, faces) == geometry_digest(body.positions, body.faces)
