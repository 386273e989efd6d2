"""Pictures and files of a twin leave with an entry in the ledger, or not at all."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bodyscan.cli.main import app
from bodyscan.consent import Purpose, Use, open_consent
from bodyscan.gltf.export import export_twin, part_kinds
from bodyscan.ledger import EntryKind, Ledger
from bodyscan.ledger.use import MAX_OUTPUTS
from bodyscan.run.uses import UseWriter
from bodyscan.types import Twin
from cli.twins import MADE, annas_twin, write_annas_twin
from gltf.complete import complete_small_twin

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


def earned(place: Path) -> str:
    (person,) = json.loads(run("ledger", "list", "--people", "--ledger", place, "--json").stdout)
    return person["earned"]["EUR"]


def test_each_different_picture_is_paid_whatever_its_file_is_called(twin, tmp_path, place):
    about = ("--ledger", place, "--reference", "Spring")
    command = ("render", twin, "-o", tmp_path / "a.png", *USE, *DRAW, *about)
    runs = [(), ("--view", "side"), (), ("--view", "back"), ("--view", "side")]
    told = [json.loads(run(*command, *more).stdout)["ledger_entry"] for more in runs]
    assert told == [1, 2, 1, 3, 2]
    assert earned(place) == "37.50"
    assert "sound" in run("ledger", "verify", "--ledger", place).stdout


def test_a_turntable_that_shares_a_picture_with_another_is_paid(twin, tmp_path, place):
    command = ("render", twin, "-o", tmp_path / "a.png", *USE, *DRAW, "--ledger", place, "--turntable")
    first = json.loads(run(*command, 2).stdout)["ledger_entry"]
    before = (tmp_path / "a_1.png").read_bytes()
    second = json.loads(run(*command, 3).stdout)["ledger_entry"]
    assert (tmp_path / "a_1.png").read_bytes() == before
    assert (first, second) == (1, 2)
    assert json.loads(run(*command, 3).stdout)["ledger_entry"] == 2
    assert earned(place) == "62.50"


def test_a_turntable_that_the_ledger_would_not_take_is_refused_before_it_is_drawn(twin, tmp_path, place):
    command = ("render", twin, "-o", tmp_path / "a.png", *USE, "--ledger", place, "--turntable")
    assert "equal to 72" in run(*command, MAX_OUTPUTS + 1, code=2).stderr
    assert not list(tmp_path.iterdir())


def writer(twin: Twin, path: Path, place: Path) -> UseWriter:
    """Return what `bodyscan twin` hands to `export_twin`."""
    return UseWriter(
        place=place,
        record=open_consent(twin.consent).record,
        text=twin.consent,
        use=Use(Purpose.MAKE_TWIN),
        kind=EntryKind.TWIN,
        now=MADE,
        kinds={str(file): kind for file, kind in part_kinds(twin, path).items()},
    )


def test_a_statement_and_the_list_of_an_erasure_say_what_each_file_is_the_twin_first(tmp_path, place):
    made, path = complete_small_twin(), tmp_path / "twin.glb"
    export_twin(made, path, write=writer(made, path, place))
    known = [
        ("twin.glb", "twin"), ("twin.lod1.glb", "level 1"), ("twin.lod2.glb", "level 2"),
        ("twin.collision.glb", "collision body"),
    ]  # fmt: skip
    name = open_consent(made.consent).record.subject.pseudonym
    about = ("--subject", name, "--ledger", place)
    period = ("--from", "2026-06-01", "--to", "2026-06-30")
    told = json.loads(run("ledger", "statement", *about, *period, "--format", "json").stdout)
    (entry,) = told["entries"]
    assert [(file["name"], file["kind"]) for file in entry["outputs"]] == known
    assert [line["output"] for line in told["lines"]] == ["twin.glb"]
    table = run("ledger", "statement", *about, *period, "--format", "csv").stdout.splitlines()
    assert next(csv.DictReader(table))["output"] == "twin.glb"
    shown = run("consent", "erase", *about, "--settled").stdout.splitlines()
    for line, (file, kind) in zip(shown, known, strict=False):
        told_file = re.escape(str(tmp_path / file))
        assert re.fullmatch(rf"there +{told_file}  \({kind}, SHA-256 [0-9a-f]{{64}}\)", line)


def test_a_twin_made_again_has_other_bytes_and_is_another_use(tmp_path, place):
    path = tmp_path / "anna.glb"
    for day in (1, 1, 2):
        twin = annas_twin(now=MADE.replace(day=day))
        export_twin(twin, path, write=writer(twin, path, place))
    assert len(entries(place)) == 2
    assert earned(place) == "25.00"


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


def test_the_default_ledger_is_made_with_its_folder_or_a_sentence_says_why_not(twin, tmp_path, monkeypatch):
    monkeypatch.delenv("BODYSCAN_LEDGER", raising=False)
    command = ("render", twin, "-o", tmp_path / "a.png", *USE, *DRAW)
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    assert "cannot be made" in run(*command, code=3).stderr
    assert not (tmp_path / "a.png").exists()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "new"))
    assert json.loads(run(*command).stdout)["ledger_entry"] == 1
    assert (tmp_path / "new" / "bodyscan" / "ledger.sqlite").is_file()
