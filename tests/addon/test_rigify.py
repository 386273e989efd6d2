"""Rigify's human on the twin's joints: placed, generated, followed, and gone without a trace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from addon.conftest import VERSION, _runner
from addon.consented import twin_file
from addon.outside import outside
from addon.rig_people import write_person
from gltf.shapes import small_twin

Told = dict[str, Any]
rigify_places = outside("rig.rigify_places")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("rigify")
    paths = {pose: write_person(folder, pose, pose) for pose in ("a", "t")}
    twin_file(folder / "small.glb", body=small_twin())
    for in_blender in _runner(VERSION, folder):
        yield in_blender("rigify", small=folder / "small.glb", **paths)


@pytest.mark.parametrize("pose", ["a", "t"])
def test_the_metarig_stands_on_the_joints(found, pose):
    told = found[pose]["metarig"]
    assert told["told"] == "FINISHED"
    assert len(told["gaps"]) == 52
    assert max(told["gaps"].values()) < 1.0
    assert told["armatures"] == 1
    assert told["mode"] == "OBJECT"
    assert {"heel.02.L", "palm.03.R", "spine.005"} <= set(told["bones"])
    assert not [name for name in told["bones"] if name.startswith(("face", "lip", "breast", "pelvis"))]
    assert {"limbs.arm", "limbs.leg", "spines.basic_spine", "spines.super_head"} <= set(told["types"])


@pytest.mark.parametrize("pose", ["a", "t"])
def test_the_twin_follows_the_generated_rig_and_keeps_its_weights(found, pose):
    told = found[pose]["generated"]
    assert told["told"] == "FINISHED"
    assert told["bones"] > 300
    assert told["apart"][0] < 0.1  # these limbs are exactly straight, where Rigify's own IK is a little short
    assert told["apart"][1] < 0.05
    assert told["skin"] < 1e-4
    assert told["groups"]
    assert told["deform"]
    assert told["alone"] == ["leftEye", "rightEye"]
    assert "follows a Rigify rig: pose that rig" in told["pose"]
    assert "follows a Rigify rig, which has its own IK" in told["ik"]


@pytest.mark.parametrize("pose", ["a", "t"])
def test_the_rig_moves_the_twin_joint_for_joint_and_stretches_nothing(found, pose):
    told = found[pose]["moved"]
    assert told["skin"] > 0.1
    assert max(told["gaps"].values()) < 1.0  # elbows and knees of the metarig were moved by 0.4 mm
    assert told["lengths"] == pytest.approx([1.0, 1.0], abs=1e-4)
    assert told["knee"] < -0.05
    assert told["elbow"] > 0.0


@pytest.mark.parametrize("pose", ["a", "t"])
def test_taking_the_twin_off_keeps_the_pose_and_leaves_nothing(found, pose):
    told = found[pose]["removed"]
    assert told["told"] == "FINISHED"
    assert told["apart"][0] < 1.0  # the same 0.4 mm, which turning bones cannot keep
    assert told["apart"][1] < 0.2
    assert told["objects"] == ["armature", "body", "body.collision"]
    assert told["texts"] == told["constraints"] == 0
    assert told["bones"] == []
    assert told["collections"] == ["Body", "Arms", "Legs", "Hands", "Face"]
    assert "The person has no metarig yet." in told["again"]


def test_a_metarig_is_undone(found):
    assert found["undo"] == [1, 0]


def test_what_does_not_work_is_told_and_leaves_nothing(found):
    told = found["refused"]
    assert "Rigify's human needs a whole one" in told["small"]
    assert not told["left"]
    assert "The person has no metarig yet." in told["none"]
    assert "Rigify could not generate the rig" in told["broken"]
    assert not told["broken left"]
    assert told["broken follows"] == 0
    assert "Blender's add-on Rigify is missing or cannot be enabled" in told["missing"]


def straight_limb(offset: float) -> dict[str, Any]:
    """An arm along X whose elbow stands `offset` metres behind the line; elbows point backwards, to +Y."""
    place, up = rigify_places.Place, np.array([0.0, -1.0, 0.0])
    shoulder, elbow, wrist = np.zeros(3), np.array([0.3, offset, 0.0]), np.array([0.6, 0.0, 0.0])
    return {
        "leftUpperArm": place(shoulder, elbow, up),
        "leftLowerArm": place(elbow, wrist, up),
        "leftHand": place(wrist, np.array([0.7, 0.0, 0.0]), up),
    }


@pytest.mark.parametrize(("offset", "moved_mm", "told"), [(0.01, 0.0, 0), (0.0, 0.4, 0), (-0.01, 0.8, 1)])
def test_a_straight_elbow_is_moved_a_hair_and_one_bent_back_is_told(offset, moved_mm, told):
    bones = straight_limb(offset)
    out, backward = rigify_places.places(bones, {})
    gap = out["forearm.L"].head - bones["leftLowerArm"].head
    assert np.linalg.norm(gap) * 1000 == pytest.approx(moved_mm, abs=1e-6)
    assert gap[1] >= 0
    assert np.array_equal(out["upper_arm.L"].tail, out["forearm.L"].head)
    assert backward == ["left arm"] * told
