from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bodyscan.cli.consent import app
from bodyscan.consent.demo import make_demo_consent
from bodyscan.consent.key_files import save_private_key
from bodyscan.consent.key_history import KeyUse, ListedKey, extend_history, start_history
from bodyscan.consent.record import record_from_values
from bodyscan.consent.sign import sign_record
from bodyscan.consent.withdrawal import read_withdrawal
from cli.consent_folder import JUNE, fill, flat, publish, run, say
from consent.people import ANNA, MOTHER, NOW, STRANGER, STUDIO, child_values, record, signed
from consent.status_lists import (
    REVOCATIONS,
    SUSPENSIONS,
    listed_record,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return fill(tmp_path)


# withdraw


def test_the_person_revokes_and_is_told_what_follows(folder: Path):
    told = flat(say(folder, "revoke", "--reason", "I left the trade").stdout)
    assert "revoke the consent of Anna 7 to Atelier" in told
    assert "Twin, scan and pictures are deleted, without waiting for the end of the term." in told
    assert "send it to mailto:stop@atelier.example.org" in told
    assert f"published at {REVOCATIONS}" in told
    statement = read_withdrawal(
        (folder / "statements" / "revoke.json").read_text(), listed_record()
    ).statement
    assert (statement.action, statement.at, statement.reason) == ("revoke", NOW, "I left the trade")
    assert statement.sequence == int(NOW.timestamp())


def test_a_suspension_names_the_other_list_and_json_holds_the_same(folder: Path):
    values = json.loads(say(folder, "suspend", "--sequence", 3, "--json").stdout)
    assert values["sequence"] == 3
    assert values["follows"].startswith("Until it is resumed, no new use may begin")
    assert (values["signed_as"], values["suspension_list"]) == ("subject", SUSPENSIONS)


def test_the_statement_of_a_later_moment_has_the_higher_number(folder: Path):
    first = json.loads(say(folder, "suspend", "--json").stdout)["sequence"]
    later = say(folder, "resume", "--json", "--now", "2026-06-01T00:00:01Z")
    assert json.loads(later.stdout)["sequence"] == first + 1


def test_a_record_without_lists_is_withdrawn_too(tmp_path: Path):
    save_private_key(ANNA, tmp_path / "anna.pem", passphrase="secret words")
    (tmp_path / "pass").write_text("secret words\n")
    (tmp_path / "record.json").write_text(signed())
    told = run(
        *("withdraw", tmp_path / "record.json", "--action", "revoke", "--key", tmp_path / "anna.pem"),
        *("-o", tmp_path / "w.json", "--now", JUNE, "--passphrase-file", tmp_path / "pass"),
    ).stdout
    assert "published at" not in told
    assert read_withdrawal((tmp_path / "w.json").read_text(), record()).statement.action == "revoke"


def test_a_guardian_withdraws_for_a_child(tmp_path: Path):
    child = record_from_values(child_values())
    save_private_key(MOTHER, tmp_path / "mother.jwk")
    (tmp_path / "record.json").write_text(sign_record(child, guardian=MOTHER, controller=STUDIO))
    told = run(
        *("withdraw", tmp_path / "record.json", "--action", "revoke", "--key", tmp_path / "mother.jwk"),
        *("-o", tmp_path / "w.json", "--now", JUNE),
    ).stdout
    assert "guardian, 2026-06-01T00:00:00Z" in flat(told)


def test_the_studio_cannot(folder: Path):
    result = say(folder, "revoke", "--key", folder / "studio.jwk", code=3)
    assert "cannot withdraw this consent; only the person can" in result.stderr
    assert not (folder / "statements" / "revoke.json").exists()


def test_a_new_key_of_the_person_needs_their_history(folder: Path):
    listed = ListedKey(key=STRANGER.public, uses=(KeyUse.RECORD,), active_from=NOW)
    started = start_history(ANNA, [], NOW)
    made = extend_history(started, ANNA, [*started.current.keys, listed], NOW)
    (folder / "keys.json").write_text(made.to_text())
    say(folder, "revoke", "--key", folder / "stranger.jwk", code=3)
    say(folder, "revoke", "--key", folder / "stranger.jwk", "--keys", folder / "keys.json")
    assert publish(folder).stdout.count(listed_record().record_id) == 0
    told = flat(publish(folder, "--keys", folder / "keys.json").stdout)
    assert f"revoked {listed_record().record_id}" in told


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--sequence", 0], "sequence: Input should be greater than or equal to 1"),
        (["--now", "2024-01-01T00:00:00Z"], "before the record was issued"),
        (["--now", "yesterday"], "--now: 'yesterday' is no time"),
        (["--reason", "a\u202eb"], "holds the control character U+202E"),
        (["--key", "nowhere.jwk"], "cannot be read"),
    ],
)
def test_what_makes_no_statement_leaves_no_file(folder: Path, more, message):
    assert message in say(folder, "revoke", *more, code=3).stderr
    assert list((folder / "statements").iterdir()) == []


def test_a_statement_is_not_overwritten_unasked(folder: Path):
    say(folder, "revoke")
    assert "revoke.json exists already" in say(folder, "revoke", code=3).stderr
    say(folder, "revoke", "--overwrite")


def test_an_unsigned_record_holds_no_consent(folder: Path):
    (folder / "records" / "anna.json").write_text(listed_record().canonical_json().decode())
    assert "nobody has signed anna.json" in say(folder, "revoke", code=3).stderr


def test_a_tampered_record_is_not_withdrawn_by_mistake(folder: Path):
    path = folder / "records" / "anna.json"
    document = json.loads(path.read_text())
    document["payload"] = document["payload"][:-4] + "AAAA"
    path.write_text(json.dumps(document))
    assert "altered" in say(folder, "revoke", code=4).stderr


def test_a_twin_is_refused_once_its_person_takes_it_back(tmp_path: Path, twin_file: Path):
    demo = make_demo_consent("Alba")
    assert demo.subject_key is not None
    save_private_key(demo.subject_key, tmp_path / "alba.jwk")
    question = ["verify", twin_file, "--purpose", "make_twin", "--now", JUNE]
    run(*question)
    told = run(
        *("withdraw", twin_file, "--action", "revoke", "--key", tmp_path / "alba.jwk"),
        *("-o", tmp_path / "w.json", "--now", JUNE),
    ).stdout
    assert "DEMO" in told
    denied = json.loads(run(*question, "--withdrawal", tmp_path / "w.json", "--json", code=4).stdout)
    assert (denied["status"], denied["clause"]) == ("revoked", "withdrawal")


PAGE = Path(__file__).resolve().parents[2] / "docs" / "withdrawal.md"


def test_every_option_that_the_page_tells_of_exists():
    told = set(re.findall(r"--[a-z][a-z-]+", PAGE.read_text()))
    commands = (["withdraw"], ["status", "publish"], ["status", "check"], ["status", "index"], ["verify"])
    helps = [CliRunner(env={"COLUMNS": "200"}).invoke(app, [*name, "--help"]).output for name in commands]
    assert len(told) > 10
    assert sorted(option for option in told if not any(option in text for text in helps)) == []
