"""Sliders of shape and pose: they tell the fit, reach what is set, and go back without a rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from addon.conftest import VERSION, _runner
from addon.edit_people import fit_of, truth
from addon.outside import outside
from bodyscan.body.asset import load_body_model

HELD_CM = 0.3
"""How far a measure may drift while another is set by 3 %: less than tapes differ."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("sliders")
    for in_blender in _runner(VERSION, folder):
        yield in_blender("shape_sliders", folder=str(folder / "work"))


def test_at_first_they_tell_the_fit_and_setting_what_is_there_moves_nothing(found: dict[str, Any]) -> None:
    first = found["first"]
    assert first["ready"] == [False, True]
    assert first["as_measured_cm"] < 0.006, "the tapes of `bodyscan measure`, which rounds"
    assert 40 < first["litres"] < 120
    assert np.abs(first["slider"]).max() < 1e-4
    assert first["moved_mm"] < 0.01
    assert len(set(first["names"])) == len(first["names"])


def test_each_measure_reaches_what_is_set_and_the_others_stay(found: dict[str, Any]) -> None:
    for name, (missed, others) in found["measures"].items():
        assert abs(missed) < 0.06, name
        grow = {"volume", name}
        if name == "stature":
            grow |= {"inside_leg_height", "shoulder_width", "arm_length"}
        if name == "volume":
            grow |= {"bust_girth", "waist_girth", "hip_girth"}
        drift = {other: change for other, change in others.items() if other not in grow}
        assert max(map(abs, drift.values())) < HELD_CM, (name, drift)
    assert found["measures"]["volume"][1]["waist_girth"] > 0.5, "a heavier body has a wider waist"
    assert found["measures"]["stature"][1]["inside_leg_height"] > 1, "a taller one has longer legs"


def test_reset_is_as_fitted(found: dict[str, Any]) -> None:
    assert found["reset_mm"] < 1e-3
    done, waist, beyond, tallest = found["operator"]
    assert (done, beyond) == ("FINISHED", "FINISHED")
    assert waist == pytest.approx(90, abs=0.1)
    assert tallest < 298


def test_a_component_changes_the_person_and_is_undone_and_redone(found: dict[str, Any]) -> None:
    changed, _, components = found["component"]
    assert abs(changed) > 5, "the first component is the person's size"
    assert components == load_body_model("adult").num_components
    moved, is_clean = found["component_undone"]
    assert moved == 0
    assert is_clean
    assert found["component_redone"] > 0.05


def test_a_wrong_arm_is_brought_down_by_its_slider_and_mirrored(found: dict[str, Any]) -> None:
    before, after, degrees, mirrored, right, reset, same = found["pose"]
    assert before > 150
    assert after < 10
    assert degrees == pytest.approx(-20, abs=1e-3)
    assert (mirrored, right) == ("FINISHED", pytest.approx(-20, abs=1e-3))
    assert reset == [False, 0.0, pytest.approx(1.0)], "the shape's slider stays where it is"
    assert same < 1e-6


def test_sliders_end_where_a_body_ends(found: dict[str, Any]) -> None:
    knee, most, unknown = found["limits"]
    assert knee == pytest.approx(130)
    assert most == 6.0
    assert "There is no move left_tail. There are: back_bend" in unknown
    assert not found["clean"]


def test_sliders_count_for_the_fit_that_they_were_moved_on(found: dict[str, Any]) -> None:
    assert found["new_fit"] == [True, {}, 0.0]


def test_a_surface_that_was_cut_or_deleted_is_said_and_nothing_is_kept(found: dict[str, Any]) -> None:
    kept, cut, gone = found["broken"]
    assert kept == {}
    assert "it was cut or subdivided" in cut
    assert "fitted surface is not in the scene" in gone


def test_the_preview_at_the_fits_own_parameters_is_the_fit() -> None:
    preview = outside("edit.fit_preview")
    model, params = truth()
    fit = fit_of(model, params, 10)
    for name in preview.SURFACES:
        made = preview.preview(model, fit, params, name)
        assert np.abs(made.vertices - getattr(fit, name).vertices).max() < 1e-9
        assert np.abs(made.joints - fit.skeleton.positions).max() < 1e-9


def test_moves_turn_what_they_say_and_left_mirrors_right() -> None:
    moves = outside("edit.pose_moves")
    model, params = truth()
    straight = model.zero_params()
    rest = model.pose(straight).joints
    index = model.joint_index

    def tip(degrees: dict[str, float], joint: str) -> np.ndarray:
        pose = moves.moved_pose(model, straight, degrees)
        turned = type(straight)(straight.betas, pose, straight.translation)
        return model.pose(turned).joints[index(joint)] - rest[index(joint)]

    assert tip({"left_arm_raise": 20}, "leftHand")[1] > 0.05
    assert tip({"left_arm_swing": 20}, "leftHand")[2] > 0.05
    assert tip({"right_leg_spread": 20}, "rightFoot")[0] < -0.1
    assert tip({"left_knee": 30}, "leftFoot")[2] < -0.1
    assert tip({"left_elbow": 30}, "leftHand")[2] > 0.02
    assert tip({"back_bend": 30}, "head")[2] > 0.1
    assert tip({"head_turn": 30}, "leftEye")[2] < -0.005
    for name in ("arm_raise", "arm_swing", "arm_turn", "forearm_turn", "hand_bend", "elbow", "leg_turn"):
        joint = "Toes" if name.startswith("leg") else "MiddleDistal"
        left, right = tip({f"left_{name}": 25}, f"left{joint}"), tip({f"right_{name}": 25}, f"right{joint}")
        assert left * [-1, 1, 1] == pytest.approx(right, abs=0.004), name
    same = moves.moved_pose(model, params, {"left_knee": 0.0, "no such move": 9.0})
    assert (same == params.pose_rotvec).all()


@pytest.mark.parametrize("age", ["adult", "child"])
def test_components_are_named_after_what_they_do(age: str) -> None:
    measures = outside("edit.shape_measures")
    model = load_body_model(age)
    names = measures.component_words(model)
    table = measures.effects(model)
    stature = [m.name for m in measures.MEASURES].index("stature")
    first = names[0].lower()
    assert ("taller" in first) == (table[stature, 0] > 0)
    assert ("smaller" in first) == (table[stature, 0] < 0)
    assert len(set(names)) == len(names) == measures.NAMED_COMPONENTS
