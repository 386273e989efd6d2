"""Scans and fitted surfaces as objects: clouds, colours, textures; the new take the old away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from addon.conftest import VERSION, _runner
from addon.edit_people import truth

RED, BLUE = [200, 30, 40], [20, 60, 180]
Told = dict[str, Any]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("objects")
    for in_blender in _runner(VERSION, folder):
        yield in_blender("scan_object", folder=str(folder))


def test_a_cloud_is_shown_as_points_and_stays_a_mesh_that_can_be_painted(found: Told) -> None:
    told = found["cloud"]
    assert (told["vertices"], told["faces"]) == (told["wanted"], 0)
    assert told["points"] == [told["wanted"]]
    assert told["radius"] == pytest.approx(told["wanted radius"])
    assert told["colours"] == "Color"
    assert told["material"]


def test_a_texture_is_the_right_way_up_and_travels_in_the_file(found: Told) -> None:
    told = found["textured"]
    assert told["colours"] == [RED, BLUE]
    assert told["packed"]
    assert told["space"] == "sRGB"
    assert (told["modifiers"], told["objects"]) == (0, 1)


def test_a_scan_without_colours_is_plain(found: Told) -> None:
    assert found["plain"] == {"layers": 0, "colour": True}


def test_a_thinned_scan_knows_the_vertices_of_the_whole(found: Told) -> None:
    assert found["thinned"] == {"is thinned": True, "ids": True, "valid": True, "wrong name": True}


def test_a_new_fit_moves_the_surface_that_is_there_and_takes_its_old_texture(found: Told) -> None:
    told = found["surface"]
    assert told["spaces"] == {"albedo": "sRGB", "normal": "Non-Color", "roughness": "Non-Color"}
    assert told["same object"]
    assert told["plain again"]
    assert told["images"] == 0
    assert told["is skin"] < 1e-6
    assert told["faces forward"]
    assert told["uv corners"] == 3 * len(truth()[0].faces)
    assert told["unknown body"]
    assert told["valid"]


def test_nothing_is_left_over(found: Told) -> None:
    assert found["left over"] == {"meshes": 0, "materials": 0, "images": 0, "node_groups": 0}


def test_a_folder_is_forgotten_only_where_it_is_a_persons(found: Told) -> None:
    told = found["forgotten"]
    assert told["unfinished"] == ["young"]
    assert (told["refused"], told["letter"]) == (2, True)
    assert told["left"] == ["link"]
    assert not told["outside"]
