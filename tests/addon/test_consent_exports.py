"""Blender's other exporters: what they may write of a twin, and what goes along."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from addon.conftest import VERSION, _runner
from addon.consented import twin_file
from bodyscan.ledger import Ledger
from gltf.full_size import full_size_twin

Told = dict[str, Any]
WITHOUT_HOOKS = ("obj", "stl", "ply", "abc")
FEW = 100_000
"""Bytes; a file with the whole twin in it is larger."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The twins' files: one of full size, whose absence can be seen in bytes, and a small one."""
    folder = tmp_path_factory.mktemp("exports")
    twin_file(folder / "twin.glb", body=full_size_twin("t"))
    twin_file(folder / "other.glb", "Bob")
    return folder


@pytest.fixture(scope="module")
def found(folder: Path) -> Iterator[Told]:
    """All parts of the script in one Blender."""
    for in_blender in _runner(VERSION, folder):
        yield in_blender(
            "consent_exports", folder=folder, twin=folder / "twin.glb", other=folder / "other.glb"
        )


@pytest.mark.parametrize("name", [*WITHOUT_HOOKS, "usda"])
def test_a_refused_twin_is_in_no_file(found: Told, name: str) -> None:
    done, size = found["refused"][name]
    assert done.startswith("FINISHED")
    assert size < FEW
    if name != "usda":
        assert found["allowed"][name][1] > 5 * FEW, "The same file with the twin in it."


def test_a_refused_twin_is_not_written_as_fbx(found: Told) -> None:
    told = found["refused"]
    assert "Error: Not exported. DEMO Ada: Refused" in told["fbx"]
    assert "Clause: ai.training." in told["fbx"]
    assert "twin.fbx" not in told["files"]


def test_an_fbx_carries_the_records_of_the_twins_in_it(found: Told, folder: Path) -> None:
    told = found["fbx"]
    assert told["both"] == told["one"] == told["no ending"] == "FINISHED"
    both, one = (folder / "fbx" / name for name in ("both.fbx", "one.fbx"))
    first, second = (text.encode() for text in told["texts"].values())
    assert first in both.read_bytes()
    assert second in both.read_bytes()
    assert second in one.read_bytes()
    assert first not in one.read_bytes()


def test_an_fbx_is_written_alone_and_only_with_a_ledger(found: Told) -> None:
    told = found["fbx"]
    assert told["none"] == "FINISHED"
    assert "set Batch Mode to Off" in told["batch"]
    assert "is a folder; give the ledger's file" in told["no ledger"]
    assert told["files"] == ["both.fbx", "none.fbx", "one.fbx", "plain.fbx"]


def test_each_fbx_is_in_the_ledger_once_a_twin(found: Told, folder: Path) -> None:
    with Ledger.open(folder / "ledger.sqlite", now=datetime.now(UTC)) as ledger:
        entries = [json.loads(stored.body) for stored in ledger.entries()]
    assert [entry["kind"] for entry in entries] == ["export"] * len(entries)
    assert len({entry["subject"] for entry in entries}) == 2
    assert len(entries) == 2 + 2 + 1, "Both, both, and one."


def test_twins_are_taken_out_of_usd_whatever_they_are_called(found: Told) -> None:
    told = found["usd"]
    assert told["hook"] == (VERSION != "4.2"), "Blender 4.2 as a Python module has no USD library."
    for name in ("a", "b") if told["hook"] else ():
        assert told[name]["cube"]
        assert not told[name]["twin"]
        assert "Not exported to USD: a chair." in told[name]["done"]
        assert "Export glTF or FBX, which carry the record." in told[name]["done"]


def test_scenes_without_a_twin_are_exported_as_ever(found: Told) -> None:
    told = found["plain"]
    assert set(told["done"].values()) == {"FINISHED"}
    assert {f"twin.{name}" for name in (*WITHOUT_HOOKS, "usda", "fbx")} <= set(told["files"])


def test_twins_are_held_back_while_an_exporter_without_a_place_for_a_record_is_open(found: Told) -> None:
    told = found["open"]
    assert "OBJ has no place for a consent record" in told["told"]
    assert "glTF and FBX carry a twin's record" in told["told"]
    assert told["held"] == [True, True]
    assert told["written"][1] < FEW
    assert told["after"] == [False, False, False]
    assert told["seen"] == "WM_OT_obj_export"
    assert told["others"] == ""
    assert told["usd"] == ("" if found["usd"]["hook"] else "WM_OT_usd_export")
