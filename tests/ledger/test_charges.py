from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodyscan.consent.record import PayKind, PayUnit, Purpose
from bodyscan.ledger.charges import Line, charge_of, charges_at, lines_of, totals_of
from bodyscan.ledger.entry import Entry, parse_entry
from bodyscan.ledger.tags import Blinder
from bodyscan.ledger.terms import PayTerms
from bodyscan.ledger.use import EntryKind
from ledger.uses import ANNAS, text_of, use

BLINDER = Blinder(b"\x01" * 32)
JUNE, JULY = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)


def per(unit: str, amount: str = "10", due_days: int = 0) -> PayTerms:
    return PayTerms(
        kind=PayKind.PER_USE, amount=amount, currency="EUR", unit=PayUnit(unit), due_days=due_days
    )


FLAT = PayTerms(kind=PayKind.FLAT, amount="400", currency="EUR", due_days=14)
SHARE = PayTerms(kind=PayKind.SHARE, share_percent="7.5", due_days=60)
UNPAID = PayTerms(kind=PayKind.UNPAID)


def entries(terms: PayTerms, *uses: dict[str, Any]) -> list[Entry]:
    """Return entries of one person; a `voids` makes a void."""
    agreement = replace(ANNAS, terms=terms)
    made = []
    for sequence, values in enumerate(uses, start=1):
        if "voids" in values:
            members = {"sequence": sequence, "number": sequence, "kind": EntryKind.VOID, "subject": "0" * 64}
            made.append(Entry.model_validate({**members, **values}))
        else:
            made.append(parse_entry(text_of(use(sequence, agreement, **values), sequence, BLINDER)))
    return made


def at(day: int, hour: int = 12, month: int = 6) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def amounts(lines: tuple[Line, ...]) -> list[str | None]:
    return [None if line.amount is None else str(line.amount) for line in lines]


def bill(
    terms: PayTerms, *uses: dict[str, Any], begin: datetime = JUNE, end: datetime = JULY
) -> list[str | None]:
    return amounts(lines_of(entries(terms, *uses), begin, end))


KINDS = [
    {"kind": "twin", "purpose": "make_twin", "at": at(1)},
    {"kind": "render", "purpose": "make_twin", "at": at(1)},
    {"kind": "render", "at": at(2)},
    {"kind": "render", "at": at(2, 18), "units": 3},
    {"kind": "export", "purpose": "export", "at": at(3)},
    {"kind": "twin", "purpose": "advertising", "at": at(4)},
]


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (per("use"), ["10", None, "10", "30", "10", "10"]),
        (per("twin"), ["10", None, None, None, None, "10"]),
        (per("render"), [None, None, "10", "30", None, None]),
        (per("export"), [None, None, None, None, "10", None]),
        (per("day"), [None, None, "10", None, "10", "10"]),
        (per("month"), [None, None, "10", None, None, None]),
        (FLAT, ["400", None, None, None, None, None]),
        (UNPAID, [None, None, None, None, None, None]),
    ],
    ids=lambda value: value.words() if isinstance(value, PayTerms) else "",
)
def test_each_unit_bills_what_it_names(terms, expected):
    assert bill(terms, *KINDS) == expected


def test_a_project_is_billed_once():
    assert bill(
        per("project"),
        {"reference": "spring", "at": at(1)},
        {"reference": "autumn", "at": at(2)},
        {"reference": "spring", "at": at(3)},
    ) == ["10", "10", None]


def test_a_share_follows_the_revenue_and_says_where_none_is_stated():
    lines = lines_of(
        entries(
            SHARE,
            {"revenue": "1234.57", "currency": "EUR", "at": at(1)},
            {"at": at(2)},
            {"revenue": "10", "currency": "JPY", "at": at(3)},
        ),
        JUNE,
        JULY,
    )
    assert [line.amount for line in lines] == [Decimal("92.59275"), None, Decimal("0.75")]
    assert lines[1].note == "revenue not stated"
    assert [(total.currency, str(total.rounded)) for total in totals_of(lines)] == [
        ("EUR", "92.59"),
        ("JPY", "1"),
    ]


def test_every_line_without_pay_says_why():
    def notes(terms: PayTerms) -> list[str]:
        return [line.note for line in lines_of(entries(terms, *KINDS), JUNE, JULY)]

    assert notes(per("day"))[:4] == [
        "for the making of the twin: not billed by day",
        "check picture of the making: listed, not billed",
        "",
        "in the day amount of entry 3",
    ]
    assert notes(per("export"))[2] == "billed by export: a render costs nothing"
    assert notes(FLAT)[2] == "in the flat amount of entry 1"
    assert set(notes(UNPAID)) == {"unpaid"}
    assert notes(SHARE)[:3] == [
        "for the making of the twin: not billed by share",
        "check picture of the making: listed, not billed",
        "revenue not stated",
    ]


def test_pay_is_due_some_days_after_the_use():
    (line,) = lines_of(entries(per("use", due_days=30), {"at": at(30, 23)}), JUNE, JULY)
    assert line.due == date(2026, 7, 30)


def test_a_day_is_a_day_in_utc():
    assert bill(per("day"), {"at": at(1, 0)}, {"at": at(1, 23)}, {"at": at(2, 0)}) == ["10", None, "10"]


def test_the_begin_belongs_to_the_period_and_the_end_does_not():
    uses = [{"at": JUNE}, {"at": JULY - timedelta(seconds=1)}, {"at": JULY}]
    assert bill(per("use"), *uses) == ["10", "10"]
    assert bill(per("use"), *uses, begin=JULY, end=at(1, month=8)) == ["10"]


def test_a_month_that_was_billed_is_not_billed_again_in_the_next_statement():
    uses = [{"at": at(3)}, {"at": at(20)}, {"at": at(3, month=7)}]
    assert bill(per("month"), *uses, begin=JUNE, end=at(10)) == ["10"]
    assert bill(per("month"), *uses, begin=at(10), end=JULY) == [None]
    assert bill(per("month"), *uses, begin=JULY, end=at(1, month=8)) == ["10"]


def test_a_void_within_the_period_leaves_nothing_to_pay():
    lines = lines_of(entries(per("use"), {"at": at(1)}, {"voids": 1, "at": at(2)}), JUNE, JULY)
    assert amounts(lines) == [None, None]
    assert [line.note for line in lines] == ["voided by entry 2", "voids entry 1"]


def test_a_void_takes_back_what_an_earlier_statement_billed():
    made = entries(per("use"), {"at": at(1), "units": 3}, {"voids": 1, "at": at(2, month=7)})
    assert amounts(lines_of(made, JUNE, JULY)) == ["30"]
    (line,) = lines_of(made, JULY, at(1, month=8))
    assert line.amount == Decimal(-30)
    assert line.note == "voids entry 1; takes back what entry 1 was billed with"


def test_a_day_stays_billed_while_one_of_its_uses_counts():
    made = entries(
        per("day"),
        {"at": at(1)},
        {"at": at(1, 18)},
        {"voids": 1, "at": at(2, month=7)},
        {"voids": 2, "at": at(3, month=7)},
    )
    assert amounts(lines_of(made[:3], JULY, at(1, month=8))) == [None]
    assert amounts(lines_of(made, JULY, at(1, month=8))) == [None, "-10"]


def test_a_day_whose_first_use_is_void_is_billed_with_the_next():
    made = entries(per("day"), {"at": at(1)}, {"at": at(1, 18)}, {"voids": 1, "at": at(2)})
    assert amounts(lines_of(made, JUNE, JULY)) == [None, "10", None]


def test_two_records_are_paid_apart():
    agreements = [
        replace(ANNAS, terms=per("day"), record_id=f"00000000-0000-4000-8000-00000000000{n}") for n in "12"
    ]
    texts = [
        text_of(use(n, agreement, at=at(1)), n, BLINDER) for n, agreement in enumerate(agreements, start=1)
    ]
    assert amounts(lines_of(map(parse_entry, texts), JUNE, JULY)) == ["10", "10"]


def test_what_is_no_use_has_no_price():
    (void,) = entries(FLAT, {"voids": 1, "at": at(1)})
    with pytest.raises(ValueError, match="entry 1 is no use"):
        charge_of(void)


@st.composite
def histories(draw) -> list[Entry]:
    """Some uses in the order of their times, with voids among them."""
    terms = draw(st.sampled_from([per("use"), per("day", "9.99"), per("month"), per("project"), FLAT, SHARE]))
    hours = sorted(draw(st.lists(st.integers(0, 24 * 70), min_size=1, max_size=14)))
    uses: list[dict[str, Any]] = []
    open_uses: list[int] = []
    for number, hour in enumerate(hours, start=1):
        moment = JUNE + timedelta(hours=hour)
        if open_uses and draw(st.integers(0, 3)) == 0:
            uses.append({"voids": open_uses.pop(draw(st.integers(0, len(open_uses) - 1))), "at": moment})
            continue
        open_uses.append(number)
        uses.append(
            {
                "at": moment,
                "kind": draw(st.sampled_from(["twin", "render", "export"])),
                "purpose": draw(st.sampled_from([Purpose.MAKE_TWIN, Purpose.RENDER])),
                "reference": draw(st.sampled_from(["a", "b"])),
                "units": draw(st.integers(1, 3)),
                "revenue": draw(st.sampled_from(["0.01", "333.33"])),
                "currency": "EUR",
            }
        )
    return entries(terms, *uses)


@given(histories(), st.integers(0, 24 * 71), st.integers(0, 24 * 71))
def test_periods_that_follow_each_other_add_up_to_the_whole(made, one, two):
    begin, end = JUNE, JUNE + timedelta(days=71)
    cuts = [begin, *sorted({begin + timedelta(hours=one + 1), begin + timedelta(hours=two + 1)})]
    periods = [
        pair for pair in zip(cuts, [*cuts[1:], end + timedelta(days=1)], strict=True) if pair[0] < pair[1]
    ]
    parts = sum((line.amount or 0 for a, b in periods for line in lines_of(made, a, b)), Decimal(0))
    whole = sum((line.amount or 0 for line in lines_of(made, begin, end + timedelta(days=1))), Decimal(0))
    assert parts == whole
    assert whole == sum((charge.amount for charge in charges_at(made, end).values()), Decimal(0))


@given(histories())
def test_every_entry_of_the_period_has_its_line_and_nothing_is_owed_that_is_not_listed(made):
    lines = lines_of(made, JUNE, JUNE + timedelta(days=71))
    assert sorted(line.entry.sequence for line in lines) == [entry.sequence for entry in made]
    assert all(line.note for line in lines if line.amount is None)


@given(histories())
def test_the_bill_does_not_depend_on_the_order_in_which_entries_are_given(made):
    end = JUNE + timedelta(days=71)
    assert lines_of(made, JUNE, end) == lines_of(reversed(made), JUNE, end)
