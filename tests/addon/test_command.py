"""The `bodyscan` command is found where people have it, and a missing one is told with what to type."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from addon.outside import outside
from bodyscan import __version__
from bodyscan.errors import InputError, MissingExtraError

command = outside("steps.command")


def program(folder: Path, text: str = "echo bodyscan 0.1.0", name: str = "bodyscan") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_the_preferences_win_over_the_search_path_and_that_over_what_lies_beside_python(
    tmp_path: Path,
) -> None:
    named = program(tmp_path / "named", name="my-bodyscan")
    on_path, beside = program(tmp_path / "path"), program(tmp_path / "beside")
    places = {"search_path": str(on_path.parent), "beside": [beside.parent]}
    assert command.find_command(named, **places) == command.Command(named, "the preferences")
    assert command.find_command(None, **places) == command.Command(on_path, "the search path")
    places["search_path"] = str(tmp_path)
    assert command.find_command(None, **places) == command.Command(beside, "beside Blender's Python")


def test_the_real_command_lies_beside_this_python() -> None:
    assert Path(sys.executable).parent in command.script_folders()
    found = command.find_command(None, search_path="", beside=[Path(sys.executable).parent])
    assert command.command_version(found) == __version__


def test_a_missing_command_is_told_in_a_sentence_with_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(MissingExtraError) as told:
        command.find_command(None, search_path=str(tmp_path), beside=[tmp_path])
    assert f"-m pip install bodyscan=={__version__}`" in str(told.value)
    assert "preferences" in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("kind", ["gone", "a folder", "no program"])
def test_a_wrong_preference_is_told_and_nothing_else_is_taken(kind: str, tmp_path: Path) -> None:
    on_path, named = program(tmp_path / "path"), tmp_path / "named"
    if kind == "a folder":
        named.mkdir()
    elif kind == "no program":
        named.write_text("some text")
    with pytest.raises(InputError, match=f"preferences name {named}.*leave it empty"):
        command.find_command(named, search_path=str(on_path.parent))


@pytest.mark.parametrize("version", ["0.1.0", "0.1.7", "0.1.0.dev3", "0.1"])
def test_a_command_of_the_same_release_is_taken(version: str) -> None:
    command.check_version(version)


@pytest.mark.parametrize("version", ["0.2.0", "1.1.0", "99.3.0", "", "nonsense"])
def test_a_command_of_another_release_is_refused_with_what_to_type(version: str) -> None:
    with pytest.raises(
        InputError, match=f"needs {__version__}: type `.*pip install bodyscan=={__version__}`"
    ):
        command.check_version(version)


@pytest.mark.parametrize("text", ["echo something else", "echo bodyscan 0.1.0; exit 3", "echo bodyscan"])
def test_a_program_that_is_not_the_command_is_refused(text: str, tmp_path: Path) -> None:
    odd = command.Command(program(tmp_path, text), "the search path")
    with pytest.raises(InputError, match="is not the `bodyscan` command"):
        command.command_version(odd)


def test_a_program_that_cannot_be_run_is_told(tmp_path: Path) -> None:
    path = program(tmp_path)
    path.write_bytes(b"\x7fELF not really")
    with pytest.raises(InputError, match="could not be run"):
        command.command_version(command.Command(path, "the preferences"))
