"""Random records and random uses of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from bodyscan.consent.policy import Use
from bodyscan.consent.record import AI_PURPOSES, ConsentRecord, Medium, Modification, ProhibitedUse, Purpose
from consent.lint.fair import fair_child, fair_record
from consent.people import NOW, SHOP

PLACES = ("DE", "DE-BY", "US-CA", "US", "FR")
LINES = ("shoes", "spring collection")
IN_SCOPE = [purpose for purpose in Purpose if purpose not in AI_PURPOSES]
BEGIN, END = (datetime(year, 1, 1, tzinfo=UTC) for year in (2026, 2027))
PAYS: tuple[dict[str, Any], ...] = (
    {"kind": "unpaid"},
    {"kind": "share", "share_percent": "7.5", "due_days": 30, "account": "ref-77"},
    {"kind": "flat", "amount": "900", "currency": "EUR", "due_days": 0, "account": "ref-77"},
    {
        "kind": "per_use", "amount": "12.50", "currency": "EUR", "unit": "render", "due_days": 30,
        "account": "ref-77",
    },
)  # fmt: skip


def some(values: Any) -> st.SearchStrategy[list[Any]]:
    """Return one or more of the values, each once."""
    return st.lists(st.sampled_from(list(values)), min_size=1, unique=True)


@st.composite
def records(draw: st.DrawFn) -> ConsentRecord:
    """Return a record of an adult or a child, for any uses."""
    purposes = draw(some(IN_SCOPE))
    handed_on = draw(st.sampled_from(["licensees", "anyone"])) if Purpose.EXPORT in purposes else "none"
    places: dict[str, Any] = {
        "scope__purposes": [str(purpose) for purpose in purposes],
        "scope__redistribution": handed_on,
        "scope__territories": draw(st.just(["worldwide"]) | some(PLACES)),
        "scope__media": draw(st.just(["all"]) | some(["web", "print", "game"])),
        "scope__product_lines": draw(st.just(["all"]) | some(LINES)),
        "scope__prohibited_uses": draw(st.just([]) | some(["alcohol", "political"])),
        "scope__modification": str(draw(st.sampled_from(Modification))),
        "scope__exclusivity": draw(st.sampled_from(["none", "product_lines", "full"])),
        "ai": {field: draw(st.booleans()) for field in AI_PURPOSES.values()},
        "licensees": draw(st.sampled_from([[], [{"name": "Shop", "public_key": SHOP.public.model_dump()}]])),
        "pay": draw(st.sampled_from(PAYS)),
        "data__lawful_basis": draw(st.sampled_from(["explicit_consent", "consent", "contract"])),
        "data__places": draw(st.sampled_from([["DE"], ["US-CA", "XK"], ["worldwide"]])),
        "withdrawal__effect": draw(st.sampled_from(["stop_new_uses", "stop_and_delete"])),
        "demo": draw(st.booleans()),
    }
    places["subject__pseudonym"] = "DEMO Anna" if places["demo"] else "Anna 7"
    if draw(st.booleans()):
        places["withdrawal__status"] = None
    if draw(st.booleans()):
        places["notice"] = None
    if draw(st.booleans()):
        return fair_child(**places, subject__adult_from="2026-09-01T00:00:00Z")
    return fair_record(**places)


SPOILED: tuple[dict[str, Any], ...] = (
    {"territory": "GB"},
    {"medium": Medium.SOCIAL},
    {"product_line": "wine"},
    {"licensee": "Stranger"},
    {"when": BEGIN - timedelta(seconds=1)},
    {"when": END},
    {"content": (ProhibitedUse.ALCOHOL,)},
    {"purpose": Purpose.AI_TRAINING},
)
"""One fact each that a record may not allow."""


@st.composite
def near(draw: st.DrawFn, record: ConsentRecord) -> Use:
    """Return a use whose facts are those that the record names, but for one at most."""
    scope = record.scope
    allowed_ai = [purpose for purpose, field in AI_PURPOSES.items() if getattr(record.ai, field)]
    use = Use(
        draw(st.sampled_from([*scope.purposes, *allowed_ai])),
        draw(st.sampled_from(PLACES if "worldwide" in scope.territories else scope.territories)),
        draw(st.sampled_from(list(Medium) if Medium.ALL in scope.media else scope.media)),
        draw(st.sampled_from([NOW, BEGIN, END - timedelta(seconds=1)])),
        draw(st.sampled_from(["Atelier", *(licensee.name for licensee in record.licensees)])),
        draw(st.sampled_from(LINES if "all" in scope.product_lines else scope.product_lines)),
    )
    return replace(use, **draw(st.sampled_from(SPOILED))) if draw(st.booleans()) else use


def uses() -> st.SearchStrategy[Use]:
    """Return a use of which every fact is stated."""
    moments = st.sampled_from([NOW, BEGIN, END - timedelta(seconds=1), END, datetime(2026, 9, 1, tzinfo=UTC)])
    return st.builds(
        Use,
        st.sampled_from(Purpose),
        st.sampled_from([*PLACES, "DE-BE", "GB", "worldwide"]),
        st.sampled_from(Medium),
        moments,
        st.sampled_from(["Atelier", "Shop", "Stranger"]),
        st.sampled_from([*LINES, "wine"]),
        st.lists(st.sampled_from(ProhibitedUse), max_size=2, unique=True).map(tuple),
    )
