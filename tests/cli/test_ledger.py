from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bodyscan.cli.ledger import LedgerCommands
from bodyscan.cli.main import app
from bodyscan.consent import open_consent
from bodyscan.consent.key_files import save_private_key, save_public_key
from bodyscan.consent.key_history import start_history
from bodyscan.consent.withdrawal import WithdrawalAction, withdraw
from bodyscan.gltf import read_consent
from bodyscan.ledger import Ledger, known_twins
from bodyscan.mark.twin_id import bound_geometry, twin_id
from cli.twins import write_annas_twin
from consent.people import ANNA, STRANGER, STUDIO, record
from ledger.uses import guard, rewrite, use, without_guards

USE = ("--purpose", "render", "--territory", "DE", "--medium", "web")
NOON, END = "2026-06-10T12:00:00Z", "2026-06-30T12:00:00Z"


@pytest.fixture(scope="module")
def twin(tmp_path_factory) -> Path:
    return write_annas_twin(tmp_path_factory.mktemp("anna") / "anna.glb")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save_private_key(STUDIO, tmp_path / "studio.jwk")
    save_public_key(STUDIO.public, tmp_path / "studio.pub.jwk")
    save_public_key(STRANGER.public, tmp_path / "stranger.pub.jwk")
    return tmp_path


def run(folder: Path, *arguments: object, code: int = 0, group: str = "ledger") -> Result:
    runner = CliRunner(env={"BODYSCAN_LEDGER": str(folder / "ledger.sqlite"), "COLUMNS": "200"})
    result = runner.invoke(app, [group, *(str(argument) for argument in arguments)])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def error(folder: Path, *arguments: object, code: int = 3, group: str = "ledger") -> str:
    return " ".join(run(folder, *arguments, code=code, group=group).stderr.split())


def use_twin(folder: Path, twin: Path, *more: object, code: int = 0) -> Result:
    return run(folder, "use", twin, *USE, "--now", NOON, *more, code=code)


def statement(folder: Path, *more: object) -> Result:
    period = ("--from", "2026-06-01", "--to", "2026-06-30")
    return run(folder, "statement", "--subject", "Anna 7", *period, "--now", END, *more)


def checkpoint(folder: Path, name: str = "handed.json") -> Path:
    run(folder, "checkpoint", "--key", folder / "studio.jwk", "-o", folder / name, "--now", END)
    return folder / name


def test_from_use_to_a_checked_statement(folder, twin):
    told = use_twin(folder, twin, "--reference", "spring").stdout
    assert "12.50 EUR per use, due 30 days after the use" in told
    use_twin(folder, twin, "--reference", "autumn", "--units", 3)
    handed = checkpoint(folder)
    table = statement(folder).stdout
    assert "Owed: EUR 50.00" in table
    statement(folder, "--format", "json", "-o", folder / "june.json")
    found = run(folder, "check", folder / "june.json", "--checkpoint", handed).stdout
    assert "2 of 2 entries are proved by the checkpoint" in found
    assert "EUR 50.00" in found
    assert "compare it with your record" in found
    for key in (("--key", folder / "studio.pub.jwk"), ("--record", twin)):
        found = run(folder, "check", folder / "june.json", "--checkpoint", handed, *key, "--json").stdout
        assert json.loads(found)["ok"]
        assert json.loads(found)["key_given"]


@pytest.mark.parametrize(
    ("form", "start"), [("csv", "entry,at,kind"), ("html", "<!doctype html>"), ("json", "{")]
)
def test_every_form_of_a_statement_goes_to_the_screen_or_a_file(folder, twin, form, start):
    use_twin(folder, twin)
    checkpoint(folder)
    shown = statement(folder, "--format", form).stdout
    assert shown.startswith(start)
    statement(folder, "--format", form, "-o", folder / f"june.{form}")
    assert (folder / f"june.{form}").read_bytes().decode().startswith(start)


def test_a_use_is_written_down_with_its_twin_and_its_files(folder, twin):
    picture = folder / "picture.png"
    picture.write_bytes(b"a picture")
    values = json.loads(use_twin(folder, twin, "-o", picture, "--json").stdout)
    assert (values["entry"], values["new"]) == (1, True)
    text, _, _ = read_consent(twin)
    name = twin_id(record().record_id, bound_geometry(text or "")).hex()
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        assert known_twins(ledger) == {name: (record().record_id, "Anna 7")}
    message = error(folder, "use", twin, *USE, "-o", folder / "none.png")
    assert "none.png cannot be read" in message


def test_what_the_consent_does_not_allow_is_not_written_down(folder, twin):
    for change, code, words in (
        (
            ("--purpose", "advertising", "--territory", "DE", "--medium", "web"),
            4,
            "advertising is not allowed",
        ),
        (("--purpose", "render", "--territory", "FR", "--medium", "web"), 4, "territory FR is not allowed"),
        (("--purpose", "render", "--territory", "DE"), 4, "no medium is stated"),
        ((*USE, "--licensee", "Nobody"), 4, "Nobody is no licensee"),
        ((*USE, "--content", "nudity"), 4, "never shown"),
    ):
        assert words in error(folder, "use", twin, *change, "--now", NOON, code=code)
    assert "ended at" in error(folder, "use", twin, *USE, "--now", "2125-06-01T00:00:00Z", code=4)
    assert not (folder / "ledger.sqlite").exists()


def test_a_use_of_a_withdrawn_twin_is_not_written_down(folder, twin):
    (folder / "evidence" / "withdrawals").mkdir(parents=True)
    opened = open_consent(read_consent(twin)[0])
    statement = withdraw(opened.record, WithdrawalAction.REVOKE, ANNA, 1, datetime(2026, 6, 9, tzinfo=UTC))
    (folder / "evidence" / "withdrawals" / "anna.json").write_text(statement)
    known = ("--evidence", folder / "evidence")
    assert "revoked" in error(folder, "use", twin, *USE, "--now", NOON, *known, code=4)
    assert not (folder / "ledger.sqlite").exists()


def test_the_same_use_twice_is_refused_or_shown(folder, twin):
    use_twin(folder, twin)
    message = error(folder, "use", twin, *USE, "--now", NOON)
    assert "this use stands in the ledger already, as entry 1" in message
    assert "stood there already" in use_twin(folder, twin, "--again").stdout


def test_a_use_can_be_voided_with_a_reason(folder, twin):
    use_twin(folder, twin)
    assert "voids entry 1" in run(folder, "void", 1, "--reason", "never shown", "--now", NOON).stdout
    assert "voided already" in error(folder, "void", 1, "--reason", "again")
    assert "(never shown)" in statement(folder).stdout
    assert "Owed: nothing" in statement(folder).stdout


def test_uses_people_and_unfinished_runs_are_listed(folder, twin):
    use_twin(folder, twin, "--reference", "spring")
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        ledger.append(use("killed", at=datetime(2026, 6, 10, 12, tzinfo=UTC)))
    listed = run(folder, "list").stdout
    assert "Anna 7  render, DE, web, spring" in listed
    assert [row["entry"] for row in json.loads(run(folder, "list", "--json").stdout)] == [1, 2]
    assert "earned in all EUR 25.00" in run(folder, "list", "--people").stdout
    assert "/pictures/killed.png" in run(folder, "list", "--pending").stdout
    assert "two lists" in error(folder, "list", "--people", "--pending")
    assert "nobody in the ledger is called Cleo" in error(folder, "list", "--subject", "Cleo")


def test_a_sound_ledger_is_told_and_a_changed_one(folder, twin):
    use_twin(folder, twin)
    handed = checkpoint(folder)
    shown = run(folder, "verify", "--checkpoint", handed).stdout
    assert "1 entries, 1 of them signed" in shown
    assert f"{STUDIO.thumbprint} (named by the ledger's records: compare it)" in shown
    assert json.loads(run(folder, "verify", "--key", folder / "studio.pub.jwk", "--json").stdout)["ok"]
    wrong = run(folder, "verify", "--key", folder / "stranger.pub.jwk", code=5).stdout
    assert "not signed by the controller's key" in wrong
    connection = without_guards(folder / "ledger.sqlite")
    rewrite(connection, 1, units=2)
    guard(connection)
    shown = run(folder, "verify", "--checkpoint", handed, code=5).stdout
    assert "entry 1 was changed" in shown
    assert "NOT SOUND" in shown


def test_a_key_history_says_which_keys_count(folder, twin):
    use_twin(folder, twin)
    handed = checkpoint(folder)
    started = start_history(STUDIO, (), datetime(2026, 6, 1, tzinfo=UTC))
    (folder / "history.json").write_text(started.to_text())
    statement(folder, "--format", "json", "-o", folder / "june.json")
    for command in (
        ("verify", "--checkpoint", handed),
        ("check", folder / "june.json", "--checkpoint", handed),
    ):
        run(folder, *command, "--keys", folder / "history.json")
        assert STUDIO.thumbprint in run(folder, *command, "--keys", folder / "history.json").stdout


def test_a_checkpoint_is_written_once(folder, twin):
    use_twin(folder, twin)
    handed = checkpoint(folder)
    before = handed.read_bytes()
    key = ("checkpoint", "--key", folder / "studio.jwk", "-o")
    assert "exists already" in error(folder, *key, handed)
    assert handed.read_bytes() == before
    assert "must end in .json" in error(folder, *key, folder / "handed.txt")
    with Ledger.open(folder / "ledger.sqlite") as ledger:
        assert ledger.connection.execute("SELECT count(*) FROM checkpoints").fetchone() == (1,)


def test_a_statement_that_does_not_hold_has_an_exit_code_of_its_own(folder, twin):
    use_twin(folder, twin)
    handed = checkpoint(folder)
    statement(folder, "--format", "json", "-o", folder / "june.json")
    text = (folder / "june.json").read_text()
    (folder / "less.json").write_text(text.replace('"12.50"', '"1.25"'))
    shown = run(folder, "check", folder / "less.json", "--checkpoint", handed, code=5).stdout
    assert "DOES NOT HOLD" in shown
    assert "1.25 is said" in shown
    assert "is no statement" in error(folder, "check", handed, "--checkpoint", handed)
    assert "june.json" in error(folder, "check", folder / "june.json", "--checkpoint", folder / "june.json")


def test_what_is_newer_than_the_checkpoint_is_said(folder, twin):
    use_twin(folder, twin)
    assert "1 of the person's entries are newer than the last checkpoint" in statement(folder).stderr


@pytest.mark.parametrize(
    ("begin", "end", "message"),
    [
        ("2026-06-31", "2026-07-01", "2026-06-31 is no day of the calendar"),
        ("June", "2026-07-01", "--from: 'June' is no time"),
        ("2026-06-01", "soon", "--to: 'soon' is no time"),
        ("2026-07-01", "2026-06-01", "before it begins"),
    ],
)
def test_a_period_is_days_or_times(folder, twin, begin, end, message):
    use_twin(folder, twin)
    found = error(folder, "statement", "--subject", "Anna 7", "--from", begin, "--to", end)
    assert message in found


def test_the_last_day_belongs_to_the_period(folder, twin):
    use_twin(folder, twin)
    period = ("--from", "2026-06-10", "--to", "2026-06-10")
    assert "Owed: EUR 12.50" in run(folder, "statement", "--subject", "Anna 7", *period).stdout
    until = ("--from", "2026-06-10", "--to", NOON)
    assert "Owed: nothing" in run(folder, "statement", "--subject", ANNA.thumbprint, *until).stdout


def test_without_a_ledger_there_is_one_clear_error(folder):
    for command in (
        ("list",),
        ("verify",),
        ("void", 1, "--reason", "x"),
        ("checkpoint", "--key", folder / "studio.jwk", "-o", folder / "c.json"),
        ("statement", "--subject", "Anna 7", "--from", "2026-06-01", "--to", "2026-06-30"),
    ):
        assert "there is no ledger" in error(folder, *command)
    assert "there is no ledger" in error(folder, "erase", "--subject", "Anna 7", group="consent")


def test_a_person_is_erased_when_they_are_paid(folder, twin, tmp_path):
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"a picture of Anna")
    use_twin(folder, twin, "-o", picture)
    handed = checkpoint(folder)
    message = error(folder, "erase", "--subject", "Anna 7", group="consent")
    assert "EUR 12.50 are owed" in message
    assert "--settled" in message
    shown = run(folder, "erase", "--subject", "Anna 7", "--settled", "--delete", group="consent").stdout
    assert "deleted" in shown
    assert str(picture) in shown
    assert not picture.exists()
    assert b"Anna 7" not in (folder / "ledger.sqlite").read_bytes()
    run(folder, "verify", "--checkpoint", handed, "--key", folder / "studio.pub.jwk")
    assert "give it with --key" in error(folder, "verify", "--checkpoint", handed)
    assert "erased" in run(folder, "list").stdout
    assert "nobody in the ledger is called Anna 7" in error(
        folder, "erase", "--subject", "Anna 7", group="consent"
    )
    assert "give the person" in error(folder, "erase", group="consent")
    assert "written anew" in run(folder, "erase", "--scrub", group="consent").stdout


def test_the_ledger_lies_in_the_data_folder_by_default(tmp_path, twin):
    runner = CliRunner(env={"BODYSCAN_LEDGER": "", "XDG_DATA_HOME": str(tmp_path)})
    result = runner.invoke(app, ["ledger", "use", str(twin), *USE, "--now", NOON])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "bodyscan" / "ledger.sqlite").is_file()


def test_every_command_and_option_of_the_page_exists():
    page = (Path(__file__).resolve().parents[2] / "docs" / "ledger.md").read_text()
    runner = CliRunner(env={"COLUMNS": "240"})
    block = page.split("```")[1].replace("\\\n", " ")
    commands = [line.split("#")[0].split() for line in block.splitlines() if line.startswith("bodyscan")]
    assert {words[2] for words in commands} == {"use", "checkpoint", "statement", "check", "verify"}
    for words in commands:
        shown = runner.invoke(app, [*words[1:3], "--help"]).output
        assert [word for word in words if word.startswith("-") and word not in shown] == []
    assert [name for name in LedgerCommands.table if f"`ledger {name}" not in page] == []
