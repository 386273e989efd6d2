from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from bodyscan.cli.consent import app
from bodyscan.consent.demo import make_demo_consent
from bodyscan.consent.key_files import save_private_key
from bodyscan.consent.key_history import KeyUse, ListedKey, extend_history, start_history
from bodyscan.consent.record import record_from_values
from bodyscan.consent.sign import sign_record
from bodyscan.consent.status_list import StatusPurpose
from bodyscan.consent.status_memory import StatusMemory
from bodyscan.consent.withdrawal import WithdrawalAction, read_withdrawal, withdraw
from consent.people import ANNA, ISSUER, MOTHER, NOW, SHOP, STRANGER, STUDIO, child_values, record, signed
from consent.status_lists import (
    INDEX,
    REVOCATIONS,
    SUSPENSIONS,
    credential_of,
    listed_record,
    listed_values,
    make,
)

JUNE = "2026-06-01T00:00:00Z"
BEN_ID = "00000000-0000-4000-8000-000000000002"


def run(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == code, (result.output, result.exception)
    return result


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Keys of Anna, the studio and the issuer; Anna's and Ben's signed records in `records`."""
    for name, key in (("anna", ANNA), ("studio", STUDIO), ("issuer", ISSUER), ("stranger", STRANGER)):
        save_private_key(key, tmp_path / f"{name}.jwk")
    (tmp_path / "records").mkdir()
    (tmp_path / "statements").mkdir()
    texts = {
        "anna.json": sign_record(listed_record(), subject=ANNA, controller=STUDIO),
        "ben.json": sign_record(
            listed_record(
                5,
                record_id=BEN_ID,
                subject={"pseudonym": "Ben 2", "public_key": SHOP.public.model_dump()},
                licensees=None,
            ),
            subject=SHOP,
            controller=STUDIO,
        ),
    }
    for name, text in texts.items():
        (tmp_path / "records" / name).write_text(text)
    return tmp_path


def say(folder: Path, action: str, *more: object, name: str = "", code: int = 0) -> Result:
    output = folder / "statements" / (name or f"{action}.json")
    return run(
        *("withdraw", folder / "records" / "anna.json", "--action", action),
        *("--key", folder / "anna.jwk", "-o", output, "--now", JUNE, *more),
        code=code,
    )


def publish(folder: Path, *more: object, now: str = JUNE, code: int = 0) -> Result:
    return run(
        *("status", "publish", "--statements", folder / "statements", "--records", folder / "records"),
        *("--key", folder / "issuer.jwk", "--revocation-out", folder / "revoked.jwt"),
        *("--suspension-out", folder / "suspended.jwt", "--now", now, *more),
        code=code,
    )


def check(folder: Path, *more: object, now: str = JUNE, code: int = 0) -> Result:
    return run(
        *("status", "check", folder / "revoked.jwt", folder / "suspended.jwt"),
        *("--record", folder / "records" / "anna.json", "--now", now, *more),
        code=code,
    )


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


# status publish


def test_lists_are_published_from_statements(folder: Path):
    told = flat(publish(folder).stdout)
    assert "records 2 revoked none suspended none" in told
    assert f"number 1, for {REVOCATIONS}" in told
    assert "valid until 2026-06-08T00:00:00Z" in told
    say(folder, "suspend")
    values = json.loads(publish(folder, "--json").stdout)
    assert values["suspension"]["records"] == [listed_record().record_id]
    assert (values["revocation"]["sequence"], values["suspension"]["sequence"]) == (2, 2)
    assert values["left_out"] == []
    assert credential_of((folder / "suspended.jwt").read_text())["bodyscanSequence"] == 2


def test_days_and_first_number_are_as_asked(folder: Path):
    publish(folder, "--valid-days", 0.5, "--first-sequence", 40)
    value = credential_of((folder / "revoked.jwt").read_text())
    assert (value["validUntil"], value["bodyscanSequence"]) == ("2026-06-01T12:00:00Z", 40)
    assert value["credentialSubject"]["ttl"] == 43_200_000


def test_what_cannot_be_read_is_named_and_keeps_no_withdrawal_back(folder: Path):
    say(folder, "revoke")
    (folder / "statements" / "a-junk.json").write_text("junk")
    (folder / "statements" / "b-huge.json").write_bytes(b" " * 300_000)
    (folder / "statements" / "c-binary.json").write_bytes(b"\xff\xfe")
    (folder / "statements" / ".hidden.json").write_text("junk")
    (folder / "statements" / "note.txt").write_text("not a statement")
    forged = withdraw(listed_record(7, record_id=BEN_ID), WithdrawalAction.REVOKE, ANNA, 1, NOW)
    (folder / "statements" / "d-forged.json").write_text(forged)
    values = json.loads(publish(folder, "--json").stdout)
    assert values["revocation"]["records"] == [listed_record().record_id]
    told = "\n".join(values["left_out"])
    assert "a-junk.json: the text cannot be read" in told
    assert "b-huge.json is larger than 262144 bytes" in told
    assert "c-binary.json is not UTF-8 text" in told
    assert "d-forged.json: it is signed with the key" in told
    assert len(values["left_out"]) == 4


def test_a_lost_statement_stops_the_publishing_and_leaves_the_lists(folder: Path):
    say(folder, "revoke")
    publish(folder)
    before = (folder / "revoked.jwt").read_bytes()
    (folder / "statements" / "revoke.json").unlink()
    assert "the previous revocation list has the index 94567 set" in publish(folder, code=3).stderr
    assert (folder / "revoked.jwt").read_bytes() == before


@pytest.mark.parametrize(
    ("prepare", "code", "message"),
    [
        (
            lambda folder: (folder / "records" / "anna.json").write_text("junk"),
            4,
            "anna.json cannot be listed",
        ),
        (
            lambda folder: (folder / "records" / "anna.json").write_text(
                listed_record().canonical_json().decode()
            ),
            4,
            "anna.json cannot be listed: it is a record that nobody has signed.",
        ),
        (
            lambda folder: (folder / "revoked.jwt").write_text(make(key=STRANGER)),
            4,
            "as the previous revocation",
        ),
        (lambda folder: (folder / "revoked.jwt").write_text("junk"), 4, "as the previous revocation list"),
        (
            lambda folder: save_private_key(STRANGER, folder / "issuer.jwk", overwrite=True),
            3,
            "none of the 2 records names the issuer's key",
        ),
    ],
)
def test_what_cannot_be_published_is_told(folder: Path, prepare, code, message):
    prepare(folder)
    assert message in publish(folder, code=code).stderr
    assert not (folder / "suspended.jwt").exists()


def test_one_file_cannot_be_both_lists(folder: Path):
    same = publish(folder, "--suspension-out", folder / "revoked.jwt", code=3)
    assert "are two lists; give two files" in same.stderr
    assert f"{folder / 'nowhere'} is no folder" in flat(
        publish(folder, "--records", folder / "nowhere", code=3).stderr
    )


# status check


def test_a_record_is_looked_up(folder: Path):
    publish(folder)
    assert check(folder).stdout.startswith("good")
    say(folder, "suspend")
    publish(folder)
    told = flat(check(folder, code=4).stdout)
    assert told.startswith("suspended the suspension list says that it is suspended.")
    assert "clause withdrawal.status.suspension_list" in told
    say(folder, "resume", "--now", "2026-06-01T01:00:00Z")
    publish(folder, now="2026-06-01T01:00:00Z")
    check(folder, now="2026-06-01T01:00:00Z")
    say(folder, "revoke", "--now", "2026-06-01T02:00:00Z")
    publish(folder, now="2026-06-01T02:00:00Z")
    assert check(folder, now="2026-06-01T02:00:00Z", code=4).stdout.startswith("revoked")


def test_a_statement_counts_before_any_list_tells(folder: Path):
    publish(folder)
    say(folder, "revoke")
    values = json.loads(check(folder, "--withdrawal", folder / "statements", "--json", code=4).stdout)
    assert (values["status"], values["clause"], values["since"]) == ("revoked", "withdrawal", JUNE)


def test_a_missing_or_stale_list_is_unknown(folder: Path):
    publish(folder)
    arguments = ["--record", folder / "records" / "anna.json", "--now", JUNE]
    told = run("status", "check", folder / "revoked.jwt", *arguments, code=7).stdout
    assert f"{SUSPENSIONS}, was not given" in told
    assert "it is stale: it ended at" in check(folder, now="2026-06-09T00:00:00Z", code=7).stdout
    told = check(folder, "--max-age-days", 1, now="2026-06-03T00:00:00Z", code=7).stdout
    assert "longer ago than" in told


def test_a_replayed_list_is_found_by_the_memory(folder: Path):
    memory = folder / "memory.json"
    publish(folder)
    old = {name: (folder / name).read_bytes() for name in ("revoked.jwt", "suspended.jwt")}
    check(folder, "--memory", memory)
    say(folder, "revoke")
    publish(folder, now="2026-06-02T00:00:00Z")
    check(folder, "--memory", memory, now="2026-06-02T00:00:00Z", code=4)
    for name, data in old.items():
        (folder / name).write_bytes(data)
    check(folder, now="2026-06-02T00:00:00Z")  # without a memory nobody can tell
    told = check(folder, "--memory", memory, now="2026-06-02T00:00:00Z", code=7).stdout
    assert "it is replayed: its sequence number is 1, and 2 was seen" in told
    assert len(StatusMemory.parse(memory.read_text()).lists) == 2


def test_a_memory_that_cannot_be_read_is_told(folder: Path):
    publish(folder)
    (folder / "memory.json").write_text("{}")
    assert "is not valid" in check(folder, "--memory", folder / "memory.json", code=3).stderr


def test_a_folder_of_lists_may_hold_others(folder: Path):
    publish(folder)
    lists = folder / "lists"
    lists.mkdir()
    for name in ("revoked.jwt", "suspended.jwt"):
        (folder / name).rename(lists / name)
    (lists / "other.jwt").write_text(make(INDEX, key=STRANGER, purpose=StatusPurpose.SUSPENSION))
    told = run("status", "check", lists, "--record", folder / "records" / "anna.json", "--now", JUNE).stdout
    assert "not signed with the issuer's key" in told


def test_a_record_without_lists_needs_none(folder: Path):
    publish(folder)
    (folder / "records" / "anna.json").write_text(signed())
    assert "the record names no status list" in check(folder).stdout


def test_an_index_outside_the_list_is_unknown(folder: Path):
    publish(folder)
    far = record_from_values(listed_values(200_000))
    (folder / "records" / "anna.json").write_text(sign_record(far, subject=ANNA, controller=STUDIO))
    values = json.loads(check(folder, "--json", code=7).stdout)
    assert values["clause"] == "withdrawal.status.index"


def test_the_record_may_come_with_a_twin(folder: Path, twin_file: Path):
    told = run("status", "check", folder, "--record", twin_file, "--now", JUNE, code=0).stdout
    assert "the record names no status list" in told


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


def test_a_new_record_gets_a_free_place(folder: Path):
    values = json.loads(run("status", "index", "--records", folder / "records", "--json").stdout)
    assert values["num_records"] == 2
    assert values["index"] in set(range(131_072)) - {INDEX, 5}


PAGE = Path(__file__).resolve().parents[2] / "docs" / "withdrawal.md"


def test_every_option_that_the_page_tells_of_exists():
    told = set(re.findall(r"--[a-z][a-z-]+", PAGE.read_text()))
    commands = (["withdraw"], ["status", "publish"], ["status", "check"], ["status", "index"], ["verify"])
    helps = [CliRunner(env={"COLUMNS": "200"}).invoke(app, [*name, "--help"]).output for name in commands]
    assert len(told) > 10
    assert sorted(option for option in told if not any(option in text for text in helps)) == []
