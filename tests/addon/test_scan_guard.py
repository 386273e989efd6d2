"""A scan and a fit are their person's likeness before there is a twin: guarded and marked as one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from addon.conftest import VERSION, _runner
from addon.consented import bound, revocation, signed, twin_file
from bodyscan.ledger import Ledger
from bodyscan.mark import detect_file, names_of_consent
from bodyscan.mark.twin_id import NO_GEOMETRY, twin_id
from gltf.shapes import small_twin

Told = dict[str, Any]
WHOLE = 500_000
"""Bytes; a file with the whole scan in it is larger."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scans")


@pytest.fixture(scope="module")
def found(folder: Path) -> Iterator[Told]:
    """All parts of the script in one Blender."""
    consent = signed()
    known = folder / "known" / "withdrawals"
    known.mkdir(parents=True)
    (known / "ada.json").write_text(revocation(consent))
    twin_file(folder / "twin.glb")
    for in_blender in _runner(VERSION, folder):
        yield in_blender(
            "scan_guard",
            folder=folder,
            consent=consent.text,
            expired=signed(expired=True).text,
            evidence=folder / "known",
            twin=folder / "twin.glb",
        )


def test_an_allowed_scan_is_saved_and_its_pictures_are_marked(found: Told, folder: Path) -> None:
    told = found["allowed"]
    assert told["twins"] == 0
    assert all(words.startswith("Allowed") for words in told["verdicts"])
    assert len(told["verdicts"]) == 2
    assert told["save"] == told["render"] == "FINISHED"
    assert told["operator"].startswith("FINISHED")
    assert told["shown"] == [False, False]
    assert "This scene renders nobody" in told["nobody"]
    assert told["files"] == ["a.blend", "own.png", "picture.png"]
    text = signed().text
    for name in ("own.png", "picture.png"):
        mark = detect_file(folder / "allowed" / name, names_of_consent(text, "record"))
        assert mark.agreement == "agree"
        assert mark.info is not None
        assert mark.info.twin_id == twin_id(signed().record.record_id, NO_GEOMETRY).hex()
        assert mark.info.subject_pseudonym == "DEMO Ada"


def test_each_picture_of_a_scan_is_in_the_ledger_once(found: Told, folder: Path) -> None:
    with Ledger.open(folder / "ledger.sqlite", now=datetime.now(UTC)) as ledger:
        entries = [json.loads(stored.body) for stored in ledger.entries()]
    assert [entry["kind"] for entry in entries] == ["render"] * 2, "The same picture twice is one use."


def test_scan_and_twin_of_one_person_are_one_twin_in_the_mark(found: Told, folder: Path) -> None:
    told = found["twin too"]
    assert told["render"] == "FINISHED"
    assert told["people"] == 1
    twin = bound(signed(), small_twin())
    assert twin.consent is not None
    mark = detect_file(folder / "twin" / "picture.png", {})
    assert mark.info is not None
    assert mark.info.twin_id != twin_id(signed().record.record_id, NO_GEOMETRY).hex()


@pytest.mark.parametrize(
    ("why", "words"),
    [
        ("expired", "Clause: term.not_after."),
        ("not covered", "Clause: ai.training."),
        ("missing", "the scan has no consent record"),
        ("revoked", "the consent is revoked"),
    ],
)
def test_a_refused_scan_leaves_by_no_door(found: Told, why: str, words: str) -> None:
    told = found["refused"][why]
    for door, done in (("save", "Not saved."), ("render", "Not rendered."), ("fbx", "Not exported.")):
        assert done in told[door], door
        assert words in told[door], door
    assert "Not exported." in told["glb"]
    assert told["withheld"] == [[True, True], [True, True]]
    assert told["files"] == []


def test_a_copied_scan_and_one_without_its_person_are_still_a_likeness(found: Told) -> None:
    told = found["copied"]
    assert "Clause: term.not_after." in told["copy"]
    assert "the scan has no consent record" in told["nobody's"]
    assert told["files"] == []


def test_a_scan_goes_into_no_other_programs_file(found: Told) -> None:
    told = found["exported"]
    for name in ("fbx", "glb", "gltf"):
        assert "No record is bound to Ada scan, so no file can carry it" in told[name], name
    assert told["cube fbx"] == told["cube glb"] == "FINISHED"
    assert told["in usd"] == [True, False]
    assert [name for name in told["files"] if "/" not in name] == ["cube.fbx", "cube.glb", "twin.usda"]
    assert max(told["withheld"].values()) < WHOLE


def test_a_person_has_one_label_and_one_box(found: Told) -> None:
    told = found["in sight"]
    ((name, lines, is_allowed),) = told["labels"]
    assert (name, is_allowed) == ("Ada surface", True)
    assert lines[:2] == ["DEMO Ada", "allowed: make twin"]
    assert told["panel"].count("Allowed: the consent is valid") == 1
    assert told["other"] == ["Ada scan"]
    assert told["checked"] == "FINISHED"
    assert "DEMO Ada, make twin. Allowed" in found["output"]
    assert told["forgotten"] == 2
