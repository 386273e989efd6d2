from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodyscan.ledger.currency import EXACT, minor_digits, payable, plain


@pytest.mark.parametrize(
    ("exact", "currency", "rounded"),
    [
        ("0.125", "EUR", "0.12"),
        ("0.135", "EUR", "0.14"),
        ("0.1250001", "EUR", "0.13"),
        ("-0.125", "EUR", "-0.12"),
        ("2.5", "JPY", "2"),
        ("3.5", "JPY", "4"),
        ("1.0005", "KWD", "1.000"),
        ("1", "CLF", "1.0000"),
        ("999999999999.995", "EUR", "1000000000000.00"),
    ],
)
def test_sums_are_rounded_half_to_even_at_the_smallest_unit(exact, currency, rounded):
    assert str(payable(Decimal(exact), currency)) == rounded


@given(st.lists(st.decimals(0, 10**9, places=6), max_size=200))
def test_sums_are_exact(values):
    total = Decimal(0)
    for value in values:
        total = EXACT.add(total, value)
    assert total == sum(int(value.scaleb(6)) for value in values) / Decimal(10**6)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("180", "EUR", "180.00"),
        ("67.50000", "USD", "67.50"),
        ("92.59275", "EUR", "92.59275"),
        ("-0", "EUR", "0.00"),
        ("1E+3", "JPY", "1000"),
        ("0.00000001", "EUR", "0.00000001"),
        ("1200.0", "JPY", "1200"),
    ],
)
def test_an_amount_is_written_exactly(amount, currency, text):
    assert plain(Decimal(amount), currency) == text
    assert Decimal(text) == Decimal(amount)


def test_most_currencies_have_two_decimals():
    assert [minor_digits(code) for code in ("EUR", "USD", "JPY", "TND", "CLF", "XXX")] == [2, 2, 0, 3, 4, 2]
