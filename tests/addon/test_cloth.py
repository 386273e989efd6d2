"""A shirt out of the twin's own skin falls on the collision body, stays off the skin, and goes away."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from addon.conftest import VERSION, _runner
from addon.rig_people import write_person

Told = dict[str, Any]
FRAMES = 16
"""Few, so that the test is quick: the cloth has begun to fall and the body has moved."""
POSES = ("relaxed", "sit")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("cloth")
    twin = write_person(folder)
    for in_blender in _runner(VERSION, folder):
        yield in_blender("cloth", twin=twin, frames=FRAMES, poses=POSES)


def test_the_shirt_is_one_tube_with_four_openings_outside_of_the_body(found):
    told = found["on"]
    assert told["told"] == "FINISHED"
    assert told["triangles"]
    assert told["rims"] == 4
    assert 1500 < told["count"] < 9000
    assert told["inside"] == 0.0
    low, high = (height / told["stature"] for height in told["height"])
    assert 0.44 < low < 0.54
    assert 0.78 < high < 0.88
    assert told["width"] > 0.5
    assert told["modifiers"] == ["ARMATURE", "CLOTH", "SOLIDIFY", "SUBSURF"]
    assert told["collision"] == ["ARMATURE", "COLLISION"]
    assert told["parent"] == "armature"


@pytest.mark.parametrize("pose", POSES)
def test_draped_cloth_is_outside_of_the_skin(found, pose):
    told = found["draped"][pose]
    assert told["told"] == "FINISHED"
    assert told["inside"] < 0.001
    share, furthest_mm = told["pierced"]
    assert share < 0.005, furthest_mm
    assert told["moved"] > 0.01
    assert told["lowest"] > 0.2  # it did not fall off


@pytest.mark.parametrize("pose", POSES)
def test_draping_leaves_scene_and_pose_as_they_are(found, pose):
    told = found["draped"][pose]
    assert told["frame"] == 7
    assert max(told["pose"]) < 0.01
    assert told["modifiers"] == {"Skeleton": True, "Cloth": False, "Thickness": True, "Smooth": True}
    assert told["follows"] < 0.15


def test_a_stopped_drape_changes_nothing(found):
    told = found["stopped"]
    assert told["halfway"] == 6
    assert told["frame"] == 3
    assert max(told["pose"]) < 0.01
    assert told["shirt"] < 1e-5


def test_taking_off_leaves_nothing(found):
    assert found["again"] == 1
    assert found["off"] == "FINISHED"
    kinds, modifiers_changed, garments = found["left"]
    assert set(kinds) <= {"materials"}  # one that nothing uses: Blender drops it when it saves
    assert not modifiers_changed
    assert garments == []
    assert "The person wears no shirt." in found["off again"]


def test_putting_on_is_undone(found):
    assert found["undo"] == [1, 0]


def test_what_is_missing_is_told(found):
    assert "Put on the T-shirt first." in found["too early"]
    assert "This twin has no collision body" in found["no body"]
