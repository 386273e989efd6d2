"""The pose library fits every build: soles on the floor, hands on the thighs, arms out of the trunk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy.spatial import cKDTree

from addon.conftest import VERSION, _runner
from addon.consented import twin_file
from addon.outside import outside
from addon.rig_people import as_pose_body, made_body, write_person
from bodyscan.body.asset import load_body_model
from bodyscan.errors import InputError
from gltf.shapes import small_twin

Told = dict[str, Any]
solver, arrays = outside("rig.pose_solver"), outside("rig.pose_arrays")
BUILDS = 4
NEAR_M = 0.06


def builds() -> list[np.ndarray]:
    """Betas of the mean person and of unusual ones."""
    random = np.random.default_rng(3)
    count = load_body_model().shape_dirs.shape[2]
    return [np.zeros(count), *(1.2 * random.normal(size=count) for _ in range(BUILDS - 1))]


@pytest.fixture(scope="module", params=range(BUILDS))
def build(request):
    return made_body(builds()[request.param])


def depth(body, pose, part: tuple[str, ...], other: tuple[str, ...]) -> float:
    """The least distance of a part's skin to another's, metres; below 0 inside."""
    surface, normals = arrays.skin(body, pose, arrays.owned_by(body, *other))
    points, _ = arrays.skin(body, pose, arrays.owned_by(body, *part))
    apart, near = cKDTree(surface).query(points)
    out = np.einsum("vi,vi->v", points - surface[near], normals[near])[apart < NEAR_M]
    return float(out.min(initial=NEAR_M))


@pytest.mark.parametrize("name", list(solver.library()))
def test_the_soles_stand_on_the_floor(build, name):
    body, _ = build
    pose = solver.solve_pose(body, name)
    soles = [arrays.sole_height(body, pose, side) for side in ("left", "right")]
    assert min(soles) == pytest.approx(0.0, abs=1e-6)
    if name != "captured":
        assert max(soles) < 1e-3


@pytest.mark.parametrize("name", list(solver.library()))
def test_no_limb_changes_its_length(build, name):
    body, _ = build
    pose = solver.solve_pose(body, name)
    at = arrays.places(body, pose)
    for joint, parent in enumerate(body.parents):
        if parent >= 0:
            length = np.linalg.norm(body.heads[joint] - body.heads[parent])
            assert np.linalg.norm(at[joint] - at[parent]) == pytest.approx(length, abs=1e-9)
    turned = np.einsum("jki,jkl->jil", pose.turns, pose.turns)
    assert np.abs(turned - np.eye(3)).max() < 1e-9


@pytest.mark.parametrize("name", ["relaxed", "walk", "contrapposto"])
def test_forearms_and_hands_stay_out_of_the_trunk(build, name):
    body, _ = build
    pose = solver.solve_pose(body, name)
    for side in ("left", "right"):
        fingers = tuple(f"{side}{finger}" for finger in ("Thumb", "Index", "Middle", "Ring", "Little"))
        part = (f"{side}LowerArm", f"{side}Hand", *fingers)
        assert depth(body, pose, part, ("hips", "spine", "chest", "UpperLeg")) > 0


def test_sitting_hands_lie_on_the_thighs_and_knees_are_bent_square(build):
    body, _ = build
    pose = solver.solve_pose(body, "sit")
    at = dict(zip(body.names, arrays.places(body, pose), strict=True))
    for side in ("left", "right"):
        hand = (f"{side}Hand", f"{side}Index", f"{side}Middle", f"{side}Ring", f"{side}Little")
        assert -0.002 < depth(body, pose, hand, (f"{side}UpperLeg",)) < 0.02
        thigh = at[f"{side}LowerLeg"] - at[f"{side}UpperLeg"]
        shin = at[f"{side}Foot"] - at[f"{side}LowerLeg"]
        angle = np.degrees(np.arccos(thigh @ shin / np.linalg.norm(thigh) / np.linalg.norm(shin)))
        assert 75 < angle < 100
        assert at[f"{side}LowerLeg"][2] > at[f"{side}UpperLeg"][2] + 0.2


def test_knees_never_bend_forward(build):
    body, _ = build
    for name in solver.library():
        at = dict(zip(body.names, arrays.places(body, solver.solve_pose(body, name)), strict=True))
        for side in ("left", "right"):
            hip, knee, ankle = (at[f"{side}{part}"] for part in ("UpperLeg", "LowerLeg", "Foot"))
            line = (ankle - hip) / np.linalg.norm(ankle - hip)
            aside = (knee - hip) - ((knee - hip) @ line) * line
            assert np.linalg.norm(aside) < 0.006 or aside[2] > 0


@pytest.mark.parametrize("bind", ["t", "a", None])
def test_a_pose_looks_alike_from_every_bind_pose(bind):
    betas = builds()[1]
    first, _ = made_body(betas, "a")
    other, _ = made_body(betas, bind)
    for name in ("t", "walk", "contrapposto"):
        one = arrays.places(first, solver.solve_pose(first, name))
        two = arrays.places(other, solver.solve_pose(other, name))
        limbs = [first.index(f"{s}{p}") for s in ("left", "right") for p in ("LowerArm", "LowerLeg")]
        heads = [first.index(f"{s}{p}") for s in ("left", "right") for p in ("UpperArm", "UpperLeg")]
        directions = [(where[limbs] - where[heads]) for where in (one, two)]
        directions = [d / np.linalg.norm(d, axis=1, keepdims=True) for d in directions]
        turned = np.degrees(np.arccos(np.clip((directions[0] * directions[1]).sum(axis=1), -1, 1)))
        assert turned.max() < 6.0


def test_a_and_t_are_those_of_the_package():
    """From the model's own rest pose the library's T is `standard_pose`'s, joint for joint."""
    betas = builds()[2]
    body, _ = made_body(betas, None)
    for name in ("a", "t"):
        pose = solver.solve_pose(body, name)
        given = made_body(betas, name)[0]
        at = arrays.places(body, pose)
        # The library tips the hips over legs of two lengths, and the package does not.
        for bone in ("leftUpperArm", "rightLowerArm", "leftUpperLeg"):
            joint, tip = body.index(bone), body.index(bone.replace("Upper", "Lower"))
            if joint == tip:
                tip = body.index("rightHand")
            ours, theirs = at[tip] - at[joint], given.heads[tip] - given.heads[joint]
            cosine = ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs)
            assert np.degrees(np.arccos(min(cosine, 1.0))) < 0.01


def test_mirrored_people_take_mirrored_poses():
    """Of the poses that are the same on both sides."""
    body, _ = made_body(builds()[0])
    flip = np.array([-1.0, 1.0, 1.0])
    for name in ("a", "t", "sit"):
        at = dict(zip(body.names, arrays.places(body, solver.solve_pose(body, name)), strict=True))
        for part in ("Hand", "LowerArm", "Foot", "LowerLeg"):
            assert np.abs(at[f"left{part}"] * flip - at[f"right{part}"]).max() < 2e-3


def test_what_cannot_be_posed_is_refused():
    body, _ = made_body(builds()[0])
    with pytest.raises(InputError, match=r"There is no pose 'fly'; the library has captured, a, t, relaxed"):
        solver.solve_pose(body, "fly")
    rig = small_twin().rig
    small = as_pose_body(
        rig.skeleton, rig.mesh.vertices, rig.mesh.vertices, rig.joint_indices, rig.joint_weights
    )
    with pytest.raises(InputError, match=r"skeleton has no chest, leftFoot, .*poses need a whole body"):
        solver.solve_pose(small, "walk")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("poses")
    twin = write_person(folder)
    twin_file(folder / "small.glb", body=small_twin())
    for in_blender in _runner(VERSION, folder):
        yield in_blender("poses", folder=folder, twin=twin, small=folder / "small.glb")


def test_blender_shows_what_the_solver_says(found):
    assert set(found["poses"]) == set(solver.library())
    for told in found["poses"].values():
        assert told["told"] == "FINISHED"
        assert told["apart"] < 1e-5
        assert abs(told["lowest"]) < 1e-5
    assert found["bind"] < 1e-6


def test_strength_goes_part_of_the_way_and_stays_on_the_floor(found):
    to_go = np.array(found["half"]["to go"])
    assert (np.diff(to_go[:, 1]) < -5).all()
    assert to_go[1, 1] == pytest.approx(to_go[0, 1] / 2, rel=0.1)
    assert np.abs(found["half"]["lowest"]).max() < 1e-5
    assert max(found["half"]["none"]) < 0.01


def test_the_face_and_the_floor(found):
    assert found["face"][:3] == pytest.approx([0.2, 0.0, 0.0], abs=1e-5)
    assert found["face"][3:] == pytest.approx([0.99, 0.0, 0.0, 0.14], abs=0.01)
    assert found["floor"]["before"] > 0.05
    assert found["floor"]["told"] == "FINISHED"
    assert abs(found["floor"]["after"]) < 1e-5


def test_limbs_on_ik_follow_and_stay_on_it(found):
    assert found["ik"]["worst"] < 1e-4
    assert found["ik"]["shares"] == [1.0] * 4


def test_poses_are_keyed_where_automatic_keying_is_on(found):
    assert np.array(found["keys"]["at keys"]).max() < 0.01
    assert min(found["keys"]["between mm"]) > 10


def test_a_pose_is_undone(found):
    assert found["undo"]["moved"] > 0.05
    assert found["undo"]["back"] < 1e-6


def test_twins_that_cannot_be_posed_say_why(found):
    told = found["refused"]
    assert "vertices that hang on no bone: its vertex groups were changed" in told["group"]
    assert "has no skin in this scene any more; import the twin again" in told["skin"]
    assert "poses need a whole body" in told["small"]
    assert "Select a person who has a twin with bones." in told["nobody"]
