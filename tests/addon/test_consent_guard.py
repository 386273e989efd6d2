"""A twin that its consent does not allow is not saved and not shown, and the reason is told with the
clause."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from addon.conftest import VERSION, _runner
from addon.consented import revocation, twin_file
from bodyscan.consent.record import Medium

Told = dict[str, Any]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """All parts of the script in one Blender."""
    folder: Path = tmp_path_factory.mktemp("guard")
    consent = twin_file(folder / "twin.glb")
    twin_file(folder / "expired.glb", expired=True)
    twin_file(folder / "limited.glb", territories=("DE",), media=(Medium.WEB,))
    (folder / "revoked.json").write_text(revocation(consent))
    for in_blender in _runner(VERSION, folder):
        yield in_blender(
            "consent_guard",
            folder=folder,
            twin=folder / "twin.glb",
            expired=folder / "expired.glb",
            limited=folder / "limited.glb",
            evidence=folder / "revoked.json",
        )


def test_a_refused_save_writes_nothing_and_leaves_the_old_file(found: Told) -> None:
    told = found["saved"]
    assert told["allowed"] == "FINISHED"
    for how in ("refused", "again", "compressed", "copy", "incremental", "linked"):
        assert told[how].startswith("Error: Cannot open file"), how
        assert "Not saved. DEMO Ada: Refused: the consent is not covered" in told[how]
        assert "Clause: ai.training." in told[how]
        assert "The file on the disk is as it was." in told[how]
    assert told["same"]
    assert told["files"] == ["a.blend", "link.blend", "real/c.blend"]
    assert told["folders"] == ["real"]
    assert told["after"] == "FINISHED"


def test_the_reason_is_written_to_standard_error_where_there_is_no_window(found: Told) -> None:
    assert "bodyscan: Not saved. DEMO Ada: Refused:" in found["output"]


def test_a_twin_does_not_become_part_of_the_startup_file(found: Told) -> None:
    told = found["startup"]
    assert "Not saved." in told["done"]
    assert not told["written"]
    assert not told["left"]


def test_each_reason_refuses_with_its_own_words(found: Told) -> None:
    told = found["why"]
    assert "expired: it ended at 2021-01-01T00:00:00Z" in told["expired"]
    assert "Clause: term.not_after." in told["expired"]
    assert told["private"] == "FINISHED"
    assert "cannot be told" in told["not stated"].lower()
    assert "no territory is stated for the use" in told["not stated"]
    assert "the territory US is not allowed; allowed: DE. Clause: scope.territories." in told["elsewhere"]
    assert told["there"] == "FINISHED"
    assert "Atlantis" in told["nowhere"]
    assert "the twin carries no consent record" in told["missing"]
    assert not told["written"]


def test_a_changed_record_and_a_renamed_twin_are_known_for_what_they_are(found: Told) -> None:
    told = found["tampered"]
    assert "Not saved." in told["letter"]
    assert told["renamed"] == "FINISHED"
    assert "carries no consent record" in told["renamed and stripped"]


def test_a_refused_twin_of_an_opened_file_is_withheld_and_nothing_of_it_is_lost(found: Told) -> None:
    told = found["opened"]
    assert told["before"] == [False, False]
    assert told["told"].startswith("FINISHED | Not shown. DEMO Ada: Refused: the consent is stripped")
    assert "It is withheld until a record covers this use." in told["told"]
    assert told["withheld"] == [True, True]
    assert told["kept"]
    assert told["there"] == told["names"]
    assert told["told once"] == "True"
    assert told["given back"] == [False, False, False]


def test_a_withheld_twin_cannot_be_switched_on_and_gets_its_own_switches_back(found: Told) -> None:
    told = found["hidden"]
    assert told["first"] == [True, True]
    assert told["second"] == [True, True]
    assert told["own"] == [True, False]


def test_a_withdrawal_in_the_evidence_folder_counts_at_once(found: Told) -> None:
    told = found["evidence"]
    assert told["before"].startswith("Allowed")
    assert "holds no evidence yet" in told["known"]
    assert told["after"].startswith("Refused: the consent is revoked")
    assert "revoked" in told["save"]
    assert "holds the folder odd" in told["unreadable"]
    assert "is no folder" in told["gone"]
    assert told["without"].startswith("Allowed")


def test_another_body_under_the_same_record_is_refused(found: Told) -> None:
    told = found["edited"]
    assert "its body is not as it was bound" in told["larger"]
    assert told["withheld"]
    assert told["packed"].startswith("Allowed")
    assert "The file was repacked: its surface moved by up to 0." in told["packed"]
    assert told["back"] == ["FINISHED", False]
    assert told["expression"] == "FINISHED"
    assert "NaN" in told["nan"]
    assert told["scaled"] == "FINISHED", "The demo record allows a changed appearance."
    assert "no triangles" in told["no mesh"]


def test_every_scene_of_a_file_is_asked(found: Told) -> None:
    told = found["scenes"]
    assert told["empty"] == "FINISHED"
    assert "Clause: ai.mining." in told["both"]
    assert "Clause: ai.mining." in told["nowhere"]


def test_a_twin_that_is_only_instanced_is_judged(found: Told) -> None:
    assert found["instanced"] == {"refused": ["DEMO Ada"], "withheld": [True, True]}


def test_a_twin_of_a_linked_file_is_judged_and_its_instance_withheld(found: Told) -> None:
    told = found["linked"]
    assert told["library"] == told["allowed"] == "FINISHED"
    assert "Clause: ai.training." in told["refused"]
    assert told["told"].startswith("1 | Not shown. DEMO Ada: Refused")
    assert told["again"] == "1", "It is told of once."
    assert told["withheld"] == [True, True]
    assert told["given back"] == [False, False]


def test_what_is_edited_counts_at_once_and_is_withheld_when_the_mode_is_left(found: Told) -> None:
    told = found["in edit mode"]
    assert "its binding belongs to another body" in told["save"] or "not as it was bound" in told["save"]
    assert [told["shown"], told["still shown"], told["withheld"]] == [False, False, True]


def test_what_cannot_be_judged_is_not_saved(found: Told) -> None:
    told = found["unjudged"]
    assert "Not saved. The consents could not be judged: ZeroDivisionError('a bug')" in told["done"]
    assert not told["written"]


def test_undo_and_redo_are_judged_again(found: Told) -> None:
    assert found["undone"] == {"refused": True, "undone": False, "redone": True}


def test_a_verdict_is_judged_once_for_all_redraws(found: Told) -> None:
    assert found["cost"] == {"once": 1, "another use": 2}


def test_a_file_without_a_twin_is_saved_whatever_the_scene_is_for(found: Told) -> None:
    assert found["strangers"] == {"saved": "FINISHED", "written": True}
