from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from bodyscan.consent.jws import Role
from bodyscan.consent.key_history import KeyHistory, KeyUse, ListedKey, extend_history, start_history
from bodyscan.errors import InputError
from bodyscan.ledger.checkpoint import (
    CHECKPOINT_TYP,
    Checkpoint,
    add_checkpoint,
    checkpoint_texts,
    last_checkpoint,
    parse_checkpoint,
)
from bodyscan.ledger.entry import parse_entry
from bodyscan.ledger.merkle import build_tree, consistency_holds
from bodyscan.ledger.signers import signers_of
from bodyscan.ledger.store import Ledger
from bodyscan.ledger.verify import Problem, Verified, verify_ledger
from consent.people import ANNA, PACKER, STRANGER, STUDIO, forge, payload_of
from ledger.uses import BENS, NOW, chain_anew, guard, open_new, rewrite, use, without_guards

KEYS = [STUDIO.public]
LATER = NOW + timedelta(days=1)


def filled(folder: Path, count: int = 8) -> Checkpoint:
    """Make a ledger with some uses and a checkpoint over all; return the checkpoint as it was handed out."""
    with open_new(folder) as ledger:
        ledger.append_many([use(number) if number % 2 else use(number, BENS) for number in range(count)])
        ledger.void(2, NOW, "a mistake")
        return add_checkpoint(ledger, STUDIO, NOW)


def tamper(folder: Path, change: Callable[[sqlite3.Connection], object]) -> None:
    """Change the file past its guards and put them back."""
    connection = without_guards(folder / "ledger.sqlite")
    change(connection)
    guard(connection)


def verified(folder: Path, *given: str, keys=KEYS) -> Verified:
    with Ledger.open(folder / "ledger.sqlite", read_only=True) as ledger:
        return verify_ledger(ledger, keys, [(f"file {n}", text) for n, text in enumerate(given, start=1)])


def problems(result: Verified) -> set[Problem]:
    return {finding.problem for finding in result.findings}


def test_a_sound_ledger_is_sound(tmp_path):
    handed = filled(tmp_path)
    result = verified(tmp_path, handed.text)
    assert result.ok, result.findings
    assert (result.size, result.covered, result.num_checkpoints) == (9, 9, 2)
    assert result.root == handed.payload.root


def test_an_empty_ledger_is_sound_and_can_be_signed(tmp_path):
    with open_new(tmp_path) as ledger:
        handed = add_checkpoint(ledger, STUDIO, NOW)
    assert verified(tmp_path, handed.text).ok


def test_an_edited_entry_is_found(tmp_path):
    handed = filled(tmp_path)
    tamper(tmp_path, lambda file: rewrite(file, 4, units=2))
    result = verified(tmp_path, handed.text)
    assert problems(result) == {Problem.EDIT, Problem.FORK}
    assert {finding.sequence for finding in result.findings if finding.problem is Problem.EDIT} == {4}


def test_an_edited_hash_is_found(tmp_path):
    filled(tmp_path)
    tamper(tmp_path, lambda file: file.execute("UPDATE entries SET hash = zeroblob(32) WHERE sequence = 4"))
    assert Problem.EDIT in problems(verified(tmp_path))


@pytest.mark.parametrize("column", ["subject", "use_key"])
def test_an_edited_look_up_column_is_found(tmp_path, column):
    handed = filled(tmp_path)
    tamper(
        tmp_path, lambda file: file.execute(f"UPDATE entries SET {column} = zeroblob(32) WHERE sequence = 4")
    )
    result = verified(tmp_path, handed.text)
    assert "the look-up columns of entry 4 do not belong to its text." in [
        each.text for each in result.findings
    ]


def test_entries_in_another_order_are_found(tmp_path):
    filled(tmp_path)

    def swap(file: sqlite3.Connection) -> None:
        file.execute("UPDATE entries SET sequence = -4 WHERE sequence = 4")
        file.execute("UPDATE entries SET sequence = 4 WHERE sequence = 5")
        file.execute("UPDATE entries SET sequence = 5 WHERE sequence = -4")

    tamper(tmp_path, swap)
    assert {Problem.ORDER, Problem.EDIT, Problem.FORK} <= problems(verified(tmp_path))


def test_a_deleted_entry_is_found(tmp_path):
    filled(tmp_path)
    tamper(tmp_path, lambda file: file.execute("DELETE FROM entries WHERE sequence = 4"))
    result = verified(tmp_path)
    assert Problem.ORDER in problems(result)
    assert "entry 4 is missing; entry 5 follows." in [finding.text for finding in result.findings]


def test_a_deletion_that_is_chained_anew_is_found(tmp_path):
    filled(tmp_path)

    def close_up(file: sqlite3.Connection) -> None:
        file.execute("DELETE FROM entries WHERE sequence = 9")
        file.execute("DELETE FROM entries WHERE sequence = 4")
        for sequence in range(5, 9):
            rewrite(file, sequence, sequence=sequence - 1)
            file.execute("UPDATE entries SET sequence = ? WHERE sequence = ?", (sequence - 1, sequence))
        chain_anew(file)

    tamper(tmp_path, close_up)
    result = verified(tmp_path)
    # The checkpoint in the ledger tells of nine entries, and the person's numbers have a gap.
    assert problems(result) == {Problem.TRUNCATION, Problem.ORDER, Problem.PERSONAL}


def test_an_end_that_was_cut_off_is_found_by_a_checkpoint(tmp_path):
    handed = filled(tmp_path)

    def cut(file: sqlite3.Connection) -> None:
        file.execute("DELETE FROM entries WHERE sequence > 6")
        file.execute("DELETE FROM checkpoints")

    tamper(tmp_path, cut)
    assert verified(
        tmp_path
    ).ok  # by itself nothing is wrong with it: that is what the handed-out copy is for
    result = verified(tmp_path, handed.text)
    assert problems(result) == {Problem.TRUNCATION}
    assert result.findings[0].text == "file 1 covers 9 entries, and the ledger has 6: 3 were cut off."


def test_a_ledger_that_was_written_anew_is_found_by_a_checkpoint(tmp_path):
    handed = filled(tmp_path)

    def anew(file: sqlite3.Connection) -> None:
        rewrite(file, 4, territory="US-CA")
        chain_anew(file)
        (body,) = file.execute("SELECT body FROM entries WHERE sequence = 4").fetchone()
        file.execute("UPDATE entries SET use_key = ? WHERE sequence = 4", (parse_entry(body).use_key(),))
        file.execute("DELETE FROM checkpoints")

    tamper(tmp_path, anew)
    assert verified(tmp_path).ok
    result = verified(tmp_path, handed.text)
    assert problems(result) == {Problem.FORK}
    assert "of the first 9, some were changed since" in result.findings[0].text


def test_two_ledgers_that_part_are_told_apart(tmp_path):
    filled(tmp_path)
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "ledger.sqlite").write_bytes((tmp_path / "ledger.sqlite").read_bytes())
    handed = []
    for folder, name in ((tmp_path, "one"), (tmp_path / "copy", "two")):
        with Ledger.open(folder / "ledger.sqlite") as ledger:
            ledger.append(use(name))
            handed.append(add_checkpoint(ledger, STUDIO, LATER))
    assert verified(tmp_path, handed[0].text).ok
    assert problems(verified(tmp_path, handed[1].text)) == {Problem.FORK}


def test_a_use_that_is_billed_twice_is_found(tmp_path):
    filled(tmp_path)

    def twice(file: sqlite3.Connection) -> None:
        columns = "body, hash, subject, number, use_key, voids, latest"
        file.execute(
            f"INSERT INTO entries (sequence, {columns}) SELECT 10, {columns} FROM entries WHERE sequence = 4"
        )
        file.execute(
            "UPDATE entries SET number = (SELECT max(number) + 1 FROM entries AS e "
            "WHERE e.subject = entries.subject AND e.sequence < 10) WHERE sequence = 10"
        )
        (number,) = file.execute("SELECT number FROM entries WHERE sequence = 10").fetchone()
        rewrite(file, 10, sequence=10, number=number)
        chain_anew(file)

    tamper(tmp_path, twice)
    result = verified(tmp_path)
    assert "entry 10 is the same use as entry 4." in [finding.text for finding in result.findings]
    assert problems(result) == {Problem.DOUBLE_USE, Problem.PERSONAL}  # and no file is known of it


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (3, "entry 9 voids entry 3, no use of this person."),
        (9, "entry 9 voids entry 9, no use of this person."),
        (77, "entry 9 voids entry 77, no use of this person."),
    ],
)
def test_a_void_of_something_else_is_found(tmp_path, target, text):
    filled(tmp_path)

    def other(file: sqlite3.Connection) -> None:
        rewrite(file, 9, voids=target)
        file.execute("UPDATE entries SET voids = ? WHERE sequence = 9", (target,))
        chain_anew(file)

    tamper(tmp_path, other)
    result = verified(tmp_path)
    assert Problem.BAD_VOID in problems(result)
    assert text in [finding.text for finding in result.findings]


def test_a_use_that_was_slipped_into_the_past_is_found(tmp_path):
    filled(tmp_path)

    def backdate(file: sqlite3.Connection) -> None:
        rewrite(file, 8, at="2026-04-01T00:00:00Z")
        chain_anew(file)

    tamper(tmp_path, backdate)
    result = verified(tmp_path)
    assert {Problem.DATE, Problem.FORK} == problems(result)
    assert "entry 8 is dated 2026-04-01T00:00:00Z, after uses of" in result.findings[0].text


def test_an_entry_that_cannot_be_read_is_found(tmp_path):
    filled(tmp_path)
    tamper(tmp_path, lambda file: file.execute("UPDATE entries SET body = '{' WHERE sequence = 4"))
    result = verified(tmp_path)
    assert any(finding.text.startswith("entry 4 cannot be read") for finding in result.findings)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM outputs WHERE sequence = 4",
        "UPDATE outputs SET sha256 = 'x' WHERE sequence = 4",
        "INSERT INTO outputs SELECT person, 4, 9, 'x', place, kind, 1 FROM outputs WHERE sequence = 4",
        "UPDATE records SET record_id = 'x' WHERE pseudonym = 'Anna 7'",
        "INSERT INTO details VALUES (1, 1, NULL, 'autumn', NULL), (2, 2, NULL, 'autumn', NULL)",
    ],
)
def test_changed_personal_data_are_found(tmp_path, statement):
    filled(tmp_path)
    tamper(tmp_path, lambda file: file.execute(statement))
    assert problems(verified(tmp_path)) == {Problem.PERSONAL}


def test_another_salt_is_found(tmp_path):
    filled(tmp_path)
    tamper(tmp_path, lambda file: file.execute("UPDATE people SET salt = zeroblob(32) WHERE id = 1"))
    (finding,) = verified(tmp_path).findings
    assert "does not belong to its tag" in finding.text


def test_personal_data_that_vanished_without_an_erasure_are_found(tmp_path):
    filled(tmp_path)
    tamper(tmp_path, lambda file: file.execute("DELETE FROM people WHERE id = 1"))
    (finding,) = verified(tmp_path).findings
    assert "are missing, and no entry says that they were erased" in finding.text


def test_a_checkpoint_of_another_ledger_is_found(tmp_path):
    filled(tmp_path)
    (tmp_path / "other").mkdir()
    foreign = filled(tmp_path / "other")
    result = verified(tmp_path, foreign.text)
    assert problems(result) == {Problem.FOREIGN_CHECKPOINT}
    assert foreign.payload.ledger_id in result.findings[0].text


def test_a_wrong_signature_is_found(tmp_path):
    handed = filled(tmp_path)
    payload = payload_of(handed.text)
    by_stranger = forge(payload, (Role.CONTROLLER, STRANGER), typ=CHECKPOINT_TYP)
    as_subject = forge(payload, (Role.SUBJECT, ANNA), typ=CHECKPOINT_TYP)
    other_typ = forge(payload, (Role.CONTROLLER, STUDIO), typ="bodyscan-consent+jws")
    for text in (by_stranger, as_subject, other_typ, "{}", "no JSON", handed.text.replace("a", "b", 1)):
        assert problems(verified(tmp_path, text)) == {Problem.SIGNATURE}, text
    assert problems(verified(tmp_path, keys=[STRANGER.public])) == {Problem.SIGNATURE}
    assert problems(verified(tmp_path, keys=[])) == {Problem.SIGNATURE}


def test_checkpoints_name_the_ones_before(tmp_path):
    first = filled(tmp_path)
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        ledger.append(use("more", at=LATER))
        second = add_checkpoint(ledger, STUDIO, LATER)
        assert second.payload.previous == first.sha256
        assert (first.size, second.size) == (9, 10)
        assert checkpoint_texts(ledger) == (first.text, second.text)
        assert last_checkpoint(ledger) == second
        tree = build_tree(ledger.hashes())
        proof = tree.consistency_proof(first.size)
        assert consistency_holds(first.size, first.root, second.size, second.root, proof)
    assert verified(tmp_path, first.text, second.text).ok
    tamper(tmp_path, lambda file: file.execute("DELETE FROM checkpoints WHERE number = 1"))
    result = verified(tmp_path)
    assert problems(result) == {Problem.CHECKPOINTS}


def test_a_ledger_that_was_changed_is_not_signed_again(tmp_path):
    filled(tmp_path)
    tamper(tmp_path, lambda file: (rewrite(file, 4, units=2), chain_anew(file)))
    with (
        Ledger.open(tmp_path / "ledger.sqlite") as ledger,
        pytest.raises(InputError, match="is not the one of its last checkpoint"),
    ):
        add_checkpoint(ledger, STUDIO, LATER)


def test_a_checkpoint_is_never_older_than_the_one_before(tmp_path):
    filled(tmp_path)
    with (
        Ledger.open(tmp_path / "ledger.sqlite") as ledger,
        pytest.raises(InputError, match="dated later than now"),
    ):
        add_checkpoint(ledger, STUDIO, NOW - timedelta(hours=1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ('"size":9', '"size":-1'),
        ('"size":9', '"size":9.0'),
        ('"root":"', '"root":"x'),
        ("urn:bodyscan:checkpoint:1", "urn:bodyscan:checkpoint:2"),
        ('"size":9', '"size":9,"more":1'),
        ('"size":9', '"size": 9'),
    ],
)
def test_a_payload_that_is_not_what_it_must_be_is_refused(tmp_path, change, message):
    payload = payload_of(filled(tmp_path).text).decode()
    assert change in payload
    text = forge(payload.replace(change, message).encode(), (Role.CONTROLLER, STUDIO), typ=CHECKPOINT_TYP)
    with pytest.raises(InputError, match="is not valid"):
        parse_checkpoint(text)


def history(ended: bool) -> KeyHistory:
    """The studio's history: its root, and a second key that takes over."""
    start = start_history(STUDIO, (), NOW)
    second = ListedKey(key=PACKER.public, uses=(KeyUse.LEDGER, KeyUse.KEYS), active_from=NOW)
    first = ListedKey(
        key=STUDIO.public, uses=tuple(KeyUse), active_from=NOW, active_until=LATER if ended else None
    )
    return extend_history(start, STUDIO, (first, second), NOW)


def test_a_key_that_ended_counts_where_a_later_checkpoint_vouches_for_it(tmp_path):
    first = filled(tmp_path)
    later = LATER + timedelta(days=1)
    signers = signers_of([STUDIO.public], [history(ended=True)], later)
    assert ([key.thumbprint for key in signers.current], [key.thumbprint for key in signers.ended]) == (
        [PACKER.thumbprint],
        [STUDIO.thumbprint],
    )
    result = verified(tmp_path, first.text, keys=signers)
    assert problems(result) == {Problem.SIGNATURE}
    assert "which has ended, and no later checkpoint names it" in result.findings[0].text
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        add_checkpoint(ledger, PACKER, later)
    assert verified(tmp_path, first.text, keys=signers).ok


def test_a_key_that_has_not_ended_counts_beside_the_new_one(tmp_path):
    first = filled(tmp_path)
    signers = signers_of([], [history(ended=False)], LATER)
    assert signers.ended == ()
    assert verified(tmp_path, first.text, keys=signers).ok
