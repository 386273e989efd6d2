"""The panels Rig and Face say what can be done at each stage, and why not what cannot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from addon.conftest import VERSION, _runner
from addon.consented import twin_file
from addon.outside import outside
from addon.rig_people import write_person
from gltf.shapes import small_twin

Told = dict[str, Any]
library = outside("rig.pose_solver").library
presets = outside("rig.expression_words").presets


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("panels")
    twin = write_person(folder)
    twin_file(folder / "plain.glb", body=replace(small_twin(), morphs=()))
    for in_blender in _runner(VERSION, folder):
        yield in_blender("rig_panels", twin=twin, plain=folder / "plain.glb")


def test_without_a_twin_the_panels_say_what_to_do(found):
    told = found["nobody"]
    assert told["Rig"] == ["label: Import a twin, or select a person.", "operator: Import Twin (.glb)"]
    assert told["Face"] == ["label: Select a person."]
    assert all(drawn is None for label, drawn in told.items() if label not in ("Rig", "Face"))


def test_the_rig_panel_has_every_pose_and_a_strength(found):
    told = found["twin"]["Rig"]
    for said in library().values():
        assert f"operator: {said['label']}" in told
    assert "prop: Strength" in told
    assert "operator: Soles on the Floor" in told


def test_ik_shows_which_way_each_limb_is_posed(found):
    title = "Hands and Feet Lead (IK)"
    assert found["twin"][title].count("operator: FK (on)") == 4
    assert found["at work"][title].count("operator: FK (on)") == 3
    assert found["at work"][title].count("operator: IK (on)") == 1
    assert "label: Left Arm" in found["twin"][title]


def test_bones_cloth_and_rigify_have_their_buttons(found):
    assert "prop: Arms" in found["twin"]["Show Bones"]
    assert "prop: IK" in found["at work"]["Show Bones"]
    assert "prop: Mechanism" not in found["at work"]["Show Bones"]
    assert found["twin"]["Cloth"] == ["operator: Put On a T-Shirt"]
    assert found["at work"]["Cloth"] == ["operator: Drape", "operator: Take Off"]
    assert found["twin"]["Rigify"] == ["operator: Add Metarig"]
    assert len(found["rigify"]["Rigify"]) == 3


def test_a_twin_on_a_rigify_rig_is_posed_there(found):
    assert found["rigify"]["Rig"] == ["label: The twin follows its Rigify rig: pose that."]
    assert found["rigify"]["Hands and Feet Lead (IK)"] == ["label: Rigify has its own."]


def test_the_face_has_presets_and_one_slider_a_pair(found):
    told = found["twin"]
    for words, _ in presets().values():
        assert f"operator: {words}" in told["Face"]
    assert told["Brows"] == ["prop: Brow Down", "prop: Brow Inner Up", "prop: Brow Outer Up"]
    assert told["Tongue"] == ["prop: Tongue Out"]
    assert told["Own"] is None


def test_a_search_narrows_the_sliders_and_unlinked_sides_stand_beside_each_other(found):
    told = found["at work"]
    assert told["Mouth"] == ["prop: Mouth Smile L", "prop: R"]
    assert told["Brows"] is None
    assert told["Eyes"] is None


def test_a_twin_without_face_or_collision_body_says_so(found):
    told = found["plain"]
    assert told["Face"] == ["label: This twin has no face shapes."]
    assert "label: No collision body beside this twin." in told["Cloth"]
    assert found["no bones"]["Rig"][0] == "label: The skeleton of DEMO Ada is gone."
