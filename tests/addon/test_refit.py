"""Refit: the fit goes on from what was corrected, shows in the scene, and is undone with the folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from addon.conftest import VERSION, InBlender, _runner
from addon.quick_home import SAMPLES, quick_home

PROGRAMS = str(Path(sys.executable).parent)
HEAT = "bodyscan_distance"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("refit")
    for in_blender in _runner(VERSION, folder):
        yield in_blender("refit", **quick_home(folder / "home"))


def test_without_corrections_the_request_says_only_where_to_go_on_from(found: dict[str, Any]) -> None:
    assert found["nothing"]["fields"] == {
        "start": "earlier",
        "placed": {},
        "ignored": [],
        "pinned": [],
        "untrusted": None,
        "betas": None,
        "pose_rotvec": None,
    }
    assert found["nothing"]["words"] == []


def test_what_was_corrected_is_told_in_words(found: dict[str, Any]) -> None:
    points, pins, painted, shape, pose = found["edited"]["painted"]
    assert points == "Points placed by hand: Nose, Left hip, Right hip and 2 more."
    assert pins == "Pinned: left hand and head."
    assert painted.endswith("% of the surface is not trusted.")
    assert (shape, pose) == ("The shape was changed with sliders.", "The pose was changed with sliders.")


def test_all_corrections_are_in_the_request(found: dict[str, Any]) -> None:
    asked = found["asked"]
    assert asked["said"] == ""
    assert (asked["step"], asked["start"], asked["purpose"]) == ("fit", "earlier", "make_twin")
    assert sorted(asked["placed"]) == ["left_hip", "left_knee", "nose", "right_hip", "right_knee"]
    assert asked["placed"]["left_knee"] == pytest.approx(found["edited"]["knee"], abs=1e-6)
    assert asked["pinned"] == ["left_hand", "head"]
    assert asked["untrusted"].endswith(".npy")
    count, first = asked["betas"]
    assert count > 200
    assert first == pytest.approx(0.5)
    assert asked["pose"] == [55, 3]


def test_the_new_fit_shows_in_the_view_that_was_chosen_and_points_stay(found: dict[str, Any]) -> None:
    before, after = found["edited"], found["shown"]
    assert after["result"] != before["result"]
    assert after["agrees"]
    assert after["is_its_surface"]
    assert (after["view"], after["copies"]) == ("beside", 1)
    assert after["edits"] == before["edits"][:2], "points and pins stay; the fit has what the sliders said"
    assert after["colors"] == [HEAT, HEAT]
    assert not after["stale"], "the distances are those of the new fit"
    assert after["left"] == []


def test_undo_brings_back_the_earlier_fit_the_sliders_and_the_folders_state(found: dict[str, Any]) -> None:
    before, undone = found["edited"], found["undone"]
    assert undone["result"] == before["result"]
    assert undone["agrees"]
    assert undone["edits"] == before["edits"]
    assert undone["colors"] == before["colors"]


def test_the_next_refit_goes_on_from_what_the_scene_shows(found: dict[str, Any]) -> None:
    again = found["again"]
    assert again["said"] == ""
    assert again["before"] == found["edited"]["result"]
    assert again["kept"]
    assert again["result"] not in (found["edited"]["result"], found["shown"]["result"])
    assert again["agrees"]


def test_anew_takes_points_and_distrust_alone(found: dict[str, Any]) -> None:
    anew = found["anew"]
    assert anew["said"] == ""
    assert (anew["start"], anew["pinned"], anew["betas"], anew["pose_rotvec"]) == ("anew", [], None, None)
    assert len(anew["placed"]) == 5
    assert anew["untrusted"]


def test_a_refit_that_fails_leaves_scene_and_folder_as_they_were(found: dict[str, Any]) -> None:
    failed = found["failed"]
    assert "an error of the kind stage" in failed["said"]
    assert failed["same"]
    assert failed["left"] == []


def test_a_refit_is_cancelled_and_a_second_one_refused(found: dict[str, Any]) -> None:
    cancelled = found["cancelled"]
    assert cancelled["begun"] == ["RUNNING_MODAL"]
    assert cancelled["written"] == 1, "what is painted lies in the folder while the step runs"
    assert "Another step is under way" in cancelled["second"]
    assert cancelled["ended"] == ["CANCELLED"]
    assert "cancelled; all is as it was before" in cancelled["reports"][-1][1]
    assert cancelled["same"]
    assert cancelled["current"]


def test_what_was_deleted_is_not_told_and_comes_back_or_is_said(found: dict[str, Any]) -> None:
    gone = found["gone"]
    assert gone["without"] == {}
    assert gone["said"] == ""
    assert gone["back"], "a deleted surface comes back with the new fit"
    assert "working folder" in gone["folder"]


@pytest.mark.slow
@pytest.mark.long
def test_an_arm_that_went_astray_follows_two_points_in_the_real_fit(
    in_blender: InBlender, tmp_path: Path
) -> None:
    told = in_blender(
        "real_refit",
        home=str(tmp_path),
        consent=str(SAMPLES / "woman.consent.json"),
        programs=PROGRAMS,
    )
    assert told["said"] == ["", ""]
    assert told["before_mm"] > 150
    assert told["after_mm"] < 6
    assert told["points_mm"] < 15
    assert told["painted_mm"] < 6, "the body holds where half of the other arm is not trusted"
    assert told["untrusted"] == pytest.approx(told["painted"], abs=0.05)
