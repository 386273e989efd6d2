from __future__ import annotations

import json
from pathlib import Path

import pytest

from bodyscan.consent.key_files import save_private_key
from bodyscan.consent.record import record_from_values
from bodyscan.consent.sign import sign_record
from bodyscan.consent.status_list import StatusPurpose
from bodyscan.consent.status_memory import StatusMemory
from bodyscan.consent.withdrawal import WithdrawalAction, withdraw
from cli.consent_folder import BEN_ID, JUNE, check, fill, flat, publish, run, say
from consent.people import ANNA, NOW, STRANGER, STUDIO, signed
from consent.status_lists import (
    INDEX,
    REVOCATIONS,
    SUSPENSIONS,
    credential_of,
    listed_record,
    listed_values,
    make,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return fill(tmp_path)


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


def test_a_new_record_gets_a_free_place(folder: Path):
    values = json.loads(run("status", "index", "--records", folder / "records", "--json").stdout)
    assert values["num_records"] == 2
    assert values["index"] in set(range(131_072)) - {INDEX, 5}
