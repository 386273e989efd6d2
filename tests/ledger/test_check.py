from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bodyscan.errors import InputError
from bodyscan.ledger import (
    Checkpoint,
    Ledger,
    Statement,
    add_checkpoint,
    check_statement,
    find_person,
    keys_named,
    make_statement,
    parse_statement,
)
from consent.people import STRANGER, STUDIO
from ledger.bills import END, JULY, JUNE, june, june_statement
from ledger.uses import use


@pytest.fixture(scope="module")
def handed(tmp_path_factory) -> tuple[Statement, Checkpoint]:
    return june_statement(tmp_path_factory.mktemp("june"))


def problems(values: dict[str, Any], checkpoint: Checkpoint, keys=(STUDIO.public,)) -> list[str]:
    statement = parse_statement(json.dumps(values).encode())
    return list(check_statement(statement, checkpoint, keys).problems)


def plain(statement: Statement) -> dict[str, Any]:
    return json.loads(statement.model_dump_json(by_alias=True))


def test_an_honest_statement_holds(handed):
    statement, checkpoint = handed
    checked = check_statement(statement, checkpoint, [STUDIO.public])
    assert checked.ok
    assert checked.num_proved == 10
    assert keys_named(statement) == (STUDIO.public,)


def change_amount(values: dict[str, Any]) -> None:
    values["lines"][0]["amount"] = "1.00"


def change_total(values: dict[str, Any]) -> None:
    values["totals"][0]["rounded"] = "400.00"


def leave_out_line(values: dict[str, Any]) -> None:
    del values["lines"][2]


def leave_out_entry(values: dict[str, Any]) -> None:
    del values["entries"][4]
    values["lines"] = [line for line in values["lines"] if line["sequence"] != 6]


def leave_out_last(values: dict[str, Any]) -> None:
    """The void stands last; without it and its line more would be owed, so the bill no longer follows."""
    del values["entries"][-1]
    del values["lines"][-1]


def change_terms(values: dict[str, Any]) -> None:
    entry = values["entries"][0]
    entry["body"] = entry["body"].replace('"12.50"', '"1.50"')


def change_previous(values: dict[str, Any]) -> None:
    values["entries"][3]["previous"] = "0" * 64


def change_path(values: dict[str, Any]) -> None:
    values["entries"][3]["path"][0] = "0" * 64


def drop_path(values: dict[str, Any]) -> None:
    values["entries"][3]["path"] = None


def change_reference(values: dict[str, Any]) -> None:
    values["entries"][2]["reference"] = "another campaign"


def change_file(values: dict[str, Any]) -> None:
    values["entries"][2]["outputs"][0]["sha256"] = "0" * 64


def add_file(values: dict[str, Any]) -> None:
    values["entries"][2]["outputs"].append({"sha256": "0" * 64, "name": "more.png", "kind": "picture"})


def change_salt(values: dict[str, Any]) -> None:
    values["subject"]["salt"] = "0" * 64


def change_ledger(values: dict[str, Any]) -> None:
    values["ledger_id"] = "00000000-0000-4000-8000-000000000000"


def change_words(values: dict[str, Any]) -> None:
    values["lines"][2]["licensee"] = "Somebody else"


def change_due(values: dict[str, Any]) -> None:
    values["lines"][0]["due"] = "2027-07-01"


def no_checkpoint(values: dict[str, Any]) -> None:
    values["checkpoint"] = None


def broken_entry(values: dict[str, Any]) -> None:
    values["entries"][1]["body"] = "{}"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_amount, "entry 1: 1.00 is said, 12.50 follows"),
        (change_total, "EUR 400.00, USD 67.50 is said, EUR 435.09, USD 67.50 is owed"),
        (leave_out_line, "entry 4"),
        (leave_out_entry, "not numbered without a gap"),
        (leave_out_last, "the totals do not follow"),
        (change_terms, "entry 1 does not stand in the ledger"),
        (change_previous, "entry 5 does not stand in the ledger"),
        (change_path, "entry 5 does not stand in the ledger"),
        (drop_path, "entry 5 is newer than the checkpoint"),
        (change_reference, "what the statement says about entry 4"),
        (change_file, "what the statement says about entry 4"),
        (add_file, "what the statement says about entry 4"),
        (change_salt, "tag does not belong to their key and salt"),
        (change_ledger, "the checkpoint is of another ledger"),
        (change_words, "the line of entry 4 does not say what the entry says"),
        (change_due, "the lines do not follow"),
        (no_checkpoint, "made before any checkpoint"),
        (broken_entry, "entry 2 cannot be read"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_statement_that_was_changed_does_not_hold(
    handed, change: Callable[[dict[str, Any]], None], message: str
):
    statement, checkpoint = handed
    values = plain(statement)
    change(values)
    found = problems(values, checkpoint)
    assert any(message in text for text in found), found


def test_another_key_does_not_count(handed):
    statement, checkpoint = handed
    for keys in ((), (STRANGER.public,)):
        (text,) = problems(plain(statement), checkpoint, keys)
        assert text.startswith("the checkpoint is not signed by the controller's key")


def test_a_checkpoint_of_another_size_asks_for_another_statement(tmp_path):
    with june(tmp_path) as ledger:
        first = add_checkpoint(ledger, STUDIO, END)
        statement = make_statement(ledger, find_person(ledger, "Anna 7"), JUNE, JULY, END)
        ledger.append(use("later", at=END))
        second = add_checkpoint(ledger, STUDIO, END)
        again = make_statement(ledger, find_person(ledger, "Anna 7"), JUNE, JULY, END)
    assert check_statement(statement, first, [STUDIO.public]).ok
    (text, *_) = check_statement(statement, second, [STUDIO.public]).problems
    assert "made against another checkpoint, of 12 entries" in text
    assert check_statement(again, second, [STUDIO.public]).ok


def test_a_statement_of_a_forged_ledger_does_not_hold_against_the_handed_checkpoint(tmp_path):
    """The controller writes the ledger anew without a use, signs it again and hands out a new statement."""
    (tmp_path / "true").mkdir()
    (tmp_path / "false").mkdir()
    _, checkpoint = june_statement(tmp_path / "true")
    statement, other = june_statement(tmp_path / "false")
    assert check_statement(statement, other, [STUDIO.public]).ok
    assert not check_statement(statement, checkpoint, [STUDIO.public]).ok


def test_a_later_use_is_not_missed_by_the_next_statement(tmp_path):
    """A use that is left out at the end of one statement leaves a gap in the next."""
    with june(tmp_path) as ledger:
        ledger.append(use("hidden", at=END))
        ledger.append(use("later", at=JULY))
        checkpoint = add_checkpoint(ledger, STUDIO, JULY)
        with Ledger.open(ledger.path) as again:
            full = make_statement(again, find_person(again, "Anna 7"), JULY, JULY.replace(month=8), JULY)
    values = plain(full)
    values["entries"] = [entry for entry in values["entries"] if entry["sequence"] != 13]
    assert any("without a gap" in text for text in problems(values, checkpoint))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cannot be read"),
        (b"[" * 100_000, "cannot be read"),
        (b"{}", "is no statement"),
        (b'{"schema": 1, "schema": 1}', "a key stands twice"),
        (b"\xff", "cannot be read"),
    ],
    ids=["empty", "deep", "other", "twice", "no text"],
)
def test_another_file_is_no_statement(data, message):
    with pytest.raises(InputError, match=message):
        parse_statement(data)
