"""Words and dates that the rules go by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodyscan.consent.lint.checks import after, blanket_phrases, describes_uses, years_later
from bodyscan.consent.lint.eu_ai_act import ARTIFICIAL
from consent.lint.fair import fair_record
from consent.people import NOW


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("begin", "duration", "end"),
    [
        ("2026-01-31", "P1M", "2026-02-28"),
        ("2024-02-29", "P1Y", "2025-02-28"),
        ("2024-02-29", "P4Y", "2028-02-29"),
        ("2026-11-15", "P3M", "2027-02-15"),
        ("2026-01-01", "P1Y6M10D", "2027-07-11"),
        ("2026-12-31", "P90D", "2027-03-31"),
        ("2026-06-01", "P7975Y", "9999-12-31T23:59:59"),
        ("9999-12-01", "P90D", "9999-12-31T23:59:59"),
    ],
)
def test_time_moves_on_by_a_duration(begin: str, duration: str, end: str):
    assert after(day(begin), duration) == day(end)


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)), st.integers(0, 999))
def test_days_count_as_days(begin: datetime, days: int):
    begin = begin.replace(tzinfo=UTC)
    assert after(begin, f"P{days}D") - begin == timedelta(days=days)


@given(st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2100, 1, 1)), st.integers(0, 300))
def test_twelve_months_are_a_year(begin: datetime, years: int):
    begin = begin.replace(tzinfo=UTC)
    assert years_later(begin, years) == after(begin, f"P{12 * years}M")


@pytest.mark.parametrize("text", ["P", "", "3Y", "PT1H", "P1W", "P1.5Y", "-P1Y"])
def test_other_durations_are_refused(text: str):
    with pytest.raises(ValueError, match="no duration of years, months and days"):
        after(NOW, text)


@pytest.mark.parametrize(
    "text",
    [
        "Any and  all uses",
        "the grant is IRREVOCABLE",
        "für alle Zwecke",
        "zeitlich unbegrenzt",
        "usage irrévocable",
        "a perpetuidad",
        "throughout the universe",
    ],
)
def test_a_blanket_phrase_is_seen(text: str):
    assert blanket_phrases(text)


def test_plain_words_are_no_blanket_phrase():
    assert blanket_phrases("Virtual try-on of the spring collection in the web shop of Atelier.") == ()


def test_a_description_has_eight_words():
    for words, enough in ((7, False), (8, True)):
        record = fair_record(scope__description=" ".join(["wear"] * words))
        assert describes_uses(record, NOW) is enough


@pytest.mark.parametrize(
    "label",
    ["AI-generated", "Synthetic · digital twin", "KI-generiert", "Image générée par IA", "Computer image",
     "künstlich erzeugt", "Imagen sintética", "Virtual model"],
)  # fmt: skip
def test_a_label_says_that_a_picture_is_artificial(label: str):
    assert ARTIFICIAL.search(label.casefold())


@pytest.mark.parametrize("label", ["Atelier", "Main street", "Photo: Anna", "Kin", "said"])
def test_other_labels_do_not(label: str):
    assert not ARTIFICIAL.search(label.casefold())
