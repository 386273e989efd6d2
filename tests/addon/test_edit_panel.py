"""The panel "Edit the Fit": what it says and offers at each point of the work, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from addon.conftest import VERSION, _runner

Told = dict[str, Any]
ALL = ["Edit the Fit", "Look", "Landmarks", "Pins", "Distrust", "Shape", "Pose"]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("edit_panel")
    for in_blender in _runner(VERSION, folder):
        yield in_blender("edit_panel", folder=str(folder / "work"))


def test_without_a_scanned_person_there_is_no_panel(found: Told) -> None:
    assert found["nobody"] == {}


def test_before_a_fit_landmarks_and_distrust_are_offered_and_a_fit_with_them(found: Told) -> None:
    told = found["no fit"]
    assert list(told) == ["Edit the Fit", "Landmarks", "Distrust"]
    assert "There is no fit yet." in told["Edit the Fit"]["words"]
    assert told["Edit the Fit"]["buttons"]["refit: Fit"]["anew"] is True


def test_the_tools_come_in_the_order_of_the_work(found: Told) -> None:
    told = found["fitted"]
    assert list(told) == ALL
    assert "Nothing was corrected yet." in told["Edit the Fit"]["words"]
    refit = told["Edit the Fit"]["buttons"]
    assert refit["refit: Refit from Here"]["anew"] is False
    assert refit["refit: Refit Anew"]["anew"] is True
    assert all(button["enabled"] for button in refit.values())
    assert told["Shape"]["buttons"] == {"shape_ready: Open the Sliders": {"enabled": True}}
    assert "to be dragged to where they belong" in told["Landmarks"]["words"]
    assert len(told["Pose"]["fields"]) == 33


def test_with_two_people_and_nobody_chosen_it_asks_for_one(found: Told) -> None:
    told = found["two people"]
    assert list(told) == ["Edit the Fit"]
    assert told["Edit the Fit"]["words"] == "Select an object of a scanned person."


def test_everything_that_was_corrected_is_said(found: Told) -> None:
    told = found["edited"]["Edit the Fit"]["words"]
    assert "Points placed by hand: Left wrist." in told
    assert "Pinned: torso." in told
    assert "% of the surface is not trusted." in told
    assert "The pose was changed with sliders." in told
    assert "The shape was changed" not in told


def test_what_is_on_is_pressed_and_explained(found: Told) -> None:
    told = found["edited"]
    assert "Wipe" in told["Look"]["pressed"]
    assert "Heat Map" in told["Look"]["pressed"]
    assert "Wipe" in told["Look"]["fields"]
    assert "Blue: the scan lies inside of the fitted surface. Red: outside of it." in told["Look"]["words"]
    assert "on the surface" in told["Look"]["words"]
    assert "Half of the scan lies within" in told["Look"]["words"]
    assert "The surface was changed since." in told["Look"]["words"], "the elbow was bent after measuring"
    assert "heat_map_again: Measure Again" in told["Look"]["buttons"]
    assert told["Pins"]["pressed"] == ["Torso"]
    assert told["Pins"]["buttons"]["pin: Left hand"]["region"] == "left_hand"


def test_the_chosen_landmark_is_told_in_words(found: Told) -> None:
    told = found["edited"]["Landmarks"]
    assert "Left wrist Moved by hand 50 mm from where it was found" in told["words"]
    assert "mm from the fit's own" in told["words"]
    assert told["fields"][:4] == ["Head", "Left arm", "Right arm", "Left hand"]
    assert len(told["lists"][0]) == 73


def test_the_list_tells_each_landmark_and_finds_by_words(found: Told) -> None:
    told = found["list"]
    assert told["wrist"] == ["Left wrist", "moved by hand"]
    assert told["nose"] == ["Nose", "95 %"]
    assert sorted(told["found"]) == ["Left knee", "Right knee"]
    assert told["first"][0] == "Nose"
    assert told["picked"] == "Right knee"
    assert told["scale"] == pytest.approx(2.0, rel=1e-5)


def test_shape_sliders_have_names_that_a_person_understands(found: Told) -> None:
    fields = found["edited"]["Shape"]["fields"]
    assert fields[:2] == ["Stature (cm)", "Inside leg (cm)"]
    assert "Volume (litres)" in fields
    assert not [name for name in fields if "component" in name.lower()]


def test_while_painting_the_brush_is_there_and_the_way_out(found: Told) -> None:
    told = found["painting"]["Distrust"]
    assert "distrust_done: Done Painting" in told["buttons"]
    assert "distrust_paint: Paint Distrust" not in told["buttons"]
    assert told["fields"] == ["Distrust"]


def test_a_damaged_fit_is_said_where_it_is_needed(found: Told) -> None:
    told = found["damaged"]
    for part in ("Pins", "Shape", "Pose"):
        assert "missing or damaged" in told[part]["words"], part
    assert "Edit the Fit" in told


def test_lines_fit_the_panel(found: Told) -> None:
    for state in ("no fit", "fitted", "edited", "painting"):
        for part, told in found[state].items():
            assert told["longest"] <= 45, (state, part)
