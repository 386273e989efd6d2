"""The face in words, and what its buttons do to the shape keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from addon.conftest import VERSION, _runner
from addon.consented import twin_file
from addon.outside import outside
from addon.rig_people import person, write_person
from bodyscan.errors import InputError
from bodyscan.render.expressions import EXPRESSIONS
from bodyscan.twin.visemes import VISEMES, visemes
from gltf.shapes import small_twin

Told = dict[str, Any]
words = outside("rig.expression_words")


def all_names() -> list[str]:
    """The 52 of ARKit, the 15 visemes, and one of the person's own."""
    morphs = person("a").morphs
    return [*(morph.name for morph in morphs), *(morph.name for morph in visemes(morphs)), "dimples"]


def test_every_shape_stands_once_under_a_part_of_the_face():
    rows = words.face_rows(all_names())
    assert list(rows) == ["Brows", "Eyes", "Cheeks and Nose", "Jaw", "Mouth", "Tongue", "Speech", "Own"]
    listed = [name for lines in rows.values() for row in lines for name in row.names]
    assert sorted(listed) == sorted(all_names())
    assert [row.words for row in rows["Brows"]] == ["Brow Down", "Brow Inner Up", "Brow Outer Up"]
    assert len(rows["Speech"]) == len(VISEMES)
    pairs = [row.words for lines in rows.values() for row in lines if row.right]
    assert len(pairs) == 18
    assert "Jaw Left" not in pairs
    assert "Mouth Left" not in pairs


def test_a_search_finds_by_words_names_and_parts():
    def found(text):
        return [row.words for lines in words.face_rows(all_names(), text).values() for row in lines]

    assert found("smile") == ["Mouth Smile"]
    assert found("mouth up") == ["Mouth Roll Upper", "Mouth Shrug Upper", "Mouth Upper Up"]
    assert found("BROW inner") == ["Brow Inner Up"]
    assert found("viseme_PP") == ["PP: p b m"]
    assert len(found("eyes")) == 7
    assert found("nothing of it") == []


def test_capital_letters_are_known_too():
    large = [name[:1].upper() + name[1:] for name in all_names() if not name.startswith("viseme_")]
    rows = words.face_rows(large)
    assert sum(len(row.names) for lines in rows.values() for row in lines) == len(large)
    assert words.preset_weights("smile", 1.0, large)["MouthSmileLeft"] == pytest.approx(0.9)
    assert words.mirrored("EyeBlinkLeft") == "EyeBlinkRight"


def test_mirroring_is_its_own_inverse_and_knows_the_sides():
    for name in all_names():
        assert words.mirrored(words.mirrored(name)) == name
    assert words.mirrored("jawLeft") == "jawRight"
    assert words.mirrored("jawOpen") == "jawOpen"


def test_presets_are_the_packages_own_and_fit_every_twin():
    presets = words.presets()
    for name, shapes in EXPRESSIONS.items():
        assert presets[name][1] == shapes
    assert {"angry", "sad", "wink_left", "look_up"} <= set(presets)
    for name in presets:
        weights = words.preset_weights(name, 0.5, all_names())
        assert weights
        assert all(0 < weight <= 0.5 for weight in weights.values())
    assert words.presets()["angry"][1]["browDownRight"] == 1.0


def test_what_a_twin_lacks_is_told():
    with pytest.raises(InputError, match=r"The twin has no face shape .*, which the expression Smile needs"):
        words.preset_weights("smile", 1.0, ["jawOpen"])
    with pytest.raises(InputError, match="There is no expression 'grin'; there are smile"):
        words.preset_weights("grin", 1.0, all_names())


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("face")
    twin = write_person(folder)
    twin_file(folder / "small.glb", body=small_twin())
    for in_blender in _runner(VERSION, folder):
        yield in_blender("expressions", twin=twin, small=folder / "small.glb")


def test_each_preset_moves_the_face_as_its_table_says(found):
    for name, told in found["presets"].items():
        assert told["told"] == "FINISHED"
        expected = words.preset_weights(name, 1.0, found["shapes"])
        assert told["values"] == pytest.approx(expected, abs=1e-4)
        assert 0.0005 < told["moved"] < 0.06


def test_strengths_add_up_to_1_at_most(found):
    told = found["blend"]
    assert told["half"]["mouthSmileLeft"] == pytest.approx(0.45)
    assert told["added"]["mouthSmileLeft"] == pytest.approx(0.45)
    assert told["added"]["eyeBlinkRight"] == pytest.approx(0.4)
    assert told["full"]["mouthSmileLeft"] == 1.0
    assert told["reset"] == {}


def test_one_slider_moves_both_sides(found):
    told = found["link"]
    assert told["both"] == {"browDownLeft": 0.3, "browDownRight": 0.3}
    assert told["shown"] == pytest.approx(0.3)
    assert told["mean"] == pytest.approx(0.6)


def test_the_face_is_mirrored_and_mirrored_back(found):
    first, second, third = found["mirror"]
    assert second == {"mouthSmileRight": 0.7, "jawLeft": 0.5, "eyeLookInRight": 0.2, "jawOpen": 0.1}
    assert third == first


def test_keyframes_hold_the_face_and_what_was_keyed_before(found):
    told = found["keys"]
    assert "The face is at rest and nothing of it is keyed" in told["at rest"]
    assert told["keyed"] == told["again"] == told["all"] == "FINISHED"
    surprise = words.preset_weights("surprise", 1.0, found["shapes"])
    assert told["first"] == pytest.approx(surprise, abs=1e-4)
    assert told["between"] == pytest.approx({name: v / 2 for name, v in surprise.items()}, abs=1e-3)


def test_an_expression_is_undone(found):
    assert found["undo"] == [6, 0]


def test_twins_without_a_face_say_so(found):
    told = found["refused"]
    assert "Select a person whose twin has face shapes." in told["nobody"]
    assert "The twin has no face shape mouthSmileRight" in told["lacks"]
    assert "Select a person whose twin has face shapes." in told["none"]
