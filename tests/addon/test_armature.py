"""A twin's skeleton in Blender rests as the file is bound and moves the skin as bodyscan itself does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from addon.conftest import VERSION, _runner
from addon.outside import outside
from addon.rig_people import person, pose_body_of, write_person
from bodyscan.gltf import GltfOptions, read_glb, twin_to_glb
from bodyscan.gltf.targets import HUMANOID_BONES

Told = dict[str, Any]
pose_arrays = outside("rig.pose_arrays")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("armature")
    write_person(folder)
    (folder / "mixamo.glb").write_bytes(twin_to_glb(person("t"), GltfOptions(target="mixamo")))
    return folder


@pytest.fixture(scope="module")
def found(folder: Path) -> Iterator[Told]:
    for in_blender in _runner(VERSION, folder):
        yield in_blender("armature", folder=folder, twin=folder / "twin.glb", mixamo=folder / "mixamo.glb")


def test_the_rest_pose_is_the_bind_pose(found, folder):
    skeleton = read_glb(folder / "twin.glb").skeleton
    assert next(iter(found["bones"])) == "hips"
    assert set(found["bones"]) == set(skeleton.joint_names)
    for joint, name in enumerate(skeleton.joint_names):
        bone = found["bones"][name]
        assert np.abs(np.array(bone["head"]) - skeleton.positions[joint]).max() < 1e-6
        parent = int(skeleton.parents[joint])
        assert bone["parent"] == (None if parent < 0 else skeleton.joint_names[parent])
        assert bone["deform"]


def test_the_skin_moves_as_bodyscans_own_blending_moves_it(found, folder):
    """Every bone turned at once: Blender against linear blending in double precision."""
    told = np.load(folder / "posed.npz")
    body = pose_body_of(folder / "twin.glb")
    place = [list(told["names"]).index(name) for name in body.names]
    pose = pose_arrays.Pose(told["turns"][place], np.zeros(3))
    expected, _ = pose_arrays.skin(body, pose)
    assert np.abs(expected - body.positions).max() > 0.1
    assert np.abs(told["skin"] - expected).max() < 1e-5


def test_bones_only_turn_and_hinges_turn_by_angles(found):
    bones = found["bones"]
    assert bones["hips"]["locked"] == [[False] * 3, [True] * 3]
    for name, bone in bones.items():
        if name != "hips":
            assert bone["locked"] == [[True] * 3, [True] * 3]
    assert bones["leftLowerArm"]["mode"] == bones["rightIndexDistal"]["mode"] == "YZX"
    assert bones["leftUpperArm"]["mode"] == bones["head"]["mode"] == "QUATERNION"


def test_bones_are_sorted_and_coloured_by_side(found):
    collections = found["collections"]
    assert list(collections) == ["Body", "Arms", "Legs", "Hands", "Face"]
    assert "leftFoot" in collections["Legs"]
    assert "rightThumbDistal" in collections["Hands"]
    assert collections["Face"] == ["jaw", "leftEye", "rightEye"]
    assert sum(map(len, collections.values())) == len(found["bones"])
    colors = {name: bone["color"] for name, bone in found["bones"].items()}
    assert colors["leftHand"] == "THEME04"
    assert colors["rightHand"] == "THEME01"
    assert colors["head"] == "THEME09"


def test_the_wires_are_thin_and_in_no_scene_and_lie_around_the_limbs(found):
    shapes = found["shapes"]
    assert shapes["all"]
    assert shapes["in a scene"] == []
    assert shapes["faces"] == 0
    assert shapes["collection"]
    assert 0.03 < shapes["sizes"]["leftLowerArm"][0] < 0.08
    assert 0.1 < shapes["sizes"]["chest"][0] < 0.35
    assert 0.004 < shapes["sizes"]["leftIndexDistal"][0] < 0.02


def test_a_pose_is_mirrored_by_blenders_own_means(found):
    told = found["mirrored"]
    assert told["flip"] == "rightUpperArm"
    assert "rightUpperArm" in told["moved"]
    assert "rightLowerLeg" in told["moved"] or "rightFoot" in told["moved"]
    for name in ("Hand", "Foot", "LowerArm"):
        left, right = np.array(told["first"][f"left{name}"]), np.array(told["heads"][f"right{name}"])
        assert np.abs(left * (-1, 1, 1) - right).max() < 2e-3
    assert told["back"][0] < 0.01
    assert told["back"][1] < 0.01


def test_vrm_names_are_found_under_other_names_too(found):
    assert found["names"]["leftUpperArm"] == "leftUpperArm"
    assert found["mixamo"]["leftUpperArm"] == "mixamorig:LeftArm"
    assert set(found["mixamo"]) == set(HUMANOID_BONES)


def test_bones_of_another_importer_are_tidied_and_the_pose_stays(found):
    told = found["tidied"]
    assert "Another importer laid out these bones; press Tidy Bones first." in told["ik"]
    assert told["told"] == told["then"] == "FINISHED"
    assert told["moved"] < 1e-5
    assert told["matrices"] < 1e-5
    assert told["same"]
    assert "This armature is animated" in told["animated"]
