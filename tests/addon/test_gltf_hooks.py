"""A twin keeps its consent through Blender's own glTF importer and exporter, or does not leave Blender."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from addon.conftest import VERSION, _runner
from addon.consented import signed, twin_file
from bodyscan.consent import Purpose, Use, verify_content, verify_surface
from bodyscan.gltf import collision_to_glb, read_consent, read_glb, twin_to_glb
from bodyscan.gltf.consent_copies import consent_copies
from bodyscan.gltf.container import pack_glb, unpack_glb
from bodyscan.gltf.read_content import read_content
from bodyscan.ledger import Ledger
from gltf.complete import with_parts
from gltf.full_size import full_size_twin
from gltf.shapes import MORPH_NAMES

Told = dict[str, Any]
NOW = datetime(2026, 6, 1, tzinfo=UTC)
EXPORT = Use(Purpose.EXPORT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The twins' files."""
    folder = tmp_path_factory.mktemp("hooks")
    twin_file(folder / "twin.glb")
    twin_file(folder / "other.glb", "Bob")
    twin_file(folder / "expired.glb", expired=True)
    full = with_parts(full_size_twin("t"), size=128)
    (folder / "full.glb").write_bytes(twin_to_glb(full))
    (folder / "collision.glb").write_bytes(collision_to_glb(full))
    document, binary = unpack_glb(folder / "full.glb")
    exchanged = json.loads(json.dumps(document))
    exchanged["extensions"]["BODYSCAN_consent"]["record"] = signed("Eve").text
    (folder / "differing.glb").write_bytes(pack_glb(exchanged, binary))
    bare = json.loads(json.dumps(document))
    for key in ("extensions", "extensionsUsed"):
        del bare[key]
    del bare["asset"]["extensions"]
    del bare["nodes"][0]["extras"]
    (folder / "bare.glb").write_bytes(pack_glb(bare, binary))
    root = json.loads(json.dumps(document))
    del root["nodes"][0]["extras"]
    del root["meshes"][0]["primitives"][0]["attributes"]["_BODY_VERTEX"]
    (folder / "root.glb").write_bytes(pack_glb(root, binary))
    return folder


@pytest.fixture(scope="module")
def found(folder: Path) -> Iterator[Told]:
    """All parts of the script in one Blender."""
    names = ("twin", "other", "expired", "full", "collision", "differing", "bare", "root")
    for in_blender in _runner(VERSION, folder):
        yield in_blender("gltf_hooks", folder=folder, **{name: folder / f"{name}.glb" for name in names})


def test_an_imported_twin_is_a_person_with_a_consent(found: Told, folder: Path) -> None:
    told = found["imported"]
    assert told["people"] == ["DEMO Alba"]
    assert told["roles"] == {"twin": ["body"], "collision": [], "armature": ["armature"]}
    assert told["consents"] == [read_consent(folder / "full.glb")[0]]
    assert [words[:7] for words in told["verdicts"]] == ["Allowed"]


def test_an_imported_collision_body_is_one_and_is_judged_by_its_own_record(found: Told, folder: Path) -> None:
    told = found["collision"]
    assert told["roles"]["collision"] == ["body"]
    assert told["consents"] == [read_consent(folder / "collision.glb")[0]]
    assert [words[:7] for words in told["verdicts"]] == ["Allowed"]


def test_files_that_are_imported_at_once_become_a_person_each(found: Told) -> None:
    assert found["many"] == {
        "people": ["DEMO Ada", "DEMO Bob"],
        "twins": [1, 1],
        "verdicts": ["allowed", "allowed"],
    }


def test_copies_that_differ_are_no_consent(found: Told) -> None:
    told = found["differing"]
    assert "differing.glb: The file holds 2 different consent records" in told["told"]
    assert "One of them was exchanged" in told["verdicts"][0]
    assert told["consents"] == [None]


def test_a_twin_whose_record_was_stripped_is_known_as_a_twin(found: Told) -> None:
    told = found["bare"]
    assert "bare.glb carries no consent record." in told["told"]
    assert told["verdicts"][0].startswith("Refused: the consent is stripped")


def test_the_root_extension_alone_is_enough(found: Told, folder: Path) -> None:
    told = found["root"]
    assert told["roles"]["twin"] == ["body"]
    assert told["consents"] == [read_consent(folder / "full.glb")[0]]


@pytest.mark.parametrize("name", ["plain", "extras", "twice"])
def test_a_round_trip_keeps_all_three_places_and_verifies_to_the_bit(
    found: Told, folder: Path, name: str
) -> None:
    assert found["round"][name] == "FINISHED"
    before, _ = unpack_glb(folder / "full.glb")
    after, _ = unpack_glb(folder / "round" / f"{name}.glb")
    assert len(consent_copies(after)) == 3
    assert after["extensions"] == before["extensions"]
    assert set(after["extensionsUsed"]) == set(before["extensionsUsed"])
    assert after["asset"]["extras"] == before["asset"]["extras"]
    assert after["asset"]["extensions"] == before["asset"]["extensions"]
    (body,) = (node for node in after["nodes"] if node.get("name") == "body")
    assert body["extras"]["bodyscan"] == before["nodes"][0]["extras"]["bodyscan"]
    text, positions, faces = read_consent(folder / "round" / f"{name}.glb")
    status = verify_surface(text, positions, faces, NOW, EXPORT)
    assert status.ok
    assert status.geometry == "exact"
    parts = verify_content(*read_content(folder / "round" / f"{name}.glb"), NOW, EXPORT).parts
    assert {name: words.split(":")[0] for name, words in parts.items()} == dict.fromkeys(parts, "kept")


def test_nothing_of_the_scene_goes_out_with_a_twin(found: Told, folder: Path) -> None:
    document, _ = unpack_glb(folder / "round" / "extras.glb")
    things = [*document["scenes"], *document["nodes"], *document["meshes"]]
    names = {name for thing in things for name in thing.get("extras", {})}
    assert "targetNames" in names, "Other extras are there."
    assert not {name for name in names if name.startswith("bodyscan_")}
    assert "bodyscan" not in document["scenes"][0].get("extras", {})


def test_a_refused_twin_is_not_exported(found: Told) -> None:
    told = found["refused"]
    assert "Error: Not exported. DEMO Ada: Refused: the consent is not covered" in told["not covered"]
    assert "Clause: ai.training." in told["not covered"]
    assert "Traceback" not in told["not covered"]
    assert told["frame"] == 7
    assert "Clause: term.not_after." in told["expired"]
    assert "carries no consent record" in told["missing"]
    assert told["files"] == []


def test_settings_that_make_another_body_are_named(found: Told) -> None:
    told = found["settings"]
    assert "choose the format glTF Binary (.glb)" in told["separate"]
    assert "turned by 90 degrees" in told["axes"]
    assert "switch Transform > +Y Up on" in told["axes"]
    assert told["no shapes"] == "FINISHED"
    assert told["no materials"] == "FINISHED"
    assert told["posed"] == "FINISHED"
    assert "switch Data > Armature > Use Rest Position Armature on" in told["pose kept"]
    assert told["files"] == ["d.glb", "e.glb", "posed.glb"]


def test_a_posed_twin_goes_out_at_rest_with_its_shapes_at_zero(found: Told, folder: Path) -> None:
    text, content = read_content(folder / "settings" / "posed.glb")
    assert verify_content(text, content, NOW, EXPORT).geometry == "exact"
    document, _ = unpack_glb(folder / "settings" / "posed.glb")
    assert not any(document["meshes"][0].get("weights", []))
    assert {"jawOpen"} <= set(read_glb(folder / "settings" / "posed.glb").morph_names)


def test_a_file_carries_one_twin_with_its_own_record(found: Told, folder: Path) -> None:
    told = found["several"]
    assert "A file carries one twin and its record; this one would hold body, body.001." in told["both"]
    assert told["one"] == told["other"] == "FINISHED"
    for made, came in (("one", "twin"), ("other", "other")):
        text, positions, faces = read_consent(folder / "several" / f"{made}.glb")
        assert text == read_consent(folder / f"{came}.glb")[0]
        assert verify_surface(text, positions, faces, NOW, EXPORT).geometry == "exact"
        assert read_glb(folder / "several" / f"{made}.glb").morph_names == MORPH_NAMES
    assert "beside body it would hold Cube" in told["with a cube"]
    assert told["cube alone"] == "FINISHED"
    assert told["files"] == ["alone.glb", "one.glb", "other.glb"]


def test_a_twin_goes_out_without_its_collision_body_which_goes_out_alone(found: Told, folder: Path) -> None:
    told = found["companions"]
    assert told["all"].startswith("FINISHED | Exported without body.001: a file carries one body")
    assert told["collision"] == "FINISHED"
    for made, came in (("all", "full"), ("collision", "collision")):
        text, positions, faces = read_consent(folder / "companions" / f"{made}.glb")
        assert text == read_consent(folder / f"{came}.glb")[0]
        assert verify_surface(text, positions, faces, NOW, EXPORT).geometry == "exact"


def test_the_finished_file_is_checked_as_verify_checks_it(found: Told) -> None:
    told = found["changed"]
    assert "its body was changed after it was bound: texture:" in told["skin"]
    assert "its body was changed after it was bound: rig:" in told["weights"]
    assert told["files"] == []


def test_an_export_is_in_the_ledger_before_the_file_appears(found: Told, folder: Path) -> None:
    assert "is a folder; give the ledger's file" in found["ledger"]["no ledger"]
    assert found["ledger"]["files"] == []
    with Ledger.open(folder / "ledger.sqlite", now=datetime.now(UTC)) as ledger:
        entries = list(ledger.entries())
    assert {json.loads(stored.body)["kind"] for stored in entries} == {"export"}
    assert len(entries) >= 5


def test_no_unchecked_file_is_left_anywhere(found: Told) -> None:
    assert found["left"] == []


def test_a_scene_without_a_twin_is_exported_as_ever(found: Told) -> None:
    told = found["plain"]
    assert told["glb"] == told["gltf"] == "FINISHED"
    assert {"a.glb", "b.gltf", "b.bin"} <= set(told["files"])


def test_the_hooks_alone_refuse_too(found: Told) -> None:
    told = found["unhooked"]
    assert "Not exported. DEMO Ada: Refused" in told["done"]
    assert told["files"] == []
