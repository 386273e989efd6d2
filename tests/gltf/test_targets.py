from __future__ import annotations

from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest

from bodyscan.body.asset import load_body_model
from bodyscan.consent import geometry_digest
from bodyscan.consent.verify import verify_bound
from bodyscan.errors import InputError
from bodyscan.gltf import GltfOptions, read_consent, read_glb, twin_to_glb
from bodyscan.gltf.container import unpack_glb
from bodyscan.gltf.skeleton_nodes import bone_directions, target_skeleton
from bodyscan.gltf.targets import HUMANOID_BONES, load_target, parse_target, target_names
from bodyscan.gltf.validate import ARKIT_NAMES, check_glb
from gltf.complete import NOW, with_consent
from gltf.full_size import full_size_twin
from gltf.shapes import JOINTS, POSITIONS, small_twin
from gltf.skinning import pose_body, rotation
from gltf.test_read import edited

FLOAT32_M = 2e-6
"""float32 matrices and weights at arm's length, metres."""
POSE_OF = {"gltf": "t", "vrm": "t", "mixamo": "t", "unreal": "a", "unity": "t"}
TURNS = {
    "hips": rotation("y", 25.0),
    "spine": rotation("x", 10.0),
    "leftUpperArm": rotation("z", 40.0),
    "leftLowerArm": rotation("y", -70.0),
    "rightUpperArm": rotation("x", 30.0) @ rotation("z", 20.0),
    "head": rotation("y", 15.0),
}
"""Rotations of joints about the world's axes as they stand in the bind pose."""


@pytest.fixture(scope="module")
def full_twins():
    return {pose: with_consent(full_size_twin(pose)) for pose in ("a", "t")}


def table(name: str) -> str:
    return files("bodyscan.gltf").joinpath("data", f"{name}.toml").read_text(encoding="utf-8")


def posed_in_world(data: bytes, target_name: str, turns) -> np.ndarray:
    """Return the surface with joints turned about the world's axes, whatever the joint frames are."""
    body, target = read_glb(data), load_target(target_name)
    local = {}
    for name, turn in turns.items():
        own = target.joint_name(name)
        frame = body.rest_world[body.skeleton.joint_names.index(own)][:3, :3]
        local[own] = frame.T @ turn @ frame
    return pose_body(body, local)


def test_the_tables_name_the_joints_of_the_packaged_body():
    assert set(HUMANOID_BONES) == set(load_body_model().joint_names)
    assert len(HUMANOID_BONES) == 55


@pytest.mark.parametrize("name", target_names())
def test_every_target_names_every_joint_once(name):
    target = load_target(name)
    assert set(target.joints) == set(HUMANOID_BONES)
    assert len({*target.joints.values(), *target.roots}) == 55 + len(target.roots)
    assert target.name == name


def test_names_are_those_of_the_readers():
    assert load_target("mixamo").joint_name("leftLowerArm") == "mixamorig:LeftForeArm"
    assert load_target("mixamo").joint_name("rightLittleDistal") == "mixamorig:RightHandPinky3"
    assert load_target("unreal").joint_name("upperChest") == "spine_03"
    assert load_target("unreal").joint_name("rightUpperLeg") == "thigh_r"
    assert load_target("unity").joint_name("leftThumbMetacarpal") == "LeftThumbProximal"
    assert load_target("vrm").joint_name("leftThumbMetacarpal") == "leftThumbMetacarpal"


@pytest.mark.parametrize("name", target_names())
def test_at_rest_skinning_is_the_identity(name, full_twins):
    for twin in (small_twin(pose=POSE_OF[name]), full_twins[POSE_OF[name]]):
        if name == "vrm" and len(twin.rig.skeleton.joint_names) < 15:
            continue
        body = read_glb(twin_to_glb(twin, GltfOptions(target=name, morphs=False)))
        assert np.abs(pose_body(body, {}) - body.positions).max() < FLOAT32_M


@pytest.mark.parametrize("name", [name for name in target_names() if name != "gltf"])
def test_the_same_turn_in_the_world_gives_the_same_surface(name, full_twins):
    twin = full_twins[POSE_OF[name]]
    plain = posed_in_world(twin_to_glb(twin, GltfOptions(morphs=False)), "gltf", TURNS)
    posed = posed_in_world(twin_to_glb(twin, GltfOptions(target=name, morphs=False)), name, TURNS)
    assert np.abs(plain - twin.rig.mesh.vertices).max() > 0.2
    assert np.abs(posed - plain).max() < 2 * FLOAT32_M


@pytest.mark.parametrize("name", target_names())
def test_the_consent_holds_for_every_target(name, full_twins):
    data = twin_to_glb(full_twins[POSE_OF[name]], GltfOptions(target=name, morphs=False))
    text, positions, faces = read_consent(data)
    assert verify_bound(text, geometry_digest(positions, faces), now=NOW).ok


@pytest.mark.parametrize("name", target_names())
def test_nothing_is_found_in_a_file_for_any_target(name, full_twins):
    assert check_glb(twin_to_glb(full_twins[POSE_OF[name]], GltfOptions(target=name))) == ()


@pytest.mark.parametrize(("name", "axis"), [("mixamo", 1), ("unreal", 0)])
def test_the_axis_points_along_the_bone(name, axis, full_twins):
    twin = full_twins[POSE_OF[name]]
    skeleton = twin.rig.skeleton
    body = read_glb(twin_to_glb(twin, GltfOptions(target=name, morphs=False)))
    target = load_target(name)
    for joint, child in (
        ("hips", "spine"),
        ("upperChest", "neck"),
        ("leftUpperArm", "leftLowerArm"),
        ("rightLowerLeg", "rightFoot"),
        ("leftHand", "leftMiddleProximal"),
        ("rightIndexIntermediate", "rightIndexDistal"),
    ):
        at, to = (skeleton.positions[skeleton.joint_names.index(each)] for each in (joint, child))
        place = body.skeleton.joint_names.index(target.joint_name(joint))
        along = body.rest_world[place][:3, axis]
        assert np.allclose(along, (to - at) / np.linalg.norm(to - at), atol=1e-4)


@pytest.mark.parametrize("name", ["mixamo", "unreal"])
def test_joint_frames_are_right_handed_rotations(name, full_twins):
    frames = target_skeleton(full_twins["t"].rig.skeleton, load_target(name)).rotations
    assert np.allclose(frames @ frames.transpose(0, 2, 1), np.eye(3), atol=1e-12)
    assert np.allclose(np.linalg.det(frames), 1)


def test_an_end_without_a_length_goes_on_as_its_parent():
    skeleton = replace(
        small_twin().rig.skeleton, positions=np.array([*POSITIONS[:-1], POSITIONS[-2]], np.float64)
    )
    directions = bone_directions(skeleton)
    assert np.allclose(directions[JOINTS.index("rightLowerArm")], directions[JOINTS.index("rightUpperArm")])
    assert np.allclose(np.linalg.norm(directions, axis=1), 1)


@pytest.mark.parametrize("name", ["gltf", "vrm", "unity"])
def test_world_aligned_joints_only_translate(name, full_twins):
    document, _ = unpack_glb(twin_to_glb(full_twins["t"], GltfOptions(target=name, morphs=False)))
    assert all(set(node) <= {"name", "translation", "children"} for node in document["nodes"][2:])


def test_unreal_has_a_root_on_the_floor_above_the_pelvis(full_twins):
    data = twin_to_glb(full_twins["a"], GltfOptions(target="unreal"))
    body = read_glb(data)
    assert body.skeleton.joint_names[:2] == ("root", "pelvis")
    assert body.skeleton.positions[0].tolist() == [0, 0, 0]
    assert tuple(body.skeleton.parents[:2]) == (-1, 0)
    # No vertex hangs on it.
    assert (body.joint_indices[body.joint_weights > 0] > 0).all()
    assert body.morph_names == tuple(
        morph.name[0].upper() + morph.name[1:] for morph in full_twins["a"].morphs
    )
    assert set(body.morph_names).isdisjoint(ARKIT_NAMES)


@pytest.mark.parametrize(("name", "wanted"), [("vrm", "t"), ("unreal", "a")])
def test_another_pose_than_the_target_wants_is_refused(name, wanted):
    twin = small_twin(pose="captured")
    message = rf"wants a twin in the pose '{wanted}'; this one stands in 'captured'. Make the twin with"
    with pytest.raises(InputError, match=message):
        twin_to_glb(twin, GltfOptions(target=name))


def test_a_joint_that_the_target_does_not_know_is_refused_and_plain_gltf_keeps_it():
    twin = small_twin()
    names = (*JOINTS[:-1], "tail")
    skeleton = replace(twin.rig.skeleton, joint_names=names)
    odd = replace(twin, rig=replace(twin.rig, skeleton=skeleton))
    with pytest.raises(InputError, match=r"mixamo has no name for the joint 'tail'; it knows the 55"):
        twin_to_glb(odd, GltfOptions(target="mixamo"))
    data = twin_to_glb(odd)
    assert read_glb(data).skeleton.joint_names == names
    findings = {f.code: f.severity for f in check_glb(data)}
    assert findings["JOINT_NAME_UNKNOWN"] == "info"


def test_joint_names_of_another_target_are_found():
    def rename(document):
        for place in (document["asset"], document["nodes"][0]):
            place["extras"]["bodyscan"]["target"] = "unity"

    findings = {f.code: f for f in check_glb(edited(rename))}
    assert findings["JOINT_NAME_UNKNOWN"].severity == "warning"
    assert "the target unity does not know: hips, spine" in findings["JOINT_NAME_UNKNOWN"].message


def test_an_unknown_target_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match=r"no target 'maya'; possible are gltf, vrm, mixamo, unreal, unity"):
        GltfOptions(target="maya")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('hips = "Hips"', 'hips = "Spine"', r"gives two joints the name Spine"),
        ('hips = "Hips"', 'pelvis = "Hips"', r"joints of the target x: unknown pelvis; known are chest"),
        ('hips = "Hips"', "", r"joints of the target x: missing hips"),
        ('hips = "Hips"', 'hips = ""', r"joints = .*possible: a table of names"),
        ("textures = true", "", r"table of the target x: missing textures"),
        ("textures = true", "textures = 1", r"textures = 1; possible: true or false"),
        ("textures = true", "textures = true\nscale = 2", r"unknown scale; known are extensions"),
        ('frames = "world"', 'frames = "local"', r"frames = 'local'; possible: world, y_along_bone"),
        ("roots = []", 'roots = "root"', r"roots = 'root'; possible: a list of names"),
        ("extensions = [", "extensions = true\nx = [", r"unknown x"),
        ("extensions = [", "extensions = [1, ", r"extensions = \[1, .*possible: a list of names"),
        ('suffix = ".glb"', 'suffix = ".fbx"', r"suffix = '.fbx'; possible: .glb, .vrm"),
        ("roots = []", "roots = [", r"is no TOML"),
        ("roots = []", 'roots = ["Hips"]', r"gives two joints the name Hips"),
    ],
)
def test_a_faulty_table_is_refused(old, new, message):
    text = table("unity")
    assert old in text
    parse_target("x", text)
    with pytest.raises(InputError, match=message):
        parse_target("x", text.replace(old, new, 1))
