"""IK is switched without a jump, bends limbs the right way, keeps the feet where they are, and goes away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from addon.conftest import VERSION, _runner
from addon.rig_people import write_person

Told = dict[str, Any]
TRIALS = 12
JUMP_MM, JUMP_DEG = 0.1, 0.1


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("ik")
    paths = {pose: write_person(folder, pose, pose) for pose in ("a", "t")}
    for in_blender in _runner(VERSION, folder):
        yield in_blender("ik", trials=TRIALS, **paths)


@pytest.mark.parametrize("pose", ["a", "t"])
@pytest.mark.parametrize("what", ["rest", "poses"])
def test_switching_moves_nothing(found, pose, what):
    """From rest (in T exactly straight) and in poses that no chain in one plane can have."""
    jumps = np.array(found[pose][what])
    assert len(jumps) == (8 if what == "rest" else 8 * TRIALS)
    assert jumps[:, 0].max() < JUMP_MM
    assert jumps[:, 1].max() < JUMP_DEG


@pytest.mark.parametrize("pose", ["a", "t"])
def test_knees_point_forward_and_elbows_back_and_the_limb_keeps_up(found, pose):
    for limb, told in found[pose]["way"].items():
        forward = -told["points"][1]
        assert forward > 0.9 if "leg" in limb else forward < -0.6, (limb, told)
        assert told["missed mm"] < 0.1
        assert told["longest step"] < 0.12  # no flip: an elbow would jump by twice its height


@pytest.mark.parametrize("pose", ["a", "t"])
def test_feet_stay_on_the_floor_when_the_hips_move(found, pose):
    told = found[pose]["feet"]
    assert told["count"] > 100
    assert told["body"] > 0.1
    assert told["soles mm"] < 0.1


def test_the_mechanism_deforms_nothing_and_is_hidden_but_for_its_controls(found):
    told = found["made"]
    assert told["told"] == "FINISHED"
    assert len(told["new"]) == 28  # seven a limb; the other two were switched on before
    controls = {"leftHand_IK", "leftElbow_pole", "rightFoot_IK", "rightKnee_pole"}
    assert controls <= set(told["new"])
    assert controls <= set(told["shown"])
    hidden = {name for name in told["new"] if not name.endswith(("_IK", "_pole"))}
    assert len(hidden) == 20
    assert not hidden & set(told["shown"])
    assert told["flipped"] == told["new"]
    assert told["constraints"]["leftUpperArm"] == ["COPY_ROTATION"]
    assert set(told["expressions"]) == set(told["valid"]) == {True}
    assert told["share"] == [1.0, 0.0, 0.0, 1.0]


def test_removing_takes_everything_and_keeps_the_pose(found):
    told = found["removed"]
    assert told["told"] == "FINISHED"
    assert told["moved"][0] < JUMP_MM
    assert told["moved"][1] < JUMP_DEG
    assert told["bones"] == told["properties"] == []
    assert told["constraints"] == told["drivers"] == 0
    assert told["collections"] == ["Body", "Arms", "Legs", "Hands", "Face"]
    assert "This twin has no IK." in told["again"]


def test_a_switch_in_the_middle_of_an_animation_does_not_jump(found):
    told = found["keyed"]
    assert told["share"] == 1.0
    assert told["apart"][0] < JUMP_MM
    assert told["apart"][1] < JUMP_DEG


def test_switching_is_undone(found):
    assert found["undo"] == {"bones": [], "constraints": 0}


def test_what_is_broken_is_told_and_nothing_is_half_done(found):
    told = found["broken"]
    assert "The IK of the left arm lacks its bone leftElbow_pole" in told["pole"]
    assert told["remove"] == "FINISHED"
    assert "The twin's skeleton has no rightHand" in told["renamed"]
    assert told["half"] == []
    assert "No limb was chosen" in told["none"]
    assert "Select a person who has a twin with bones." in told["gone"]
