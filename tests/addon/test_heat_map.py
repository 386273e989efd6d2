"""Heat map and pins: right numbers, the reports' colours, and nothing left when they go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from addon.conftest import VERSION, _runner
from addon.edit_people import BUMP_M

SHOWN = "bodyscan_distance"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("heat")
    for in_blender in _runner(VERSION, folder):
        yield in_blender("heat_map", folder=str(folder / "work"))


def test_both_meshes_show_the_distance_in_all_views(found: dict[str, Any]) -> None:
    assert found["on"] == ["FINISHED", SHOWN, SHOWN, True, False]
    assert found["active"] == [SHOWN, SHOWN]
    assert set(found["slots"]) == {f"colours of {SHOWN}"}
    assert found["own_kept"] == ["Ada scan", "Ada skin"], "the meshes' own materials are not touched"
    assert {kind for _, kind in found["views"]} == {"VERTEX"}


def test_the_fits_own_numbers_are_shown_until_something_is_changed(found: dict[str, Any]) -> None:
    assert found["kept_is_the_fits"] == 0
    assert found["measured_mm"] < 1e-3


def test_the_scan_lies_inside_where_the_surface_stands_out(found: dict[str, Any]) -> None:
    """The fitted surface has a belly; along the normal it stands out by less than at its top."""
    assert -1e3 * BUMP_M < found["deepest_mm"] < -300 * BUMP_M
    near, hidden = found["on_surface"]
    assert near == pytest.approx(found["deepest_mm"], rel=0.1), "the surface shows what the scan shows there"
    assert hidden > 0, "the mouth's inside has no scan near it, and no number"


def test_colours_are_those_of_the_reports_for_any_range(found: dict[str, Any]) -> None:
    assert found["colors"] == 0
    wrong, same_numbers, is_stale = found["range"]
    assert wrong == 0
    assert same_numbers
    assert is_stale, "a slider was moved since"
    words = [words for _, words in found["legend"]]
    assert words == [
        "20 mm or more inside",
        "10 mm inside",
        "on the surface",
        "10 mm outside",
        "20 mm or more outside",
        "no scan there",
    ]
    inside, outside = found["legend"][0][0], found["legend"][4][0]
    assert inside[2] > inside[0], "blue is inside"
    assert outside[0] > outside[2], "red is outside"
    assert "95 % within" in found["numbers"]


def test_off_is_as_before_also_the_second_time(found: dict[str, Any]) -> None:
    assert found["off"] == found["before"]
    assert found["twice"] == found["before"]
    assert found["undone"] is None
    assert not found["left"], "materials that nothing shows are gone"


def test_parts_are_pinned_shown_and_let_go(found: dict[str, Any]) -> None:
    one, is_colored, words, after, wrong, cleared, can_clear = found["pinned"]
    assert one == "FINISHED"
    assert is_colored
    assert words == "Pinned: left hand, head."
    assert after == ["left_hand"]
    assert wrong.startswith("The body has no part tail to pin. It has: head, neck,")
    assert (cleared, can_clear) == ([], False)
    assert found["pins_gone"]
    assert found["pinnable"][0] == "head"
    assert not {"teeth", "tongue", "left_eye"} & set(found["pinnable"])


def test_from_pins_to_distances_and_back_to_what_stood_there_first(found: dict[str, Any]) -> None:
    assert found["switched"] == [SHOWN, "bodyscan_pins", SHOWN]
    before, after = found["switched_back"]
    assert after == before


def test_a_new_fit_is_coloured_again_and_a_texture_ends_the_colours(found: dict[str, Any]) -> None:
    assert found["new_fit"] == [SHOWN, SHOWN, [f"colours of {SHOWN}"]]
    before, after = found["texture"]
    assert after == before


def test_of_very_many_points_some_are_measured(found: dict[str, Any]) -> None:
    assert found["thinned_mm"] < 1.5


def test_saved_with_colours_opened_and_off_is_as_before(found: dict[str, Any]) -> None:
    assert found["reopened"] == [["FINISHED"], SHOWN, SHOWN]
    before, after = found["reopened_off"]
    assert after == before


def test_renamed_deleted_and_cut_does_no_harm(found: dict[str, Any]) -> None:
    shows, links, cut, after = found["broken"]
    assert (shows, links) == (None, ["DATA"])
    assert "it was cut or subdivided" in cut
    assert after is None


def test_the_points_of_a_cloud_are_coloured_too(found: dict[str, Any]) -> None:
    assert found["cloud"] == [True, f"colours of {SHOWN}"]
