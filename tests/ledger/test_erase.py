from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from bodyscan.consent.record import PayKind
from bodyscan.errors import InputError
from bodyscan.ledger import (
    Ledger,
    OutputRef,
    OutputState,
    add_checkpoint,
    all_people,
    erase_person,
    find_outputs,
    find_person,
    make_statement,
    verify_ledger,
)
from bodyscan.ledger.erase import scrub
from bodyscan.ledger.people import known_twins
from consent.people import STUDIO, signed
from ledger.bills import ANNAS, BENS, END, JULY, JUNE, days
from ledger.uses import NOW, open_new, use


def file_of(folder: Path, name: str) -> OutputRef:
    path = folder / name
    path.write_bytes(name.encode())
    return OutputRef(str(path), hashlib.sha256(name.encode()).hexdigest(), "picture")


def anna_and_ben(folder: Path) -> Ledger:
    """Return a ledger in which Anna has five files and Ben one."""
    ledger = open_new(folder)
    outputs = [file_of(folder, f"anna-{n}.png") for n in range(5)]
    ledger.append(
        use("a", ANNAS, outputs=tuple(outputs[:2]), reference="Annas Sommer", twin_id="0123456789abcdef")
    )
    for output in outputs[2:]:
        ledger.append(use("a", ANNAS, outputs=(output,)))
    ledger.append(use("b", BENS, outputs=(file_of(folder, "ben.png"),)))
    ledger.void(2, NOW, "Anna disliked it")
    return ledger


def bytes_of(folder: Path) -> bytes:
    """All bytes of the ledger's file and what lies beside it."""
    return b"".join(path.read_bytes() for path in sorted(folder.glob("*ledger.sqlite*")))


def test_the_bytes_are_gone_and_the_chain_holds(tmp_path):
    with anna_and_ben(tmp_path) as ledger:
        handed = add_checkpoint(ledger, STUDIO, NOW)
        anna = find_person(ledger, "Anna 7")
        secrets = [
            b"Anna 7", b"Annas Sommer", b"Anna disliked it", anna.salt, anna.identity.encode(), b"anna-0.png",
            ANNAS.record_id.encode(), signed().encode()[:80], b"0123456789abcdef",
            hashlib.sha256(b"anna-0.png").hexdigest().encode(),
        ]  # fmt: skip
        assert all(secret in bytes_of(tmp_path) for secret in secrets)
        done = erase_person(ledger, anna, END, settled=True)
        assert [secret for secret in secrets if secret in bytes_of(tmp_path)] == []
        assert b"Ben 3" in bytes_of(tmp_path)
        assert done.receipt.sequence == 7
        assert [person.pseudonyms for person in all_people(ledger)] == [("Ben 3",)]
        assert known_twins(ledger) == {}
        assert verify_ledger(ledger, [STUDIO.public], [("handed", handed.text)]).ok
        add_checkpoint(ledger, STUDIO, END)
    assert [secret for secret in secrets if secret in bytes_of(tmp_path)] == []
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        assert verify_ledger(ledger, [STUDIO.public], [("handed", handed.text)]).ok
        with pytest.raises(InputError, match="nobody in the ledger is called Anna 7"):
            find_person(ledger, "Anna 7")


def test_the_bytes_are_gone_after_many_groups_and_voids(tmp_path):
    with open_new(tmp_path) as ledger:
        for group in range(5):
            ledger.append_many(
                [use(f"anna {group} {n}", ANNAS, reference=f"secret {group} {n}") for n in range(200)]
                + [use(f"ben {group} {n}", BENS) for n in range(200)]
            )
        ledger.connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        erase_person(ledger, find_person(ledger, "Anna 7"), END, settled=True)
        found = bytes_of(tmp_path)
        assert b"secret" not in found
        assert b"anna " not in found
        assert found.count(b"/pictures/ben") == 1000
        assert verify_ledger(ledger, []).ok


def test_what_is_owed_must_be_settled_first(tmp_path):
    with anna_and_ben(tmp_path) as ledger:
        anna = find_person(ledger, "Anna 7")
        with pytest.raises(InputError, match=r"EUR 37\.50 are owed to .* say so with --settled"):
            erase_person(ledger, anna, END, settled=False, delete=True)
        assert len(ledger) == 6
        assert len(find_outputs(ledger, anna)) == 5
        assert (tmp_path / "anna-0.png").exists()


def test_who_is_owed_nothing_can_be_erased_at_once(tmp_path):
    from dataclasses import replace

    from bodyscan.ledger.terms import PayTerms

    unpaid = replace(ANNAS, terms=PayTerms(kind=PayKind.UNPAID))
    with open_new(tmp_path) as ledger:
        ledger.append(use("a", unpaid))
        assert erase_person(ledger, find_person(ledger, "Anna 7"), END, settled=False).owed == ()


def test_files_that_are_in_place_are_deleted_and_the_others_are_told(tmp_path):
    with anna_and_ben(tmp_path) as ledger:
        (tmp_path / "anna-1.png").write_bytes(b"another picture")
        (tmp_path / "anna-2.png").rename(tmp_path / "moved.png")
        (tmp_path / "anna-3.png").rename(tmp_path / "target.png")
        (tmp_path / "anna-3.png").symlink_to(tmp_path / "target.png")
        anna = find_person(ledger, "Anna 7")
        before = {Path(each.output.place).name: each.state for each in find_outputs(ledger, anna)}
        done = erase_person(ledger, anna, END, settled=True, delete=True)
    after = {Path(each.output.place).name: each.state for each in done.outputs}
    expected = {
        "anna-1.png": OutputState.CHANGED,
        "anna-2.png": OutputState.MOVED,
        "anna-3.png": OutputState.CHANGED,
    }
    there = {"anna-0.png", "anna-4.png"}
    assert before == {**expected, **dict.fromkeys(there, OutputState.THERE)}
    assert after == {**expected, **dict.fromkeys(there, OutputState.DELETED)}
    left = {path.name for path in tmp_path.glob("*.png")}
    assert left == {"anna-1.png", "anna-3.png", "moved.png", "target.png", "ben.png"}


def test_a_file_at_an_address_is_told_to_be_elsewhere_and_not_looked_for(tmp_path):
    with open_new(tmp_path) as ledger:
        there = OutputRef("s3://studio/out/anna.glb", "a" * 64, "twin")
        ledger.append(use("a", outputs=(there,)))
        done = erase_person(ledger, find_person(ledger, "Anna 7"), END, settled=True, delete=True)
    assert [(each.output.place, each.state) for each in done.outputs] == [
        ("s3://studio/out/anna.glb", OutputState.ELSEWHERE)
    ]


def test_without_delete_no_file_is_touched(tmp_path):
    with anna_and_ben(tmp_path) as ledger:
        done = erase_person(ledger, find_person(ledger, "Anna 7"), END, settled=True)
    assert {each.state for each in done.outputs} == {OutputState.THERE}
    assert len(list(tmp_path.glob("anna-*.png"))) == 5


def test_a_file_that_somebody_slipped_into_the_list_is_not_deleted(tmp_path):
    with anna_and_ben(tmp_path) as ledger:
        anna = find_person(ledger, "Anna 7")
        precious = file_of(tmp_path, "precious.txt")
        ledger.connection.execute(
            "INSERT INTO outputs VALUES (?, 1, 9, ?, ?, 'picture', 1)",
            (anna.row, precious.sha256, precious.place),
        )
        done = erase_person(ledger, anna, END, settled=True, delete=True)
    assert (tmp_path / "precious.txt").exists()
    assert [each.state for each in done.outputs if each.output.place == precious.place] == [
        OutputState.UNPROVED
    ]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may delete everything")
def test_a_file_that_cannot_be_deleted_is_told(tmp_path):
    (tmp_path / "locked").mkdir()
    with open_new(tmp_path) as ledger:
        ledger.append(use("a", ANNAS, outputs=(file_of(tmp_path / "locked", "anna.png"),)))
        (tmp_path / "locked").chmod(0o500)
        try:
            done = erase_person(ledger, find_person(ledger, "Anna 7"), END, settled=True, delete=True)
        finally:
            (tmp_path / "locked").chmod(0o700)
    assert [each.state for each in done.outputs] == [OutputState.KEPT]


def test_another_process_that_reads_holds_the_old_bytes_and_that_is_said(tmp_path):
    with anna_and_ben(tmp_path) as ledger, Ledger.open(ledger.path, wait_s=0.05) as reader:
        ledger.connection.execute("PRAGMA busy_timeout = 50")
        with reader.snapshot():
            len(reader)
            with pytest.raises(InputError, match=r"old bytes stay in its log.*--scrub"):
                erase_person(ledger, find_person(ledger, "Anna 7"), END, settled=True)
        scrub(ledger)
        assert b"Anna 7" not in bytes_of(tmp_path)
        assert verify_ledger(ledger, []).ok


def test_the_others_statements_stay_as_they_were(tmp_path):
    with anna_and_ben(tmp_path) as ledger:
        add_checkpoint(ledger, STUDIO, NOW)
        before = make_statement(ledger, find_person(ledger, "Ben 3"), JUNE, JULY, END)
        erase_person(ledger, find_person(ledger, "Anna 7"), END, settled=True)
        assert make_statement(ledger, find_person(ledger, "Ben 3"), JUNE, JULY, END) == before


def test_a_use_after_the_erasure_begins_a_new_person_that_nobody_can_tie_to_the_old(tmp_path):
    with anna_and_ben(tmp_path) as ledger:
        old = find_person(ledger, "Anna 7")
        erase_person(ledger, old, END, settled=True)
        ledger.append(use("new", ANNAS, at=days(40)))
        new = find_person(ledger, "Anna 7")
        assert (new.tag != old.tag, new.salt != old.salt) == (True, True)
        assert len(list(ledger.entries(new.tag))) == 1
        assert verify_ledger(ledger, []).ok


def test_a_use_of_an_erased_person_can_still_be_voided(tmp_path):
    with anna_and_ben(tmp_path) as ledger:
        erase_person(ledger, find_person(ledger, "Anna 7"), END, settled=True)
        ledger.void(1, END, "Anna did not want it")
        assert b"did not want it" not in bytes_of(tmp_path)
        assert verify_ledger(ledger, []).ok
