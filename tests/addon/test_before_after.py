"""Before and after: each view shows what it says, and changes neither geometry, materials nor selection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from addon.conftest import VERSION, _runner
from addon.quick_home import quick_home

SEEN = {
    "scan": ["scan"],
    "surface": ["surface"],
    "both": ["scan", "surface"],
    "beside": ["beside", "scan"],
    "wipe": ["after", "before"],
    "body": ["body"],
    "skin": ["skin"],
}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("views")
    for in_blender in _runner(VERSION, folder):
        given = quick_home(folder / "home")
        yield in_blender("before_after", folder=str(folder / "work"), twin=given["twin"])


@pytest.mark.parametrize("view", SEEN)
def test_each_view_shows_what_it_says_and_touches_nothing(found: dict[str, Any], view: str) -> None:
    done, seen, is_rendered_alike, display, is_untouched = found["views"][view]
    assert done == "FINISHED"
    assert seen == SEEN[view]
    assert is_rendered_alike
    assert display == ("WIRE" if view == "both" else "TEXTURED")
    assert is_untouched


def test_the_other_bodies_are_the_fits_own_follow_sliders_and_go(found: dict[str, Any]) -> None:
    assert max(found["bodies_mm"]) < 0.001
    assert found["bodies_follow"] > 0.1
    assert found["bodies_go"] == 1


def test_the_wipe_shows_one_left_of_the_line_and_the_other_right_of_it(found: dict[str, Any]) -> None:
    (one, two, apart), (none, all_of_it, _), (whole, nothing, _) = found["wipe"]
    scan, surface = found["wipe_whole"]
    assert 0 < one < surface
    assert 0 < two < scan
    assert apart
    assert (none, all_of_it, nothing) == (0, scan, 0)
    assert 0 < whole <= surface
    assert found["wipe_shared"], "the copies show the same mesh"
    assert not found["wipe_left"]


def test_what_was_selected_is_selected_when_it_comes_back(found: dict[str, Any]) -> None:
    both, one, is_active = found["selection"]
    assert both == [True, True]
    assert one == [False, True], "what was deselected meanwhile is not"
    assert is_active


def test_one_button_goes_to_and_fro(found: dict[str, Any]) -> None:
    assert found["toggle"] == [["scan"], ["surface"], ["scan"]]


def test_new_results_end_a_view_without_a_rest(found: dict[str, Any]) -> None:
    view, seen, _, display = found["new_results"]
    assert view == ""
    assert "beside" not in seen
    assert display == "TEXTURED"


def test_a_twin_is_shown_alone_and_hidden_again(found: dict[str, Any]) -> None:
    assert found["twin"] == ["FINISHED", ["twin"], True, "TEXTURED", ["scan", "surface"]]


def test_a_view_does_not_show_a_twin_that_its_consent_withholds(found: dict[str, Any]) -> None:
    refused, *hidden = found["withheld"]
    assert refused == "Ada's twin is withheld: their consent does not cover this scene's use."
    assert hidden == [True, True, True, True]


def test_a_view_is_undone(found: dict[str, Any]) -> None:
    assert found["undone"] == ["both", ["scan", "surface"], True, "WIRE"]


def test_a_view_that_needs_what_is_missing_says_so_and_changes_nothing(found: dict[str, Any]) -> None:
    twin, scan, surface = found["refused"]
    assert "no twin in the scene yet" in twin
    assert "scan is not in the scene" in scan
    assert "fitted surface is not in the scene" in surface
    assert found["refused_kept"] == "both"
    poll, refused, scan_alone = found["without_fit"]
    assert not poll
    assert "fitted surface is not in the scene" in refused
    assert scan_alone == "FINISHED"
