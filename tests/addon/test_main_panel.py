"""The panel Twin: the steps in their order, what comes next, and every state in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from addon.conftest import VERSION, _runner
from addon.quick_home import quick_home

Told = dict[str, Any]
DONE, OPEN, STALE, FAILED = "CHECKMARK", "RADIOBUT_OFF", "FILE_REFRESH", "ERROR"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """What was drawn at each point, in one Blender."""
    folder = tmp_path_factory.mktemp("panel")
    for in_blender in _runner(VERSION, folder):
        yield in_blender("main_panel", **quick_home(folder / "home"))


def test_an_empty_scene_asks_for_a_capture(found: Told) -> None:
    told = found["empty"]
    assert "a depth camera's folder or recording, photos with their mesh, or a twin." in told["words"]
    assert told["fields"] == ["capture"]
    assert not told["buttons"]["import_capture: Import"]["enabled"]
    assert found["another hidden"]
    assert "There is no file or folder" in found["gone"]["words"]


def test_a_capture_without_a_consent_says_how_to_get_one(found: Told) -> None:
    told = found["no consent"]
    assert "bob.ply has no consent" in told["words"]
    assert "`bodyscan consent template`, `new` and `sign`" in told["words"]
    assert not told["buttons"]["import_capture: Import"]["enabled"]


def test_a_chosen_capture_finds_its_consent_and_asks_for_unit_and_axes(found: Told) -> None:
    home = found["home"]
    assert found["chosen"] == [f"{home}/ada.ply", f"{home}/ada.consent.json"]
    told = found["ready"]
    assert told["fields"] == ["capture", "consent", "photos", "unit", "up", "facing"]
    button = told["buttons"]["import_capture: Import"]
    assert button["enabled"]
    assert (button["filepath"], button["consent"]) == (f"{home}/ada.ply", f"{home}/ada.consent.json")
    assert (button["unit"], button["up"]) == ("mm", "auto")


def test_a_twin_needs_no_fields(found: Told) -> None:
    told = found["a twin"]
    assert told["fields"] == ["capture"]
    assert told["buttons"]["import_capture: Import"]["enabled"]


def test_a_failed_import_is_told_where_it_was_asked_for(found: Told) -> None:
    assert "failed: This is an error of the kind stage" in found["import failed"]["words"]


def test_after_the_import_the_next_thing_is_the_twin(found: Told) -> None:
    told = found["imported"]
    assert told["icons"] == [DONE, OPEN, OPEN, OPEN, OPEN]
    assert "A made-up scan." in told["words"]
    assert "landmarks found" in told["words"]
    assert "The scan was upside down." in told["words"]
    first = next(iter(told["buttons"].items()))
    assert first[0] == "make_twin: Make the Twin"
    assert (first[1]["alone"], first[1]["enabled"]) == (False, True)
    assert told["buttons"]["make_twin: Run"]["alone"]
    runs = {name: button["enabled"] for name, button in told["buttons"].items() if name.endswith("Run")}
    assert runs == {
        "fit: Run": True,
        "texture: Run": False,
        "make_twin: Run": False,
        "choose_export: Run": False,
    }
    assert "import_capture: Import" in found["another shown"]


def test_a_running_step_shows_how_far_it_is_and_nothing_else_can_be_begun(found: Told) -> None:
    told = found["running"]
    assert "Fit: DEMO woman" in told["words"]
    assert "running " in told["words"]
    assert " %: made up fit" in told["words"]
    enabled = {name for name, button in told["buttons"].items() if button["enabled"]}
    assert enabled == {"cancel: Cancel (Esc)"}


def test_quality_is_said_in_words(found: Told) -> None:
    told = found["poor"]
    assert "Surface 9.0 mm from the scan on average: poor" in told["words"]
    assert "Scan data for 90 % of the body: good" in told["words"]
    assert "No twin is made of it unless you accept the quality" in told["words"]
    assert "accept_quality" in told["fields"]
    assert "accept_quality" not in found["imported"]["fields"]
    assert "The left hand could not be made out." in told["words"], "a warning"


def test_a_failed_step_names_the_panels_fields_and_keeps_its_button(found: Told) -> None:
    told = found["twin failed"]
    assert told["icons"] == [DONE, DONE, DONE, FAILED, OPEN]
    assert (
        "failed: This is an error of the kind stage; give it with the field 'Controller's key'."
        in told["words"]
    )
    assert "make_twin: Again" in told["buttons"]


def test_a_finished_twin_can_be_exported(found: Told) -> None:
    told = found["made"]
    assert told["icons"] == [DONE, DONE, DONE, DONE, OPEN]
    assert "A made-up twin in the pose a." in told["words"]
    assert "The surface 'Under the cloth' makes a twin of the body." in told["words"]
    first = next(iter(told["buttons"]))
    assert first == "choose_export: Export the Twin"
    assert told["buttons"]["make_twin: Again"]["controller_key"] == f"{found['home']}/key.jwk"
    assert told["buttons"]["make_twin: Again"]["pose"] == "t"
    told = found["exported"]
    assert told["icons"] == [DONE] * 5
    assert f"{found['home']}/out.glb" in told["words"].replace(" ", "") or "out.glb" in told["words"]


def test_sentences_fit_the_panels_width(found: Told) -> None:
    narrow, wide = found["narrow"]
    assert narrow <= 25
    assert narrow < wide


def test_what_was_made_of_another_fit_is_out_of_date_and_why(found: Told) -> None:
    told = found["out of date"]
    assert told["icons"] == [DONE, DONE, STALE, STALE, STALE]
    assert "out of date: the fit has changed; run it again" in told["words"]
    assert "out of date: the fit or its texture has changed; run it again" in told["words"]
    assert next(iter(told["buttons"])) == "make_twin: Make the Twin"


def test_what_was_deleted_from_the_scene_can_be_shown_again(found: Told) -> None:
    assert "done, not in the scene" in found["deleted"]["words"]
    assert "show_again: Show Again" in found["deleted"]["buttons"]
    assert "show_again: Show Again" not in found["out of date"]["buttons"]


def test_several_persons_are_chosen_from(found: Told) -> None:
    told = found["two"]["buttons"]
    assert [name for name in told if name.startswith("choose_person")] == [
        "choose_person: DEMO woman",
        "choose_person: DEMO woman.001",
    ]
    assert "Choose a person to work on." in found["nobody chosen"]["words"]
    assert not any(name.startswith("make_twin") for name in found["nobody chosen"]["buttons"])


def test_a_folder_that_is_gone_is_one_sentence(found: Told) -> None:
    told = found["folder gone"]
    assert "The working folder of DEMO woman.001 is gone" in told["words"]
    assert "import the scan again." in told["words"]


def test_a_result_that_is_gone_is_told_and_the_rest_can_be_used(found: Told) -> None:
    told = found["result gone"]
    assert "is missing or damaged" in told["words"]
    assert "show_again: Use What Is Left" in told["buttons"]
    assert "the scan that the scene shows is not in the working folder any more" in found["lost"]["words"]


def test_a_missing_command_is_told_before_anything_is_tried(found: Told) -> None:
    told = found["no command"]
    assert "as the `bodyscan` command, and there is no such file." in told["words"]
    assert "/no-command" in told["words"].replace(" ", ""), "a long path is broken, and loses nothing"
    assert "copy_install_command: Copy What to Type" in told["buttons"]
    assert not any("copy_install" in name for name in found["empty"]["buttons"])


def test_it_stands_first_in_its_tab_and_is_drawn_fast(found: Told) -> None:
    assert found["place"] == ["VIEW3D_PT_bodyscan", "bodyscan", 0, "VIEW_3D"]
    assert found["parent"] == "VIEW3D_PT_bodyscan"
    assert found["ms a drawing"] < 50
