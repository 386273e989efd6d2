"""Small questions about a record that several profiles ask."""

from __future__ import annotations

import calendar
import re
from datetime import datetime, timedelta
from decimal import Decimal

from bodyscan.consent.record import (
    ALL_PRODUCT_LINES,
    ConsentRecord,
    DataCategory,
    Medium,
    PayKind,
    ProhibitedUse,
    RepresentationKind,
)

MIN_WORDS = 8
"""A description of fewer words names no use in particular. The number is this program's yardstick."""

BLANKET = (
    "any and all",
    "any purpose",
    "all purposes",
    "any use",
    "all uses",
    "unlimited use",
    "without limitation",
    "in perpetuity",
    "perpetual",
    "irrevocabl",
    "throughout the universe",
    "now known or hereafter",
    "alle zwecke",
    "unwiderruflich",
    "zeitlich unbegrenzt",
    "tous usages",
    "irrévocabl",
    "perpétuité",
    "todos los usos",
    "perpetuidad",
    "irrevocabil",
    "in perpetuo",
)
"""Phrases (English, German, French, Spanish, Italian) of descriptions that describe nothing, or that deny
what the record grants: an end and a way back. Looked for in lower case."""

MAX_COMMISSION = Decimal(20)
"""Per cent; N.Y. Labor Law section 1035(7)."""

LIKENESS_DATA = frozenset(
    {DataCategory.FACE_SHAPE, DataCategory.BODY_SHAPE, DataCategory.SKIN_TEXTURE, DataCategory.MOTION}
)
"""Data that may identify a person by their body or tell of their health (GDPR article 4, points 14, 15)."""

_DURATION = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?")


def blanket_phrases(text: str) -> tuple[str, ...]:
    """Return the phrases of `BLANKET` that stand in a text."""
    lower = " ".join(text.casefold().split())
    return tuple(phrase for phrase in BLANKET if phrase in lower)


def describes_uses(record: ConsentRecord, now: datetime) -> bool:
    """True where the description has at least `MIN_WORDS` words and no blanket phrase."""
    text = record.scope.description
    return len(re.findall(r"\w+", text)) >= MIN_WORDS and not blanket_phrases(text)


def own_document(record: ConsentRecord, now: datetime) -> bool:
    """True where the consent is a document of its own."""
    return record.separate_document


def signed_in_person(record: ConsentRecord, now: datetime) -> bool:
    """True where nobody signed by a power of attorney."""
    return not record.power_of_attorney


def is_paid(record: ConsentRecord, now: datetime) -> bool:
    """True where the record states pay."""
    return record.pay.kind is not PayKind.UNPAID


def commission_within(record: ConsentRecord, now: datetime) -> bool:
    """True where no agency is named, or one that keeps at most 20 per cent."""
    return record.agency is None or Decimal(record.agency.commission_percent) <= MAX_COMMISSION


def is_represented(record: ConsentRecord, now: datetime) -> bool:
    """True where legal counsel or a labour union stood by the person."""
    return record.subject.representation is not None


def by_union_agreement(record: ConsentRecord, now: datetime) -> bool:
    """True where a labour union stood by the person and the collective agreement is named."""
    representation = record.subject.representation
    return (
        representation is not None
        and representation.kind is RepresentationKind.UNION
        and representation.agreement is not None
    )


def names_product_lines(record: ConsentRecord, now: datetime) -> bool:
    """True where the record names the product lines it is for."""
    return ALL_PRODUCT_LINES not in record.scope.product_lines


def has_notice(record: ConsentRecord, now: datetime) -> bool:
    """True where the record names the information that was given."""
    return record.notice is not None


def notice_before_start(record: ConsentRecord, hours: int = 0) -> bool:
    """True where no notice is named, or one given at least `hours` before the term begins."""
    return record.notice is None or record.notice.given_at + timedelta(hours=hours) <= record.term.not_before


def prohibits(record: ConsentRecord, *uses: ProhibitedUse) -> bool:
    """True where the record prohibits each of these uses."""
    return set(uses) <= set(record.scope.prohibited_uses)


def is_public(record: ConsentRecord) -> bool:
    """True where pictures may be seen outside the controller's house."""
    return set(record.scope.media) != {Medium.INTERNAL}


def years_later(time: datetime, years: int) -> datetime:
    """Return the same day `years` later; 29 February becomes 28 February where there is none."""
    return after(time, f"P{years}Y")


def after(time: datetime, duration: str) -> datetime:
    """Return `time` moved on by an ISO 8601 duration of years, months and days, such as `P1Y6M`.

    A day that the month does not have becomes its last one. Times past the year 9999 are its last second.
    Raises `ValueError` where the text is no such duration.
    """
    match = _DURATION.fullmatch(duration)
    if match is None or match[0] == "P":
        raise ValueError(f"{duration!r} is no duration of years, months and days, such as P3Y")
    years, months, days = (int(part or 0) for part in match.groups())
    month_index = time.month - 1 + months
    year, month = time.year + years + month_index // 12, month_index % 12 + 1
    end = datetime.max.replace(microsecond=0, tzinfo=time.tzinfo)
    if year > end.year:
        return end
    day = min(time.day, calendar.monthrange(year, month)[1])
    moved = time.replace(year=year, month=month, day=day)
    return end if end - moved < timedelta(days=days) else moved + timedelta(days=days)
