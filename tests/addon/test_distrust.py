"""Where the scan is not to be trusted: painted on what is shown, told for the whole scan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from addon.conftest import VERSION, _runner
from addon.edit_people import scan_of, truth


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("distrust")
    for in_blender in _runner(VERSION, folder):
        yield in_blender("distrust", folder=str(folder / "work"))


def head_share() -> float:
    """Share of the scan's surface whose corners are all in the upper 12 % of the body."""
    mesh = scan_of(*truth()).mesh
    corners = mesh.vertices[mesh.faces]
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    upper = mesh.vertices[:, 1] > 0.88 * mesh.vertices[:, 1].max()
    return float((upper[mesh.faces].mean(axis=1) * areas).sum() / areas.sum())


def test_all_is_trusted_at_first(found: dict[str, Any]) -> None:
    assert found["at_first"] == ["All of the scan is trusted.", True]


def test_painting_begins_on_a_hidden_scan_and_ends_in_object_mode(found: dict[str, Any]) -> None:
    begun, mode, group, is_seen, is_active, can_compare, done, after, surface = found["paint"]
    assert (begun, mode, group) == ("FINISHED", "WEIGHT_PAINT", "bodyscan_distrust")
    assert is_seen
    assert is_active
    assert not can_compare, "views are not switched in the middle of a stroke"
    assert (done, after, surface) == ("FINISHED", "OBJECT", False)


def test_what_is_painted_holds_for_the_whole_scan_and_is_counted(found: dict[str, Any]) -> None:
    count, least_on_head, most_below = found["whole"]
    assert count == len(scan_of(*truth()).mesh.vertices)
    assert least_on_head == pytest.approx(0.75)
    assert most_below == 0
    assert found["share"] == pytest.approx(0.75 * head_share(), rel=1e-4)
    assert found["words"] == f"{100 * found['share']:.1f} % of the surface is not trusted."


def test_painting_is_undone_and_redone(found: dict[str, Any]) -> None:
    assert found["undone"] == [True, "Nothing is painted yet."]
    assert found["redone"] == pytest.approx(0.75)


def test_of_a_scan_shown_in_part_every_vertex_takes_its_neighbours_weight(found: dict[str, Any]) -> None:
    assert found["thinned"] == [True, True, True]
    assert found["thinned_differs"] < 0.01


def test_deleted_vertices_and_a_moved_object_change_nothing_for_the_rest(found: dict[str, Any]) -> None:
    same_length, by_place = found["edited"]
    assert same_length
    assert by_place < 1e-6, "without the remembered numbers the places tell the same"
    assert found["edited_differs"] < 0.01


def test_selected_vertices_are_marked_and_trusted_again(found: dict[str, Any]) -> None:
    wrong_object, nothing, some, least, most, mode, left = found["selected"]
    assert not wrong_object
    assert nothing == "No vertex of the scan is selected."
    assert (some, mode) == ("FINISHED", "EDIT")
    assert (least, most) == (0.5, 0.5)
    assert left


def test_it_is_shown_in_red_over_the_scans_own_colours(found: dict[str, Any]) -> None:
    shows, wrong = found["shown"]
    assert shows == "bodyscan_distrust_colors"
    assert wrong < 1
    assert found["shown_own"] > 10, "elsewhere the scan keeps its own colours"
    assert found["hidden"] == [None, True]


def test_clearing_trusts_all_and_a_missing_scan_is_said(found: dict[str, Any]) -> None:
    done, again, nothing, words, gone = found["cleared"]
    assert (done, again, nothing, words) == ("FINISHED", False, True, "All of the scan is trusted.")
    assert gone == "Ada's scan is not in the scene; run the step Import again."


def test_a_cloud_of_points_is_marked_by_selection(found: dict[str, Any]) -> None:
    painted, least, share = found["cloud"]
    assert "cloud of points" in painted
    assert "edit mode" in painted
    assert (least, share) == (1.0, 1.0)
