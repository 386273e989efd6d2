"""Long work: a timer drives it in the window, a script drains it, a cancel leaves all as it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from addon.conftest import VERSION, _runner
from addon.quick_home import quick_home

FROZEN_S = 2.0
"""Nothing that is done between two ticks may take so long, on a busy machine too."""
CANCELLED = "Fit was cancelled; all is as it was before."
Told = dict[str, Any]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """All parts of the script, which build on one another, in one Blender."""
    folder = tmp_path_factory.mktemp("task")
    for in_blender in _runner(VERSION, folder):
        yield in_blender("task", **quick_home(folder / "home"))


def test_a_task_advances_to_its_end_and_is_alone(found: Told) -> None:
    told = found["plain"]
    assert (told["first"], told["share"], told["over"]) == (False, 0.5, True)
    assert told["second refused"] == "'Count' for Ada is under way; wait for its end, or cancel it."
    assert (told["message"], told["state"]) == ("All counted.", "done")
    assert told["free"]
    assert (told["poll"], told["poll after"]) == (True, False)
    assert told["cancelled"] == "Count was cancelled; all is as it was before."
    assert told["cleaned"] == ["cleaned"] * 2


def test_a_drained_task_says_why_it_failed(found: Told) -> None:
    told = found["drained"]
    assert told["refuses"] == [["CANCELLED"], [["ERROR", "This cannot be counted; count something else."]]]
    (answer, ((kind, words),)) = told["faulty"]
    assert (answer, kind) == (["CANCELLED"], "ERROR")
    assert "failed by a fault of the add-on (ZeroDivisionError: by zero)" in words
    assert told["interrupted"], "Ctrl-C leaves nothing under way"


def test_reading_happens_in_a_thread(found: Told) -> None:
    told = found["in a thread"]
    assert told["yields"] >= 3
    assert told["name"] == "bodyscan load"
    assert told["raised"] == "It cannot be read."


def test_an_import_in_the_window_lets_other_events_through_and_shows_its_progress(found: Told) -> None:
    told = found["import"]
    assert (told["begun"], told["timers"], told["running"]) == (["RUNNING_MODAL"], 1, "Import")
    assert "'Import' for DEMO woman is under way" in told["another"]
    assert told["other event"] == ["PASS_THROUGH"]
    assert told["end"] == ["FINISHED"]
    assert told["reports"] == [["INFO", "DEMO woman: A made-up scan."]]
    assert told["timers after"] == 0
    assert told["status"][0].startswith("Import: ")
    assert "Esc cancels" in told["status"][0]
    assert told["status"][1] is None
    assert told["redrawn"] > 1
    assert told["slowest_s"] < FROZEN_S
    assert told["people"] == ["DEMO woman"]


def test_a_fit_in_the_window_ends_or_fails_and_is_told(found: Told) -> None:
    told = found["fit"]
    assert told["end"] == ["FINISHED"]
    assert told["reports"] == [["INFO", "A made-up fit."]]
    assert told["never back"]
    assert told["slowest_s"] < FROZEN_S
    answer, ((kind, words),) = told["failed"]
    assert (answer, kind) == (["CANCELLED"], "ERROR")
    assert "of the kind stage" in words
    answer, ((kind, words),), timers = told["nobody"]
    assert (answer, kind, timers) == (["CANCELLED"], "ERROR", 0)
    assert "There is no person 'Nobody'" in words


@pytest.mark.parametrize("how", ["escape", "button", "operator ends"])
def test_a_cancel_leaves_scene_and_folder_as_they_were_and_no_process(how: str, found: Told) -> None:
    told = found["cancelled"][how]
    assert told["answer"] == ["CANCELLED"]
    assert told["reports"] == [["WARNING", CANCELLED]]
    assert (told["timers"], told["same"], told["free"], told["gone"]) == (0, True, True, True)
    assert told["took_s"] < FROZEN_S


def test_a_cancelled_chain_or_import_leaves_nothing_of_what_it_had_done(found: Told) -> None:
    told = found["cancelled"]
    assert told["textured in the folder"]
    assert told["chain"]["same"]
    assert told["chain"]["reports"][0][1].startswith("Make the Twin was cancelled")
    assert told["import"] == {"same": True, "folders": 0}
    assert told["afterwards"] == ""


def test_a_result_for_a_person_who_changed_meanwhile_is_not_shown(found: Told) -> None:
    told = found["changed meanwhile"]
    answer, ((kind, words),) = told["undone"]
    assert (answer, kind) == (["CANCELLED"], "ERROR")
    assert "DEMO woman was changed in the scene while the step ran" in words
    assert told["as the undo left it"]
    answer, ((kind, words),) = told["deleted"]
    assert (answer, kind) == (["CANCELLED"], "ERROR")
    assert "not in this file any more" in words


def test_another_file_and_the_end_of_the_addon_end_the_work_and_its_process(found: Told) -> None:
    told = found["ends"]
    is_free, is_alive, answer = told["other file"]
    assert (is_free, is_alive, answer) == (True, False, ["CANCELLED"])
    assert told["alive before"]
    assert not told["alive after"]
