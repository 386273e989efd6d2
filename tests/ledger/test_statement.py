from __future__ import annotations

import csv
import io
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from bodyscan.errors import InputError
from bodyscan.ledger import (
    Ledger,
    Statement,
    all_people,
    find_person,
    make_statement,
    owed,
    parse_statement,
    statement_csv,
    statement_html,
    statement_table,
)
from ledger.bills import AUGUST, END, JULY, JUNE, days, june, june_statement
from ledger.uses import ANNAS, BENS, guard, open_new, rewrite, use, without_guards

TOTALS = [("EUR", "435.09275", "435.09"), ("USD", "67.50", "67.50")]
"""12.50 for the twin, 12 times 12.50, 180 for the day, 7.5 % of 1234.57; and 7.5 % of 900."""


@pytest.fixture(scope="module")
def statement(tmp_path_factory) -> Statement:
    return june_statement(tmp_path_factory.mktemp("june"))[0]


def test_the_totals_are_what_the_terms_say(statement):
    assert [(total.currency, total.exact, total.rounded) for total in statement.totals] == TOTALS


def test_every_entry_of_the_person_is_listed_and_nobody_elses(statement):
    assert [line.sequence for line in statement.lines] == [1, 2, 4, 5, 6, 7, 8, 9, 10, 12]
    assert [entry.sequence for entry in statement.entries] == [1, 2, 4, 5, 6, 7, 8, 9, 10, 12]
    assert [line.sequence for line in statement.billed] == [1, 4, 6, 8, 9]
    assert {line.sequence: line.note for line in statement.listed} == {
        2: "check picture of the making: listed, not billed",
        5: "voided by entry 12",
        7: "in the day amount of entry 6",
        10: "revenue not stated",
        12: "voids entry 5 (rejected by the client)",
    }


def test_the_terms_and_who_pays_are_told(statement):
    assert {record.terms for record in statement.records} == {
        ("12.50 EUR per use, due 30 days after the use",),
        ("7.5 % of the revenue of each use, due 60 days after the use",),
        ("180 EUR per day, due 14 days after the use",),
    }
    assert {record.controller for record in statement.records} == {"Atelier"}


def test_the_statements_of_a_month_and_of_its_parts_agree(tmp_path):
    with june(tmp_path) as ledger:
        person = find_person(ledger, "Anna 7")
        parts = [
            make_statement(ledger, person, begin, end, END)
            for begin, end in ((JUNE, days(2.5)), (days(2.5), days(4.2)), (days(4.2), JULY))
        ]
        sums: dict[str, Decimal] = {}
        for part in parts:
            for total in part.totals:
                sums[total.currency] = sums.get(total.currency, Decimal(0)) + Decimal(total.exact)
        assert sums == {code: Decimal(exact) for code, exact, _ in TOTALS}
        assert [(total.currency, total.exact) for total in owed(ledger, person, END)] == [
            (code, exact) for code, exact, _ in TOTALS
        ]


def test_a_month_without_uses_owes_nothing(tmp_path):
    with june(tmp_path) as ledger:
        made = make_statement(ledger, find_person(ledger, "Anna 7"), JULY, AUGUST, END)
    assert (made.lines, made.totals) == ((), ())
    assert len(made.entries) == 10  # what was before stands in it, so that a gap would be seen
    assert "No use in this period." in statement_table(made)
    assert "Owed: nothing" in statement_table(made)
    assert "No use in this period is billed." in statement_html(made)


def test_a_period_must_have_a_length(tmp_path):
    with june(tmp_path) as ledger:
        person = find_person(ledger, "Anna 7")
        with pytest.raises(InputError, match=r"ends .* before it begins"):
            make_statement(ledger, person, JULY, JUNE, END)
        with pytest.raises(InputError, match="must be a time in UTC"):
            make_statement(ledger, person, JUNE.replace(tzinfo=None), JULY, END)


def test_no_statement_is_made_of_a_ledger_that_was_changed(tmp_path):
    june_statement(tmp_path)
    connection = without_guards(tmp_path / "ledger.sqlite")
    connection.execute("DELETE FROM entries WHERE sequence > 9")
    guard(connection)
    with Ledger.open(tmp_path / "ledger.sqlite") as ledger:
        person = find_person(ledger, "Anna 7")
        with pytest.raises(InputError, match="is not the one of its last checkpoint"):
            make_statement(ledger, person, JUNE, JULY, END)
    connection = without_guards(tmp_path / "ledger.sqlite")
    connection.execute("DELETE FROM checkpoints")
    rewrite(connection, 4, units=0)
    guard(connection)
    with (
        Ledger.open(tmp_path / "ledger.sqlite") as ledger,
        pytest.raises(InputError, match="entry 4 of the ledger cannot be read"),
    ):
        make_statement(ledger, find_person(ledger, "Anna 7"), JUNE, JULY, END)


def test_people_are_found_by_name_key_and_record(tmp_path):
    with june(tmp_path) as ledger:
        anna = find_person(ledger, "Anna 7")
        for name in (ANNAS.identity, ANNAS.record_id, anna.tag):
            assert find_person(ledger, name).tag == anna.tag
        assert [person.pseudonyms for person in all_people(ledger)] == [("Anna 7",), ("Ben 3",)]
        with pytest.raises(InputError, match="nobody in the ledger is called Cleo; known are: Anna 7, Ben 3"):
            find_person(ledger, "Cleo")


def test_two_people_of_one_name_are_told_apart_by_their_keys(tmp_path):
    from dataclasses import replace

    with open_new(tmp_path) as ledger:
        ledger.append(use("a"))
        ledger.append(use("b", replace(BENS, pseudonym="Anna 7")))
        with pytest.raises(
            InputError, match=f"2 people are called Anna 7; .*{ANNAS.identity}, {BENS.identity}"
        ):
            find_person(ledger, "Anna 7")


def test_the_json_form_comes_back_as_it_was(statement):
    data = statement.model_dump_json(by_alias=True).encode()
    assert parse_statement(data) == statement
    assert b'"from":"2026-06-01T00:00:00Z"' in data


def test_the_table_shows_every_line_and_the_totals(statement):
    text = statement_table(statement)
    assert "Statement for Anna 7\n1 June 2026 to 30 June 2026 (UTC)" in text
    assert "Owed: EUR 435.09  (exact 435.09275)" in text
    assert "Owed: USD 67.50\n" in text
    assert "rounded half to even" in text
    assert "render × 12" in text
    assert "Checkpoint of 12 entries, 2026-06-30 12:00 UTC, root " in text
    assert max(map(len, text.splitlines())) < 200


def test_what_is_not_proved_is_said(tmp_path):
    with june(tmp_path) as ledger:
        made = make_statement(ledger, find_person(ledger, "Anna 7"), JUNE, JULY, END)
    assert made.num_unproved == 10
    assert "nothing proves these entries" in statement_table(made)
    assert "nothing proves these entries yet" in statement_html(made)


def test_the_csv_has_a_row_a_line_and_a_row_a_total(statement):
    rows = list(csv.DictReader(io.StringIO(statement_csv(statement))))
    assert [row["entry"] for row in rows] == [
        "1",
        "2",
        "4",
        "5",
        "6",
        "7",
        "8",
        "9",
        "10",
        "12",
        "total",
        "total",
    ]
    assert [row["amount"] for row in rows if row["amount"]] == [
        "12.50", "150.00", "180.00", "92.59275", "67.50", "435.09", "67.50",
    ]  # fmt: skip
    assert rows[-2]["note"] == "exact 435.09275"


def test_no_spreadsheet_takes_a_text_for_a_formula(statement):
    rows = list(csv.DictReader(io.StringIO(statement_csv(statement))))
    assert rows[2]["reference"] == "'=Spring"


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [
            value or "" for name, value in attrs if name in ("src", "href") or name.startswith("on")
        ]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_fetches_nothing_and_runs_nothing(statement):
    page = _Page()
    text = statement_html(statement)
    page.feed(text)
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert page.links == []
    assert "url(" not in text
    assert "@import" not in text


def test_the_page_shows_what_is_owed_and_escapes_what_others_wrote(statement):
    page = _Page()
    text = statement_html(statement)
    page.feed(text)
    assert "<north>" not in text
    assert "Boards <north>" in page.text
    for shown in (
        "Anna 7",
        "EUR\u00a0435.09",
        "USD\u00a067.50",
        "2026-07-01",
        "revenue not stated",
        "render × 12",
    ):
        assert shown in page.text
    assert "size: A4" in text
