"""Landmarks can be seen, dragged, put back and added; what is told of them does not hang on what is seen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from addon.conftest import VERSION, InBlender, _runner
from addon.edit_people import LOST
from addon.outside import outside
from bodyscan.body.asset import load_body_model
from bodyscan.body.landmarks import FACE_LANDMARKS, HAND_LANDMARKS, LANDMARK_NAMES, POSE_LANDMARKS

words = outside("edit.landmark_words")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """All that the script saw, in one Blender."""
    folder = tmp_path_factory.mktemp("landmarks")
    for in_blender in _runner(VERSION, folder):
        yield in_blender("landmarks", folder=str(folder / "work"))


def test_every_landmark_has_words_of_its_own_and_a_part() -> None:
    names = [words.words_of(name) for name in LANDMARK_NAMES]
    assert len(set(names)) == len(names)
    assert words.words_of("left_wrist") == "Left wrist"
    assert words.words_of("right_hand_8") == "Right hand: index finger, tip"
    assert words.words_of("mouth_left") == "Left corner of the mouth"
    assert {words.part_of(name) for name in LANDMARK_NAMES} == set(words.PARTS)
    assert all(words.part_of(name) == "Face" for name in FACE_LANDMARKS)
    assert words.part_of("left_hand_0") == words.part_of("left_index") == "Left hand"
    assert words.in_reading_order(["left_knee", "nose"]) == ["nose", "left_knee"]


def test_mirroring_twice_comes_back_and_changes_sides() -> None:
    pairs = {name: words.mirrored(name) for name in LANDMARK_NAMES}
    assert all(pairs[other] == name for name, other in pairs.items() if other is not None)
    assert pairs["nose"] is None
    assert pairs["left_hand_8"] == "right_hand_8"
    assert pairs["mouth_left"] == "mouth_right"
    assert not any(pairs[name] is None for name in HAND_LANDMARKS)


def test_joints_lie_inside_and_points_of_the_skin_do_not() -> None:
    model = load_body_model("adult")
    inside = {name for name in LANDMARK_NAMES if words.is_inside(name, model)}
    assert {"left_knee", "right_hand_5", "left_hip"} <= inside
    assert not inside & {"nose", "left_heel", "right_foot_index", "mouth_left", *FACE_LANDMARKS}


def test_doubtful_points_say_so() -> None:
    assert words.confidence_words(0.95) == "95 % sure"
    assert "look at it" in words.confidence_words(0.3)
    assert "leaves it out" in words.confidence_words(0.1)


def test_landmarks_stand_where_they_were_found(found: dict[str, Any]) -> None:
    assert found["shown"] == "FINISHED"
    wanted = sorted(name for name in (*POSE_LANDMARKS, *HAND_LANDMARKS) if name not in LOST)
    assert found["names"] == wanted
    assert found["worst_place_mm"] < 0.001
    assert sum(found["parts"].values()) == len(wanted)
    assert "Face" not in found["parts"]
    assert found["words"] == "Left wrist"
    assert found["states"] == {"left_wrist": "unsure", "nose": "sure", "right_knee": "sure"}
    assert found["in_front"] == [True, False]
    assert not found["in_renders"]
    assert not found["moved_at_first"]


def test_joints_move_freely_and_points_of_the_skin_stay_on_the_scan(found: dict[str, Any]) -> None:
    assert found["moved"] == ["left_knee", "nose"]
    assert found["moved_states"] == ["moved", "moved"]
    assert found["colored"] == ["landmark moved by hand"] * 2 + ["landmark found"]
    assert found["knee_gap_mm"] < 0.001
    assert found["nose_to_surface_mm"] < 0.01
    assert found["nose_told_is_seen_mm"] < 0.01
    assert found["gap_mm"] == pytest.approx(150, abs=6)
    name, state, moved, outside, gap = found["knee_words"]
    assert (name, state, moved) == ("Left knee", "Moved by hand", "150 mm from where it was found")
    assert outside.endswith("mm outside of the scan")
    assert 70 < int(outside.split()[0]) < 130
    assert gap.endswith("from the fit's own")
    assert not [words for words in found["inside_words"] if "outside" in words]


def test_hiding_landmarks_or_moving_the_scan_aside_changes_no_place(found: dict[str, Any]) -> None:
    assert found["hidden_same"]
    assert found["aside_same"]
    assert found["aside_follows"] == pytest.approx(2.0, abs=1e-5)


def test_a_move_is_undone_and_redone_with_its_colour(found: dict[str, Any]) -> None:
    assert found["undone"] == [[], "landmark found"]
    assert found["redone"] == ["left_knee", "nose"]


def test_one_or_all_are_put_back(found: dict[str, Any]) -> None:
    assert found["restored"] == ["FINISHED", ["left_knee"], "FINISHED", [], False]
    assert found["restored_color"] == "landmark found"


def test_landmarks_are_ignored_and_looked_at_again(found: dict[str, Any]) -> None:
    done, names, moved, asked, words, state, look = found["ignored"]
    assert done == "FINISHED"
    assert names == sorted(asked) == ["left_knee", "nose"]
    assert moved == [], "What is ignored was not moved."
    assert words == ["Points ignored: Nose and Left knee."]
    assert (state, look) == ("ignored", "landmark ignored")
    assert found["looked_at_again"] == ["FINISHED", [], ["nose"], "FINISHED", [], []]


def test_a_point_that_was_not_found_starts_on_the_fit(found: dict[str, Any]) -> None:
    assert found["added"] == ["FINISHED", "added", ["left_heel"], "not found"]
    assert found["added_gap_mm"] < 1.0
    assert found["added_gone"]


def test_the_other_side_is_selected(found: dict[str, Any]) -> None:
    done, active, selected, middle = found["other"]
    assert (done, active, selected) == ("FINISHED", "right_hand_8", ["right_hand_8"])
    assert middle == "Nose has no counterpart on the other side."


def test_the_face_is_a_group_that_is_off_at_first(found: dict[str, Any]) -> None:
    assert found["face"] == [len(FACE_LANDMARKS), True, True]


def test_the_same_scan_shown_anew_keeps_them_and_another_does_not(found: dict[str, Any]) -> None:
    same, is_child, is_target, of_another, again = found["new_scan"]
    assert same
    assert is_child
    assert is_target
    assert of_another == 0
    assert again == len(POSE_LANDMARKS) + len(HAND_LANDMARKS) - len(LOST)


def test_renamed_deleted_and_copied_objects_do_no_harm(found: dict[str, Any]) -> None:
    renamed, moved, same, back = found["abuse"]
    assert renamed == "renamed by a person"
    assert moved == ["right_knee"]
    assert same, "without the scan a joint is where it was"
    assert back, "a deleted landmark comes back when they are shown again"


def test_nothing_is_left_of_landmarks_that_are_removed(found: dict[str, Any]) -> None:
    assert found["left_over"] == [0, [], [], []]


def test_poll_says_why_not(in_blender: InBlender, tmp_path: Any) -> None:
    told = in_blender("edit_refused", folder=str(tmp_path / "work"))
    assert "Select an object of a scanned person first" in told["nobody"]
    assert "finished twin" in told["twin"]
    assert "run the step Fit first" in told["no_fit"]
    assert "No landmark was moved" in told["nothing_moved"]
    assert "Select a landmark first" in told["no_landmark"]
    assert "no fit to go on from" in told["refit"]
    assert "No landmark was found" in told["no_landmarks"]
