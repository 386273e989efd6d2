"""What uses cost under the terms that stand in their entries.

A charge has a key: the use itself, the record and day, the record and month, the record and project, or the
record alone (`flat`). It stands on the earliest use with that key. What is owed for a period is what is owed
at its end without what was owed at its beginning; so periods that follow each other add up to the whole, a
month or a flat amount is never billed twice, and a void takes back what an earlier statement billed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from bodyscan.consent.record import PayKind, PayUnit, Purpose
from bodyscan.ledger.currency import EXACT, payable
from bodyscan.ledger.entry import Entry
from bodyscan.ledger.use import EntryKind

Key = tuple[str, ...]

NOT_STATED = "revenue not stated"
CHECK_PICTURE = "check picture of the making: listed, not billed"
UNPAID = "unpaid"


@dataclass(frozen=True)
class Charge:
    """An amount that is owed."""

    key: Key
    sequence: int
    """The entry on which it stands."""
    amount: Decimal
    """Exact."""
    currency: str
    due: date
    """UTC."""


def charge_of(entry: Entry) -> Charge | str:
    """Return what a use costs where it is the first with its key, or why it costs nothing.

    Raises `ValueError` for an entry that is no use.
    """
    terms = entry.pay
    if terms is None or not entry.is_use:
        raise ValueError(f"entry {entry.sequence} is no use")
    making = entry.purpose is Purpose.MAKE_TWIN
    if terms.kind is PayKind.UNPAID:
        return UNPAID
    if making and entry.kind is EntryKind.RENDER:
        return CHECK_PICTURE
    if terms.kind is PayKind.SHARE:
        if entry.revenue is None or entry.currency is None:
            return "for the making of the twin: not billed by share" if making else NOT_STATED
        amount = EXACT.multiply(Decimal(entry.revenue), Decimal(terms.share_percent or "0")).scaleb(-2, EXACT)
        return _charge(entry, ("share", str(entry.sequence)), amount, entry.currency)
    if terms.kind is PayKind.FLAT:
        return _charge(entry, ("flat", *_terms_key(entry)), Decimal(terms.amount or "0"), terms.currency)
    unit = terms.unit
    if making and (entry.kind is not EntryKind.TWIN or unit not in (PayUnit.USE, PayUnit.TWIN)):
        return f"for the making of the twin: not billed by {unit}"
    if unit in (PayUnit.TWIN, PayUnit.RENDER, PayUnit.EXPORT) and str(unit) != str(entry.kind):
        return f"billed by {unit}: a {entry.kind} costs nothing"
    return _per_use(entry, unit or PayUnit.USE)


def _per_use(entry: Entry, unit: PayUnit) -> Charge:
    terms = entry.pay
    assert terms is not None
    amount = Decimal(terms.amount or "0")
    if unit is PayUnit.DAY:
        key = ("day", *_terms_key(entry), f"{entry.at:%Y-%m-%d}")
    elif unit is PayUnit.MONTH:
        key = ("month", *_terms_key(entry), f"{entry.at:%Y-%m}")
    elif unit is PayUnit.PROJECT:
        # Without a reference each use is a project of its own: leaving it out saves nobody money.
        key = ("project", *_terms_key(entry), entry.reference or str(entry.sequence))
    else:
        key = ("use", str(entry.sequence))
        amount = EXACT.multiply(amount, Decimal(entry.units or 1))
    return _charge(entry, key, amount, terms.currency)


def _terms_key(entry: Entry) -> tuple[str, ...]:
    terms = entry.pay
    return entry.record or "", (terms.to_text() if terms else "")


def _charge(entry: Entry, key: Key, amount: Decimal, currency: str | None) -> Charge:
    days = entry.pay.due_days if entry.pay else 0
    return Charge(key, entry.sequence, amount, currency or "", entry.at.date() + timedelta(days=days))


def charges_at(entries: Iterable[Entry], moment: datetime) -> dict[Key, Charge]:
    """Return everything that is owed for the uses before `moment` (UTC), by key.

    Voids before `moment` are taken off. `entries` are one person's, in any order.
    """
    before = [entry for entry in entries if entry.at < moment]
    voided = {entry.voids for entry in before if entry.kind is EntryKind.VOID}
    found: dict[Key, Charge] = {}
    for entry in sorted(before, key=lambda each: (each.at, each.sequence)):
        if entry.is_use and entry.sequence not in voided:
            charge = charge_of(entry)
            if isinstance(charge, Charge):
                found.setdefault(charge.key, charge)
    return found


@dataclass(frozen=True)
class Line:
    """One entry of a period, and what it adds to the bill."""

    entry: Entry
    amount: Decimal | None
    """Exact; negative where a void takes back what was billed before; None where nothing is added."""
    currency: str
    due: date | None
    note: str
    """Why nothing is added, or to what a correction belongs."""


def lines_of(entries: Iterable[Entry], begin: datetime, end: datetime) -> tuple[Line, ...]:
    """Return a line for each of a person's entries from `begin` (included) to `end` (excluded), UTC.

    In the order of their times. `entries` must hold all of the person's entries before `end`.
    """
    known = {entry.sequence: entry for entry in entries}
    before, after = charges_at(known.values(), begin), charges_at(known.values(), end)
    new = {charge.sequence: charge for key, charge in after.items() if key not in before}
    voids = {each.voids: each for each in known.values() if each.voids is not None and each.at < end}
    credits = _credits(known, voids, {key: value for key, value in before.items() if key not in after})
    period = [entry for entry in known.values() if begin <= entry.at < end]
    lines = []
    for entry in sorted(period, key=lambda each: (each.at, each.sequence)):
        if entry.kind is EntryKind.ERASE:
            continue
        if entry.kind is EntryKind.VOID:
            lines.append(_void_line(entry, credits.get(entry.sequence)))
        elif entry.sequence in voids:
            lines.append(Line(entry, None, "", None, f"voided by entry {voids[entry.sequence].sequence}"))
        else:
            lines.append(_use_line(entry, new.get(entry.sequence), after))
    return tuple(lines)


def _use_line(entry: Entry, charge: Charge | None, after: Mapping[Key, Charge]) -> Line:
    if charge is not None:
        return Line(entry, charge.amount, charge.currency, charge.due, "")
    found = charge_of(entry)
    if isinstance(found, str):
        return Line(entry, None, "", None, found)
    return Line(entry, None, "", None, f"in the {found.key[0]} amount of entry {after[found.key].sequence}")


def _void_line(entry: Entry, credit: Charge | None) -> Line:
    if credit is None:
        return Line(entry, None, "", None, f"voids entry {entry.voids}")
    return Line(
        entry,
        -credit.amount,
        credit.currency,
        entry.at.date(),
        f"voids entry {entry.voids}; takes back what entry {credit.sequence} was billed with",
    )


def _credits(
    known: Mapping[int, Entry], voids: Mapping[int, Entry], gone: Mapping[Key, Charge]
) -> dict[int, Charge]:
    """The void that took each charge back: the last one of a use with the charge's key."""
    found: dict[int, Charge] = {}
    last: dict[Key, Entry] = {}
    for voided, void in voids.items():
        target = known.get(voided)
        charge = charge_of(target) if target is not None and target.is_use else ""
        if isinstance(charge, Charge) and charge.key in gone:
            kept = last.get(charge.key)
            if kept is None or (void.at, void.sequence) > (kept.at, kept.sequence):
                last[charge.key] = void
    for key, void in last.items():
        found[void.sequence] = gone[key]
    return found


@dataclass(frozen=True)
class Total:
    """What is owed in one currency."""

    currency: str
    exact: Decimal
    rounded: Decimal
    """Half to even at the currency's minor unit; the only rounding there is."""


def totals_of(lines: Iterable[Line]) -> tuple[Total, ...]:
    """Return the sums by currency, in alphabetical order."""
    sums: dict[str, Decimal] = {}
    for line in lines:
        if line.amount is not None:
            sums[line.currency] = EXACT.add(sums.get(line.currency, Decimal(0)), line.amount)
    return tuple(Total(code, exact, payable(exact, code)) for code, exact in sorted(sums.items()))
