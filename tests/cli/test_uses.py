"""Pictures and files of a twin leave with an entry in the ledger, or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bodyscan.cli.main import app
from bodyscan.ledger import Ledger
from cli.twins import write_annas_twin

USE = ("--territory", "DE", "--medium", "web", "--json")
DRAW = ("--size", "240x320")


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def entries(place: Path) -> list[dict]:
    return json.loads(run("ledger", "list", "--ledger", place, "--json").stdout)


@pytest.fixture(scope="module")
def twin(tmp_path_factory) -> Path:
    return write_annas_twin(tmp_path_factory.mktemp("anna") / "anna.glb")


@pytest.fixture
def place(tmp_path) -> Path:
    return tmp_path / "ledger.sqlite"


def test_a_picture_and_a_copy_are_written_down_with_what_they_are_for(twin, tmp_path, place):
    about = ("--ledger", place, "--reference", "Spring")
    picture = run("render", twin, "-o", tmp_path / "a.png", *USE, *DRAW, *about)
    copy = run("export", twin, "-o", tmp_path / "a.glb", *USE, "--licensee", "Shop", *about)
    assert [json.loads(result.stdout)["ledger_entry"] for result in (picture, copy)] == [1, 2]
    told = [
        (each["kind"], each["purpose"], each["medium"], each["licensee"], each["reference"])
        for each in entries(place)
    ]
    assert told == [
        ("render", "render", "web", None, "Spring"),
        ("export", "export", "web", "Shop", "Spring"),
    ]
    with Ledger.open(place, read_only=True) as ledger:
        assert len(list(ledger.entries())) == 2


def test_the_same_picture_drawn_again_is_one_use(twin, tmp_path, place):
    command = ("render", twin, "-o", tmp_path / "a.png", *USE[:-1], *DRAW, "--ledger", place)
    assert "billed once" not in run(*command).stdout
    assert "billed once" in run(*command).stdout
    assert len(entries(place)) == 1


def test_what_is_refused_is_not_written_down(twin, tmp_path, place):
    run(
        "render",
        twin,
        "-o",
        tmp_path / "a.png",
        *USE,
        *DRAW,
        "--ledger",
        place,
        "--licensee",
        "Bazaar",
        code=4,
    )
    run("export", twin, "-o", tmp_path / "a.glb", *USE, "--ledger", place, code=4)
    assert sorted(path.name for path in tmp_path.iterdir()) == []


def test_nothing_leaves_where_the_ledger_cannot_be_written(twin, tmp_path):
    place = tmp_path / "ledger.sqlite"
    place.write_text("this is no ledger")
    run("render", twin, "-o", tmp_path / "a.png", *USE, *DRAW, "--ledger", place, code=3)
    run("export", twin, "-o", tmp_path / "a.glb", *USE, "--licensee", "Shop", "--ledger", place, code=3)
    assert not list(tmp_path.glob("a.*"))
