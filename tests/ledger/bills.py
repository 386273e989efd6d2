"""A ledger with a month of one person's uses under several terms, and its statement."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bodyscan.consent.record import PayKind, PayUnit
from bodyscan.ledger import (
    Checkpoint,
    Ledger,
    Statement,
    add_checkpoint,
    agreement_of,
    find_person,
    make_statement,
)
from bodyscan.ledger.terms import PayTerms
from consent.people import STUDIO, record, signed
from ledger.uses import BENS, NOW, open_new, use

JUNE, JULY, AUGUST = (datetime(2026, month, 1, tzinfo=UTC) for month in (6, 7, 8))
END = datetime(2026, 6, 30, 12, tzinfo=UTC)
ANNAS = agreement_of(record(), signed())
SHARES = replace(
    ANNAS,
    record_id="00000000-0000-4000-8000-00000000000a",
    terms=PayTerms(kind=PayKind.SHARE, share_percent="7.5", due_days=60),
)
BY_DAY = replace(
    ANNAS,
    record_id="00000000-0000-4000-8000-00000000000b",
    terms=PayTerms(kind=PayKind.PER_USE, unit=PayUnit.DAY, amount="180", currency="EUR", due_days=14),
)


def days(count: float) -> datetime:
    return NOW + timedelta(days=count)


def june(folder: Path) -> Ledger:
    """Return a ledger of June: 10 entries of Anna and 2 of Ben."""
    ledger = open_new(folder)
    making = {"purpose": "make_twin", "territory": None, "medium": None, "twin_id": "0123456789abcdef"}
    ledger.append(use("twin", ANNAS, kind="twin", **making))
    ledger.append(use("check", ANNAS, **making))
    ledger.append(use("ben 1", BENS))
    ledger.append(use("look", ANNAS, at=days(1), reference="=Spring", licensee="Shop", units=12))
    ledger.append(use("rejected", ANNAS, at=days(2), reference="=Spring"))
    ledger.append(use("board 1", BY_DAY, at=days(3), medium="print", reference="Boards <north>"))
    ledger.append(use("board 2", BY_DAY, at=days(3), medium="print", reference="Boards <north>"))
    ledger.append(use("game 1", SHARES, at=days(4), revenue="1234.57", currency="EUR"))
    ledger.append(use("game 2", SHARES, at=days(5), revenue="900.00", currency="USD"))
    ledger.append(use("game 3", SHARES, at=days(6)))
    ledger.append(use("ben 2", BENS, at=days(6)))
    ledger.void(5, days(7), "rejected by the client")
    return ledger


def june_statement(folder: Path) -> tuple[Statement, Checkpoint]:
    """Return Anna's statement for June and the checkpoint that she was handed."""
    with june(folder) as ledger:
        handed = add_checkpoint(ledger, STUDIO, END)
        return make_statement(ledger, find_person(ledger, "Anna 7"), JUNE, JULY, END), handed
