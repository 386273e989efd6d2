"""The steps in Blender: each shows its result, can be undone, and where it fails leaves all as it was."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from addon.conftest import VERSION, InBlender, _runner
from addon.edit_people import fit_of, truth
from addon.outside import outside
from addon.quick_home import SAMPLES, quick_home

PROGRAMS = str(Path(sys.executable).parent)


Told = dict[str, Any]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """All parts of the script, which build on one another, in one Blender."""
    folder = tmp_path_factory.mktemp("steps")
    for in_blender in _runner(VERSION, folder):
        given = quick_home(folder / "home")
        yield {**given, **in_blender("step_operators", **given)}


def test_nothing_is_asked_of_the_command_without_a_capture_and_a_consent_that_covers_it(found: Told) -> None:
    told, home = found["refused"], found["home"]
    assert "No capture was chosen" in told["nothing"]
    assert f"There is no file or folder {home}/gone.ply" in told["gone"]
    assert "bob.ply has no consent" in told["no consent"]
    assert "lay it beside the capture as bob.consent.json" in told["no consent"]
    assert "photos holds photos" in told["photos"]
    assert "cameras are missing too" in told["photos"]
    assert told["tampered"]
    assert told["consent gone"]
    assert "the person does not allow AI training" in told["not covered"]
    assert "There is nobody in this scene; import a capture first." in told["fit"]
    assert "There is nobody in this scene" in told["export"]
    assert (told["asked"], told["people"], told["folders"]) == (0, 0, 0)


def test_each_step_asks_for_what_was_chosen_and_shows_its_result(found: Told) -> None:
    told, home = found["in order"], found["home"]
    assert [told[step] for step in ("import", "fit", "texture", "twin", "export")] == [""] * 5
    scan = told["scan"]
    assert scan["step"] == "scan"
    assert (scan["unit"], scan["up"], scan["facing"], scan["photos"]) == ("cm", "+z", None, None)
    assert (scan["capture"], scan["consent"]) == (f"{home}/ada.ply", f"{home}/ada.consent.json")
    assert scan["use"]["purpose"] == "make_twin"
    assert told["name"] == "DEMO woman"
    assert told["consent"]
    assert told["private"] == [0o700, 0o700]
    assert "run the step Fit first" in told["alone too early"]
    assert told["fit asked"]["start"] == "anew"
    assert told["fit asked"]["folder"] == scan["folder"]
    assert told["active"] == "DEMO woman surface"
    model, params = truth()
    wanted = outside("axes").blender_from_world(fit_of(model, params, 1).surface.vertices[:2])
    np.testing.assert_array_equal(told["surface"], wanted.astype(np.float32))
    assert (told["texture asked"]["size"], told["texture asked"]["surface"]) == (1024, "skin")
    assert told["images"] == [f"DEMO woman skin {name}" for name in ("albedo", "normal", "roughness")]
    twin = told["twin asked"]
    assert (twin["controller_key"], twin["pose"], twin["surface"]) == (f"{home}/key.jwk", "t", "skin")
    assert (twin["accept_quality"], twin["ledger"]) == (False, f"{home}/ledger.sqlite")
    export = told["export asked"]
    assert (export["profile"], export["use"]["purpose"]) == ("web", "export")
    assert (export["target"], export["controller_key"]) == ("gltf", None)
    assert told["vrm"] == ""
    avatar = told["vrm asked"]
    assert (avatar["target"], avatar["controller_key"]) == ("vrm", f"{home}/key.jwk")
    assert avatar["output"] == f"{home}/out.vrm"
    assert "must end in .vrm" in told["bad avatar"]
    assert told["exported"]
    assert "must end in .glb" in told["bad ending"]
    assert told["seen"]["roles"] == ["armature", "scan", "surface", "twin"]
    assert {step: state for step, (state, _) in told["seen"]["folder"].items()} == dict.fromkeys(
        ("scan", "fit", "texture", "twin"), "done"
    )
    assert told["seen"]["shown"] == {step: name for step, (_, name) in told["seen"]["folder"].items()}
    assert (told["hidden"]["scan"], told["hidden"]["surface"], told["hidden"]["twin"]) == (True, True, False)


def test_the_scan_is_shown_as_it_is_turned_into_blenders_world(found: Told) -> None:
    assert found["scan"] == {
        "same places": True,
        "same faces": True,
        "same colours": 0,
        "same vertices": True,
        "identity": True,
        "valid": True,
    }


def test_every_step_can_be_undone_and_the_folder_follows(found: Told) -> None:
    told = found["undo"]
    assert told["second fit undone"]
    assert told["its surface"]
    assert told["first fit undone"]
    assert told["textures back"] == 3
    assert told["both done again"]
    assert told["stale"] == ["stale", "stale"]


def test_a_step_that_fails_is_told_and_changes_nothing(found: Told) -> None:
    told = found["failed"]
    for kind in ("input", "consent", "stage", "missing", "bug"):
        assert (
            told[kind] == f"This is an error of the kind {kind}; give it with the field 'Controller's key'."
        )
    assert "exit code 9" in told["crash"]
    assert "the last words" in told["crash"]
    assert "damaged" in told["damaged"]
    for kind in ("input", "consent", "stage", "missing", "bug", "crash"):
        assert told[f"{kind} remembered"]
        assert told[f"{kind} changed nothing"]
    assert told["damaged changed nothing"]
    assert "fit.npz in the working folder is missing or damaged" in told["no numbers"]
    assert told["no numbers changed nothing"]
    assert told["afterwards"] == ""
    assert told["forgotten"]
    assert "of the kind stage" in told["import"]
    assert (told["people"], told["folders"]) == (1, 1)


def test_all_at_once_runs_what_is_missing_and_keeps_what_was_done_before_a_failure(found: Told) -> None:
    told = found["chain"]
    assert "of the kind stage" in told["failed"]
    assert told["asked"] == ["texture", "twin"], "the fit was done already"
    assert told["states"] == {"scan": "done", "fit": "done", "texture": "done", "twin": "stale"}
    assert told["textures"]
    assert told["undone"]["texture"] == "stale"
    assert told["again"] == ""
    assert told["asked again"] == ["twin"]
    assert told["other surface"] == ""
    assert told["asked for another surface"] == ["texture", "twin"]


def test_what_was_deleted_renamed_or_damaged_is_brought_back_or_told(found: Told) -> None:
    told = found["broken"]
    assert told["deleted surface"] == ""
    assert told["surface back"]
    assert told["deleted mesh"]
    assert told["show again"] == ""
    assert told["scan back"]
    assert told["in edit mode"] == ""
    assert told["mode"] == "OBJECT"
    assert told["while painting"] == ""
    assert told["twin while painting"]
    assert "run the step Fit first" in told["result gone"]
    assert told["result gone, run again"] == ""
    assert "is no working folder, or its state.json is damaged" in told["state damaged"]
    assert "was made by another version of bodyscan (format 99" in told["another version"]
    assert told["mended"] == ""
    assert "The working folder of DEMO woman is gone" in told["folder gone"]
    assert "import the scan again" in told["folder gone"]
    assert told["folder back"] == ""


def test_a_file_shows_the_results_that_it_was_saved_with(found: Told) -> None:
    told = found["reopened"]
    assert told["not saved"]
    assert told["as saved"]
    assert (told["tidied away"], told["scan is kept"]) == ("absent", "done")
    assert "run the step Fit first" in told["twin alone"]
    assert told["again"] == ""


def test_a_folder_of_photos_is_imported_with_the_mesh_in_it(found: Told) -> None:
    told, home = found["persons"], found["home"]
    assert told["photos"] == ""
    scan = told["photos asked"]
    assert (scan["capture"], scan["photos"]) == (f"{home}/project/mesh.ply", f"{home}/project")
    assert scan["consent"] == f"{home}/project.consent.json"


def test_with_several_persons_one_must_be_meant(found: Told) -> None:
    told = found["persons"]
    assert told["second"] == ""
    assert told["names"] == ["DEMO woman", "DEMO woman.001"]
    assert "several persons in this scene (DEMO woman, DEMO woman.001)" in told["nobody chosen"]
    assert "There is no person 'Nobody'" in told["unknown"]
    assert told["chosen"] == ""
    assert told["active"] == "DEMO woman.001"
    assert told["by name"] == ""
    assert told["twin"] == ""
    assert told["twin's folder"] == "None"
    assert "came as a finished twin" in told["fit of a twin"]


@pytest.mark.slow
@pytest.mark.long
def test_the_real_steps_make_a_twin_of_a_real_scan(in_blender: InBlender, tmp_path: Path) -> None:
    told = in_blender("real_steps", home=str(tmp_path), scan=str(SAMPLES / "woman.obj"), programs=PROGRAMS)
    assert told["errors"] == {}
    assert told["roles"] == ["armature", "collision", "scan", "surface", "twin"]
